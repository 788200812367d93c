"""The derivations of gradients of gradients: slopes, their penalties, spectral normalization."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

from minigen.backend import Array
from minigen.gradcheck import Report, check_function, check_layer, check_params
from minigen.gradcheck.derivation import F64, Derivation, Draw
from minigen.models.gan import GAN
from minigen.nn.layers import Layer, LeakyReLU, ReLU, Sigmoid, Tanh, mlp
from minigen.nn.slopes import input_gradient
from minigen.nn.spectral import power_step, spectral

Activations = Callable[[], Layer]
STEPS = 100  # of the power iteration: more than enough for the gap of these weights


class Slope(Layer):
    """x -> the slope of a network at x: a layer, since it has a backward pass."""

    def __init__(self, network: Layer) -> None:
        super().__init__(network.params)
        self.network = network

    def __call__(self, x: Array) -> Any:
        return input_gradient(self.network.with_params(self.params), x)


def _slope_of_the_output(draw: Draw) -> Report:
    network = draw.module(mlp([3, 6, 1], draw.rng, activation=Tanh, dtype=F64))

    def output(x: Array) -> tuple[Array, Callable[..., Array]]:
        y, _ = network(x)
        slope, _ = input_gradient(network, x)
        return y, lambda dy: dy * slope

    return check_function(output, {"x": draw.normal(5, 3)})


def _input_gradient(*activations: Activations) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        kinds = cycle(activations)
        network = mlp([3, 6, 5, 1], draw.rng, activation=lambda: next(kinds)(), dtype=F64)
        return check_layer(Slope(draw.module(network)), draw.normal(5, 3))

    return check


def _penalty(slope: float, activation: Activations) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        gan, x, z = draw.gan(bounded=False), draw.normal(5, 3), draw.normal(5, 2)
        points = gan.between(x, z, draw.unit(5, 1)) if slope else x
        d = draw.module(mlp([3, 6, 5, 1], draw.rng, activation=activation, dtype=F64))
        return check_params(lambda d: GAN(gan.generator, d).slope_penalty(points, slope), d)

    return check


def _largest_singular_value(draw: Draw) -> Report:
    def largest(weight: Array) -> tuple[Array, Callable[..., Array]]:
        vectors = power_step({"weight": weight}, {})
        for _ in range(STEPS):
            vectors = power_step({"weight": weight}, vectors)
        a, b = vectors["weight"]
        return (a @ weight @ b).reshape(1), lambda ds: ds * a[:, None] * b

    return check_function(largest, {"weight": draw.normal(5, 3)})


def _normalized(penalized: bool) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        gan, x, z = draw.gan(bounded=False), draw.normal(5, 3), draw.normal(5, 2)
        vectors = power_step(gan.discriminator.params, {})

        def loss(d: Layer) -> tuple[Array, Callable[..., Any]]:
            flat, spectral_backward = spectral(d.params, vectors)
            normalized = GAN(gan.generator, d.with_params(flat))
            if penalized:
                value, backward = normalized.slope_penalty(x)
            else:
                (value, *_), backward = normalized.discriminator_loss(x, z)
            return value, lambda dloss: spectral_backward(backward(dloss))

        return check_params(loss, gan.discriminator)

    return check


SLOPES = (
    Derivation("G4", "R1 of a leaky discriminator", _penalty(0, LeakyReLU)),
    Derivation("G4", "R1 of a tanh discriminator", _penalty(0, Tanh)),
    Derivation("G5", "slope 1 between, leaky discriminator", _penalty(1, LeakyReLU)),
    Derivation("G5", "slope 1 between, tanh discriminator", _penalty(1, Tanh)),
    Derivation("S1", "output of a tanh network by x", _slope_of_the_output),
    Derivation("S2", "slope of a ReLU network", _input_gradient(ReLU, ReLU)),
    Derivation("S2", "slope of a leaky network", _input_gradient(LeakyReLU, LeakyReLU)),
    Derivation("S3", "slope of a tanh network", _input_gradient(Tanh, Tanh)),
    Derivation("S3", "slope of a sigmoid network", _input_gradient(Sigmoid, Sigmoid)),
    Derivation("S3", "slope of a network, leaky above tanh", _input_gradient(Tanh, LeakyReLU)),
    Derivation("S4", "largest singular value by W", _largest_singular_value),
    Derivation("S5", "discriminator, spectrally normalized", _normalized(penalized=False)),
    Derivation("S5", "R1, spectrally normalized", _normalized(penalized=True)),
)
