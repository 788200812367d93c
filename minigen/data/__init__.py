"""Rows: MNIST, which ships with the package, toy densities, your own arrays and your own files.

MNIST is by LeCun, Cortes and Burges (CC BY-SA 3.0): the four original IDX files, gzipped.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minigen.data.dataset import Dataset
from minigen.data.files import contents, read_npy, read_npz
from minigen.data.idx import NAME, find_idx, read_idx_set
from minigen.data.images import find_images, read_images
from minigen.data.mixture import Mixture
from minigen.data.reading import AS_STORED, Reading
from minigen.data.rows import Rows, as_rows, batches, scaled, subsample
from minigen.data.tables import read_csv
from minigen.data.toy import MIXTURES, toy_dataset
from minigen.errors import MinigenError

__all__ = [
    "NAMES",
    "Dataset",
    "Mixture",
    "Reading",
    "batches",
    "load",
    "read_rows",
    "scaled",
    "subsample",
]

NAMES = ("mnist", *MIXTURES)  # of data sets that need no file

Arrays = Mapping[str, Any]  # train and what else there is, as in Dataset.from_arrays
Source = str | os.PathLike[str]


def load(
    source: Source, *, seed: int = 0, scale: float | None = None, shape: Any = None
) -> Dataset:
    """Read the data set that `source` names. A file's is called by its absolute path: a run is
    used from any folder.

    Args:
        source: `mnist`; a toy density, `ring`, `grid` or `mixture`; or a path to an
            `.npy` file (one array), to an `.npz` file (the arrays train and test or x_train
            and x_test, with or without labels; or one array), to a `.csv` file of numbers, to a
            folder of IDX files or one of these files, or to a folder of PNG or JPEG images.
        seed: draws the rows of a toy density, and chooses the rows that are held back as test
            where the source has none.
        scale: what values are divided by; without it uint8 are pixels 0..255, and others are used
            as they are.
        shape: of the image in a row, (height, width), or (height, width, 3), which reads images
            in colour; or "table" for rows that look like images and are none.

    Raises:
        MinigenError: the source is unknown, cannot be read, is damaged, or does not hold rows
            of finite numbers. Files are not trusted: nothing in them is executed, and memory
            grows with what is there, not with what a header claims.
    """
    name, reading = _name(source), Reading(scale, shape)
    if name in MIXTURES:
        if reading != AS_STORED:
            raise MinigenError(
                f"{name}: is drawn and not read, without a scale or a shape; leave it out"
            )
        return toy_dataset(name, seed)
    with _blamed(name):
        arrays, notes = _stored(name, reading)
        return Dataset.from_arrays(name, **arrays, reading=reading, seed=seed, notes=notes)


def read_rows(source: Source, reading: Reading = AS_STORED) -> Rows:
    """Read all rows (N, D) of a file or folder, in the order in which they are stored.

    Args:
        source: as in `load`, but for toy densities. Test rows follow those to learn from.
        reading: the scale and the shape of what is stored.

    Raises:
        MinigenError: as for `load`; or the source is a toy density.
    """
    name = _name(source)
    if name in MIXTURES:
        raise MinigenError(
            f"{name}: is drawn and not read; save rows of it to a file, and give that"
        )
    with _blamed(name):
        arrays, _ = _stored(name, reading)
        parts = [arrays[split] for split in ("train", "test") if split in arrays]
        return np.concatenate([as_rows(part, name, reading.scale) for part in parts])


def _name(source: Source) -> str:
    """The source as text: a known name, the absolute path of what is there, or what is neither."""
    if not isinstance(source, str | os.PathLike):
        raise MinigenError(
            f"expected the name of a data set or a path, got {source!r}; an array is made a data "
            "set by Dataset.of(array)"
        )
    name = os.fspath(source)
    return os.path.abspath(name) if name not in NAMES and os.path.lexists(name) else name


@contextmanager
def _blamed(source: str) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise MinigenError(f"{source}: does not fit in memory; give fewer rows") from None
    except OSError as error:  # of a folder that may not be listed
        raise MinigenError(f"{source}: {error.strerror}; check its permissions") from error


def _stored(source: str, reading: Reading) -> tuple[Arrays, Sequence[str]]:
    """The arrays in a file or folder, and notes on them."""
    place = os.path.join(os.path.dirname(__file__), source) if source == "mnist" else source
    path = Path(place)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return read_npz(path)
    if suffix in (".npy", ".csv"):
        array, notes = (read_npy(path), ()) if suffix == ".npy" else read_csv(path)
        return {"train": array}, notes
    if os.path.isdir(place):
        return _in_folder(path, reading)
    if os.path.lexists(place) and (match := NAME.fullmatch(path.name)):
        return read_idx_set(find_idx(path.parent)[match[1]], path.parent), ()
    raise MinigenError(
        f"{source!r}: not a data set that can be read; give mnist, an existing .npy, .npz or .csv "
        "file, or a folder of IDX files or of PNG or JPEG images, or name a toy density: "
        f"{', '.join(MIXTURES)}"
    )


def _in_folder(folder: Path, reading: Reading) -> tuple[Arrays, Sequence[str]]:
    """The one set of IDX files in a folder, or the images in it."""
    sets, images = find_idx(folder), find_images(folder)
    if len(sets) == 1 and not images:
        (files,) = sets.values()
        return read_idx_set(files, folder), ()
    if images and not sets:
        array, notes = read_images(images, reading.coloured)
        return {"train": array}, notes
    if sets:
        firsts = [min(min(files.values())) for files in sets.values()]
        names = [path.name for path in (*firsts, *images[:1])]
        raise MinigenError(
            f"{folder}: holds more than one data set, {', '.join(names)} are of different ones; "
            f"give a file of the set that you mean, such as {firsts[0]}"
        )
    raise MinigenError(
        f"{folder}: has neither PNG or JPEG images nor IDX files, {contents(folder)}; give a "
        "folder of these, or the path of a .npy, .npz or .csv file"
    )
