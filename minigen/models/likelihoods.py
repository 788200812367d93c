"""Likelihoods: what a decoder's outputs say of a row x, and what they decode to.

loss, backward = likelihood(outputs, x)     # loss = -log p(x | z), (N,) in nats
doutputs, grads = backward(dloss)           # grads has the keys of likelihood.params
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from minigen.backend import Array, Generator, array_module, to_numpy
from minigen.nn.gaussian import log_normal
from minigen.nn.layers import sigmoid
from minigen.nn.losses import bce_with_logits, paired
from minigen.nn.module import Module, Params

LikelihoodBackward = Callable[[Array], tuple[Array, Params]]  # dloss -> (doutputs, grads)


class Likelihood(Module, ABC):
    """A density of rows x (N, D), given outputs (N, D) of a decoder."""

    @abstractmethod
    def __call__(self, outputs: Array, x: Array) -> tuple[Array, LikelihoodBackward]:
        """Compute -log p(x | z), (N,) in nats, and the backward pass."""

    @abstractmethod
    def mean(self, outputs: Array) -> Array:
        """Compute the mean of x (N, D)."""

    def draw(self, outputs: Array, rng: Generator) -> Array:
        """Draw x (N, D); of a Bernoulli its mean, the grey picture that its draws scatter about."""
        return self.mean(outputs)


class Bernoulli(Likelihood):
    """Each value is 1 with probability sigmoid(output), else 0; grey values are allowed, as in
    `bce_with_logits`.
    """

    def __call__(self, outputs: Array, x: Array) -> tuple[Array, LikelihoodBackward]:
        loss, backward_to_logits = bce_with_logits(outputs, x)
        return loss, lambda dloss: (backward_to_logits(dloss), {})

    def mean(self, outputs: Array) -> Array:
        return sigmoid(outputs)


class Gaussian(Likelihood):
    """N(output, s^2), with one variance s^2 for all values, which is learnt. A loss below 0 is
    right: densities of values that lie close together are greater than 1.

    Args:
        logvar: log s^2 to begin with.
        dtype: of log s^2.
    """

    def __init__(self, logvar: float = 0.0, dtype: str = "float32") -> None:
        super().__init__({"logvar": np.full(1, logvar, dtype)})

    def __call__(self, outputs: Array, x: Array) -> tuple[Array, LikelihoodBackward]:
        """(V7) -log p(x | z) = D/2 log(2 pi s^2) + |x - output|^2 / (2 s^2)

            d / doutput = (output - x) / s^2
            d / dlog s^2 = 1/2 sum_d [1 - (x - output)^2 / s^2]

        At the best s^2 the second is 0 on average: s^2 is the mean squared error of a value.
        """
        _, x = paired(outputs=outputs, x=x)
        logvar = array_module(outputs).broadcast_to(self.params["logvar"], outputs.shape)
        log_p, log_p_backward = log_normal(x, outputs, logvar)

        def backward(dloss: Array) -> tuple[Array, Params]:
            _, doutputs, dlogvar = log_p_backward(-dloss)
            return doutputs, {"logvar": dlogvar.sum().reshape(1)}

        return -log_p, backward

    def mean(self, outputs: Array) -> Array:
        return outputs

    @property
    def sigma(self) -> float:
        """The standard deviation s."""
        return float(np.exp(to_numpy(self.params["logvar"])[0] / 2))

    def __repr__(self) -> str:
        return "Gaussian"

    def draw(self, outputs: Array, rng: Generator) -> Array:
        sigma = array_module(outputs).exp(self.params["logvar"] / 2)
        return outputs + sigma * rng.standard_normal(outputs.shape, dtype=outputs.dtype)
