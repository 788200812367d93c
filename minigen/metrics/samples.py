"""Scores that judge samples alone, where a model has no density: Parzen windows, neighbours, modes.

Rows are (N, D) arrays of either backend, uint8 pixels or floats, scaled as in training; results
are plain floats or NumPy arrays.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigen.backend import Array, to_numpy
from minigen.checks import check_rows
from minigen.data.mixture import Mixture, log_mixture
from minigen.errors import MinigenError
from minigen.metrics.bounds import Progress, blocks, in_float64, silent

SIGMAS = np.logspace(-1, 0, 10)
HIGH_QUALITY = 3  # standard deviations from the nearest mode, at most


class ParzenScore(NamedTuple):
    """Mean log likelihood of the test rows, its standard error, in nats, and the window's sigma.

    A single test row has no standard error.
    """

    mean: float
    standard_error: float | None
    sigma: float


def parzen_score(
    samples: Array,
    validation: Array,
    test: Array,
    progress: Progress = silent,
    sigmas: np.ndarray = SIGMAS,
) -> ParzenScore:
    """Parzen-window log likelihood, with the sigma that fits the validation rows best.

    Protocol (Breuleux et al. 2011, Goodfellow et al. 2014, Table 1): 10,000 samples; sigma among
    ten values from 0.1 to 1 by 1,000 validation images; real-valued pixels in [0, 1].

    It is the likelihood of the blurred samples, not of the model. On MNIST 10,000 random training
    images themselves score 243.6 +- 2.1 and k-means centroids 334 (the caveat of Theis et al.
    2015, recomputed): above about 244 it has stopped measuring closeness to the data, and below it
    cannot tell a good model from a memorized training set.

    Args:
        samples: (M, D).
        validation: (V, D), data rows that are not among the test rows.
        test: (N, D).
        progress: called while the test rows are scored, which is most of the work.
        sigmas: to choose from. Where the first or the last one is best, another may be better.

    Raises:
        MinigenError: the rows are not of one width.
    """
    means = _parzen(samples, validation, sigmas).mean(axis=1)
    sigma = float(sigmas[means.argmax()])
    likelihood = parzen_log_likelihood(samples, test, sigma, progress)
    standard_error = None
    if len(likelihood) > 1:
        standard_error = float(likelihood.std(ddof=1)) / math.sqrt(len(likelihood))
    return ParzenScore(float(likelihood.mean()), standard_error, sigma)


def parzen_log_likelihood(
    samples: Array, rows: Array, sigma: float, progress: Progress = silent
) -> np.ndarray:
    """Log density of each row under a Gaussian window on each sample:

        log 1/M sum_m N(x; s_m, sigma^2 1)

    At most -D/2 log(2 pi sigma^2), when every sample lies on the row; no lower limit.

    Args:
        samples: (M, D), the s_m.
        rows: (N, D), the x.
        sigma: width of the windows, in units of a column.
        progress: called after each block of rows.

    Returns:
        (N,) float64, in nats.

    Raises:
        MinigenError: the rows are not of one width, or sigma is not positive.
    """
    if not sigma > 0:
        raise MinigenError(f"parzen_log_likelihood: sigma must be positive, got {sigma}")
    return _parzen(samples, rows, [sigma], progress).squeeze(axis=0)


def _parzen(
    samples: Array, rows: Array, sigmas: Sequence[float] | np.ndarray, progress: Progress = silent
) -> np.ndarray:
    """(len(sigmas), N): the distances, which are the work, serve every sigma."""
    xp = check_rows(paired=False, samples=samples, rows=rows)
    centres = in_float64(samples)
    origin = centres.mean(axis=0)
    centres -= origin
    norms = _norms(centres)
    result = xp.empty((len(sigmas), len(rows)))
    for where, block in blocks(rows, progress):
        block -= origin
        squared = _squared_distances(block, _norms(block), centres, norms)
        for i, sigma in enumerate(sigmas):
            result[i, where] = log_mixture(squared, rows.shape[1], float(sigma))
    return to_numpy(result)


def nearest_neighbour_distances(
    samples: Array, train: Array, progress: Progress = silent
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each sample from the nearest training row, and which row that is.

    0 is a copy of a training row. Small distances alone do not prove memorizing, nor large ones
    the absence of it: compare with the distances of test rows. Pixels are far apart where an image
    is moved by one of them (Theis et al. 2015).

    Args:
        samples: (M, D).
        train: (N, D).
        progress: called after each block of training rows.

    Returns:
        Euclidean distances (M,) float64, in units of a column, and indices (M,) into train.

    Raises:
        MinigenError: the rows are not of one width.
    """
    xp = check_rows(paired=False, samples=samples, train=train)
    points = in_float64(samples)
    origin = points.mean(axis=0)
    points -= origin
    norms = _norms(points)
    least = xp.full(len(points), math.inf)
    index = xp.zeros(len(points), dtype=np.int64)
    for where, block in blocks(train, progress):
        block -= origin
        squared = _squared_distances(points, norms, block, _norms(block))
        nearest = squared.min(axis=1)
        index = xp.where(nearest < least, where.start + squared.argmin(axis=1), index)
        least = xp.minimum(nearest, least)
    difference = points - (in_float64(train[index]) - origin)  # again: a copy is at exactly 0
    return to_numpy(xp.sqrt((difference * difference).sum(axis=1))), to_numpy(index)


