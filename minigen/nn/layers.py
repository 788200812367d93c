"""Layers: a forward pass returns its value and its backward pass.

    y, backward = layer(x)
    dx, grads = backward(dy)

dy is the gradient of the final scalar with respect to y, and dx the same for x; grads has the keys
of layer.params. The closure is the cache, so a layer can run twice before either backward pass;
it holds the parameters themselves, so call it before the optimizer's step.
A backward pass does no work that nobody asked for: `backward(dy, inputs=False)` returns None for
dx, and `backward(dy, params=False)` returns no grads.
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Protocol, Self

from minigen.backend import Array, Generator, array_module
from minigen.errors import MinigenError

Params = dict[str, Array]


class Backward(Protocol):
    """What a layer returns beside its value: (dy) -> (dx, grads)."""

    def __call__(
        self, dy: Array, inputs: bool = True, params: bool = True
    ) -> tuple[Array, Params]: ...


class Module:
    """Anything with parameters: a flat dict of arrays by name, as in PyTorch's state_dict.

    Optimizers update these arrays in place. To put other arrays in their stead (another dtype,
    another device, the content of a file) use `with_params`.
    """

    def __init__(self, params: Params) -> None:
        self.params = params

    def with_params(self, params: Mapping[str, Array]) -> Self:
        """The same module over these parameters; this one keeps its own.

        Raises:
            MinigenError: the names or the shapes differ from those of `self.params`.
        """
        self._check_fit(params)
        twin = copy.copy(self)
        twin.params = dict(params)
        return twin

    def _check_fit(self, params: Mapping[str, Array]) -> None:
        for name in sorted(self.params.keys() | params.keys()):
            expected, found = (
                str(owner[name].shape) if name in owner else "nothing"
                for owner in (self.params, params)
            )
            if expected != found:
                raise MinigenError(
                    f"parameter {name!r} of {type(self).__name__}: expected {expected}, "
                    f"got {found}; pass one array of the same shape for every name in .params"
                )


class Layer(Module, ABC):
    """A module that maps x (N, n_in) to y (N, n_out), row by row."""

    def __init__(self, params: Params | None = None) -> None:
        super().__init__(params or {})

    @abstractmethod
    def __call__(self, x: Array) -> tuple[Array, Backward]:
        """y, and the backward pass dy -> (dx, grads)."""


class Composite(Module):
    """A module made of parts, whose parameters it shows under dotted names.

    A subclass is constructed from its parts alone, in the order in which it names them here.
    """

    def __init__(self, **parts: Module) -> None:
        super().__init__({})
        self.parts = parts
        for name, part in parts.items():
            self.params |= prefixed(name, part.params)

    def with_params(self, params: Mapping[str, Array]) -> Self:
        self._check_fit(params)
        return type(self)(
            *(
                part.with_params({key: params[f"{name}.{key}"] for key in part.params})
                for name, part in self.parts.items()
            )
        )


def prefixed(name: str, params: Params) -> Params:
    """The same arrays under dotted names: "weight" becomes "name.weight"."""
    return {f"{name}.{key}": array for key, array in params.items()}


class Linear(Layer):
    """(B1) y = x W + b, with x (N, n_in), W (n_in, n_out), b (n_out,).

        dW = x^T dy        db = sum over rows of dy        dx = dy W^T

    Both start uniform on +-1 / sqrt(n_in), as PyTorch's Linear does; PyTorch stores the transpose
    of W.

    Args:
        n_in: width of x, at least 1.
        n_out: width of y, at least 1.
        rng: NumPy generator that draws W and b.
        dtype: of both parameters.
    """

    def __init__(self, n_in: int, n_out: int, rng: Generator, dtype: str = "float32") -> None:
        if n_in < 1 or n_out < 1:
            raise MinigenError(f"Linear({n_in}, {n_out}): both widths must be at least 1")
        limit = 1 / math.sqrt(n_in)
        weight = rng.uniform(-limit, limit, (n_in, n_out)).astype(dtype)
        bias = rng.uniform(-limit, limit, n_out).astype(dtype)
        super().__init__({"weight": weight, "bias": bias})

    def __call__(self, x: Array) -> tuple[Array, Backward]:
        weight, bias = self.params["weight"], self.params["bias"]
        array_module(x, weight)
        if x.ndim != 2 or x.shape[1] != weight.shape[0]:
            raise MinigenError(
                f"Linear expects x of shape (N, {weight.shape[0]}), got {x.shape}; "
                "one example a row"
            )
        y = x @ weight
        y += bias

        def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
            grads = {"weight": x.T @ dy, "bias": dy.sum(axis=0)} if params else {}
            dx = dy @ weight.T if inputs else None
            return dx, grads

        return y, backward


class Activation(Layer):
    """A layer without parameters that acts on each entry alone."""

    @abstractmethod
    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """(y, chain), where chain(dy) = dy * dy/dx."""

    def __call__(self, x: Array) -> tuple[Array, Backward]:
        y, chain = self.apply(x)

        def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
            return (chain(dy) if inputs else None), {}

        return y, backward


class ReLU(Activation):
    """(B2) y = max(x, 0); dy/dx = 1 where x > 0 and 0 elsewhere (0 at the kink)."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = relu(x)
        return y, lambda dy: dy * (y.real > 0)


