"""Every solution passes its check, every mistake is told by its name, and none passes."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigen.backend import Array
from minigen.gradcheck import check_function
from minigen.gradcheck.derivations import DERIVATIONS
from minigen.practice import check, digits, task
from minigen.practice.exercise import NAMES, Exercise, load
from minigen.practice.signatures import Case

MISTAKES = [(name, i) for name in NAMES for i in range(len(load(name).mistakes) - 1)]
WITH_BACKWARD = [name for name in NAMES if load(name).has_backward]
GENERIC: dict[str, Callable[[Array, int], Array]] = {  # by the words that tell of it
    "the opposite sign": lambda g, rows: -g,
    "half of what it should be": lambda g, rows: g / 2,
    "twice what it should be": lambda g, rows: 2 * g,
    "a mean stands": lambda g, rows: g / rows,
    "times too large": lambda g, rows: g * rows,
    "All zero": lambda g, rows: 0 * g,
    "shape": lambda g, rows: g[None],
}


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "STEPS", 5)
    monkeypatch.setattr(digits, "ROWS", 300)


def with_globals(exercise: Exercise, function: Callable[..., Any]) -> Callable[..., Any]:
    """The last exercise is checked with its pieces, which are those of its file."""
    return function


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_passes(name: str) -> None:
    assert check(load(name).function(), name).ok


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_is_a_list_of_what_to_write(name: str) -> None:
    names: dict[str, Any] = {}
    text = task(name).replace("from minigen.practice import", "from minigen.practice import")
    for piece in load(name).pieces:
        text = text.replace(f"from {piece} import", "from minigen.practice import")
    exec(text, names)
    report = check(names[name], name).report
    assert report.count("write me") == len(load(name).returned)
    assert "right" not in report and "wrong" not in report


@pytest.mark.parametrize(("name", "i"), MISTAKES)
def test_a_listed_mistake_is_told(name: str, i: int) -> None:
    exercise = load(name)
    old, new, sentence = exercise.mistakes[i]
    assert exercise.code.count(old) == 1
    verdict = check(exercise.function(old, new), name)
    assert not verdict.ok
    assert sentence in verdict.report


@pytest.mark.parametrize("mistake", GENERIC)
@pytest.mark.parametrize("name", WITH_BACKWARD)
def test_a_mistake_that_every_exercise_knows_is_told(name: str, mistake: str) -> None:
    exercise = load(name)
    rows = len(next(iter(exercise.inputs.values())))

    for wrong in range(len(exercise.returned)):

        def function(**inputs: Array) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
            value, backward = exercise.function()(**inputs)

            def changed(upstream: Array) -> tuple[Array, ...]:
                gradients = backward(upstream)
                gradients = gradients if isinstance(gradients, tuple) else (gradients,)
                return tuple(
                    GENERIC[mistake](g, rows) if i == wrong else g for i, g in enumerate(gradients)
                )

            return value, changed

        function.__globals__.update({p: load(p).function() for p in exercise.pieces})
        verdict = check(function, name)
        assert not verdict.ok
        print(verdict.report)
        assert mistake in verdict.report
