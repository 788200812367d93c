"""What judges models: against closed forms, quadrature, brute force and published numbers."""

import math
from typing import Any

import numpy as np
import pytest

from minigen.data import load
from minigen.errors import MinigenError
from minigen.metrics import bounds as metrics
from minigen.metrics.bounds import active_units, importance_bound, pca_error, principal_variances
from minigen.models.vae import VAE
from minigen.nn.layers import Layer, Linear
from minigen.nn.losses import bce_with_logits
from tests.helpers import pixels, unit

KS = [1, 10, 100, 1000]


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

    def test_float64_rows_keep_their_digits(self) -> None:
        rows = np.random.default_rng(0).standard_normal((200, 3))
        expected = pca_error(rows, rows, 1)
        assert pca_error(1e8 + rows, 1e8 + rows, 1) == pytest.approx(expected, rel=1e-6)

    def test_what_is_nothing_is_not_below_nothing(self) -> None:
        rows = np.random.default_rng(0).standard_normal((5, 40))
        assert pca_error(rows, rows, 5)[0] >= 0
        assert (np.array(principal_variances(rows, rows)) >= 0).all()

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

    @pytest.mark.fault("caller's arrays")
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
    model = VAE.mlp(6, [5], n_latent, np.random.default_rng(2), dtype=dtype)
    for name in ("decoder.0.weight", "decoder.2.weight"):
        model.params[name] *= 3
    model.params["encoder.2.bias"][n_latent:] += 1
    return model


class TestPixelEntropy:
    def test_mnist(self) -> None:
        """No model of grey pixels as Bernoulli targets goes below 45.53 nats on the test images."""
        assert metrics.pixel_entropy(load("mnist").test) == pytest.approx(45.53, abs=0.005)

    def test_by_hand(self) -> None:
        assert metrics.pixel_entropy(np.array([[0.0, 1.0], [0.5, 0.5]])) == pytest.approx(
            math.log(2), rel=1e-14
        )

    @pytest.mark.parametrize("value", [-0.1, 1.5, math.nan])
    def test_of_what_is_no_grey_value(self, value: float) -> None:
        rows = np.full((400, 2), 0.5)
        rows[-1, -1] = value
        with pytest.raises(MinigenError, match=r"rows: values from "):
            metrics.pixel_entropy(rows)


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


@pytest.mark.usefixtures("small_blocks")
def test_progress() -> None:
    """Rises, in three steps at least, and ends at 1."""
    parts: list[float] = []
    rng = np.random.default_rng(0)
    importance_bound(tiny_vae(), np.zeros((20, 6)), [1, 4], rng, parts.append)
    assert parts == sorted(set(parts))
    assert len(parts) >= 3
    assert parts[0] > 0
    assert parts[-1] == 1
