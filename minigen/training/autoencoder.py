"""The autoencoder as the commands run it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigen.backend import Array, Generator, generator, to_numpy
from minigen.data import Dataset, require_unit_interval, scaled, some
from minigen.metrics import bounds as metrics
from minigen.metrics.bounds import Progress
from minigen.metrics.finding import Finding
from minigen.models.autoencoder import Autoencoder
from minigen.nn.layers import Params, sigmoid
from minigen.nn.losses import bce_with_logits, mse
from minigen.nn.optim import Adam, Optimizer
from minigen.training.base import Add
from minigen.training.encoder import EncoderSystem
from minigen.training.loop import Stream, Terms, evaluate
from minigen.training.schedule import add_schedule
from minigen.workshop import cli

N_FITTED = 10_000  # training rows, at most, whose codes a Gaussian is fitted to


class AutoencoderSystem(EncoderSystem):
    """An autoencoder with Adam, on squared error or on cross-entropy, denoising if asked to."""

    title = "autoencoder: a bottleneck that learns to copy, and no density"
    samples_title = "Test rows through the bottleneck"
    samples_name = "reconstructions"
    module: Autoencoder

    @staticmethod
    def add_options(add: Add) -> None:
        add(
            "--hidden",
            type=cli.wholes,
            default="400",
            metavar="WIDTHS",
            help="hidden layers of the encoder, mirrored by the decoder; '' makes both linear",
        )
        add("--latent-dim", type=cli.whole(1), default=20, metavar="Z", help="width of the code z")
        add("--lr", type=cli.real(above=0), default=1e-3, metavar="RATE", help=cli.LR_HELP)
        add(
            "--reconstruction",
            choices=("mse", "bce"),
            default="mse",
            help="squared error, or cross-entropy for values in [0, 1]",
        )
        add(
            "--noise",
            type=cli.real(least=0),
            default=0.0,
            metavar="STD",
            help="of the Gaussian noise on the encoder's input while learning; the target is clean",
        )
        add_schedule(add)

    @staticmethod
    def networks(options: Mapping[str, Any], width: int) -> dict[str, list[int]]:
        sizes = [width, *options["hidden"], options["latent_dim"]]
        return {"encoder": sizes, "decoder": sizes[::-1]}

    def build(self, rng: Generator) -> Autoencoder:
        return Autoencoder.mlp(self.width, self.options["hidden"], self.options["latent_dim"], rng)

    def make_optimizers(self) -> dict[str, Optimizer]:
        return {"optimizer": Adam(self.module.params, lr=self.options["lr"])}

    @property
    def terms(self) -> str:
        return f"loss = {self._distance} per example, summed over columns"

    @property
    def titles(self) -> Mapping[str, str]:
        return {"loss": self._distance}

    @property
    def _distance(self) -> str:
        return "cross-entropy in nats" if self._on_logits else "squared error"

    @property
    def _on_logits(self) -> bool:
        return bool(self.options["reconstruction"] == "bce")

    def check_data(self, dataset: Dataset) -> None:
        if self._on_logits:
            require_unit_interval(dataset)

    def learn(self, x: Array, rng: Generator) -> Terms:
        noise = self.options["noise"]
        seen = x + noise * rng.standard_normal(x.shape, dtype=x.dtype) if noise else x
        loss, backward = self._loss(seen, x)
        self.optimizers["optimizer"].step(backward())
        return {"loss": loss}

    def judge(self, x: Array, rng: Generator) -> Terms:
        return {"loss": self._loss(x, x)[0]}

    def _loss(self, x: Array, target: Array) -> tuple[Array, Callable[..., Params]]:
        return self.module.loss(x, target, bce_with_logits if self._on_logits else mse)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        return to_numpy(self.module.encoder(self.xp.asarray(rows))[0])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        output, _ = self.module.decoder(self.xp.asarray(codes))
        return to_numpy(sigmoid(output) if self._on_logits else output)

    def draw_codes(self, count: int, rng: np.random.Generator, dataset: Dataset) -> np.ndarray:
        """An autoencoder has no p(z): codes from the Gaussian that fits those of training rows."""
        rows = some(dataset.train, N_FITTED, generator(np, self.options["seed"], Stream.ROWS))
        codes = self.encode(scaled(rows)).astype(np.float64)
        covariance = np.atleast_2d(np.cov(codes, rowvar=False, ddof=0))
        drawn = rng.multivariate_normal(codes.mean(axis=0), covariance, count)
        return drawn.astype(np.float32)

    def snapshot_codes(self, dataset: Dataset) -> np.ndarray:
        """The codes of the same test rows."""
        return self.encode(scaled(dataset.test[: len(self.noise)]))

    def evaluate(
        self, dataset: Dataset, settings: Mapping[str, Any], progress: Progress
    ) -> list[Finding]:
        rows = {"train": self.xp.asarray(dataset.train), "test": self.xp.asarray(dataset.test)}
        losses = {
            split: evaluate(self, rows[split], self.options["seed"])["loss"] for split in rows
        }
        if self._on_logits:
            return [
                Finding(
                    f"{split} cross-entropy",
                    loss,
                    "nats per example",
                    f"the values' own entropy: {metrics.pixel_entropy(rows[split]):.2f}",
                    "no likelihood: the code is not random",
                )
                for split, loss in losses.items()
            ]
        n_components = self.options["latent_dim"]
        floors = metrics.pca_error(rows["train"], rows["test"], n_components)
        return [
            Finding(
                f"{split} squared error",
                losses[split],
                "per example, summed over columns",
                f"PCA with {n_components} components: {floor:.4f}",
                "a small error does not mean that the code can be sampled",
            )
            for split, floor in zip(("train", "test"), floors, strict=True)
        ]
