"""The IDX reader: the bundled MNIST to the last byte, and every row of the fault table."""

import gzip
import hashlib
import os
import shutil
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import minigen.data
from minigen.data import load
from minigen.data.idx import read_idx
from minigen.errors import MinigenError

MIB = 2**20
MNIST = Path(minigen.data.__file__).parent / "mnist"
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 9, 8), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 20, dtype=np.uint8)

TRAIN, TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
TRAIN_LABELS, TEST_LABELS = "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"


def header_bytes(shape: tuple[int, ...], kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    return header_bytes(array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files, half of them gzipped."""
    (tmp_path / TRAIN).write_bytes(idx_bytes(IMAGES))
    (tmp_path / f"{TEST}.gz").write_bytes(gzip.compress(idx_bytes(IMAGES[:5])))
    (tmp_path / f"{TRAIN_LABELS}.gz").write_bytes(gzip.compress(idx_bytes(LABELS)))
    (tmp_path / TEST_LABELS).write_bytes(idx_bytes(LABELS[:5]))
    return tmp_path


class TestMnist:
    @pytest.mark.parametrize(
        ("name", "sha256"),
        [
            (TRAIN, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            (TRAIN_LABELS, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            (TEST, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            (TEST_LABELS, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ],
    )
    def test_is_the_original(self, name: str, sha256: str) -> None:
        assert hashlib.sha256(idx_bytes(read_idx(MNIST / f"{name}.gz"))).hexdigest() == sha256

    def test_as_a_data_set(self) -> None:
        data = load("mnist")
        assert data.name == "mnist"
        assert data.train.shape == (60000, 784)
        assert data.test.shape == (10000, 784)
        assert data.train.dtype == data.test.dtype == np.uint8
        assert data.image_shape == (28, 28)
        assert data.train_labels is not None
        assert data.test_labels is not None
        assert data.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert data.test_labels.shape == (10000,)
        assert data.train_labels.dtype == np.int64
        assert "pixels 0..255 will be scaled to 0..1" in data.notes

    def test_memory_stays_near_the_array(self) -> None:
        tracemalloc.start()
        images = read_idx(MNIST / f"{TRAIN}.gz")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.25 * images.nbytes


class TestFile:
    @pytest.mark.parametrize("array", [LABELS, IMAGES[:, 0], IMAGES, IMAGES[:0]])
    @pytest.mark.parametrize("zipped", [False, True])
    def test_round_trip(self, tmp_path: Path, array: NDArray[np.uint8], zipped: bool) -> None:
        """Gzip is known by its content: the name says nothing."""
        path, content = tmp_path / "x", idx_bytes(array)
        path.write_bytes(gzip.compress(content) if zipped else content)
        np.testing.assert_array_equal(read_idx(path), array, strict=True)

    def test_gzip_in_several_parts(self, tmp_path: Path) -> None:
        """As parallel compressors write it."""
        path, content = tmp_path / "x", idx_bytes(IMAGES)
        path.write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))
        np.testing.assert_array_equal(read_idx(path), IMAGES, strict=True)

    @pytest.mark.fault("IDX")
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "not an IDX file, it begins with b''"),
            (b"\0\0", "not an IDX file"),
            (b"<!DOCTYPE html>", "not an IDX file, it begins with b'<!DO'"),
            (b"\x08\x01\0\0" + bytes(100), "not an IDX file"),
            (header_bytes((2,), kind=13) + bytes(8), "holds 1-dimensional data of type 0x0d; give"),
            (header_bytes(()), "holds 0-dim"),
            (header_bytes((1, 1, 1, 1)) + b"x", "holds 4-dim"),
            (header_bytes((5, 4, 3))[:-1], "damaged or incomplete"),
            (header_bytes((5, 4, 3)) + bytes(59), "declares 60 bytes of data, the file has 59;"),
            (header_bytes((5, 4, 3)) + bytes(61), "declares 60 bytes of data, the file has more;"),
            (header_bytes((2**32 - 1,) * 3), "damaged or incomplete"),
            (header_bytes((0, 2**32 - 1, 2**32 - 1)), "damaged or incomplete"),
        ],
    )
    @pytest.mark.parametrize("zipped", [False, True])
    def test_bad_content(self, tmp_path: Path, content: bytes, message: str, zipped: bool) -> None:
        """Bad magic, another type, fewer or more bytes than declared."""
        path = tmp_path / "x"
        path.write_bytes(gzip.compress(content) if zipped else content)
        bomb = "claim to expand" if zipped and b"\xff" * 12 in content else message
        with pytest.raises(MinigenError, match=bomb) as caught:
            read_idx(path)
        assert str(caught.value).startswith(f"{path}: ")

    @pytest.mark.fault("IDX", "damaged")
    def test_gzip_cut_anywhere(self, tmp_path: Path) -> None:
        path, content = tmp_path / "x", gzip.compress(idx_bytes(LABELS))
        for length in range(2, len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(MinigenError, match="damaged or incomplete"):
                read_idx(path)

    @pytest.mark.fault("IDX", "damaged")
    def test_gzip_bad_checksum(self, tmp_path: Path) -> None:
        path, content = tmp_path / "x", bytearray(gzip.compress(idx_bytes(LABELS)))
        content[-5] ^= 1
        path.write_bytes(content)
        with pytest.raises(MinigenError, match=r"damaged or incomplete .*CRC check failed"):
            read_idx(path)

    def test_fifo_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / TRAIN)
        with pytest.raises(MinigenError, match="not a regular file"):
            load(str(tmp_path))


@pytest.mark.fault("bomb")
class TestHostile:
    """A header that declares terabytes, a small file that expands to gigabytes."""

    ZEROS = gzip.compress(bytes(16 * MIB), 1) * 256  # 4 GiB in less than 20 MiB

    @pytest.mark.parametrize(
        ("shape", "zeros", "message"),
        [
            ((2**20, 2**10, 2**10), b"", "claim to expand to 1099511627776"),
            ((2**22, 2**5, 2**5), ZEROS[: 2 * MIB], "claim to expand to 4294967296"),
            ((2**20, 2**4, 2**5), b"", "declares 536870912 bytes of data, the file has 0"),
            ((10, 10, 10), ZEROS, "declares 1000 bytes of data, the file has more"),
        ],
        ids=["terabytes", "expands as declared", "nothing there", "expands beyond"],
    )
    def test_is_refused_in_little_memory(
        self, tmp_path: Path, shape: tuple[int, ...], zeros: bytes, message: str
    ) -> None:
        path = tmp_path / "x"
        path.write_bytes(gzip.compress(header_bytes(shape)) + zeros)
        tracemalloc.start()
        with pytest.raises(MinigenError, match=message):
            read_idx(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * MIB


class TestFolder:
    def test_four_files(self, folder: Path) -> None:
        data = load(str(folder))
        assert data.name == str(folder)
        assert data.image_shape == (9, 8)
        np.testing.assert_array_equal(data.train, IMAGES.reshape(20, 72), strict=True)
        np.testing.assert_array_equal(data.test, IMAGES[:5].reshape(5, 72), strict=True)
        np.testing.assert_array_equal(data.train_labels, LABELS.astype(np.int64), strict=True)
        np.testing.assert_array_equal(data.test_labels, LABELS[:5].astype(np.int64), strict=True)
        assert data.notes == (
            "images of 9x8 pixels are flattened to rows of 72",
            "pixels 0..255 will be scaled to 0..1",
        )

    def test_labels_are_optional(self, folder: Path) -> None:
        (folder / f"{TRAIN_LABELS}.gz").unlink()
        (folder / TEST_LABELS).unlink()
        data = load(str(folder))
        assert data.train_labels is None
        assert data.test_labels is None

    def test_the_spelling_of_mirrors(self, folder: Path) -> None:
        (folder / TRAIN).rename(folder / "train-images.idx3-ubyte")
        (folder / f"{TRAIN_LABELS}.gz").rename(folder / "train-labels.idx1-ubyte.gz")
        data = load(str(folder))
        assert data.train_labels is not None
        np.testing.assert_array_equal(data.train, IMAGES.reshape(20, 72))

    @pytest.mark.parametrize("name", [TRAIN, f"{TEST}.gz"])
    def test_images_missing(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        stem = name.removesuffix(".gz")
        there = f"has no images to .*, it holds t.*-labels.*; add the file {stem}, or"
        with pytest.raises(MinigenError, match=there):
            load(str(folder))

    @pytest.mark.fault("IDX")
    @pytest.mark.parametrize(
        ("name", "source", "message"),
        [
            (TRAIN, TEST_LABELS, r"has shape \(5,\), but images are 3-dimensional"),
            (TEST_LABELS, TRAIN, r"has shape \(20, 9, 8\), but labels are 1-dimensional"),
        ],
    )
    def test_labels_given_as_images(
        self, folder: Path, name: str, source: str, message: str
    ) -> None:
        shutil.copy(folder / source, folder / name)
        with pytest.raises(MinigenError, match=message):
            load(str(folder))

    @pytest.mark.fault("IDX")
    def test_label_count_differs(self, folder: Path) -> None:
        (folder / TEST_LABELS).write_bytes(idx_bytes(LABELS[:4]))
        with pytest.raises(MinigenError, match="4 labels for 5 images; copy both again"):
            load(str(folder))

    def test_image_sizes_differ(self, folder: Path) -> None:
        (folder / TRAIN).write_bytes(idx_bytes(IMAGES.reshape(20, 8, 9)))
        with pytest.raises(MinigenError, match=r"train is uint8 \(20, 8, 9\), test is .*\(5, 9, 8"):
            load(str(folder))

    def test_no_images(self, folder: Path) -> None:
        (folder / f"{TRAIN_LABELS}.gz").unlink()
        (folder / TRAIN).write_bytes(idx_bytes(IMAGES[:0]))
        with pytest.raises(MinigenError, match=r"train: is empty, its shape is \(0, 9, 8\)"):
            load(str(folder))
