"""Cores: how many there are changes no byte, and a machine that others use costs their share."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import pixels

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

pytestmark = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")

TRAIN = """
import os, sys
os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
from minigen.train import main
sys.exit(main(sys.argv[2:]))
"""


def training(cores: Sequence[int], data: Path, run: Path, *arguments: str) -> list[str]:
    """The words of a command that trains default networks on these cores alone."""
    command = ["vae", "--data", str(data), "--out", str(run), "--no-figures", *arguments]
    return [sys.executable, "-c", TRAIN, ",".join(map(str, cores)), *command]


def environment() -> dict[str, str]:
    """As a user's: nothing says how many threads there are to be."""
    return {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}


def images(path: Path, count: int) -> Path:
    np.save(path, pixels(0, count, 28, 28))
    return path


def test_the_number_of_cores_changes_no_byte(tmp_path: Path) -> None:
    data = images(tmp_path / "x.npy", 600)
    written = set()
    for cores in (CORES[:1], CORES[:2]):
        run = tmp_path / f"run-{len(cores)}"
        command = training(cores, data, run, "--epochs", "1")
        subprocess.run(command, env=environment(), check=True, capture_output=True)
        written.add((run / "checkpoint.npz").read_bytes())
    assert len(written) == 1


SPIN = "while True: pass"


def seconds(commands: Sequence[Sequence[str]], beside: int = 0) -> float:
    """The longest of these commands at once, beside so many processes that never rest."""
    with ExitStack() as stack:
        for _ in range(beside):
            spinning = subprocess.Popen([sys.executable, "-c", SPIN])
            stack.callback(spinning.wait)
            stack.callback(spinning.kill)
        started = time.monotonic()
        running = [
            subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
            for command in commands
        ]
        assert [process.wait() for process in running] == [0] * len(running)
        return time.monotonic() - started


@pytest.mark.slow
def test_a_busy_machine_costs_no_more_than_its_share(tmp_path: Path) -> None:
    """On a quiet machine of two cores: at most 1.5 times beside another, 3 beside two spinning."""
    data = images(tmp_path / "x.npy", 20_000)
    alone, two, beside = [], [], []
    for i in range(3):
        a, b, c, d = (
            training(CORES[:2], data, tmp_path / f"{name}-{i}", "--epochs", "2") for name in "abcd"
        )
        alone.append(seconds([a]))
        two.append(seconds([b, c]))
        beside.append(seconds([d], beside=2))
    times = [statistics.median(measured) for measured in (alone, two, beside)]
    print("alone {:.1f} s, two at once {:.1f} s, beside two that spin {:.1f} s".format(*times))
    assert times[1] < 1.8 * times[0]
    assert times[2] < 3.5 * times[0]
