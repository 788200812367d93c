"""Slopes: closed forms, the complex step of the ordinary pass, faults, and work left undone."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.gradcheck import check_layer
from minigen.gradcheck.derivation import Draw
from minigen.gradcheck.slopes import Slope
from minigen.nn import slopes
from minigen.nn.layers import (
    Activation,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    mlp,
)
from minigen.nn.slopes import input_gradient

Rng = np.random.Generator
KINDS = [ReLU, LeakyReLU, Sigmoid, Tanh]
H = 1e-30

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


class Softplus(Activation):
    """log(1 + exp(x)): an activation that the package does not know."""

    def apply(self, x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y = np.log1p(np.exp(x))
        return y, lambda dy: dy * (1 - np.exp(-y))


@each_kind
def test_the_slope_is_the_derivative_of_the_output(kind: Callable[[], Layer], rng: Rng) -> None:
    network = mlp([3, 6, 5, 1], rng, activation=kind, dtype="float64")
    x = rng.standard_normal((4, 3))
    slope, _ = input_gradient(network, x)
    measured = np.stack(
        [network(x + 1j * H * direction)[0][:, 0].imag / H for direction in np.eye(3)], axis=1
    )
    np.testing.assert_allclose(slope, measured, rtol=1e-12, atol=1e-15)


@each_kind
def test_its_gradient_is_how_the_ordinary_one_changes_along_the_move(
    kind: Callable[[], Layer], rng: Rng
) -> None:
    network = mlp([3, 6, 5, 1], rng, activation=kind, dtype="float64")
    x = rng.standard_normal((4, 3))
    u = rng.standard_normal((4, 3))
    dx, grads = input_gradient(network, x)[1](u)
    moved_dx, moved = network(x + 1j * H * u)[1](np.ones((4, 1)))
    np.testing.assert_allclose(dx, moved_dx.imag / H, rtol=1e-12, atol=1e-15)
    assert grads.keys() == network.params.keys()
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, moved[name].imag / H, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "layers",
    [
        lambda rng: [Linear(3, 4, rng, "float64")],
        lambda rng: [Linear(3, 4, rng, "float64"), Tanh(), Tanh()],
        lambda rng: [Sigmoid(), Linear(3, 2, rng, "float64")],
        lambda rng: [Linear(3, 4, rng, "float64"), Linear(4, 2, rng, "float64"), Tanh()],
        lambda rng: [
            Linear(3, 4, rng, "float64"),
            Tanh(),
            LeakyReLU(),
            Linear(4, 1, rng, "float64"),
        ],
        lambda rng: [Linear(3, 4, rng, "float64"), ReLU(), Sigmoid(), Linear(4, 1, rng, "float64")],
    ],
    ids=["linear", "two bends", "bend first", "bend last", "straight above", "straight below"],
)
def test_layers_in_any_order(layers: Callable[[Rng], list[Layer]], rng: Rng) -> None:
    report = check_layer(Slope(Sequential(*layers(rng))), rng.standard_normal((4, 3)))
    assert report.ok, report


def test_one_unit_by_hand() -> None:
    """l = v f(w x): g = v w f', dg/dw = v f' + v w x f'', dg/dv = w f', dg/dx = v w^2 f''."""
    w, v, x = 0.7, -1.3, 0.4
    network = mlp(
        [1, 1, 1], np.random.default_rng(0), activation=Tanh, dtype="float64"
    ).with_params(
        {
            "0.weight": np.array([[w]]),
            "0.bias": np.zeros(1),
            "2.weight": np.array([[v]]),
            "2.bias": np.zeros(1),
        }
    )
    y = np.tanh(w * x)
    first, second = 1 - y**2, -2 * y * (1 - y**2)
    slope, backward = input_gradient(network, np.array([[x]]))
    dx, grads = backward(np.ones((1, 1)))
    np.testing.assert_allclose(slope, v * w * first, rtol=1e-14)
    np.testing.assert_allclose(dx, v * w * w * second, rtol=1e-14)
    np.testing.assert_allclose(grads["0.weight"], v * first + v * w * x * second, rtol=1e-14)
    np.testing.assert_allclose(grads["0.bias"], v * w * second, rtol=1e-14)
    np.testing.assert_allclose(grads["2.weight"], w * first, rtol=1e-14)
    assert grads["2.bias"] == 0


def test_where_no_layer_bends_biases_get_nothing_and_the_slope_no_gradient(rng: Rng) -> None:
    network = mlp([3, 6, 5, 1], rng, activation=LeakyReLU, dtype="float64")
    x = rng.standard_normal((4, 3))
    dx, grads = input_gradient(network, x)[1](rng.standard_normal((4, 3)))
    assert not dx.any()
    assert not any(grads[name].any() for name in grads if name.endswith("bias"))
    assert all(grads[name].any() for name in grads if name.endswith("weight"))


