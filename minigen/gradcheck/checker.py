"""Checks a backward pass against its forward pass, at every entry of every variable.

    print(check_layer(Linear(3, 2, rng, dtype="float64"), x))
    print(check_function(bce_with_logits, {"logits": logits}, {"target": target}))
    print(check_params(lambda vae: vae.loss(x, eps), vae))

Two independent measures of one derivative, of S = sum of upstream * value with random weights:

    complex step          Im S(v + i h) / h,  h = 1e-30       no subtraction: exact to rounding
    central differences   (S(v + h) - S(v - h)) / 2h          needs no complex arithmetic

Where the complex step agrees and the differences do not, a step half as large tells curvature from
a mistake: it has a quarter of the error.

The error of an array is max |backward - measured| / max |entry of either|, where at least FLOOR of
the largest gradient divides: 0 by cancellation leaves noise. Both passes agreeing proves that one
is the derivative of the other, not that either is the formula that was meant. (The complex step
is Squire and Trapp's, 1998.)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from minigen.backend import Array, array_module, to_numpy
from minigen.errors import MinigenError
from minigen.gradcheck.measures import (
    DIFFERENCE_STEP,
    Scalar,
    Variables,
    central_differences,
    complex_step,
)
from minigen.gradcheck.report import CENTRAL, COMPLEX, Comparison, Report
from minigen.nn.layers import Layer
from minigen.nn.module import Module, Params

COMPLEX_TOLERANCE = 1e-10
DIFFERENCE_TOLERANCE = 1e-6
FLOOR = 1e-3
KINK = 1e-2  # one-sided slopes further apart than this, relative to the gradient, are no curvature

NamedBackward = Callable[[Array], Mapping[str, Array]]
Evaluate = Callable[[Variables], tuple[Array, NamedBackward]]  # variables -> (value, backward)
M = TypeVar("M", bound=Module)


def check_function(
    function: Callable[..., tuple[Array, Callable[..., Array | tuple[Array, ...]]]],
    variables: Variables,
    constants: Variables | None = None,
    seed: int = 0,
) -> Report:
    """Check `value, backward = function(**variables, **constants)`.

    `backward(upstream)` returns one gradient for each variable, in the order of `variables`: a
    single array where there is one variable, a tuple or a list where there are more.

    Args:
        variables: float64 arrays to differentiate by, under the function's argument names.
        constants: further arguments, as they are.
        seed: of the random upstream weights.

    Raises:
        MinigenError: a variable is not float64, or there is none; backward returns another number
            of gradients, or None.
    """

    def evaluate(values: Variables) -> tuple[Array, NamedBackward]:
        value, backward = function(**values, **(constants or {}))

        def named(dvalue: Array) -> Mapping[str, Array]:
            gradients = backward(dvalue)
            if not isinstance(gradients, tuple | list):
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
    if not variables:
        raise MinigenError("there is nothing to differentiate by; give a variable, or a parameter")
    before = {name: array.copy() for name, array in variables.items()}
    value, backward = evaluate(variables)
    upstream = array_module(value).asarray(np.random.default_rng(seed).standard_normal(value.shape))
    upstream_before = upstream.copy()
    gradients = _in_numpy(backward(upstream))
    if gradients.keys() != variables.keys():
        raise MinigenError(
            f"backward returned gradients for {', '.join(gradients)}, "
            f"expected {', '.join(variables)}"
        )
    again = _in_numpy(backward(upstream))
    broken = [
        f"{name}: {what}"
        for name, variable in variables.items()
        for what in _broken(variable, before[name], gradients[name], again[name])
    ]
    if not (upstream == upstream_before).all():
        broken.append("backward modified the upstream gradient that it was given")
    if broken:
        return Report((), tuple(broken))

    def scalar(values: Variables) -> complex:
        return complex((upstream * evaluate(values)[0]).sum())

    entries = np.abs(np.concatenate([*gradients.values()], axis=None))
    floor = FLOOR * entries[np.isfinite(entries)].max(initial=0)
    return Report(
        tuple(
            comparison
            for name, gradient in gradients.items()
            for comparison in _compared(scalar, variables, name, gradient, floor)
        )
    )


def _in_numpy(gradients: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """Copies of gradients."""
    for name, gradient in gradients.items():
        if gradient is None:
            raise MinigenError(
                f"backward returned None as the gradient by {name}; where nothing depends on it, "
                "that is an array of zeros"
            )
    return {name: to_numpy(gradient).copy() for name, gradient in gradients.items()}


def _broken(
    variable: Array, before: Array, gradient: np.ndarray, again: np.ndarray
) -> Iterator[str]:
    """The rules of a backward pass that are broken at this variable."""
    if not np.array_equal(to_numpy(variable), to_numpy(before), equal_nan=True):
        yield "was modified"
    if gradient.dtype.kind not in "fiu":
        yield f"gradient is {gradient.dtype}, not {variable.dtype}"
    elif gradient.shape != variable.shape:
        yield f"gradient has shape {gradient.shape}, not {variable.shape}"
    elif not np.array_equal(gradient, again, equal_nan=True):
        yield "a second call of backward gives another gradient"


def _compared(
    scalar: Scalar, variables: Variables, name: str, gradient: np.ndarray, floor: float
) -> Iterator[Comparison]:
    """The gradient by one variable against both measures."""
    measured = complex_step(scalar, variables, name)
    exact = _compare(name, COMPLEX, gradient, measured, COMPLEX_TOLERANCE, floor)
    yield exact
    near, bends = central_differences(scalar, variables, name)
    bent = KINK * max(np.abs(near).max(initial=0), KINK)
    differences = _compare(name, CENTRAL, gradient, near, DIFFERENCE_TOLERANCE, floor, bends > bent)
    if exact.ok and not differences.ok:  # in half a step, curvature bends half as much
        nearer, nearer_bends = central_differences(scalar, variables, name, DIFFERENCE_STEP / 2)
        finer = _compare(
            name,
            CENTRAL,
            gradient,
            (4 * nearer - near) / 3,  # and is a quarter of the error, which cancels here
            DIFFERENCE_TOLERANCE,
            floor,
            abs(bends - 2 * nearer_bends) > bent,
        )
        rounding = DIFFERENCE_TOLERANCE * max(floor, np.abs(gradient).max())
        if (abs(gradient - near) <= 2 * abs(nearer - near) + rounding).all():
            differences = replace(finer, curved=not finer.ok)
    yield differences


def _compare(
    name: str,
    method: str,
    gradient: np.ndarray,
    measured: np.ndarray,
    tolerance: float,
    floor: float,
    kinks: np.ndarray | None = None,
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
        kinks=() if kinks is None else tuple(tuple(map(int, kink)) for kink in np.argwhere(kinks)),
    )
