"""Two ranks that mpiexec has started: one run, one voice, and one end."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from minigen.train import main
from minigen.workshop import checkpoint
from tests.commands import mpi
from tests.commands.mpi import finished, gone, start, training
from tests.helpers import squares

pytestmark = pytest.mark.skipif(mpi.MPIEXEC is None, reason="needs mpiexec: pip install mpich")

SMALL = ["--hidden", "12", "--latent-dim", "3", "--batch-size", "64", "--no-figures"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squares(tmp_path_factory.mktemp("ranks") / "x.npy", 150)


@pytest.fixture(scope="module")
def run(data: Path) -> Path:
    """Three epochs by two ranks."""
    folder = data.parent / "three"
    command = training("vae", "--data", data, *SMALL, "--epochs", 3, "--out", folder)
    status, out, ours = finished(start(command, command))
    assert (status, ours) == (0, [])
    lines = [line.split()[0] for line in out.splitlines()]
    assert lines == [
        *["note"] * 3,
        "data",
        "model",
        "units",
        "ranks",
        *["epoch"] * 3,
        "run",
        "next",
    ]
    assert "ranks  2, each on its share of a batch\n" in out
    return folder


def test_two_and_one_epochs_are_three(run: Path, data: Path) -> None:
    """To the byte, which is as much as to say that ranks end alike: each epoch compares them."""
    folder = data.parent / "two"
    command = training("vae", "--data", data, *SMALL, "--epochs", 2, "--out", folder)
    assert finished(start(command, command))[0] == 0
    command = training("vae", "--resume", folder, "--epochs", 3, "--no-figures")
    status, out, ours = finished(start(command, command))
    assert (status, ours) == (0, [])
    assert "was trained by" not in out
    assert (folder / "checkpoint.npz").read_bytes() == (run / "checkpoint.npz").read_bytes()


def test_another_number_of_ranks_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with checkpoint.opened(run / "checkpoint.npz") as (header, _):
        assert header["ranks"] == 2
    assert main(["vae", "--resume", str(run), "--epochs", "3", "--no-figures"]) == 0
    said = "note   it was trained by 2 ranks and is now by 1, whose noise is another"
    assert said in capsys.readouterr().out


NO_MPI4PY = "sys.modules['mpi4py'] = None"
BAD = "sys.argv += ['--lr', '-1']"
OLD = "import minigen; minigen.__version__ = '0.1.0'"


@pytest.mark.fault("rank dies", "ranks differ", "no MPI")
@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {"data": "gone.npy"}, "rank 1: minigen: error: {folder}/gone.npy: cannot be opened"),
        ({}, {"before": OLD}, "minigen: error: minigen: 0.2.0 on rank 0, and 0.1.0 on rank 1; "),
        ({"before": NO_MPI4PY}, {"before": NO_MPI4PY}, "minigen: error: 2 processes were started"),
        ({}, {"before": NO_MPI4PY}, "rank 1: minigen: error: 2 processes were started together"),
        ({}, {"before": BAD}, "rank 1: minigen: error: argument --lr: must be"),
    ],
    ids=["error on one", "versions", "no mpi4py", "no mpi4py on one", "arguments on one"],
)
def test_what_is_wrong_is_one_line(
    first: dict[str, str], second: dict[str, str], said: str, data: Path
) -> None:
    out = data.parent / "never"

    def command(data_name: str = "x.npy", before: str = "") -> list[str]:
        place = data.parent / data_name
        return training("vae", "--data", place, *SMALL, "--out", out, before=before)

    commands = (
        command(given.get("data", "x.npy"), given.get("before", "")) for given in (first, second)
    )
    status, _, (ours,) = finished(start(*commands), 20)
    assert status != 0
    assert ours.startswith(said.format(folder=data.parent))
    assert not out.exists()
    assert gone(str(out), 10)


@pytest.mark.fault("run exists")
def test_a_folder_that_holds_a_run_and_bad_arguments(run: Path, data: Path) -> None:
    command = training("vae", "--data", data, *SMALL, "--out", run)
    status, _, (ours,) = finished(start(command, command), 20)
    assert status == 1
    assert ours.startswith(f"minigen: error: {run} already holds a run; add --overwrite")
    command = training("vae", "--epochs", "-1")
    status, _, (ours,) = finished(start(command, command), 20)
    assert status != 0
    assert ours.startswith("minigen: error: argument --epochs: must be a whole number")


def endless(data: Path, folder: Path) -> subprocess.Popen[str]:
    """Two ranks that train until they are stopped, after their first epoch."""
    command = training(
        "vae", "--data", data, *SMALL, "--epochs", 10**6, "--overwrite", "--out", folder
    )
    process = start(command, command)
    assert process.stdout
    while not process.stdout.readline().startswith("epoch"):
        assert process.poll() is None
    return process


@pytest.mark.fault("stopped ranks")
def test_ctrl_c(data: Path) -> None:
    if not mpi.is_mpich():
        pytest.skip("Open MPI ends ranks at once, and what they say is lost")
    folder = data.parent / "stopped"
    process = endless(data, folder)
    process.send_signal(signal.SIGINT)
    status, _, (ours,) = finished(process, 10)
    assert status == 130
    assert ours.startswith("minigen: stopped at epoch ")
    assert ours.endswith(f"go on with python -m minigen.train vae --resume {folder}")
    assert gone(str(folder), 10)


def kill_one(data: Path, folder: Path, rank: int, after: float) -> None:
    """Kill a rank: all are gone in time, and the checkpoint is whole."""
    process = endless(data, folder)
    time.sleep(after)
    os.kill(mpi.ranks(str(folder))[rank], signal.SIGKILL)
    assert gone(str(folder), 10)
    status, _, ours = finished(process, 10)
    assert status != 0
    assert ours == []  # it is the launcher that says so
    with np.load(folder / "checkpoint.npz") as archive:
        assert all(np.isfinite(archive[name]).all() for name in archive)
    with checkpoint.opened(folder / "checkpoint.npz") as (header, _):
        assert header["history"]


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.fault("rank dies")
def test_a_rank_that_is_killed(data: Path) -> None:
    kill_one(data, data.parent / "killed", rank=1, after=0)


@needs_proc
@pytest.mark.slow
@pytest.mark.fault("rank dies")
def test_twenty_kills_at_random_moments(data: Path, rng: np.random.Generator) -> None:
    for _ in range(20):
        kill_one(data, data.parent / "kills", int(rng.integers(2)), rng.uniform(0, 1))
