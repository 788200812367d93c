"""What a model makes of the same noise, time after time while it learns: the training animation."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from minigen.errors import MinigenError
from minigen.workshop import checkpoint

LENGTH = 50  # snapshots, at most, so that a long run's film stays small; even

Snapshot = Mapping[str, np.ndarray]


class Film:
    """Snapshots of every epoch, or of every second, fourth, ... once they would be too many.

    Which ones are kept depends on the last epoch alone, and not on interruptions.
    """

    def __init__(self) -> None:
        self.snapshots: dict[int, Snapshot] = {}  # by epoch

    def wants(self, epoch: int) -> bool:
        """Whether a snapshot of this epoch is one to keep."""
        return epoch % _stride(epoch) == 0

    def add(self, epoch: int, snapshot: Snapshot) -> None:
        """Take a snapshot that it wants, of a later epoch than those before."""
        stride = _stride(epoch)
        kept = {e: s for e, s in self.snapshots.items() if e % stride == 0}
        self.snapshots = {**kept, epoch: snapshot}

    def save(self, path: Path) -> None:
        """Write it atomically.

        Raises:
            MinigenError: as for `checkpoint.save`.
        """
        first, *_ = self.snapshots.values()
        arrays = {name: np.stack([s[name] for s in self.snapshots.values()]) for name in first}
        checkpoint.save(path, {"epochs": list(self.snapshots)}, arrays)

    @classmethod
    def load(cls, path: Path, like: Snapshot, last: int) -> "Film":
        """The film up to epoch `last`, of snapshots whose arrays have the shapes of `like`.

        Raises:
            MinigenError: as for `checkpoint.load`; or the file holds no epochs in their order.
        """

        def expected(header: checkpoint.Header) -> dict[str, np.ndarray]:
            if not _are_epochs(header.get("epochs")):
                raise MinigenError(f"{path}: the header is not one of snapshots; train again")
            count = len(header["epochs"])
            return {name: np.broadcast_to(a, (count, *a.shape)) for name, a in like.items()}

        header, arrays = checkpoint.load(path, expected)
        film = cls()
        for i, epoch in enumerate(header["epochs"]):
            if epoch <= last:
                film.snapshots[epoch] = {name: array[i] for name, array in arrays.items()}
        return film


def _stride(last: int) -> int:
    """From one kept epoch to the next, in a film up to epoch `last`."""
    return 1 << (last // LENGTH).bit_length()


def _are_epochs(value: object) -> bool:
    """Whether this is a list of epochs, one later than the other."""
    if not (isinstance(value, list) and value and all(type(epoch) is int for epoch in value)):
        return False
    return value[0] >= 0 and all(a < b for a, b in pairwise(value))
