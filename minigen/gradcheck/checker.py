"""Checks a backward pass against its forward pass, at every entry of every variable.

    print(check_layer(Linear(3, 2, rng, dtype="float64"), x))
    print(check_function(bce_with_logits, {"logits": logits}, {"target": target}))
    print(check_params(lambda vae: vae.loss(x, eps), vae))

Two independent measures of one derivative, of S = sum of upstream * value with random weights:

    complex step          Im S(v + i h) / h,  h = 1e-30       no subtraction: exact to rounding
    central differences   (S(v + h) - S(v - h)) / 2h          needs no complex arithmetic

The error of an array is max |backward - measured| / max |entry of either|, where at least FLOOR of
the largest gradient divides: 0 by cancellation leaves noise. Both passes agreeing proves that one
is the derivative of the other, not that either is the formula that was meant. (The complex step
is Squire and Trapp's, 1998.)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from minigen.backend import Array, array_module, to_numpy
from minigen.errors import MinigenError
from minigen.nn.layers import Layer
from minigen.nn.module import Module, Params

COMPLEX_STEP = 1e-30
COMPLEX_TOLERANCE = 1e-10
DIFFERENCE_STEP = 1e-5
DIFFERENCE_TOLERANCE = 1e-6
FLOOR = 1e-3
KINK = 1e-2  # one-sided slopes further apart than this, relative to the gradient, are no curvature

Variables = Mapping[str, Array]
NamedBackward = Callable[[Array], Mapping[str, Array]]
Evaluate = Callable[[Variables], tuple[Array, NamedBackward]]  # variables -> (value, backward)
Indices = tuple[tuple[int, ...], ...]
M = TypeVar("M", bound=Module)


@dataclass(frozen=True)
class Comparison:
    """One variable's gradient against one measure of it, and the entry where they differ most."""

    variable: str
    method: str
    error: float
    tolerance: float
    index: tuple[int, ...]
    backward: float
    measured: float
    kinks: Indices = ()

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance and not self.kinks

    def __str__(self) -> str:
        line = f"{self.variable:24} {self.method:20} error {self.error:.1e}"
        if self.kinks:
            entry = list(self.kinks[0])
            return f"{line}  KINK within {DIFFERENCE_STEP} of entry {entry}; move the input"
        if not self.ok:
            return (
                f"{line}  WRONG (above {self.tolerance:.0e}), most at {list(self.index)}: "
                f"backward gives {self.backward!r}, the forward pass {self.measured!r}"
            )
        return f"{line}  ok"


@dataclass(frozen=True)
class Report:
    """Every comparison, and every rule of a backward pass that was broken. `print` it."""

    comparisons: tuple[Comparison, ...]
    broken: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.broken and all(comparison.ok for comparison in self.comparisons)

    def error(self, method: str) -> float:
        """The largest error by "complex step" or "central differences"."""
        return max(c.error for c in self.comparisons if c.method == method)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.comparisons), *self.broken])


def check_function(
    function: Callable[..., tuple[Array, Callable[..., Array | tuple[Array, ...]]]],
    variables: Variables,
    constants: Variables | None = None,
    seed: int = 0,
) -> Report:
    """Check `value, backward = function(**variables, **constants)`.

    `backward(upstream)` returns one gradient for each variable, in the order of `variables`: a
    single array where there is one variable, a tuple where there are more.

    Args:
        variables: float64 arrays to differentiate by, under the function's argument names.
        constants: further arguments, as they are.
        seed: of the random upstream weights.

    Raises:
        MinigenError: a variable is not float64, or backward returns another number of gradients.
    """

    def evaluate(values: Variables) -> tuple[Array, NamedBackward]:
        value, backward = function(**values, **(constants or {}))

        def named(dvalue: Array) -> Mapping[str, Array]:
            gradients = backward(dvalue)
            if not isinstance(gradients, tuple):
                gradients = (gradients,)
            if len(gradients) != len(values):
                raise MinigenError(
                    f"backward returned {len(gradients)} gradients for the {len(values)} "
                    f"variables {', '.join(values)}"
                )
            return dict(zip(values, gradients, strict=True))

        return value, named

    return _check(evaluate, variables, seed)


def check_layer(layer: Layer, x: Array, seed: int = 0) -> Report:
    """Check `y, backward = layer(x)` by the input (as "x") and by every parameter.

    Raises:
        MinigenError: x or a parameter is not float64.
    """

    def evaluate(values: Variables) -> tuple[Array, NamedBackward]:
        params = {name: values[name] for name in layer.params}
        y, backward = layer.with_params(params)(values["x"])

        def named(dy: Array) -> Mapping[str, Array]:
            dx, grads = backward(dy)
            return {"x": dx, **grads}

        return y, named

    return _check(evaluate, {"x": x, **layer.params}, seed)


