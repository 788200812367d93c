"""How an autoencoder is trained: its options and its step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from minigen.backend import Array, Generator, generator, to_numpy
from minigen.data import scaled, subsample
from minigen.models.autoencoder import Autoencoder
from minigen.nn.layers import sigmoid
from minigen.nn.losses import bce_with_logits, mse
from minigen.nn.module import Params
from minigen.nn.optim import Adam
from minigen.training.loop import Logged, Stream
from minigen.training.options import Options, option
from minigen.training.ranks import WHOLE, Share
from minigen.training.trainer import Trainer

N_FITTED = 10_000  # training rows, at most, whose codes a Gaussian is fitted to


@dataclass(frozen=True, kw_only=True)
class AutoencoderOptions(Options):
    """The options of an autoencoder and its training."""

    model: ClassVar[str] = "ae"

    lr: float = option(1e-3, "learning rate of Adam", metavar="RATE", above=0)
    reconstruction: str = option(
        "mse", "squared error, or cross-entropy for values in [0, 1]", choices=("mse", "bce")
    )
    noise: float = option(
        0.0,
        "of the Gaussian noise on the encoder's input while learning; the target is clean",
        metavar="STD",
        least=0,
    )


class AutoencoderTrainer(Trainer[AutoencoderOptions, Autoencoder]):
    """An autoencoder with Adam, on squared error or on cross-entropy, denoising if asked to."""

    title = "autoencoder: a bottleneck that learns to copy, and no density"
    samples_title = "Test rows through the bottleneck"
    has_encoder, has_prior = True, False

    @property
    def networks(self) -> dict[str, list[int]]:
        widths = [self.width, *self.options.hidden, self.options.latent_dim]
        return {"encoder": widths, "decoder": widths[::-1]}

    @property
    def titles(self) -> dict[str, str]:
        return {"loss": "cross-entropy in nats" if self.on_logits else "squared error"}

    @property
    def units(self) -> str:
        return f"loss = {self.titles['loss']} per example, summed over columns"

    @property
    def on_logits(self) -> bool:
        """Whether the decoder gives logits."""
        return self.options.reconstruction == "bce"

    def start(self) -> None:
        if self.on_logits:
            self.dataset.require_unit_interval()

    def build(self, rng: Generator) -> Autoencoder:
        return Autoencoder.mlp(self.width, self.options.hidden, self.options.latent_dim, rng)

    def make_optimizers(self) -> dict[str, Adam]:
        return {"optimizer": Adam(self.model.params, self.options.lr)}

    def train_step(self, x: Array, rng: Generator, share: Share = WHOLE) -> Logged:
        std = self.options.noise
        noisy = x + std * rng.standard_normal(x.shape, dtype=x.dtype) if std else x
        loss, backward = self._loss(noisy, x)
        self.optimizers["optimizer"].step(share.sum(backward(share.weights(loss))))
        return {"loss": loss}

    def test_step(self, x: Array, rng: Generator) -> Logged:
        return {"loss": self._loss(x, x)[0]}

    def _loss(self, x: Array, target: Array) -> tuple[Array, Callable[..., Params]]:
        return self.model.loss(x, target, bce_with_logits if self.on_logits else mse)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.encoder(self.xp.asarray(rows))[0])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        output, _ = self.model.decoder(self.xp.asarray(codes))
        return to_numpy(sigmoid(output) if self.on_logits else output)

    def draw_codes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw codes from the Gaussian that fits those of training rows: there is no p(z)."""
        rows_rng = generator(np, self.options.seed, Stream.ROWS)
        rows = subsample(self.dataset.train, N_FITTED, rows_rng)
        codes = self.encode(scaled(rows)).astype(np.float64)
        covariance = np.atleast_2d(np.cov(codes, rowvar=False, ddof=0))
        drawn = rng.multivariate_normal(codes.mean(axis=0), covariance, count)
        return drawn.astype(np.float32)