class LeakyReLU(Activation):
    """(B3) y = max(x, a x); dy/dx = 1 where x > 0 and a elsewhere (Maas et al. 2013).

    Args:
        slope: a, in [0, 1).
    """

    def __init__(self, slope: float = 0.2) -> None:
        super().__init__()
        if not 0 <= slope < 1:
            raise MinigenError(f"LeakyReLU: slope must be in [0, 1), got {slope}")
        self.slope = float(slope)  # a NumPy float64 would make float64 of the arrays

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = array_module(x).maximum(x, self.slope * x)

        def chain(dy: Array) -> Array:
            slopes = (x.real > 0).astype(x.dtype)
            slopes *= 1 - self.slope
            slopes += self.slope  # not where: it branches at every entry, and cannot predict
            return dy * slopes

        return y, chain


class Sigmoid(Activation):
    """(B4) y = 1 / (1 + exp(-x)); dy/dx = y (1 - y)."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = sigmoid(x)
        return y, lambda dy: dy * y * (1 - y)


class Tanh(Activation):
    """(B5) y = tanh(x); dy/dx = 1 - y^2."""

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = array_module(x).tanh(x)
        return y, lambda dy: dy * (1 - y * y)


def relu(x: Array) -> Array:
    """max(x, 0), for x (N, D)."""
    xp = array_module(x)
    return xp.maximum(x, xp.zeros_like(x[:1]))  # NumPy vectorizes a row of zeros, not a scalar


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow: 1 / (1 + e) for x > 0 and e / (1 + e) for x <= 0, with
    e = exp(-|x|).
    """
    xp = array_module(x)
    e = xp.exp(xp.minimum(x, -x))  # not abs, which would drop the imaginary part of a complex step
    return xp.maximum(e, (x > 0).astype(e.dtype)) / (1 + e)  # x > 0 in the order of the minimum


class Sequential(Composite, Layer):
    """(B6) y = f_n(...f_2(f_1(x))): the backward passes run in the opposite order.

    Parameters are named by position: "0.weight", "0.bias", "2.weight", ...
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__(**{str(i): layer for i, layer in enumerate(layers)})
        self.layers = layers
        trained = (i for i, layer in enumerate(layers) if layer.params)
        self._first_trained = next(trained, len(layers))

    def __call__(self, x: Array) -> tuple[Array, Backward]:
        backwards = []
        for layer in self.layers:
            x, backward_of_layer = layer(x)
            backwards.append(backward_of_layer)

        def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
            grads: Params = {}
            last = 0 if inputs else self._first_trained  # nobody needs a gradient beyond this one
            for i in reversed(range(last, len(backwards))):
                dy, layer_grads = backwards[i](dy, inputs=inputs or i > last, params=params)
                grads |= prefixed(str(i), layer_grads)
            return (dy if inputs else None), grads

        return x, backward


def mlp(
    sizes: Iterable[int],
    rng: Generator,
    activation: Callable[[], Layer] = ReLU,
    dtype: str = "float32",
) -> Sequential:
    """Linear layers through these widths, with an activation between each two of them.

    mlp([784, 400, 20], rng) is Linear(784, 400), ReLU(), Linear(400, 20).
    """
    layers: list[Layer] = []
    for n_in, n_out in pairwise(sizes):
        layers += [Linear(n_in, n_out, rng, dtype), activation()]
    return Sequential(*layers[:-1])


def glorot(params: Params, rng: Generator) -> Params:
    """Other initial values for the parameters of Linear layers, by name: biases 0, and weights

        W ~ uniform on +-sqrt(6 / (n_in + n_out))

    which is between what keeps the variance of values forward and that of gradients backward
    where the activation is close to linear, as tanh (Glorot and Bengio 2010, equation 16).

    Args:
        params: W (n_in, n_out) or b (n_out,) under every name.
        rng: NumPy generator that draws the weights.
    """

    def draw(array: Array) -> Array:
        xp = array_module(array)
        if array.ndim == 1:
            return xp.zeros_like(array)
        limit = math.sqrt(6 / sum(array.shape))
        return xp.asarray(rng.uniform(-limit, limit, array.shape).astype(array.dtype))

    return {name: draw(array) for name, array in params.items()}
