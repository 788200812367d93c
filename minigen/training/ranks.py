"""Ranks: processes that train one model together, each on its share of every batch.

    run = fit(options, data, ranks=join())    # those that mpiexec has started, or this one alone

The gradient of a batch is the sum of those of its rows. So each rank has the whole model, walks
over the same rows in the same order, computes the gradient of its share, and takes the optimizer's
step with the sum over all ranks: their parameters stay equal, bit for bit. The sum is MPI's
Allreduce, by mpi4py, or on GPUs NCCL's.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from minigen.backend import Array, array_module, to_numpy
from minigen.errors import MinigenError
from minigen.nn.module import Params

LAUNCHERS = (  # where they tell a process its rank, and how many they have started
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI, Slurm's PMI
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # srun
)
DEVICES = "CUDA_VISIBLE_DEVICES"

Facts = Mapping[str, object]


class Ranks:
    """A process alone, rank 0 of 1: a sum over the ranks is what it was."""

    rank, size = 0, 1

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rank {self.rank} of {self.size})"

    def share(self, n: int) -> "Share":
        """The share that a rank has of a batch of n rows."""
        return Share(self, -n % self.size)

    def sum(self, array: Array) -> Array:
        """Sum arrays over the ranks, in place: afterwards each has the same."""
        return array

    def sum_all(self, arrays: Params) -> Params:
        """Sum each of these arrays over the ranks."""
        return arrays

    def first(self, answer: bool) -> bool:
        """The answer of rank 0."""
        return answer

    def check(self, facts: Callable[[], Facts]) -> None:
        """Raise MinigenError, on all ranks, where a fact is not the same on all."""

    def check_equal(self, when: str, state: Mapping[str, Any]) -> None:
        """Raise MinigenError, on all ranks, unless they have the same arrays and numbers."""


ALONE = Ranks()


class World(Ranks):
    """The processes of MPI's COMM_WORLD.

    Args:
        mpi: the module mpi4py.MPI.
    """

    def __init__(self, mpi: Any) -> None:
        self.mpi, self.comm = mpi, mpi.COMM_WORLD
        self.rank, self.size = self.comm.rank, self.comm.size

    def sum(self, array: Array) -> Array:
        if array_module(array) is np:
            self.comm.Allreduce(self.mpi.IN_PLACE, array)
        else:
            self._nccl.all_reduce(array, array)
        return array

    def sum_all(self, arrays: Params) -> Params:
        """By one message: each costs its latency, and on a busy machine a turn of every rank."""
        xp = array_module(*arrays.values())
        flat = self.sum(xp.concatenate([array.ravel() for array in arrays.values()]))
        ends = accumulate((array.size for array in arrays.values()), initial=0)
        return {
            name: flat[start:end].reshape(array.shape)
            for (name, array), (start, end) in zip(arrays.items(), pairwise(ends), strict=True)
        }

    def first(self, answer: bool) -> bool:
        found = np.array([answer])
        self.comm.Bcast(found)
        return bool(found[0])

    def check(self, facts: Callable[[], Facts]) -> None:
        first, *others = self.comm.allgather(dict(facts()))
        for rank, found in enumerate(others, start=1):
            for name, value in first.items():
                if found.get(name) != value:
                    raise MinigenError(
                        f"{name}: {value} on rank 0, and {found.get(name)} on rank {rank}; give "
                        "all ranks the same installation, options and data"
                    )

    def check_equal(self, when: str, state: Mapping[str, Any]) -> None:
        digest = hashlib.sha256()
        for value in state.values():
            array = np.asarray(value) if np.isscalar(value) else to_numpy(value)
            digest.update(array.tobytes())
        self.check(lambda: {f"SHA-256 of the parameters {when}": digest.hexdigest()[:12]})

    def end_all(self, *error: Any) -> None:
        """Print an error that nobody catches, and end all ranks, who would wait for this one."""
        sys.__excepthook__(*error)
        sys.stderr.flush()
        self.comm.Abort(1)

    @cached_property
    def _nccl(self) -> Any:
        """Written against CuPy's documentation, and never tried on two GPUs."""
        from cupyx.distributed import init_process_group

        return init_process_group(self.size, self.rank, use_mpi=True)


@dataclass(frozen=True)
class Share:
    """A rank's share of a batch: as many rows as every other rank has.

    Args:
        ranks: who share the batch.
        missing: so many rows too few it has; the last ranks get copies, whose weight is 0.
    """

    ranks: Ranks = ALONE
    missing: int = 0

    def own(self, values: Array) -> Array:
        """The values of this rank's rows, without those of copies, which come last."""
        n = len(values)
        return values[: min(max(self._n(values) - self.ranks.rank * n, 0), n)]

    def weights(self, values: Array, total: float = 1.0) -> Array:
        """Weights of these values in total times their mean over the batch: total/n each."""
        weights = array_module(values).full_like(values, total / self._n(values))
        if self.missing:
            weights[len(self.own(values)) :] = 0
        return weights

    def sum(self, grads: Params) -> Params:
        """Sum gradients over the ranks."""
        return self.ranks.sum_all(grads)

    def _n(self, values: Array) -> int:
        """The number of rows in the batch."""
        return len(values) * self.ranks.size - self.missing


WHOLE = Share()  # of a process that is alone


def launched() -> tuple[int, int]:
    """Read this process's rank and the number of ranks in the environment, where a launcher says
    it; without one, 0 and 1.
    """
    for rank, size in LAUNCHERS:
        if rank in os.environ and size in os.environ:
            return int(os.environ[rank]), int(os.environ[size])
    return 0, 1


def join() -> Ranks:
    """Meet the processes that were started together with this one. Alone, nothing is imported.
    From now on an error on one rank that nobody catches ends them all.

    Raises:
        MinigenError: mpi4py is missing, or belongs to another MPI than the launcher.
    """
    _, size = launched()
    if size == 1:
        return ALONE
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # itself, or the library of MPI
        raise MinigenError(
            f"{size} processes were started together, and mpi4py, by which they meet, does not "
            f"work here: {error}; install it with an MPI: pip install mpi4py mpich"
        ) from error
    if MPI.COMM_WORLD.size != size:
        raise MinigenError(
            f"{size} processes were started together, and mpi4py sees {MPI.COMM_WORLD.size}: it "
            "runs on another MPI than the launcher; take the mpiexec that belongs to it"
        )
    _choose_device(MPI)
    world = World(MPI)
    sys.excepthook = world.end_all
    return world


def _choose_device(mpi: Any) -> None:
    """Leave this rank one GPU of those that its machine has, before CuPy is imported: the first
    rank on it the first one. A rank too many sees none.
    """
    place = mpi.COMM_WORLD.Split_type(mpi.COMM_TYPE_SHARED).rank
    given = os.environ.get(DEVICES)
    if given is None:
        os.environ[DEVICES] = str(place)
    elif "," in given:
        os.environ[DEVICES] = dict(enumerate(given.split(","))).get(place, "")
