"""Practice: write the backward passes of the course, and be told which entry is wrong.

In a terminal, `python -m minigen.practice`. In a notebook, print(task("linear")) gives a cell to
complete, and check(linear) checks it; once it is right, later exercises import yours from here.
"""

from minigen.practice.exercise import NAMES, Function, load
from minigen.practice.judge import check

__all__ = ["check", "task"]


def task(name: str) -> str:
    """The text of an exercise, with the backward pass left open."""
    return load(name).starter


def __getattr__(name: str) -> Function:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(name).piece
