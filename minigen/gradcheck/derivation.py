"""One derivation: an equation, what is differentiated, and its check on seeded draws."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

import numpy as np

from minigen.backend import Array
from minigen.gradcheck import Report
from minigen.models.autoencoder import Autoencoder
from minigen.models.gan import GAN
from minigen.models.likelihoods import Likelihood
from minigen.models.vae import VAE
from minigen.nn.module import Module

F64 = "float64"
M = TypeVar("M", bound=Module)


class Draw:
    """Seeded arrays and modules in float64, on one backend."""

    def __init__(self, xp: ModuleType) -> None:
        self.xp = xp
        self.rng = np.random.default_rng(0)

    def normal(self, *shape: int) -> Array:
        return self.xp.asarray(self.rng.standard_normal(shape))

    def unit(self, *shape: int) -> Array:
        """In [0.05, 0.95]: away from the ends, where a cross-entropy has no derivative."""
        return self.xp.asarray(self.rng.uniform(0.05, 0.95, shape))

    def module(self, module: M) -> M:
        return module.with_params({k: self.xp.asarray(v) for k, v in module.params.items()})

    def labels(self, *shape: int) -> Array:
        """Each 0 or 1."""
        return (self.unit(*shape) > 0.5).astype(F64)

    def gaussian(self) -> dict[str, Array]:
        return {"mu": self.normal(5, 3), "logvar": self.normal(5, 3)}

    def vae(self, *hidden: int, likelihood: Likelihood | None = None) -> VAE:
        return self.module(VAE.mlp(6, hidden, 2, self.rng, dtype=F64, likelihood=likelihood))

    def autoencoder(self, *hidden: int) -> Autoencoder:
        return self.module(Autoencoder.mlp(6, hidden, 2, self.rng, dtype=F64))

    def gan(self, bounded: bool) -> GAN:
        return self.module(GAN.mlp(3, (6, 5), 2, self.rng, bounded=bounded, dtype=F64))


@dataclass(frozen=True)
class Derivation:
    """One equation, what is differentiated, and the check of it."""

    tag: str
    what: str
    check: Callable[[Draw], Report]
