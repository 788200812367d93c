"""An exercise is one Markdown file in exercises/: task, fields, solution, and known mistakes.

The learner's file is made from the solution: what its last pass returns is left open.

    def backward(dy):                              def backward(dy):
        dx = dy * (x > 0)            becomes           dx = ...  # write me
        return dx                                      return dx
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import MinigenError

FOLDER = Path(__file__).parent / "exercises"
NAMES = (  # in the order of the course
    *("linear", "relu", "sigmoid", "squared_error", "cross_entropy", "sequential"),
    *("reparameterize", "kl", "log_normal", "vae", "adam"),
    *("discriminator", "generator", "importance_weights", "digits"),
)
LAST = NAMES[-1]  # which imports the learner's own files
PIECES = re.compile(r"^from minigen\.practice import (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One exercise, whose function has its name."""

    name: str
    title: str
    task: str
    derived: str  # the equation's tag and page
    drawn: str  # the function's arguments, as `inputs` reads them
    hints: list[str]
    code: str  # the solution
    mistakes: list[tuple[str, str, str]]  # (old, new, what to tell who wrote it so)

    @property
    def solution(self) -> str:
        """The text of the learner's file as it should become."""
        code = self.code if self.pieces else f"\n\n{self.code}"
        if self.name == LAST:
            own = "".join(f"from {piece} import {piece}\n" for piece in self.pieces)
            code = PIECES.sub(own, code)
        check = f"Check it: python -m minigen.practice {self.name}  (--hint helps)"
        return f'"""{self.title}.\n\n{self.task}\n\n{check}\n"""\n\nimport numpy as np\n{code}'

    @property
    def starter(self) -> str:
        """The text of the learner's file as it is given."""
        first, *_, last = self._open_pass(self.solution)
        lines, indent = self.solution.splitlines(), " " * last.col_offset
        lines[first.lineno - 1 : last.lineno - 1] = [
            f"{indent}{name} = ...  # write me" for name in self.returned
        ]
        return "\n".join([*lines, ""])

    @property
    def pieces(self) -> list[str]:
        """The exercises that this one builds on."""
        return [name for found in PIECES.findall(self.code) for name in found.split(", ")]

    @cached_property
    def returned(self) -> tuple[str, ...]:
        """The names that the open pass returns."""
        *_, last = self._open_pass(self.code)
        return tuple(node.id for node in ast.walk(last) if isinstance(node, ast.Name))

    @property
    def has_backward(self) -> bool:
        return "def backward(" in self.code

    def _open_pass(self, text: str) -> list[ast.stmt]:
        wanted = "backward" if self.has_backward else self.name
        nodes = ast.walk(ast.parse(text))
        return next(n.body for n in nodes if isinstance(n, ast.FunctionDef) and n.name == wanted)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The solution itself."""
        return self.planted("", "")

    def planted(self, old: str, new: str) -> Callable[..., Any]:
        """The solution with one mistake."""
        names: dict[str, Any] = {"np": np}
        exec(self.code.replace(old, new, 1), names)
        function: Callable[..., Any] = names[self.name]
        return function

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments to check at: "x 5 4" is normal, "x 5 4 unit" in 0 to 1, "t=3" a number."""
        rng, drawn = np.random.default_rng(0), {}
        for name, *shape in (item.replace("=", " = ").split() for item in self.drawn.split(",")):
            if shape[0] == "=":
                drawn[name] = float(shape[1])
                continue
            x = rng.standard_normal([int(size) for size in shape if size != "unit"])
            drawn[name] = 1 / (1 + np.exp(-x)) if shape[-1] == "unit" else x
        return drawn


@cache
def load(name: str) -> Exercise:
    """Read an exercise.

    Raises:
        MinigenError: there is none of this name.
    """
    if name not in NAMES:
        raise MinigenError(f"no exercise is called {name!r}; there are {', '.join(NAMES)}")
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    words, code, mistakes = re.split(r"\n```(?:python\n)?", text)
    heading, fields = words.split("\n\n")
    title, _, task = heading.removeprefix("# ").partition("\n")
    (derived,), (drawn,), hints = (
        re.findall(rf"^- {field}: (.*)$", fields, re.MULTILINE)
        for field in ("derived", "inputs", "hint")
    )
    return Exercise(name, title, task, derived, drawn, hints, f"{code}\n", replacements(mistakes))


def replacements(text: str) -> list[tuple[str, str, str]]:
    """Read a list of "- `old` => `new`: what to say"; an item's further lines are indented."""
    return re.findall(r"`(.+?)` => `(.+?)`: (.*)", text.replace("\n  ", " "))
