"""Rows: arrays of examples as models see them, in batches, and made of arrays of any kind."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigen.backend import Array, array_module
from minigen.checks import check_generator, check_whole
from minigen.errors import MinigenError

SMALLEST_SIDE = 8  # pixels: a row of 64 values is drawn as an image, a row of 4 or 9 is not

Rows = NDArray[np.uint8] | NDArray[np.float32]


def scaled(rows: Array) -> Array:
    """Return rows as float32: uint8 pixels divided by 255, floats as they are."""
    pixels = rows.dtype == np.uint8
    rows = rows.astype(np.float32)
    if pixels:
        rows /= 255
    return rows


def subsample(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw at most so many of these rows without replacement, in their order: the first ones would
    be of one class where a file is sorted.
    """
    if count >= len(rows):
        return rows
    return rows[np.sort(rng.permutation(len(rows))[:count])]


def batches(
    rows: Array, batch_size: int, rng: np.random.Generator | None = None
) -> Iterator[Array]:
    """Walk all rows once, scaled, batch by batch; the last batch may be smaller.

        for x in batches(data.train, 128, rng):
            ...

    Args:
        rows: (N, D) of either backend, uint8 pixels or floats.
        batch_size: rows in a batch, at least 1.
        rng: NumPy generator that shuffles them; without it they come in their order.

    Raises:
        MinigenError: batch_size is no whole number of at least 1.
    """
    check_whole("batch_size", batch_size)
    xp = array_module(rows)
    if rng is None:
        order = xp.arange(len(rows))
    else:
        check_generator(rng)
        order = xp.asarray(rng.permutation(len(rows)))
    starts = range(0, len(rows), batch_size)
    return (scaled(rows.take(order[i : i + batch_size], axis=0)) for i in starts)


def as_rows(array: NDArray[Any], where: str) -> Rows:
    """Convert to (N, D) in C order, from (N, D), (N, height, width) or (N, height, width, 1).

    uint8 stays as it is; bool, other integers and floats become float32. The result shares the
    array's memory where nothing has to change.

    Raises:
        MinigenError: another shape, no values, or values that float32 cannot hold: NaN, infinity
            or larger than 3.4e38. `where` says in the message which array it was.
    """
    if array.dtype.kind not in "biuf":
        raise MinigenError(f"{where}: holds {array.dtype.name} values; give numbers")
    if array.ndim not in (2, 3) and not (array.ndim == 4 and array.shape[3] == 1):
        raise MinigenError(
            f"{where}: has shape {array.shape}, expected (rows, values) or (rows, height, width); "
            "reshape it and save it again"
        )
    if array.size == 0:
        raise MinigenError(f"{where}: is empty, its shape is {array.shape}; give at least one row")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array).reshape(len(array), -1)
    with np.errstate(over="ignore", invalid="ignore"):  # what became infinite is reported below
        rows = np.ascontiguousarray(array, np.float32).reshape(len(array), -1)
    check_finite(rows, where)
    return rows


def check_finite(rows: Rows, where: str) -> None:
    """Raise MinigenError, with the place of the first one, where a value is not finite."""
    with np.errstate(invalid="ignore"):
        extremes = rows.min(), rows.max()  # NaN if there is one; needs no memory, unlike isfinite
    if not np.isfinite(extremes).all():
        bad = ~np.isfinite(rows)
        row, column = divmod(int(bad.argmax()), rows.shape[1])
        raise MinigenError(
            f"{where}: NaN, infinite or too large for float32 in {bad.sum()} of {bad.size} places, "
            f"the first in row {row}, column {column} (counted from 0); mend these values"
        )


def check_image_shape(name: str, shape: Any, width: int) -> tuple[int, int]:
    """Return the shape as (height, width) of a grey image.

    Raises:
        MinigenError: it is none whose pixels are the values of a row.
    """
    sides = tuple(shape) if isinstance(shape, Sequence) else ()
    whole = len(sides) == 2 and all(isinstance(side, int | np.integer) for side in sides)
    if not (whole and min(sides) > 0 and sides[0] * sides[1] == width):
        raise MinigenError(
            f"{name}: images of shape {shape} do not fit rows of {width} values; give "
            "(height, width)"
        )
    return int(sides[0]), int(sides[1])


def as_labels(labels: NDArray[Any] | None, n: int, where: str) -> NDArray[np.int64] | None:
    """Convert n labels to int64.

    Raises:
        MinigenError: they are not one whole number for each row.
    """
    if labels is None:
        return None
    if labels.dtype.kind not in "iu" or labels.shape != (n,):
        raise MinigenError(
            f"{where}: {labels.dtype} {labels.shape} for {n} rows; "
            f"give one whole number for each row, or leave the labels out"
        )
    return labels.astype(np.int64)


def image_shape_of(shape: tuple[int, ...], rows: Rows) -> tuple[int, int] | None:
    """(height, width) of one example: as the array says, or a square of at least 8x8 pixels, where
    the values could be grey.
    """
    if len(shape) > 2:
        return shape[1], shape[2]
    side = math.isqrt(shape[1])
    square = side * side == shape[1] and side >= SMALLEST_SIDE
    grey = square and (rows.dtype == np.uint8 or (rows.min() >= 0 and rows.max() <= 1))
    return (side, side) if grey else None


def notes_on(array: NDArray[Any]) -> list[str]:
    """Notes for the log: what `as_rows` does to an array, and what is still to be done."""
    notes = []
    if array.ndim > 2:
        height, width = array.shape[1:3]
        notes.append(f"images of {height}x{width} pixels are flattened to rows of {height * width}")
    if array.dtype == np.uint8:
        notes.append("pixels 0..255 will be scaled to 0..1")
    elif array.dtype != np.float32:
        notes.append(f"{array.dtype} values are converted to float32")
    return notes
