"""The linear models on MNIST, where the optimum is known: PCA, and probabilistic PCA.

A mean of quadratic functions sees only the mean and the covariance of what it is taken over. So the
60,000 images are replaced, exactly, by two points on each principal axis (`sigma_points`), and the
noise of a reparameterized draw likewise: everything here is minigen's own forward and backward pass
on 1,600 rows, without sampling.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from minigen.data import load
from minigen.gaussian import kl_to_standard_normal, log_normal, reparameterize
from minigen.layers import Linear, Params, prefixed
from minigen.models.autoencoder import Autoencoder
from minigen.models.vae import VAE
from minigen.optim import SGD

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


def moments(pixels: np.ndarray) -> Moments:
    """Of pixels in [0, 1], over N."""
    n, width = pixels.shape
    products = np.zeros((width, width))
    for start in range(0, n, BLOCK):
        block = pixels[start : start + BLOCK].astype(np.float32)
        products += block.T @ block
    mean = pixels.mean(axis=0) / 255
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


@pytest.fixture
def tiny(rng: Rng) -> Moments:
    """Six dimensions, for what needs many steps."""
    root = rng.standard_normal((6, 6))
    return Moments.of(rng.standard_normal(6), root @ root.T / 6)


def largest(gradients: Params) -> float:
    return max(float(np.abs(gradient).max()) for gradient in gradients.values())


class TestSigmaPoints:
    def test_moments(self, mnist: MNIST, rng: Rng) -> None:
        """They have the mean and the covariance of the images, and no noise comes with them."""
        x, eps = sigma_points(mnist.train, 3)
        np.testing.assert_allclose(x.mean(axis=0), mnist.train.mean, atol=1e-13)
        centred = x - mnist.train.mean
        np.testing.assert_allclose(centred.T @ centred / len(x), mnist.train.covariance, atol=1e-13)
        np.testing.assert_allclose(eps.T @ eps / len(x), np.eye(3), atol=1e-13)
        assert not (centred.T @ eps).any()

    def test_an_error_of_the_images(self, mnist: MNIST, rng: Rng) -> None:
        """Any linear autoencoder loses on the points what it loses on the images themselves."""
        images = load("mnist").test / 255
        model = Autoencoder.mlp(784, (), 3, rng, dtype="float64")
        points, _ = sigma_points(mnist.test)
        expected = model.loss(images, images)[0].mean()
        assert model.loss(points, points)[0].mean() == pytest.approx(expected, rel=1e-12)


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
        [(2, 43.8669, 43.6449), (10, 26.9873, 26.7139), (20, 18.7922, 18.4539)],
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
        """Axis 5 in place of axis 0 is stationary too. The way down is a turn towards axis 0: an
        angle a gives back sin(a)^2 of what the exchange has cost.
        """
        variances, axes = mnist.train.variances, mnist.train.axes
        cost = variances[0] - variances[5]
        floor = variances[2:].sum()
        for angle in (0.0, 1e-3, 0.7):
            turned = math.cos(angle) * axes[:, 5] + math.sin(angle) * axes[:, 0]
            model = projection(mnist.train, np.column_stack([turned, axes[:, 1]]))
            loss, gradients = error(model, mnist.train)
            expected = floor + variances[1:2].sum() * 0 + cost * math.cos(angle) ** 2
            assert loss == pytest.approx(expected + 0, rel=1e-12)
            assert (largest(gradients) < 1e-11) == (angle == 0)

    def test_descent(self, tiny: Moments) -> None:
        """No other minimum to fall into: from random weights, momentum ends at PCA's error."""
        model = Autoencoder.mlp(6, (), 2, np.random.default_rng(1), dtype="float64")
        optimizer = SGD(model.params, lr=0.02, momentum=0.9)
        for _ in range(1500):
            optimizer.step(error(model, tiny)[1])
        assert error(model, tiny)[0] == pytest.approx(tiny.variances[2:].sum(), rel=1e-12)
