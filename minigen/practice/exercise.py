"""An exercise is one Markdown file: task, arguments, hints, solution, and known mistakes.

The learner's file is the solution with its last pass left open: `dx = ...  # write me`.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import MinigenError

Function = Callable[..., Any]
NAMES = (  # in the order of the course
    *("linear", "relu", "sigmoid", "squared_error", "cross_entropy", "sequential"),
    *("reparameterize", "kl", "log_normal", "vae", "adam"),
    *("discriminator", "generator", "importance_weights", "digits"),
)
FOLDER = Path(__file__).parent / "exercises"
LAST = NAMES[-1]  # which imports the learner's own files


@dataclass(frozen=True)
class Exercise:
    """One exercise, whose function has its name."""

    name: str
    title: str
    derived: str  # the equation's tag and page
    task: str
    arguments: str  # to check at, as Python's dict takes them
    hints: list[str]
    code: str  # the solution
    mistakes: list[tuple[str, str, str]]  # (old, new, what to say); the last one is the bug

    @property
    def pieces(self) -> list[str]:
        """The exercises that this one builds on."""
        return [name for name in NAMES if f"= {name}(" in self.code and name != self.name]

    @property
    def has_backward(self) -> bool:
        return "def backward(" in self.code

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments to check at: arrays of normal numbers, or between 0 and 1; or numbers."""
        rng = np.random.default_rng(0)
        draws = {"normal": lambda *n: rng.standard_normal(n), "unit": lambda *n: rng.random(n)}
        inputs: dict[str, Any] = eval(f"dict({self.arguments})", draws)
        return inputs

    def function(self, old: str = "", new: str = "") -> Function:
        """The solution, or what one mistake makes of it."""
        names: dict[str, Any] = {
            "np": np,
            **{piece: load(piece).function() for piece in self.pieces},
        }
        exec(self.code.replace(old, new), names)
        function: Function = names[self.name]
        return function

    def text(self, code: str) -> str:
        """The learner's file with this code in it."""
        own = [f"from {piece} import {piece}\n" for piece in self.pieces]
        given = [f"from minigen.practice import {', '.join(self.pieces)}\n"] if self.pieces else []
        imports = "".join(["import numpy as np\n", *(own if self.name == LAST else given)])
        help_line = f"Help: python -m minigen.practice {self.name} --hint"
        return f'"""{self.title}.\n\n{self.task}\n\n{help_line}\n"""\n\n{imports}\n\n{code}'

    @property
    def starter(self) -> str:
        """The learner's file as it is given."""
        first, *_, last = self._open_pass
        lines = self.code.splitlines(keepends=True)
        blanks = [f"{' ' * last.col_offset}{name} = ...  # write me\n" for name in self.returned]
        return self.text("".join(lines[: first.lineno - 1] + blanks + lines[last.lineno - 1 :]))

    @property
    def returned(self) -> list[str]:
        """The names that the open pass returns."""
        return [node.id for node in ast.walk(self._open_pass[-1]) if isinstance(node, ast.Name)]

    @property
    def _open_pass(self) -> list[ast.stmt]:
        """The statements of `backward`, or of the function itself where it has none."""
        nodes = [n for n in ast.walk(ast.parse(self.code)) if isinstance(n, ast.FunctionDef)]
        return next((n.body for n in nodes if n.name == "backward"), nodes[0].body)


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
    head, fields = words.replace("\n  ", " ").split("\n\n- inputs: ")
    heading, task = head.split("\n", 1)
    title, _, derived = heading.removeprefix("# ").rstrip(")").rpartition(" (")
    arguments, *hints = fields.split("\n- hint: ")
    known = re.findall(r"`(.+?)` => `(.+?)`: (.*)", mistakes.replace("\n  ", " "))
    return Exercise(name, title, derived, task, arguments, hints, f"{code}\n", known)
