"""Turns the arrays of a file into a Dataset: finite rows of uint8 or float32, train and test."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigen.data.dataset import Dataset
from minigen.errors import MinigenError

SMALLEST_SIDE = 8  # pixels: a row of 64 values is drawn as an image, a row of 4 or 9 is not
MOST_TEST_ROWS = 10_000


def from_splits(
    name: str,
    train: NDArray[Any],
    test: NDArray[Any],
    train_labels: NDArray[Any] | None = None,
    test_labels: NDArray[Any] | None = None,
) -> Dataset:
    """A Dataset from two arrays as in `as_rows` and whole numbers, one for each row.

    Raises:
        MinigenError: an array cannot be used, or two of them do not fit together.
    """
    train_rows, test_rows = as_rows(train, f"{name}: train"), as_rows(test, f"{name}: test")
    image_shape = _image_shape(train.shape, train_rows)
    alike = (
        train_rows.dtype == test_rows.dtype
        and train_rows.shape[1] == test_rows.shape[1]
        and image_shape == _image_shape(test.shape, train_rows)
    )
    if not alike:
        raise MinigenError(
            f"{name}: train is {train.dtype} {train.shape}, test is {test.dtype} {test.shape}; "
            "save both with rows of the same shape and dtype"
        )
    return Dataset(
        name,
        train_rows,
        test_rows,
        image_shape,
        _as_labels(train_labels, len(train), f"{name}: train_labels"),
        _as_labels(test_labels, len(test), f"{name}: test_labels"),
        notes=tuple(dict.fromkeys(_notes(train) + _notes(test))),  # each once, in this order
    )


def hold_back(name: str, array: NDArray[Any], seed: int) -> Dataset:
    """A Dataset from one array as in `as_rows`: a tenth of its rows is for test, from 1 to 10,000.

    `seed` chooses them. The array is handed over: its rows are rearranged in place, because
    there may be no room for them twice. Of a read-only array the last rows are for test.

    Raises:
        MinigenError: the array cannot be used, or has a single row.
    """
    rows = as_rows(array, name)
    image_shape = _image_shape(array.shape, rows)
    n = len(rows)
    if n == 1:
        raise MinigenError(f"{name}: has 1 row; give at least 2, one to train and one to test")
    n_test = min(max(1, n // 10), MOST_TEST_ROWS)
    if rows.flags.writeable:
        order = np.random.default_rng(seed).permutation(n)
        held, kept = order[:n_test], order[n_test:]
        test = rows[held]
        rows[held[held < n - n_test]] = rows[kept[kept >= n - n_test]]  # the last fill the gaps
        note = f"{n_test} of {n} rows are held back as test, chosen by seed {seed}"
    else:
        test = rows[-n_test:].copy()
        note = (
            f"the last {n_test} of {n} rows are held back as test, because the file is too large "
            "to shuffle; shuffle it before, if its order means something"
        )
    return Dataset(name, rows[:-n_test], test, image_shape, notes=(*_notes(array), note))


def as_rows(array: NDArray[Any], where: str) -> NDArray[np.uint8] | NDArray[np.float32]:
    """(N, D) in C order, from (N, D), (N, height, width) or (N, height, width, 1).

    uint8 stays as it is; bool, other integers and floats become float32. The result shares the
    array's memory where nothing has to change.

    Raises:
        MinigenError: another shape, no values, or values that float32 cannot hold: NaN, infinity
            or larger than 3.4e38. `where` says in the message which array it was.
    """
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
        extremes = rows.min(), rows.max()  # NaN if there is one; needs no memory, unlike isfinite
    if not np.isfinite(extremes).all():
        bad = ~np.isfinite(rows)
        row, column = divmod(int(bad.argmax()), rows.shape[1])
        raise MinigenError(
            f"{where}: NaN, infinite or too large for float32 in {bad.sum()} of {bad.size} places, "
            f"the first in row {row}, column {column} (counted from 0); mend these values"
        )
    return rows


def _as_labels(labels: NDArray[Any] | None, n: int, where: str) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    if labels.dtype.kind not in "iu" or labels.shape != (n,):
        raise MinigenError(
            f"{where}: {labels.dtype} {labels.shape} for {n} rows; "
            f"give one whole number for each row, or leave the labels out"
        )
    return labels.astype(np.int64)


def _image_shape(
    shape: tuple[int, ...], rows: NDArray[np.uint8] | NDArray[np.float32]
) -> tuple[int, int] | None:
    """(height, width) of one example: as the array says, or a square of at least 8x8 pixels, where
    the values could be grey.
    """
    if len(shape) > 2:
        return shape[1], shape[2]
    side = math.isqrt(shape[1])
    square = side * side == shape[1] and side >= SMALLEST_SIDE
    grey = square and (rows.dtype == np.uint8 or (rows.min() >= 0 and rows.max() <= 1))
    return (side, side) if grey else None


def _notes(array: NDArray[Any]) -> list[str]:
    """What `as_rows` does to an array, and what is still to be done, for the log."""
    notes = []
    if array.ndim > 2:
        height, width = array.shape[1:3]
        notes.append(f"images of {height}x{width} pixels are flattened to rows of {height * width}")
    if array.dtype == np.uint8:
        notes.append("pixels 0..255 will be scaled to 0..1")
    elif array.dtype != np.float32:
        notes.append(f"{array.dtype} values are converted to float32")
    return notes
