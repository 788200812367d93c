"""Steps of a VAE on the ranks that mpiexec starts, against one of them alone.

    mpiexec -n 2 python -m tests.benchmarks.ranks
    mpiexec -n 2 python -m tests.benchmarks.ranks --batches 128 512 1024 --blocks 15

Both take turns, so that a machine that slows down slows them alike; each ratio is taken within a
turn. Then the line through the quickest steps of rank 0: the price of a step, and of a row. Then
what the ranks say to each other: the sum of the gradients, in one message or in one for each array,
and Adam on every rank against a share of it on each, whose results are gathered.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from mpi4py import MPI

from minigen import data
from minigen.backend import computing, generator
from minigen.data import scaled
from minigen.nn.optim import Adam
from minigen.training import ALONE, Ranks, VAEOptions, prepare
from minigen.training.ranks import World

COMM = MPI.COMM_WORLD
SIZE = COMM.size
TURN_SECONDS, MOST = 0.3, 3000
LINE = 8, 32, 128, 512, 1024  # rows of the batches that it is drawn through

Step = Callable[[], object]
T = TypeVar("T")


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="mpiexec -n 2 python -m tests.benchmarks.ranks")
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 256, 512, 1024, 2048])
    parser.add_argument("--blocks", type=int, default=9, help="turns of each")
    options = parser.parse_args()
    if COMM.rank:
        sys.stdout = None
    ranks = World(MPI)
    print(f"{SIZE} ranks, one thread each; {MPI.Get_library_version().splitlines()[0]}")
    with computing(1):
        for n in options.batches:
            alone, together = step(n, ALONE), step(n, ranks)
            turns = [(by_rank_0(alone), by_all(together)) for _ in range(options.blocks)]
            ratios = sorted(one / many for one, many in turns)
            one, many = (1e3 * statistics.median(column) for column in zip(*turns, strict=True))
            print(
                f"{n:5} rows: alone {one:6.2f} ms, together {many:6.2f} ms; "
                f"speed-up {statistics.median(ratios):.2f} ({ratios[0]:.2f}, {ratios[-1]:.2f})"
            )
        print_line(alone_for(lambda: quickest(LINE, rounds=4 * options.blocks)))
        for name, message in messages(ranks).items():
            times = [by_all(message) for _ in range(options.blocks)]
            print(
                f"{name:42} {1e3 * statistics.median(times):7.3f} ms, least {1e3 * min(times):.3f}"
            )
    return 0


def step(n: int, ranks: Ranks) -> Step:
    """A step of the default VAE on n rows of MNIST, from the gathering of its rows to Adam."""
    dataset = data.load("mnist")
    trainer = prepare(VAEOptions(batch_size=n), dataset).trainer
    order, rng = generator(np, 0), generator(np, 1, ranks.rank)
    each = -(-n // ranks.size)

    def one() -> None:
        rows = order.integers(0, len(dataset.train), n)[ranks.rank * each :][:each]
        trainer.train_step(scaled(dataset.train.take(rows, axis=0)), rng, ranks.share(n))

    return one


def quickest(batches: Sequence[int], rounds: int) -> list[float]:
    """Milliseconds of the quickest of many single steps alone at each size, in turns: what else
    runs on the machine can only lengthen a step.
    """
    steps = {n: step(n, ALONE) for n in batches}
    least = dict.fromkeys(batches, float("inf"))
    for _ in range(rounds):
        for n, one in steps.items():
            one()
            for _ in range(5):
                started = time.perf_counter()
                one()
                least[n] = min(least[n], 1e3 * (time.perf_counter() - started))
    return list(least.values())


def print_line(least: list[float]) -> None:
    """Print a + b n, whose relative errors have the least squares."""
    b, a = np.polyfit(LINE, least, 1, w=1 / np.array(least))
    worst = max(abs((a + b * n) / ms - 1) for n, ms in zip(LINE, least, strict=True))
    times = ", ".join(f"{n} rows {ms:.2f}" for n, ms in zip(LINE, least, strict=True))
    print(f"the quickest step alone: {times} ms")
    print(f"the line through them: {a:.2f} ms and {b:.4f} ms a row, {worst:.0%} off at most")


def messages(ranks: World) -> Mapping[str, Step]:
    """What is exchanged in a step, and its alternatives, by name."""
    grads = {
        name: np.zeros_like(array)
        for name, array in prepare(VAEOptions(), data.load("mnist")).model.params.items()
    }
    total = sum(array.size for array in grads.values())
    flat = np.zeros(total + -total % SIZE, np.float32)
    own = np.zeros(len(flat) // SIZE, np.float32)
    whole = Adam({name: np.zeros_like(array) for name, array in grads.items()})
    share = Adam({"own": np.zeros_like(own)})

    def one_each() -> None:
        for array in grads.values():
            COMM.Allreduce(MPI.IN_PLACE, array)

    def stepped() -> None:
        whole.step(ranks.sum_all(grads))

    def shared() -> None:
        parts = [*(array.ravel() for array in grads.values()), flat[total:]]
        COMM.Reduce_scatter_block(np.concatenate(parts), own)
        share.step({"own": own})
        COMM.Allgather(own, flat)

    size = f"{4 * total / 1e6:.1f} MB"
    return {
        "a sum of one number": lambda: COMM.Allreduce(MPI.IN_PLACE, own[:1]),
        f"a sum of {size}, in place": lambda: COMM.Allreduce(MPI.IN_PLACE, flat),
        "the same, gathered from the gradients": lambda: ranks.sum_all(grads),
        "the same, a message for each array": one_each,
        "the sum, and Adam on every rank": stepped,
        "a share of both on each, then gathered": shared,
        "Adam alone": lambda: whole.step(grads),
    }


def by_all(step: Step) -> float:
    """Seconds of a step that all ranks take together."""
    COMM.Barrier()
    count = COMM.bcast(_count(step))
    COMM.Barrier()
    started = time.perf_counter()
    for _ in range(count):
        step()
    COMM.Barrier()
    return float(COMM.bcast((time.perf_counter() - started) / count))


def by_rank_0(step: Step) -> float:
    """Seconds of a step that rank 0 takes alone."""

    def seconds() -> float:
        count = _count(step)
        started = time.perf_counter()
        for _ in range(count):
            step()
        return (time.perf_counter() - started) / count

    return alone_for(seconds)


def alone_for(measure: Callable[[], T]) -> T:
    """What rank 0 measures while the others sleep, without a message."""
    if COMM.rank:
        while not COMM.Iprobe(source=0):
            time.sleep(1e-3)
        received: T = COMM.recv(source=0)
        return received
    found = measure()
    for rank in range(1, SIZE):
        COMM.send(found, dest=rank)
    return found


def _count(step: Step) -> int:
    """So many of them take a turn."""
    step()
    started = time.perf_counter()
    step()
    return max(1, min(MOST, round(TURN_SECONDS / (time.perf_counter() - started))))


if __name__ == "__main__":
    sys.exit(main())
