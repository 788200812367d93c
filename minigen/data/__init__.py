"""One door for data: MNIST, which ships with the package, toy densities, or a user's own files.

MNIST is by LeCun, Cortes and Burges (CC BY-SA 3.0): the four original IDX files, gzipped.
"""

import os
from pathlib import Path

import numpy as np

from minigen.data.dataset import Dataset, scaled, some
from minigen.data.files import read_npy, read_npz
from minigen.data.idx import read_idx_folder
from minigen.data.rows import from_splits, hold_back
from minigen.data.toy import MIXTURES, draw
from minigen.errors import MinigenError

__all__ = ["NAMES", "Dataset", "load", "require_unit_interval", "scaled", "some"]

NAMES = ("mnist", *MIXTURES)  # of data sets that need no file


def load(source: str, *, seed: int = 0) -> Dataset:
    """The data set that `source` names.

    Args:
        source: `mnist`; a toy density, `ring`, `grid` or `mixture`; or a path to an
            `.npy` file (one array), to an `.npz` file (the arrays train and test or x_train
            and x_test, with or without labels; or one array), or to a folder of IDX files.
        seed: draws the rows of a toy density, and chooses the rows that are held back as test
            where the source is one array.

    Raises:
        MinigenError: the source is unknown, cannot be read, is damaged, or does not hold rows
            of finite numbers. Files are not trusted: nothing in them is executed, and memory
            grows with what is there, not with what a header claims.
    """
    path = Path(source)
    suffix = path.suffix.lower()
    try:
        if source == "mnist":
            return read_idx_folder(Path(__file__).parent / "mnist", name=source)
        if source in MIXTURES:
            return draw(source, seed)
        if suffix == ".npy":
            return hold_back(source, read_npy(path), seed)
        if suffix == ".npz":
            arrays = read_npz(path)
            if len(arrays) == 1:
                (array,) = arrays.values()
                return hold_back(source, array, seed)
            return from_splits(source, **arrays)
        if os.path.isdir(source):
            return read_idx_folder(path, name=source)
    except MemoryError:
        raise MinigenError(f"{source}: does not fit in memory; give fewer rows") from None
    raise MinigenError(
        f"{source!r}: not a data set that can be read; give mnist, an existing .npy or .npz file, "
        f"or a folder of IDX files, or name a toy density: {', '.join(MIXTURES)}"
    )


def require_unit_interval(dataset: Dataset) -> None:
    """Raises MinigenError unless every value is in [0, 1], as a Bernoulli likelihood asks.

    uint8 always passes: it is divided by 255 on the way to the model.
    """
    if dataset.train.dtype == np.uint8:
        return
    low = min(dataset.train.min(), dataset.test.min())
    high = max(dataset.train.max(), dataset.test.max())
    if low < 0 or high > 1:
        if dataset.name in MIXTURES:
            remedy = "a toy density is for gan, and for ae on squared error"
        elif low >= 0 and 127 < high <= 255:
            remedy = "divide them by 255 or save them as uint8"
        else:
            remedy = "rescale them to 0..1"
        raise MinigenError(f"{dataset.name}: values from {low!s} to {high!s}, not 0 to 1; {remedy}")
