"""The IDX format, in which MNIST and its relatives are published.

Two zero bytes, the element type (8: unsigned byte), the number of dimensions n, n sizes as
big-endian 32-bit integers, then the elements in C order (http://yann.lecun.com/exdb/mnist).
"""

import gzip
import math
import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigen.data.files import (
    ByteStream,
    contents,
    damage_refused,
    open_regular,
    read_exactly,
    refuse_bomb,
)
from minigen.errors import MinigenError

NAME = re.compile(r"(.*?)(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(\.gz)?", re.IGNORECASE)
SPLITS = {"train": "train", "test": "t10k"}  # and what they are called
ROLES = (*SPLITS, "train_labels", "test_labels")

IdxFiles = dict[str, list[Path]]  # of one set: by what is in them, raw and gzipped


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


def find_idx(folder: Path) -> dict[str, IdxFiles]:
    """Find MNIST, and relatives that are published as four files, by what their names begin with.

    The files are `train-images-idx3-ubyte`, `t10k-images-idx3-ubyte` or `test-images-...`, and if
    there are labels `train-labels-idx1-ubyte` and `t10k-labels-idx1-ubyte`; in any case, each
    perhaps with a name before and `.gz` behind, or spelled `train-images.idx3-ubyte` as on some
    mirrors.
    """
    found: dict[str, IdxFiles] = {}
    for path in sorted(folder.iterdir()):
        if match := NAME.fullmatch(path.name):
            split = match[2].lower().replace("t10k", "test")
            role = split if match[3].lower() == "images" else f"{split}_labels"
            found.setdefault(match[1], {}).setdefault(role, []).append(path)
    return found


def read_idx_set(files: IdxFiles, folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Read train and test, and train_labels and test_labels if they are there.

    Raises:
        MinigenError: images are missing, two files differ that should hold the same, a file is
            damaged, or there are not as many labels as images.
    """
    arrays: dict[str, NDArray[np.uint8]] = {}
    for role in ROLES:
        paths = files.get(role)
        if paths:
            arrays[role] = _read_one(role, paths)
        elif role in SPLITS:
            raise MinigenError(
                f"{folder}: has no images to {role}, {contents(folder)}; add the file "
                f"{SPLITS[role]}-images-idx3-ubyte, or give another folder"
            )
        split = role.removesuffix("_labels")
        if paths and len(arrays[role]) != len(arrays[split]):
            raise MinigenError(
                f"{paths[0]}: {len(arrays[role])} labels for {len(arrays[split])} images; copy "
                "both again"
            )
    return arrays


def _read_one(role: str, paths: list[Path]) -> NDArray[np.uint8]:
    """The array that these files hold, each of them the same."""
    array, *others = map(read_idx, paths)
    if any(not np.array_equal(array, other) for other in others):
        raise MinigenError(f"{' and '.join(map(str, paths))} differ; remove one of them")
    what, ndim = ("labels", 1) if "labels" in role else ("images", 3)
    if array.ndim != ndim:
        raise MinigenError(
            f"{paths[0]}: has shape {array.shape}, but {what} are {ndim}-dimensional; "
            "look whether images and labels are interchanged"
        )
    return array
