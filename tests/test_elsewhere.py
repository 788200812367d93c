"""What Windows and macOS do in another way, as far as it can be played here."""

import ast
import os
import runpy
import sys
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import cast

import pytest

from minigen import train
from minigen.checks import check_memory
from minigen.data.images import find_images
from minigen.workshop import folder
from tests.test_rooms import files
from tutorials import reading

TEXT = {"read_text": 0, "write_text": 1}  # arguments before the encoding


def test_texts_are_read_and_written_as_utf_8() -> None:
    """The default is the code page of a country on Windows."""
    paths = [*files().values(), *Path(reading.__file__).parent.glob("*.py")]
    found = []
    for path in paths:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            name = getattr(call.func, "attr", "")
            given = [*call.args[TEXT.get(name, 0) :], *(word.value for word in call.keywords)]
            if name in TEXT and [*map(ast.unparse, given)] != ["'utf-8'"]:
                found.append(f"{path.name}:{call.lineno}")
    assert found == []


def test_images_in_a_folder_have_the_same_order() -> None:
    """So that a run's rows are those of the training on another system too."""
    paths = [PureWindowsPath("a.png"), PureWindowsPath("B.PNG"), PureWindowsPath("c.txt")]
    listed = cast(Path, SimpleNamespace(iterdir=lambda: iter(paths)))
    assert [path.name for path in find_images(listed)] == ["B.PNG", "a.png"]


def test_a_place_is_one_with_either_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sep", "\\")
    assert train._source("rows/mine") == os.path.abspath("rows/mine")


def test_a_run_folder_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "fcntl", None)
    names = runpy.run_path(folder.__file__)
    with names["RunFolder"].create(f"{tmp_path / 'run'}", "vae") as made:
        assert made.figures.is_dir()


def test_a_machine_that_does_not_say_how_much_memory_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sysconf")
    check_memory("a model", 2**80, "make it smaller")
