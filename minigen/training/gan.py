"""How a GAN is trained: its options, and a step of both players."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from minigen.backend import Array, Generator, to_numpy
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.models.gan import GAN, DiscriminatorLoss
from minigen.nn.layers import Layer, sigmoid
from minigen.nn.module import Params
from minigen.nn.optim import Adam, Average, Stateful
from minigen.nn.spectral import PowerIteration, spectral
from minigen.training.games import GAMES, Rules
from minigen.training.loop import Logged
from minigen.training.options import Options, option
from minigen.training.presets import GAN_PRESETS
from minigen.training.ranks import WHOLE, Share
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
    game: str = option(
        "logistic",
        "the losses: of the GAN, of the LSGAN, of the margin, or of a critic's score",
        choices=tuple(GAMES),
    )
    r1: float = option(
        0.0, "D pays GAMMA/2 times its squared slope on data", metavar="GAMMA", least=0
    )
    gradient_penalty: float = option(
        0.0,
        "D pays LAMBDA (slope - 1)^2 between data and samples; with the game wasserstein, WGAN-GP",
        metavar="LAMBDA",
        least=0,
    )
    spectral: bool = option(False, "each weight of D is divided by its largest singular value")
    smoothing: float = option(
        None,
        "the label of data is 1 - S; without it 0.1, or 0 in a game of the labels 1 and 0 alone",
        metavar="S",
        least=0,
        below=0.5,
        derived=lambda options: 0.1 if GAMES[options.game].game.labels else 0.0,
    )
    discriminator_steps: int = option(1, "steps of D for each of G", metavar="K", least=1)
    simultaneous: bool = option(False, "G answers to the D before its update, not after it")
    averaging: float = option(
        0.9998,
        "samples come from the mean of G over its last 1/(1-D) or so steps; 0: from G",
        metavar="D",
        least=0,
        below=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.game != "logistic" and self.generator_loss == "minimax":
            raise MinigenError(
                f"generator_loss minimax with the game {self.game}: it is log(1 - D(G(z))), of the "
                "game logistic; leave one of them out"
            )
        if self.smoothing and not GAMES[self.game].game.labels:
            raise MinigenError(
                f"smoothing {self.smoothing:g} with the game {self.game}: its loss knows the "
                "labels 1 and 0 alone; leave smoothing out, or give 0"
            )
        if self.r1 and self.gradient_penalty:
            raise MinigenError(
                f"r1 {self.r1:g} with gradient_penalty {self.gradient_penalty:g}: one pulls D's "
                "slope to 0, the other to 1; leave one of them out"
            )
        if self.game == "wasserstein" and not (self.penalized or self.spectral):
            raise MinigenError(
                "the game wasserstein without a bound on D's slope: there is no best score, it "
                "grows for ever; give gradient_penalty, r1 or spectral"
            )

    @property
    def penalized(self) -> bool:
        """Whether D pays for its slope."""
        return bool(self.r1 or self.gradient_penalty)


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
        self.stretch = PowerIteration(self.model.discriminator.params if options.spectral else {})

    @property
    def networks(self) -> dict[str, list[int]]:
        options = self.options
        return {
            "generator": [options.latent_dim, *options.hidden, self.width],
            "discriminator": [self.width, *reversed(options.hidden), 1],
        }

    @property
    def rules(self) -> Rules:
        """The game that is played."""
        return GAMES[self.options.game]

    @property
    def titles(self) -> dict[str, str]:
        options, rules = self.options, self.rules
        titles = {
            "d_loss": f"D's loss ({rules.unit}), train label {1 - options.smoothing:g}",
            "g_loss": f"G's loss ({rules.unit})",
            "d_real": f"{rules.said}(x), on data",
            "d_fake": f"{rules.said}(G(z)), on samples",
        }
        if options.r1:
            titles["penalty"] = f"R1: {options.r1 / 2:g} slope$^2$, on data"
        if options.gradient_penalty:
            titles["penalty"] = f"{options.gradient_penalty:g} (slope - 1)$^2$, between"
        return titles

    @property
    def units(self) -> str:
        said = self.rules.said
        paid = (
            "; penalty, which D pays beside d_loss, in the same" if self.options.penalized else ""
        )
        return (
            f"d_loss, g_loss in {self.rules.unit} per example{paid}; d_real = {said}(x), "
            f"d_fake = {said}(G(z)); "
            f"the label of data is {1 - self.options.smoothing:g} in train d_loss, 1 in test; "
            f"rows are {'' if self.bounded else 'not all '}in 0 to 1, so they "
            + ("are shifted to -1 to 1 and G ends in tanh" if self.bounded else "stay as they are")
        )

    @property
    def references(self) -> dict[str, tuple[float, str]]:
        references = {"d_loss": self.rules.undecided}
        if self.rules.game.labels:
            undecided = (1 - self.options.smoothing) / 2, "D cannot tell"
            references |= {"d_real": undecided, "d_fake": undecided}
        return references

    @property
    def stateful(self) -> dict[str, Stateful]:
        more = {"stretch": self.stretch} if self.options.spectral else {}
        return {**self.optimizers, "average": self.average, **more}

    def start(self) -> None:
        """Refuse rows whose size G and D, which begin near 1, would take an epoch to find."""
        self.dataset.require_size_near_one()

    def build(self, rng: Generator) -> GAN:
        options = self.options
        return GAN.mlp(self.width, options.hidden, options.latent_dim, rng, bounded=self.bounded)

    def make_optimizers(self) -> dict[str, Adam]:
        options, gan = self.options, self.model
        return {
            "generator_optimizer": Adam(gan.generator.params, options.lr, options.betas),
            "discriminator_optimizer": Adam(
                gan.discriminator.params, options.discriminator_lr, options.betas
            ),
        }

    @property
    def discriminator(self) -> Layer:
        """The D that plays: with normalized weights, if that was asked for."""
        return self._players()[0].discriminator

    def _players(self) -> tuple[GAN, Callable[[Params], Params]]:
        """G and the D that plays, and the way back from the latter's gradients to D's own."""
        if not self.options.spectral:
            return self.model, lambda grads: grads
        generator, discriminator = self.model.generator, self.model.discriminator
        flat, spectral_backward = spectral(discriminator.params, self.stretch.vectors)
        return GAN(generator, discriminator.with_params(flat)), spectral_backward

    def train_step(self, x: Array, rng: Generator, share: Share = WHOLE) -> Logged:
        """One step of D, and at every K-th one of G."""
        d_optimizer = self.optimizers["discriminator_optimizer"]
        g_optimizer = self.optimizers["generator_optimizer"]
        simultaneous = self.options.simultaneous
        x = self._shifted(x)
        self.stretch.update()
        gan, spectral_backward = self._players()
        d_values, d_backward = gan.discriminator_loss(
            x, self._noise(len(x), rng), self.options.smoothing, self.rules.game
        )
        d_grads = d_backward(share.weights(d_values.loss))
        penalties = {}
        if self.options.penalized:
            price, weight, penalty_backward = self._penalty(gan, x, rng)
            penalties["penalty"] = weight * price
            for name, gradient in penalty_backward(share.weights(price, weight)).items():
                d_grads[name] += gradient
        d_grads = share.sum(spectral_backward(d_grads))
        if not simultaneous:
            d_optimizer.step(d_grads)
        g_loss, g_backward = self._generator_loss(len(x), rng)  # for the log, if not to learn
        steps = d_optimizer.t + simultaneous  # of D, with this one
        if steps % self.options.discriminator_steps == 0:
            g_optimizer.step(share.sum(g_backward(share.weights(g_loss))))
            self.average.update()
        if simultaneous:
            d_optimizer.step(d_grads)
        return _logged(d_values, g_loss) | penalties

    def test_step(self, x: Array, rng: Generator) -> Logged:
        """Without smoothing, so that the losses are those of theory."""
        x = self._shifted(x)
        gan, _ = self._players()
        d_values, _ = gan.discriminator_loss(x, self._noise(len(x), rng), game=self.rules.game)
        g_loss, _ = self._generator_loss(len(x), rng)
        penalties = {}
        if self.options.penalized:
            price, weight, _ = self._penalty(gan, x, rng)
            penalties["penalty"] = weight * price
        return _logged(d_values, g_loss) | penalties

    def _generator_loss(self, n: int, rng: Generator) -> tuple[Array, Callable[..., Params]]:
        saturating = self.options.generator_loss == "minimax"
        gan, _ = self._players()
        return gan.generator_loss(self._noise(n, rng), saturating, self.rules.game)

    def _penalty(
        self, gan: GAN, x: Array, rng: Generator
    ) -> tuple[Array, float, Callable[..., Params]]:
        """The price of D's slope, R1's on data or that of a WGAN-GP between data and samples; its
        weight in D's loss, and its backward pass.
        """
        weight, free = self.options.r1 / 2, 0.0
        if self.options.gradient_penalty:
            weight, free = self.options.gradient_penalty, 1.0
            share = rng.random((len(x), 1), dtype=np.float32)
            x = gan.between(x, self._noise(len(x), rng), share)
        price, backward = gan.slope_penalty(x, free)
        return price, weight, backward

    def _noise(self, n: int, rng: Generator) -> Array:
        return rng.standard_normal((n, self.options.latent_dim), dtype=np.float32)

    def _shifted(self, x: Array) -> Array:
        return 2 * x - 1 if self.bounded else x

    def decode(self, codes: np.ndarray) -> np.ndarray:
        averaged = self.model.generator.with_params(self.average.mean)
        rows = to_numpy(averaged(self.xp.asarray(codes))[0])
        return (rows + 1) / 2 if self.bounded else rows

    def field(self, points: np.ndarray) -> np.ndarray | None:
        """D(x) at points (..., D), where D says a probability."""
        if not self.rules.probability:
            return None
        rows = self._shifted(self.xp.asarray(points.reshape(-1, self.width)))
        logits, _ = self.discriminator(rows)
        return to_numpy(sigmoid(logits)).reshape(points.shape[:-1])


def _logged(d: DiscriminatorLoss, g_loss: Array) -> Logged:
    return {"d_loss": d.loss, "g_loss": g_loss, "d_real": d.d_real, "d_fake": d.d_fake}
