"""Layers: values, gradients, and the contract of a backward pass."""

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.gradcheck import check_layer
from minigen.nn.layers import (
    Activation,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    glorot,
    mlp,
    relu,
    sigmoid,
)

ACTIVATIONS = [ReLU(), LeakyReLU(), LeakyReLU(0.0), Sigmoid(), Tanh()]
Rng = np.random.Generator


def linear(rng: Rng, n_in: int = 4, n_out: int = 3) -> Linear:
    return Linear(n_in, n_out, rng, dtype="float64")


def network(rng: Rng) -> Sequential:
    return Sequential(linear(rng, 4, 5), Tanh(), linear(rng, 5, 6), LeakyReLU(), linear(rng, 6, 2))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_gradient_of_activation(activation: Activation, rng: Rng) -> None:
    report = check_layer(activation, rng.standard_normal((5, 4)))
    assert report.ok, report


def test_sigmoid_is_smooth_at_zero() -> None:
    """Where a comparison of complex numbers looks at the imaginary part, of either sign."""
    for sign in (1, -1):
        weight = sign * np.eye(3)
        linear = Linear(3, 3, np.random.default_rng(0)).with_params(
            {"weight": weight, "bias": np.zeros(3)}
        )
        report = check_layer(Sequential(linear, Sigmoid()), np.array([[0.0, -0.0, 1.0]]))
        assert report.ok, report


@pytest.mark.parametrize("rows", [1, 5])
def test_gradient_of_linear(rows: int, rng: Rng) -> None:
    report = check_layer(linear(rng), rng.standard_normal((rows, 4)))
    assert report.ok, report
    assert {c.variable for c in report.comparisons} == {"x", "weight", "bias"}


def test_gradient_of_sequential(rng: Rng) -> None:
    report = check_layer(network(rng), rng.standard_normal((5, 4)))
    assert report.ok, report


def test_complex_step_passes_through_every_layer(rng: Rng) -> None:
    """A layer that dropped the imaginary part would be checked against zero."""
    x = rng.standard_normal((3, 4)) + 1e-30j * rng.standard_normal((3, 4))
    for layer in [*ACTIVATIONS, linear(rng), network(rng)]:
        y, _ = layer(x + np.abs(x.real))  # positive, so that ReLU passes it
        assert np.abs(y.imag).max() > 0, type(layer).__name__


def test_linear_is_a_matrix_product_and_a_bias() -> None:
    layer = Linear(2, 3, np.random.default_rng(0), dtype="float64").with_params(
        {"weight": np.array([[1.0, 2, 3], [4, 5, 6]]), "bias": np.array([10.0, 20, 30])}
    )
    y, backward = layer(np.array([[1.0, -1.0]]))
    assert y.tolist() == [[7.0, 17.0, 27.0]]
    dx, grads = backward(np.array([[1.0, 0.0, 2.0]]))
    assert dx.tolist() == [[7.0, 16.0]]
    assert grads["weight"].tolist() == [[1.0, 0.0, 2.0], [-1.0, 0.0, -2.0]]
    assert grads["bias"].tolist() == [1.0, 0.0, 2.0]


def test_linear_starts_with_the_spread_of_its_formula() -> None:
    layer = Linear(400, 300, np.random.default_rng(0))
    limit = 1 / np.sqrt(400)
    for array in layer.params.values():
        assert array.dtype == np.float32
        assert np.abs(array).max() <= limit
        assert np.abs(array).max() > 0.95 * limit
        assert array.std() == pytest.approx(limit / np.sqrt(3), rel=0.1)


def test_values_of_activations() -> None:
    x = np.array([[-2.0, 0.0, 3.0]])
    assert ReLU()(x)[0].tolist() == [[0, 0, 3]]
    assert LeakyReLU(0.1)(x)[0].tolist() == [[-0.2, 0, 3]]
    np.testing.assert_allclose(Tanh()(x)[0], [[-0.9640275800758169, 0, 0.9950547536867305]])
    np.testing.assert_allclose(
        Sigmoid()(x)[0], [[0.11920292202211755, 0.5, 0.9525741268224334]], rtol=1e-15
    )


@pytest.mark.fault("saturated")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_neither_overflows_nor_loses_its_small_values(dtype: str) -> None:
    x = np.array([[-1000, -80, 0, 80, 1000]], dtype)
    y = sigmoid(x)
    assert y.dtype == dtype
    expected = [0, 1.8048513878454153e-35, 0.5, 1, 1]
    np.testing.assert_allclose(y, [expected], rtol=2e-5 if dtype == "float32" else 1e-14)


