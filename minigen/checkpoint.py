"""Checkpoints: named arrays and a JSON header in one .npz file, replaced whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigen.backend import Array, to_numpy
from minigen.data.files import read_archive
from minigen.errors import MinigenError

FORMAT = 1


def save(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write atomically: whoever opens `path`, at any moment, finds a complete checkpoint.

    The file is a plain .npz, readable with numpy.load, with the header as JSON in the bytes of the
    array "header". Equal content gives equal bytes.

    Args:
        path: the file to write or to replace.
        header: anything that JSON can hold.
        arrays: arrays of either backend and numbers, by name.

    Raises:
        MinigenError: an array holds NaN or infinity.
        OSError: the disk is full, or the folder cannot be written. The old file stays as it was.
    """
    text = json.dumps({"format": FORMAT, **header}, sort_keys=True)
    header_bytes = np.frombuffer(text.encode(), np.uint8)
    content: dict[str, Any] = {
        name: np.asarray(array) if np.isscalar(array) else to_numpy(array)
        for name, array in arrays.items()
    }
    for name, array in content.items():
        if not np.isfinite(array).all():
            raise MinigenError(f"{name} holds NaN or infinity; lower --lr, or rescale the data")
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, header=header_bytes, **content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path, expected: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a checkpoint, which must be exactly those that are expected.

    Args:
        path: the file that `save` wrote.
        expected: for each name, an array or a number of the shape and dtype that it must have.

    Raises:
        MinigenError: the file cannot be read, is damaged or of another format; or an array is
            missing, unknown, of another shape or dtype, or not finite.
    """

    def keys(found: list[str]) -> list[str]:
        wrong = sorted({"header", *expected} ^ set(found))
        if wrong or len(set(found)) != len(found):
            what = (
                f"without {wrong[0]}" if wrong and wrong[0] not in found else "with unknown arrays"
            )
            raise MinigenError(
                f"{path}: a checkpoint {what}; it belongs to another model or version"
            )
        return found

    arrays = read_archive(path, keys)
    try:
        header = json.loads(arrays.pop("header").tobytes())
        version = header["format"]
    except (ValueError, KeyError, TypeError):
        raise MinigenError(f"{path}: the header is not one of a checkpoint; train again") from None
    if version != FORMAT:
        raise MinigenError(
            f"{path}: checkpoint format {version}, this minigen reads {FORMAT}; "
            "use the version that wrote it"
        )
    for name, like in expected.items():
        found, wanted = arrays[name], np.asarray(like) if np.isscalar(like) else like
        if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
            raise MinigenError(
                f"{path}: {name} is {found.dtype} {found.shape}, expected {wanted.dtype} "
                f"{wanted.shape}; it belongs to another model"
            )
        if not np.isfinite(found).all():
            raise MinigenError(f"{path}: {name} holds NaN or infinity; train again")
    return header, arrays
