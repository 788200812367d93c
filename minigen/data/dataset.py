"""What every source of data turns into: rows to learn from and rows held back to judge."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from minigen.backend import Array


@dataclass(frozen=True, eq=False)  # arrays do not compare to one bool
class Dataset:
    """Rows to learn from, and rows held back to judge.

    Args:
        name: what to call it in a log line, e.g. `mnist` or the path that was read.
        train: (N, D), finite. uint8 means pixels 0..255, to be divided by 255 batch by batch;
            float32 means values that are used as they are.
        test: (M, D), the same dtype.
        image_shape: (height, width) with height * width = D, where a row is a grey image.
        train_labels: (N,) int64, where the source has labels. Used to colour figures only.
        test_labels: (M,) int64.
        notes: what was done to the data on the way in, a clause each, for the log.
    """

    name: str
    train: NDArray[np.uint8] | NDArray[np.float32]
    test: NDArray[np.uint8] | NDArray[np.float32]
    image_shape: tuple[int, int] | None = None
    train_labels: NDArray[np.int64] | None = None
    test_labels: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """D, the number of values in one row."""
        return int(self.train.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all rows, their shapes and dtype: equal for equal data sets."""
        digest = hashlib.sha256()
        for rows in (self.train, self.test):
            digest.update(f"{rows.dtype.str} {rows.shape}".encode())
            digest.update(np.ascontiguousarray(rows).data)
        return digest.hexdigest()


def scaled(rows: Array) -> Array:
    """Rows as float32: uint8 pixels divided by 255, floats as they are."""
    pixels = rows.dtype == np.uint8
    rows = rows.astype(np.float32)
    if pixels:
        rows /= 255
    return rows


def some(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many of these rows, drawn without replacement, in their order: the first ones
    would be of one class where a file is sorted.
    """
    if count >= len(rows):
        return rows
    return rows[np.sort(rng.permutation(len(rows))[:count])]
