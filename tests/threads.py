"""Threads in the place of MPI's processes: they meet, and what each gives is seen by all."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from minigen.training.ranks import World

T = TypeVar("T")


class Comm:
    """A communicator of threads, as far as World asks.

    Args:
        given: a place for what each gives.
        barrier: where they meet.
    """

    def __init__(self, rank: int, given: list[Any], barrier: threading.Barrier) -> None:
        self.rank, self.size = rank, len(given)
        self._given, self._barrier = given, barrier

    def allgather(self, given: Any) -> list[Any]:
        self._given[self.rank] = given
        self._barrier.wait(timeout=60)
        all_given = list(self._given)
        self._barrier.wait(timeout=60)
        return all_given

    def Bcast(self, array: np.ndarray) -> None:  # noqa: N802
        array[...] = self.allgather(array.copy())[0]

    def Allreduce(self, in_place: object, array: np.ndarray) -> None:  # noqa: N802
        assert in_place == "in place"
        assert array.flags.c_contiguous
        array[...] = sum(self.allgather(array.copy()))


def on_ranks(size: int, task: Callable[[World], T]) -> list[T]:
    """What a task gives on each of so many ranks; an error of one ends the others."""
    given, barrier = [None] * size, threading.Barrier(size)

    def run(rank: int) -> T:
        comm = Comm(rank, given, barrier)
        try:
            return task(World(SimpleNamespace(COMM_WORLD=comm, IN_PLACE="in place")))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(run, rank) for rank in range(size)]
        return [future.result() for future in futures]
