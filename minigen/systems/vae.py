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

N_SAMPLES = 100  # in the grid and in each frame of the animation
N_RECONSTRUCTED = 20  # in two lines of ten
N_MANIFOLD = 20  # images on a side
MAX_CODES = 10_000  # in the latent plane
COLUMNS = 10


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
            default=[400],
            metavar="W,..",
            help="hidden widths of the encoder; the decoder has them in reverse",
        )
        add("--latent-dim", type=cli.whole(1), default=20, metavar="Z", help="width of the code z")
        add("--lr", type=cli.real(above=0), default=1e-3, help="learning rate of Adam")
        add("--beta", type=cli.real(least=0), default=1.0, help="weight of the KL")
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

    def samples(self) -> np.ndarray | None:
        """What the decoder makes of the same noise at every call, as (M, rows, columns) images;
        None where the data are no images.
        """
        return self._images(self._decode(self.noise))

    def draw(self, folder: Path, records: Sequence[EpochRecord], frames: Sequence[Any]) -> None:
        """All figures of a finished run.

        Args:
            folder: where to put them.
            records: one for each epoch.
            frames: (title, samples) pairs, for the animation; empty where the data are no images.
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
            codes = self._encode(self.dataset.test[:MAX_CODES])
            labels = self.dataset.test_labels
            plots.latent_plane(
                folder / "latent_plane.png",
                codes,
                None if labels is None else labels[:MAX_CODES],
                f"Means of q(z|x) for {len(codes):,} test rows",
            )
        if not frames:
            return
        after = f"after epoch {records[-1].epoch}"
        plots.image_grid(
            folder / "samples.png", frames[-1][1], COLUMNS, f"Decoded from z ~ N(0, 1), {after}"
        )
        plots.animation(folder / "training.gif", frames, COLUMNS)
        shown = scaled(self.dataset.test[:N_RECONSTRUCTED])
        pairs = np.stack([shown, self._decode(self._encode(shown))])  # (2, N_RECONSTRUCTED, D)
        lines = pairs.reshape(2, -1, COLUMNS, self.dataset.width).swapaxes(0, 1)
        plots.image_grid(
            folder / "reconstructions.png",
            self._images(lines.reshape(-1, self.dataset.width)),
            COLUMNS,
            f"Test rows, each above its reconstruction, {after}",
        )
        if self.model.n_latent == 2:
            quantiles = [NormalDist().inv_cdf((i + 0.5) / N_MANIFOLD) for i in range(N_MANIFOLD)]
            plane = np.array([(a, b) for b in reversed(quantiles) for a in quantiles], np.float32)
            plots.image_grid(
                folder / "manifold.png",
                self._images(self._decode(plane)),
                N_MANIFOLD,
                "Decoded from a grid of normal quantiles, z1 to the right, z2 upward",
            )

    def _encode(self, rows: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.encode(self.xp.asarray(scaled(rows)))[0])

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.decode(self.xp.asarray(codes)))

    def _images(self, rows: np.ndarray) -> np.ndarray | None:
        shape = self.dataset.image_shape
        return None if shape is None else rows.reshape(-1, *shape)
