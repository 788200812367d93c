"""What a model makes of the same noise, time after time while it learns: the training animation."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minigen import checkpoint

LENGTH = 50  # snapshots, at most, so that a long run's film stays small; even

Snapshot = Mapping[str, np.ndarray]


class Film:
    """Snapshots of every epoch, or of every second, fourth, ... once they would be too many.

    Which ones are kept depends on the last epoch alone, and not on interruptions.
    """

    def __init__(self) -> None:
        self.snapshots: dict[int, Snapshot] = {}  # by epoch

    def add(self, epoch: int, snapshot: Snapshot) -> bool:
        """Take a snapshot of a later epoch than those before; whether it is one to keep."""
        stride = 1 << (epoch // LENGTH).bit_length()
        if epoch % stride:
            return False
        kept = {e: s for e, s in self.snapshots.items() if e % stride == 0}
        self.snapshots = {**kept, epoch: snapshot}
        return True

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
            MinigenError: as for `checkpoint.load`.
        """

        def expected(header: checkpoint.Header) -> dict[str, np.ndarray]:
            count = len(header["epochs"])
            return {name: np.broadcast_to(a, (count, *a.shape)) for name, a in like.items()}

        header, arrays = checkpoint.load(path, expected)
        film = cls()
        for i, epoch in enumerate(header["epochs"]):
            if epoch <= last:
                film.snapshots[epoch] = {name: array[i] for name, array in arrays.items()}
        return film