def test_relu_keeps_dtype_and_gives_plain_zeros() -> None:
    y = relu(np.array([[-1.0, 2.0]], np.float32))
    assert y.dtype == np.float32
    assert not np.signbit(y).any()


@pytest.mark.parametrize(
    "layer", [*ACTIVATIONS, LeakyReLU(np.float64(0.1))], ids=lambda a: type(a).__name__
)
def test_activation_follows_the_dtype(layer: Activation, rng: Rng) -> None:
    y, backward = layer(rng.standard_normal((2, 3)).astype(np.float32))
    dx, _ = backward(y)
    assert y.dtype == dx.dtype == np.float32


def test_backward_does_only_what_is_asked(rng: Rng) -> None:
    layer = network(rng)
    y, backward = layer(rng.standard_normal((3, 4)))
    dx, grads = backward(y)
    assert grads.keys() == layer.params.keys()
    only_dx, no_grads = backward(y, params=False)
    assert no_grads == {}
    np.testing.assert_array_equal(only_dx, dx)
    no_dx, only_grads = backward(y, inputs=False)
    assert no_dx is None
    for name in grads:
        np.testing.assert_array_equal(only_grads[name], grads[name])


def test_sequential_stops_at_the_first_layer_with_parameters(rng: Rng) -> None:
    """Without inputs, the first Linear makes no dx, and nothing before it runs."""
    asked = []

    class Spy(Layer):
        def __init__(self, name: str, inner: Layer) -> None:
            super().__init__(inner.params)
            self.name, self.inner = name, inner

        def __call__(self, x):  # type: ignore[no-untyped-def]
            y, inner_backward = self.inner(x)

            def backward(dy, inputs=True, params=True):  # type: ignore[no-untyped-def]
                asked.append((self.name, inputs))
                return inner_backward(dy, inputs, params)

            return y, backward

    layers = {"relu": ReLU(), "first": linear(rng, 4, 3), "tanh": Tanh(), "last": linear(rng, 3, 2)}
    y, backward = Sequential(*(Spy(*item) for item in layers.items()))(rng.random((2, 4)))
    backward(y, inputs=False)
    assert asked == [("last", True), ("tanh", True), ("first", False)]


def test_two_forward_passes_keep_their_own_backward_passes(rng: Rng) -> None:
    layer, first, second = network(rng), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    y, backward = layer(first)
    expected = backward(y)[0]
    _, backward_of_first = layer(first)
    layer(second)
    np.testing.assert_array_equal(backward_of_first(y)[0], expected)


def test_rows_do_not_see_each_other(rng: Rng) -> None:
    """Permuting a batch permutes y and dx and leaves the parameters' gradients."""
    layer, x, dy = network(rng), rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    order = rng.permutation(6)
    (y, backward), (y_permuted, backward_permuted) = layer(x), layer(x[order])
    np.testing.assert_allclose(y_permuted, y[order], rtol=1e-13)
    (dx, grads), (dx_permuted, grads_permuted) = backward(dy), backward_permuted(dy[order])
    np.testing.assert_allclose(dx_permuted, dx[order], rtol=1e-12)
    for name in grads:
        np.testing.assert_allclose(grads_permuted[name], grads[name], rtol=1e-12)


@pytest.mark.fault("caller's arrays")
@pytest.mark.parametrize(
    "layout",
    [np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2], lambda x: x[::-1, ::-1]],
    ids=["fortran", "strided", "negative strides"],
)
def test_memory_layout_does_not_matter(layout, rng: Rng) -> None:  # type: ignore[no-untyped-def]
    layer, x = network(rng), layout(rng.standard_normal((6, 4)))
    x.flags.writeable = False
    y, backward = layer(x)
    expected, backward_expected = layer(np.ascontiguousarray(x))
    np.testing.assert_allclose(y, expected, rtol=1e-13)
    np.testing.assert_allclose(backward(y)[0], backward_expected(expected)[0], rtol=1e-12)


def test_with_params_leaves_the_original_alone(rng: Rng) -> None:
    layer = network(rng)
    before = {name: array.copy() for name, array in layer.params.items()}
    twin = layer.with_params({name: array + 1 for name, array in layer.params.items()})
    assert list(twin.params) == list(layer.params) == list(before)
    x = rng.standard_normal((2, 4))
    assert not np.array_equal(twin(x)[0], layer(x)[0])
    for name in before:
        np.testing.assert_array_equal(layer.params[name], before[name])


