"""Optimizers against independent trajectories, and what they refuse."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigen.backend import to_numpy
from minigen.errors import MinigenError
from minigen.nn.optim import SGD, Adam, Average, Optimizer

Rng = np.random.Generator
STEPS = 20


def gradients(rng: Rng) -> list[dict[str, np.ndarray]]:
    """Twenty steps' gradients for two parameters; the seventh is zero."""
    steps = [
        {"weight": rng.standard_normal((3, 4)), "bias": 10 * rng.standard_normal(4)}
        for _ in range(STEPS)
    ]
    steps[6] = {name: np.zeros_like(array) for name, array in steps[6].items()}
    return steps


def adam_by_the_paper(
    p: float, gs: list[float], lr: float, b1: float, b2: float, eps: float
) -> float:
    """Kingma and Ba 2015, algorithm 1, for one number, line by line."""
    m = v = 0.0
    for t, g in enumerate(gs, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1**t)
        v_hat = v / (1 - b2**t)
        p = p - lr * m_hat / (v_hat**0.5 + eps)
    return p


def sgd_by_hand(p: float, gs: list[float], lr: float, momentum: float) -> float:
    """The velocity written out: v_t = sum over s <= t of momentum^(t - s) g_s."""
    for t in range(len(gs)):
        p -= lr * sum(momentum ** (t - s) * g for s, g in enumerate(gs[: t + 1]))
    return p


@pytest.mark.parametrize(
    ("make", "reference"),
    [
        (lambda p: SGD(p, 0.1), lambda p, g: sgd_by_hand(p, g, 0.1, 0.0)),
        (lambda p: SGD(p, 0.1, momentum=0.9), lambda p, g: sgd_by_hand(p, g, 0.1, 0.9)),
        (Adam, lambda p, g: adam_by_the_paper(p, g, 1e-3, 0.9, 0.999, 1e-8)),
        (
            lambda p: Adam(p, lr=0.05, betas=(0.5, 0.9), eps=0.1),
            lambda p, g: adam_by_the_paper(p, g, 0.05, 0.5, 0.9, 0.1),
        ),
        (
            lambda p: Adam(p, betas=(0.0, 0.9)),
            lambda p, g: adam_by_the_paper(p, g, 1e-3, 0, 0.9, 1e-8),
        ),
    ],
    ids=["sgd", "momentum", "adam", "adam with other constants", "adam without momentum"],
)
def test_trajectory(
    make: Callable[[dict[str, np.ndarray]], Optimizer],
    reference: Callable[[float, list[float]], float],
    rng: Rng,
) -> None:
    params = {"weight": rng.standard_normal((3, 4)), "bias": rng.standard_normal(4)}
    expected = {name: array.copy() for name, array in params.items()}
    steps = gradients(rng)
    optimizer = make(params)
    for grads in steps:
        optimizer.step(grads)
    for name, array in expected.items():
        for index in np.ndindex(array.shape):
            array[index] = reference(float(array[index]), [float(g[name][index]) for g in steps])
        np.testing.assert_allclose(params[name], array, rtol=1e-10)


def test_adam_does_not_depend_on_the_pieces_it_walks_in(rng: Rng) -> None:
    """An array longer than one cache-sized piece is updated like its parts."""
    size = 150_001
    start, grad = rng.standard_normal(size), rng.standard_normal(size)
    whole, parts = {"p": start.copy()}, {str(i): start[i::3].copy() for i in range(3)}
    long, short = Adam(whole), Adam(parts)
    for _ in range(3):
        long.step({"p": grad})
        short.step({str(i): grad[i::3].copy() for i in range(3)})
    for i in range(3):
        np.testing.assert_array_equal(whole["p"][i::3], parts[str(i)])


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1, 0.9), Adam], ids=["sgd", "adam"])
def test_step_works_in_place_and_only_there(make: Callable[[Any], Optimizer], rng: Rng) -> None:
    param, grad = rng.standard_normal(5).astype(np.float32), np.ones(5, np.float32)
    grad.flags.writeable = False
    before = param.copy()
    make({"p": param}).step({"p": grad})
    assert param.dtype == np.float32
    assert (param < before).all()


def test_state_is_all_that_the_next_step_depends_on(rng: Rng) -> None:
    params = {"p": rng.standard_normal(3)}
    adam, sgd = Adam(params), SGD(params, 0.1, 0.9)
    for optimizer in (adam, sgd):
        optimizer.step({"p": np.ones(3)})
    assert adam.state.keys() == {"t", "m.p", "v.p"}
    assert adam.state["t"] == sgd.state["t"] == 1
    assert sgd.state.keys() == {"t", "velocity.p"}


@pytest.mark.parametrize("make", [Adam, lambda p: SGD(p, 0.1, 0.9), lambda p: Average(p, 0.9)])
def test_a_state_is_as_it_was_when_it_was_taken(make: Callable[[Any], Any], xp: Any) -> None:
    params = {"p": xp.ones(3)}
    stepper = make(params)

    def step() -> list[float]:
        if isinstance(stepper, Average):
            params["p"] += 1
            stepper.update()
        else:
            stepper.step({"p": xp.ones(3) / stepper.lr})
        (buffer, *_) = stepper.buffers.values()
        return [stepper.t, *to_numpy(buffer).tolist(), *to_numpy(params["p"]).tolist()]

    step()
    state, before = stepper.state, params["p"].copy()
    once = step()
    step()
    stepper.restore(state)
    params["p"][...] = before
    assert step() == once
    assert set(stepper.live) == set(state)


