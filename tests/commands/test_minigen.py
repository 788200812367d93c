"""`minigen`: one command that names the others and runs them."""

import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

import minigen
from minigen.__main__ import COMMANDS, main

ROOT = Path(__file__).parent.parent.parent


def test_without_a_word_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([])
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert all(f"    {name}" in printed and what in printed for name, (_, what) in COMMANDS.items())


def test_python_m_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    command = [sys.executable, "-m", "minigen"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == capsys.readouterr().out.split()


def test_the_words_behind_the_first_are_the_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, (module, _) in COMMANDS.items():
        heard: list[list[str]] = []
        monkeypatch.setattr(
            import_module(module), "main", lambda words, heard=heard: heard.append(words) or 3
        )
        assert main([name, "--help", "x"]) == 3
        assert heard == [["--help", "x"]]


def test_the_words_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["minigen", "practice"])
    assert main() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tran", "vae"], "did you mean train?"),
        (["--", "train"], "required: COMMAND"),
        (["--json", "gradcheck"], "required: COMMAND"),
    ],
)
def test_a_wrong_first_word_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"minigen {minigen.__version__}\n"


def test_the_package_declares_the_command_and_its_types() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["minigen"].partition(":")
    assert getattr(import_module(module), function) is main
    assert (files("minigen") / "py.typed").is_file()
