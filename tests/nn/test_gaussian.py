"""Gaussians: the moments of samples, the divergence and density against other ways to get them."""

import mpmath
import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.gradcheck import check_function
from minigen.nn.gaussian import kl_to_standard_normal, log_normal, reparameterize

Rng = np.random.Generator


def gaussian(rng: Rng, rows: int = 5) -> dict[str, np.ndarray]:
    return {name: rng.standard_normal((rows, 3)) for name in ("mu", "logvar")}


@pytest.mark.parametrize("rows", [1, 5])
def test_gradients(rows: int, rng: Rng) -> None:
    reports = [
        check_function(
            reparameterize, gaussian(rng, rows), {"eps": rng.standard_normal((rows, 3))}
        ),
        check_function(kl_to_standard_normal, gaussian(rng, rows)),
        check_function(log_normal, {"x": rng.standard_normal((rows, 3)), **gaussian(rng, rows)}),
    ]
    for report in reports:
        assert report.ok, report


def test_moments_of_reparameterize(rng: Rng) -> None:
    """Mean mu, variance exp(logvar): a gradient check cannot see sigma = exp(logvar)."""
    n, mu, logvar = 200_000, 1.5, -1.2
    column = np.ones((n, 1))
    z, _ = reparameterize(mu * column, logvar * column, rng.standard_normal((n, 1)))
    variance = np.exp(logvar)
    assert z.mean() == pytest.approx(mu, abs=5 * np.sqrt(variance / n))
    assert z.var() == pytest.approx(variance, abs=5 * variance * np.sqrt(2 / n))


def test_monte_carlo_meets_the_analytic_divergence(rng: Rng) -> None:
    """KL = E_q[log q(z) - log p(z)], within five standard errors."""
    n, q = 100_000, gaussian(rng, rows=1)
    mu, logvar = (np.repeat(q[name], n, axis=0) for name in ("mu", "logvar"))
    z, _ = reparameterize(mu, logvar, rng.standard_normal(mu.shape))
    zero = np.zeros_like(z)
    draws = log_normal(z, mu, logvar)[0] - log_normal(z, zero, zero)[0]
    kl, _ = kl_to_standard_normal(q["mu"], q["logvar"])
    assert draws.std() > 0.1
    assert draws.mean() == pytest.approx(kl[0], abs=5 * draws.std() / np.sqrt(n))


@pytest.mark.parametrize("logvar", [-40.0, -3.0, -1e-6, 0.0, 1e-6, 2.0, 40.0])
@pytest.mark.parametrize("mu", [0.0, 1e-8, -2.5])
def test_divergence_and_density_to_fifty_digits(mu: float, logvar: float) -> None:
    mu_row, logvar_row, x_row = np.array([[mu]]), np.array([[logvar]]), np.array([[0.7]])
    with mpmath.workdps(50):
        m, s, x = mpmath.mpf(mu), mpmath.mpf(logvar), mpmath.mpf(0.7)
        kl = (m**2 + mpmath.exp(s) - 1 - s) / 2
        density = -(mpmath.log(2 * mpmath.pi) + s + (x - m) ** 2 / mpmath.exp(s)) / 2
    # near sigma = 1 the terms cancel, and rounding is relative to them, not to their difference
    assert kl_to_standard_normal(mu_row, logvar_row)[0][0] == pytest.approx(
        float(kl), rel=1e-14, abs=1e-21
    )
    assert log_normal(x_row, mu_row, logvar_row)[0][0] == pytest.approx(float(density), rel=1e-14)


def test_divergence_is_zero_only_at_the_standard_normal() -> None:
    kl, backward = kl_to_standard_normal(np.zeros((2, 3)), np.zeros((2, 3)))
    assert kl.tolist() == [0, 0]
    for gradient in backward():
        assert not gradient.any()


def test_float32_stays_float32(rng: Rng) -> None:
    mu, logvar = (array.astype(np.float32) for array in gaussian(rng).values())
    z, backward = reparameterize(mu, logvar, mu)
    kl, kl_backward = kl_to_standard_normal(mu, logvar)
    density, density_backward = log_normal(z, mu, logvar)
    gradients = [*backward(z), *kl_backward(), *density_backward()]
    assert {array.dtype for array in [z, kl, density, *gradients]} == {np.dtype("float32")}


def test_shapes_that_differ_are_refused() -> None:
    a, b = np.zeros((4, 2)), np.zeros((4, 1))
    with pytest.raises(MinigenError, match=r"mu \(4, 2\), logvar \(4, 1\), eps \(4, 2\)"):
        reparameterize(a, b, a)
    with pytest.raises(MinigenError, match=r"mu \(4, 2\), logvar \(4, 1\)"):
        kl_to_standard_normal(a, b)
    with pytest.raises(MinigenError, match=r"x \(2,\)"):
        log_normal(a[0, :2], a[0, :2], a[0, :2])
