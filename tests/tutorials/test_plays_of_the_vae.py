"""The figures of page 6 that answer: a trained decoder, and the law of the linear VAE.

python -m pytest -m browser tests/tutorials/test_plays_of_the_vae.py     # and Chromium
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.data import load, scaled
from minigen.models.likelihoods import Gaussian
from minigen.models.vae import VAE
from minigen.nn.gaussian import kl_to_standard_normal
from minigen.nn.layers import Linear, sigmoid
from tests.tutorials.stage import agree, computed, opened
from tests.workshop.browser import Tab
from tutorials.scripts import FOLDER

pytestmark = pytest.mark.browser


def data(module: str) -> Any:
    """The numbers that are stored in a module of one line."""
    text = (FOLDER / "plays" / f"{module}.js").read_text("utf-8")
    return json.loads(text[text.index("{") : text.rindex(";")])


def numbers(text: str, dtype: str) -> Any:
    return np.frombuffer(base64.b64decode(text), dtype).astype(np.float64)


def test_the_data_of_the_page_are_small() -> None:
    stored = [FOLDER / "plays" / name for name in ("manifold.js", "directions.js")]
    assert sum(file.stat().st_size for file in stored) <= 600_000


def test_decoder_under_the_pointer(tab: Tab, tmp_path: Path) -> None:
    """The stored layers, in NumPy; and they draw digits."""
    opened(tab, "vae-manifold", tmp_path)
    codes = np.random.default_rng(0).standard_normal((20, 2))
    value = codes
    for layer in data("manifold")["decoder"]:
        if layer["kind"] == "Linear":
            bias = numbers(layer["bias"], "float32")
            levels = numbers(layer["levels"], "int8").reshape(-1, len(bias))
            value = value @ (levels * numbers(layer["step"], "float32")) + bias
        else:
            value = np.maximum(value, 0)
    for code, expected in zip(codes, sigmoid(value), strict=True):
        agree(computed(tab, "vae-manifold", "decode", code.tolist()), expected)
        assert 20 < expected.sum() < 300  # MNIST's images hold 103 in the mean


def linear_vae(encoder: Any, logvar: Any, decoder: Any, mean: Any, s2: float) -> VAE:
    """mu = (x - mean) @ encoder, and x = z @ decoder + mean."""
    n_latent, n_data = decoder.shape
    rng = np.random.default_rng(0)
    layers = Linear(n_data, 2 * n_latent, rng, "float64"), Linear(n_latent, n_data, rng, "float64")
    return VAE(*layers, Gaussian(dtype="float64")).with_params(
        {
            "encoder.weight": np.hstack([encoder, 0 * encoder]),
            "encoder.bias": np.append(-mean @ encoder, logvar),
            "decoder.weight": decoder,
            "decoder.bias": mean,
            "likelihood.logvar": np.log([s2]),
        }
    )


@pytest.mark.parametrize("beta", [0.5, 1.0, 8.0, 32.0, 100.0, 256.0])
def test_water(beta: float, tab: Tab, tmp_path: Path) -> None:
    """The units are an optimum of minigen's VAE, and cost there what the play says.

    What is averaged is quadratic in (x, eps), so points with their mean and covariance stand for
    all images and all noise.
    """
    opened(tab, "vae-water", tmp_path)
    stored = data("directions")
    variances, s2 = np.array(stored["variances"]), stored["rest"]
    units = computed(tab, "vae-water", "units", beta)
    w, a, v, kl, error = (np.array([one[name] for one in units]) for name in units[0])
    vae = linear_vae(np.diag(a), np.log(v), np.diag(w), np.zeros(20), s2)
    corners = np.sqrt(40) * np.concatenate([np.eye(40), -np.eye(40)])
    x, eps = corners[:, :20] * np.sqrt(variances), corners[:, 20:]
    terms, backward = vae.loss(x, eps, beta)
    grads = backward()
    del grads["likelihood.logvar"]  # s^2 is held
    assert max(np.abs(grad).max() for grad in grads.values()) < 1e-12 * beta / s2
    mu, logvar = vae.encode(x)
    agree([kl_to_standard_normal(mu[:, [i]], logvar[:, [i]])[0].mean() for i in range(20)], kl)
    agree(terms.kl.mean(), kl.sum())
    agree(terms.reconstruction.mean(), 10 * np.log(2 * np.pi * s2) + error.sum() / (2 * s2))
    level = beta * s2
    np.testing.assert_array_equal(w > 0, variances > level)
    agree(kl, np.log(np.maximum(variances / level, 1)) / 2)  # (D5.4)
    agree(error, np.minimum(variances, level))

    mean = numbers(stored["mean"], "float32")
    levels = numbers(stored["levels"], "int8").reshape(20, 784)
    directions = levels * numbers(stored["step"], "float32")[:, None]
    images = numbers(stored["images"], "uint8").reshape(10, 784) / 255
    whole = linear_vae(directions.T * a, np.log(v), w[:, None] * directions, mean, s2)
    decoded = whole.decode(whole.encode(images)[0])
    for digit in range(10):
        agree(computed(tab, "vae-water", "restored", digit, beta), decoded[digit])


def test_directions_are_those_of_the_digits() -> None:
    """Rounded to int8, they stay orthonormal and carry their variances to a hundredth."""
    stored = data("directions")
    levels = numbers(stored["levels"], "int8").reshape(20, 784)
    directions = levels * numbers(stored["step"], "float32")[:, None]
    np.testing.assert_allclose(directions @ directions.T, np.eye(20), atol=1e-2)
    covariance = np.cov(scaled(load("mnist").train[:6_000]), rowvar=False, ddof=0)
    carried = np.diag(directions @ covariance @ directions.T)
    np.testing.assert_allclose(carried, stored["variances"], rtol=1e-2)
    whole = sum(stored["variances"]) + 764 * stored["rest"]
    np.testing.assert_allclose(whole, np.trace(covariance), rtol=1e-9)
