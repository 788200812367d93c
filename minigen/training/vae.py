"""How a VAE is trained: its options and its step."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minigen.backend import Array, Generator, to_numpy
from minigen.data import batches
from minigen.errors import MinigenError
from minigen.models.likelihoods import Bernoulli, Gaussian, Likelihood
from minigen.models.vae import VAE, NegativeELBO
from minigen.nn.layers import ReLU, Tanh, glorot
from minigen.nn.module import Params
from minigen.nn.optim import LEAST_EPS, Adam
from minigen.training.loop import Logged
from minigen.training.options import Options, option
from minigen.training.presets import VAE_PRESETS
from minigen.training.ranks import WHOLE, Share
from minigen.training.trainer import Trainer

ACTIVATIONS = {"relu": ReLU, "tanh": Tanh}
LIKELIHOODS: Mapping[str, type[Likelihood]] = {"bernoulli": Bernoulli, "gaussian": Gaussian}
FIRST_VARIANCE = 0.1  # of a Gaussian likelihood, in units of that of the rows
LEAST_VARIANCE = 1e-12  # to begin with, where the rows never vary


@dataclass(frozen=True, kw_only=True)
class VAEOptions(Options):
    """The options of a VAE and its training."""

    model: ClassVar[str] = "vae"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = VAE_PRESETS

    hidden: tuple[int, ...] = option(
        (400,),
        "hidden layers of the encoder, such as 400 or 500,250; the decoder mirrors them",
        metavar="WIDTHS",
        least=1,
    )
    lr: float = option(1e-3, "learning rate of Adam", metavar="RATE", above=0)
    beta: float = option(
        1.0,
        "weight of the KL; 1 gives the ELBO, more a looser bound, less none",
        metavar="WEIGHT",
        least=0,
    )
    importance_samples: int = option(
        1,
        "draws of z for each example; more than 1 trains on the importance-weighted bound",
        metavar="K",
        least=1,
    )
    likelihood: str = option(
        "bernoulli",
        "p(x|z): bernoulli for values in 0..1, such as grey pixels; gaussian for any numbers, "
        "with one variance, which is learnt",
        choices=tuple(LIKELIHOODS),
    )
    binarize: bool = option(
        False, "draw each pixel from Bernoulli(grey value), anew each time it is seen"
    )
    activation: str = option("relu", "between the Linear layers", choices=tuple(ACTIVATIONS))
    init: str = option(
        "uniform",
        "of the Linear layers: +-1/sqrt(n_in); or Glorot's, with zero biases but for the "
        "last, which give the mean training row",
        choices=("uniform", "glorot"),
    )
    adam_eps: float = option(1e-8, "eps of Adam", metavar="EPS", least=LEAST_EPS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.importance_samples > 1 and self.beta != 1:
            raise MinigenError(
                f"beta {self.beta:g} with {self.importance_samples} importance samples: the "
                "importance-weighted bound has no KL to weigh; leave one of them out"
            )
        if self.binarize and self.likelihood != "bernoulli":
            raise MinigenError(
                f"binarize with the likelihood {self.likelihood}: a pixel that is drawn as 0 or 1 "
                "has a Bernoulli likelihood; leave one of them out"
            )


class VAETrainer(Trainer[VAEOptions, VAE]):
    """A VAE of Bernoulli values in [0, 1] or of Gaussian ones, with Adam on the negative ELBO or on
    the bound L_k.
    """

    title = "variational autoencoder: an explicit density, trained through a lower bound"
    samples_title = "Decoded from z ~ N(0, 1)"
    has_encoder, has_prior = True, True

    @property
    def networks(self) -> dict[str, list[int]]:
        hidden, n_latent = self.options.hidden, self.options.latent_dim
        return {
            "encoder": [self.width, *hidden, 2 * n_latent],
            "decoder": [n_latent, *reversed(hidden), self.width],
        }

    @property
    def loss_formula(self) -> str:
        """The loss in words and symbols."""
        k, beta = self.options.importance_samples, self.options.beta
        if k > 1:
            return f"loss = -L_{k}, the bound of {k} draws"
        return "loss = reconstruction + " + ("KL" if beta == 1 else f"{beta:g} KL")

    @property
    def titles(self) -> dict[str, str]:
        return {
            "loss": f"{self.loss_formula} (nats)",
            "reconstruction": "reconstruction = -log p(x|z) (nats)",
            "kl": "KL(q(z|x) || p(z)) (nats)",
        }

    @property
    def units(self) -> str:
        density = "; below 0 where a density is above 1" if self.is_gaussian else ""
        return f"{self.loss_formula}, nats per example{density}"

    @property
    def is_gaussian(self) -> bool:
        """Whether rows are numbers of any size, and not values in [0, 1]."""
        return self.options.likelihood == "gaussian"

    def start(self) -> None:
        """From a variance as large as the rows', the likelihood would learn no code at all: without
        one, that variance is already the best.
        """
        if self.is_gaussian:
            self.dataset.require_size_near_one()
        else:
            self.dataset.require_unit_interval()
        if not self.is_gaussian and self.options.init != "glorot":
            return  # nothing depends on the rows
        mean, variance = _moments(self.dataset.train)
        if self.is_gaussian:
            first = max(FIRST_VARIANCE * variance.mean(), LEAST_VARIANCE)
            self.model.likelihood.params["logvar"][...] = math.log(first)
        if self.options.init == "glorot":
            *_, output_bias = self.model.decoder.params.values()
            output_bias[...] = self.xp.asarray(mean if self.is_gaussian else _logit(mean))

    def build(self, rng: Generator) -> VAE:
        options = self.options
        activation = ACTIVATIONS[options.activation]
        likelihood = LIKELIHOODS[options.likelihood]()
        sizes = self.width, options.hidden, options.latent_dim
        model = VAE.mlp(*sizes, rng, activation=activation, likelihood=likelihood)
        if options.init == "glorot":
            model.encoder = model.encoder.with_params(glorot(model.encoder.params, rng))
            model.decoder = model.decoder.with_params(glorot(model.decoder.params, rng))
        return model

    def make_optimizers(self) -> dict[str, Adam]:
        return {"optimizer": Adam(self.model.params, self.options.lr, eps=self.options.adam_eps)}

    @property
    def rows_at_once(self) -> int:
        return super().rows_at_once * self.options.importance_samples

    def train_step(self, x: Array, rng: Generator, share: Share = WHOLE) -> Logged:
        values, backward = self._loss(x, rng)
        self.optimizers["optimizer"].step(share.sum(backward(share.weights(values.loss))))
        return values._asdict()

    def test_step(self, x: Array, rng: Generator) -> Logged:
        """In parts, because each row stands for as many as it has draws."""
        size = -(-len(x) // self.options.importance_samples)
        parts = [self._loss(x[i : i + size], rng)[0] for i in range(0, len(x), size)]
        return {
            name: self.xp.concatenate([getattr(part, name) for part in parts])
            for name in NegativeELBO._fields
        }

    def _loss(self, x: Array, rng: Generator) -> tuple[NegativeELBO, Callable[..., Params]]:
        k, n_latent = self.options.importance_samples, self.options.latent_dim
        if self.options.binarize:
            x = binarized(x, rng)
        if k == 1:
            eps = rng.standard_normal((len(x), n_latent), dtype=x.dtype)
            return self.model.loss(x, eps, self.options.beta)
        eps = rng.standard_normal((len(x), k, n_latent), dtype=x.dtype)
        return self.model.importance_weighted_loss(x, eps)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.encode(self.xp.asarray(rows))[0])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return to_numpy(self.model.decode(self.xp.asarray(codes)))

    def draw(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        outputs = to_numpy(self.model.decoder(self.xp.asarray(codes))[0])
        likelihood = self.model.likelihood
        params = {name: to_numpy(array) for name, array in likelihood.params.items()}
        rows: np.ndarray = likelihood.with_params(params).draw(outputs, rng)
        return rows


def binarized(x: Array, rng: Generator) -> Array:
    """Draw from Bernoulli(x)."""
    return (rng.random(x.shape, dtype=x.dtype) < x).astype(x.dtype)


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each column, (D,) float64."""
    total, squares = np.zeros((2, rows.shape[1]))
    for x in batches(rows, 250):
        block = x.astype(np.float64)
        total += block.sum(axis=0)
        squares += (block * block).sum(axis=0)
    mean = total / len(rows)
    return mean, squares / len(rows) - mean * mean


def _logit(mean: np.ndarray) -> np.ndarray:
    """The logits of a decoder that gives the mean row, at 0.001 and 0.999 at the most."""
    mean = mean.clip(0.001, 0.999)
    logit: np.ndarray = np.log(mean / (1 - mean))
    return logit
