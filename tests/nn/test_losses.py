"""Losses: closed forms and high-precision values, gradients, weights, faults."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from minigen.backend import to_numpy
from minigen.errors import MinigenError
from minigen.gradcheck import check_function
from minigen.models.likelihoods import Gaussian
from minigen.nn.layers import sigmoid
from minigen.nn.losses import bce, bce_with_logits, hinge, length_error, mse, wasserstein

Rng = np.random.Generator
EXTREMES = [-1000.0, -700.0, -88.0, -40.0, -17.0, -1e-9, 1e-9, 0.3, 17.0, 40.0, 88.0, 700.0, 1000.0]

LOSSES: dict[Callable[..., Any], str] = {  # with the name of what is judged
    mse: "prediction",
    bce: "probability",
    bce_with_logits: "logits",
    hinge: "logits",
    wasserstein: "score",
}


def predictions(loss: Callable[..., Any], rng: Rng, shape: tuple[int, int] = (5, 4)) -> np.ndarray:
    return rng.uniform(0.05, 0.95, shape) if loss is bce else 3 * rng.standard_normal(shape)


def exact_bce_with_logits(logit: float, target: float) -> mpmath.mpf:
    with mpmath.workdps(50):
        return mpmath.log1p(mpmath.exp(mpmath.mpf(logit))) - mpmath.mpf(logit) * target


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rows", [1, 5])
def test_gradient(loss: Callable[..., Any], rows: int, rng: Rng) -> None:
    name = LOSSES[loss]
    target = rng.random((rows, 4))
    target[0, :2] = 0, 1
    report = check_function(loss, {name: predictions(loss, rng, (rows, 4))}, {"target": target})
    assert report.ok, report


def test_mse_is_a_sum_over_columns(xp: Any) -> None:
    loss, backward = mse(xp.asarray([[1.0, 2.0], [0.0, 5.0]]), xp.asarray([[0.0, 4.0], [0.0, 2.0]]))
    assert loss.tolist() == [5.0, 9.0]
    assert backward().tolist() == [[1.0, -2.0], [0.0, 3.0]]  # 2 (p - t) / N with N = 2


@pytest.mark.fault("saturated")
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("logit", EXTREMES)
def test_bce_with_logits_to_fifty_digits(logit: float, target: float, xp: Any) -> None:
    loss, backward = bce_with_logits(xp.asarray([[logit]]), xp.asarray([[target]]))
    assert float(loss[0]) == pytest.approx(float(exact_bce_with_logits(logit, target)), rel=1e-15)
    with mpmath.workdps(50):
        slope = 1 / (1 + mpmath.exp(-mpmath.mpf(logit))) - target
    assert float(backward()[0, 0]) == pytest.approx(float(slope), rel=1e-14, abs=2e-16)  # p rounds


@pytest.mark.fault("saturated")
@pytest.mark.parametrize("logit", EXTREMES)
def test_bce_with_logits_in_float32(logit: float) -> None:
    loss, backward = bce_with_logits(np.array([[logit]], np.float32), np.array([[1.0]], np.float32))
    assert loss.dtype == backward().dtype == np.float32
    expected = float(exact_bce_with_logits(float(np.float32(logit)), 1.0))
    assert loss[0] == pytest.approx(expected, rel=3e-7, abs=1e-38)


def test_bce_is_bce_with_logits_of_the_sigmoid(rng: Rng, xp: Any) -> None:
    logits, target = xp.asarray(rng.standard_normal((5, 4))), xp.asarray(rng.random((5, 4)))
    losses = bce(sigmoid(logits), target)[0], bce_with_logits(logits, target)[0]
    found, expected = map(to_numpy, losses)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_zero_logits_cost_log_two_a_pixel(rng: Rng) -> None:
    loss, _ = bce_with_logits(np.zeros((3, 784)), rng.random((3, 784)))
    np.testing.assert_allclose(loss, 784 * np.log(2), rtol=1e-14)


@pytest.mark.fault("saturated")
def test_a_sure_and_wrong_prediction_keeps_its_gradient() -> None:
    """Where sigmoid and BCE apart give zero in float32, from logit 17 on."""
    _, backward = bce_with_logits(np.array([[30.0]], np.float32), np.array([[0.0]], np.float32))
    assert backward()[0, 0] == 1.0
    assert sigmoid(np.array([[17.0]], np.float32))[0, 0] == 1.0
    with pytest.raises(MinigenError, match="strictly between 0 and 1"):
        bce(sigmoid(np.array([[17.0]], np.float32)), np.array([[0.0]], np.float32))


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_of_examples(loss: Callable[..., Any], rng: Rng, xp: Any) -> None:
    """One backward pass serves means, sums and any other weights of the examples."""
    _, backward = loss(xp.asarray(predictions(loss, rng)), xp.asarray(rng.random((5, 4))))
    weights = rng.standard_normal(5)
    per_example, mean, weighted = (
        to_numpy(backward(*given)) for given in ((xp.ones(5),), (), (xp.asarray(weights),))
    )
    np.testing.assert_allclose(mean, per_example / 5, rtol=1e-14)
    np.testing.assert_allclose(weighted, weights[:, None] * per_example, rtol=1e-14)
    with pytest.raises(
        MinigenError,
        match=r"each example: expected .* \(5,\), got one of shape \(5, 1\)",
    ):
        backward(xp.ones((5, 1)))


@pytest.mark.parametrize("loss", LOSSES)
def test_faults(loss: Callable[..., Any]) -> None:
    half = np.full((3, 1), 0.5)
    with pytest.raises(MinigenError, match=r"got \w+ \(3, 1\), target \(3,\)"):
        loss(half, np.ones(3))
    with pytest.raises(MinigenError, match=r"got \w+ \(3,\), target \(3,\)"):
        loss(half[:, 0], half[:, 0])
    with pytest.raises(MinigenError, match=r"got \w+ \(0, 1\)"):
        loss(half[:0], half[:0])
    with pytest.raises(MinigenError, match="got ndarray, list"):
        loss(half, [[0.5]] * 3)


@pytest.mark.parametrize("kind", ["uint8", "bool", "int64", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_labels_of_any_kind_are_those_of_the_first_argument(
    loss: Callable[..., Any], kind: str, xp: Any
) -> None:
    """In uint8, 2 * 0 - 1 would be 255; in float64, all of training would be."""
    first = xp.asarray(np.linspace(0.1, 0.9, 6, dtype=np.float32).reshape(3, 2))
    labels = np.array([[0, 1], [1, 1], [0, 0]])
    expected, backward = loss(first, xp.asarray(labels.astype("float32")))
    found, found_backward = loss(first, xp.asarray(labels.astype(kind)))
    assert found.dtype == found_backward().dtype == np.float32
    assert (found == expected).all()
    assert (found_backward() == backward()).all()
    with pytest.raises(MinigenError, match=r"in uint8: it has no gradient; convert it to floats"):
        loss(xp.asarray(labels.astype("uint8")), xp.asarray(labels.astype("uint8")))


@pytest.mark.parametrize("loss", [*LOSSES, Gaussian()])
def test_raw_pixels_are_no_target(loss: Callable[..., Any]) -> None:
    half = np.full((1, 2), 0.5, np.float32)
    with pytest.raises(MinigenError, match=r"(target|x) in uint8, up to 200: .*scaled\((target|x)"):
        loss(half, np.array([[0, 200]], np.uint8))


@pytest.mark.parametrize("loss", [bce, bce_with_logits, hinge, wasserstein])
def test_labels_of_minus_one_are_refused(loss: Callable[..., Any]) -> None:
    with pytest.raises(MinigenError, match=r"target: values from -1 to 1, .* in \[0, 1\]"):
        loss(np.array([[0.5], [0.5]]), np.array([[1.0], [-1.0]]))


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, np.nan])
def test_bce_refuses_what_is_no_open_probability(value: float) -> None:
    with pytest.raises(MinigenError, match="use bce_with_logits"):
        bce(np.array([[0.5, value]]), np.array([[0.5, 0.5]]))


def test_hinge_is_zero_beyond_the_margin_and_straight_before_it(xp: Any) -> None:
    logits = xp.asarray([[2.0], [0.25], [-3.0], [0.25], [-2.0], [1.0]])
    labels = xp.asarray([[1.0], [1.0], [1.0], [0.0], [0.0], [1.0]])
    loss, backward = hinge(logits, labels)
    assert loss.tolist() == [0, 0.75, 4, 1.25, 0, 0]
    assert backward(xp.ones(6))[:, 0].tolist() == [0, -1, -1, 1, 0, 0]


def test_a_critics_loss_is_its_score_with_a_sign(xp: Any) -> None:
    loss, backward = wasserstein(xp.asarray([[2.0], [-3.0]]), xp.asarray([[1.0], [0.0]]))
    assert loss.tolist() == [-2, -3]
    assert backward()[:, 0].tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("length", [0.0, 1.0])
def test_gradient_of_the_length_error(length: float, rng: Rng) -> None:
    report = check_function(
        lambda vector: length_error(vector, length), {"vector": rng.standard_normal((5, 4))}
    )
    assert report.ok, report


def test_a_length_is_that_of_its_row(xp: Any) -> None:
    """And not of a column, nor of the whole batch."""
    loss, backward = length_error(xp.asarray([[3.0, 4.0], [0.0, 0.0], [0.0, 1.0]]), 1.0)
    assert loss.tolist() == [16, 1, 0]
    np.testing.assert_allclose(
        to_numpy(backward(xp.ones(3))), [[4.8, 6.4], [0.0, 0.0], [0.0, 0.0]], rtol=1e-14
    )
    with pytest.raises(MinigenError, match=r"expected rows \(N, D\).*got vector \(3,\)"):
        length_error(np.ones(3), 0.0)
    wrong: list[Any] = [np.ones(3), "1", math.nan]
    for k in wrong:
        with pytest.raises(MinigenError, match="length must be a number, got"):
            length_error(np.ones((3, 2)), k)


def test_a_vector_of_no_length_has_a_finite_gradient_in_float32() -> None:
    loss, backward = length_error(np.zeros((2, 3), np.float32), 1.0)
    assert loss.tolist() == [1, 1]
    assert not backward().any()
    assert loss.dtype == backward().dtype == np.float32
