"""Rows: arrays of examples as models see them, in batches, and made of arrays of any kind."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigen.backend import Array, array_module
from minigen.checks import check_generator, check_whole
from minigen.errors import MinigenError

CHANNELS = 1, 3  # of grey images and of coloured ones
BRIGHT = 127  # of 255: rows of pictures have a brighter pixel, while most counts are below

Rows = NDArray[np.uint8] | NDArray[np.float32]
Shape = tuple[int, ...]  # of an image: (height, width), or (height, width, 3) in colour


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
    rows: Array,
    batch_size: int,
    rng: np.random.Generator | None = None,
    rank: int = 0,
    size: int = 1,
) -> Iterator[Array]:
    """Walk all rows once, scaled, batch by batch; the last batch may be smaller.

        for x in batches(data.train, 128, rng):
            ...

    Args:
        rows: (N, D) of either backend, uint8 pixels or floats.
        batch_size: rows in a batch, at least 1.
        rng: NumPy generator that shuffles them; without it they come in their order.
        rank, size: of each batch of n rows take one of `size` shares, all of ceil(n / size): what
            the last ones lack are copies of the batch's first rows.

    Raises:
        MinigenError: batch_size is no whole number of at least 1.
    """
    check_whole("batch_size", batch_size)
    xp = array_module(rows)
    if rng is None:
        order = xp.arange(len(rows))
    else:
        check_generator(rng)
        order = rng.permutation(len(rows))
    if size > 1:
        starts = range(0, len(rows), batch_size)
        shares = [_share(order[i : i + batch_size], rank, size) for i in starts]
        order, batch_size = array_module(order).concatenate(shares), len(shares[0])
    order = xp.asarray(order)
    starts = range(0, len(order), batch_size)
    return (scaled(rows.take(order[i : i + batch_size], axis=0)) for i in starts)


def _share(batch: Array, rank: int, size: int) -> Array:
    """The rows that fall to this rank, as many as to each."""
    each = -(-len(batch) // size)
    filled: Array = array_module(batch).resize(batch, each * size)
    return filled[rank * each : (rank + 1) * each]


def as_rows(array: NDArray[Any], where: str, scale: float | None = None) -> Rows:
    """Convert to (N, D) in C order, from (N, D), (N, height, width) or images with 1 or 3 channels.

    uint8 stays as it is, to be divided by 255 later; bool, other integers and floats become
    float32. With a scale, all are divided by it. The result shares the array's memory where nothing
    has to change.

    Raises:
        MinigenError: another shape, no values, or values that float32 cannot hold: NaN, infinity
            or larger than 3.4e38. `where` says in the message which array it was.
    """
    if array.dtype.kind not in "biuf":
        raise MinigenError(f"{where}: holds {array.dtype.name} values; give numbers")
    array = channels_last(array)
    if array.ndim not in (2, 3) and not (array.ndim == 4 and array.shape[3] in CHANNELS):
        one = "; one row is x[None], one column x[:, None]" if array.ndim == 1 else "; reshape it"
        raise MinigenError(
            f"{where}: has shape {array.shape}, expected (rows, values), (rows, height, width) or "
            f"(rows, height, width, 3){one}"
        )
    if array.size == 0:
        raise MinigenError(f"{where}: is empty, its shape is {array.shape}; give at least one row")
    if array.dtype == np.uint8 and scale in (None, 255):
        return np.ascontiguousarray(array).reshape(len(array), -1)
    with np.errstate(over="ignore", invalid="ignore"):  # what became infinite is reported below
        rows = np.ascontiguousarray(array, np.float32).reshape(len(array), -1)
        if scale is not None:
            rows = rows / np.float32(scale)
    check_finite(rows, where)
    return rows


def channels_last(array: NDArray[Any]) -> NDArray[Any]:
    """View images (N, C, height, width) as (N, height, width, C), where C is 1 or 3."""
    first = array.ndim == 4 and array.shape[1] in CHANNELS and array.shape[3] not in CHANNELS
    return np.moveaxis(array, 1, -1) if first else array


def stored_shape(array: NDArray[Any]) -> Shape | None:
    """The shape of one example, where it is an image in the array."""
    shape = channels_last(array).shape[1:]
    return None if len(shape) < 2 else shape[:2] if shape[2:] == (1,) else shape


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


def check_pixels(name: str, *arrays: Rows) -> None:
    """Raise MinigenError where no uint8 is so large that they can only be pixels 0..255: a type is
    no unit, and images of 0 and 1 divided by 255 are all but black.
    """
    blocks = (rows[i : i + 1000] for rows in arrays for i in range(0, len(rows), 1000))
    if any(block.dtype != np.uint8 or block.max() > BRIGHT for block in blocks):
        return
    high = max(int(rows.max()) for rows in arrays)
    raise MinigenError(
        f"{name}: whole numbers 0 to {high} in uint8, where pixels are 0 to 255; say what divides "
        f"them: scale={max(high, 1)} if {max(high, 1)} is the most, scale=255 if the images are "
        "dark"
    )


def as_image_shape(sides: Any) -> Shape | None:
    """A tuple of int, if these are (height, width) or (height, width, 3)."""
    whole = isinstance(sides, Sequence) and all(isinstance(n, int | np.integer) for n in sides)
    fits = whole and len(sides) >= 2 and min(sides) > 0 and tuple(sides[2:]) in ((), (3,))
    return tuple(int(side) for side in sides) if fits else None


def check_image_shape(name: str, shape: Any, width: int) -> Shape:
    """Return the shape as that of an image, in grey or in colour.

    Raises:
        MinigenError: it is none whose pixels are the values of a row.
    """
    sides = as_image_shape(shape)
    if sides is None or math.prod(sides) != width:
        raise MinigenError(
            f"{name}: images of shape {shape} do not fit rows of {width} values; give "
            "(height, width), or (height, width, 3) in colour"
        )
    return sides


def as_labels(
    labels: NDArray[Any] | None, n: int, where: str
) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Convert n labels to int64. Others than a whole number for each row are left out: they would
    only colour a figure; a note says so.
    """
    if labels is None:
        return None, []
    if labels.dtype.kind in "iu" and labels.shape in ((n,), (n, 1)):
        return labels.astype(np.int64).reshape(n), []
    return None, [
        f"{where}: {labels.dtype} {labels.shape} for {n} rows are left out, since they are not one "
        "whole number for each; figures have no colours"
    ]
