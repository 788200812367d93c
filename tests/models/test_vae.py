"""The VAE: its whole gradient, and that the terms are wired as the formula says."""

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.gradcheck import check_params
from minigen.models.vae import VAE
from minigen.nn.gaussian import kl_to_standard_normal
from minigen.nn.layers import Linear, Sequential
from minigen.nn.losses import bce_with_logits

Rng = np.random.Generator


def batch(rng: Rng, n: int = 4) -> tuple[VAE, np.ndarray, np.ndarray]:
    model = VAE.mlp(6, (5,), 2, rng, dtype="float64")
    return model, rng.random((n, 6)), rng.standard_normal((n, 2))


@pytest.mark.parametrize("beta", [1.0, 0.0, 3.5])
def test_gradient_of_the_whole_model(beta: float, rng: Rng) -> None:
    model, x, eps = batch(rng)
    report = check_params(lambda vae: vae.loss(x, eps, beta), model)
    assert report.ok, report
    assert len(report.comparisons) == 2 * len(model.params) == 16


def test_loss_is_reconstruction_plus_beta_kl(rng: Rng) -> None:
    model, x, eps = batch(rng)
    terms, _ = model.loss(x, eps, beta=2.5)
    mu, logvar = model.encode(x)
    logits, _ = model.decoder(mu + np.exp(logvar / 2) * eps)
    np.testing.assert_allclose(terms.reconstruction, bce_with_logits(logits, x)[0], rtol=1e-14)
    np.testing.assert_allclose(terms.kl, kl_to_standard_normal(mu, logvar)[0], rtol=1e-14)
    np.testing.assert_allclose(terms.loss, terms.reconstruction + 2.5 * terms.kl, rtol=1e-14)


def test_mu_is_the_first_half_of_what_the_encoder_gives(rng: Rng) -> None:
    model, x, _ = batch(rng)
    encoded, _ = model.encoder(x)
    mu, logvar = model.encode(x)
    np.testing.assert_array_equal(np.hstack([mu, logvar]), encoded)


def test_gradient_is_the_reconstructions_plus_beta_times_the_kls(rng: Rng) -> None:
    model, x, eps = batch(rng)
    at = {beta: model.loss(x, eps, beta)[1]() for beta in (0.0, 1.0, 4.0)}
    for name in model.params:
        kl = at[1.0][name] - at[0.0][name]
        np.testing.assert_allclose(at[4.0][name], at[0.0][name] + 4 * kl, rtol=1e-10, atol=1e-14)
        assert kl.any() == name.startswith("encoder")


def test_splitting_a_batch_averages_its_gradients(rng: Rng) -> None:
    model, x, eps = batch(rng, n=6)
    whole = model.loss(x, eps)[1]()
    parts = [model.loss(x[rows], eps[rows])[1]() for rows in (slice(0, 3), slice(3, 6))]
    for name in whole:
        np.testing.assert_allclose(whole[name], (parts[0][name] + parts[1][name]) / 2, rtol=1e-11)


def test_weights_of_examples_choose_among_them(rng: Rng) -> None:
    model, x, eps = batch(rng)
    weighted = model.loss(x, eps)[1](np.array([0.0, 2.0, 0.0, 0.0]))
    alone = model.loss(x[1:2], eps[1:2])[1]()
    for name in alone:
        np.testing.assert_allclose(weighted[name], 2 * alone[name], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("beta", [0.5, np.float64(0.5)])
def test_float32_stays_float32(beta: float, rng: Rng) -> None:
    model = VAE.mlp(6, (5,), 2, rng)
    terms, backward = model.loss(
        rng.random((3, 6), dtype=np.float32), rng.standard_normal((3, 2), dtype=np.float32), beta
    )
    gradients = backward()
    assert {a.dtype for a in [*terms, *gradients.values()]} == {np.dtype("float32")}
    assert gradients.keys() == model.params.keys()


@pytest.mark.parametrize("k", [None, 1, 3])
def test_noise_of_another_dtype_is_that_of_the_model(k: int | None, rng: Rng) -> None:
    """A generator draws float64 unless it is told; noise has no gradient, as a target has none."""
    model, x = VAE.mlp(6, (5,), 2, rng), rng.random((3, 6), dtype=np.float32)
    eps = rng.standard_normal((3, 2) if k is None else (3, k, 2))
    loss = model.loss if k is None else model.importance_weighted_loss
    (terms, backward), (expected, expected_backward) = loss(x, eps), loss(x, eps.astype("float32"))
    found, wanted = [*terms, *backward().values()], [*expected, *expected_backward().values()]
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b)


def test_the_data_gets_no_gradient(rng: Rng) -> None:
    """The first layer's product towards x, a fifth of a training step, must not run."""
    asked = []

    class Watched(Linear):
        def __call__(self, x):  # type: ignore[no-untyped-def]
            y, backward = super().__call__(x)

            def watched(dy, inputs=True, params=True):  # type: ignore[no-untyped-def]
                asked.append(inputs)
                return backward(dy, inputs, params)

            return y, watched

    model = VAE(
        Sequential(Watched(6, 4, rng, "float64")), Sequential(Watched(2, 6, rng, "float64"))
    )
    model.loss(rng.random((3, 6)), rng.standard_normal((3, 2)))[1]()
    assert asked == [True, False]  # decoder, then encoder


