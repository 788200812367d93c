"""The founding article's page: 41 rows, each derived, coded and checked where the row says."""

import re
from pathlib import Path

import pytest

import minigen
from minigen.gradcheck.derivations import DERIVATIONS
from tests.tutorials import pages

PAGE = pages.FOLDER / "article.md"
ROOT = pages.FOLDER.parent
PACKAGE = Path(minigen.__file__).parent
ROWS = re.findall(r"^\| (\d+) \| (.*) \| (.*) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
SLIPS = {"13", "15", "17", "21", "22", "24", "32", "40"}

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])


def named(words: str) -> list[tuple[Path, str]]:
    """What code in the line names, as in `nn/losses.py: mse`: the file, and what is in it."""
    found = re.findall(r"`(\S+\.py): (\w+)`", words)
    return [((ROOT if file.startswith("tests/") else PACKAGE) / file, name) for file, name in found]


def test_there_are_41_rows_in_order() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 42)]


@each_row
def test_a_row_is_derived_at_a_tag_or_in_a_section(row: tuple[str, ...]) -> None:
    links = re.findall(r"\[([^\]]*)\]\(([^)#]*)(?:#([^)]*))?\)", row[2])
    assert links, "no link"
    for words, file, anchor in links:
        page = pages.FOLDER / file if file else PAGE
        tag = re.fullmatch(r"\((\w+)\)", words)
        assert tag or anchor, f"{words}: a link to a tag or a section"
        if tag:
            assert tag[1] in pages.tags(page.read_text()), f"{page.name} does not derive {words}"
        else:
            assert anchor in pages.headings(page.read_text()), (
                f"{page.name} has no section {anchor}"
            )


@each_row
def test_a_row_is_coded_and_checked(row: tuple[str, ...]) -> None:
    found = named(row[3])
    for file, name in found:
        what = f"def {name}" if PACKAGE not in file.parents else name
        assert re.search(rf"\b{what}\b", file.read_text()), f"{file} has no {name}"
    assert any(PACKAGE in file.parents for file, _ in found), "no code"
    tags = re.findall(r"`gradcheck (\w+)`", row[3])
    assert set(tags) <= {derivation.tag for derivation in DERIVATIONS}
    tested = any(ROOT / "tests" in file.parents for file, _ in found)
    assert tested or tags or row[3].endswith("the cell below"), "no check"


def test_the_slips_are_named_with_a_section_each() -> None:
    links = {row[0]: re.findall(r"\[slips\]\(#([^)]*)\)", row[1]) for row in ROWS}
    assert {number for number, found in links.items() if found} == SLIPS
    assert {anchor for found in links.values() for anchor in found} <= set(
        pages.headings(PAGE.read_text())
    )


def test_the_three_drawings() -> None:
    """As files that suit a light page and a dark one."""
    for name in ("ae", "vae", "gan"):
        drawing = (pages.FOLDER / "figures" / f"diagram-{name}.svg").read_text()
        assert "prefers-color-scheme: dark" in drawing
