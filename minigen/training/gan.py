"""How a GAN is trained: its options, and a step of both players."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from minigen.backend import Array, Generator, to_numpy
from minigen.data import Dataset
from minigen.models.gan import GAN, DiscriminatorLoss
from minigen.nn.layers import sigmoid
from minigen.nn.module import Params
from minigen.nn.optim import Adam, Average, Stateful
from minigen.training.loop import Logged
from minigen.training.options import Options, option
from minigen.training.presets import GAN_PRESETS
from minigen.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class GANOptions(Options):
    """The options of a GAN and its training."""

    model: ClassVar[str] = "gan"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = GAN_PRESETS

    epochs: int = option(25, "passes over the rows", metavar="N", least=1)
    batch_size: int = option(64, "rows in a batch", metavar="N", least=1)
    hidden: tuple[int, ...] = option(
        (256, 256),
        "hidden layers of the generator; the discriminator mirrors them",
        metavar="WIDTHS",
        least=1,
    )
    latent_dim: int = option(64, "width of the noise z", metavar="Z", least=1)
    lr: float = option(4e-4, "learning rate of the generator's Adam", metavar="RATE", above=0)
    discriminator_lr: float = option(
        1e-4, "learning rate of the discriminator's Adam", metavar="RATE", above=0
    )
    betas: tuple[float, float] = option(
        (0.5, 0.999), "decay rates of Adam's two means", metavar="B1,B2", least=0, below=1
    )
    generator_loss: str = option(
        "non-saturating", "-log D(G(z)), or log(1 - D(G(z)))", choices=("non-saturating", "minimax")
    )
    smoothing: float = option(0.1, "the label of data is 1 - S", metavar="S", least=0, below=0.5)
    discriminator_steps: int = option(1, "steps of D for each of G", metavar="K", least=1)
    simultaneous: bool = option(False, "G answers to the D before its update, not after it")
    averaging: float = option(
        0.9998,
        "samples come from the mean of G over its last 1/(1-D) or so steps; 0: from G",
        metavar="D",
        least=0,
        below=1,
    )


class GANTrainer(Trainer[GANOptions, GAN]):
    """Two perceptrons that play, each with its own Adam.

    Rows in [0, 1] are shifted to [-1, 1], the range of tanh, through which they are generated;
    others stay as they are.
    """

    title = "generative adversarial network: an implicit density, trained by a game"
    samples_title = "G(z), z ~ N(0, 1)"
    has_encoder, has_prior = False, True

    def __init__(self, options: GANOptions, dataset: Dataset, xp: ModuleType = np) -> None:
        low, high = dataset.value_range
        self.bounded = low >= 0 and high <= 1
        super().__init__(options, dataset, xp)
        self.average = Average(self.model.generator.params, options.averaging)

    @property
    def networks(self) -> dict[str, list[int]]:
        options = self.options
        return {
            "generator": [options.latent_dim, *options.hidden, self.width],
            "discriminator": [self.width, *reversed(options.hidden), 1],
        }

    @property
    def titles(self) -> dict[str, str]:
        return {
            "d_loss": f"D's loss (nats), train label {1 - self.options.smoothing:g}",
            "g_loss": "G's loss (nats)",
            "d_real": "D(x), on data",
            "d_fake": "D(G(z)), on samples",
        }

    @property
    def units(self) -> str:
        return (
            "d_loss, g_loss in nats per example; d_real = D(x), d_fake = D(G(z)); "
            f"the label of data is {1 - self.options.smoothing:g} in train d_loss, 1 in test; "
            f"rows are {'' if self.bounded else 'not all '}in 0 to 1, so they "
            + ("are shifted to -1 to 1 and G ends in tanh" if self.bounded else "stay as they are")
        )

    @property
    def references(self) -> dict[str, tuple[float, str]]:
        undecided = (1 - self.options.smoothing) / 2, "D cannot tell"
        two_log_two = 2 * math.log(2), "2 log 2: D = 1/2"
        return {"d_loss": two_log_two, "d_real": undecided, "d_fake": undecided}

    @property
    def stateful(self) -> dict[str, Stateful]:
        return {**self.optimizers, "average": self.average}

    def start(self) -> None:
        """Refuse rows whose size G and D, which begin near 1, would take an epoch to find."""
        self.dataset.require_size_near_one()

    def build(self, rng: Generator) -> GAN:
        options = self.options
        return GAN.mlp(self.width, options.hidden, options.latent_dim, rng, self.bounded)

    def make_optimizers(self) -> dict[str, Adam]:
        options, gan = self.options, self.model
        return {
            "generator_optimizer": Adam(gan.generator.params, options.lr, options.betas),
            "discriminator_optimizer": Adam(
                gan.discriminator.params, options.discriminator_lr, options.betas
            ),
        }

    def train_step(self, x: Array, rng: Generator) -> Logged:
        """One step of D, and at every K-th one of G."""
        d_optimizer = self.optimizers["discriminator_optimizer"]
        g_optimizer = self.optimizers["generator_optimizer"]
        simultaneous = self.options.simultaneous
        d_values, d_backward = self.model.discriminator_loss(
            self._shifted(x), self._noise(len(x), rng), self.options.smoothing
        )
        d_grads = d_backward()
        if not simultaneous:
            d_optimizer.step(d_grads)
        g_loss, g_backward = self._generator_loss(len(x), rng)  # for the log, if not to learn
        steps = d_optimizer.t + simultaneous  # of D, with this one
        if steps % self.options.discriminator_steps == 0:
            g_optimizer.step(g_backward())
            self.average.update()
        if simultaneous:
            d_optimizer.step(d_grads)
        return _logged(d_values, g_loss)

    def test_step(self, x: Array, rng: Generator) -> Logged:
        """Without smoothing, so that the losses are those of theory."""
        d_values, _ = self.model.discriminator_loss(self._shifted(x), self._noise(len(x), rng))
        g_loss, _ = self._generator_loss(len(x), rng)
        return _logged(d_values, g_loss)

    def _generator_loss(self, n: int, rng: Generator) -> tuple[Array, Callable[..., Params]]:
        saturating = self.options.generator_loss == "minimax"
        return self.model.generator_loss(self._noise(n, rng), saturating)

    def _noise(self, n: int, rng: Generator) -> Array:
        return rng.standard_normal((n, self.options.latent_dim), dtype=np.float32)

    def _shifted(self, x: Array) -> Array:
        return 2 * x - 1 if self.bounded else x

    def decode(self, codes: np.ndarray) -> np.ndarray:
        averaged = self.model.generator.with_params(self.average.mean)
        rows = to_numpy(averaged(self.xp.asarray(codes))[0])
        return (rows + 1) / 2 if self.bounded else rows

    def field(self, points: np.ndarray) -> np.ndarray:
        """D(x) at points (..., D)."""
        rows = self._shifted(self.xp.asarray(points.reshape(-1, self.width)))
        logits, _ = self.model.discriminator(rows)
        return to_numpy(sigmoid(logits)).reshape(points.shape[:-1])


def _logged(d_values: DiscriminatorLoss, g_loss: Array) -> Logged:
    return {
        "d_loss": d_values.loss,
        "g_loss": g_loss,
        "d_real": d_values.d_real,
        "d_fake": d_values.d_fake,
    }
