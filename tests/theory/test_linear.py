"""The linear models on MNIST, where the optimum is known: PCA, and probabilistic PCA.

A mean of quadratic functions sees only the mean and the covariance of what it is taken over. So the
60,000 images are replaced, exactly, by two points on each principal axis (`sigma_points`), and the
noise of a reparameterized draw likewise: everything here is minigen's own forward and backward pass
on 1,600 rows, without sampling.
"""

import math
from typing import NamedTuple

import numpy as np
import pytest

from minigen.data import load
from minigen.models.autoencoder import Autoencoder
from minigen.models.likelihoods import Gaussian
from minigen.models.vae import VAE
from minigen.nn.layers import Linear
from minigen.nn.module import Params
from minigen.nn.optim import SGD
from tests.helpers import pixels

Rng = np.random.Generator
BLOCK = 258  # rows of bytes whose products sum to less than 2^24: exact in float32


class Moments(NamedTuple):
    """Mean and covariance of rows, and the covariance's eigenvalues, largest first, and axes."""

    mean: np.ndarray
    covariance: np.ndarray
    variances: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, covariance: np.ndarray) -> "Moments":
        ascending, axes = np.linalg.eigh(covariance)
        return cls(mean, covariance, ascending[::-1].clip(min=0), axes[:, ::-1])


def moments(rows: np.ndarray) -> Moments:
    """Of rows of bytes as pixels in [0, 1], over N."""
    n, width = rows.shape
    products = np.zeros((width, width))
    for start in range(0, n, BLOCK):
        block = rows[start : start + BLOCK].astype(np.float32)
        products += block.T @ block
    mean = rows.mean(axis=0) / 255
    return Moments.of(mean, products / (255**2 * n) - np.outer(mean, mean))


