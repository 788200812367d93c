"""Data that cannot be used end a command in one line that names them, and no folder is made.

The readers' own tests, with every kind of damage, are in tests/data.
"""

import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from minigen.data import files, load
from minigen.evaluate import main as evaluate
from minigen.training import OPTIONS
from tests.data.test_files import deflated, write_member
from tests.faults.helpers import SMALL, environment, said, train
from tests.helpers import pixels

MIB = 2**20


def declared(path: Path, shape: tuple[int, ...], size: int, dtype: str = "|u1") -> None:
    """An .npy file whose header declares this shape, with `size` bytes of zeros behind it."""
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
        os.truncate(path, file.tell() + size)


def bomb(path: Path) -> None:
    """4 GiB of zeros in 4 MB."""
    write_member(path, deflated(bytes(MIB), 4096), 2**32 - 1, 0, zipfile.ZIP_DEFLATED)


class Executed:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


def saved(*arrays: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        if path.suffix == ".npz":
            np.savez(path, **dict(zip(("train", "test"), arrays, strict=False)))
        else:
            np.save(path, arrays[0])

    return write


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


def cut(path: Path) -> None:
    np.savez(path, train=pixels(0, 90, 8, 8), test=pixels(1, 9, 8, 8))
    path.write_bytes(path.read_bytes()[:3000])


ONES = np.ones((20, 8, 8), np.float32)
WITH_NAN = ONES.copy()
WITH_NAN[3, 1, 2] = WITH_NAN[7, 0, 0] = np.nan
FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("x.npy", lambda path: None, "cannot be opened: No such file or directory"),
    "folder": ("x.npz", Path.mkdir, "x.npz: is a folder; give the path of a file"),
    "FIFO": ("x.npz", os.mkfifo, "x.npz: is not a regular file; give the path of a file"),
    "FIFO of IDX": ("train-images-idx3-ubyte", os.mkfifo, "ubyte: is not a regular file; give the"),
    "empty": ("x.npz", Path.touch, "not a NumPy .npz file, it begins with b''"),
    "text": ("x.npy", text("1,2,3\n4,5,6\n"), "not a NumPy .npy file"),
    "HTML": ("x.npz", text("<!DOCTYPE html>"), "not a NumPy .npz file"),
    "cut": ("x.npz", cut, "damaged or incomplete"),
    "pickle": ("x.npy", saved(np.array([Executed()], object)), "pickled objects are refused"),
    "pickle in npz": ("x.npz", saved(np.array([Executed()], object)), "pickled objects are"),
    "terabytes": ("x.npy", lambda p: declared(p, (10**9, 784), 99), "declares 784000000000 bytes"),
    "bomb": ("x.npz", bomb, "compressed bytes claim to expand to 4294967295"),
    "NaN": ("x.npy", saved(WITH_NAN), "in 2 of 1280 places, the first in row 3, column 10"),
    "0..255": (
        "x.npy",
        saved(255 * ONES),
        "first 255.0 in row 0, column 0 (counted from 0); --scale 255 brings",
    ),
    "negative": ("x.npy", saved(-ONES), "in 18 of 18 train rows, first -1.0 in row 0, column 0"),
    "widths": ("x.npz", saved(ONES, ONES[:, 1:]), "(20, 8, 8), test is float32 (20, 7, 8)"),
    "channels": ("x.npy", saved(np.ones((5, 8, 8, 4))), "has shape (5, 8, 8, 4), expected (rows"),
    "no rows": ("x.npy", saved(ONES[:0]), "is empty, its shape is (0, 8, 8)"),
    "one row": ("x.npy", saved(ONES[:1]), "has 1 row; give at least 2"),
}


@pytest.mark.fault("no file", "not NumPy", "damaged", "pickle", "bomb", "NaN", "range", "shape")
@pytest.mark.fault("few rows")
@pytest.mark.parametrize(("name", "write", "message"), FAULTS.values(), ids=FAULTS)
def test_the_command_says_what_is_wrong(
    name: str,
    write: Callable[[Path], object],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name)
    source = str(tmp_path if name.startswith("train") else tmp_path / name)
    before = sorted(tmp_path.iterdir())
    tracemalloc.start()
    assert train(["vae", "--data", source, *SMALL]) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    error = said(capsys)
    assert message in error
    assert error.count(source) == 1
    assert sorted(tmp_path.iterdir()) == before  # no runs, and nothing executed
    assert peak < 20 * MIB


