"""Rows: MNIST, which ships with the package, toy densities, your own arrays and your own files.

MNIST is by LeCun, Cortes and Burges (CC BY-SA 3.0): the four original IDX files, gzipped.
"""

import os
from pathlib import Path
from typing import Any

from minigen.data.dataset import Dataset
from minigen.data.files import read_npy, read_npz
from minigen.data.idx import read_idx_folder
from minigen.data.mixture import Mixture
from minigen.data.rows import batches, scaled, subsample
from minigen.data.toy import MIXTURES, toy_dataset
from minigen.errors import MinigenError

__all__ = ["NAMES", "Dataset", "Mixture", "batches", "load", "scaled", "subsample"]

NAMES = ("mnist", *MIXTURES)  # of data sets that need no file


def load(source: str, *, seed: int = 0) -> Dataset:
    """Read the data set that `source` names.

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
            return toy_dataset(source, seed)
        if suffix == ".npy":
            return Dataset.hold_back(source, read_npy(path), seed)
        if suffix == ".npz":
            arrays: dict[str, Any] = read_npz(path)
            if len(arrays) == 1:
                (array,) = arrays.values()
                return Dataset.hold_back(source, array, seed)
            return Dataset.from_splits(source, **arrays)
        if os.path.isdir(source):
            return read_idx_folder(path, name=source)
    except MemoryError:
        raise MinigenError(f"{source}: does not fit in memory; give fewer rows") from None
    raise MinigenError(
        f"{source!r}: not a data set that can be read; give mnist, an existing .npy or .npz file, "
        f"or a folder of IDX files, or name a toy density: {', '.join(MIXTURES)}"
    )
