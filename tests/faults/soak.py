"""Trains and saves on small data for an hour: memory must stay flat, and the end be clean.

python -m tests.faults.soak --minutes 60
"""

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from minigen.data import load
from minigen.workshop.snapshots import LENGTH

ROWS = 2_000  # of MNIST: an epoch takes a fraction of a second
WARM_UP = 2 * LENGTH  # epochs, until the snapshots are all there and all else has been allocated


def main() -> int:
    """Exit status 1 if memory grew by a twentieth, or the run did not end as SIGTERM asks."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    minutes: float = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder) / "data.npz", Path(folder) / "run"
        mnist = load("mnist")
        np.savez(data, train=mnist.train[:ROWS], test=mnist.test[: ROWS // 10])
        command = [sys.executable, "-m", "minigen.train", "vae", "--data", str(data)]
        with subprocess.Popen(
            [*command, "--epochs", "2000000000", "--out", str(run)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while process.poll() is None and _epochs(run) < WARM_UP:
                time.sleep(1)
            peaks = [_peak(process, 6 * minutes) for _ in range(10)]
            process.send_signal(signal.SIGTERM)
            said = process.communicate()[1]
        print(f"exit {process.returncode}: {said}", end="")
        print(f"{_epochs(run)} epochs; peak memory in each tenth of the time, in MB:")
        print(" ".join(f"{peak / 1e6:.1f}" for peak in peaks))
        return int(peaks[-1] > 1.05 * peaks[0] or process.returncode != 143)


def _peak(process: subprocess.Popen[str], seconds: float) -> int:
    """The most memory that a process holds at any second for so long: it goes up and down with
    each saving, and as snapshots are added and thinned.
    """
    end, most = time.monotonic() + seconds, 0
    while time.monotonic() < end and process.poll() is None:
        most = max(most, _resident(process.pid))
        time.sleep(1)
    return most


def _resident(pid: int) -> int:
    """Bytes in memory, by Linux's /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _epochs(run: Path) -> int:
    metrics = run / "metrics.jsonl"
    return metrics.read_text().count("\n") // 2 if metrics.exists() else 0


if __name__ == "__main__":
    sys.exit(main())
