"""Every page becomes a notebook that Jupyter shows whole: python tutorials/notebooks.py"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.tutorials import pages

pytest.importorskip("jupytext")

each_page = pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    command = [sys.executable, str(pages.FOLDER / "notebooks.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def cells(folder: Path, page: Path, kind: str) -> list[Any]:
    """The cells of a kind of a page's notebook, each with its source as one text."""
    found = json.loads((folder / f"{page.stem}.ipynb").read_text("utf-8"))["cells"]
    return [
        cell | {"source": "".join(cell["source"])} for cell in found if cell["cell_type"] == kind
    ]


def prose(folder: Path, page: Path) -> str:
    return "\n\n".join(cell["source"] for cell in cells(folder, page, "markdown"))


@each_page
def test_its_code_is_what_the_runner_runs_and_prints(page: Path, folder: Path) -> None:
    """A quotation is none of it; what only draws is folded."""
    text = page.read_text()
    shown = pages.expected(text)
    code = [block for block in pages.blocks(text) if block.kind == "python"]
    for block, cell in zip(code, cells(folder, page, "code"), strict=True):
        assert cell["source"] + "\n" == block.content
        printed = [output["text"] for output in cell["outputs"]]
        expected = [shown[block.line].content] if block.line in shown else []
        assert ["".join(text) for text in printed] == expected
        assert not block.info or cell["metadata"]["jupyter"]["source_hidden"]


@each_page
def test_its_displays_stand_between_dollars(page: Path, folder: Path) -> None:
    displays = [b.content for b in pages.blocks(page.read_text()) if b.kind == "math"]
    assert re.findall(r"^\$\$\n(.*?)\$\$$", prose(folder, page), re.M | re.S) == displays
    assert "```math" not in prose(folder, page)
    assert "[!" not in re.sub("!\\[", "", prose(folder, page))


@each_page
def test_its_links_and_pictures_are_there(page: Path, folder: Path) -> None:
    text = pages.prose(prose(folder, page))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = unquote(link).partition("#")
        if not link.startswith("https://"):
            target = folder / (file or f"{page.stem}.ipynb")
            assert target.is_file(), link
            assert not anchor or anchor in jupyters_anchors(folder, target), link
    assert pages.images(text) == pages.images(page.read_text())


def jupyters_anchors(folder: Path, notebook: Path) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", pages.FENCE.sub("", prose(folder, notebook)), re.MULTILINE)
    return [words.replace(" ", "-") for words in headings]


@each_page
def test_its_answers_are_folded_within_each_cell(page: Path, folder: Path) -> None:
    for cell in cells(folder, page, "markdown"):
        assert cell["source"].strip()
        assert cell["source"].count("<details>") == cell["source"].count("</details>")
    answers = re.findall(r"<details>.*?</details>", page.read_text(), re.DOTALL)
    inside = [b.content for text in answers for b in pages.blocks(text) if b.kind == "python"]
    folded = [
        cell["source"] + "\n"
        for cell in cells(folder, page, "code")
        if cell["metadata"].get("jupyter", {}).get("outputs_hidden")
    ]
    assert folded == inside
