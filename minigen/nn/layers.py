"""Layers: a forward pass returns its value and its backward pass.

    y, backward = layer(x)
    dx, grads = backward(dy)

dy is the gradient of the final scalar with respect to y, and dx the same for x; grads has the keys
of layer.params. The closure is the cache, so a layer can run twice before either backward pass;
it holds the parameters themselves, so call it before the optimizer's step.
A backward pass does no work that nobody asked for: `backward(dy, inputs=False)` returns None for
dx, and `backward(dy, params=False)` returns no grads.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Protocol, cast

from minigen.backend import Array, Generator, array_module
from minigen.checks import check_floats, check_fraction, check_generator, check_shape, check_whole
from minigen.errors import MinigenError
from minigen.nn.module import Composite, Module, Params, prefixed


class Backward(Protocol):
    """The backward pass of a layer: dy -> (dx, grads)."""

    def __call__(
        self, dy: Array, inputs: bool = True, params: bool = True
    ) -> tuple[Array, Params]: ...


class Layer(Module, ABC):
    """A module that maps x (N, n_in) to y (N, n_out), row by row."""

    @abstractmethod
    def __call__(self, x: Array) -> tuple[Array, Backward]:
        """Compute y, and the backward pass dy -> (dx, grads)."""


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
        check_whole("n_in of Linear", n_in)
        check_whole("n_out of Linear", n_out)
        check_generator(rng)
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
        check_floats("an input", x, weight, self)
        y = x @ weight
        y += bias
        shape = y.shape  # and not y itself, which the closure would keep from being freed

        def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
            check_shape("dy", dy, shape)
            grads = {"weight": x.T @ dy, "bias": dy.sum(axis=0)} if params else {}
            dx = dy @ weight.T if inputs else None
            return dx, grads

        return y, backward

    def __repr__(self) -> str:
        return "Linear({}, {})".format(*self.params["weight"].shape)


class Activation(Layer):
    """A layer without parameters that acts on each entry alone."""

    @abstractmethod
    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Compute (y, chain), where chain(dy) = dy * dy/dx."""

    def __call__(self, x: Array) -> tuple[Array, Backward]:
        y, chain = self.apply(x)
        shape = y.shape

        def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
            check_shape("dy", dy, shape)
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
        self.slope = check_fraction("slope of LeakyReLU", slope)

    def apply(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = array_module(x).maximum(x, self.slope * x)

        def chain(dy: Array) -> Array:
            slopes = (x.real > 0).astype(x.dtype)
            slopes *= 1 - self.slope
            slopes += self.slope  # not where: it branches at every entry, and cannot predict
            return dy * slopes

        return y, chain

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope:g})"


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
    """Compute max(x, 0)."""
    return array_module(x).maximum(x, 0)


def sigmoid(x: Array) -> Array:
    """Compute 1 / (1 + exp(-x)) without overflow: with e = exp(-|x|), 1 / (1 + e) for x > 0 and
    e / (1 + e) for x <= 0.
    """
    xp = array_module(x)
    e = xp.exp(xp.minimum(x, -x))  # not abs, which would drop the imaginary part of a complex step
    return xp.maximum(e, (x > 0).astype(e.dtype)) / (1 + e)  # x > 0 in the order of the minimum


class Sequential(Composite, Layer):
    """(B6) y = f_n(...f_2(f_1(x))): the backward passes run in the opposite order.

    Parameters are named by position: "0.weight", "0.bias", "2.weight", ...

    Raises:
        MinigenError: an argument is no layer, such as a class of them or a list.
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise MinigenError(
                    f"Sequential takes layers one after another, got {layer!r} as number {i}; "
                    "a class is called, ReLU(), and a list has a star, Sequential(*layers)"
                )
        vars(self).update({str(i): layer for i, layer in enumerate(layers)})

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in their order."""
        return cast("tuple[Layer, ...]", tuple(self.parts.values()))

    def __call__(self, x: Array) -> tuple[Array, Backward]:
        layers, backwards = self.layers, []
        for layer in layers:
            x, backward_of_layer = layer(x)
            backwards.append(backward_of_layer)
        trained = (i for i, layer in enumerate(layers) if layer.params)
        first_trained = next(trained, len(layers))

        def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
            grads: Params = {}
            last = 0 if inputs else first_trained  # nobody needs a gradient beyond this one
            for i in reversed(range(last, len(backwards))):
                dy, layer_grads = backwards[i](dy, inputs=inputs or i > last, params=params)
                grads |= prefixed(str(i), layer_grads)
            return (dy if inputs else None), grads

        return x, backward

    @property
    def outline(self) -> str:
        """The widths that rows pass through, such as 784-400-40."""
        shapes = [array.shape for array in self.params.values() if array.ndim == 2]
        widths = [n_in for n_in, _ in shapes[:1]] + [n_out for _, n_out in shapes]
        return "-".join(map(str, widths)) or repr(self)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def mlp(
    sizes: Iterable[int],
    rng: Generator,
    *,
    activation: Callable[[], Layer] = ReLU,
    dtype: str = "float32",
) -> Sequential:
    """Build Linear layers through these widths, with an activation between each two of them.

    mlp([784, 400, 20], rng) is Linear(784, 400), ReLU(), Linear(400, 20).

    Raises:
        MinigenError: a width is no whole number of at least 1, or there are fewer than two.
    """
    widths = list(sizes)
    if len(widths) < 2:
        raise MinigenError(f"mlp takes the widths of its rows, at least two, got {widths}")
    layers: list[Layer] = []
    for n_in, n_out in pairwise(widths):
        layers += [Linear(n_in, n_out, rng, dtype), activation()]
    return Sequential(*layers[:-1])


def glorot(params: Mapping[str, Array], rng: Generator) -> Params:
    """Draw other initial values for the parameters of Linear layers, by name: biases 0, weights

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
