"""Commands as a user starts them, and what they say."""

import os
import sys
from collections.abc import Sequence

import pytest

from minigen.train import main

SMALL = ["--hidden", "6", "--latent-dim", "2", "--batch-size", "32"]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    error = capsys.readouterr().err
    assert error.startswith("minigen: error: ")
    assert "; " in error
    assert error.count("\n") == 1
    return error


def environment(**more: str) -> dict[str, str]:
    """As in a shell, where output into a pipe or a file is written in blocks."""
    names = os.environ.keys() - {"PYTHONUNBUFFERED"}
    return {**{name: os.environ[name] for name in names}, **more}


def line(name: str, *arguments: object) -> list[str]:
    """`python -m minigen.NAME`."""
    return [sys.executable, "-m", f"minigen.{name}", *map(str, arguments)]


def train(arguments: Sequence[str]) -> int:
    """The command without its figures, which take the time."""
    return main([*arguments, "--no-figures"])


def undrawn(*arguments: object) -> list[str]:
    """`python -m minigen.train vae` without the figures."""
    return [*line("train", "vae", *arguments), "--no-figures"]
