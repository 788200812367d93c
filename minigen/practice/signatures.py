"""The mistake behind a wrong gradient, where it is one that many people make."""

from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

import numpy as np

from minigen.backend import Array
from minigen.errors import MinigenError
from minigen.gradcheck.checker import complex_step
from minigen.practice.exercise import Exercise, Function

FEW = 4  # entries of one sign, below which a pattern of signs is chance
SEED = 1  # of the upstream weights; the inputs, of seed 0, would be the same numbers


class Case:
    """An exercise at its inputs, under random upstream weights."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise, self.inputs, self.solution = exercise, exercise.inputs, exercise.solution
        self.value = self.forward(self.solution)
        self.upstream = np.random.default_rng(SEED).standard_normal(self.value.shape)
        self.truth = self.slopes(self.upstream)

    def forward(self, function: Function, **changed: Any) -> Array:
        """The value, without the backward pass where there is one."""
        value = function(**{**self.inputs, **changed})
        return np.asarray(value[0] if self.exercise.has_backward else value)

    def answers(self, function: Function, *upstream: Array, **changed: Array) -> dict[str, Array]:
        """Everything that the open pass returns, by name; what is not written is left out."""
        inputs, names = {**self.exercise.inputs, **changed}, self.exercise.returned
        results = function(**inputs)
        if self.exercise.has_backward:
            if not (isinstance(results, tuple) and len(results) == 2 and callable(results[1])):
                raise MinigenError("the function must return its value and its backward pass")
            function(**{k: x[::-1].copy() for k, x in inputs.items()})  # must not disturb the first
            results = results[1](*upstream or (self.upstream.copy(),))
        results = results if isinstance(results, tuple) else (results,)
        if len(results) != len(names):
            raise MinigenError(f"{len(results)} results came back; return {', '.join(names)}")
        pairs = zip(names, results, strict=True)
        return {k: np.asarray(x, float) for k, x in pairs if x is not None and x is not ...}

    def slopes(self, upstream: Array, **changed: Array) -> dict[str, Array]:
        """The right answers, and the gradients with respect to all other inputs."""
        if not self.exercise.has_backward:
            return self.answers(self.solution)

        def scalar(values: Any) -> complex:
            return complex((upstream * self.forward(self.solution, **values)).sum())

        inputs = {**self.inputs, **changed}
        return {f"d{name}": complex_step(scalar, inputs, name) for name in inputs}

    @cached_property
    def mistaken(self) -> list[tuple[Function, str]]:
        """Each known mistake, as a function, and the sentence for it."""
        exercise = self.exercise
        return [(exercise.function(old, new), told) for old, new, told in exercise.mistakes]

    @cached_property
    def misread(self) -> list[tuple[dict[str, Array], str]]:
        """The gradients of who drops the upstream gradient, or mistakes sigma for its square."""
        without = "The chain rule's other factor is missing: what backward was given."
        found = [(self.slopes(np.ones_like(self.upstream)), without)]
        if (logvar := self.inputs.get("logvar")) is not None:
            for power, told in (
                (2, "sigma^2 stands for sigma."),
                (0.5, "sigma stands for sigma^2."),
            ):
                found.append((self.slopes(self.upstream, logvar=power * logvar), told))
        return found


case_of = cache(Case)  # what is given to answers are copies


def close(a: Array, b: Array) -> bool:
    """Whether two arrays are equal up to rounding, shape and all."""
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-7, atol=1e-10)


def recognize(case: Case, name: str, mine: Array) -> str:
    """The sentence for this wrong answer."""
    right = case.truth[name]
    for answer, more in ((mine, ""), (-mine, " The sign is opposite, too.")):
        for suspect, sentence in _suspects(case, name, right):
            if close(answer, suspect) and not close(suspect, right):
                return sentence + more
    if mine.size == right.size and close(mine.ravel(), right.ravel()):
        return f"The numbers are right, but in shape {mine.shape}; give them shape {right.shape}."
    if mine.ndim > right.ndim and close(mine.sum(axis=0), right):
        return "Not summed over the rows: every row uses this variable, so its gradients add up."
    if mine.shape != right.shape:
        return "A gradient has the shape of its variable."
    wrong = ~np.isclose(mine, right, rtol=1e-7, atol=1e-10)
    for other, x in case.inputs.items():
        sides = {"negative": x < 0, "positive": x > 0}
        if np.shape(x) != wrong.shape or min(np.sum(here) for here in sides.values()) < FEW:
            continue  # with so few of a sign, it is chance
        for side, here in sides.items():
            if not (wrong & ~here).any():
                return f"It is wrong only where {other} is {side}."
    return f"{(~wrong).sum()} of {wrong.size} entries are right."


def _suspects(case: Case, name: str, right: Array) -> Iterator[tuple[Array, str]]:
    """The arrays that somebody with one mistake would get, and a sentence for each."""
    yield from ((case.answers(wrong)[name], sentence) for wrong, sentence in case.mistaken)
    rows, columns = len(next(iter(case.inputs.values()))), right.shape[-1]
    yield 0 * right, "All zero: nothing passes back here."
    yield -right, "Every entry has the opposite sign."
    yield right / 2, "Every entry is half of what it should be: a factor 2 is lost."
    yield 2 * right, "Every entry is twice what it should be: a 1/2 is lost, or a term came twice."
    yield right.T, "Transposed: rows and columns have changed places."
    given = "its 1/N is in dy or dloss already"
    yield right / rows, f"{rows} times too small: a mean over the rows; {given}."
    yield right / columns, f"Every entry is {columns} times too small: a mean over the columns."
    yield rows * right, f"Every entry is {rows} times too large, and there are {rows} rows."
    if not case.exercise.has_backward:
        return
    yield from ((slopes[name], sentence) for slopes, sentence in case.misread)
    for other, x in case.inputs.items():
        yield case.truth[f"d{other}"], f"This is the gradient with respect to {other}."
        yield x, f"This is {other} itself, and no gradient."
