"""The floor of the checker's scale: 0 by cancellation is no error, and a small gradient is one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigen.backend import Array
from minigen.gradcheck import check_function

RNG = np.random.default_rng(0)


def centred_cubes(factor: float = 1.0) -> Callable[..., Any]:
    """sum_d (a_d + s - mean(a + s))^3 + 1e-6 b: the gradient with respect to s is 0 by cancelling;
    that with respect to b is small, and wrong by `factor`.
    """

    def function(a: Array, s: Array, b: Array) -> tuple[Array, Callable[..., Any]]:
        y = (a + s) - (a + s).mean(axis=1, keepdims=True)
        value = (y * y * y).sum(axis=1) + 1e-6 * b[:, 0]

        def backward(dvalue: Array) -> tuple[Array, Array, Array]:
            dy = dvalue[:, None] * 3 * y * y
            da = dy - dy.mean(axis=1, keepdims=True)
            return da, da.sum(axis=1, keepdims=True), factor * 1e-6 * dvalue[:, None]

        return value, backward

    return function


VARIABLES = {name: RNG.standard_normal((4, d)) for name, d in {"a": 5, "s": 1, "b": 1}.items()}


def test_zero_by_cancellation_is_no_error() -> None:
    report = check_function(centred_cubes(), VARIABLES)
    assert report.ok, report
    _, backward = centred_cubes()(**VARIABLES)
    assert 0 < abs(backward(np.ones(4))[1]).max() < 1e-12  # rounding noise, and it is there


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0, -1.0, 1 + 1e-5])
def test_a_small_gradient_that_is_wrong_is_one(factor: float) -> None:
    report = check_function(centred_cubes(factor), VARIABLES)
    wrong = {c.variable for c in report.comparisons if not c.ok}
    assert wrong == {"b"}
