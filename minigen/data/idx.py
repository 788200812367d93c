"""The IDX format, in which MNIST and its relatives are published.

Two zero bytes, the element type (8: unsigned byte), the number of dimensions n, n sizes as
big-endian 32-bit integers, then the elements in C order (http://yann.lecun.com/exdb/mnist).
"""

import gzip
import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigen.data.dataset import Dataset
from minigen.data.files import ByteStream, damage_refused, open_regular, read_exactly, refuse_bomb
from minigen.errors import MinigenError

FOLDER = {  # what to call it: the file's name up to its ending, its number of dimensions
    "train": ("train-images", 3),
    "test": ("t10k-images", 3),
    "train_labels": ("train-labels", 1),
    "test_labels": ("t10k-labels", 1),
}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read the array in an IDX file of unsigned bytes, plain or gzipped, whatever its name says.

    Raises:
        MinigenError: it cannot be opened, is not an IDX file, holds other elements or more than
            three dimensions, is damaged, or holds fewer or more bytes than its header declares.
    """
    with damage_refused(path), open_regular(path) as (stream, packed):
        zipped = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if not zipped:
            return _parse(stream, f"{path}")
        with gzip.GzipFile(fileobj=stream) as content:
            return _parse(content, f"{path}", packed)


def _parse(stream: ByteStream, where: str, packed: int | None = None) -> NDArray[np.uint8]:
    """The array in a stream that was unpacked from `packed` bytes, if it was packed at all."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise MinigenError(f"{where}: not an IDX file, it begins with {magic!r}; copy it again")
    kind, ndim = magic[2:]
    if kind != 8 or not 1 <= ndim <= 3:
        raise MinigenError(
            f"{where}: holds {ndim}-dimensional data of type 0x{kind:02x}; "
            "give an IDX file of unsigned bytes (0x08) in 1 to 3 dimensions"
        )
    shape = struct.unpack(f">{ndim}I", stream.read(4 * ndim))
    declared = math.prod(shape)
    if packed is not None:
        refuse_bomb(declared, packed, where)
    return np.ndarray(shape, np.uint8, read_exactly(stream, declared, where))


def read_idx_folder(folder: Path, name: str) -> Dataset:
    """Read MNIST, or a relative that is published as four files of the same names.

    The files are `train-images-idx3-ubyte`, `t10k-images-idx3-ubyte`, and if there are labels
    `train-labels-idx1-ubyte` and `t10k-labels-idx1-ubyte`; each may end in `.gz`, and may
    be spelled `train-images.idx3-ubyte` as on some mirrors.

    Raises:
        MinigenError: images are missing, a file is damaged, or the files do not fit together.
    """
    arrays: dict[str, Any] = {}
    for key, (stem, ndim) in FOLDER.items():
        names = [f"{stem}{mark}idx{ndim}-ubyte{end}" for mark in "-." for end in ("", ".gz")]
        if path := next((folder / name for name in names if os.path.lexists(folder / name)), None):
            arrays[key] = read_idx(path)
            if arrays[key].ndim != ndim:
                raise MinigenError(
                    f"{path}: has shape {arrays[key].shape}, but {stem} are {ndim}-dimensional; "
                    "look whether images and labels are interchanged"
                )
        elif ndim == 3:
            raise MinigenError(
                f"{folder}: has no {stem}, looked for {', '.join(names)}; "
                "add the file or give another folder"
            )
    return Dataset.from_splits(name, **arrays)
