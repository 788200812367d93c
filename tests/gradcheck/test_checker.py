"""The checker is checked: right gradients pass, each kind of wrong one is named."""

from typing import Any

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.gradcheck import Report, check_function, check_layer, check_params
from minigen.nn.layers import Linear, ReLU

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