def check_params(
    loss: Callable[[M], tuple[Array | tuple[Array, ...], Callable[[Array], Params]]],
    module: M,
    seed: int = 0,
) -> Report:
    """Check `value, backward = loss(module)` by every parameter of the module.

    Where the value is a tuple of terms, its first entry is the one that backward belongs to.

    Raises:
        MinigenError: a parameter is not float64.
    """

    def evaluate(values: Variables) -> tuple[Array, NamedBackward]:
        value, backward = loss(module.with_params(values))
        return (value[0] if isinstance(value, tuple) else value), backward

    return _check(evaluate, module.params, seed)


def _check(evaluate: Evaluate, variables: Variables, seed: int) -> Report:
    for name, array in variables.items():
        if array.dtype != np.float64:
            raise MinigenError(
                f"gradcheck needs float64, and {name} is {array.dtype}; convert it with "
                "array.astype('float64'), parameters with with_params"
            )
    before = {name: array.copy() for name, array in variables.items()}
    value, backward = evaluate(variables)
    xp = array_module(value)
    upstream = xp.asarray(np.random.default_rng(seed).standard_normal(value.shape))
    upstream_before = upstream.copy()
    gradients = {name: to_numpy(array).copy() for name, array in backward(upstream).items()}
    if gradients.keys() != variables.keys():
        raise MinigenError(
            f"backward returned gradients for {', '.join(gradients)}, "
            f"expected {', '.join(variables)}"
        )
    again = backward(upstream)

    broken = [
        f"{name}: {what}"
        for name in variables
        for what, holds in (
            (
                "was modified",
                np.array_equal(to_numpy(variables[name]), to_numpy(before[name]), equal_nan=True),
            ),
            (
                f"gradient has shape {gradients[name].shape}, not {variables[name].shape}",
                gradients[name].shape == variables[name].shape,
            ),
            (
                "a second call of backward gives another gradient",
                np.array_equal(gradients[name], to_numpy(again[name]), equal_nan=True),
            ),
        )
        if not holds
    ]
    if not (upstream == upstream_before).all():
        broken.append("backward modified the upstream gradient that it was given")
    if broken:
        return Report((), tuple(broken))

    def scalar(values: Variables) -> complex:
        return complex((upstream * evaluate(values)[0]).sum())

    comparisons = []
    entries = np.abs(np.concatenate([*gradients.values()], axis=None))
    floor = FLOOR * entries[np.isfinite(entries)].max(initial=0)
    for name, gradient in gradients.items():
        exact = complex_step(scalar, variables, name)
        comparisons.append(
            _compare(name, "complex step", gradient, exact, COMPLEX_TOLERANCE, floor)
        )
        near, kinks = _central_differences(scalar, variables, name)
        comparisons.append(
            _compare(
                name, "central differences", gradient, near, DIFFERENCE_TOLERANCE, floor, kinks
            )
        )
    return Report(tuple(comparisons))


def complex_step(
    scalar: Callable[[Variables], complex], variables: Variables, name: str
) -> np.ndarray:
    """The derivative of a scalar by each entry of a variable."""
    values = {key: array.astype(np.complex128) for key, array in variables.items()}
    measured = np.zeros(values[name].shape)
    for index, moved in _entries(values[name]):
        moved(1j * COMPLEX_STEP)
        measured[index] = scalar(values).imag / COMPLEX_STEP
    return measured


def _central_differences(
    scalar: Callable[[Variables], complex], variables: Variables, name: str
) -> tuple[np.ndarray, Indices]:
    """The same, and the entries near which it has a kink."""
    h = DIFFERENCE_STEP
    values = {key: array.copy() for key, array in variables.items()}
    centre = scalar(values).real
    measured = np.zeros(values[name].shape)
    bends = np.zeros(values[name].shape)
    for index, moved in _entries(values[name]):
        moved(h)
        right = scalar(values).real
        moved(-h)
        left = scalar(values).real
        measured[index] = (right - left) / (2 * h)
        bends[index] = abs(right - 2 * centre + left) / h
    kinks = np.argwhere(bends > KINK * max(np.abs(measured).max(initial=0), KINK))
    return measured, tuple(tuple(map(int, kink)) for kink in kinks)


def _entries(array: Array) -> Iterator[tuple[tuple[int, ...], Callable[[complex], None]]]:
    """Each index with a function that moves this entry off its value; it returns by itself."""
    for index in np.ndindex(array.shape):
        value = array[index].copy()

        def moved(step: complex, index: tuple[int, ...] = index, value: Array = value) -> None:
            array[index] = value + step

        yield index, moved
        array[index] = value


def _compare(
    name: str,
    method: str,
    gradient: np.ndarray,
    measured: np.ndarray,
    tolerance: float,
    floor: float,
    kinks: Indices = (),
) -> Comparison:
    difference = np.abs(gradient - measured)
    scale = np.abs(np.concatenate([[floor], gradient, measured], axis=None)).max()
    index = tuple(map(int, np.unravel_index(np.argmax(difference), gradient.shape)))
    return Comparison(
        name,
        method,
        error=float(difference.max() / scale) if scale else 0.0,  # NaN if any entry is
        tolerance=tolerance,
        index=index,
        backward=float(gradient[index]),
        measured=float(measured[index]),
        kinks=kinks,
    )
