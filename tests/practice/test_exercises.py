"""Every solution passes its check, every mistake is told by its name, and none passes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.backend import Array
from minigen.errors import MinigenError
from minigen.gradcheck import check_function
from minigen.practice import check, exercise, judge, task
from minigen.practice.bugs import seen, seen_by, story, wrong_line
from minigen.practice.exercise import LAST, NAMES, load
from tests.practice.mistakes import MISTAKES
from tutorials.reading import tags

ROOT = Path(__file__).parents[2]  # of the tutorials, too
WITH_BACKWARD = [name for name in NAMES if load(name).has_backward]
GENERIC: dict[str, Callable[[Array, int], Array]] = {  # what each gives, by the words for it
    "the opposite sign": lambda g, rows: -g,
    "is 1.23 times what it": lambda g, rows: 1.234 * g,
    "is 5 times what it": lambda g, rows: g * 5,
    "half of what it should be": lambda g, rows: g / 2,
    "twice what it should be": lambda g, rows: 2 * g,
    "times too small, as after a mean over": lambda g, rows: g / rows,
    "All zero": lambda g, rows: 0 * g,
    "The numbers are right": lambda g, rows: g[None],
    "Not summed over the first axis: its 2 parts": lambda g, rows: np.stack([g / 4, 3 * g / 4]),
}


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "STEPS", 3)


def changed(name: str, change: Callable[[Array], Any]) -> Callable[..., Any]:
    """A solution whose gradients are changed, each by itself."""
    function = load(name).solution

    def answer(**inputs: Array) -> tuple[Array, Callable[[Array], tuple[Any, ...]]]:
        value, backward = function(**inputs)

        def wrong(upstream: Array) -> tuple[Any, ...]:
            gradients = backward(upstream)
            return tuple(map(change, gradients if isinstance(gradients, tuple) else (gradients,)))

        return value, wrong

    return answer


def written(name: str, *changes: tuple[str, str]) -> Callable[..., Any]:
    """A solution in whose code something else is written."""
    code = load(name).code
    for old, new in changes:
        assert code.count(old) == 1
        code = code.replace(old, new)
    return load(name).function(code)


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_passes(name: str) -> None:
    verdict = check(load(name).solution, name)
    assert verdict.ok, verdict.report


@pytest.mark.parametrize("name", WITH_BACKWARD)
def test_a_solution_passes_the_gradient_check(name: str) -> None:
    one = load(name)
    variables = {each[1:]: one.inputs[each[1:]] for each in one.returned}
    constants = {each: x for each, x in one.inputs.items() if each not in variables}
    done = check_function(one.solution, variables, constants)
    assert len(done.comparisons) == 2 * len(one.returned)
    assert done.ok


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_is_a_list_of_what_to_write(name: str) -> None:
    names: dict[str, Any] = {}
    exec(task(name), names)
    verdict = check(names[name], name)
    assert not verdict.ok
    assert verdict.report.count("write me") == len(load(name).returned)


def test_each_exercise_has_what_a_learner_needs() -> None:
    for name, one in ((name, load(name)) for name in NAMES):
        assert len(one.hints) == 3
        told = [told for _, told in one.mistakes] + [words for *_, words in MISTAKES[name]]
        assert len(set(told)) == len(told) >= 5


def test_the_last_hint_is_an_outline_of_the_solution() -> None:
    assert load("linear").hints[2].splitlines() == [
        "the outline is",
        "    dx = dy @ ...",
        "    dweight = x.T @ ...",
        "    dbias = dy.sum(...",
    ]
    assert load("relu").hints[2].endswith("\n    dx = dy * ...")
    assert "dmu_z, dlogvar_z = z_backward(..." in load("vae").hints[2]


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_and_the_page_that_derives_it_name_each_other(name: str) -> None:
    cited, _, page = load(name).derived.rpartition(", ")
    text = (ROOT / page).read_text()
    assert set(cited.split(" and ")) <= set(tags(text))
    assert f"{name}`" in text.partition("\n## Exercises\n")[2]  # where the page sends its reader


@pytest.mark.parametrize("name", NAMES)
def test_a_known_mistake_is_told(name: str) -> None:
    one = load(name)
    for code, sentence in one.mistakes:
        assert code != one.code
        verdict = check(one.function(code), name)
        assert not verdict.ok
        assert {told for _, told in one.mistakes if told in verdict.report} == {sentence}
    for old, new, words in MISTAKES[name]:
        verdict = check(written(name, (old, new)), name)
        assert not verdict.ok
        assert words in verdict.report, verdict.report


@pytest.mark.parametrize("name", [name for name in WITH_BACKWARD if name != LAST])
def test_a_mistake_that_needs_no_list_is_told(name: str) -> None:
    rows = len(next(iter(load(name).inputs.values())))
    for words, change in GENERIC.items():
        verdict = check(changed(name, lambda g, change=change: change(g, rows)), name)  # type: ignore[misc]
        assert not verdict.ok
        assert verdict.report.count(words) == len(load(name).returned)


def test_no_coincidence_is_called_a_cause() -> None:
    assert "0 of 15 entries" in check(written("log_normal", ("dx = dloss", "dx = u**3 #"))).report
    lines = check(written("sequential", ("return dx", "dx[0] += 1; return dx"))).report
    assert "16 of 20 entries are right" in lines


def test_the_worst_entry_is_shown_with_both_values() -> None:
    x = load("relu").inputs["x"]
    worst, other = np.flatnonzero(x > 0)[2], np.flatnonzero(x < 0)[2]

    def change(g: Array) -> Array:
        at = np.arange(g.size).reshape(g.shape)
        return g + (at == worst) - 0.5 * (at == other)

    report = check(changed("relu", change), "relu").report
    g = load("relu").truth["dx"].flat[worst]
    assert f"wrong at [{worst // 4}, {worst % 4}]: {g + 1:.8g}, not {g:.8g}\n" in report
    assert "18 of 20 entries are right" in report


def test_one_gradient_is_right_while_others_are_open() -> None:
    lines = check(written("linear", ("dweight = x.T @ dy", "dweight = ..."))).report.splitlines()
    assert lines == [
        "linear: not yet",
        "y          right",
        "dx         right",
        "dweight    write me",
        "dbias      right",
    ]


def test_a_forward_pass_cannot_be_bent_to_fit() -> None:
    bent = written("squared_error", ("(error * error)", "(0.5 * error * error)"), ("2 * dl", "dl"))
    report = check(bent).report
    assert "loss       wrong" in report
    assert report.count("half of what it should be") == 2
    close = check(written("relu", ("dx = dy * (x > 0)", "dx = dy * (x > 0) + 1e-8"))).report
    assert "20 of 20" not in close
    other = check(written("relu", ("np.maximum(x, 0)", "np.tanh(x)"))).report
    assert "The forward pass gives other values than it did; restore its lines." in other


@pytest.mark.parametrize(
    "new", ["dx = dy * (x > 0); np.add(x, 1, out=x)", "dx = dy * (x > 0); dy *= 2", "x[0] = 0"]
)
def test_a_pass_leaves_alone_what_it_is_given(new: str) -> None:
    report = check(written("relu", ("dx = dy * (x > 0)", new))).report
    assert "this array was given, and stays as it is" in report


def test_a_pass_depends_on_no_other_call() -> None:
    last = ("    y = np", "    global last\n    last = x\n    y = np")
    assert "dx         wrong" in check(written("relu", last, ("(x > 0)", "(last > 0)"))).report
    spent = written("squared_error", ("dprediction = 2", "error[:] *= 2; dprediction = 1"))
    assert "a second call of backward gives another gradient" in check(spent).report


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return y, backward", "return y", "line 10: linear returned an array of shape (5, 3); it"),
        ("return y, backward", "return y, 1", "it must return y and backward"),
        ("return dx, dweight, dbias", "return dx", "returned an array of shape (5, 4); it must"),
        ("return dx, dweight, dbias", "dx, dweight, dbias", "line 8: backward returned None; it"),
        ("return dx, dweight, dbias", "return [dx, dweight, dbias]", "backward returned a list"),
        (
            "return dx, dweight, dbias",
            "return dx, dweight",
            "a tuple of 2 (an array of shape (5, 4), an array of shape (4, 3)); it must return dx, "
            "an array of shape (5, 4); dweight, an array of shape (4, 3); dbias, an array of shape "
            "(3,)",
        ),
        ("backward(dy)", "backward()", "backward() takes 0 positional arguments but 1 was given"),
        ("(x, weight, bias)", "(x, w)", "linear() got an unexpected keyword argument 'weight'"),
        ("dx = dy @ weight.T", "dx = None", "dx         wrong: None, not an array of shape (5, 4)"),
        ("dx = dy @ weight.T", "dx = (dy @ weight.T).tolist()", "a list, not an array of shape (5"),
        ("dx = dy @ weight.T", "dx = dy, dy", "wrong: a tuple of 2 (an array of shape (5, 3), an"),
        ("dx = dy @ weight.T", "dx = dy.sum()", "wrong: a number, not an array of shape (5, 4)"),
        (
            "dx = dy @ weight.T",
            "dx = x > 0",
            "wrong: an array of shape (5, 4) and bool instead of float64\n",
        ),
        ("weight.T", "weight.T.astype('f')", "right"),
    ],
)
def test_what_came_and_what_is_asked_are_told(old: str, new: str, words: str) -> None:
    assert words in check(written("linear", (old, new))).report


@pytest.mark.parametrize("name", NAMES)
def test_a_bug_is_in_one_line_and_some_test_sees_it(name: str) -> None:
    one = load(name)
    number, wrong, right = wrong_line(one)
    lines = one.text(one.bug).splitlines()
    assert lines[number - 1].strip() == wrong
    lines[number - 1] = lines[number - 1].replace(wrong, right)
    assert "\n".join([*lines, ""]) == one.text(one.code)
    assert any(seen_by(one).values())
    assert f"`{wrong}` should be `{right}`" in story(one)
    assert seen(one) in story(one)
    assert wrong not in seen(one)


@pytest.mark.parametrize(
    ("name", "shapes", "downhill", "gradient", "value"),
    [
        ("discriminator", False, False, False, True),
        ("importance_weights", False, False, False, True),
        ("linear", True, False, True, False),
        ("sigmoid", False, False, True, False),
        ("kl", False, False, True, True),
        ("squared_error", False, True, True, False),
    ],
)
def test_tests_do_not_see_the_same(
    name: str, shapes: bool, downhill: bool, gradient: bool, value: bool
) -> None:
    """A gradient check sees no constant and no swapped label; values see no wrong gradient."""
    assert list(seen_by(load(name)).values()) == [shapes, downhill, gradient, value]


def test_only_functions_are_checked() -> None:
    with pytest.raises(MinigenError, match="no function to check, but a str"):
        check("linear")  # type: ignore[arg-type]
    with pytest.raises(MinigenError, match=r"called 'changed'; take one of linear, relu,"):
        check(changed)


def test_a_notebook_shows_the_report_and_goes_on_with_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: dict[str, Any] = {}
    exec(task("linear"), names)
    assert repr(check(names["linear"])).startswith(
        "linear: not yet\ny          right\ndx         w"
    )
    assert exercise.load("linear").own is not names["linear"]
    monkeypatch.setattr(load("relu"), "own", None)
    mine = written("relu")
    assert check(mine).ok
    exec(task("sequential"), names)
    assert names["relu"].__self__.own is mine
