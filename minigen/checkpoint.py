"""Checkpoints: named arrays and a JSON header in one .npz file, replaced whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigen.backend import Array, to_numpy

FORMAT = 1


def save(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write atomically: whoever opens `path`, at any moment, finds a complete checkpoint.

    The file is a plain .npz, readable with numpy.load, with the header as JSON text in the array
    "header". Equal content gives equal bytes.

    Args:
        path: the file to write or to replace.
        header: anything that JSON can hold.
        arrays: arrays of either backend and numbers, by name.

    Raises:
        OSError: the disk is full, or the folder cannot be written. The old file stays as it was.
    """
    text = json.dumps({"format": FORMAT, **header}, sort_keys=True)
    content: dict[str, Any] = {
        name: np.asarray(array) if np.isscalar(array) else to_numpy(array)
        for name, array in arrays.items()
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, header=np.asarray(text), **content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