def sigma_points(data: Moments, n_noise: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows x and eps whose joint mean and covariance over N are those of data and of N(0, 1).

    With K = D + n_noise directions, each is visited at +-sqrt(K) of its standard deviations.
    """
    root = np.zeros((len(data.mean) + n_noise,) * 2)
    root[: len(data.mean), : len(data.mean)] = (data.axes * np.sqrt(data.variances)).T
    np.fill_diagonal(root[len(data.mean) :, len(data.mean) :], 1)
    points = math.sqrt(len(root)) * np.concatenate([root, -root])
    return data.mean + points[:, : len(data.mean)], points[:, len(data.mean) :]


class MNIST(NamedTuple):
    train: Moments
    test: Moments


@pytest.fixture(scope="module")
def mnist() -> MNIST:
    rows = load("mnist")
    return MNIST(moments(rows.train), moments(rows.test))


def largest(gradients: Params) -> float:
    return max(float(np.abs(gradient).max()) for gradient in gradients.values())


class TestSigmaPoints:
    def test_moments(self, mnist: MNIST) -> None:
        """They have the mean and the covariance of the images, and no noise comes with them."""
        x, eps = sigma_points(mnist.train, 3)
        np.testing.assert_allclose(x.mean(axis=0), mnist.train.mean, atol=1e-13)
        centred = x - mnist.train.mean
        np.testing.assert_allclose(centred.T @ centred / len(x), mnist.train.covariance, atol=1e-13)
        np.testing.assert_allclose(eps.T @ eps / len(x), np.eye(3), atol=1e-13)
        assert not (centred.T @ eps).any()

    def test_stand_for_the_rows(self, rng: Rng) -> None:
        """Any linear autoencoder loses on the points what it loses on the rows themselves."""
        rows = pixels(0, 600, 30)
        x, _ = sigma_points(moments(rows))
        model = Autoencoder.mlp(30, (), 3, rng, dtype="float64")
        expected = model.loss(rows / 255, rows / 255)[0].mean()
        assert model.loss(x, x)[0].mean() == pytest.approx(expected, rel=1e-12)


def projection(data: Moments, kept: np.ndarray) -> Autoencoder:
    """z = (x - mean) kept, x' = mean + z kept^T."""
    width, n_latent = kept.shape
    model = Autoencoder.mlp(width, (), n_latent, np.random.default_rng(0), dtype="float64")
    return model.with_params(
        {
            "encoder.0.weight": kept,
            "encoder.0.bias": -data.mean @ kept,
            "decoder.0.weight": kept.T,
            "decoder.0.bias": data.mean,
        }
    )


def error(model: Autoencoder, data: Moments) -> tuple[float, Params]:
    """The mean squared error of an image, and its gradient."""
    x, _ = sigma_points(data)
    loss, backward = model.loss(x, x)
    return float(loss.mean()), backward()


class TestAutoencoder:
    """Baldi and Hornik 1989: PCA is the minimum, there is no other, and the rest are saddles."""

    @pytest.mark.parametrize(
        ("n", "on_train", "on_test"),
        [
            (2, 43.8669, 43.6449),
            (10, 26.9873, 26.7139),
            (20, 18.7922, 18.4539),
            (32, 13.5184, 13.1933),
            (50, 9.2455, 9.0043),
        ],
    )
    def test_pca(self, n: int, on_train: float, on_test: float, mnist: MNIST) -> None:
        """At PCA's weights the error is the published one, and the gradient vanishes."""
        model = projection(mnist.train, mnist.train.axes[:, :n])
        loss, gradients = error(model, mnist.train)
        assert round(loss, 4) == on_train
        assert loss == pytest.approx(mnist.train.variances[n:].sum(), rel=1e-12)
        assert round(error(model, mnist.test)[0], 4) == on_test
        assert largest(gradients) < 1e-11

    def test_a_change_of_basis_of_the_code(self, mnist: MNIST, rng: Rng) -> None:
        """The optimum is a subspace: encoder A C and decoder C^-1 A^T are as good, for any C."""
        model = projection(mnist.train, mnist.train.axes[:, :20])
        C = rng.standard_normal((20, 20))
        params = dict(model.params)
        for name in ("encoder.0.weight", "encoder.0.bias"):
            params[name] = params[name] @ C
        params["decoder.0.weight"] = np.linalg.solve(C, params["decoder.0.weight"])
        loss, gradients = error(model.with_params(params), mnist.train)
        assert round(loss, 4) == 18.7922
        assert largest(gradients) < 1e-9

    @pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0])
    def test_never_below(self, size: float, mnist: MNIST, rng: Rng) -> None:
        """No random step away from PCA lowers the error."""
        model = projection(mnist.train, mnist.train.axes[:, :20])
        floor, _ = error(model, mnist.train)
        for _ in range(3):
            moved = {
                name: array + size * rng.standard_normal(array.shape)
                for name, array in model.params.items()
            }
            assert error(model.with_params(moved), mnist.train)[0] > floor

    def test_saddle(self, mnist: MNIST) -> None:
        """Axis 5 in place of axis 0 is stationary too, and no minimum: turned towards axis 0 by an
        angle a, it gives back sin(a)^2 of what the exchange has cost.
        """
        variances, axes = mnist.train.variances, mnist.train.axes
        for angle in (0.0, 1e-3, 0.7):
            turned = math.cos(angle) * axes[:, 5] + math.sin(angle) * axes[:, 0]
            model = projection(mnist.train, np.column_stack([turned, axes[:, 1]]))
            loss, gradients = error(model, mnist.train)
            cost = math.cos(angle) ** 2 * (variances[0] - variances[5])
            assert loss == pytest.approx(variances[2:].sum() + cost, rel=1e-12)
            assert (largest(gradients) < 1e-11) == (angle == 0)

    def test_descent(self, rng: Rng) -> None:
        """No other minimum to fall into: from random weights, momentum ends at PCA's error."""
        axes, _ = np.linalg.qr(rng.standard_normal((6, 6)))
        variances = np.array([3.0, 2.0, 0.7, 0.4, 0.2, 0.1])
        data = Moments(rng.standard_normal(6), (axes * variances) @ axes.T, variances, axes)
        model = Autoencoder.mlp(6, (), 2, rng, dtype="float64")
        optimizer = SGD(model.params, lr=0.02, momentum=0.9)
        for _ in range(1000):
            optimizer.step(error(model, data)[1])
        assert error(model, data)[0] == pytest.approx(0.7 + 0.4 + 0.2 + 0.1, rel=1e-12)


