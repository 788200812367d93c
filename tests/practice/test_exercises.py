"""Every solution passes its check, every mistake is told by its name, and none passes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.backend import Array
from minigen.practice import check, digits, exercise, task
from minigen.practice.bugs import planted, report, seen_by, wrong_line
from minigen.practice.exercise import LAST, NAMES, load
from minigen.practice.judge import gradcheck
from minigen.practice.signatures import Case
from tutorials.reading import tags

ROOT = Path(__file__).parents[2]  # of the tutorials, too
WITH_BACKWARD = [name for name in NAMES if load(name).has_backward]
MISTAKES = [(name, *mistake) for name in NAMES for mistake in load(name).mistakes]
GENERIC: dict[str, Callable[[Array, int], Array]] = {  # what each gives, by the words for it
    "the opposite sign": lambda g, rows: -g,
    "half of what it should be": lambda g, rows: g / 2,
    "twice what it should be": lambda g, rows: 2 * g,
    "a mean over the rows": lambda g, rows: g / rows,
    "times too large": lambda g, rows: g * rows,
    "All zero": lambda g, rows: 0 * g,
    "give them shape": lambda g, rows: g[None],
    "Not summed over the rows": lambda g, rows: np.stack([g / 4, 3 * g / 4]),
    "A gradient has the shape": lambda g, rows: np.ones((7, 7)),
}


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "STEPS", 3)


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


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_passes(name: str) -> None:
    verdict = check(load(name).solution, name)
    assert verdict.ok, verdict.report


@pytest.mark.parametrize("name", WITH_BACKWARD)
def test_a_solution_passes_the_gradient_check_of_its_own_forward_pass(name: str) -> None:
    case = Case(load(name))
    done = gradcheck(case, case.solution, case.solution, case.exercise.returned)
    assert len(done.comparisons) == 2 * len(case.exercise.returned)
    assert done.ok


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_is_a_list_of_what_to_write(name: str) -> None:
    text = task(name)
    for piece in load(name).pieces:  # those of the last one are the learner's own files
        text = text.replace(f"from {piece} import", "from minigen.practice import")
    names: dict[str, Any] = {}
    exec(text, names)
    verdict = check(names[name], name)
    assert not verdict.ok
    assert verdict.report.count("write me") == len(load(name).returned)


def test_each_exercise_has_what_a_learner_needs() -> None:
    files = {path.stem for path in (exercise.FOLDER).glob("*.md")}
    assert files == set(NAMES)
    for one in map(load, NAMES):
        assert len(one.hints) == 3
        sentences = {sentence for _, _, sentence in one.mistakes}
        assert len(sentences) == len(one.mistakes) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_and_the_page_that_derives_it_name_each_other(name: str) -> None:
    cited, _, page = load(name).derived.rpartition(", ")
    text = (ROOT / page).read_text()
    assert set(cited.split(" and ")) <= set(tags(text))
    assert f"{name}`" in text.partition("\n## Exercises\n")[2]  # where the page sends its reader


@pytest.mark.parametrize(("name", "old", "new", "sentence"), MISTAKES)
def test_a_known_mistake_is_told(name: str, old: str, new: str, sentence: str) -> None:
    assert load(name).code.count(old) == 1
    verdict = check(load(name).function(old, new), name)
    assert not verdict.ok
    assert {words for _, _, words in load(name).mistakes if words in verdict.report} == {sentence}


@pytest.mark.parametrize("words", GENERIC)
@pytest.mark.parametrize("name", [name for name in WITH_BACKWARD if name != LAST])
def test_a_mistake_that_needs_no_list_is_told(name: str, words: str) -> None:
    rows = len(next(iter(load(name).inputs.values())))
    verdict = check(changed(name, lambda g: GENERIC[words](g, rows)), name)
    assert not verdict.ok
    assert verdict.report.count(words) == len(load(name).returned)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("linear", "x.T @ dy", "dy.T @ x", "Transposed"),
        ("linear", "dy.sum(axis=0)", "dy.mean(axis=0)", "a mean over the rows"),
        ("linear", "x.T @ dy", "x.T @ np.ones_like(dy)", "what backward was given"),
        ("linear", "dx = dy @ weight.T", "dx = dweight = dbias = None", "write me"),
        ("relu", "dy * (x > 0)", "dy", "wrong only where x is negative"),
        ("squared_error", "* error\n        return", "* error / 4\n        return", "columns"),
        ("squared_error", "= 2 * dloss[:, None]", "= -2 * dloss[:, None]", "opposite sign"),
        ("cross_entropy", "(probability - target)", "-logits", "with respect to target"),
        (
            "log_normal",
            "dmu = dloss[:, None] * u /",
            "dmu = dloss[:, None] * u / sigma**2 /",
            "sigma^2 stands for sigma",
        ),
        ("kl", "(variance - 1) / 2", "(np.sqrt(variance) - 1) / 2", "sigma stands for sigma^2"),
        ("kl", "(variance - 1) / 2", "(1 - np.sqrt(variance)) / 2", "The sign is opposite, too"),
        ("log_normal", "dmu = dloss[:, None] *", "dmu = -dloss[:, None] *", "opposite sign"),
        ("log_normal", "dx = -dloss[:, None] * u / sigma", "dx = u", "0 of 15 entries are right"),
        ("sequential", "return dx", "dx[0] += 1; return dx", "16 of 20 entries are right"),
    ],
)
def test_a_mistake_is_recognized_by_its_signature(
    name: str, old: str, new: str, words: str
) -> None:
    assert old in load(name).code
    assert words in check(load(name).function(old, new), name).report


def test_the_worst_entry_is_shown_with_both_values() -> None:
    case = Case(load("relu"))
    worst, other = np.flatnonzero(case.inputs["x"] > 0)[2], np.flatnonzero(case.inputs["x"] < 0)[2]

    def change(g: Array) -> Array:
        at = np.arange(g.size).reshape(g.shape)
        return g + (at == worst) - 0.5 * (at == other)

    report = check(changed("relu", change), "relu").report
    g = case.truth["dx"].flat[worst]
    assert f"wrong at [{worst // 4}, {worst % 4}]: {g + 1:.6g}, not {g:.6g}\n" in report
    assert "18 of 20 entries are right" in report


def test_one_gradient_is_right_while_others_are_open() -> None:
    answer = load("linear").function("dweight = x.T @ dy", "dweight = ...")
    lines = check(answer, "linear").report.splitlines()
    assert lines == [
        "linear: not yet",
        "dx         right",
        "dweight    write me",
        "dbias      right",
    ]


def test_a_forward_pass_cannot_be_bent_to_fit() -> None:
    bent = load("squared_error").code.replace("(error * error)", "(0.5 * error * error)")
    names: dict[str, Any] = {"np": np}
    exec(bent.replace("2 * dloss", "dloss"), names)
    report = check(names["squared_error"]).report
    assert "the forward pass gives other values" in report
    assert "half of what it should be" in report


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("dx = dy * (x > 0); np.add(x, 1, out=x)", "x: was modified"),
        ("dx = dy * (x > 0); dy *= 2", "backward modified the upstream gradient"),
        ("global last; dx = dy * (last > 0)", "wrong"),
    ],
)
def test_a_pass_leaves_alone_what_it_is_given(new: str, words: str) -> None:
    code = load("relu").code.replace("dx = dy * (x > 0)", new)
    if "global" in new:  # a cache that a second forward pass overwrites
        code = code.replace("    y = np", "    global last\n    last = x\n    y = np")
        code = code.replace("global last; ", "")
    names: dict[str, Any] = {"np": np}
    exec(code, names)
    verdict = check(names["relu"])
    assert not verdict.ok
    assert words in verdict.report


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return y, backward", "return y", "must return its value and its backward pass"),
        (
            "return dx, dweight, dbias",
            "return dx",
            "1 results came back; return dx, dweight, dbias",
        ),
        ("return y, backward", "return y, 1", "must return its value and its backward pass"),
    ],
)
def test_what_a_pass_returns_is_told(old: str, new: str, words: str) -> None:
    assert words in check(load("linear").function(old, new), "linear").report


@pytest.mark.parametrize("name", NAMES)
def test_a_bug_is_in_one_line_and_some_test_sees_it(name: str) -> None:
    one = load(name)
    number, wrong, right = wrong_line(one)
    lines = planted(one).splitlines()
    assert lines[number - 1].strip() == wrong
    lines[number - 1] = lines[number - 1].replace(wrong, right)
    assert "\n".join([*lines, ""]) == one.text(one.code)
    assert any(seen_by(one).values())
    assert wrong in report(one, found=True)
    assert wrong not in report(one, found=False)


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


def test_a_notebook_shows_the_report() -> None:
    names: dict[str, Any] = {}
    exec(task("linear"), names)
    assert repr(check(names["linear"])).startswith("linear: not yet\ndx         write me")
