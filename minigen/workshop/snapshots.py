"""Snapshots: the samples that a model makes of the same noise while it learns, for an animation."""

import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigen.backend import generator
from minigen.data import scaled
from minigen.nn.module import prefixed
from minigen.training import Run, Stream
from minigen.workshop.layout import N_IMAGES, drawable, frame

LENGTH = 50  # snapshots, at most, so that a long run's animation stays small; even
N_POINTS = 1000  # of data and of samples, where rows are points

Snapshot = Mapping[str, np.ndarray]


def take_snapshot(run: Run) -> Snapshot:
    """Compute from the same input at every call "rows" (M, D), if they are images or points;
    others cannot be drawn. A GAN on points adds "field", D(x) around the data.
    """
    trainer, dataset = run.trainer, run.dataset
    if not drawable(dataset):
        return {}
    count = N_IMAGES if dataset.image_shape else N_POINTS
    if trainer.has_prior:
        rng = generator(np, run.options.seed, Stream.FIGURES)
        codes = rng.standard_normal((count, run.options.latent_dim), dtype=np.float32)
    else:
        codes = trainer.encode(scaled(dataset.test[:count]))
    snapshot = {"rows": trainer.decode(codes)}
    if not dataset.image_shape and (field := trainer.field(frame(dataset))) is not None:
        snapshot["field"] = field
    return snapshot


class Snapshots:
    """Snapshots of every epoch, or of every second, fourth, ... once they would be too many.

    Which ones are kept depends on the last epoch alone, and not on interruptions.
    """

    def __init__(self) -> None:
        self.by_epoch: dict[int, Snapshot] = {}

    def __repr__(self) -> str:
        return f"Snapshots(epochs {', '.join(map(str, self.by_epoch))})"

    def update(self, run: Run) -> None:
        """Take a snapshot of this moment, if its epoch is one to keep."""
        epoch = len(run.history)
        stride = _stride(epoch)
        if epoch % stride == 0:
            kept = {e: s for e, s in self.by_epoch.items() if e % stride == 0 and e < epoch}
            self.by_epoch = {**kept, epoch: take_snapshot(run)}

    @property
    def header(self) -> dict[str, Any]:
        """The epochs, and the shape of each array of a snapshot, as JSON holds them."""
        shapes = {name: list(array.shape) for name, array in self._first.items()}
        return {"epochs": list(self.by_epoch), "shapes": shapes}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """By name, an array of all snapshots in the order of their epochs."""
        stacked = {
            name: np.stack([snapshot[name] for snapshot in self.by_epoch.values()])
            for name in self._first
        }
        return prefixed("snapshots", stacked)

    @property
    def _first(self) -> Snapshot:
        return next(iter(self.by_epoch.values()), {})

    @staticmethod
    def expected(header: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """An array of the right shape for each name in `arrays`, from their header.

        Raises:
            ValueError: these are no epochs in their order; or another error of no such header.
        """
        epochs = header["epochs"]
        if epochs != sorted(set(epochs)) or not all(type(e) is int and e >= 0 for e in epochs):
            raise ValueError(f"its snapshots are of epochs {reprlib.repr(epochs)}")
        count = len(epochs)
        one = np.zeros((), np.float32)
        shapes = {name: (count, *shape) for name, shape in header["shapes"].items() if count}
        return prefixed("snapshots", {k: np.broadcast_to(one, s) for k, s in shapes.items()})

    @classmethod
    def restored(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Snapshots":
        """Make them of their header and the arrays of a checkpoint."""
        snapshots = cls()
        for i, epoch in enumerate(header["epochs"]):
            names = header["shapes"]
            snapshots.by_epoch[epoch] = {name: arrays[f"snapshots.{name}"][i] for name in names}
        return snapshots


def _stride(last: int) -> int:
    """From one kept epoch to the next, among snapshots up to epoch `last`."""
    return 1 << (last // LENGTH).bit_length()
