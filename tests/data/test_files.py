"""Untrusted .npy and .npz files: every row of the fault table ends in one readable error."""

import io
import os
import re
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy
from numpy.typing import NDArray

from minigen.data import load
from minigen.data.files import read_npy, read_npz
from minigen.errors import MinigenError

MIB = 2**20
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (30, 16), dtype=np.uint8)


def npy_bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz_bytes(**arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def header_bytes(descr: str, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def deflated(unit: bytes, times: int) -> bytes:
    """A raw deflate stream of ``unit`` repeated, without ever expanding it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(unit) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * times + b"\x03\x00"  # the empty last block


def write_member(path: Path, stored: bytes, size: int, crc: int, method: int) -> None:
    """An archive with one member whose directory entry says what it is told to say."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", stored)
        entry = archive.infolist()[0]
        entry.file_size, entry.CRC, entry.compress_type = size, crc, method


def refused(path: Path, message: str) -> None:
    """The one error: it names the file, gives the reason and a remedy, on one line."""
    with pytest.raises(MinigenError, match=message) as caught:
        load(str(path))
    text = str(caught.value)
    assert str(path) in text
    assert "; " in text
    assert "\n" not in text


def refused_at_once(path: Path, message: str) -> None:
    """The same, and in little memory."""
    tracemalloc.start()
    refused(path, message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * MIB


@pytest.mark.fault("no file", "not NumPy")
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
class TestNoFile:
    def test_missing(self, tmp_path: Path, suffix: str) -> None:
        refused(tmp_path / f"x{suffix}", "cannot be opened: No such file")

    def test_folder(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x{suffix}"
        path.mkdir()
        refused(path, f"^{re.escape(str(path))}: is a folder; give the path of a file$")

    def test_unreadable(self, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / f"x{suffix}"
        path.write_bytes(b"x")

        def denied(self: Path, mode: str) -> None:  # chmod would not stop root
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
        refused(path, "cannot be opened: Permission denied; check the path and its permissions")

    def test_fifo_does_not_hang(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"x{suffix}"
        os.mkfifo(path)
        refused(path, f"^{re.escape(str(path))}: is not a regular file; give the path of a file$")

    def test_name_that_no_file_can_have(self, suffix: str) -> None:
        with pytest.raises(MinigenError, match="embedded null"):
            load(f"a\0b{suffix}")

    @pytest.mark.parametrize("content", [b"", b"1,2,3\n4,5,6\n", b"<!DOCTYPE html><html></html>"])
    def test_empty_text_html(self, tmp_path: Path, suffix: str, content: bytes) -> None:
        path = tmp_path / f"x{suffix}"
        path.write_bytes(content)
        refused(path, f"not a NumPy {suffix} file, it begins with {re.escape(repr(content[:12]))}")

    def test_does_not_fit_in_memory(
        self, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def exhausted(*_: Any) -> None:
            raise MemoryError

        path = tmp_path / f"x{suffix}"
        path.write_bytes(npy_bytes(PIXELS) if suffix == ".npy" else npz_bytes(a=PIXELS))
        monkeypatch.setattr("minigen.data.files.read_exactly", exhausted)
        refused(path, "does not fit in memory; give fewer rows")


@pytest.mark.fault("pickle", "bomb")
class TestHostile:
    """Pickles, headers that declare terabytes, archives that expand to gigabytes."""

    @pytest.mark.parametrize("name", ["x.npy", "x.npz"])
    def test_pickle_is_not_executed(self, tmp_path: Path, name: str) -> None:
        class Bomb:
            def __reduce__(self) -> tuple[Any, ...]:
                return Path.touch, (tmp_path / "executed",)

        array = np.array([[Bomb()]], dtype=object)
        (tmp_path / name).write_bytes(npy_bytes(array) if name == "x.npy" else npz_bytes(a=array))
        refused_at_once(tmp_path / name, "pickled objects are refused")
        assert not (tmp_path / "executed").exists()

    def test_pickle_inside_a_record(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        path.write_bytes(npy_bytes(np.zeros(3, dtype=[("a", "f4"), ("b", object)])))
        refused_at_once(path, "pickled objects are refused")

    @pytest.mark.parametrize(
        "shape", [(10**12, 784), (2**40,), (2**62, 2**62), (-1, -16), (-16,), (0, 2**70), (1,) * 99]
    )
    @pytest.mark.parametrize("name", ["x.npy", "x.npz"])
    def test_header_declares_what_is_not_there(
        self, tmp_path: Path, name: str, shape: tuple[int, ...]
    ) -> None:
        content = header_bytes("<f4", shape) + bytes(64)
        path = tmp_path / name
        if name == "x.npy":
            path.write_bytes(content)
        else:
            write_member(path, content, len(content), zlib.crc32(content), zipfile.ZIP_STORED)
        refused_at_once(path, "damaged or incomplete")

    def test_header_of_four_gigabytes(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        path.write_bytes(npy.magic(2, 0) + struct.pack("<I", 2**32 - 1) + b"{" * 50_000)
        refused_at_once(path, "damaged or incomplete")

    def test_header_nested_too_deep(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        path.write_bytes(npy.magic(1, 0) + struct.pack("<H", 9000) + b"-" * 9000)
        refused_at_once(
            path, r"damaged or incomplete \(ValueError: the header is nested too deep\)"
        )

    def test_archive_expands_to_gigabytes_as_declared(self, tmp_path: Path) -> None:
        path, size = tmp_path / "x.npz", 4 * 2**30
        header = header_bytes("|u1", (2**20, 4096))
        write_member(path, deflated(bytes(MIB), 4096), size + len(header), 0, zipfile.ZIP_DEFLATED)
        assert path.stat().st_size < 8 * MIB
        refused_at_once(path, f"compressed bytes claim to expand to {size + len(header)}")

    @pytest.mark.parametrize(
        ("extra", "message"), [(b"", "Bad CRC"), (b"\0", "declares 1048576 .* the file has more")]
    )
    def test_archive_expands_beyond_what_it_declares(
        self, tmp_path: Path, extra: bytes, message: str
    ) -> None:
        """The checksum fits the declared part, or that and the first byte too many."""
        path, content = tmp_path / "x.npz", npy_bytes(np.zeros((1024, 1024), np.uint8))
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        stored = packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)
        stored += deflated(bytes(MIB), 4096)
        write_member(path, stored, len(content), zlib.crc32(content + extra), zipfile.ZIP_DEFLATED)
        refused_at_once(path, f"damaged or incomplete.*{message}")

    def test_archive_holds_less_than_it_declares(self, tmp_path: Path) -> None:
        path, size = tmp_path / "x.npz", 2**29
        header = header_bytes("|u1", (size, 1))
        write_member(path, deflated(header, 1), size + len(header), 0, zipfile.ZIP_DEFLATED)
        refused_at_once(path, "damaged or incomplete")

    def test_unbounded_decompressor(self, tmp_path: Path) -> None:
        """zipfile expands bzip2 and LZMA blocks whole, however large they become."""
        path = tmp_path / "x.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("data.npy", npy_bytes(PIXELS))
        refused_at_once(path, "unknown compression; save the file with np.savez")


class TestReading:
    @pytest.mark.parametrize("version", [(1, 0), (2, 0)])
    def test_format_versions(self, tmp_path: Path, version: tuple[int, int]) -> None:
        path = tmp_path / "x.npy"
        with path.open("wb") as file:
            npy.write_array(file, PIXELS, version=version)
        np.testing.assert_array_equal(read_npy(path), PIXELS, strict=True)

    def test_file_of_python_2(self, tmp_path: Path) -> None:
        """Its shapes are written as 30L; NumPy warns, and the reader stays silent."""
        path = tmp_path / "x.npy"
        header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (30L, 16L), }".ljust(117)
        path.write_bytes(npy.magic(1, 0) + struct.pack("<H", 118) + header + b"\n" + bytes(PIXELS))
        np.testing.assert_array_equal(read_npy(path), PIXELS, strict=True)

    def test_memory_is_about_the_array(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        np.save(path, np.zeros((4096, 1024), np.float32))
        tracemalloc.start()
        load(str(path))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.4 * 16 * MIB

    def test_too_long(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        path.write_bytes(npy_bytes(PIXELS) + b"!")
        refused(path, "damaged or incomplete: .* declares 480 bytes of data, the file has 481")

    def test_bad_checksum_names_the_member(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npz"
        np.savez(path, train=PIXELS, test=PIXELS)
        whole = bytearray(path.read_bytes())
        whole[whole.rindex(PIXELS.tobytes())] ^= 1
        path.write_bytes(whole)
        refused(path, r"x\.npz: 'test\.npy': damaged or incomplete \(BadZipFile: Bad CRC")

    def test_member_swallowed_by_a_comment(self, tmp_path: Path) -> None:
        """One damaged length in the directory, which zipfile does not notice, hides test."""
        path = tmp_path / "x.npz"
        np.savez(path, train=PIXELS, test=PIXELS)
        whole = bytearray(path.read_bytes())
        first, second = (match.start() for match in re.finditer(b"PK\x01\x02", whole))
        whole[first + 32] = len(whole) - 22 - second
        path.write_bytes(whole)
        refused(path, "damaged or incomplete: a member is lost; copy the file again")

    def test_keys_of_keras(self, tmp_path: Path) -> None:
        path = tmp_path / "mnist.npz"
        np.savez(
            path, x_test=PIXELS[:5], x_train=PIXELS, y_train=PIXELS[:, 0], y_test=PIXELS[:5, 0]
        )
        arrays, _ = read_npz(path)
        assert arrays.keys() == {"train", "test", "train_labels", "test_labels"}
        np.testing.assert_array_equal(arrays["train"], PIXELS, strict=True)
        np.testing.assert_array_equal(arrays["test_labels"], PIXELS[:5, 0], strict=True)

    @pytest.mark.parametrize(
        "names",
        [
            [],
            ["a", "b"],
            ["train", "valid"],
            ["test", "test_labels"],
            ["train", "test", "x_train"],
            ["images", "data"],
        ],
    )
    def test_other_keys(self, tmp_path: Path, names: list[str]) -> None:
        path = tmp_path / "x.npz"
        np.savez(path, **dict.fromkeys(names, PIXELS))  # type: ignore[arg-type]
        refused(
            path, re.escape(f"x.npz: holds {names}; save one array, or each once: train and test")
        )

    def test_train_alone_and_labels(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", data=PIXELS, target=np.arange(30))
        arrays, notes = read_npz(tmp_path / "x.npz")
        assert (set(arrays), notes) == ({"train", "train_labels"}, [])

    def test_what_is_beside_train_and_test_is_left_out(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", X_train=PIXELS, val_images=PIXELS, test_images=PIXELS)
        arrays, notes = read_npz(tmp_path / "x.npz")
        assert (set(arrays), notes) == (
            {"train", "test"},
            ["val_images in the file are left out"],
        )

    def test_long_list_of_keys_is_cut(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npz"
        np.savez(path, *[PIXELS[:1]] * 500)
        refused(path, r"holds \['arr_0', .*\.\.\.\]; save one array")

    def test_archive_of_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("cat.png", b"\x89PNG\r\n\x1a\n")
        refused(path, r"x\.npz: 'cat\.png': not a NumPy \.npy file, it begins with b'\\x89PNG")
