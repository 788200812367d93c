"""Find the bug: a solution with one planted mistake, and which tests see it."""

import re
from dataclasses import dataclass
from functools import cache

from minigen.errors import MinigenError
from minigen.practice.exercise import FOLDER, Exercise, load, replacements
from minigen.practice.judge import gradcheck
from minigen.practice.signatures import Case, close

STEP = 1e-4  # against the gradient


@dataclass(frozen=True)
class Bug:
    """A solution in which old has become new."""

    exercise: Exercise
    old: str
    new: str
    story: str

    @property
    def text(self) -> str:
        """The text of the learner's file."""
        return self.exercise.solution.replace(self.old, self.new, 1)

    @property
    def line(self) -> int:
        """The number of the wrong line."""
        return self.text[: self.text.index(self.new)].count("\n") + 1

    @property
    def tests(self) -> dict[str, bool]:
        """Tests that people write, and whether the mistake passes them."""
        case, function = Case(self.exercise), self.exercise.planted(self.old, self.new)
        inputs, answers = self.exercise.inputs, case.answers(function)
        fit = all(g.shape == inputs[name[1:]].shape for name, g in answers.items())
        moved = {k: x - STEP * answers.get(f"d{k}", 0) for k, x in inputs.items()}
        before, after = (
            (case.upstream * case.forward(function, at)).sum() for at in (inputs, moved)
        )
        return {
            "every gradient has the shape of its variable": fit,
            "a small step against the gradient lowers the number": bool(after < before),
            "the gradient check agrees": fit and gradcheck(case, function, function, answers).ok,
            "the value is the formula's": close(case.forward(function), case.value),
        }


@cache
def bugs() -> dict[str, Bug]:
    """Every bug by its name."""
    text = (FOLDER.parent / "bugs.md").read_text(encoding="utf-8")
    named = re.findall(r"^- (\w+) in (\w+): ", text, re.MULTILINE)
    pairs = zip(named, replacements(text), strict=True)
    return {name: Bug(load(exercise), *changed) for (name, exercise), changed in pairs}


def bug(name: str) -> Bug:
    """Find a bug.

    Raises:
        MinigenError: there is none of this name.
    """
    if name not in bugs():
        raise MinigenError(f"no bug is called {name!r}; there are {', '.join(bugs())}")
    return bugs()[name]
