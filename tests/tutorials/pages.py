"""What a tutorial page is made of, and how it is run.

```python        code that is run, top to bottom, in one namespace, in the folder of the page
```text          directly after it: exactly what that code prints
```text rtol=..  the same, where numbers may differ that much on another machine
```py            a quotation of minigen's source; a line `...` stands for what is left out
```math          a display equation
```shell         a command for the reader; nothing runs it (sh would be a cell of a notebook)
"""

import contextlib
import io
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

FOLDER = Path(__file__).parents[2] / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))

FENCE = re.compile(r"^```(\w+)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the rest of its first line, its content, its first line."""

    kind: str
    info: str
    content: str
    line: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(m[1], m[2].strip(), m[3], text.count("\n", 0, m.start(3)) + 1)
        for m in FENCE.finditer(text)
    ]


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


def prose(text: str) -> str:
    """A page without its fenced blocks and its code in the line."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def tags(text: str) -> list[str]:
    r"""The tags that its displays define, as in \tag{V2}, in order."""
    displays = (block.content for block in blocks(text) if block.kind == "math")
    return [tag for display in displays for tag in re.findall(r"\\tag\{([^}]*)\}", display)]


def images(text: str) -> list[str]:
    """The files of the pictures that a page shows."""
    return re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
