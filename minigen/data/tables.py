"""Tables as text: a row of numbers a line, perhaps below a header."""

import io
import itertools
import reprlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigen.data.files import damage_refused, open_regular
from minigen.errors import MinigenError

SEPARATORS = ",;\t"
SHOWN = 5  # names of a header
LONGEST_LINE = 2**22  # characters


def read_csv(path: Path) -> tuple[NDArray[np.float32], list[str]]:
    """Read a table of numbers, and note its header, if its first line is one.

    All columns are values: one of labels is not guessed.

    Raises:
        MinigenError: it cannot be opened, is no text, has lines of different lengths, or holds
            anything but numbers; says where.
    """
    with (
        damage_refused(path),
        open_regular(path) as (stream, _),
        io.TextIOWrapper(stream, encoding="utf-8-sig") as text,
    ):
        filled = _lines(text, path)
        place = first = next(filled, (0, ""))
        separator = next((mark for mark in SEPARATORS if mark in first[1]), ",")
        names = _cells(first[1], separator)
        header = not any(map(_is_number, names))

        def rows() -> Iterator[str]:
            nonlocal place
            for place in filled if header else itertools.chain([first], filled):
                yield place[1]

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there are no rows, which is refused later
                table = np.loadtxt(
                    rows(), np.float32, comments=None, delimiter=separator, quotechar='"', ndmin=2
                )
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            number, line = place
            fault = _fault(_cells(line, separator), len(names), names if header else ())
            raise MinigenError(
                f"{path}: line {number}: {fault or error}; give numbers, as many in each line, and "
                "leave other columns out"
            ) from None
    more = " ..." if len(names) > SHOWN else ""
    note = f"the first line is a header: {', '.join(names[:SHOWN])}{more}"
    return table, [note] if header else []


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, and their numbers; memory does not grow with a lost newline."""
    for number in itertools.count(1):
        line = text.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE:
            raise MinigenError(
                f"{path}: line {number} has {LONGEST_LINE:,} characters or more; give a row a line"
            )
        if not line:
            return
        if line.strip():
            yield number, line


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _fault(cells: Sequence[str], width: int, names: Sequence[str]) -> str:
    """The fault of a line below these names, or below a line of so many numbers."""
    if len(cells) != width:
        return f"has {len(cells)} values, and the first line has {width}"
    for i, cell in enumerate(cells):
        if not _is_number(cell):
            column = reprlib.repr(names[i]) if names else i + 1
            return f"column {column} holds {reprlib.repr(cell)}, no number"
    return ""
