"""The VAE as the commands run it."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from minigen.backend import Array, Generator, generator, to_numpy
from minigen.data import Dataset, require_unit_interval, scaled, some
from minigen.errors import MinigenError
from minigen.metrics import bounds as metrics
from minigen.metrics.bounds import Progress
from minigen.metrics.finding import Finding
from minigen.models.vae import VAE, NegativeELBO
from minigen.nn.layers import Params, ReLU, Tanh, glorot
from minigen.nn.optim import Adam, Optimizer
from minigen.training.base import Add
from minigen.training.encoder import EncoderSystem
from minigen.training.loop import Stream, Terms, evaluate
from minigen.training.schedule import add_schedule
from minigen.workshop import cli

UNIT = "nats per example"
N_MANIFOLD = 20  # images on a side
ACTIVATIONS = {"relu": ReLU, "tanh": Tanh}


class VAESystem(EncoderSystem):
    """A Bernoulli VAE on rows in [0, 1], trained with Adam on the negative ELBO or on the
    importance-weighted bound.
    """

    title = "variational autoencoder: an explicit density, trained through a lower bound"
    samples_title = "Decoded from z ~ N(0, 1)"
    module: VAE

    @staticmethod
    def add_options(add: Add) -> None:
        add(
            "--hidden",
            type=cli.wholes,
            default="400",
            metavar="WIDTHS",
            help="hidden layers of the encoder, such as 400 or 500,250; the decoder mirrors them",
        )
        add("--latent-dim", type=cli.whole(1), default=20, metavar="Z", help="width of the code z")
        add("--lr", type=cli.real(above=0), default=1e-3, metavar="RATE", help=cli.LR_HELP)
        add(
            "--beta",
            type=cli.real(least=0),
            default=1.0,
            metavar="WEIGHT",
            help="weight of the KL; 1 gives the ELBO, more a looser bound, less none",
        )
        add(
            "--importance-samples",
            type=cli.whole(1),
            default=1,
            metavar="K",
            help="draws of z for each example; more than 1 trains on the importance-weighted bound",
        )
        add(
            "--binarize",
            action="store_true",
            help="draw each pixel from Bernoulli(grey value), anew each time it is seen",
        )
        add(
            "--activation",
            choices=tuple(ACTIVATIONS),
            default="relu",
            help="between the Linear layers",
        )
        add(
            "--init",
            choices=("uniform", "glorot"),
            default="uniform",
            help="of the Linear layers: +-1/sqrt(n_in); or Glorot's, with zero biases but for the "
            "last, the logit of the mean training row",
        )
        add(
            "--adam-eps",
            type=cli.real(least=1e-30),  # less may be 0 in float32
            default=1e-8,
            metavar="EPS",
            help="eps of Adam",
        )
        add_schedule(add)

    @staticmethod
    def networks(options: Mapping[str, Any], width: int) -> dict[str, list[int]]:
        hidden, n_latent = options["hidden"], options["latent_dim"]
        return {
            "encoder": [width, *hidden, 2 * n_latent],
            "decoder": [n_latent, *reversed(hidden), width],
        }

    @property
    def terms(self) -> str:
        return f"{self._loss_formula}, nats per example"

    @property
    def titles(self) -> Mapping[str, str]:
        return {
            "loss": f"{self._loss_formula} (nats)",
            "reconstruction": "reconstruction = -log p(x|z) (nats)",
            "kl": "KL(q(z|x) || p(z)) (nats)",
        }

    @property
    def _loss_formula(self) -> str:
        k, beta = self.options["importance_samples"], self.options["beta"]
        if k > 1:
            return f"loss = -L_{k}, the bound of {k} draws"
        return "loss = reconstruction + " + ("KL" if beta == 1 else f"{beta:g} KL")

    def build(self, rng: Generator) -> VAE:
        k, beta = self.options["importance_samples"], self.options["beta"]
        if k > 1 and beta != 1:
            raise MinigenError(
                f"--beta {beta:g} with --importance-samples {k}: the importance-weighted bound has "
                "no KL to weigh; leave one of them out"
            )
        sizes = self.width, self.options["hidden"], self.options["latent_dim"]
        model = VAE.mlp(*sizes, rng, ACTIVATIONS[self.options["activation"]])
        if self.options["init"] == "glorot":
            model = model.with_params(glorot(model.params, rng))
        return model

    def make_optimizers(self) -> dict[str, Optimizer]:
        lr, eps = self.options["lr"], self.options["adam_eps"]
        return {"optimizer": Adam(self.module.params, lr, eps=eps)}

    def start(self, dataset: Dataset) -> None:
        if self.options["init"] == "glorot":
            *_, output_bias = self.module.decoder.params.values()
            total = sum(block.sum(axis=0) for _, block in metrics.blocks(dataset.train))
            mean = (total / len(dataset.train)).clip(0.001, 0.999)
            output_bias[...] = self.xp.asarray(np.log(mean / (1 - mean)))

    def check_data(self, dataset: Dataset) -> None:
        require_unit_interval(dataset)

    def learn(self, x: Array, rng: Generator) -> Terms:
        terms, backward = self._loss(x, rng)
        self.optimizers["optimizer"].step(backward())
        return terms._asdict()

    def judge(self, x: Array, rng: Generator) -> Terms:
        """In parts, because each row stands for as many as it has draws."""
        size = -(-len(x) // self.options["importance_samples"])
        parts = [self._loss(x[i : i + size], rng)[0] for i in range(0, len(x), size)]
        return {
            name: self.xp.concatenate([getattr(part, name) for part in parts])
            for name in NegativeELBO._fields
        }

    def _loss(self, x: Array, rng: Generator) -> tuple[NegativeELBO, Callable[..., Params]]:
        n, k = len(x), self.options["importance_samples"]
        if self.options["binarize"]:
            x = binarized(x, rng)
        if k == 1:
            eps = rng.standard_normal((n, self.module.n_latent), dtype=x.dtype)
            return self.module.loss(x, eps, self.options["beta"])
        eps = rng.standard_normal((n, k, self.module.n_latent), dtype=x.dtype)
        return self.module.importance_weighted_loss(x, eps)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        return to_numpy(self.module.encode(self.xp.asarray(rows))[0])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return to_numpy(self.module.decode(self.xp.asarray(codes)))

    def draw_more(self, folder: Path, dataset: Dataset) -> None:
        super().draw_more(folder, dataset)
        if self.image_shape and self.module.n_latent == 2:
            self._draw_manifold(folder, dataset)

    def _draw_manifold(self, folder: Path, dataset: Dataset) -> None:
        from minigen.workshop import plots

        quantiles = [NormalDist().inv_cdf((i + 0.5) / N_MANIFOLD) for i in range(N_MANIFOLD)]
        plane = [(z1, z2) for z2 in reversed(quantiles) for z1 in quantiles]
        tiles = self.mosaic(self.decode(np.array(plane, np.float32)), N_MANIFOLD, dataset)
        title = "Decoded from normal quantiles: z1 grows to the right, z2 upward"
        paint = partial(plots.images, tiles=tiles, title=title)
        plots.picture(folder / "manifold.png", paint, tiles.shape)

    def evaluate(
        self, dataset: Dataset, settings: Mapping[str, Any], progress: Progress
    ) -> list[Finding]:
        seed = self.options["seed"]
        rows = self.xp.asarray(dataset.test)
        means = evaluate(self, rows, seed)
        binarize = self.options["binarize"]
        entropy = 0.0 if binarize else metrics.pixel_entropy(rows)  # 0 also of binary rows
        grey = "; grey pixels have no likelihood under a Bernoulli" if entropy else ""
        findings = [
            Finding(
                "test loss",
                means["loss"],
                UNIT,
                "the last test loss in metrics.jsonl: the same, on the backend that trained",
                f"{self._loss_formula}, at one draw of the noise{grey}",
            ),
            Finding(
                "negative ELBO",
                means["reconstruction"] + means["kl"],
                UNIT,
                "at least -log p(x)",
                "it may be q that is poor, and not p",
            ),
            Finding(
                "reconstruction",
                means["reconstruction"],
                UNIT,
                f"the pixels' own entropy: {entropy:.2f}",
                "no bound on log p(x): it lacks the price of the code",
            ),
            Finding("KL", means["kl"], UNIT, "no code at all: 0", "low where z is not used"),
        ]
        chosen = some(dataset.test, settings["rows"], generator(np, seed, Stream.ROWS))
        few = scaled(self.xp.asarray(chosen))
        rng = generator(self.xp, seed, Stream.EVALUATION)
        if binarize:
            few = binarized(few, rng)
        ks = [k for k in (1, 10, 100, 1000, 5000) if k < settings["draws"]] + [settings["draws"]]
        bounds = metrics.importance_bound(self.module, few, ks, rng, progress)
        findings += [
            Finding(
                f"L_{k}, {len(few):,} test rows",
                float(bound.mean()),
                UNIT + " of log likelihood",
                "the next larger k, and log p(x) above them all",
                f"a lower bound{grey}",
                float(bound.std(ddof=1)) / len(few) ** 0.5 if len(few) > 1 else None,
            )
            for k, bound in bounds.items()
        ]
        every = scaled(rows)
        mu, _ = self.module.encode(binarized(every, rng) if binarize else every)
        findings.append(
            Finding(
                "active units",
                metrics.active_units(mu),
                f"of {self.module.n_latent} latent dimensions",
                f"at most {self.module.n_latent}",
                "more is not better; the means of the others hardly depend on x",
            )
        )
        return findings


def binarized(x: Array, rng: Generator) -> Array:
    """A draw from Bernoulli(x)."""
    return (rng.random(x.shape, dtype=x.dtype) < x).astype(x.dtype)
