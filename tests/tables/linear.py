"""The best linear models of MNIST, in closed form."""

import math

import numpy as np

from minigen.data import load
from minigen.metrics.bounds import principal_variances

COMPONENTS = (2, 10, 20, 32, 50)


def closed_form() -> dict[str, float]:
    """What PCA and probabilistic PCA reach with so many components, on train and test images."""
    mnist = load("mnist")
    train, test = principal_variances(mnist.train, mnist.test)
    values = {}
    for split, seen in (("train", train), ("test", test)):
        for n in COMPONENTS:
            values[f"PCA error, {split}, {n}"] = float(seen[n:].sum())
        for n in COMPONENTS:
            values[f"pPCA log likelihood, {split}, {n}"] = ppca_log_likelihood(train, seen, n)
    return values


def ppca_log_likelihood(train: np.ndarray, seen: np.ndarray, n_components: int) -> float:
    """Mean log likelihood under the probabilistic PCA that fits the train rows best:

        -1/2 sum_i [log 2 pi + log c_i + v_i / c_i]

    c_i, the model's variance along axis i, is that of the train rows for the first components, and
    for all others the mean of what is left (Tipping and Bishop 1999).

    Args:
        train: (D,), variances of the train rows along their principal axes, largest first.
        seen: (D,), the v_i: mean squares along these axes of the rows that are scored.
        n_components: fewer than D.
    """
    c = train.copy()
    c[n_components:] = train[n_components:].mean()
    return float(-(math.log(2 * math.pi) + np.log(c) + seen / c).sum() / 2)
