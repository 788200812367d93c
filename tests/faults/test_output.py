"""Run folders: what cannot be written, what cannot be read again, and what outlives a machine."""

import errno
import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.evaluate import main as evaluate
from minigen.sample import main as sample
from minigen.workshop.atomic import writing
from tests.faults.helpers import SMALL, environment, said, train, undrawn
from tests.helpers import squares


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(squares(tmp_path / "x.npy", 100))


@pytest.fixture
def run(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Two epochs of a VAE."""
    run = tmp_path / "run"
    assert train(["vae", "--data", data, *SMALL, "--epochs", "2", "--out", str(run)]) == 0
    capsys.readouterr()
    return run


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def last_epoch(run: Path) -> Any:
    """What the checkpoint says, which can be read."""
    with np.load(run / "checkpoint.npz") as archive:
        assert all(np.isfinite(archive[name]).all() for name in archive.files)
        return len(json.loads(archive["header"].tobytes())["history"])


def locked(folder: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.mkdir(mode=0o500)
    return folder / "run"


@pytest.mark.fault("not writable")
@pytest.mark.parametrize(
    "place",
    [
        lambda folder: Path("/proc/run"),
        lambda folder: Path("/dev/null"),
        lambda folder: folder / "x.npy",
        lambda folder: folder / "x.npy" / "run",
        lambda folder: folder / ("x" * 300),
        lambda folder: locked(folder / "locked"),
    ],
    ids=["proc", "device", "file", "below a file", "name too long", "permissions"],
)
def test_an_output_folder_that_cannot_be_written(
    place: Callable[[Path], Path], data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = place(tmp_path)
    assert train(["vae", "--data", data, *SMALL, "--out", str(out)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"minigen: error: cannot write the run folder {out}: ")
    assert captured.err.endswith("; choose another\n")
    assert captured.out == ""


def at_most(size: int) -> Callable[[], None]:
    """No file may grow beyond this size: writing more fails, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.fault("full disk")
def test_a_file_that_cannot_grow_while_training(data: str, tmp_path: Path) -> None:
    """The checkpoint does, by a snapshot in each epoch; that of the epoch before stays."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    command = ["--data", data, *SMALL, "--epochs", "4"]
    assert train(["vae", *command, "--out", str(whole)]) == 0
    done = subprocess.run(
        undrawn(*command, "--out", run),
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=at_most(85_000),
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"minigen: error: {run}/checkpoint.npz: cannot be written: File too large; make room on "
        "the disk, or see to the permissions of the folder\n"
    )
    assert last_epoch(run) == 1
    assert not list(run.glob("*.tmp"))
    assert train(["vae", "--resume", str(run)]) == 0
    assert content(run) == content(whole)


@pytest.mark.fault("full disk")
def test_a_figure_that_cannot_be_written(run: Path, tmp_path: Path) -> None:
    before = content(run)
    done = subprocess.run(
        [sys.executable, "-m", "minigen.train", "vae", "--resume", str(run)],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=at_most(max(map(len, before.values()))),
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"minigen: error: {run}/figures/training.gif: cannot be written: "
    )
    assert done.stderr.count("\n") == 1
    after = content(run)
    assert {name: after[name] for name in before} == before
    assert "figures/training.gif" not in after  # whole, or not at all
    assert train(["vae", "--resume", str(run), "--epochs", "3"]) == 0


def test_an_error_without_a_number_keeps_its_words(tmp_path: Path) -> None:
    """As Pillow has it."""
    with (
        pytest.raises(
            MinigenError, match=r"a\.gif: cannot be written: encoder error -2; make room"
        ),
        writing(tmp_path / "a.gif"),
    ):
        raise OSError("encoder error -2")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere/x.npy", "No such file or directory; make the folder that is missing"),
        ("folder.npy", "Is a directory; give the path of a file in a folder"),
        ("folder.png", "Is a directory; give the path of a file in a folder"),
        ("x.npy/x.npy", "Not a directory; give the path of a file in a folder"),
    ],
)
def test_a_file_that_cannot_be_in_this_place(
    place: str, message: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("folder.npy", "folder.png"):
        (tmp_path / name).mkdir()
    out = tmp_path / place
    assert sample([str(run), "--out", str(out)]) == 1
    assert said(capsys) == f"minigen: error: {out}: cannot be written: {message}\n"


@pytest.mark.fault("not writable")
@pytest.mark.parametrize("resumed", [False, True], ids=["--out", "--resume"])
def test_a_folder_that_cannot_be_locked(
    resumed: bool,
    run: Path,
    data: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on some network file systems."""

    def flock(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    folder = run if resumed else tmp_path / "new"
    options = ["--resume"] if resumed else ["--data", data, *SMALL, "--out"]
    assert train(["vae", *options, str(folder)]) == 1
    assert said(capsys) == (
        f"minigen: error: {folder}: cannot be locked against a second training process: "
        f"{os.strerror(errno.ENOLCK)}; choose a folder on another disk\n"
    )


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=150k minigen "$1" || exit 77
"$2" -m "$3" vae --no-figures --data "$4" --out "$1/run" $5 && exit 1
mount -o remount,size=2m "$1"
cp -r "$1/run" "$6"
"$2" -m "$3" vae --no-figures --resume "$1/run" && cp -r "$1/run" "$6/resumed"
"""


@pytest.mark.fault("full disk")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs Linux's unshare")
def test_a_disk_that_is_full(data: str, tmp_path: Path) -> None:
    """A file system of 150 kB of its own, which later has room again."""
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    interpreter, code = sys.executable, "minigen.train"
    options = " ".join([*SMALL, "--epochs", "5"])
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK, "sh", disk, interpreter, code, data,
         options, out],
        capture_output=True,
        text=True,
        env=environment(),
    )  # fmt: skip
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip(f"no file system of one's own here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert "cannot be written: No space left on device; make room on the disk" in done.stderr
    assert last_epoch(out) >= 1
    assert train(["vae", "--data", data, *options.split(), "--out", str(tmp_path / "w")]) == 0
    assert content(out / "resumed") == content(tmp_path / "w")


def rewrite(path: Path, **changes: Any) -> None:
    """Change the header of an archive of ours, as its sound checksums say nothing of."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays.pop("header").tobytes()) | changes
    header = {name: value for name, value in header.items() if value is not ...}
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, header=text, **arrays)


MEANS = {"loss": 3.0, "reconstruction": 2.0, "kl": 1.0}
FACTS = {
    "name": "x",
    "width": 64,
    "sha256": "",
    "image_shape": [8, 8],
    "value_range": [0, 1],
    "pixels": True,
    "reading": {},
    "seed": 0,
}


@pytest.mark.fault("foreign checkpoint", "cannot resume")
@pytest.mark.parametrize(
    "changes",
    [
        {"model": "gan"},
        {"model": "vea"},
        {"model": ["vae"]},
        {"options": ...},
        {"options": []},
        {"options": {"hidden": ["a"], "seed": 0}},
        {"options": {"latent_dim": 10**12, "seed": 0}},
        {"options": {"hidden": [0], "seed": 0}},
        {"options": {"lr": "0.001", "seed": 0}},
        {"options": {"lr": 0, "seed": 0}},
        {"options": {"beta": -1.0, "seed": 0}},
        {"options": {"importance_samples": 0, "seed": 0}},
        {"options": {"epochs": 2.5, "seed": 0}},
        {"options": {"seed": -1}},
        {"options": {"binarize": "yes", "seed": 0}},
        {"options": {"colour": 1, "seed": 0}},
        {"data": ...},
        {"data": 5},
        {"data": {"name": "x", "width": 64}},
        {"data": {**FACTS, "width": 0}},
        {"data": {**FACTS, "image_shape": [-8, -8]}},
        {"data": {**FACTS, "image_shape": [8, 7]}},
        {"data": {**FACTS, "image_shape": [28]}},
        {"data": {**FACTS, "image_shape": "ab"}},
        {"data": {**FACTS, "image_shape": []}},
        {"data": {**FACTS, "value_range": [0]}},
        {"data": {**FACTS, "seed": -1}},
        {"data": {**FACTS, "reading": 5}},
        {"data": {**FACTS, "reading": {"scale": 0}}},
        {"data": {**FACTS, "reading": {"colour": 1}}},
        {"history": ...},
        {"history": 2},
        {"history": [{"epoch": 1}]},
        {"history": [{"epoch": 2, "train": MEANS, "test": MEANS}]},
        {"history": [{"epoch": "1", "train": MEANS, "test": MEANS}]},
        {"history": [{"epoch": None, "train": MEANS, "test": MEANS}]},
        {"history": [{"epoch": -1, "train": MEANS, "test": MEANS}]},
        {"history": [{"epoch": True, "train": MEANS, "test": MEANS}]},
        {"history": [{"epoch": 1, "train": MEANS, "test": {}}]},
        {"history": [{"epoch": 1, "train": MEANS, "test": {**MEANS, "kl": "1"}}]},
        {"snapshots": ...},
        {"snapshots": {"epochs": [0, 2, 1], "shapes": {}}},
        {"snapshots": {"epochs": ["0"], "shapes": {}}},
        {"snapshots": {"epochs": [0, 1, 1.5], "shapes": {}}},
        {"snapshots": {"epochs": [0, 1, True], "shapes": {}}},
        {"snapshots": {"epochs": [0, 1, 1], "shapes": {}}},
        {"snapshots": {"epochs": 3, "shapes": {}}},
        {"snapshots": {"epochs": "012", "shapes": {}}},
        {"snapshots": {"epochs": [-1, 0, 1], "shapes": {"rows": [100, 64]}}},
        {"snapshots": {"epochs": [0], "shapes": {"rows": "64"}}},
        {"format": 2},
        {"format": "x" * 10_000},
    ],
    ids=lambda changes: f"{changes}"[:30],
)
def test_a_header_of_something_else(
    changes: dict[str, Any], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run / "checkpoint.npz", **changes)
    before = content(run)
    for status in (
        train(["vae", "--resume", str(run), "--epochs", "3"]),
        sample([str(run), "--out", str(run / "rows.npy")]),
        evaluate([str(run), "--draws", "1"]),
    ):
        assert status == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    for error in errors:
        assert error.startswith(f"minigen: error: {run / 'checkpoint.npz'}: ")
        assert "the header is not one of" in error or "checkpoint format " in error
        assert len(error) < 300
    assert content(run) == before


@pytest.mark.fault("missing run")
@pytest.mark.parametrize("command", [sample, evaluate])
@pytest.mark.parametrize("name", ["nowhere", "empty", "x.npy"])
def test_a_folder_without_a_run(
    command: Callable[[list[str]], int],
    name: str,
    data: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    before = content(tmp_path)
    assert command([str(tmp_path / name)]) == 1
    assert f"{tmp_path / name} is no run folder, checkpoint.npz is missing" in said(capsys)
    assert content(tmp_path) == before


def proof(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Of a command beside this file."""
    command = [sys.executable, "-m", f"tests.faults.{name}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment())


@pytest.mark.fault("kill")
@pytest.mark.parametrize("count", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_kills_while_saving(count: int) -> None:
    done = proof("kills", "--kills", str(count))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{count} of {count} kills left a whole checkpoint")


@pytest.mark.fault("2,000 damages", "damaged", "foreign checkpoint")
@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_random_damages(count: int) -> None:
    done = proof("damages", "--damages", str(count))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(f"0 wrong, of {count}\n") == 7


@pytest.mark.fault("cannot resume")
@pytest.mark.parametrize(
    "changes", [{"backend": ...}, {"backend": 5}, {"chains": ...}, {"chains": 5}], ids=str
)
def test_a_backend_that_no_command_has_written(
    changes: dict[str, Any], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(run / "checkpoint.npz", **changes)
    assert train(["vae", "--resume", str(run), "--epochs", "3"]) == 1
    assert "the header is not one of a training run" in said(capsys)
