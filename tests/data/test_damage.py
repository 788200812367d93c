"""Truncated or bit-flipped: a file reads as before, or ends in the one error that names it."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minigen.data.files import read_npy, read_npz
from minigen.data.idx import read_idx
from minigen.errors import MinigenError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (30, 4, 4), dtype=np.uint8)

Reader = Callable[[Path], NDArray[Any]]


def is_refused(path: Path, content: bytes | bytearray, read: Reader) -> bool:
    """Whether the content is refused; what is not must read as PIXELS."""
    path.write_bytes(content)
    try:
        array = read(path)
    except MinigenError as error:
        message = str(error)
    else:
        np.testing.assert_array_equal(array, PIXELS, strict=True)
        return False
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x"


def write_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, train=PIXELS, test=PIXELS[:5])


def write_packed_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, train=PIXELS, test=PIXELS[:5])


def write_packed_idx(path: Path) -> None:
    path.write_bytes(
        gzip.compress(
            b"\0\0\x08\x03" + bytes.fromhex("0000001e0000000400000004") + PIXELS.tobytes()
        )
    )


def read_train(path: Path) -> NDArray[Any]:
    return read_npz(path)[0]["train"]


@pytest.mark.fault("damaged")
@pytest.mark.parametrize(
    ("write", "read"),
    [(write_npz, read_train), (write_packed_npz, read_train), (write_packed_idx, read_idx)],
)
def test_300_damages(path: Path, write: Callable[[Path], None], read: Reader) -> None:
    """Archives carry checksums: no damage may change a value."""
    write(path)
    whole = path.read_bytes()
    assert not is_refused(path, whole, read)
    refusals = 0
    for _ in range(300):
        place, change = int(RNG.integers(len(whole))), int(RNG.integers(1, 256))
        flipped = whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :]
        refusals += is_refused(path, whole[:place] if RNG.random() < 0.3 else flipped, read)
    assert refusals > 200


@pytest.mark.fault("damaged")
class TestNpy:
    """It has no checksum, so a flip among the values goes unseen; all else must not."""

    @pytest.fixture
    def whole(self, path: Path) -> bytes:
        with path.open("wb") as file:
            np.save(file, PIXELS)
        return path.read_bytes()

    def test_every_truncation(self, path: Path, whole: bytes) -> None:
        assert all(is_refused(path, whole[:length], read_npy) for length in range(len(whole)))

    def test_every_flip_in_the_header(self, path: Path, whole: bytes) -> None:
        """One byte a value: a flip from < to > in the dtype would make a valid other file."""
        refusals = 0
        for bit in range(8 * (len(whole) - PIXELS.nbytes)):
            flipped = bytearray(whole)
            flipped[bit // 8] ^= 1 << bit % 8
            refusals += is_refused(path, flipped, read_npy)
        assert refusals > 900
