"""Toy densities: Gaussian mixtures whose modes are known, so that a lost one can be counted."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minigen.backend import Array, array_module
from minigen.data.dataset import Dataset
from minigen.errors import MinigenError

N_TRAIN, N_TEST = 50_000, 10_000


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

    @property
    def width(self) -> int:
        """D, the number of values in one row."""
        return int(self.centres.shape[1])

    def sample(
        self, n: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """n rows (n, D), and for each the component (n,) that it was drawn from."""
        component = rng.integers(len(self.centres), size=n)
        noise = rng.standard_normal((n, self.width))
        return self.centres[component] + self.std * noise, component

    def log_density(self, x: Array) -> Array:
        """log p(x), in nats, (N,) float64, for x (N, D) on either backend.

        Raises:
            MinigenError: x is not (N, D).
        """
        return log_mixture(self.squared_distances(x), self.width, self.std)

    def squared_distances(self, x: Array) -> Array:
        """|x_n - c_k|^2, (N, K) float64, for x (N, D) on either backend.

        Raises:
            MinigenError: x is not (N, D).
        """
        xp = array_module(x)
        if x.ndim != 2 or x.shape[1] != self.width:
            raise MinigenError(f"expected rows of shape (N, {self.width}), got {x.shape}")
        difference = x[:, None] - xp.asarray(self.centres)  # (N, K, D)
        return (difference * difference).sum(axis=2)


def log_mixture(squared: Array, width: int, std: float) -> Array:
    """log of the mean of K isotropic Gaussians, from the squared distances to their centres:

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


def _ring(n_modes: int) -> NDArray[np.float64]:
    """Evenly spaced on the unit circle: linspace to 2 pi would put the last mode on the first."""
    angle = 2 * np.pi * np.arange(n_modes) / n_modes
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _grid(*ticks: float) -> NDArray[np.float64]:
    return np.array([(a, b) for a in ticks for b in ticks])


# ring and grid are those of PacGAN (Lin et al. 2018, section 4.1) and VEEGAN (Srivastava et
# al. 2017, section 4.1).
MIXTURES = {
    "ring": Mixture(_ring(8), std=0.01),
    "grid": Mixture(_grid(-4, -2, 0, 2, 4), std=0.05),
    "mixture": Mixture(np.array([[-4.0], [-1.0], [3.0]]), std=0.4),
}


def draw(name: str, seed: int) -> Dataset:
    """50,000 rows of MIXTURES[name] to learn from and 10,000 to test, labelled by component."""
    mixture = MIXTURES[name]
    # Spawned, so that they repeat no number of the generators that training makes from the seed.
    train_rng, test_rng = np.random.default_rng(seed).spawn(2)
    train, train_labels = mixture.sample(N_TRAIN, train_rng)
    test, test_labels = mixture.sample(N_TEST, test_rng)
    return Dataset(
        name,
        train.astype(np.float32),
        test.astype(np.float32),
        train_labels=train_labels,
        test_labels=test_labels,
        notes=(f"drawn from {len(mixture.centres)} Gaussians of std {mixture.std} by seed {seed}",),
    )