def test_params_are_the_arrays_that_the_layers_use(rng: Rng) -> None:
    layer, x = network(rng), rng.standard_normal((2, 4))
    before = layer(x)[0]
    layer.params["4.bias"] += 1
    np.testing.assert_allclose(layer(x)[0], before + 1)


def test_mlp_alternates_linear_and_activation() -> None:
    net = mlp([784, 400, 200, 20], np.random.default_rng(0), activation=Tanh)
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    assert [p.shape for p in net.params.values()][::2] == [(784, 400), (400, 200), (200, 20)]
    assert list(net.params)[:2] == ["0.weight", "0.bias"]


@pytest.mark.parametrize("wrong", [ReLU, [ReLU(), ReLU()], None, "relu", lambda x: x])
def test_what_is_no_layer_is_not_dropped(wrong: Any) -> None:
    """A class without parentheses, or a list without a star, would make an identity."""
    with pytest.raises(MinigenError, match=f"got {re.escape(repr(wrong))} as number 1; .*ReLU()"):
        Sequential(ReLU(), wrong)


@pytest.mark.parametrize("widths", [[], [5]])
def test_an_mlp_of_fewer_than_two_widths_is_refused(widths: list[int], rng: Rng) -> None:
    with pytest.raises(MinigenError, match=rf"at least two, got {re.escape(repr(widths))}"):
        mlp(widths, rng)


def test_mlp_without_hidden_layers_is_linear() -> None:
    assert len(mlp([3, 2], np.random.default_rng(0)).layers) == 1


def test_faults_name_the_value(rng: Rng) -> None:
    layer = linear(rng)
    with pytest.raises(MinigenError, match=r"expects x of shape \(N, 4\), got \(2, 5\)"):
        layer(np.ones((2, 5)))
    with pytest.raises(MinigenError, match=r"got \(4,\)"):
        layer(np.ones(4))
    with pytest.raises(
        MinigenError, match=r"Linear\(4, 3\) .* float64, got an input in uint8; .*sca"
    ):
        layer(np.ones((2, 4), np.uint8))
    with pytest.raises(
        MinigenError, match=r"got an input in float64; convert it, by astype\('float"
    ):
        Linear(4, 3, rng)(np.ones((2, 4)))
    with pytest.raises(MinigenError, match=r"n_in of Linear must be a whole number .* got 0"):
        Linear(0, 3, rng)
    with pytest.raises(MinigenError, match=r"slope of LeakyReLU must be .* \[0, 1\), got 1"):
        LeakyReLU(1)
    with pytest.raises(MinigenError, match=r"'bias' of Linear: expected \(3,\), got nothing"):
        layer.with_params({"weight": layer.params["weight"]})
    with pytest.raises(MinigenError, match=r"'weight' of Linear: expected \(4, 3\), got \(3, 4\)"):
        layer.with_params({"weight": layer.params["weight"].T, "bias": layer.params["bias"]})
    with pytest.raises(MinigenError, match=r"'0.bias' of Sequential"):
        network(rng).with_params({"0.weight": np.ones((4, 5))})


def test_glorot_draws_weights_with_the_spread_of_its_formula_and_no_biases() -> None:
    params = mlp([300, 500, 100], np.random.default_rng(0)).params
    drawn = glorot(params, np.random.default_rng(1))
    assert {name: (p.shape, p.dtype) for name, p in drawn.items()} == {
        name: (p.shape, p.dtype) for name, p in params.items()
    }
    for name, (n_in, n_out) in {"0.weight": (300, 500), "2.weight": (500, 100)}.items():
        limit = (6 / (n_in + n_out)) ** 0.5
        assert 0.999 * limit < np.abs(drawn[name]).max() <= limit
        assert drawn[name].std() == pytest.approx(limit / 3**0.5, rel=0.01)
    assert not drawn["0.bias"].any()
    assert not drawn["2.bias"].any()


def test_glorots_weights_live_where_the_parameters_do(strict: ModuleType) -> None:
    params = mlp([30, 5], np.random.default_rng(0)).params
    on_device = {name: strict.asarray(array) for name, array in params.items()}
    expected = glorot(params, np.random.default_rng(1))
    for name, array in glorot(on_device, np.random.default_rng(1)).items():
        assert isinstance(array, strict.ndarray)
        np.testing.assert_array_equal(array.get(), expected[name])
