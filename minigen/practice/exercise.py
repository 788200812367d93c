"""An exercise is one Markdown file: task, arguments, hints, solution, and known mistakes."""

import ast
import re
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigen.errors import MinigenError

Function = Callable[..., Any]
NAMES = (  # in the order of the course
    *("linear", "relu", "sigmoid", "squared_error", "cross_entropy", "sequential"),
    *("reparameterize", "kl", "log_normal", "vae", "adam", "discriminator", "generator"),
    *("importance_weights", "digits"),
)
FOLDER = Path(__file__).parent / "exercises"
LAST = NAMES[-1]  # which imports the learner's own files


class Exercise:
    """One exercise, whose function has its name; a MinigenError if there is none."""

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise MinigenError(f"no exercise is called {name!r}; there are {', '.join(NAMES)}")
        text = (FOLDER / f"{name}.md").read_text("utf-8")
        words, code, mistakes = map(str, re.split(r"\n```(?:python\n)?", text))
        head, fields = words.replace("\n  ", " ").split("\n- inputs: ")
        heading, self.task = head.split("\n", 1)
        self.title, _, self.derived = heading.removeprefix("# ").rstrip(")").rpartition(" (")
        self.arguments, *self.hints = fields.split("\n- hint: ")
        self.name, self.code = name, f"{code}\n"
        # Each (old, new, what to tell who wrote it so); the last one is the bug to be found.
        self.mistakes = re.findall(r"`(.+?)` => `(.+?)`: (.*)", mistakes.replace("\n  ", " "))
        self.pieces = [other for other in NAMES if f"= {other}(" in code and other != name]
        nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
        passes = {node.name: node.body for node in nodes}
        self.has_backward = "backward" in passes
        self.open_pass = passes["backward" if self.has_backward else name]
        returned = ast.walk(self.open_pass[-1])
        self.returned = [node.id for node in returned if isinstance(node, ast.Name)]

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments to check at: arrays of normal numbers, or between 0 and 1; or numbers."""
        rng = np.random.default_rng(0)
        draws = {"normal": lambda *n: rng.standard_normal(n), "unit": lambda *n: rng.random(n)}
        inputs: dict[str, Any] = eval(f"dict({self.arguments})", draws)
        return inputs

    def function(self, old: str = "", new: str = "") -> Function:
        """The solution, or what one mistake makes of it."""
        names: dict[str, Any] = {piece: load(piece).solution for piece in self.pieces}
        names["np"] = np
        exec(self.code.replace(old, new), names)
        function: Function = names[self.name]
        return function

    @cached_property
    def solution(self) -> Function:
        """The solution as a function."""
        return self.function()

    def text(self, code: str) -> str:
        """The learner's file with this code in it."""
        own = [f"from {piece} import {piece}" for piece in self.pieces]
        given = [f"from minigen.practice import {', '.join(self.pieces)}"][: len(self.pieces)]
        imports = "\n".join(["import numpy as np", *(own if self.name == LAST else given)])
        command = f"python -m minigen.practice {self.name} --hint"
        help = f"Read: {self.derived}\nHelp: {command}"
        return f'"""{self.title}.\n\n{self.task}\n\n{help}\n"""\n\n{imports}\n\n\n{code}'

    @property
    def starter(self) -> str:
        """The learner's file as it is given: its last pass is `dx = ...  # write me`."""
        first, *_, last = self.open_pass
        lines = self.code.splitlines(keepends=True)
        blanks = [f"{' ' * last.col_offset}{name} = ...  # write me\n" for name in self.returned]
        return self.text("".join(lines[: first.lineno - 1] + blanks + lines[last.lineno - 1 :]))


load = cache(Exercise)
