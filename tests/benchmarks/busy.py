"""The same step on a machine that others use: beside a training like itself, and beside two
processes that never rest.

    python -m tests.benchmarks --busy
"""

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import Any

import numpy as np

from minigen.backend import computing
from tests.benchmarks import measure
from tests.benchmarks.contestants import Size, Step, minigen, torch, torch_module

SIZE = Size("vae", 128, 400)
SPIN = "while True: pass"
TRAIN = "import sys; from tests.benchmarks.busy import forever; forever(sys.argv[1], {threads})"
NEIGHBOURS = ("alone", "beside a training like itself", "beside two processes that spin")
CONTESTANTS: Mapping[str, Callable[[Size, np.ndarray], Step]] = {
    "minigen": minigen,
    "PyTorch eager": torch,
}


def busy(images: np.ndarray, threads: Sequence[int], blocks: int) -> list[dict[str, Any]]:
    """Milliseconds of a step, the median over blocks, for each contestant and number of threads."""
    found = []
    for count, name in product(threads, CONTESTANTS):
        try:
            step = made(name, images, count)
        except ModuleNotFoundError:
            continue
        times = {}
        with computing(count):
            for neighbour in NEIGHBOURS:
                with beside(neighbour, name, count):
                    times[neighbour] = 1e3 * statistics.median(
                        measure.seconds(step, 20) for _ in range(blocks)
                    )
        found.append({"contestant": name, "threads": count, "ms": times})
        shown = ", ".join(f"{ms:.1f} ms {neighbour}" for neighbour, ms in times.items())
        print(f"{name}, {count} thread{'s' * (count > 1)}: {shown}", flush=True)
    return found


def made(name: str, images: np.ndarray, threads: int) -> Step:
    """A contestant's step, warm, with so many threads."""
    if name != "minigen":
        torch_module().set_num_threads(threads)
    step = CONTESTANTS[name](SIZE, images)
    with computing(threads):
        for _ in range(3):
            step()
    return step


@contextmanager
def beside(neighbour: str, name: str, threads: int) -> Iterator[None]:
    """Have the neighbour's processes run within this block."""
    commands = {
        NEIGHBOURS[0]: [],
        NEIGHBOURS[1]: [[sys.executable, "-c", TRAIN.format(threads=threads), name]],
        NEIGHBOURS[2]: 2 * [[sys.executable, "-c", SPIN]],
    }[neighbour]
    with ExitStack() as stack:
        for command in commands:
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(process.kill)
            if command[2] != SPIN:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
        yield


def forever(name: str, threads: int) -> None:
    """Train until somebody ends this process."""
    images = np.random.default_rng(0).integers(0, 256, (10_000, 784), dtype=np.uint8)
    step = made(name, images, threads)
    print("ready", flush=True)
    with computing(threads):
        while True:
            step()