@pytest.mark.fault("few rows")
@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("system", OPTIONS)
def test_constant_data_train_to_finite_numbers(system: str, value: int, tmp_path: Path) -> None:
    """And two rows are enough, one to learn from and one to test."""
    np.save(tmp_path / "x.npy", np.full((2, 8, 8), value, np.uint8))
    run = tmp_path / "run"
    command = [system, "--data", str(tmp_path / "x.npy"), "--scale", "255", *SMALL, "--epochs", "3"]
    assert train([*command, "--out", str(run)]) == 0
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    for line in lines:
        del line["split"]
        assert np.isfinite(list(line.values())).all()


@pytest.mark.fault("uint8", "shape")
def test_what_is_done_to_pixels_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", pixels(0, 40, 8, 8))
    assert train(["vae", "--data", str(tmp_path / "x.npy"), *SMALL, "--epochs", "1",
                  "--out", str(tmp_path / "run")]) == 0  # fmt: skip
    assert capsys.readouterr().out.splitlines()[:3] == [
        "note   images of 8x8 pixels are flattened to rows of 64",
        "note   pixels 0..255 will be scaled to 0..1",
        "note   4 of 40 rows are held back as test, chosen by seed 0",
    ]


@pytest.mark.fault("shape")
def test_data_that_have_changed_their_width(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between training and evaluation."""
    data, run = tmp_path / "x.npy", tmp_path / "run"
    np.save(data, pixels(0, 40, 8, 8))
    assert train(["vae", "--data", str(data), *SMALL, "--epochs", "1", "--out", str(run)]) == 0
    np.save(data, pixels(0, 40, 9, 9))
    capsys.readouterr()
    for status in (evaluate([str(run)]), train(["vae", "--resume", str(run), "--epochs", "2"])):
        assert status == 1
    expected = f"{data}: has rows of 81 values, and {run} was trained on rows of 64; bring those"
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert all(expected in error for error in errors)


@pytest.mark.fault("larger than memory")
def test_a_file_larger_than_memory(tmp_path: Path) -> None:
    """One of zeros that the disk does not hold; a process with 300 MB for itself maps it."""
    path = tmp_path / "x.npy"
    rows = (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") + 2**30) // 784
    declared(path, (rows, 28, 28), 784 * rows)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))\n"
        "from minigen.data import load\n"
        f"data = load({str(path)!r}, scale=255)\n"
        "print(data.train.shape, data.test.shape, data.image_shape, data.notes[-1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"({rows - 10_000}, 784) (10000, 784) (28, 28) "
        f"the last 10000 of {rows} rows are held back as test, because the file is too large to "
        "shuffle; shuffle it before, if its order means something\n"
    )


@pytest.mark.fault("larger than memory")
@pytest.mark.parametrize("system", OPTIONS)
def test_a_mapped_file_trains_as_the_same_rows_in_memory(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pixels(0, 100, 8, 8)
    np.save(tmp_path / "mapped.npy", images)
    np.savez(tmp_path / "read.npz", train=images[:-10], test=images[-10:])
    monkeypatch.setattr(files, "MAPPED_SIZE", 0)
    assert not load(str(tmp_path / "mapped.npy")).train.flags.writeable
    for name in ("mapped.npy", "read.npz"):
        command = [system, "--data", str(tmp_path / name), *SMALL, "--epochs", "2"]
        assert train([*command, "--out", str(tmp_path / name[:4])]) == 0
    with (
        np.load(tmp_path / "mapp" / "checkpoint.npz") as mapped,
        np.load(tmp_path / "read" / "checkpoint.npz") as read,
    ):
        for name in set(read.files) - {"header"}:
            np.testing.assert_array_equal(mapped[name], read[name])
    logs = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("mapp", "read")]
    assert logs[0] == logs[1]
    assert (tmp_path / "mapped.npy").read_bytes()[-6400:] == images.tobytes()