@pytest.mark.parametrize("inputs", [False, True])
@pytest.mark.parametrize("params", [False, True])
@pytest.mark.parametrize("first", [(), (Tanh(),)], ids=["Linear first", "bend first"])
@pytest.mark.parametrize("kind", [LeakyReLU, Tanh])
def test_what_nobody_asks_for_is_not_there(
    kind: Callable[[], Layer], first: tuple[Layer, ...], inputs: bool, params: bool, xp: ModuleType
) -> None:
    draw = Draw(xp)
    network = draw.module(
        Sequential(*first, *mlp([3, 6, 1], draw.rng, activation=kind, dtype="float64").layers)
    )
    x, u = draw.normal(4, 3), draw.normal(4, 3)
    _, backward = input_gradient(network, x)
    dx, grads = backward(u, inputs, params)
    whole_dx, whole_grads = backward(u)
    assert (dx is None) == (not inputs)
    if inputs:
        assert (dx == whole_dx).all()
    assert grads.keys() == (whole_grads.keys() if params else set())
    for name, gradient in grads.items():
        assert (gradient == whole_grads[name]).all()


def test_a_second_call_gives_the_same_and_the_upstream_is_left_alone(rng: Rng) -> None:
    network, x = mlp([3, 6, 1], rng, activation=Tanh, dtype="float64"), rng.standard_normal((4, 3))
    _, backward = input_gradient(network, x)
    u = rng.standard_normal((4, 3))
    before = u.copy()
    (first, grads), (second, again) = backward(u), backward(u)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(u, before)
    for name in grads:
        np.testing.assert_array_equal(grads[name], again[name])


@each_kind
def test_float32_stays_float32(kind: Callable[[], Layer], rng: Rng) -> None:
    network, x = mlp([3, 6, 1], rng, activation=kind), rng.standard_normal((4, 3), dtype=np.float32)
    slope, backward = input_gradient(network, x)
    dx, grads = backward(slope)
    arrays = [slope, dx, *grads.values()]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def test_what_is_no_sequential_of_layers_is_refused(rng: Rng) -> None:
    """A bare Linear has gradients of "weight", and none of "0.weight"."""
    for network, shown in (Linear(3, 1, rng), r"Linear\(3, 1\)"), (Sequential(), r"Sequential\(\)"):
        with pytest.raises(
            MinigenError, match=f"Sequential of layers, at least one; .* got {shown}"
        ):
            input_gradient(network, rng.standard_normal((4, 3)))
    linear = Sequential(Linear(3, 1, rng, "float64"))
    _, backward = input_gradient(linear, rng.standard_normal((4, 3)))
    assert backward(rng.standard_normal((4, 3)))[1].keys() == linear.params.keys()


def test_an_activation_of_ones_own_is_refused_until_its_curvature_is_known(
    rng: Rng, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = mlp([3, 6, 5, 1], rng, activation=Softplus, dtype="float64")
    x = rng.standard_normal((4, 3))
    with pytest.raises(MinigenError, match=r"Linear, ReLU.* got Softplus\(\); put the f'' of"):
        input_gradient(network, x)
    known: dict[Any, Any] = {**slopes.CURVATURES, Softplus: lambda y: np.exp(-y) * (1 - np.exp(-y))}
    monkeypatch.setattr(slopes, "CURVATURES", known)
    report = check_layer(Slope(network), x)
    assert report.ok, report


def test_a_sequential_within_is_refused(rng: Rng) -> None:
    nested = Sequential(Sequential(Linear(3, 2, rng, "float64")), Tanh())
    with pytest.raises(MinigenError, match=r"in one Sequential; got Sequential\(Linear\(3, 2\)\)"):
        input_gradient(nested, np.ones((2, 3)))


def test_double_backpropagation_does_not_see_a_kink_move() -> None:
    """l = relu(x - b): E|g|^2 = P(x > b), whose slope is -phi(b), and every single row says 0."""
    x = np.random.default_rng(0).standard_normal((1000, 1))
    network = Sequential(Linear(1, 1, np.random.default_rng(0), "float64"), ReLU())
    network = network.with_params({"0.weight": np.ones((1, 1)), "0.bias": np.array([-0.5])})
    slope, backward = input_gradient(network, x)
    _, grads = backward(2 * slope / len(x))
    assert grads["0.bias"] == 0
    share = [(x > b).mean() for b in (0.3, 0.7)]
    assert (share[1] - share[0]) / 0.4 == pytest.approx(-0.352, abs=0.03)
