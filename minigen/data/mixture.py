"""Gaussian mixtures: densities that are known, so that a lost mode can be counted."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minigen.backend import Array, array_module
from minigen.checks import check_generator
from minigen.errors import MinigenError


@dataclass(frozen=True, eq=False)
class Mixture:
    """K equally likely isotropic Gaussians: p(x) = 1/K sum_k N(x; c_k, std^2 1).

    Args:
        centres: (K, D), the means c_k.
        std: standard deviation of each Gaussian along every axis.

    Raises:
        MinigenError: the centres are not (K, D), or std is not positive.
    """

    centres: NDArray[np.float64]
    std: float

    def __post_init__(self) -> None:
        if self.centres.ndim != 2 or not self.centres.size or not self.std > 0:
            raise MinigenError(
                f"Mixture: expected centres of shape (K, D) and std > 0, got {self.centres.shape} "
                f"and {self.std}"
            )

    def __repr__(self) -> str:
        return f"Mixture({len(self.centres)} Gaussians of {self.width} values, std {self.std:g})"

    @property
    def width(self) -> int:
        """D, the number of values in one row."""
        return int(self.centres.shape[1])

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draw n rows (n, D); return them, and for each the component (n,) that it is from."""
        check_generator(rng)
        component = rng.integers(len(self.centres), size=n)
        noise = rng.standard_normal((n, self.width))
        return self.centres[component] + self.std * noise, component

    def log_density(self, x: Array) -> Array:
        """Compute log p(x), in nats, (N,) float64, for x (N, D) on either backend.

        Raises:
            MinigenError: x is not (N, D).
        """
        return log_mixture(self.squared_distances(x), self.width, self.std)

    def squared_distances(self, x: Array) -> Array:
        """Compute |x_n - c_k|^2, (N, K) float64, for x (N, D) on either backend.

        Raises:
            MinigenError: x is not (N, D).
        """
        xp = array_module(x)
        if x.ndim != 2 or x.shape[1] != self.width:
            raise MinigenError(f"expected rows of shape (N, {self.width}), got {x.shape}")
        difference = x[:, None] - xp.asarray(self.centres)  # (N, K, D)
        return (difference * difference).sum(axis=2)


def log_mixture(squared: Array, width: int, std: float) -> Array:
    """Log of the mean of K isotropic Gaussians, from the squared distances to their centres:

        log 1/K sum_k exp(-d_k^2 / (2 std^2)) - D/2 log(2 pi std^2)

    Args:
        squared: (N, K), d_k^2.
        width: D.
        std: of every Gaussian, positive.

    Returns:
        (N,) in nats. The largest term is taken out of the sum, so nothing overflows, and a row
        far from every centre has a finite value.
    """
    xp = array_module(squared)
    nearest = squared.min(axis=1)
    kernels = xp.exp((nearest[:, None] - squared) / (2 * std**2))
    log_norm = width / 2 * math.log(2 * math.pi * std**2)
    return xp.log(kernels.mean(axis=1)) - nearest / (2 * std**2) - log_norm
