"""The form of the course, as rules: each says what a page lacks, and nothing if all is there."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.tutorials import pages

MAX_WORDS = 1_500
MAX_DISPLAYS = 10
MAX_WORDS_BEFORE_A_FIGURE = 300
MAX_MINUTES = 240  # of the main path, the front page included
LAST_SECTIONS = [
    "What goes wrong",
    "In three lines",
    "Three questions",
    "Exercises",
    "Answers",
    "Sources",
]
ANSWER = re.compile(r"<details><summary>Answer[^<]*</summary>\n\n.+?\n\n</details>\n", re.DOTALL)


def sections(text: str) -> dict[str, str]:
    """What stands below each heading of the second level, without fenced blocks."""
    parts = re.split(r"^## (.*)$", pages.FENCE.sub("", text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def too_long(text: str) -> Iterator[str]:
    """What is too much on a page of the main path."""
    if pages.words(text) > MAX_WORDS:
        yield f"{pages.words(text)} words, more than {MAX_WORDS}"
    if pages.displays(text) > MAX_DISPLAYS:
        yield f"{pages.displays(text)} displays, more than {MAX_DISPLAYS}"
    first = pages.first_figure_after(text)
    if first is None or first > MAX_WORDS_BEFORE_A_FIGURE:
        yield f"the first figure after {first} words, later than {MAX_WORDS_BEFORE_A_FIGURE}"


def lesson(text: str, number: int, following: str | None) -> Iterator[str]:
    """What a lesson lacks: its title, its promise, its last sections, the way to the next."""
    if not text.startswith(f"# {number}. " if number else "# "):
        yield "a title with its number"
    yield from one_title(text)
    before, *_ = re.split(r"^## ", text, flags=re.MULTILINE)
    if not re.search(r"You will learn.*You need", before, re.DOTALL):
        yield "'You will learn' and 'You need' before the first section"
    found = sections(text)
    if [name for name in found if name in LAST_SECTIONS] != LAST_SECTIONS:
        yield f"the last sections {', '.join(LAST_SECTIONS)}"
        return
    if len(re.findall(r"^\s*(?:\d\.|[-*]) |(?<=\n\n)(?=\w)", found["In three lines"], re.M)) != 3:
        yield "a summary in three lines"
    for section, exact in (("Three questions", 3), ("Answers", items(found["Exercises"]))):
        if len(ANSWER.findall(found[section])) != exact or found[section].count("<det") != exact:
            yield f"{exact} folded answers in '{section}'"
    if not 3 <= items(found["Exercises"]) <= 4:
        yield "three or four exercises"
    if following is not None and not ends(text, "Next", following):
        yield f"a last line 'Next: [title]({following})'"


def deeper(text: str, lessons: list[Path]) -> Iterator[str]:
    """What a deeper page lacks: a plain title, its needs, the way back to a lesson and from it."""
    if re.match(r"# \d", text) or not text.startswith("# "):
        yield "a title without a number"
    yield from one_title(text)
    if "You need" not in text:
        yield "'You need'"
    if not any(ends(text, "Back to", page.name) for page in lessons):
        yield "a last line 'Back to: [title](lesson)'"


def front(text: str, lessons: list[Path]) -> Iterator[str]:
    """What the front page lacks: an early picture and command, and the course in its order."""
    first = pages.first_figure_after(text)
    if first is None or first > 100:
        yield f"a picture within 100 words: the first comes after {first}"
    commands = [block for block in pages.blocks(text) if block.kind == "shell"]
    place = text.find(commands[0].content) if commands else 0
    if (
        not commands
        or "minigen.train" not in commands[0].content
        or pages.words(text[:place]) > 150
    ):
        yield "the command that trains within 150 words, as the first of its commands"
    linked = dict.fromkeys(re.findall(r"\]\((\d\d-[^)#]*)", text))
    if list(linked) != [page.name for page in lessons]:
        yield "a link to each lesson, in order"


def items(section: str) -> int:
    """The number of its numbered items, which count from 1."""
    numbers = [int(n) for n in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
    return len(numbers) if all(b == a + 1 for a, b in pairwise([0, *numbers])) else 0


def one_title(text: str) -> Iterator[str]:
    if len(re.findall(r"^# ", pages.prose(text), re.MULTILINE)) != 1:
        yield "exactly one title"


def ends(text: str, word: str, page: str) -> bool:
    last = text.rstrip().splitlines()[-1]
    return bool(re.fullmatch(rf"{word}: \[.+\]\({re.escape(page)}\)", last))
