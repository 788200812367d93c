"""What every entrance asks of its arguments: each rule once, with the sentence that it gives."""

import math
import operator
import os
from types import ModuleType
from typing import Any

import numpy as np

from minigen.backend import Array, array_module
from minigen.errors import MinigenError

LARGEST = 2**31 - 1  # of whole numbers
NUMBERS = (int, float, np.integer, np.floating)


def check_rows(*, paired: bool = True, **arrays: Array) -> ModuleType:
    """Return the array module of these (N, D) arrays, each with at least one row and one column.

    Args:
        paired: they have one shape; else only one width.
        arrays: by the names that the message uses.

    Raises:
        MinigenError: they are not such arrays. Nothing is broadcast.
    """
    xp = array_module(*arrays.values())
    shapes = {name: array.shape for name, array in arrays.items()}
    alike = {shape if paired else shape[1:] for shape in shapes.values()}
    if len(alike) > 1 or any(len(shape) != 2 or 0 in shape for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise MinigenError(
            f"expected rows (N, D) of one {'shape' if paired else 'width'}, at least one, got "
            f"{found}; reshape them, nothing is broadcast"
        )
    return xp


def check_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise MinigenError unless this is an array of this shape."""
    found = getattr(array, "shape", None)
    if found != shape:
        what = f"one of shape {found}" if found is not None else f"{array!r}"
        raise MinigenError(f"{name}: expected an array of shape {shape}, got {what}")


def check_floats(name: str, array: Array, like: Array, where: object) -> None:
    """Raise MinigenError unless these are floats of no more digits than others, in whose dtype is
    computed: NumPy would make floats of raw pixels, and float64 of all that float64 meets.
    """
    is_float = array.dtype.kind in "fc"
    if not is_float or array.real.dtype.itemsize > like.real.dtype.itemsize:
        pixels = "" if is_float else "pixels by minigen.data.scaled, others "
        raise MinigenError(
            f"{where} computes in {like.dtype}, got {name} in {array.dtype}; convert it, "
            f"{pixels}by astype({like.dtype.name!r})"
        )


def check_unit_interval(name: str, rows: Array) -> None:
    """Raise MinigenError unless all values are in [0, 1], which labels and Bernoulli variables are.

    A GPU is not asked, since a step would wait for the answer: there, `Dataset` has checked.
    """
    if array_module(rows) is np and not (rows.min() >= 0 and rows.max() <= 1):
        raise MinigenError(
            f"{name}: values from {rows.min():g} to {rows.max():g}, and this loss is for values in "
            "[0, 1]; rescale them, or take a squared error"
        )


def as_whole(value: object, least: int = 1) -> int:
    """Return value as an int.

    Raises:
        ValueError: it is no whole number from `least` up to LARGEST; the text is what it must be.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"a whole number of at least {least}")
    if number > LARGEST:
        raise ValueError(f"a whole number of at most {LARGEST}")
    return number


def check_whole(name: str, value: object, least: int = 1) -> int:
    """Return value as an int.

    Raises:
        MinigenError: it is no whole number from `least` up to LARGEST.
    """
    try:
        return as_whole(value, least)
    except ValueError as error:
        raise MinigenError(f"{name} must be {error}, got {value!r}") from None


def check_number(name: str, value: Any) -> float:
    """Return value as a float: a NumPy float64 would make float64 of the arrays that it meets.

    Raises:
        MinigenError: it is no number, or not finite.
    """
    if not (isinstance(value, NUMBERS) and math.isfinite(value)):
        raise MinigenError(f"{name} must be a number, got {value!r}")
    return float(value)


def check_fraction(name: str, value: Any) -> float:
    """Return value as a float.

    Raises:
        MinigenError: it is not in [0, 1).
    """
    if not (isinstance(value, NUMBERS) and 0 <= value < 1):
        raise MinigenError(f"{name} must be a number in [0, 1), got {value!r}")
    return float(value)


def check_positive(name: str, value: Any, least: float = 0.0) -> float:
    """Return value as a float.

    Raises:
        MinigenError: it is not positive, below the least, or not finite.
    """
    if not (isinstance(value, NUMBERS) and 0 < value < math.inf and value >= least):
        bound = f"finite number of at least {least:g}" if least else "positive number"
        raise MinigenError(f"{name} must be a {bound}, got {value!r}")
    return float(value)


def check_generator(rng: object) -> None:
    """Raise MinigenError unless this draws random numbers; a seed does not."""
    if not hasattr(rng, "standard_normal"):
        raise MinigenError(
            f"expected a random generator, got {rng!r}; make one by numpy.random.default_rng(seed)"
        )


def check_memory(what: str, size: int, remedy: str) -> None:
    """Refuse, before anything is allocated, what this machine cannot hold.

    Args:
        what: needs the memory.
        size: of it, in bytes.
        remedy: what to do instead.

    Raises:
        MinigenError: the size is more than the machine's memory.
    """
    if not hasattr(os, "sysconf"):  # not on Windows
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise MinigenError(
            f"{what} needs about {size / 1e9:,.0f} GB, and this machine has {memory / 1e9:,.0f}; "
            f"{remedy}"
        )