def test_the_least_eps_keeps_a_parameter_without_a_gradient_where_it_is() -> None:
    params = {"p": np.ones(1, np.float32)}
    Adam(params, eps=1e-30).step({"p": np.zeros(1, np.float32)})
    assert params["p"] == 1


@pytest.mark.parametrize("eps", [0, 1e-50, -1.0, math.inf, math.nan, "1e-8"])
def test_an_eps_that_float32_rounds_to_0_is_refused(eps: Any) -> None:
    """It would move that parameter by 0 / 0."""
    with pytest.raises(MinigenError, match=f"eps must be a finite .* at least 1e-30, got {eps!r}"):
        Adam({}, eps=eps)


def test_gradients_that_do_not_fit_are_refused() -> None:
    optimizer = SGD({"a": np.ones(2), "b": np.ones(3)}, 0.1)
    for grads in ({"a": np.ones(2)}, {"a": np.ones(2), "b": np.ones((3, 1))}):
        with pytest.raises(MinigenError, match="gradients do not fit the parameters, at b"):
            optimizer.step(grads)
    with pytest.raises(MinigenError, match="at c"):
        optimizer.step({"a": np.ones(2), "b": np.ones(3), "c": np.ones(1)})


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda a: a[::2], lambda a: a.T], ids=["fortran", "strided", "T"]
)
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_parameter_of_any_layout_is_updated_in_place(
    optimizer: Any, layout: Any, rng: np.random.Generator
) -> None:
    param = layout(rng.standard_normal((700, 400)))  # more than one block
    plain, gradient = param.copy(), rng.standard_normal(param.shape)
    for p in (param, plain):
        optimizer({"p": p}, lr=0.1).step({"p": gradient})
    np.testing.assert_array_equal(param, plain)


@pytest.mark.parametrize("lr", [0.0, -1e-3, np.nan, np.inf])
def test_learning_rate_must_be_positive(lr: float) -> None:
    with pytest.raises(MinigenError, match="learning rate must be a positive number"):
        Adam({}, lr=lr)


def test_constants_out_of_range_are_refused() -> None:
    with pytest.raises(MinigenError, match=r"beta 2 must be a number in \[0, 1\), got 1.0"):
        Adam({}, betas=(0.9, 1.0))
    with pytest.raises(MinigenError, match="betas must be two numbers"):
        Adam({}, betas=(0.9,))
    with pytest.raises(MinigenError, match=r"momentum must be a number in \[0, 1\), got -0.1"):
        SGD({}, 0.1, momentum=-0.1)


def test_the_average_is_the_weighted_sum_of_where_the_parameters_were() -> None:
    steps = np.random.default_rng(0).standard_normal((6, 2, 3))
    params = {"w": steps[0].copy()}
    average = Average(params, decay=0.75)
    for step in steps[1:]:
        params["w"][...] = step
        average.update()
    weights = 0.75 ** np.arange(4, -1, -1)
    expected = np.average(steps[1:], axis=0, weights=weights)
    np.testing.assert_allclose(average.mean["w"], expected, rtol=1e-13)


def test_the_average_goes_on_from_its_state() -> None:
    steps = np.random.default_rng(0).standard_normal((4, 3))
    averages = [Average({"w": steps[0].copy()}, decay=0.75) for _ in range(2)]
    for step in steps[1:]:
        averages[0].params["w"][...] = step
        averages[0].update()
        averages[1].restore({name: np.array(array) for name, array in averages[0].state.items()})
        assert averages[1].mean["w"] is not averages[0].mean["w"]
        assert averages[1].mean["w"].tolist() == averages[0].mean["w"].tolist()
        assert averages[1].t == averages[0].t


def test_the_average_of_what_does_not_change_does_not_change() -> None:
    """Two weights whose rounded sum is not 1 would let it drift, here by 1e-4."""
    params = {"w": np.random.default_rng(0).standard_normal(100, dtype=np.float32)}
    average = Average(params, decay=0.9998)
    for _ in range(50):
        average.update()
    assert average.mean["w"].tolist() == params["w"].tolist()


def test_the_average_of_decay_zero_is_the_parameters_themselves() -> None:
    params = {"w": np.array([1.0, 2.0])}
    average = Average(params, decay=0.0)
    params["w"] += 5
    average.update()
    assert average.mean["w"].tolist() == [6, 7]
    params["w"] += 1
    assert average.mean["w"].tolist() == [6, 7]  # a copy, until the next update


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_the_decay_of_an_average_is_checked(decay: float) -> None:
    with pytest.raises(MinigenError, match=r"decay must be a number in \[0, 1\), got"):
        Average({"w": np.zeros(2)}, decay)
