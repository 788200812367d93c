"""Toy densities: Gaussian mixtures in the plane and on the line, by name."""

import numpy as np
from numpy.typing import NDArray

from minigen.checks import check_whole
from minigen.data.dataset import Dataset
from minigen.data.mixture import Mixture

N_TRAIN, N_TEST = 50_000, 10_000


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


def toy_dataset(name: str, seed: int) -> Dataset:
    """Draw 50,000 rows of MIXTURES[name] to learn from, 10,000 to test, and their components.

    Raises:
        MinigenError: the seed is no whole number of at least 0.
    """
    check_whole("seed", seed, least=0)
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
        mixture=mixture,
        notes=(f"drawn from {len(mixture.centres)} Gaussians of std {mixture.std} by seed {seed}",),
        seed=seed,
    )
