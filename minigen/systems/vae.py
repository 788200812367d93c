"""The VAE as the commands run it: its options, its step, its figures."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from types import ModuleType
from typing import Any

import numpy as np

from minigen import cli
from minigen.backend import Array, Generator, generator, to_numpy
from minigen.data import Dataset, require_unit_interval
from minigen.layers import Params, prefixed
from minigen.models.vae import VAE
from minigen.optim import Adam
from minigen.training import EpochRecord, Stream, Terms, scaled

COLUMNS = 10  # images side by side
N_SAMPLES = 10 * COLUMNS
N_MANIFOLD = 20  # images on a side
N_CODES = 10_000  # at most, in the latent plane

Frame = tuple[str, np.ndarray]


class VAESystem:
    """A Bernoulli VAE on rows in [0, 1], trained on the negative ELBO with Adam.

    Args:
        options: hidden, latent_dim, lr, beta, binarize: see `add_options`.
        dataset: the rows, values in [0, 1].
        seed: of the initial parameters and of the noise behind the figures.
        xp: where the parameters live.

    Raises:
        MinigenError: the values leave [0, 1], or the model would not fit in memory.
    """

    title = "variational autoencoder: an explicit density, trained through a lower bound"
    unit = "nats per example"
    titles: Mapping[str, str] = {
        "loss": "loss = reconstruction + KL",
        "reconstruction": "reconstruction, -log p(x|z)",
        "kl": "KL(q(z|x) || p(z))",
    }

    def __init__(
        self, options: Mapping[str, Any], dataset: Dataset, seed: int, xp: ModuleType
    ) -> None:
        require_unit_interval(dataset)
        architecture = dataset.width, options["hidden"], options["latent_dim"]
        down, up = VAE.mlp_widths(*architecture)
        self.n_parameters = sum((a + 1) * b for widths in (down, up) for a, b in pairwise(widths))
        self.architecture = "vae " + "-".join(map(str, [*down[:-1], *up]))
        cli.check_memory(self.n_parameters)
        model = VAE.mlp(*architecture, generator(np, seed, Stream.PARAMETERS))
        self.model = model.with_params({k: xp.asarray(v) for k, v in model.params.items()})
        self.optimizer = Adam(self.model.params, lr=options["lr"])
        self.beta: float = options["beta"]
        self.binarize: bool = options["binarize"]
        self.dataset = dataset
        self.xp = xp
        self.noise = generator(np, seed, Stream.FIGURES).standard_normal(
            (N_SAMPLES, self.model.n_latent), dtype=np.float32
        )

    @staticmethod
    def add_options(add: Callable[..., object]) -> None:
        """The options of `train vae` beside those of every system, by argparse's add_argument."""
        add(
            "--hidden",
            type=cli.widths,
            default="400",
            metavar="WIDTHS",
            help="hidden layers of the encoder, such as 400 or 500,250; the decoder mirrors them",
        )
        add("--latent-dim", type=cli.whole(1), default=20, metavar="Z", help="width of the code z")
        add(
            "--lr",
            type=cli.real(above=0),
            default=1e-3,
            metavar="RATE",
            help="learning rate of Adam",
        )
        add(
            "--beta", type=cli.real(least=0), default=1.0, metavar="WEIGHT", help="weight of the KL"
        )
        add(
            "--binarize",
            action="store_true",
            help="draw each pixel from Bernoulli(grey value), anew each time it is seen",
        )

    @property
    def arrays(self) -> Params:
        """All that the next step depends on, for the checkpoint."""
        return prefixed("model", self.model.params) | prefixed("optimizer", self.optimizer.state)

    def learn(self, x: Array, rng: Generator) -> Terms:
        terms, backward = self._loss(x, rng)
        self.optimizer.step(backward())
        return terms

    def judge(self, x: Array, rng: Generator) -> Terms:
        return self._loss(x, rng)[0]

    def _loss(self, x: Array, rng: Generator) -> tuple[Terms, Callable[..., Params]]:
        if self.binarize:
            x = (rng.random(x.shape, dtype=x.dtype) < x).astype(x.dtype)
        eps = rng.standard_normal((x.shape[0], self.model.n_latent), dtype=x.dtype)
        terms, backward = self.model.loss(x, eps, self.beta)
        return terms._asdict(), backward

    def samples(self) -> np.ndarray:
        """(M, D): what the decoder makes of the same noise at every call."""
        return self._decode(self.noise)

    def draw(self, folder: Path, records: Sequence[EpochRecord], frames: Sequence[Frame]) -> None:
        """Draw all figures of a finished run into a folder: one record for each epoch, and the
        (title, samples) frames of the animation.
        """
        from minigen import plots  # not above: matplotlib is slow to import

        plots.curves(
            folder / "curves.png",
            {term: [record.train[term] for record in records] for term in self.titles},
            {term: [record.test[term] for record in records] for term in self.titles},
            self.titles,
            self.unit,
        )
        if self.model.n_latent == 2:
            labels = self.dataset.test_labels
            plots.latent_plane(
                folder / "latent_plane.png",
                self._encode(self.dataset.test[:N_CODES]),
                None if labels is None else labels[:N_CODES],
                "Means of q(z|x) over test rows",
            )
        if self.dataset.image_shape is not None:
            self._draw_images(folder, f"after epoch {records[-1].epoch}", frames)

    def _draw_images(self, folder: Path, when: str, frames: Sequence[Frame]) -> None:
        from minigen import plots

        def images(rows: np.ndarray) -> np.ndarray:
            return rows.reshape(-1, *(self.dataset.image_shape or ()))

        frames = [(title, images(rows)) for title, rows in frames]
        plots.animation(folder / "training.gif", frames, COLUMNS)
        title = f"Decoded from z ~ N(0, 1), {when}"
        plots.image_grid(folder / "samples.png", frames[-1][1], COLUMNS, title)

        columns = min(COLUMNS, len(self.dataset.test))
        inputs = scaled(self.dataset.test[: 2 * columns])
        inputs = inputs[: len(inputs) // columns * columns]
        outputs = self._decode(self._encode(inputs))
        pairs = (block.reshape(-1, columns, block.shape[1]) for block in (inputs, outputs))
        lines = np.stack(tuple(pairs), axis=1)  # (lines, 2, columns, D)
        plots.image_grid(
            folder / "reconstructions.png",
            images(lines),
            columns,
            f"Test rows, each above its reconstruction, {when}",
        )
        if self.model.n_latent == 2:
            quantiles = [NormalDist().inv_cdf((i + 0.5) / N_MANIFOLD) for i in range(N_MANIFOLD)]
            plane = [(z1, z2) for z2 in reversed(quantiles) for z1 in quantiles]
            plots.image_grid(
                folder / "manifold.png",
                images(self._decode(np.array(plane, np.float32))),
                N_MANIFOLD,
                "Decoded from normal quantiles: z1 grows to the right, z2 upward",
            )

    def _encode(self, rows: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.encode(self.xp.asarray(scaled(rows)))[0])

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.decode(self.xp.asarray(codes)))