def precision(w: np.ndarray, variance: float) -> np.ndarray:
    """M = W^T W + sigma^2 (Z, Z): sigma^2 M^-1 is the covariance of p(z | x)."""
    return np.asarray(w.T @ w + variance * np.eye(w.shape[1]))


class LinearVAE(NamedTuple):
    """p(x | z) = N(W z + mean, sigma^2), q(z | x) = N(V (x - mean), d): a VAE of two Linear layers
    with a Gaussian likelihood.
    """

    vae: VAE

    @classmethod
    def best(cls, w: np.ndarray, mean: np.ndarray, variance: float) -> "LinearVAE":
        """The best q for this p: V = M^-1 W^T, d = sigma^2 / diag M (Lucas et al. 2019)."""
        width, n_latent = w.shape
        M = precision(w, variance)
        V = np.linalg.solve(M, w.T)
        rng = np.random.default_rng(0)
        layers = Linear(width, 2 * n_latent, rng), Linear(n_latent, width, rng)
        params = {
            "encoder.weight": np.hstack([V.T, np.zeros_like(w)]),
            "encoder.bias": np.concatenate([-V @ mean, np.log(variance / M.diagonal())]),
            "decoder.weight": w.T,
            "decoder.bias": mean,
            "likelihood.logvar": np.log([variance]),
        }
        return cls(VAE(*layers, Gaussian()).with_params(params))

    @classmethod
    def ppca(cls, data: Moments, n_latent: int) -> "LinearVAE":
        """Tipping and Bishop 1999: W = U (L - sigma^2)^(1/2), sigma^2 the mean of what is left."""
        variance = data.variances[n_latent:].mean()
        w = data.axes[:, :n_latent] * np.sqrt(data.variances[:n_latent] - variance)
        return cls.best(w, data.mean, variance)

    @property
    def w(self) -> np.ndarray:
        return np.asarray(self.vae.params["decoder.weight"].T)

    @property
    def variance(self) -> float:
        return float(np.exp(self.vae.params["likelihood.logvar"][0]))

    @property
    def gap(self) -> float:
        """log p(x) - ELBO at the best q: (sum log M_ii - log det M) / 2, by Hadamard at least 0."""
        M = precision(self.w, self.variance)
        return float(np.log(M.diagonal()).sum() - np.linalg.slogdet(M)[1]) / 2

    def elbo(self, data: Moments) -> tuple[float, Params]:
        """E_q[log p(x | z)] - KL(q(z | x) || p(z)) of an image, and the gradient of its negative,
        each by the VAE's own passes.
        """
        values, backward = self.vae.loss(*sigma_points(data, self.vae.n_latent))
        return -float(values.loss.mean()), backward()

    def log_likelihood(self, data: Moments) -> float:
        """log p(x) of an image, p(x) = N(mean, W W^T + sigma^2): z integrated out."""
        x, _ = sigma_points(data)
        centred = x - self.vae.params["decoder.bias"]
        covariance = self.w @ self.w.T + self.variance * np.eye(len(self.w))
        distance = (centred * np.linalg.solve(covariance, centred.T).T).sum(axis=1).mean()
        log_det = np.linalg.slogdet(covariance)[1]
        return float(-(len(self.w) * math.log(2 * math.pi) + log_det + distance) / 2)


