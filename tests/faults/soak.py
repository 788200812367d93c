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

ROWS = 2_000  # of MNIST: an epoch takes a fraction of a second
WARM_UP = 90.0  # seconds, until the film is full and all else has been allocated


def main() -> int:
    """Exit status 1 if memory grew by a tenth, or the run did not end as SIGTERM asks."""
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
            time.sleep(WARM_UP)
            first = last = _resident(process.pid)
            end = time.monotonic() + 60 * minutes
            print(f"{first / 1e6:7.1f} MB resident at the start", flush=True)
            while time.monotonic() < end and process.poll() is None:
                time.sleep(min(300, max(1, end - time.monotonic())))
                last = _resident(process.pid)
                print(f"{last / 1e6:7.1f} MB, epoch {_epochs(run)}", flush=True)
            process.send_signal(signal.SIGTERM)
            said = process.communicate()[1]
        print(f"exit {process.returncode}: {said}", end="")
        print(f"first {first / 1e6:.1f} MB, last {last / 1e6:.1f} MB, {_epochs(run)} epochs")
        return int(last > 1.1 * first or process.returncode != 143)


def _resident(pid: int) -> int:
    """Bytes in memory, by Linux's /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _epochs(run: Path) -> int:
    with (run / "metrics.jsonl").open() as lines:
        return sum(1 for _ in lines) // 2


if __name__ == "__main__":
    sys.exit(main())
