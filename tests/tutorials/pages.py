"""How a tutorial page is run, and held against what it prints and quotes.

tutorials/reading.py says what a page is made of.
"""

import contextlib
import io
import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from tutorials.reading import (
    FENCE,
    FORMULA,
    Block,
    blocks,
    displays,
    first_figure_after,
    groups,
    headings,
    images,
    last_link,
    minutes,
    prose,
    references,
    tags,
    words,
)

__all__ = [
    "DEEPER",
    "FENCE",
    "FOLDER",
    "FORMULA",
    "INDEX",
    "LESSONS",
    "PAGES",
    "REFERENCE",
    "Block",
    "agree",
    "blocks",
    "displays",
    "expected",
    "first_figure_after",
    "groups",
    "headings",
    "images",
    "last_link",
    "minutes",
    "prose",
    "quotes",
    "references",
    "run",
    "stills",
    "tags",
    "words",
]

FOLDER = Path(__file__).parents[2] / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))
INDEX = FOLDER / "index.md"
LESSONS, DEEPER, REFERENCE = groups(PAGES).values()

NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?")


def run(page: Path) -> list[tuple[Block, str]]:
    """Run a page's code in the current folder; each piece of code with what it printed.

    An error's traceback names the page and the line. Settings of Matplotlib and of NumPy's
    printing that the page makes end with it.
    """
    plt.switch_backend("agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    outputs = []
    try:
        with mpl.rc_context(), np.printoptions():
            for block in blocks(page.read_text()):
                if block.kind == "python":
                    code = "\n" * (block.line - 1) + block.content
                    printed = io.StringIO()
                    with contextlib.redirect_stdout(printed):
                        exec(compile(code, page, "exec"), namespace)
                    outputs.append((block, printed.getvalue()))
    finally:
        plt.close("all")
    return outputs


def expected(text: str) -> dict[int, Block]:
    """The text block that directly follows a piece of code, by the code's first line."""
    found = blocks(text)
    following = {}
    for block, after in itertools.pairwise(found):
        lines = block.content.count("\n")
        between = text.splitlines()[block.line + lines : after.line - 2]
        if block.kind == "python" and after.kind == "text" and not any(between):
            following[block.line] = after
    return following


def agree(printed: str, shown: Block | None) -> bool:
    """Whether the code printed what the page shows; nothing shown means that nothing is printed."""
    if shown is None:
        return printed == ""
    rtol = float(shown.info.removeprefix("rtol=") or 0)
    if rtol == 0:
        return printed == shown.content
    words = [
        "".join(NUMBER.sub("#", text).replace("#.", "#").split())
        for text in (printed, shown.content)
    ]
    numbers = [
        [float(number.replace(",", "")) for number in NUMBER.findall(text)]
        for text in (printed, shown.content)
    ]
    return words[0] == words[1] and all(
        math.isclose(a, b, rel_tol=rtol) for a, b in zip(*numbers, strict=True)
    )


def quotes(quotation: str, source: str) -> bool:
    """Whether each segment between lines `...` stands in the source, in order, in one piece.

    Indentation and blank lines may differ.
    """
    rest = _bare(source)
    for segment in re.split(r"^\s*\.\.\.\s*$", quotation, flags=re.MULTILINE):
        lines = _bare(segment)
        places = (i for i in range(len(rest)) if rest[i : i + len(lines)] == lines)
        place = next(places, None)
        if lines and place is None:
            return False
        rest = rest[(place or 0) + len(lines) :]
    return True


def _bare(code: str) -> Sequence[str]:
    return [line.strip() for line in code.splitlines() if line.strip()]


def stills(shown: Sequence[str]) -> list[str]:
    """The pictures and, for each that moves, the one that stands in where motion is not wanted."""
    return [*shown, *(re.sub(r"gif$", "png", name) for name in shown if name.endswith(".gif"))]