class TestVAE:
    """Lucas et al. 2019: the linear VAE's bound is tight at probabilistic PCA."""

    @pytest.mark.parametrize(
        ("n", "on_train", "on_test"),
        [
            (2, 12.428, 14.360),
            (10, 182.155, 186.024),
            (20, 299.758, 306.549),
            (32, 400.433, 409.415),
            (50, 507.905, 517.603),
        ],
    )
    def test_ppca(self, n: int, on_train: float, on_test: float, mnist: MNIST) -> None:
        """At pPCA the ELBO is the published log likelihood, and every gradient vanishes, that of
        sigma^2 among them.
        """
        model = LinearVAE.ppca(mnist.train, n)
        elbo, gradients = model.elbo(mnist.train)
        assert round(elbo, 3) == on_train
        assert largest(gradients) < 1e-9
        assert round(model.elbo(mnist.test)[0], 3) == on_test

    def test_rotated(self, mnist: MNIST, rng: Rng) -> None:
        """A rotation of z leaves log p(x) as it was. But then W's columns are not orthogonal, a
        diagonal q cannot follow, and the ELBO falls by (sum log M_ii - log det M) / 2 exactly.
        """
        ppca = LinearVAE.ppca(mnist.train, 20)
        R, _ = np.linalg.qr(rng.standard_normal((20, 20)))
        model = LinearVAE.best(ppca.w @ R, mnist.train.mean, ppca.variance)
        assert model.gap > 1
        assert round(model.log_likelihood(mnist.train), 3) == 299.758
        assert model.elbo(mnist.train)[0] == pytest.approx(299.758 - model.gap, abs=5e-4)

    def test_any_decoder(self, mnist: MNIST, rng: Rng) -> None:
        """The same gap for any W and sigma^2, on images that the model was not made for; and q is
        the best: its gradient vanishes, while that of p does not.
        """
        model = LinearVAE.best(rng.standard_normal((784, 5)) / 20, mnist.train.mean, 0.06)
        for images in mnist:
            expected = model.log_likelihood(images) - model.gap
            assert model.elbo(images)[0] == pytest.approx(expected, rel=1e-12)
        _, gradients = model.elbo(mnist.train)
        of_q = {name: gradients.pop(name) for name in list(gradients) if "encoder" in name}
        assert largest(of_q) < 1e-9
        assert largest(gradients) > 1

    @pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0])
    def test_never_above(self, size: float, mnist: MNIST, rng: Rng) -> None:
        """No step of q away from its optimum, and none of p, raises the bound."""
        model = LinearVAE.ppca(mnist.train, 20)
        top, _ = model.elbo(mnist.train)
        for part in ("encoder.bias", "decoder.bias", "decoder.weight", "likelihood.logvar"):
            array = model.vae.params[part]
            moved = array + size * rng.standard_normal(array.shape)
            vae = model.vae.with_params({**model.vae.params, part: moved})
            assert LinearVAE(vae).elbo(mnist.train)[0] < top

    def test_descent(self, rng: Rng) -> None:
        """From random weights and sigma = 1, momentum ends at the sigma^2 of pPCA and at its
        likelihood.
        """
        axes, _ = np.linalg.qr(rng.standard_normal((4, 4)))
        variances = np.array([3.0, 0.4, 0.3, 0.2])
        data = Moments(rng.standard_normal(4), (axes * variances) @ axes.T, variances, axes)
        vae = VAE.mlp(4, (), 1, rng, dtype="float64", likelihood=Gaussian(dtype="float64"))
        optimizer = SGD(vae.params, lr=0.02, momentum=0.98)
        x, eps = sigma_points(data, 1)
        for _ in range(4_000):
            _, backward = vae.loss(x, eps)
            optimizer.step(backward())
        found, best = LinearVAE(vae), LinearVAE.ppca(data, 1)
        assert found.variance == pytest.approx(variances[1:].mean(), rel=1e-9)
        assert found.elbo(data)[0] == pytest.approx(best.log_likelihood(data), rel=1e-12)
