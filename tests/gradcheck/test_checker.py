"""The checker is checked: right gradients pass, each kind of wrong one is named."""

from typing import Any

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.gradcheck import Report, check_function, check_layer, check_params
from minigen.nn.layers import Linear, ReLU
from minigen.nn.losses import bce

Rng = np.random.Generator


def product(factor: float = 1.0) -> Any:
    """a * b, with a gradient that is right for factor = 1."""

    def function(a: Any, b: Any) -> Any:
        return a * b, lambda dy: (dy * b, factor * dy * a)

    return function


def check_product(function: Any, rng: Rng) -> Report:
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    return check_function(function, {"a": a, "b": b})


def test_a_right_gradient_passes_far_below_the_tolerances(rng: Rng) -> None:
    report = check_product(product(), rng)
    assert report.ok
    assert report.error("complex step") < 1e-14
    assert 0 < report.error("central differences") < 1e-8
    assert str(report).count(" ok") == 4


@pytest.mark.parametrize("factor", [-1.0, 0.5, 1 + 1e-5, np.nan])
def test_a_wrong_factor_is_found_by_both_measures(factor: float, rng: Rng) -> None:
    report = check_product(product(factor), rng)
    assert not report.ok
    assert [(c.variable, c.ok) for c in report.comparisons] == [
        ("a", True), ("a", True), ("b", False), ("b", False),
    ]  # fmt: skip


def test_one_wrong_entry_is_named_with_both_values() -> None:
    def square(x: Any) -> Any:
        gradient = 2 * x
        gradient[1, 2] += 0.25
        return x * x, lambda dy: dy * gradient

    report = check_function(square, {"x": np.ones((2, 3))})
    worst = report.comparisons[0]
    assert worst.index == (1, 2)
    assert worst.backward / worst.measured == pytest.approx(2.25 / 2)
    assert f"most at [1, 2]: backward gives {worst.backward!r}" in str(report)
    assert f"the forward pass {worst.measured!r}" in str(report)


def test_a_kink_is_detected_not_tolerated() -> None:
    report = check_layer(ReLU(), np.array([[1.0, 3e-6, -1.0]]))
    differences = report.comparisons[1]
    assert not report.ok
    assert differences.kinks == ((0, 1),)
    assert "KINK within 1e-05 of entry [0, 1]; move the input" in str(report)


def test_curvature_is_no_kink() -> None:
    def steep(x: Any) -> Any:
        y = np.exp(30 * x)
        return y, lambda dy: dy * 30 * y

    report = check_function(steep, {"x": np.array([[0.1, 0.2, 0.3]])})
    assert not any(c.kinks for c in report.comparisons)


def bce_at(p: float, slip: float = 0.0) -> Report:
    def loss(probability: Any) -> Any:
        value, backward = bce(probability, np.array([[0.0], [1.0]]))
        return value, lambda dloss: (1 + slip) * backward(dloss)

    return check_function(loss, {"probability": np.array([[0.5], [p]])})


@pytest.mark.parametrize("p", [0.04, 0.004, 0.0005])
def test_a_right_gradient_of_a_steep_curve_passes(p: float) -> None:
    """At 0.004 the differences are off by 2e-6, and at 0.0005 they bend like a kink."""
    report = bce_at(p)
    assert report.ok, report
    assert not bce_at(p, slip=3e-6).ok


@pytest.mark.parametrize("p", [1e-4, 7e-5])
def test_a_curve_too_steep_for_the_step_is_neither_right_nor_wrong(p: float) -> None:
    report = bce_at(p)
    assert [c.ok for c in report.comparisons] == [True, False]
    assert "TOO CURVED for a step of 1e-05 at [1, 0]; trust the other" in str(report)
    assert "WRONG" not in str(report)
    assert "KINK" not in str(report)
    assert "WRONG" in str(bce_at(p, slip=0.5))


@pytest.mark.parametrize("steepness", [1.0, 30.0])
def test_what_fools_the_complex_step_is_not_called_curved(steepness: float) -> None:
    """x * Re x is differentiated as if Re x were a constant, by backward and complex step alike."""

    def fooled(x: Any) -> Any:
        y = np.exp(steepness * x)
        return y * x.real, lambda dy: dy * steepness * y * x

    report = check_function(fooled, {"x": np.array([[0.3, 0.5]])})
    assert [c.ok for c in report.comparisons] == [True, False]
    assert "central differences  error" in str(report)
    assert "WRONG" in str(report)


@pytest.mark.parametrize("place", np.linspace(0, 0.9, 10))
def test_a_kink_anywhere_in_the_step_is_not_right(place: float) -> None:
    """At a third of it, the slopes on both sides differ by half as much in half a step."""
    for at in (place, 1 / 3, 0.5):
        assert not check_layer(ReLU(), np.array([[1.0, at * 1e-5]])).ok


def test_a_gradient_that_depends_on_the_number_of_calls_is_found() -> None:
    total = np.zeros((1, 2))

    def accumulating(x: Any) -> Any:
        def backward(dy: Any) -> Any:
            total[...] += dy
            return total.copy()

        return x + 0, backward

    report = check_function(accumulating, {"x": np.ones((1, 2))})
    assert "x: a second call of backward gives another gradient" in str(report)
    assert not report.ok


