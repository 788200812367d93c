"""What judges samples: against closed forms, brute force and published numbers."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from minigen.data import load
from minigen.data.mixture import Mixture
from minigen.data.toy import MIXTURES
from minigen.errors import MinigenError
from minigen.metrics.samples import (
    SIGMAS,
    ModeReport,
    mode_report,
    nearest_neighbour_distances,
    parzen_log_likelihood,
    parzen_score,
)
from tests.helpers import pixels, unit


@pytest.mark.parametrize("offset", [2**20, -(2**27), 2**33])
@pytest.mark.usefixtures("small_blocks")
def test_distances_do_not_ask_where_the_origin_is(offset: int) -> None:
    rows, others = np.random.default_rng(0).integers(0, 256, (2, 20, 3)) / 256  # exact when moved
    near, index = nearest_neighbour_distances(rows, others)
    far, same = nearest_neighbour_distances(offset + rows, offset + others)
    np.testing.assert_allclose(far, near, rtol=1e-12)
    np.testing.assert_array_equal(same, index)
    before, after = (parzen_log_likelihood(x + others, x + rows, 0.1) for x in (0, offset))
    np.testing.assert_allclose(after, before, rtol=1e-10)


class TestParzen:
    samples, rows = unit(pixels(6, 30, 100)), unit(pixels(7, 17, 100))

    @pytest.mark.parametrize("sigma", [0.05, 0.2, 1, 30])
    @pytest.mark.usefixtures("small_blocks")
    def test_by_the_definition(self, sigma: float) -> None:
        expected = []
        for x in self.rows.astype(np.float64):
            log_kernels = [math.fsum((x - s) ** 2) / (-2 * sigma**2) for s in self.samples]
            largest = max(log_kernels)
            kernels = math.fsum(math.exp(kernel - largest) for kernel in log_kernels)
            log_norm = 50 * math.log(2 * math.pi * sigma**2) + math.log(30)
            expected.append(largest + math.log(kernels) - log_norm)
        found = parzen_log_likelihood(self.samples, self.rows, sigma)
        np.testing.assert_allclose(found, expected, rtol=1e-11)

    def test_uint8(self) -> None:
        found = parzen_log_likelihood(pixels(6, 30, 100), pixels(7, 17, 100), 0.2)
        np.testing.assert_array_equal(found, parzen_log_likelihood(self.samples, self.rows, 0.2))

    def test_samples_of_a_gaussian(self) -> None:
        """Windows of width s on quantiles of N(0, 1) estimate N(0, 1 + s^2)."""
        quantiles = [[NormalDist().inv_cdf((i + 0.5) / 2000)] for i in range(2000)]
        x = np.linspace(-2, 2, 9)[:, None]
        expected = -(x[:, 0] ** 2) / (2 * 1.25) - math.log(2 * math.pi * 1.25) / 2
        found = parzen_log_likelihood(np.array(quantiles), x, 0.5)
        np.testing.assert_allclose(found, expected, atol=0.002)

    def test_sigma_is_picked_by_the_validation_rows(self) -> None:
        """They are 0.3 from the sample in each of 100 columns: 0.278 is the best of the ten."""
        samples = np.full((1, 100), 0.5, np.float32)
        test = samples + np.array([[0.125], [0.25]], np.float32)
        score = parzen_score(samples, samples + np.float32(0.3), test)
        assert score.sigma == SIGMAS[4] == pytest.approx(0.278, abs=5e-4)
        likelihood = [
            -50 * math.log(2 * math.pi * score.sigma**2) - 50 * (d / score.sigma) ** 2
            for d in (0.125, 0.25)
        ]
        assert score.mean == pytest.approx(sum(likelihood) / 2, rel=1e-12)
        error = abs(likelihood[0] - likelihood[1]) / math.sqrt(2) / math.sqrt(2)  # s / sqrt(N)
        assert score.standard_error == pytest.approx(error, rel=1e-12)
        assert parzen_score(samples, samples, test[:1]).standard_error is None

    def test_sigmas(self) -> None:
        np.testing.assert_allclose(SIGMAS, [10 ** (i / 9 - 1) for i in range(10)], rtol=1e-15)

    @pytest.mark.parametrize("sigma", [0, -1, math.nan])
    def test_no_window(self, sigma: float) -> None:
        with pytest.raises(MinigenError, match=f"sigma must be positive, got {sigma}"):
            parzen_log_likelihood(self.samples, self.rows, sigma)

    def test_shapes(self) -> None:
        with pytest.raises(MinigenError, match=r"got samples \(30, 100\), rows \(17, 99\)"):
            parzen_log_likelihood(self.samples, self.rows[:, 1:], 1)

    @pytest.mark.slow
    def test_training_images_themselves(self) -> None:
        """243.6 +- 2.1 by this protocol. Random tens of thousands of them score 242.8 to 244.3."""
        mnist = load("mnist")
        chosen = np.random.default_rng(0).permutation(60_000)[:11_000]
        samples, validation = mnist.train[chosen[:10_000]], mnist.train[chosen[10_000:]]
        score = parzen_score(samples, validation, mnist.test)
        assert score.mean == pytest.approx(243.6, abs=1)
        assert score.standard_error == pytest.approx(2.1, abs=0.05)
        assert score.sigma == SIGMAS[2]


class TestNearestNeighbours:
    @pytest.mark.parametrize("offset", [0, 4096])
    @pytest.mark.usefixtures("small_blocks")
    def test_brute_force(self, offset: float) -> None:
        """Far from the origin too, where squared norms cancel."""
        samples, train = unit(pixels(8, 30, 5)) + offset, unit(pixels(9, 100, 5)) + offset
        everything = np.linalg.norm(samples[:, None].astype(np.float64) - train, axis=2)
        distances, index = nearest_neighbour_distances(samples, train)
        np.testing.assert_array_equal(index, everything.argmin(axis=1))
        np.testing.assert_allclose(distances, everything.min(axis=1), rtol=1e-14)

    @pytest.mark.usefixtures("small_blocks")
    def test_copies(self) -> None:
        train = pixels(9, 100, 50)
        distances, index = nearest_neighbour_distances(train[[70, 0, 99]], train)
        assert distances.tolist() == [0, 0, 0]
        assert index.tolist() == [70, 0, 99]

    def test_shapes(self) -> None:
        with pytest.raises(MinigenError, match=r"got samples \(3, 2\), train \(4, 3\)"):
            nearest_neighbour_distances(np.zeros((3, 2)), np.zeros((4, 3)))


class TestModeReport:
    two = Mixture(np.array([[0.0], [10.0]]), std=1.0)

    @pytest.mark.parametrize(
        ("name", "high_quality", "reverse_kl"),
        [("ring", 0.9889, 0.0014), ("grid", 0.9889, 0.0048), ("mixture", 0.9973, 0.0004)],
    )
    def test_perfect_samples(self, name: str, high_quality: float, reverse_kl: float) -> None:
        """The mean of 200 samples of 2,500, within four standard errors, and the known digits."""
        rng, mixture = np.random.default_rng(0), MIXTURES[name]
        reports = [mode_report(mixture.sample(2500, rng)[0], mixture) for _ in range(200)]
        truth = reports[0]
        assert round(truth.true_high_quality, 4) == high_quality
        assert round(truth.true_reverse_kl, 4) == reverse_kl
        assert {report.modes for report in reports} == {truth.n_modes} == {len(mixture.centres)}
        for found, true in [
            ([report.high_quality for report in reports], truth.true_high_quality),
            ([report.reverse_kl for report in reports], truth.true_reverse_kl),
        ]:
            assert abs(np.mean(found) - true) < 4 * np.std(found) / math.sqrt(200)

    @pytest.mark.parametrize("name", MIXTURES)
    def test_collapsed(self, name: str) -> None:
        mixture = MIXTURES[name]
        report = mode_report(mixture.centres[[2] * 50].astype(np.float32), mixture)
        assert (report.modes, report.high_quality) == (1, 1)
        assert report.reverse_kl == pytest.approx(math.log(report.n_modes), rel=1e-15)

    def test_by_hand(self) -> None:
        """Three of four near 0; what is 4 from 10 counts for its histogram, not as a mode."""
        report = mode_report(np.array([[0.5], [-3.0], [3.001], [6.0]]), self.two)
        kl = 3 / 4 * math.log(3 / 2) + 1 / 4 * math.log(1 / 2)
        assert report == ModeReport(
            modes=1,
            n_modes=2,
            high_quality=0.5,
            true_high_quality=math.erf(3 / math.sqrt(2)),
            reverse_kl=report.reverse_kl,
            true_reverse_kl=1 / 8,
        )
        assert report.reverse_kl == pytest.approx(kl, rel=1e-14)

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_not_finite(self, bad: float) -> None:
        with pytest.raises(MinigenError, match="NaN or infinity among the samples"):
            mode_report(np.array([[0], [bad]]), self.two)

    def test_three_dimensions(self) -> None:
        with pytest.raises(MinigenError, match="in 1 or 2 dimensions, got 3"):
            mode_report(np.zeros((4, 3)), Mixture(np.zeros((2, 3)), std=1))

    @pytest.mark.parametrize("shape", [(0, 1), (4,), (4, 2)])
    def test_shapes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(MinigenError, match=r"expected rows"):
            mode_report(np.zeros(shape), self.two)


@pytest.mark.parametrize(
    "work",
    [
        lambda progress: parzen_score(
            np.zeros((3, 2)), np.ones((9, 2)), np.ones((20, 2)), progress
        ),
        lambda progress: nearest_neighbour_distances(np.zeros((3, 2)), np.ones((20, 2)), progress),
    ],
    ids=["parzen_score", "nearest_neighbours"],
)
@pytest.mark.usefixtures("small_blocks")
def test_progress(work: Callable[[Callable[[float], None]], Any]) -> None:
    """Rises, in three steps at least, and ends at 1."""
    parts: list[float] = []
    work(parts.append)
    assert parts == sorted(set(parts))
    assert len(parts) >= 3
    assert parts[0] > 0
    assert parts[-1] == 1
