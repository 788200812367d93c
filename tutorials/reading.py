"""What the pages hold, how long they take to read, and their order; for the site and the tests.

```python        code that is run, top to bottom, in one namespace, in the folder of the page
```python tags=["hide-input"]  the same; the site folds it, for it only draws
```text          directly after it: exactly what that code prints
```text rtol=..  the same, where numbers may differ that much on another machine
```py            a quotation of minigen's source; a line `...` stands for what is left out
```math          a display equation
```shell         a command for the reader; nothing runs it (sh would be a cell of a notebook)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)]*)\)")
FORMULA = re.compile(r"\$[^$\n]+\$")
REFERENCE = re.compile(r"\(([A-Z]\d+|[A-Z]?\d{1,2}\.\d{1,2})\)")  # (V4), (4.14), (D4.2)
TAG = re.compile(r"\\tag\{([^}]*)\}")
ASIDE = re.compile(
    r"<details>.*?</details>|^## (?:Exercises|Answers|Sources)$.*?(?=^## |^Next: |^Back to: |\Z)",
    re.MULTILINE | re.DOTALL,
)


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


def prose(text: str) -> str:
    """A page without its fenced blocks and its code in the line."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def headings(text: str) -> dict[str, str]:
    """The words of each heading by its anchor, as GitHub makes them of one another."""
    found = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", words).strip().lower().replace(" ", "-"): words for words in found
    }


def references(text: str) -> list[str]:
    """The tags that its words refer to, as in (V2), in order.

    Headings and links are no place for one, but for a link with no other words.
    """
    elsewhere = r"^#+ .*$|\[(?!\([^()]*\)\])[^\]]*\]\([^)]*\)"
    spoken = re.sub(elsewhere, "", FORMULA.sub("", prose(text)), flags=re.MULTILINE)
    return REFERENCE.findall(spoken)


def images(text: str) -> list[str]:
    """The files of the pictures that a page shows."""
    return IMAGE.findall(prose(text))


def tags(text: str) -> list[str]:
    r"""The tags that its displays define, as in \tag{V2}, in order."""
    shown = "".join(block.content for block in blocks(text) if block.kind == "math")
    return TAG.findall(shown)


def words(text: str) -> int:
    """The words that a reader reads: a formula is one, code and pictures are none.

    Answers, exercises and sources are not counted: they are for some readers, or for later.
    """
    spoken = IMAGE.sub("", ASIDE.sub("", prose(text)))
    return len(FORMULA.sub("x", spoken).split())


def displays(text: str) -> int:
    """The number of its display equations."""
    return sum(block.kind == "math" for block in blocks(text))


def code_lines(text: str) -> int:
    """The lines of code that run, blank ones left out."""
    code = "".join(block.content for block in blocks(text) if block.kind == "python")
    return sum(bool(line.strip()) for line in code.splitlines())


def minutes(text: str) -> float:
    """How long a page takes: 180 words a minute, a minute a display, 6 seconds a line of code."""
    return words(text) / 180 + displays(text) + code_lines(text) / 10


def first_figure_after(text: str) -> int | None:
    """The number of words before a page's first picture, None where it has none."""
    spoken = prose(text)
    first = IMAGE.search(spoken)
    return words(spoken[: first.start()]) if first else None


def group(page: Path) -> str:
    """The caption under which the site lists a page."""
    if re.match(r"\d\d-", page.name):
        return "The course"
    return "Deeper" if page.name.startswith("deeper-") else "Reference"


def groups(pages: Iterable[Path]) -> dict[str, list[Path]]:
    """The pages but for the front page, `index.md`, in the site's order.

    A deeper page has the place of the lesson that its last link leads back to.
    """
    found: dict[str, list[Path]] = {"The course": [], "Deeper": [], "Reference": []}
    for page in sorted(pages):
        if page.name != "index.md":
            found[group(page)].append(page)
    found["Deeper"].sort(key=lambda page: last_link(page.read_text("utf-8")))
    return found


def last_link(text: str) -> str:
    """Where the last link of a page leads: to the next lesson, or back to one."""
    return (re.findall(r"\]\(([^)\s]+)\)", prose(text)) or [""])[-1]
