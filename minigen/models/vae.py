"""The variational autoencoder: an explicit density, trained through a lower bound.

    p(z) = N(0, 1)      p(x | z) = Bernoulli(sigmoid(decoder(z))), or N(decoder(z), s^2)
    q(z | x) = N(mu, sigma^2), with (mu, log sigma^2) = encoder(x)

Kingma and Welling 2014, equations 7, 8 and 10.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from minigen.backend import Array, Generator, array_module
from minigen.checks import check_number
from minigen.errors import MinigenError
from minigen.models.likelihoods import Bernoulli, Likelihood
from minigen.nn.gaussian import kl_to_standard_normal, reparameterize
from minigen.nn.layers import Layer, ReLU, mlp
from minigen.nn.losses import upstream
from minigen.nn.module import Composite, Params, prefixed


class NegativeELBO(NamedTuple):
    """Nats per example, each (N,). In `VAE.loss`, loss = reconstruction + beta * kl; in
    `VAE.importance_weighted_loss` it is the bound, and the other two stand beside it.
    """

    loss: Array
    reconstruction: Array
    kl: Array


class LogWeights(NamedTuple):
    """log w of one draw of z for each example, and -log p(x | z) in it: nats, each (N,)."""

    log_w: Array
    reconstruction: Array


class VAE(Composite):
    """An encoder from x (N, D) to mu and logvar side by side (N, 2Z), and a decoder from z (N, Z)
    to outputs (N, D), of which a likelihood makes p(x | z); Bernoulli takes them as logits.
    `VAE.mlp` builds the usual pair of perceptrons.
    """

    def __init__(
        self, encoder: Layer, decoder: Layer, likelihood: Likelihood | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood or Bernoulli()

    @property
    def n_latent(self) -> int:
        """Z, the width of the decoder's first layer."""
        return int(next(iter(self.decoder.params.values())).shape[0])

    @classmethod
    def mlp(
        cls,
        n_data: int,
        hidden: Sequence[int],
        n_latent: int,
        rng: Generator,
        *,
        activation: Callable[[], Layer] = ReLU,
        dtype: str = "float32",
        likelihood: Likelihood | None = None,
    ) -> Self:
        """Perceptrons through D, *hidden, 2Z and through Z, *reversed(hidden), D."""
        encoder = mlp([n_data, *hidden, 2 * n_latent], rng, activation=activation, dtype=dtype)
        decoder = mlp(
            [n_latent, *reversed(hidden), n_data], rng, activation=activation, dtype=dtype
        )
        return cls(encoder, decoder, likelihood)

    def loss(
        self, x: Array, eps: Array, beta: float = 1.0
    ) -> tuple[NegativeELBO, Callable[..., Params]]:
        """(V4) The negative ELBO at one draw of z for each example:

            loss = -log p(x | z) + beta * KL(q(z | x) || p(z)),    z = mu + sigma * eps

        Args:
            x: (N, D), in [0, 1] for a Bernoulli likelihood.
            eps: (N, Z), a draw from N(0, 1).
            beta: weight of the KL term; 1 gives the ELBO, more a looser bound, less none (Higgins
                et al. 2017).

        Returns:
            The three terms, and the backward pass (dloss=None) -> grads. There is no gradient
            towards x: it is data, and would cost a matrix product.

        Raises:
            MinigenError: the shapes do not fit, the likelihood does not take x, or beta is no
                number.
        """
        beta = check_number("beta", beta)
        encoded, encoder_backward = self.encoder(x)
        mu, logvar = _halves(encoded)
        z, reparameterize_backward = reparameterize(mu, logvar, eps)
        outputs, decoder_backward = self.decoder(z)
        reconstruction, likelihood_backward = self.likelihood(outputs, x)
        kl, kl_backward = kl_to_standard_normal(mu, logvar)
        loss = reconstruction + beta * kl

        def backward(dloss: Array | None = None) -> Params:
            dloss = upstream(dloss, loss)
            doutputs, likelihood_grads = likelihood_backward(dloss)
            dz, decoder_grads = decoder_backward(doutputs)
            dmu_z, dlogvar_z = reparameterize_backward(dz)
            dmu_kl, dlogvar_kl = kl_backward(beta * dloss)
            dmu, dlogvar = dmu_z + dmu_kl, dlogvar_z + dlogvar_kl
            dencoded = array_module(x).concatenate([dmu, dlogvar], axis=1)
            _, encoder_grads = encoder_backward(dencoded, inputs=False)
            grads = prefixed("encoder", encoder_grads) | prefixed("decoder", decoder_grads)
            return grads | prefixed("likelihood", likelihood_grads)

        return NegativeELBO(loss, reconstruction, kl), backward

    def importance_weighted_loss(
        self, x: Array, eps: Array
    ) -> tuple[NegativeELBO, Callable[..., Params]]:
        """(V5) The negative importance-weighted bound with k draws of z for each example:

            loss = -log 1/k sum_j w_j,    w_j = p(x | z_j) p(z_j) / q(z_j | x)

        The gradient is that of the log weights, averaged with the weights themselves:

            d loss = -sum_j v_j d log w_j,    v_j = w_j / sum_i w_i

        so the backward pass is that of k N examples under the upstream weights v_j. At k = 1 it is
        the ELBO with log q - log p at the draw in place of its mean, the analytic KL (Burda et
        al. 2015, equations 8 and 14).

        Args:
            x: (N, D), in [0, 1] for a Bernoulli likelihood.
            eps: (N, k, Z), a draw from N(0, 1).

        Returns:
            The loss, with the reconstruction term averaged over the draws and the analytic KL
            beside it: their sum is a negative ELBO, on average no smaller than the loss. And the
            backward pass (dloss=None) -> grads.

        Raises:
            MinigenError: the shapes do not fit, or the likelihood does not take x.
        """
        xp = array_module(x, eps)
        if eps.ndim != 3 or eps.shape[0] != len(x):
            raise MinigenError(f"expected eps of shape ({len(x)}, k, Z), got {eps.shape}")
        n, k, n_latent = eps.shape
        encoded, encoder_backward = self.encoder(x)
        mu, logvar = _halves(xp.repeat(encoded, k, axis=0))  # (N k, Z)
        x, eps = xp.repeat(x, k, axis=0), eps.reshape(n * k, n_latent)
        weights, weights_backward = self.log_weights(x, mu, logvar, eps)

        log_w = weights.log_w.reshape(n, k)
        log_w_max = log_w.real.max(axis=1, keepdims=True)  # any constant: it cancels
        log_sum = xp.log(xp.exp(log_w - log_w_max).sum(axis=1)) + log_w_max[:, 0]
        loss = math.log(k) - log_sum

        def backward(dloss: Array | None = None) -> Params:
            v = xp.exp(log_w - log_sum[:, None])  # (N, k), each row sums to 1
            dlog_w = -(upstream(dloss, loss)[:, None] * v).reshape(n * k)
            dmu, dlogvar, grads = weights_backward(dlog_w)
            dencoded = xp.concatenate([dmu, dlogvar], axis=1).reshape(n, k, -1).sum(axis=1)
            _, encoder_grads = encoder_backward(dencoded, inputs=False)
            return prefixed("encoder", encoder_grads) | grads

        reconstruction = weights.reconstruction.reshape(n, k).mean(axis=1)
        kl, _ = kl_to_standard_normal(*_halves(encoded))
        return NegativeELBO(loss, reconstruction, kl), backward

    def log_weights(
        self, x: Array, mu: Array, logvar: Array, eps: Array
    ) -> tuple[LogWeights, Callable[[Array], tuple[Array, Array, Params]]]:
        """(V6) Log weight of one draw for each example: log p(x | z) + log p(z) - log q(z | x).

            log p(z) - log q(z | x) = 1/2 sum_z [log sigma^2 + eps^2 - z^2]

        since (z - mu) / sigma is eps: along z = mu + sigma * eps, log q does not depend on mu.
        Computed from z, that quotient would lose all digits where sigma is small.

        Args:
            x: (N, D), in [0, 1] for a Bernoulli likelihood.
            mu, logvar: (N, Z), of q(z | x).
            eps: (N, Z), a draw from N(0, 1).

        Returns:
            log w and -log p(x | z), and the backward pass
            dlog_w -> (dmu, dlogvar, grads of the decoder's and the likelihood's parameters).

        Raises:
            MinigenError: the shapes do not fit, or the likelihood does not take x.
        """
        eps = eps.astype(mu.dtype, copy=False)
        z, reparameterize_backward = reparameterize(mu, logvar, eps)
        outputs, decoder_backward = self.decoder(z)
        reconstruction, likelihood_backward = self.likelihood(outputs, x)
        log_w = 0.5 * (logvar + eps * eps - z * z).sum(axis=1) - reconstruction

        def backward(dlog_w: Array) -> tuple[Array, Array, Params]:
            doutputs, likelihood_grads = likelihood_backward(-dlog_w)
            dz, decoder_grads = decoder_backward(doutputs)
            weight = dlog_w[:, None]
            dmu, dlogvar = reparameterize_backward(dz - weight * z)
            grads = prefixed("decoder", decoder_grads) | prefixed("likelihood", likelihood_grads)
            return dmu, dlogvar + 0.5 * weight, grads

        return LogWeights(log_w, reconstruction), backward

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Compute (mu, logvar) of q(z | x), each (N, Z)."""
        return _halves(self.encoder(x)[0])

    def decode(self, z: Array) -> Array:
        """Compute the means of p(x | z), value by value: (N, D)."""
        return self.likelihood.mean(self.decoder(z)[0])


def _halves(encoded: Array) -> tuple[Array, Array]:
    """Split (N, 2Z) into mu and logvar, without a copy."""
    n_latent, odd = divmod(encoded.shape[1], 2)
    if odd:
        raise MinigenError(
            f"the encoder must give 2Z columns, mu and logvar; got {2 * n_latent + 1}"
        )
    return encoded[:, :n_latent], encoded[:, n_latent:]
