"""Checkpoints: named arrays and a JSON header in one .npz file, replaced whole or not at all."""

import json
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigen.backend import Array, to_numpy
from minigen.data.files import Reader, open_archive
from minigen.errors import MinigenError
from minigen.workshop.atomic import replacing

FORMAT = 3
NO_HEADER = (ValueError, KeyError, TypeError, RecursionError)

Header = dict[str, Any]
ReadArrays = Callable[[Mapping[str, Array]], dict[str, np.ndarray]]


def save(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write atomically: whoever opens `path`, at any moment, finds a complete checkpoint.

    The file is a plain .npz, readable with numpy.load, with the header as JSON in the bytes of the
    array "header". Equal content gives equal bytes.

    Args:
        path: the file to write or to replace.
        header: anything that JSON can hold.
        arrays: arrays of either backend and numbers, by name.

    Raises:
        MinigenError: an array holds NaN or infinity, the disk is full, or the folder cannot be
            written. The old file stays as it was.
    """
    text = json.dumps({"format": FORMAT, **header})
    header_bytes = np.frombuffer(text.encode(), np.uint8)
    content: dict[str, Any] = {
        name: np.asarray(array) if np.isscalar(array) else to_numpy(array)
        for name, array in arrays.items()
    }
    for name, array in content.items():
        if not np.isfinite(array).all():
            raise MinigenError(
                f"{name} holds NaN or infinity; take a lower learning rate, or rescale the data"
            )
    with replacing(path) as file:
        np.savez(file, header=header_bytes, **content)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Header, ReadArrays]]:
    """Open what `save` wrote: the header, and a function that reads the arrays, which needs for
    each name an array or a number of the right shape and dtype.

        with opened(path) as (header, read):
            arrays = read({"w": np.zeros((2, 3))})

    Raises:
        MinigenError: the file cannot be read, is damaged or of another format; from the function:
            an array is missing, unknown, of another shape or dtype, or not finite.
    """
    with open_archive(path) as members:
        yield _header(path, members), partial(_arrays, path, members)


def is_checkpoint(path: Path) -> bool:
    """Whether this is a checkpoint of minigen, of any version."""
    try:
        with open_archive(path) as members:
            return "format" in json.loads(members["header"]().tobytes())
    except (MinigenError, *NO_HEADER):
        return False


def _header(path: Path, members: Mapping[str, Reader]) -> Header:
    try:
        header: Header = json.loads(members["header"]().tobytes())
        version = header["format"]
    except NO_HEADER:
        raise MinigenError(f"{path}: the header is not one of a checkpoint; train again") from None
    if version != FORMAT:
        raise MinigenError(
            f"{path}: checkpoint format {reprlib.repr(version)}, and this minigen reads format "
            f"{FORMAT}; use the version that wrote it{_writer(header)}, or train again"
        )
    return header


def _arrays(
    path: Path, members: Mapping[str, Reader], wanted: Mapping[str, Array]
) -> dict[str, np.ndarray]:
    """These arrays, which are all that there is beside the header."""
    wrong = sorted({"header", *wanted} ^ members.keys())
    if wrong:
        what = f"without {wrong[0]}" if wrong[0] in wanted else f"with an unknown {wrong[0]}"
        raise MinigenError(
            f"{path}: a checkpoint {what[:60]}; it belongs to another model or version"
        )
    arrays = {name: members[name]() for name in wanted}
    for name, like in wanted.items():
        found, right = arrays[name], np.asarray(like) if np.isscalar(like) else like
        if (found.shape, found.dtype) != (right.shape, right.dtype):
            raise MinigenError(
                f"{path}: {name} is {found.dtype} {found.shape}, expected {right.dtype} "
                f"{right.shape}; it belongs to another model"
            )
        if not np.isfinite(found).all():
            raise MinigenError(f"{path}: {name} holds NaN or infinity; train again")
    return arrays


def _writer(header: Header) -> str:
    """The version that a header of another format names, if it does."""
    try:
        return f", minigen {header.get('config', header)['versions']['minigen']}"
    except (AttributeError, LookupError, TypeError):
        return ""
