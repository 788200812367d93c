"""What a GAN is judged by: findings on samples, which are all that it gives."""

import numpy as np

from minigen.backend import Array
from minigen.data.toy import MIXTURES
from minigen.metrics import samples as sample_metrics
from minigen.metrics.bounds import Progress
from minigen.metrics.finding import Finding

N_NEIGHBOURS = 1_000


def modes(samples: np.ndarray, name: str) -> list[Finding]:
    """What became of this mixture's modes."""
    report = sample_metrics.mode_report(samples, MIXTURES[name])
    n = len(samples)
    return [
        Finding(
            "modes covered",
            report.modes,
            f"of {report.n_modes}, by {n:,} samples",
            f"the mixture itself: {report.n_modes}",
            "one good sample covers a mode",
        ),
        Finding(
            "high quality",
            100 * report.high_quality,
            "% of samples within 3 std of a mode",
            f"the mixture itself: {100 * report.true_high_quality:.2f}",
            "more than that means too narrow",
        ),
        Finding(
            "reverse KL",
            report.reverse_kl,
            "nats, over the modes",
            f"the mixture itself: {report.true_reverse_kl:.4f}",
            "it does not see how samples lie within a mode",
        ),
    ]


def parzen(
    samples: Array, others: Array, validation: Array, test: Array, progress: Progress
) -> Finding:
    """The samples' score, and that of as many other training rows under the same protocol."""
    score = sample_metrics.parzen_score(samples, validation, test, part_of(progress, 0, 1 / 2))
    data = sample_metrics.parzen_score(others, validation, test, part_of(progress, 1 / 2, 1))
    spread = "" if data.standard_error is None else f" +- {data.standard_error:.1f}"
    return Finding(
        "Parzen log likelihood",
        score.mean,
        f"nats per example, sigma {score.sigma:.3f}",
        f"training rows themselves: {data.mean:.1f}{spread}",
        "the likelihood of blurred samples, not of the model; above the training rows' score "
        "it has stopped measuring closeness to the data",
        score.standard_error,
    )


def neighbours(samples: Array, train: Array, test: Array, progress: Progress) -> Finding:
    """How near N_NEIGHBOURS of the samples are to training rows, beside these test rows."""
    parts = part_of(progress, 0, 1 / 2), part_of(progress, 1 / 2, 1)
    near, of_test = (
        np.median(sample_metrics.nearest_neighbour_distances(rows, train, part)[0])
        for rows, part in zip((samples[:N_NEIGHBOURS], test), parts, strict=True)
    )
    return Finding(
        "distance to the nearest training row",
        float(near),
        "median, Euclidean, in units of a column",
        f"test rows: {of_test:.2f}; a copy: 0",
        "a large distance is no proof of novelty, nor a small one of memorizing",
    )


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """The progress of the work between these two parts of the whole."""
    return lambda done: progress(start * (1 - done) + end * done)
