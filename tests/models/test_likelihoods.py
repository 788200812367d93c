"""Likelihoods of a VAE: the density that they say, its best variance, and draws of it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigen as mg
from minigen.data import load
from minigen.errors import MinigenError
from minigen.metrics.bounds import importance_bound
from minigen.models.likelihoods import Bernoulli, Gaussian
from minigen.models.vae import VAE
from minigen.nn.layers import sigmoid
from minigen.nn.losses import bce_with_logits
from minigen.training import prepare

Rng = np.random.Generator


def test_bernoulli_is_the_cross_entropy_on_logits(rng: Rng) -> None:
    logits, x = rng.standard_normal((4, 6)), rng.random((4, 6))
    loss, backward = Bernoulli()(logits, x)
    expected, expected_backward = bce_with_logits(logits, x)
    np.testing.assert_array_equal(loss, expected)
    dlogits, grads = backward(np.arange(4.0))
    np.testing.assert_array_equal(dlogits, expected_backward(np.arange(4.0)))
    assert grads == {}
    np.testing.assert_array_equal(Bernoulli().mean(logits), sigmoid(logits))
    np.testing.assert_array_equal(Bernoulli().draw(logits, rng), sigmoid(logits))


def test_gaussian_is_the_density_in_nats(rng: Rng) -> None:
    outputs, x = rng.standard_normal((2, 4, 3))
    loss, _ = Gaussian(math.log(0.25), "float64")(outputs, x)
    by_hand = 3 / 2 * math.log(2 * math.pi * 0.25) + ((x - outputs) ** 2).sum(axis=1) / 0.5
    np.testing.assert_allclose(loss, by_hand, rtol=1e-14)


def test_the_best_variance_is_the_mean_squared_error(rng: Rng) -> None:
    outputs, x = rng.standard_normal((2, 50, 3))
    best = ((x - outputs) ** 2).mean()
    losses = []
    for factor in (0.99, 1.0, 1.01):
        loss, backward = Gaussian(math.log(factor * best), "float64")(outputs, x)
        losses.append(loss.mean())
        slope = float(backward(np.full(50, 1 / 50))[1]["logvar"][0])
        assert slope == pytest.approx(1.5 * (1 - 1 / factor), abs=1e-12)
    assert losses[1] == min(losses)


def test_draws_scatter_about_the_mean(rng: Rng) -> None:
    likelihood = Gaussian(math.log(0.04), "float64")
    draws = likelihood.draw(np.full((20_000, 2), 3.0), rng)
    np.testing.assert_allclose(draws.mean(axis=0), 3, atol=0.01)
    np.testing.assert_allclose(draws.std(axis=0), 0.2, atol=0.005)


def entrances(vae: VAE, x: np.ndarray, eps: np.ndarray) -> dict[str, Callable[[], Any]]:
    return {
        "loss": lambda: vae.loss(x, eps),
        "importance_weighted_loss": lambda: vae.importance_weighted_loss(x, eps[:, None]),
        "log_weights": lambda: vae.log_weights(x, *vae.encode(x), eps),
        "importance_bound": lambda: importance_bound(vae, x, [1], np.random.default_rng(0)),
    }


@pytest.mark.parametrize("entrance", entrances(*[None] * 3))  # type: ignore[arg-type]
def test_only_a_bernoulli_asks_for_values_from_0_to_1(entrance: str, rng: Rng) -> None:
    """As the docstrings say of x."""
    x, eps = 3 * rng.standard_normal((4, 6)), rng.standard_normal((4, 2))
    bernoulli = VAE.mlp(6, [5], 2, rng, dtype="float64")
    gaussian = VAE(bernoulli.encoder, bernoulli.decoder, Gaussian(0.0, "float64"))
    entrances(gaussian, x, eps)[entrance]()
    with pytest.raises(MinigenError, match=r"target: values from -.* in \[0, 1\]"):
        entrances(bernoulli, x, eps)[entrance]()
    described = importance_bound if entrance == "importance_bound" else getattr(VAE, entrance)
    assert "x: (N, D), in [0, 1] for a Bernoulli likelihood." in str(described.__doc__)


# In training


def gaussian_run(name: str, **options: Any) -> mg.Run:
    small: dict[str, Any] = {"hidden": (16,), "latent_dim": 1, "likelihood": "gaussian"}
    return prepare(mg.VAEOptions(**(small | options)), load(name))


def test_it_begins_at_a_tenth_of_the_rows_variance() -> None:
    run = gaussian_run("grid")
    variance = run.dataset.train.var(axis=0, dtype=np.float64).mean()
    begun = np.exp(run.model.params["likelihood.logvar"])
    np.testing.assert_allclose(begun, 0.1 * variance, rtol=1e-5)


def test_rows_that_never_vary_have_a_variance_to_begin_with() -> None:
    rows = np.full((40, 3), 0.7, np.float32)
    options = mg.VAEOptions(likelihood="gaussian", hidden=(4,), latent_dim=1, epochs=1)
    run = mg.fit(options, mg.Dataset.of(rows), progress=False)
    assert np.isfinite(run.history[-1].test["loss"])


def test_samples_are_drawn_and_codes_decode_to_means() -> None:
    run = gaussian_run("ring")
    run.model.params["likelihood.logvar"][...] = math.log(4.0)
    codes = np.zeros((4_000, 1), np.float32)
    assert np.ptp(run.decode(codes), axis=0).max() < 1e-6
    drawn = run.trainer.draw(codes, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.std(axis=0), 2, rtol=0.1)
    assert run.sample(4_000).std() > 1.5


def test_a_loss_below_zero_is_explained() -> None:
    assert "below 0 where a density is above 1" in gaussian_run("ring").trainer.units
    bernoulli = prepare(mg.VAEOptions(), load("mnist")).trainer
    assert bernoulli.units == "loss = reconstruction + KL, nats per example"


def test_glorot_starts_from_the_mean_row() -> None:
    run = gaussian_run("grid", init="glorot")
    bias = run.model.decoder.params["2.bias"]
    np.testing.assert_allclose(bias, run.dataset.train.mean(axis=0), atol=1e-5)


def test_drawn_pixels_have_no_gaussian_likelihood() -> None:
    with pytest.raises(MinigenError, match="binarize with the likelihood gaussian"):
        mg.VAEOptions(likelihood="gaussian", binarize=True)


def test_the_bound_of_many_draws_reaches_the_exact_likelihood(rng: Rng) -> None:
    """A linear decoder without a hidden layer: p(x) is a Gaussian that is known."""
    from minigen.metrics.bounds import importance_bound

    vae = VAE.mlp(3, (), 1, rng, dtype="float64", likelihood=Gaussian(-1.0, "float64"))
    x = rng.standard_normal((5, 3))
    w, b = vae.decoder.params["0.weight"], vae.decoder.params["0.bias"]
    covariance = w.T @ w + math.exp(-1.0) * np.eye(3)
    centred = x - b
    distance = (centred * np.linalg.solve(covariance, centred.T).T).sum(axis=1)
    log_p = -(3 * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] + distance) / 2
    (bound,) = importance_bound(vae, x, [20_000], rng).values()
    np.testing.assert_allclose(bound, log_p, atol=0.02)
