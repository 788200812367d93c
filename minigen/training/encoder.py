"""What the systems that have an encoder draw beside the others' figures."""

from abc import abstractmethod
from functools import partial
from pathlib import Path

import numpy as np

from minigen.data import Dataset, scaled
from minigen.training.base import System

N_CODES = 10_000  # test rows, at most, whose codes are drawn
N_RECONSTRUCTED = 20  # test images, at most


class EncoderSystem(System):
    """A system that can tell the code of a row."""

    @abstractmethod
    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Codes (N, Z) of rows (N, D)."""

    def draw_more(self, folder: Path, dataset: Dataset) -> None:
        if self.options["latent_dim"] == 2:
            self._draw_code_plane(folder, dataset)
        if self.image_shape:
            self._draw_reconstructions(folder, dataset)

    def _draw_code_plane(self, folder: Path, dataset: Dataset) -> None:
        """The codes of test rows."""
        from minigen.workshop import plots

        labels = dataset.test_labels
        paint = partial(
            plots.codes,
            points=self.encode(scaled(dataset.test[:N_CODES])),
            labels=None if labels is None else labels[:N_CODES],
            title="Codes of test rows",
        )
        plots.picture(folder / "latent_plane.png", paint)

    def _draw_reconstructions(self, folder: Path, dataset: Dataset) -> None:
        """Whole lines of test images, each above what comes back from its code."""
        from minigen.workshop import plots

        inputs = scaled(dataset.test[:N_RECONSTRUCTED])
        columns = self.columns(len(inputs))
        inputs = inputs[: len(inputs) // columns * columns]
        outputs = self.decode(self.encode(inputs))
        pairs = [block.reshape(-1, columns, self.width) for block in (inputs, outputs)]
        tiles = self.mosaic(np.stack(pairs, axis=1), columns, dataset)  # (lines, 2, columns, D)
        paint = partial(plots.images, tiles=tiles, title="Test rows, each above its reconstruction")
        plots.picture(folder / "reconstructions.png", paint, tiles.shape)
