"""The GAN as the commands run it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigen.backend import Array, Generator, generator, to_numpy
from minigen.data import Dataset, require_unit_interval, some
from minigen.data.toy import MIXTURES
from minigen.errors import MinigenError
from minigen.metrics.bounds import Progress
from minigen.metrics.finding import Finding
from minigen.metrics.gan_findings import N_NEIGHBOURS, modes, neighbours, part_of, parzen
from minigen.models.gan import GAN, DiscriminatorLoss
from minigen.nn.layers import Params, prefixed, sigmoid
from minigen.nn.optim import Adam, Average, Optimizer
from minigen.training.base import Add, System
from minigen.training.loop import Stream, Terms
from minigen.training.schedule import add_schedule
from minigen.workshop import cli
from minigen.workshop.film import Snapshot

N_PARZEN = 10_000  # samples, by Goodfellow's protocol
N_VALIDATION = 1_000
N_MODES = 2_500


class GANSystem(System):
    """Two perceptrons that play, each with its own Adam.

    Images are shifted from [0, 1] to [-1, 1], the range of tanh, through which they are generated;
    other rows stay as they are.
    """

    title = "generative adversarial network: an implicit density, trained by a game"
    samples_title = "G(z), z ~ N(0, 1)"
    epochs = 25
    batch_size = 64
    module: GAN

    def __init__(self, options: Mapping[str, Any], *rest: Any) -> None:
        super().__init__(options, *rest)
        self.average = Average(self.module.generator.params, options["averaging"])

    @staticmethod
    def add_options(add: Add) -> None:
        add(
            "--hidden",
            type=cli.wholes,
            default="256,256",
            metavar="WIDTHS",
            help="hidden layers of the generator; the discriminator mirrors them",
        )
        add("--latent-dim", type=cli.whole(1), default=64, metavar="Z", help="width of the noise z")
        add(
            "--lr",
            type=cli.real(above=0),
            default=4e-4,
            metavar="RATE",
            help="learning rate of the generator's Adam",
        )
        add(
            "--discriminator-lr",
            type=cli.real(above=0),
            default=1e-4,
            metavar="RATE",
            help="learning rate of the discriminator's Adam",
        )
        add(
            "--betas",
            type=cli.betas,
            default="0.5,0.999",
            metavar="B1,B2",
            help="decay rates of Adam's two means",
        )
        add(
            "--generator-loss",
            choices=("non-saturating", "minimax"),
            default="non-saturating",
            help="-log D(G(z)), or log(1 - D(G(z)))",
        )
        add(
            "--smoothing",
            type=cli.real(least=0, below=0.5),
            default=0.1,
            metavar="S",
            help="the label of data is 1 - S",
        )
        add(
            "--discriminator-steps",
            type=cli.whole(1),
            default=1,
            metavar="K",
            help="steps of D for each of G",
        )
        add(
            "--simultaneous",
            action="store_true",
            help="G answers to the D before its update, not after it",
        )
        add(
            "--averaging",
            type=cli.real(least=0, below=1),
            default=0.9998,
            metavar="D",
            help="samples come from the mean of G over its last 1/(1-D) or so steps; 0: from G",
        )
        add_schedule(add)

    @staticmethod
    def networks(options: Mapping[str, Any], width: int) -> dict[str, list[int]]:
        hidden = options["hidden"]
        return {
            "generator": [options["latent_dim"], *hidden, width],
            "discriminator": [width, *reversed(hidden), 1],
        }

    @property
    def terms(self) -> str:
        return (
            "d_loss, g_loss in nats per example; d_real = D(x), d_fake = D(G(z)); "
            f"the label of data is {1 - self.options['smoothing']:g} in train d_loss, 1 in test"
        )

    @property
    def titles(self) -> Mapping[str, str]:
        return {
            "d_loss": f"D's loss (nats), train label {1 - self.options['smoothing']:g}",
            "g_loss": "G's loss (nats)",
            "d_real": "D(x), on data",
            "d_fake": "D(G(z)), on samples",
        }

    @property
    def levels(self) -> Mapping[str, tuple[float, str]]:
        undecided = (1 - self.options["smoothing"]) / 2, "D cannot tell"
        two_log_two = 2 * math.log(2), "2 log 2: D = 1/2"
        return {"d_loss": two_log_two, "d_real": undecided, "d_fake": undecided}

    def build(self, rng: Generator) -> GAN:
        options, bounded = self.options, self.image_shape is not None
        return GAN.mlp(self.width, options["hidden"], options["latent_dim"], rng, bounded)

    def make_optimizers(self) -> dict[str, Optimizer]:
        lr, d_lr, betas = (self.options[name] for name in ("lr", "discriminator_lr", "betas"))
        return {
            "generator_optimizer": Adam(self.module.generator.params, lr, betas),
            "discriminator_optimizer": Adam(self.module.discriminator.params, d_lr, betas),
        }

    @property
    def arrays(self) -> Params:
        return super().arrays | prefixed("average", self.average.state)

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().restore(arrays)
        self.average.restore({name: arrays[f"average.{name}"] for name in self.average.state})

    def check_data(self, dataset: Dataset) -> None:
        if self.image_shape:
            require_unit_interval(dataset)

    def learn(self, x: Array, rng: Generator) -> Terms:
        """One step of D, and at every K-th one of G."""
        d_optimizer = self.optimizers["discriminator_optimizer"]
        g_optimizer = self.optimizers["generator_optimizer"]
        d_terms, d_backward = self.module.discriminator_loss(
            self._shifted(x), self._codes(len(x), rng), self.options["smoothing"]
        )
        d_grads = d_backward()
        if not self.options["simultaneous"]:
            d_optimizer.step(d_grads)
        g_loss, g_backward = self._generator_loss(len(x), rng)  # for the log, if not to learn
        steps = d_optimizer.t + self.options["simultaneous"]  # of D, with this one
        if steps % self.options["discriminator_steps"] == 0:
            g_optimizer.step(g_backward())
            self.average.update()
        if self.options["simultaneous"]:
            d_optimizer.step(d_grads)
        return _terms(d_terms, g_loss)

    def judge(self, x: Array, rng: Generator) -> Terms:
        """Without smoothing, so that the losses are those of theory."""
        d_terms, _ = self.module.discriminator_loss(self._shifted(x), self._codes(len(x), rng))
        g_loss, _ = self._generator_loss(len(x), rng)
        return _terms(d_terms, g_loss)

    def _generator_loss(self, n: int, rng: Generator) -> tuple[Array, Callable[..., Params]]:
        saturating = self.options["generator_loss"] == "minimax"
        return self.module.generator_loss(self._codes(n, rng), saturating)

    def _codes(self, n: int, rng: Generator) -> Array:
        return rng.standard_normal((n, self.options["latent_dim"]), dtype=np.float32)

    def _shifted(self, x: Array) -> Array:
        return 2 * x - 1 if self.image_shape else x

    def decode(self, codes: np.ndarray) -> np.ndarray:
        averaged = self.module.generator.with_params(self.average.mean)
        rows = to_numpy(averaged(self.xp.asarray(codes))[0])
        return (rows + 1) / 2 if self.image_shape else rows

    def snapshot(self, dataset: Dataset) -> Snapshot:
        """Samples from the same noise, and as "field" D(x) around the data, where rows are points:
        (G,) on a line, (G, G) in a plane.
        """
        samples = super().snapshot(dataset)
        if not self.points:
            return samples
        points = self.frame(dataset)
        logits, _ = self.module.discriminator(self.xp.asarray(points.reshape(-1, self.width)))
        probability = to_numpy(sigmoid(logits)).reshape(points.shape[:-1])
        return {**samples, "field": probability}

    def evaluate(
        self, dataset: Dataset, settings: Mapping[str, Any], progress: Progress
    ) -> list[Finding]:
        seed = self.options["seed"]
        rng = generator(np, seed, Stream.EVALUATION)
        if dataset.name in MIXTURES:
            return modes(self.decode(self.draw_codes(N_MODES, rng, dataset)), dataset.name)
        n_validation = min(N_VALIDATION, len(dataset.train) // 2)
        if not n_validation:
            raise MinigenError(
                f"{dataset.name} has {len(dataset.train)} row to learn from, and a Parzen score "
                "takes two, one of them to choose sigma by; train on more rows"
            )
        order = rng.permutation(len(dataset.train))[: n_validation + N_PARZEN]
        chosen = dataset.train[order]
        samples, validation, others, train, test, few = map(
            self.xp.asarray,
            (
                self.decode(self.draw_codes(N_PARZEN, rng, dataset)),
                chosen[:n_validation],
                chosen[n_validation:],
                dataset.train,
                dataset.test,
                some(dataset.test, N_NEIGHBOURS, generator(np, seed, Stream.ROWS)),
            ),
        )
        return [
            parzen(samples[: len(others)], others, validation, test, part_of(progress, 0, 2 / 3)),
            neighbours(samples, train, few, part_of(progress, 2 / 3, 1)),
        ]


def _terms(d_terms: DiscriminatorLoss, g_loss: Array) -> Terms:
    return {
        "d_loss": d_terms.loss,
        "g_loss": g_loss,
        "d_real": d_terms.d_real,
        "d_fake": d_terms.d_fake,
    }