def test_a_modified_input_is_found() -> None:
    def careless(x: Any) -> Any:
        if x.dtype == np.float64:
            x *= 2
        return x + 0, lambda dy: dy

    report = check_function(careless, {"x": np.ones((1, 2))})
    assert "x: was modified" in str(report)


def test_an_input_with_nan_is_not_taken_for_modified() -> None:
    report = check_function(lambda x: (x * x, lambda dy: dy * 2 * x), {"x": np.array([[np.nan]])})
    assert "was modified" not in str(report)
    assert not report.ok


def test_a_gradient_of_another_shape_is_found() -> None:
    report = check_function(lambda x: (x + 0, lambda dy: dy.sum(axis=0)), {"x": np.ones((2, 3))})
    assert "x: gradient has shape (3,), not (2, 3)" in str(report)


@pytest.mark.parametrize("kind", [tuple, list])
def test_gradients_come_as_a_tuple_or_a_list(kind: Any, rng: Rng) -> None:
    assert check_product(lambda a, b: (a * b, lambda dy: kind([dy * b, dy * a])), rng).ok


def test_a_number_for_a_gradient_has_no_axes(rng: Rng) -> None:
    total = check_function(lambda x: (x * x, lambda dy: (dy * 2 * x).sum()), {"x": np.ones((2, 3))})
    assert total.broken == ("x: gradient has shape (), not (2, 3)",)
    assert check_function(lambda x: (x * x, lambda dy: dy * 2 * x), {"x": np.array(3.0)}).ok


def test_no_gradient_is_a_sentence(rng: Rng) -> None:
    with pytest.raises(MinigenError, match=r"returned None as the gradient by b; .* zeros"):
        check_product(lambda a, b: (a * b, lambda dy: (dy * b, None)), rng)
    with pytest.raises(MinigenError, match="nothing to differentiate by"):
        check_params(lambda layer: (np.ones(1), lambda dy: {}), ReLU())


def test_a_complex_gradient_is_found() -> None:
    report = check_function(lambda x: (x + 0, lambda dy: dy + 0j), {"x": np.ones((1, 2))})
    assert report.broken == ("x: gradient is complex128, not float64",)


def test_the_error_of_what_was_not_compared_is_a_sentence() -> None:
    report = check_function(lambda x: (x + 0, lambda dy: dy.sum(axis=0)), {"x": np.ones((2, 3))})
    with pytest.raises(MinigenError, match=r"nothing was compared: x: gradient has shape \(3,\)"):
        report.error("complex step")
    with pytest.raises(MinigenError, match="'complex'; choose one of complex step, central diff"):
        report.error("complex")


def test_float32_is_refused(rng: Rng) -> None:
    with pytest.raises(MinigenError, match="needs float64, and x is float32"):
        check_layer(ReLU(), np.ones((1, 2), np.float32))
    with pytest.raises(MinigenError, match="weight is float32"):
        check_layer(Linear(2, 2, rng), np.ones((1, 2)))


def test_a_missing_gradient_is_refused(rng: Rng) -> None:
    with pytest.raises(MinigenError, match="1 gradients for the 2 variables a, b"):
        check_product(lambda a, b: (a * b, lambda dy: dy * b), rng)
    linear = Linear(2, 2, rng, dtype="float64")

    def loss(layer: Linear) -> Any:
        y, backward = layer(np.ones((1, 2)))
        return y, lambda dy: {"weight": backward(dy)[1]["weight"]}

    with pytest.raises(MinigenError, match="gradients for weight, expected weight, bias"):
        check_params(loss, linear)


def test_the_variables_come_back_untouched(rng: Rng) -> None:
    x = rng.standard_normal((2, 3))
    before = x.copy()
    layer = Linear(3, 2, rng, dtype="float64")
    assert check_layer(layer, x).ok
    np.testing.assert_array_equal(x, before)
    assert layer.params["weight"].dtype == np.float64


def test_nan_in_the_forward_pass_is_no_agreement() -> None:
    report = check_function(lambda x: (x * np.nan, lambda dy: 0 * dy), {"x": np.ones((1, 2))})
    assert not report.ok


def test_a_spoiled_upstream_gradient_is_found() -> None:
    def careless(x: Any) -> Any:
        def backward(dy: Any) -> Any:
            dy *= 2
            return dy

        return 2 * x, backward

    report = check_function(careless, {"x": np.ones((1, 2))})
    assert "backward modified the upstream gradient" in str(report)


def test_a_kink_where_every_measure_agrees_is_a_kink() -> None:
    """|x| at 0, where sign(0) = 0 is the mean of the slopes on both sides."""
    report = check_function(
        lambda x: (x * np.sign(x.real), lambda dy: dy * np.sign(x)), {"x": np.array([[0.0, 1.0]])}
    )
    assert [c.error < c.tolerance for c in report.comparisons] == [True, True]
    assert report.comparisons[1].kinks == ((0, 0),)
    assert not report.ok
