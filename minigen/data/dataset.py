"""What every source of data turns into: rows to learn from and rows held back to judge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Dataset:
    """Rows to learn from, and rows held back to judge.

    Args:
        name: what to call it in a log line, e.g. ``mnist`` or the path that was read.
        train: (N, D). uint8 means pixels 0..255, to be divided by 255 batch by batch; float32
            means values that are used as they are.
        test: (M, D), the same dtype.
        image_shape: (rows, columns) with rows * columns = D, where a row is a grey image.
        train_labels: (N,) int64, where the source has labels. Used to colour figures only.
        test_labels: (M,) int64.
        notes: what was done to the file on the way in, one sentence each, for the log.
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
        return self.train.shape[1]
