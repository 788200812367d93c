"""Damages a checkpoint and data files at random: each reads as before, or is refused in one line.

Text and JPEG have no checksum: there, finite numbers of another value are no fault of the reader.

python -m tests.faults.damages --damages 2000
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minigen.data.files import read_npz
from minigen.data.images import read_images
from minigen.data.tables import read_csv
from minigen.errors import MinigenError
from minigen.workshop import checkpoint

RNG = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    "model.0.weight": RNG.standard_normal((20, 30), dtype=np.float32),
    "model.0.bias": RNG.standard_normal(30, dtype=np.float32),
    "optimizer.t": np.asarray(7),
}
DATA: dict[str, Any] = {
    "train": RNG.integers(0, 256, (40, 4, 4), dtype=np.uint8),
    "test": RNG.integers(0, 256, (10, 4, 4), dtype=np.uint8),
}

PICTURE = Image.fromarray(DATA["train"].reshape(32, 20))
TABLE = RNG.standard_normal((40, 5))

Read = Callable[[Path], Mapping[str, Any]]


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The arrays, and the header among them."""
    with checkpoint.opened(path) as (header, read):
        return {"header": header, **read(ARRAYS)}


def read_table(path: Path) -> Mapping[str, Any]:
    """The table, in which no number is refused before it is a Dataset."""
    return {"train": np.nan_to_num(read_csv(path)[0])}


def read_picture(path: Path, coloured: bool = False) -> Mapping[str, Any]:
    """One image, as in a folder of it alone."""
    return {"train": read_images([path], coloured)[0]}


def main() -> int:
    """Exit status 1 if a damage was neither refused nor without effect."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.damages", description=__doc__)
    parser.add_argument("--damages", type=int, default=2000, help="of each file")
    damages: int = parser.parse_args().damages
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        checkpoint.save(path, {"epoch": 3}, ARRAYS)
        wrong += _damage("checkpoint", path, read_checkpoint, damages)
        np.savez(path, **DATA)
        wrong += _damage("data, stored", path, lambda path: read_npz(path)[0], damages)
        np.savez_compressed(path, **DATA)
        wrong += _damage("data, compressed", path, lambda path: read_npz(path)[0], damages)
        path = Path(folder) / "x.png"
        PICTURE.save(path)
        wrong += _damage("PNG", path, read_picture, damages)
        PICTURE.convert("P").save(path)
        wrong += _damage("PNG in colour", path, partial(read_picture, coloured=True), damages)
        PICTURE.save(path, "JPEG")
        wrong += _damage("JPEG", path, read_picture, damages, checked=False)
        np.savetxt(path, TABLE, delimiter=",", header="a,b,c,d,e", comments="")
        wrong += _damage("table", path, read_table, damages, checked=False)
    peak = _peak_memory()
    print(f"peak memory {peak:.0f} MB")
    return int(wrong > 0 or peak > 300)


def _damage(name: str, path: Path, read: Read, damages: int, checked: bool = True) -> int:
    """Print how many damages were refused and unseen; the number of those that were neither, where
    the format has checksums. Any other exception ends it all.
    """
    whole = path.read_bytes()
    content = read(path)
    refused = same = 0
    for _ in range(damages):
        path.write_bytes(_damaged(whole))
        try:
            found = read(path)
        except MinigenError as error:
            refused += str(error).startswith(f"{path}: ") and "\n" not in str(error)
        else:
            same += found.keys() == content.keys() and all(
                not checked or np.array_equal(found[key], content[key]) for key in content
            )
    wrong = damages - refused - same
    print(f"{name}: {refused} refused, {same} without effect, {wrong} wrong, of {damages}")
    return wrong


def _damaged(whole: bytes) -> bytes:
    """Cut short, with a byte changed, with a stretch zeroed, or with a piece taken out."""
    start, length = int(RNG.integers(len(whole))), int(RNG.integers(1, 200))
    kind = RNG.integers(4)
    if kind == 0:
        return whole[:start]
    if kind == 1:
        changed = whole[start] ^ int(RNG.integers(1, 256))
        return whole[:start] + bytes([changed]) + whole[start + 1 :]
    if kind == 2:
        end = min(start + length, len(whole))
        return whole[:start] + bytes(end - start) + whole[end:]
    return whole[:start] + whole[start + length :]


def _peak_memory() -> float:
    """In MB, by Linux's /proc; getrusage would count the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
