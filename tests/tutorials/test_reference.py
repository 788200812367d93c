"""The reference pages leave nothing out."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import minigen
from minigen.__main__ import COMMANDS
from minigen.training import OPTIONS
from minigen.workshop.folder import RunFolder
from tests.tutorials import pages

PACKAGE = Path(minigen.__file__).parent
SILENT = {"__init__.py"}  # a room's list of names
FLAG = r"--[a-z][a-z0-9-]*"


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


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_page_names_every_option_of_a_command_and_no_other(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [[model, "--help"] for model in OPTIONS] if command == "train" else [["--help"]]
    for arguments in words:
        with pytest.raises(SystemExit):
            import_module(COMMANDS[command][0]).main(arguments)
    options = set(re.findall(rf"(?m)^  (?:-h, )?({FLAG})", capsys.readouterr().out))
    assert "--help" in options
    page = (pages.FOLDER / "reference-options.md").read_text()
    shared, *parts = re.split(r"(?m)^`python -m minigen\.(?=.*` )", page)
    part = "".join(part for part in parts if part.startswith(command))
    fields = re.findall(r"(?m)^  (\w+) ", part)  # as a cell prints them
    named = {*re.findall(f"`({FLAG})", part), *(f"--{name.replace('_', '-')}" for name in fields)}
    common = set(re.findall(f"`({FLAG})", shared))
    assert named - common == options - common


def test_the_files_page_names_every_file_of_a_run_and_no_other() -> None:
    folder = RunFolder(Path())
    drawn = re.findall(r'folder / "(.+?)"', (PACKAGE / "workshop/figures.py").read_text())
    files = {str(folder.figures / name) for name in drawn}
    files |= {str(file) for file in (folder.checkpoint, folder.config, folder.metrics, folder.page)}
    files |= {str(file) for file in folder.pictures.values()}
    page = (pages.FOLDER / "reference-files.md").read_text()
    section = page.partition("\n## A run's folder\n")[2].partition("\n## ")[0]
    cells = re.findall(r"(?m)^\| (`.+?`) \|", section)
    assert {name for cell in cells for name in re.findall(r"`(.+?)`", cell)} == files
