"""The founding article's page: 41 rows, each derived, coded and checked where the row says."""

import re
from pathlib import Path

import pytest

import minigen
from minigen.gradcheck.derivations import DERIVATIONS
from tests.tutorials import pages
from tests.tutorials.test_pages import anchors

PAGE = pages.FOLDER / "article.md"
ROOT = pages.FOLDER.parent
PACKAGE = Path(minigen.__file__).parent
ROWS = re.findall(r"^\| (\d+) \| (.*) \| (.*) \| (.*) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
SLIPS = {"13", "15", "17", "21", "22", "24", "32", "40"}

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])


def names(words: str) -> list[tuple[str, str]]:
    """What code in the line names, as in `nn/losses.py: mse`: the file, and what is in it."""
    return re.findall(r"`(\S+\.py): (\w+)`", words)


def holds(file: Path, name: str) -> bool:
    return bool(re.search(rf"\b{name}\b", file.read_text()))


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
            assert anchor in anchors(page.read_text()), f"{page.name} has no section {anchor}"


@each_row
def test_a_row_is_coded(row: tuple[str, ...]) -> None:
    found = names(row[3])
    assert found
    for file, name in found:
        assert holds(PACKAGE / file, name), f"{file} has no {name}"


@each_row
def test_a_row_is_checked(row: tuple[str, ...]) -> None:
    tags = re.findall(r"`gradcheck (\w+)`", row[4])
    assert names(row[4]) or tags or row[4] == "the cell below"
    assert set(tags) <= {derivation.tag for derivation in DERIVATIONS}
    for file, name in names(row[4]):
        assert holds(ROOT / file, f"def {name}"), f"{file} has no {name}"


def test_the_slips_are_named_with_a_section_each() -> None:
    named = {row[0]: re.findall(r"\[slips\]\(#([^)]*)\)", row[1]) for row in ROWS}
    assert {number for number, links in named.items() if links} == SLIPS
    assert {anchor for links in named.values() for anchor in links} <= set(
        anchors(PAGE.read_text())
    )


def test_the_three_drawings() -> None:
    """As files that suit a light page and a dark one."""
    for name in ("ae", "vae", "gan"):
        drawing = (pages.FOLDER / "figures" / f"diagram-{name}.svg").read_text()
        assert "prefers-color-scheme: dark" in drawing
