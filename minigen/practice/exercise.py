"""An exercise is one Markdown file: task, inputs, hints, solution, and known mistakes."""

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from minigen.backend import Array
from minigen.errors import MinigenError
from minigen.gradcheck.measures import complex_step

Function = Callable[..., Any]
FILES = {path.stem[3:]: path for path in sorted((Path(__file__).parent / "exercises").glob("*.md"))}
NAMES = (*FILES,)  # in the order of the course
LAST = NAMES[-1]  # which trains with the learner's own answers


class Exercise:
    """One exercise, whose function has its name; a MinigenError if there is none."""

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise MinigenError(f"no exercise is called {name!r}; take one of {', '.join(NAMES)}")
        text = FILES[name].read_text(encoding="utf-8")
        words, code, mistakes = map(str, re.split(r"\n```(?:python\n)?", text))
        head, fields = words.replace("\n  ", " ").split("\n- inputs: ")
        heading, self.task = head.split("\n", 1)
        self.title, _, self.derived = heading.removeprefix("# ").rstrip(")").rpartition(" (")
        inputs, *hints = fields.split("\n- hint: ")
        self.name, self.code = name, f"{code}\n"
        # The code with each mistake, and what to tell who made it; the last is the bug to find.
        known = re.findall(r"`(.+?)` => `(.+?)`: (.*)", mistakes.replace("\n  ", " "))
        self.mistakes = [(self.code.replace(old, new), told) for old, new, told in known]
        self.bug = self.mistakes[-1][0]
        self.pieces = [other for other in NAMES if f"= {other}(" in code]

        passes = {n.name: n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.FunctionDef)}
        outer, inner = passes[name], passes.get("backward", passes[name])
        self.open_pass, self.returned = inner.body, _names(inner)
        self.has_backward = inner is not outer
        self.names = _names(outer)[: self.has_backward] + self.returned  # of all that comes out
        lines = [code.splitlines()[node.lineno - 1].strip() for node in self.open_pass[:-1]]
        outline = [re.sub(r"( = ([\w.]+\(|[^(]+? [-+*/@] )).+", r"\1...", line) for line in lines]
        self.hints = [*hints, "\n    ".join(["the outline is", *outline])]

        rng = np.random.default_rng(0)
        draws = {"normal": lambda *n: rng.standard_normal(n), "unit": lambda *n: rng.random(n)}
        self.inputs: dict[str, Any] = eval(f"dict({inputs})", draws)
        for array in self.inputs.values():
            np.asarray(array).flags.writeable = False  # a pass leaves alone what it is given
        self.upstream: Any = 1.0
        if self.has_backward:
            given, value = inner.args.args[0].arg, self.names[0]
            self.upstream = self.inputs.pop(given)
            self.task += f"\n\n{given} is the gradient of a final number with respect to {value}.\n"
            asked = ", ".join(self.returned)
            self.task += f"Give that number's gradients: {asked}, each of its variable's shape."
        self.solution = self.own = self.function(self.code)  # own: the learner's, once it is right
        self.truth: dict[str, Array] = self.answers(self.solution)

    def function(self, code: str) -> Function:
        """The function of this name in a code."""
        names: dict[str, Any] = {piece: load(piece).solution for piece in self.pieces} | {"np": np}
        exec(code, names)
        return cast(Function, names[self.name])

    def piece(self, *inputs: Any, **named: Any) -> Any:
        """The answer for others to build on: its backward pass takes its value's shape alone."""
        value, *backward = results = self.own(*inputs, **named)

        def fitting(upstream: Array) -> Any:
            if np.shape(upstream) != value.shape:
                asked = f"{self.name}'s backward pass takes an array of shape {value.shape}"
                raise MinigenError(f"{asked}, which its value has; this is {described(upstream)}")
            return backward[0](upstream)

        return (value, fitting) if self.has_backward else results

    def answers(self, function: Function, careful: bool = False) -> dict[str, Any]:
        """All that a function returns, by name: its value and the gradients, if none is missing."""
        value: list[Any] = []
        results = function(**self.inputs)
        if self.has_backward:
            if not (isinstance(results, tuple) and len(results) == 2 and callable(results[1])):
                raise _refusal(function, results, f"{self.names[0]} and backward")
            if careful:  # nothing that it keeps may be lost by another call
                function(**{k: np.flip(x) for k, x in self.inputs.items()})
            *value, function = results
            results = function(self.upstream)
            if careful and repr(results) != repr(function(self.upstream)):
                raise MinigenError("a second call of backward gives another gradient")
        found = results if isinstance(results, tuple) else (results,)
        if len(found) != len(self.returned):
            asked = "; ".join(f"{x}, {described(self.truth[x])}" for x in self.returned)
            raise _refusal(function, results, asked)
        return dict(zip(self.names, [*value, *found], strict=True))

    def slope(self, function: Function, name: str) -> Array:
        """The gradient of a value, weighted by the upstream one, by the complex step."""
        inputs = {k: np.asarray(x) for k, x in self.inputs.items()}
        return complex_step(lambda x: (self.upstream * function(**x)[0]).sum(), inputs, name)

    def text(self, code: str) -> str:
        """The learner's file with this code in it."""
        given = f"from minigen.practice import {', '.join(self.pieces)}\n" if self.pieces else ""
        help = f"Read: {self.derived}\nHelp: python -m minigen.practice {self.name} --hint"
        head = f'"""{self.title}.\n\n{self.task}\n\n{help}\n"""'
        return f"{head}\n\nimport numpy as np\n{given}\n\n{code}"

    @property
    def starter(self) -> str:
        """The learner's file as it is given: its last pass is `dx = ...  # write me`."""
        first, *_, last = self.open_pass
        lines = self.code.splitlines(keepends=True)
        blanks = [f"{' ' * last.col_offset}{name} = ...  # write me\n" for name in self.returned]
        return self.text("".join(lines[: first.lineno - 1] + blanks + lines[last.lineno - 1 :]))


load = cache(Exercise)


def _names(function: ast.FunctionDef) -> list[str]:
    """The names that a function returns."""
    return [node.id for node in ast.walk(function.body[-1]) if isinstance(node, ast.Name)]


def _refusal(function: Function, came: object, asked: str) -> MinigenError:
    """Say what a function returned, in its last line, and what is asked."""
    line = max(line for *_, line in function.__code__.co_lines() if line)
    returned = f"line {line}: {function.__name__} returned {described(came)}"
    return MinigenError(f"{returned}; it must return {asked}")


def described(x: object) -> str:
    """Name a value and its shape, for people who wonder what they got."""
    if isinstance(x, np.ndarray):
        kind = "" if x.dtype == float else f" and {x.dtype} instead of float64"
        return f"an array of shape {x.shape}{kind}"
    if isinstance(x, tuple):
        return f"a tuple of {len(x)} ({', '.join(map(described, x))})"
    known = {"NoneType": "None", "ellipsis": "not written yet"}
    known |= dict.fromkeys(("int", "float", "float64"), "a number")
    return known.get(type(x).__name__, f"a {type(x).__name__}")


def close(a: Array, b: Array) -> bool:
    """Whether two arrays are equal up to rounding, shape and all."""
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-7, atol=1e-10)
