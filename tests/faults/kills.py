"""Kills a process that saves without pause, again and again: a checkpoint must always be whole.

python -m tests.faults.kills --kills 60
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from minigen.workshop import checkpoint

WEIGHT = np.zeros((1000, 1300), np.float32)  # 5 MB


def main() -> int:
    """Exit status 1 if a kill left no loadable checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    kills: int = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        _save(path, 0)
        rng = np.random.default_rng(0)
        whole, cut_short = 0, 0
        for _ in range(kills):
            _kill_while_saving(path, after=rng.uniform(0.01, 0.08))
            cut_short += len(list(path.parent.glob("*.tmp"))) > cut_short
            with checkpoint.opened(path) as (header, read):
                whole += bool((read({"w": WEIGHT})["w"] == header["n"]).all())
    print(
        f"{whole} of {kills} kills left a whole checkpoint; {cut_short} came while it was written"
    )
    return int(whole < kills or cut_short == 0)


def _save(path: Path, n: int) -> None:
    checkpoint.save(path, {"n": n}, {"w": WEIGHT + np.float32(n)})


def _kill_while_saving(path: Path, after: float) -> None:
    """After so many seconds, in a child process: saving is all that it does."""
    child = os.fork()
    if child == 0:
        n = 0
        while True:
            n += 1
            _save(path, n)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main())
