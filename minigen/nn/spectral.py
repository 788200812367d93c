"""Spectral normalization: a discriminator whose every weight stretches by 1 at most.

    vectors = power_step(d.params, vectors)                     # they follow the weights
    flat, spectral_backward = spectral(d.params, vectors)
    loss, backward = GAN(g, d.with_params(flat)).discriminator_loss(x, z)
    grads = spectral_backward(backward())                       # of d.params

It stands outside the layers, as a map of parameters: no layer and no loss knows of it.
"""

import math
from collections.abc import Callable, Mapping

from minigen.backend import Array, array_module
from minigen.nn.module import Params
from minigen.nn.optim import Stateful

Vectors = Mapping[str, tuple[Array, Array]]  # by weight: unit vectors a (n_in,), b (n_out,)


def power_step(params: Mapping[str, Array], vectors: Vectors) -> Vectors:
    """(S4) a = W b / |W b|, then b = W^T a / |W^T a|: towards the singular vectors of the largest
    singular value s, which is a^T W b there, with the gradient

        dW = ds a b^T

    Args:
        params: by name; each W (n_in, n_out) gets vectors, a bias none.
        vectors: from the step before; at first there are none, and b begins as a sum of the rows
            of W. A single row could be another singular vector, from where no step leads away.
    """

    def unit(v: Array) -> Array:
        return v / array_module(v).sqrt((v * v).sum())

    moved = {}
    for name, w in params.items():
        if w.ndim == 2:
            a = unit(w @ (vectors[name][1] if name in vectors else _first(w)))
            moved[name] = a, unit(w.T @ a)
    return moved


def _first(w: Array) -> Array:
    """A sum of rows, with weights from 1 to 2 without a pattern: multiples of the golden ratio."""
    xp = array_module(w)
    weights = 1 + xp.arange(len(w)) * (math.sqrt(5) / 2) % 1
    return weights.astype(w.dtype) @ w


def spectral(
    params: Mapping[str, Array], vectors: Vectors
) -> tuple[Params, Callable[[Params], Params]]:
    """(S5) V = W / s with s = a^T W b, for every W that has vectors; the others as they are.

        dW = (dV - <dV, V> a b^T) / s

    It is exact for these a and b, and for the largest singular value itself once they are its
    vectors, since s is stationary in both there (Miyato et al. 2018, section 2.1).

    Returns:
        The normalized parameters, and the backward pass from their gradients to those of params.
    """
    scales = {name: a @ params[name] @ b for name, (a, b) in vectors.items()}
    flat = {name: w / scales[name] if name in scales else w for name, w in params.items()}

    def backward(grads: Params) -> Params:
        back = dict(grads)
        for name, (a, b) in vectors.items():
            dv = grads[name]
            back[name] = (dv - (dv * flat[name]).sum() * a[:, None] * b) / scales[name]
        return back

    return flat, backward


class PowerIteration(Stateful):
    """The singular vectors of weights that change: a `power_step` at each update."""

    def __init__(self, params: Mapping[str, Array]) -> None:
        super().__init__(params)
        self.vectors = power_step(params, {})

    def update(self) -> None:
        """Follow the weights as they are now."""
        self.t += 1
        self.vectors = power_step(self.params, self.vectors)

    @property
    def buffers(self) -> Params:
        return {
            f"{name}.{side}": vector
            for name, pair in self.vectors.items()
            for side, vector in zip("ab", pair, strict=True)
        }

    def __repr__(self) -> str:
        return f"PowerIteration({len(self.vectors)} weights, step {self.t})"