def _norms(rows: Array) -> Array:
    """|a_n|^2 of each row, (N,)."""
    return (rows * rows).sum(axis=1)


def _squared_distances(a: Array, a_norms: Array, b: Array, b_norms: Array) -> Array:
    """|a_n - b_m|^2 = |a_n|^2 + |b_m|^2 - 2 a_n . b_m, (N, M): one matrix product.

    Both are taken from an origin among them, since rounding is relative to the norms: it leaves
    equal rows near 0, on either side of it.
    """
    squared = a @ b.T
    squared *= -2
    squared += a_norms[:, None]
    squared += b_norms
    return squared


@dataclass(frozen=True)
class ModeReport:
    """Modes of a mixture found in n samples, beside n samples of the mixture itself.

    Args:
        modes: modes with at least one high-quality sample, of n_modes.
        n_modes: K, the ceiling.
        high_quality: fraction of the samples within 3 std of the nearest centre.
        true_high_quality: the same for the mixture; more than that means too narrow.
        reverse_kl: KL(h || uniform) in nats, h the fraction of all samples nearest to each centre;
            from 0 to log K, when all are at one mode.
        true_reverse_kl: its mean for the mixture, (K - 1) / 2n to first order: not 0, since n is
            finite.
    """

    modes: int
    n_modes: int
    high_quality: float
    true_high_quality: float
    reverse_kl: float
    true_reverse_kl: float


def mode_report(samples: Array, mixture: Mixture) -> ModeReport:
    """Modes covered, high-quality fraction, reverse KL: see ModeReport.

    The protocol takes 2,500 samples (VEEGAN, Srivastava et al. 2017; PacGAN, Lin et al. 2018). No
    number here sees how the samples lie inside a mode: one point on each centre looks perfect, but
    for its high quality of 1.

    Args:
        samples: (n, D).
        mixture: of D columns, 1 or 2, with modes at least 6 std apart.

    Raises:
        MinigenError: the samples are not (n, D) with n >= 1, or not finite; D is neither 1 nor 2.
    """
    check_rows(samples=samples)
    squared = to_numpy(mixture.squared_distances(samples))
    if not np.isfinite(squared).all():
        raise MinigenError("mode_report: NaN or infinity among the samples; did training diverge?")
    n, n_modes = squared.shape
    nearest = squared.argmin(axis=1)
    good = squared.min(axis=1) <= (HIGH_QUALITY * mixture.std) ** 2
    fraction = np.bincount(nearest, minlength=n_modes) / n
    present = fraction[fraction > 0]  # 0 log 0 = 0
    return ModeReport(
        modes=len(np.unique(nearest[good])),
        n_modes=n_modes,
        high_quality=float(good.mean()),
        true_high_quality=_within(HIGH_QUALITY, mixture.width),
        reverse_kl=float((present * np.log(n_modes * present)).sum()),
        true_reverse_kl=(n_modes - 1) / (2 * n),
    )


def _within(radius: float, width: int) -> float:
    """P(|x| <= radius) for x ~ N(0, 1) in one or two dimensions."""
    if width == 1:
        return math.erf(radius / math.sqrt(2))
    if width == 2:
        return 1 - math.exp(-(radius**2) / 2)
    raise MinigenError(f"modes are judged in 1 or 2 dimensions, got {width}")
