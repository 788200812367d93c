"""What holds for every shape, dtype, memory layout and weight; hypothesis looks for exceptions.

All arguments are read-only, so a function that modified one would raise.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigen.gradcheck import check_layer
from minigen.models.autoencoder import Autoencoder
from minigen.models.gan import GAN
from minigen.models.vae import VAE
from minigen.nn.gaussian import kl_to_standard_normal, log_normal, reparameterize
from minigen.nn.layers import (
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    sigmoid,
)
from minigen.nn.losses import bce, bce_with_logits, mse
from minigen.nn.module import Module
from minigen.nn.optim import SGD, Adam, Optimizer

settings.register_profile("minigen", derandomize=True, deadline=None, max_examples=20)
always = settings.get_profile("minigen")

M = TypeVar("M", bound=Module)
Arrays = dict[str, np.ndarray]
ACTIVATIONS = (ReLU, LeakyReLU, Sigmoid, Tanh)
LAYOUTS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    np.ascontiguousarray,
    np.asfortranarray,
    lambda x: x[::-1].copy()[::-1],
    lambda x: x[:, ::-1].copy()[:, ::-1],
    lambda x: np.repeat(x, 2, axis=0)[::2],
)


class Draw:
    """Widths N, D, Z and a dtype, with arrays and modules of them, in layouts of every kind."""

    def __init__(self, n: int, n_data: int, n_latent: int, dtype: str, seed: int) -> None:
        self.n, self.n_data, self.n_latent, self.dtype = n, n_data, n_latent, dtype
        self.rng = np.random.default_rng(seed)

    def laid_out(self, x: np.ndarray) -> np.ndarray:
        x = x.astype(self.dtype)
        if x.ndim == 2:
            x = LAYOUTS[self.rng.integers(len(LAYOUTS))](x)
        x.flags.writeable = False
        return x

    def normal(self, *shape: int) -> np.ndarray:
        return self.laid_out(self.rng.standard_normal(shape))

    def x(self) -> np.ndarray:
        return self.normal(self.n, self.n_data)

    def unit(self) -> np.ndarray:
        """x in [0.05, 0.95]."""
        return self.laid_out(self.rng.uniform(0.05, 0.95, (self.n, self.n_data)))

    def z(self, *draws: int) -> np.ndarray:
        return self.normal(self.n, *draws, self.n_latent)

    def linear(self, n_in: int, n_out: int) -> Linear:
        layer = Linear(n_in, n_out, self.rng)
        return layer.with_params({k: self.laid_out(v) for k, v in layer.params.items()})

    def network(self, n_in: int, n_out: int) -> Sequential:
        """One to three Linear layers, each with some activation behind it."""
        hidden = self.rng.integers(1, 10, self.rng.integers(3)).tolist()
        layers: list[Layer] = []
        for widths in pairwise([n_in, *hidden, n_out]):
            layers += [self.linear(*widths), ACTIVATIONS[self.rng.integers(4)]()]
        return Sequential(*layers)

    def layer(self) -> Sequential:
        return self.network(self.n_data, self.n_latent)

    def autoencoder(self) -> Autoencoder:
        return Autoencoder(self.layer(), self.network(self.n_latent, self.n_data))

    def vae(self) -> VAE:
        encoder = self.network(self.n_data, 2 * self.n_latent)
        return VAE(encoder, self.network(self.n_latent, self.n_data))

    def gan(self) -> GAN:
        return GAN(self.network(self.n_latent, self.n_data), self.network(self.n_data, 1))


def draws(least: int = 1, dtypes: tuple[str, ...] = ("float64",)) -> st.SearchStrategy[Draw]:
    """With at least so many rows."""
    n, widths, dtype = st.integers(least, 8), st.integers(1, 9), st.sampled_from(dtypes)
    return st.builds(Draw, n, widths, widths, dtype, st.integers(0, 2**32 - 1))


class Case(NamedTuple):
    """rows -> (value, upstream -> gradients), each named as the rows or parameters it is by."""

    run: Callable[[Arrays], tuple[np.ndarray, Callable[[np.ndarray], Arrays]]]
    rows: Arrays
    params: Arrays


def of_function(function: Callable[..., Any], n_variables: int, **rows: np.ndarray) -> Case:
    """Of the first arguments: the others are data."""

    def run(rows: Arrays) -> tuple[np.ndarray, Callable[[np.ndarray], Arrays]]:
        value, backward = function(**rows)

        def gradients(upstream: np.ndarray) -> Arrays:
            found = backward(upstream)
            found = found if isinstance(found, tuple) else (found,)
            return dict(zip(list(rows)[:n_variables], found, strict=True))

        return value, gradients

    return Case(run, rows, {})


def of_layer(layer: Layer, x: np.ndarray) -> Case:
    def run(rows: Arrays) -> tuple[np.ndarray, Callable[[np.ndarray], Arrays]]:
        y, backward = layer(rows["x"])

        def gradients(dy: np.ndarray) -> Arrays:
            dx, grads = backward(dy)
            return {"x": dx, **grads}

        return y, gradients

    return Case(run, {"x": x}, dict(layer.params))


def of_model(loss: Callable[..., Any], model: M, part: str = "", **rows: np.ndarray) -> Case:
    """Of the parameters of the model, or of this part of it."""

    def run(rows: Arrays) -> tuple[np.ndarray, Callable[[np.ndarray], Arrays]]:
        value, backward = loss(model, **rows)
        return value[0] if isinstance(value, tuple) else value, backward

    trained: Module = getattr(model, part) if part else model
    return Case(run, rows, dict(trained.params))


CASES: dict[str, Callable[[Draw], Case]] = {
    "mse": lambda d: of_function(mse, 1, prediction=d.x(), target=d.x()),
    "bce": lambda d: of_function(bce, 1, probability=d.unit(), target=d.unit()),
    "bce_with_logits": lambda d: of_function(bce_with_logits, 1, logits=d.x(), target=d.unit()),
    "reparameterize": lambda d: of_function(reparameterize, 2, mu=d.z(), logvar=d.z(), eps=d.z()),
    "kl_to_standard_normal": lambda d: of_function(
        kl_to_standard_normal, 2, mu=d.z(), logvar=d.z()
    ),
    "log_normal": lambda d: of_function(log_normal, 3, x=d.z(), mu=d.z(), logvar=d.z()),
    "ReLU": lambda d: of_layer(ReLU(), d.x()),
    "LeakyReLU": lambda d: of_layer(LeakyReLU(), d.x()),
    "Sigmoid": lambda d: of_layer(Sigmoid(), d.x()),
    "Tanh": lambda d: of_layer(Tanh(), d.x()),
    "Linear": lambda d: of_layer(d.linear(d.n_data, d.n_latent), d.x()),
    "Sequential": lambda d: of_layer(d.layer(), d.x()),
    "autoencoder": lambda d: of_model(Autoencoder.loss, d.autoencoder(), x=d.x(), target=d.x()),
    "VAE": lambda d: of_model(VAE.loss, d.vae(), x=d.unit(), eps=d.z()),
    "importance-weighted VAE": lambda d: of_model(
        VAE.importance_weighted_loss, d.vae(), x=d.unit(), eps=d.z(3)
    ),
    "discriminator": lambda d: of_model(
        GAN.discriminator_loss, d.gan(), "discriminator", x=d.x(), z=d.z()
    ),
    "generator": lambda d: of_model(GAN.generator_loss, d.gan(), "generator", z=d.z()),
}
every_case = pytest.mark.parametrize("make", CASES.values(), ids=CASES)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """To 1e-12 of the largest entry, or of 1."""
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.fault("caller's arrays")
@every_case
@always
@given(draw=draws(dtypes=("float32", "float64")))
def test_a_gradient_has_the_shape_and_dtype_of_what_it_is_by(
    make: Callable[[Draw], Case], draw: Draw
) -> None:
    """Float32 stays float32; and read-only arguments are enough."""
    run, rows, params = make(draw)
    value, backward = run(rows)
    assert len(value) == draw.n
    assert value.dtype == draw.dtype
    gradients = backward(draw.normal(*value.shape))
    assert gradients.keys() >= params.keys()
    for name, gradient in gradients.items():
        by = {**params, **rows}[name]
        assert gradient.shape == by.shape, name
        assert gradient.dtype == by.dtype, name


@every_case
@always
@given(draw=draws())
def test_backward_is_linear(make: Callable[[Draw], Case], draw: Draw) -> None:
    """A derivative is a linear map: backward(a u + b v) = a backward(u) + b backward(v)."""
    run, rows, _ = make(draw)
    value, backward = run(rows)
    u, v = draw.normal(*value.shape), draw.normal(*value.shape)
    of_u, of_v = backward(u), backward(v)
    for name, gradient in backward(3 * u - 0.7 * v).items():
        close(gradient, 3 * of_u[name] - 0.7 * of_v[name])


@every_case
@always
@given(draw=draws(least=2), data=st.data())
def test_a_batch_is_its_parts(
    make: Callable[[Draw], Case], draw: Draw, data: st.DataObject
) -> None:
    """Values and gradients by rows stand side by side; gradients by parameters add up."""
    run, rows, _ = make(draw)
    value, backward = run(rows)
    upstream = draw.normal(*value.shape)
    cut = data.draw(st.integers(1, draw.n - 1))
    values, gradients = [], []
    for half in (slice(cut), slice(cut, None)):
        part, part_backward = run({name: array[half] for name, array in rows.items()})
        values.append(part)
        gradients.append(part_backward(upstream[half]))
    close(np.concatenate(values), value)
    for name, gradient in backward(upstream).items():
        first, second = (part[name] for part in gradients)
        close(np.concatenate([first, second]) if name in rows else first + second, gradient)


@every_case
@always
@given(draw=draws(least=2), data=st.data())
def test_weight_zero_silences_an_example(
    make: Callable[[Draw], Case], draw: Draw, data: st.DataObject
) -> None:
    """It gets no gradient, and none depends on it: another example in its place changes nothing."""
    run, rows, _ = make(draw)
    silent = data.draw(st.integers(0, draw.n - 1))
    order = np.arange(draw.n)
    order[silent] -= 1
    value, backward = run(rows)
    _, backward_of_other = run({name: array[order] for name, array in rows.items()})
    upstream = draw.normal(*value.shape).copy()
    upstream[silent] = 0
    of_other = backward_of_other(upstream)
    for name, gradient in backward(upstream).items():
        close(of_other[name], gradient)
        assert name not in rows or not gradient[silent].any()


@always
@given(draw=draws())
def test_sequential_is_composition(draw: Draw) -> None:
    """Layer after layer, and back from the last to the first: the chain rule, bit by bit."""
    network, x = draw.layer(), draw.x()
    y, backward = network(x)
    backwards, by_hand = [], x
    for layer in network.layers:
        by_hand, layer_backward = layer(by_hand)
        backwards.append(layer_backward)
    np.testing.assert_array_equal(y, by_hand)
    dy = draw.normal(*y.shape)
    dx, grads = backward(dy)
    for i, layer_backward in reversed(list(enumerate(backwards))):
        dy, layer_grads = layer_backward(dy)
        for name, gradient in layer_grads.items():
            np.testing.assert_array_equal(grads.pop(f"{i}.{name}"), gradient)
    np.testing.assert_array_equal(dx, dy)
    assert grads == {}


@always
@given(draw=draws())
def test_gradient_of_any_network(draw: Draw) -> None:
    """By the complex step, whatever the widths, activations and layouts."""
    report = check_layer(draw.layer(), draw.x())
    assert not report.broken
    assert report.error("complex step") <= 1e-10


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1, 0.9), Adam], ids=["sgd", "adam"])
@always
@given(draw=draws(dtypes=("float32", "float64")))
def test_a_step_is_entry_by_entry(make: Callable[[Arrays], Optimizer], draw: Draw) -> None:
    """Whatever the layout of the gradient, each entry moves as it would in one flat array."""
    start, gradient = draw.x(), draw.x()
    param, flat = start.copy(order="C"), start.ravel().copy()
    optimizer, of_flat = make({"p": param}), make({"p": flat})
    for _ in range(2):
        optimizer.step({"p": gradient})
        of_flat.step({"p": gradient.ravel()})
    np.testing.assert_array_equal(param.ravel(), flat, strict=True)
    assert (param != start).all()


def numbers(low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    """(N, D) of them, in both precisions; the ends, zeros and tiny values come up often."""
    elements = st.floats(low, high, width=32)
    shape = st.tuples(st.integers(1, 3), st.integers(1, 9))
    return st.sampled_from(["float32", "float64"]).flatmap(
        lambda dtype: arrays(dtype, shape, elements=elements)
    )


def epsilon(x: np.ndarray) -> float:
    return float(np.finfo(x.dtype).eps)


@always
@given(x=numbers(-math.inf, math.inf))
def test_sigmoid_of_opposites(x: np.ndarray) -> None:
    """sigmoid(x) + sigmoid(-x) = 1, both in [0, 1], at infinity too."""
    p, q = sigmoid(x), sigmoid(-x)
    np.testing.assert_allclose(p + q, 1, rtol=0, atol=epsilon(x))
    assert p.min() >= 0
    assert p.max() <= 1
    assert (p[x > 0] >= 0.5).all()


@always
@given(logits=numbers(-1000, 1000), seed=st.integers(0, 2**32 - 1))
def test_cross_entropy_is_symmetric(logits: np.ndarray, seed: int) -> None:
    """To call data 0 what was 1, and the logit of it the opposite, changes nothing but a sign."""
    target = np.random.default_rng(seed).integers(0, 65, logits.shape).astype(logits.dtype) / 64
    loss, backward = bce_with_logits(logits, target)
    mirrored, mirrored_backward = bce_with_logits(-logits, 1 - target)
    tolerance = 8 * epsilon(logits) * (1 + np.abs(logits).sum(axis=1))
    assert (np.abs(loss - mirrored) <= tolerance).all()
    assert (loss >= -tolerance).all()
    np.testing.assert_allclose(-mirrored_backward(), backward(), rtol=0, atol=4 * epsilon(logits))


def log_ratio(z: np.ndarray, mu: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """log q(z) - log p(z), p the standard normal."""
    zero = np.zeros_like(z)
    return np.asarray(log_normal(z, mu, logvar)[0] - log_normal(z, zero, zero)[0])


@always
@given(draw=draws())
def test_divergence_is_the_mean_of_the_log_ratio(draw: Draw) -> None:
    """KL(q || p) = E_q[log q - log p], never negative. The ratio is quadratic in eps, whose Z
    pairs +-sqrt(Z) e_i have the mean and covariance of N(0, 1): the expectation is exact.
    """
    mu, logvar = draw.z(), 3 * draw.z()
    kl, _ = kl_to_standard_normal(mu, logvar)
    assert (kl >= 0).all()
    steps = math.sqrt(draw.n_latent) * np.eye(draw.n_latent)
    for row in range(draw.n):
        m, s = (np.tile(array[row], (2 * draw.n_latent, 1)) for array in (mu, logvar))
        z, _ = reparameterize(m, s, np.concatenate([steps, -steps]))
        assert log_ratio(z, m, s).mean() == pytest.approx(kl[row], rel=1e-11, abs=1e-12)


@always
@given(mu=st.floats(-1e3, 1e3), logvar=st.floats(-20, 20))
def test_density_has_its_mass_mean_and_variance(mu: float, logvar: float) -> None:
    """The integrals of N(x; mu, sigma^2), of x and of (x - mu)^2 under it: 1, mu, exp(logvar)."""
    sigma = math.exp(logvar / 2)
    step = sigma / 8
    u = step * np.arange(-100, 101)[:, None]
    density, _ = log_normal(mu + u, np.full_like(u, mu), np.full_like(u, logvar))
    mass = step * np.exp(density)
    assert mass.sum() == pytest.approx(1, rel=1e-8)
    assert mass @ u[:, 0] == pytest.approx(0, abs=1e-8 * sigma)
    assert mass @ u[:, 0] ** 2 == pytest.approx(sigma * sigma, rel=1e-8)
