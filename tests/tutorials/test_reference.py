"""The reference pages leave nothing out."""

import re
from pathlib import Path

import minigen
from tests.tutorials import pages

PACKAGE = Path(minigen.__file__).parent
SILENT = {"__init__.py"}  # a room's list of names


def test_the_code_page_names_every_file_and_no_other() -> None:
    text = (pages.FOLDER / "reference-code.md").read_text()
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`([\w/]+\.py)`", rows))
    files = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if file.name not in SILENT
    }
    assert named == files