@pytest.mark.parametrize("k", [1, 3])
def test_gradient_of_the_importance_weighted_bound(k: int, rng: Rng) -> None:
    model, x, _ = batch(rng)
    eps = rng.standard_normal((4, k, 2))
    report = check_params(lambda vae: vae.importance_weighted_loss(x, eps), model)
    assert report.ok, report


def test_importance_weights_by_hand(rng: Rng) -> None:
    """-log of the mean of p(x, z) / q(z | x), each density written out."""
    model, x, _ = batch(rng)
    eps = rng.standard_normal((4, 3, 2))
    terms, _ = model.importance_weighted_loss(x, eps)
    mu, logvar = model.encode(x)
    weights = []
    for j in range(3):
        z = mu + np.exp(logvar / 2) * eps[:, j]
        p = model.decode(z)
        likelihood = np.prod(np.where(x > 0, p**x, 1) * (1 - p) ** (1 - x), axis=1)
        prior = np.prod(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), axis=1)
        posterior = np.prod(
            np.exp(-(eps[:, j] ** 2) / 2) / np.sqrt(2 * np.pi * np.exp(logvar)), axis=1
        )
        weights.append(likelihood * prior / posterior)
    np.testing.assert_allclose(terms.loss, -np.log(np.mean(weights, axis=0)), rtol=1e-12)


@pytest.mark.parametrize("logvar", [-20.0, -12.0, 0.0])
def test_log_weights_in_float32_hold_where_sigma_is_small(logvar: float, rng: Rng) -> None:
    """Where z - mu is taken from a rounded z, 5e-3 is lost at -20."""
    model, x, eps = batch(rng, n=100)
    mu = rng.standard_normal(eps.shape)

    def at(dtype: str) -> list[np.ndarray]:
        arrays = [x, mu, np.full_like(mu, logvar), eps, np.ones(len(x))]
        *arguments, ones = (a.astype("float32").astype(dtype) for a in arrays)
        params = {k: v.astype("float32").astype(dtype) for k, v in model.params.items()}
        weights, backward = model.with_params(params).log_weights(*arguments)
        dmu, dlogvar, _ = backward(ones)
        return [weights.log_w, dmu, dlogvar]

    for rounded, exact in zip(at("float32"), at("float64"), strict=True):
        assert abs(rounded - exact).max() < 3e-7 * max(1, abs(exact).max())


def test_equal_draws_make_the_weights_equal(rng: Rng) -> None:
    """Then the bound is that of a single draw, and so is its gradient."""
    model, x, _ = batch(rng)
    eps = rng.standard_normal((4, 1, 2))
    one, one_backward = model.importance_weighted_loss(x, eps)
    many, many_backward = model.importance_weighted_loss(x, np.repeat(eps, 5, axis=1))
    np.testing.assert_allclose(many.loss, one.loss, rtol=1e-13)
    grads = one_backward()
    for name, gradient in many_backward().items():
        np.testing.assert_allclose(gradient, grads[name], rtol=1e-10, atol=1e-15)


def test_more_draws_tighten_the_bound(rng: Rng) -> None:
    model, x, _ = batch(rng, n=1)
    x, eps = np.repeat(x, 4000, axis=0), rng.standard_normal((4000, 10, 2))
    elbo = model.loss(x, eps[:, 0])[0].loss.mean()
    bounds = [model.importance_weighted_loss(x, eps[:, :k])[0].loss.mean() for k in (1, 3, 10)]
    assert bounds[0] == pytest.approx(elbo, abs=0.1)
    assert bounds[0] > bounds[1] > bounds[2]


def test_decode_gives_the_probabilities_behind_the_loss(rng: Rng) -> None:
    model, x, eps = batch(rng)
    p = model.decode(eps)
    assert ((p > 0) & (p < 1)).all()
    logits, _ = model.decoder(eps)
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
    np.testing.assert_allclose(bce_with_logits(logits, x)[0], expected, rtol=1e-12)


def test_architecture(rng: Rng) -> None:
    model = VAE.mlp(784, (400, 200), 20, rng)
    weights = [p.shape for name, p in model.params.items() if name.endswith("weight")]
    assert weights == [(784, 400), (400, 200), (200, 40), (20, 200), (200, 400), (400, 784)]
    assert model.n_latent == 20


def test_faults(rng: Rng) -> None:
    model, x, eps = batch(rng)
    with pytest.raises(MinigenError, match=r"eps \(4, 3\)"):
        model.loss(x, np.ones((4, 3)))
    with pytest.raises(MinigenError, match="2Z columns, mu and logvar; got 3"):
        VAE(Linear(6, 3, rng, "float64"), model.decoder).loss(x, eps)
    with pytest.raises(MinigenError, match=r"eps of shape \(4, k, Z\), got \(4, 2\)"):
        model.importance_weighted_loss(x, eps)
