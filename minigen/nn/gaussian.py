"""Diagonal Gaussians: sampling that can be differentiated, divergence and density.

A Gaussian is a pair (mu, logvar), each (N, Z), with logvar = log sigma^2 and so
sigma = exp(logvar / 2). The results are per example, in nats, as in `losses`.
"""

import math
from collections.abc import Callable

from minigen.backend import Array
from minigen.checks import check_rows, check_shape
from minigen.nn.losses import upstream

LOG_2PI = math.log(2 * math.pi)


def reparameterize(
    mu: Array, logvar: Array, eps: Array
) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """(V1) z = mu + sigma * eps: a draw from N(mu, sigma^2) when eps is one from N(0, 1).

        dmu = dz        dlogvar = dz * eps * sigma / 2

    All that is random is in eps, so z can be differentiated with respect to mu and sigma
    (Kingma and Welling 2014, section 2.4).

    Args:
        mu, logvar, eps: (N, Z).

    Returns:
        z (N, Z) and the backward pass dz -> (dmu, dlogvar).

    Raises:
        MinigenError: the shapes differ.
    """
    xp = check_rows(mu=mu, logvar=logvar, eps=eps)
    eps = eps.astype(mu.dtype, copy=False)  # data, as a target is
    noise = xp.exp(logvar / 2) * eps

    def backward(dz: Array) -> tuple[Array, Array]:
        check_shape("dz", dz, noise.shape)
        return dz, dz * noise / 2

    return mu + noise, backward


def kl_to_standard_normal(
    mu: Array, logvar: Array
) -> tuple[Array, Callable[..., tuple[Array, Array]]]:
    """(V2) KL(N(mu, sigma^2) || N(0, 1)) = 1/2 sum_z [mu^2 + sigma^2 - 1 - log sigma^2].

        dmu = mu        dlogvar = (sigma^2 - 1) / 2

    (Kingma and Welling 2014, appendix B.)

    Args:
        mu, logvar: (N, Z).

    Returns:
        (N,) in nats, never negative but for rounding, and the backward pass
        (dloss=None) -> (dmu, dlogvar).

    Raises:
        MinigenError: the shapes differ.
    """
    xp = check_rows(mu=mu, logvar=logvar)
    excess = xp.expm1(logvar)  # sigma^2 - 1, exact near sigma = 1 too
    kl = 0.5 * (mu * mu + excess - logvar).sum(axis=1)

    def backward(dloss: Array | None = None) -> tuple[Array, Array]:
        weight = upstream(dloss, kl)[:, None]
        return weight * mu, 0.5 * weight * excess

    return kl, backward


def log_normal(
    x: Array, mu: Array, logvar: Array
) -> tuple[Array, Callable[..., tuple[Array, Array, Array]]]:
    """(V3) log N(x; mu, sigma^2) = -1/2 sum_z [log 2 pi + log sigma^2 + u^2], u = (x - mu) / sigma.

        dx = -u / sigma        dmu = u / sigma        dlogvar = (u^2 - 1) / 2

    Args:
        x, mu, logvar: (N, Z).

    Returns:
        (N,) in nats, and the backward pass (dloss=None) -> (dx, dmu, dlogvar).

    Raises:
        MinigenError: the shapes differ.
    """
    xp = check_rows(x=x, mu=mu, logvar=logvar)
    precision = xp.exp(-logvar / 2)  # 1 / sigma
    u = (x - mu) * precision
    log_density = -0.5 * (LOG_2PI + logvar + u * u).sum(axis=1)

    def backward(dloss: Array | None = None) -> tuple[Array, Array, Array]:
        weight = upstream(dloss, log_density)[:, None]
        dmu = weight * u * precision
        return -dmu, dmu, 0.5 * weight * (u * u - 1)

    return log_density, backward
