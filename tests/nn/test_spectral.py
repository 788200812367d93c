"""Spectral normalization: the largest singular value, its gradient, and the state that it keeps."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minigen.backend import to_numpy
from minigen.gradcheck import check_params
from minigen.nn.layers import LeakyReLU, mlp
from minigen.nn.module import Params
from minigen.nn.spectral import PowerIteration, Vectors, power_step, spectral

Rng = np.random.Generator


def converged(params: Params, steps: int = 200) -> Vectors:
    vectors = power_step(params, {})
    for _ in range(steps):
        vectors = power_step(params, vectors)
    return vectors


def params_of(rng: Rng, dtype: str = "float64", xp: ModuleType = np) -> Params:
    params = mlp([4, 6, 3], rng, activation=LeakyReLU, dtype=dtype).params
    return {name: xp.asarray(array) for name, array in params.items()}


def test_steps_lead_to_the_largest_singular_value(rng: Rng, xp: ModuleType) -> None:
    params = params_of(rng, xp=xp)
    for name, vectors in converged(params).items():
        weight, a, b = map(to_numpy, (params[name], *vectors))
        left, values, right = np.linalg.svd(weight)
        assert a @ weight @ b == pytest.approx(values[0], rel=1e-12)
        np.testing.assert_allclose(np.abs([a @ left[:, 0], b @ right[0]]), 1, rtol=1e-12)


@pytest.mark.parametrize(
    "rows",
    [
        [[1.0, 0.0], [0.0, 2.0]],
        [[3.0, 0.0], *[[0.0, 2.0]] * 9],  # the longest row is not the longest singular vector
        [[0.0, 0.0], [3.0, 4.0]],
        [[1.0, 2.0], [-1.0, -2.0]],
        [[2.0, 1.0]],
    ],
    ids=["orthogonal", "a long one", "zeros first", "opposite", "one"],
)
def test_no_start_stays_at_a_smaller_singular_value(rows: list[Any], xp: ModuleType) -> None:
    weight = xp.asarray(np.array(rows))
    a, b = converged({"weight": weight})["weight"]
    assert float(a @ weight @ b) == pytest.approx(np.linalg.norm(rows, 2), rel=1e-12)


def test_every_weight_stretches_by_one_and_biases_stay(rng: Rng) -> None:
    params = params_of(rng)
    flat, _ = spectral(params, converged(params))
    for name, array in flat.items():
        if name.endswith("bias"):
            assert array is params[name]
        else:
            assert np.linalg.norm(array, 2) == pytest.approx(1, rel=1e-12)


def test_without_vectors_nothing_is_normalized(rng: Rng) -> None:
    params = params_of(rng)
    flat, backward = spectral(params, {})
    assert all(flat[name] is params[name] for name in params)
    assert backward(flat) == flat


def test_a_gradient_along_the_weight_itself_is_none(rng: Rng) -> None:
    """V = W / s does not change when W grows: <dW, W> = 0 for every dV."""
    params = params_of(rng)
    _, backward = spectral(params, converged(params))
    back = backward({name: rng.standard_normal(array.shape) for name, array in params.items()})
    for name in ("0.weight", "2.weight"):
        assert back[name].any()
        assert (back[name] * params[name]).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("steps", [0, 200])
def test_gradient_through_the_normalization(steps: int, rng: Rng) -> None:
    network = mlp([4, 6, 3], rng, activation=LeakyReLU, dtype="float64")
    x = rng.standard_normal((5, 4))
    vectors = converged(dict(network.params), steps)

    def loss(d):  # type: ignore[no-untyped-def]
        flat, spectral_backward = spectral(d.params, vectors)
        y, backward = d.with_params(flat)(x)
        return (y * y).sum(axis=1), lambda dloss: spectral_backward(
            backward(2 * dloss[:, None] * y)[1]
        )

    report = check_params(loss, network)
    assert report.ok, report


def test_arguments_are_left_alone_and_dtypes_stay(rng: Rng) -> None:
    params = params_of(rng, "float32")
    before = {name: array.copy() for name, array in params.items()}
    vectors = power_step(params, {})
    kept = {name: (a.copy(), b.copy()) for name, (a, b) in vectors.items()}
    power_step(params, vectors)
    flat, backward = spectral(params, vectors)
    grads = {name: array + 1 for name, array in flat.items()}
    given = {name: array.copy() for name, array in grads.items()}
    back = backward(grads)
    assert {array.dtype for array in (*flat.values(), *back.values())} == {np.dtype("float32")}
    for name in params:
        np.testing.assert_array_equal(params[name], before[name])
        np.testing.assert_array_equal(grads[name], given[name])
    for name, pair in vectors.items():
        np.testing.assert_array_equal(pair[0], kept[name][0])
        np.testing.assert_array_equal(pair[1], kept[name][1])


def test_the_iteration_follows_its_weights_and_comes_back(rng: Rng, xp: ModuleType) -> None:
    params = params_of(rng, xp=xp)
    iteration, twin = PowerIteration(params), PowerIteration(params)
    vectors = power_step(params, {})
    for _ in range(3):
        iteration.update()
        vectors = power_step(params, vectors)
    assert iteration.state["t"] == 3
    for name, (a, b) in vectors.items():
        assert (iteration.buffers[f"{name}.a"] == a).all()
        assert (iteration.buffers[f"{name}.b"] == b).all()
    assert set(iteration.buffers) == {
        "0.weight.a", "0.weight.b", "2.weight.a", "2.weight.b",
    }  # fmt: skip
    twin.restore(iteration.state)
    iteration.update()
    twin.update()
    for name, array in iteration.buffers.items():
        assert (array == twin.buffers[name]).all()
    assert repr(twin) == "PowerIteration(2 weights, step 4)"
