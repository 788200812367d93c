"""What judges models: against closed forms, quadrature, brute force and published numbers."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from minigen import metrics
from minigen.data import load
from minigen.data.toy import MIXTURES, Mixture
from minigen.errors import MinigenError
from minigen.layers import Layer, Linear
from minigen.losses import bce_with_logits
from minigen.metrics import active_units, importance_bound, pca_error, principal_variances
from minigen.models.vae import VAE
from minigen.sample_metrics import (
    SIGMAS,
    ModeReport,
    mode_report,
    nearest_neighbour_distances,
    parzen_log_likelihood,
    parzen_score,
)

KS = [1, 10, 100, 1000]


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float32) / 255


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLOCK", 7)


class TestPCA:
    def test_published_table(self) -> None:
        """MNIST: the eigenvalues of its covariance, summed, to all digits that are tabulated."""
        mnist = load("mnist")
        on_train, on_test = principal_variances(mnist.train, mnist.test)
        errors = {n: (on_train[n:].sum(), on_test[n:].sum()) for n in (2, 10, 20, 32, 50)}
        assert {n: (round(a, 4), round(b, 4)) for n, (a, b) in errors.items()} == {
            2: (43.8669, 43.6449),
            10: (26.9873, 26.7139),
            20: (18.7922, 18.4539),
            32: (13.5184, 13.1933),
            50: (9.2455, 9.0043),
        }

    @pytest.mark.parametrize("n_train", [3, 7, 50])
    @pytest.mark.parametrize("n_components", [0, 1, 2, 8])
    @pytest.mark.usefixtures("small_blocks")
    def test_projected_by_hand(self, n_train: int, n_components: int) -> None:
        """Rows, mean and axes by a singular value decomposition, and what the axes leave."""
        train, test = pixels(0, n_train, 8), pixels(1, 20, 8)
        mean = unit(train).mean(axis=0, dtype=np.float64)
        axes = np.linalg.svd(unit(train) - mean)[2][:n_components]

        def error(rows: np.ndarray) -> float:
            centred = unit(rows) - mean
            return float(((centred - centred @ axes.T @ axes) ** 2).sum(axis=1).mean())

        for convert in (np.array, unit):
            found = pca_error(convert(train), convert(test), n_components)
            np.testing.assert_allclose(found, (error(train), error(test)), rtol=1e-12, atol=1e-12)

    def test_as_many_components_as_columns(self) -> None:
        assert pca_error(pixels(0, 9, 4), pixels(1, 9, 4), 5) == (0, 0)

    def test_leaves_its_arguments(self) -> None:
        train, test = unit(pixels(0, 9, 4)), unit(pixels(1, 9, 4))
        copies = train.copy(), test.copy()
        pca_error(train, test, 2)
        np.testing.assert_array_equal((train, test), copies)

    def test_negative(self) -> None:
        with pytest.raises(MinigenError, match="n_components must be at least 0, got -1"):
            pca_error(np.zeros((2, 3)), np.zeros((2, 3)), -1)

    @pytest.mark.parametrize("shape", [(5, 3), (5,), (0, 4), (5, 4, 1)])
    def test_shapes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(MinigenError, match=r"one width, .* got train \(5, 4\), test \("):
            pca_error(np.zeros((5, 4)), np.zeros(shape), 1)


def tiny_vae(n_latent: int = 1, dtype: str = "float64") -> VAE:
    """A decoder that needs z, and q wider than the prior, so that the weights are bounded."""
    model = VAE.mlp(6, [5], n_latent, np.random.default_rng(2), dtype)
    for name in ("decoder.0.weight", "decoder.2.weight"):
        model.params[name] *= 3
    model.params["encoder.2.bias"][n_latent:] += 1
    return model


class TestImportanceBound:
    binary = (pixels(3, 40, 6) > 127).astype(np.float32)

    def test_decoder_that_ignores_z(self) -> None:
        """q is the prior, so that every weight is p(x) exactly: L_k = log p(x) for all k."""
        rng = np.random.default_rng(0)
        model = VAE(Linear(6, 4, rng, "float64"), Linear(2, 6, rng, "float64"))
        for array in model.params.values():
            array[:] = 0
        bias = model.params["decoder.bias"]
        bias[:] = np.linspace(-2, 3, 6)
        log_p = (self.binary * bias - np.logaddexp(0, bias)).sum(axis=1)
        for bound in importance_bound(model, self.binary, [1, 3, 30], rng).values():
            np.testing.assert_allclose(bound, log_p, rtol=1e-13)

    def test_approaches_the_likelihood(self) -> None:
        """log p(x) by quadrature over z. E exp(L_k) = p(x) for every k; E L_k rises towards it."""
        model = tiny_vae()
        x = self.binary[:1]
        z = np.linspace(-12, 12, 4001)[:, None]
        cost, _ = bce_with_logits(model.decoder(z)[0], np.repeat(x, len(z), axis=0))
        joint = np.exp(-cost - z[:, 0] ** 2 / 2) / math.sqrt(2 * math.pi)
        log_p = math.log(joint.sum() * (z[1, 0] - z[0, 0]))

        n = 2000
        bounds = importance_bound(
            model, x.repeat(n, axis=0), [1, 4, 16, 64, 256], np.random.default_rng(0)
        )
        gaps = [bound - log_p for bound in bounds.values()]
        for gap in gaps:
            ratio = np.exp(gap)
            assert abs(ratio.mean() - 1) < 4 * ratio.std() / math.sqrt(n)
            assert gap.mean() < 4 * gap.std() / math.sqrt(n)
        means = [gap.mean() for gap in gaps]
        assert means == sorted(means)
        assert means[0] < -1
        assert means[-1] > -0.02

    def test_one_draw_is_the_elbo(self) -> None:
        """With the loss's own draw, L_1 is the reconstruction and one draw of the KL; their means
        agree."""
        model, n = tiny_vae(n_latent=3), 2000
        x = self.binary[:1].repeat(n, axis=0)
        bound = importance_bound(model, x, [1], np.random.default_rng(0))[1]
        eps = np.random.default_rng(0).standard_normal((n, 3))
        terms, _ = model.loss(x, eps)
        mu, logvar = model.encode(x)
        z = mu + np.exp(logvar / 2) * eps
        kl = (eps * eps + logvar - z * z).sum(axis=1) / -2
        np.testing.assert_allclose(bound, -(terms.reconstruction + kl), rtol=1e-12)
        difference = bound + terms.loss
        assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(n)

    @pytest.mark.parametrize("shift", [0, -300])
    @pytest.mark.usefixtures("small_blocks")
    def test_streaming(self, shift: float) -> None:
        """All weights at once, by the definition; also where each of them is below 1e-300."""
        model = tiny_vae(n_latent=3)
        model.params["decoder.2.bias"] += shift
        ks = [20, 1, 5]
        bounds = importance_bound(model, self.binary, ks, np.random.default_rng(4))
        assert list(bounds) == ks
        rng = np.random.default_rng(4)
        for start in range(0, len(self.binary), 7):
            x = self.binary[start : start + 7]
            mu, logvar = model.encode(x)
            z = mu + np.exp(logvar / 2) * rng.standard_normal((20, len(x), 3))
            logits = model.decoder(z.reshape(-1, 3))[0].reshape(20, len(x), 6)
            log_w = (x * logits - np.logaddexp(0, logits)).sum(axis=2) - (z * z).sum(axis=2) / 2
            log_w += ((z - mu) ** 2 / np.exp(logvar) + logvar).sum(axis=2) / 2
            for k in ks:
                largest = log_w[:k].max(axis=0)
                expected = largest + np.log(np.exp(log_w[:k] - largest).mean(axis=0))
                np.testing.assert_allclose(bounds[k][start : start + 7], expected, rtol=1e-12)

    def test_one_call_is_as_good_as_many(self) -> None:
        model = tiny_vae(n_latent=2)
        together = importance_bound(model, self.binary, KS, np.random.default_rng(0))
        for k in KS:
            alone = importance_bound(model, self.binary, [k], np.random.default_rng(0))
            np.testing.assert_array_equal(together[k], alone[k])

    def test_uint8(self) -> None:
        """Pixels are scaled; a float32 model gives float64 bounds."""
        grey = pixels(5, 20, 6)
        model = tiny_vae(n_latent=2, dtype="float32")
        first, second = (
            importance_bound(model, x, [50], np.random.default_rng(0))[50]
            for x in (grey, unit(grey))
        )
        np.testing.assert_array_equal(first, second)
        assert first.dtype == np.float64

    @pytest.mark.usefixtures("small_blocks")
    def test_encodes_each_row_once(self) -> None:
        class Counted(Layer):
            rows = 0

            def __call__(self, x: Any) -> Any:
                self.rows += len(x)
                return super_encoder(x)

        model = tiny_vae()
        super_encoder, model.encoder = model.encoder, Counted()
        importance_bound(model, self.binary, [9], np.random.default_rng(0))
        assert model.encoder.rows == 40

    @pytest.mark.parametrize("ks", [[], [0], [5, -1]])
    def test_no_draws(self, ks: list[int]) -> None:
        with pytest.raises(MinigenError, match="give numbers of draws, at least 1 each"):
            importance_bound(tiny_vae(), self.binary, ks, np.random.default_rng(0))


class TestActiveUnits:
    @pytest.mark.parametrize("offset", [0, 1000])
    def test_threshold(self, offset: float) -> None:
        """Columns offset +- a have variance a^2, over N: 0.0098, 0.0102, 0, 4, 0.0121."""
        spread = np.array([0.099, 0.101, 0, 2, -0.11])
        mu = (offset + np.array([[1], [-1], [-1], [1]]) * spread).astype(np.float32)
        assert active_units(mu) == 3


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
        error = abs(likelihood[0] - likelihood[1]) / 2 / math.sqrt(2)
        assert score.standard_error == pytest.approx(error, rel=1e-12)

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
        lambda progress: importance_bound(
            tiny_vae(), np.zeros((20, 6)), [1, 4], np.random.default_rng(0), progress
        ),
        lambda progress: parzen_score(
            np.zeros((3, 2)), np.ones((9, 2)), np.ones((20, 2)), progress
        ),
        lambda progress: nearest_neighbour_distances(np.zeros((3, 2)), np.ones((20, 2)), progress),
    ],
    ids=["importance_bound", "parzen_score", "nearest_neighbours"],
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
