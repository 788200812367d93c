"""Bounds and scores that judge models with a code: PCA's floor, L_k, active units.

`samples` judges what only samples show. Rows are (N, D) arrays of either backend, uint8
pixels or floats, scaled as in training; results are plain floats or NumPy arrays.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from minigen.backend import Array, Generator, array_module, to_numpy
from minigen.checks import check_generator, check_rows, check_unit_interval
from minigen.data import scaled
from minigen.errors import MinigenError
from minigen.models.vae import VAE

BLOCK = 250  # rows at a time: few enough for a core's cache, enough for a matrix product
ACTIVE_VARIANCE = 0.01

Progress = Callable[[float], None]  # (part of the work that is done)


def silent(done: float) -> None:
    """Show no progress."""


def pca_error(train: Array, test: Array, n_components: int) -> tuple[float, float]:
    """Squared error of PCA of the train rows, per row, summed over columns.

        min over affine maps of rank n of mean |x - x'|^2 = sum of the discarded eigenvalues

    On the train rows it is the floor of every linear autoencoder of this code size (Baldi and
    Hornik 1989); a nonlinear one should get below it. It is 0 once there are as many components
    as columns. It is no likelihood, and a small error does not mean that the code can be sampled.

    Args:
        train: (N, D), the rows that mean and axes are taken from.
        test: (M, D).
        n_components: code size, at least 0.

    Returns:
        The error on train and on test, in squared units of a column ([0, 1] for pixels).

    Raises:
        MinigenError: the shapes do not fit, or n_components is negative.
    """
    if n_components < 0:
        raise MinigenError(f"pca_error: n_components must be at least 0, got {n_components}")
    on_train, on_test = principal_variances(train, test)
    return float(on_train[n_components:].sum()), float(on_test[n_components:].sum())


def principal_variances(train: Array, test: Array) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of train and test rows along each principal axis u_i of the train rows.

        lambda_i = mean_n (u_i . (x_n - m))^2,    m = mean of the train rows

    For train these are the eigenvalues of the covariance over N, largest first; for test the same
    expression, about the same m.

    Args:
        train: (N, D).
        test: (M, D).

    Returns:
        (D,) and (D,) float64. An error at n components is the sum from entry n on.

    Raises:
        MinigenError: the rows are not (N, D) and (M, D).
    """
    xp = check_rows(paired=False, train=train, test=test)
    total = xp.zeros(train.shape[1])
    for _, block in blocks(train):
        total += block.sum(axis=0)
    mean = total / len(train)

    def moment(rows: Array) -> Array:
        products = xp.zeros((len(mean), len(mean)))
        for _, block in blocks(rows):
            block -= mean
            products += block.T @ block
        return products / len(rows)

    covariance = moment(train)
    ascending, axes = xp.linalg.eigh(covariance)
    on_test = (axes * (moment(test) @ axes)).sum(axis=0)
    on_train, on_test = (
        to_numpy(xp.maximum(values[::-1], 0))  # rounding leaves zeros on either side
        for values in (ascending, on_test)
    )
    return on_train, on_test


def pixel_entropy(rows: Array) -> float:
    """Entropy of grey values x as Bernoulli targets, which is the least that they cost:

        mean_n sum_d -[x log x + (1 - x) log(1 - x)],    0 log 0 = 0

    The floor of every cross-entropy on these rows, reached where each probability equals its pixel.
    45.53 on MNIST's test images; 0 for binary rows.

    Args:
        rows: (N, D), values in [0, 1].

    Returns:
        Nats per row.

    Raises:
        MinigenError: the rows are not (N, D), or not in [0, 1].
    """
    xp = check_rows(rows=rows)
    total = 0.0
    for _, block in blocks(rows):
        check_unit_interval("rows", block)
        for p in (block, 1 - block):
            total -= float((p * xp.log(xp.where(p > 0, p, 1.0))).sum())
    return total / len(rows)


def importance_bound(
    model: VAE, x: Array, ks: Sequence[int], rng: Generator, progress: Progress = silent
) -> dict[int, np.ndarray]:
    """The importance-weighted bound on log p(x), for several numbers k of draws at once:

        L_k = log 1/k sum_j w_j,    w_j = p(x | z_j) p(z_j) / q(z_j | x),    z_j ~ q(z | x)

    E L_1 is the ELBO; E L_k rises with k, and tends to log p(x), its ceiling, where the weights
    are bounded (Burda et al. 2015, equation 8 and theorem 1). All k share one set of draws, the
    first k of them, and the weights are summed as they come, so memory does not grow with k.

    A low bound may be a poor q and not a poor p. Grey pixels have no likelihood under a Bernoulli:
    only binary rows give nats to compare with the literature, and then under the same
    binarization. Single entries need not rise with k, nor stay below log p(x): expectations do.

    Args:
        model: the VAE; its parameters live where x lives.
        x: (N, D), in [0, 1] for a Bernoulli likelihood.
        ks: numbers of draws, each at least 1.
        rng: draws the noise where x lives. A row's draws depend on the rows before it.
        progress: called after each draw for BLOCK rows.

    Returns:
        For each k, L_k of each row: (N,) float64, in nats, as exact as the model's dtype: to 1e-7
        or so of its size in float32.

    Raises:
        MinigenError: no k, or one below 1; x does not fit the model.
    """
    n_draws = max(ks, default=0)
    if min(ks, default=0) < 1:
        raise MinigenError(f"importance_bound: give numbers of draws, at least 1 each; got {ks}")
    check_generator(rng)
    xp = array_module(x)
    dtype = next(iter(model.params.values())).dtype
    bounds = {k: xp.empty(len(x)) for k in ks}
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        target = in_float64(x[rows]).astype(dtype)
        mu, logvar = model.encode(target)
        log_sum = xp.full(len(target), -math.inf)
        for draw in range(1, n_draws + 1):
            eps = rng.standard_normal(mu.shape, dtype=mu.dtype)
            weights, _ = model.log_weights(target, mu, logvar, eps)
            log_sum = xp.logaddexp(log_sum, weights.log_w)
            if draw in bounds:
                bounds[draw][rows] = log_sum - math.log(draw)
            progress((start + len(target) * draw / n_draws) / len(x))
    return {k: to_numpy(bound) for k, bound in bounds.items()}


def active_units(mu: Array) -> int:
    """The number of latent dimensions that the data move: Var_x(E_q(z|x)[z]) > 0.01.

    At most Z. The means of the others hardly depend on x; their variances still may. An active unit
    need not mean anything to a person, and more of them is not a better model (Burda et al. 2015,
    section 5.2).

    Args:
        mu: (N, Z), the means of q(z | x) over many rows: one row has no variance.
    """
    return int((mu.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE).sum())


def blocks(rows: Array, progress: Progress = silent) -> Iterator[tuple[slice, Array]]:
    """Walk the rows BLOCK at a time: where they are, and a copy of them as float64."""
    for start in range(0, len(rows), BLOCK):
        where = slice(start, start + BLOCK)
        yield where, in_float64(rows[where])
        progress(min(1.0, (start + BLOCK) / len(rows)))


def in_float64(rows: Array) -> Array:
    """Copy as float64: rows of that dtype as they are, others as training sees them."""
    return (rows if rows.dtype == np.float64 else scaled(rows)).astype(np.float64)
