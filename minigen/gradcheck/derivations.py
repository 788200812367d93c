"""Every derivation in the package, with a check: the table of `python -m minigen.gradcheck`.

The tests run the same list. A tag names the equation in a docstring and in the tutorials.
"""

from collections.abc import Callable
from typing import Any

from minigen.backend import Array
from minigen.gradcheck import Report, check_function, check_layer, check_params
from minigen.gradcheck.derivation import F64, Derivation, Draw
from minigen.gradcheck.slopes import SLOPES
from minigen.models.gan import GAN
from minigen.models.likelihoods import Bernoulli, Gaussian, Likelihood
from minigen.nn.gaussian import kl_to_standard_normal, log_normal, reparameterize
from minigen.nn.layers import LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Tanh, mlp
from minigen.nn.losses import bce, bce_with_logits, hinge, length_error, mse, wasserstein


def _autoencoder(distance: Callable[..., Any], *hidden: int) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        x, target = draw.normal(4, 6), draw.unit(4, 6)
        return check_params(lambda ae: ae.loss(x, target, distance), draw.autoencoder(*hidden))

    return check


def _length(length: float) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        return check_function(
            lambda vector: length_error(vector, length), {"vector": draw.normal(5, 4)}
        )

    return check


def _elbo(
    beta: float, *hidden: int, likelihood: Likelihood | None = None
) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        x, eps = draw.unit(4, 6), draw.normal(4, 2)
        vae = draw.vae(*hidden, likelihood=likelihood)
        return check_params(lambda vae: vae.loss(x, eps, beta), vae)

    return check


def _importance_weighted(k: int) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        x, eps = draw.unit(4, 6), draw.normal(4, k, 2)
        return check_params(lambda vae: vae.importance_weighted_loss(x, eps), draw.vae(5))

    return check


def _log_weights(likelihood: Likelihood) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        vae, x, eps = draw.vae(5, likelihood=likelihood), draw.unit(4, 6), draw.normal(4, 2)
        learning = {k: v for k, v in vae.params.items() if not k.startswith("encoder")}

        def log_w(mu: Array, logvar: Array, **params: Array) -> tuple[Array, Callable[..., Any]]:
            twin = vae.with_params({**vae.params, **params})
            weights, weights_backward = twin.log_weights(x, mu, logvar, eps)

            def backward(dlog_w: Array) -> tuple[Array, ...]:
                dmu, dlogvar, grads = weights_backward(dlog_w)
                return dmu, dlogvar, *(grads[name] for name in params)

            return weights.log_w, backward

        variables = {"mu": draw.normal(4, 2), "logvar": draw.normal(4, 2), **learning}
        return check_function(log_w, variables)

    return check


def _gaussian_likelihood(draw: Draw) -> Report:
    def density(outputs: Array, x: Array, logvar: Array) -> tuple[Array, Callable[..., Any]]:
        likelihood = Gaussian(dtype=F64).with_params({"logvar": logvar})
        loss, loss_backward = likelihood(outputs, x)

        def backward(dloss: Array) -> tuple[Array, ...]:
            doutputs, grads = loss_backward(dloss)
            return doutputs, -doutputs, grads["logvar"]  # x stands where the output does, negated

        return loss, backward

    variables = {"outputs": draw.normal(4, 6), "x": draw.normal(4, 6), "logvar": draw.normal(1)}
    return check_function(density, variables)


def _discriminator(smoothing: float) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        gan, x, z = draw.gan(bounded=False), draw.normal(5, 3), draw.normal(5, 2)
        return check_params(
            lambda d: GAN(gan.generator, d).discriminator_loss(x, z, smoothing), gan.discriminator
        )

    return check


def _generator(saturating: bool, bounded: bool) -> Callable[[Draw], Report]:
    def check(draw: Draw) -> Report:
        gan, z = draw.gan(bounded), draw.normal(5, 2)
        return check_params(
            lambda g: GAN(g, gan.discriminator).generator_loss(z, saturating), gan.generator
        )

    return check


DERIVATIONS = (
    Derivation(
        "B1",
        "Linear by x, weight, bias",
        lambda draw: check_layer(draw.module(Linear(4, 3, draw.rng, F64)), draw.normal(5, 4)),
    ),
    Derivation(
        "B1",
        "Linear, a single row",
        lambda draw: check_layer(draw.module(Linear(4, 1, draw.rng, F64)), draw.normal(1, 4)),
    ),
    Derivation("B2", "ReLU by x", lambda draw: check_layer(ReLU(), draw.normal(5, 4))),
    Derivation("B3", "LeakyReLU by x", lambda draw: check_layer(LeakyReLU(), draw.normal(5, 4))),
    Derivation("B4", "Sigmoid by x", lambda draw: check_layer(Sigmoid(), draw.normal(5, 4))),
    Derivation("B5", "Tanh by x", lambda draw: check_layer(Tanh(), draw.normal(5, 4))),
    Derivation(
        "B6",
        "Sequential of them all, by x and all parameters",
        lambda draw: check_layer(
            draw.module(
                Sequential(
                    *mlp([4, 5, 6], draw.rng, activation=LeakyReLU, dtype=F64).layers,
                    Sigmoid(),
                    *mlp([6, 4, 2], draw.rng, activation=Tanh, dtype=F64).layers,
                )
            ),
            draw.normal(5, 4),
        ),
    ),
    Derivation(
        "B6",
        "mlp with ReLU, by x and all parameters",
        lambda draw: check_layer(
            draw.module(mlp([4, 6, 5, 2], draw.rng, dtype=F64)), draw.normal(5, 4)
        ),
    ),
    Derivation(
        "L1",
        "squared error by the prediction",
        lambda draw: check_function(
            mse, {"prediction": draw.normal(5, 4)}, {"target": draw.normal(5, 4)}
        ),
    ),
    Derivation(
        "L2",
        "cross-entropy by the probability",
        lambda draw: check_function(
            bce, {"probability": draw.unit(5, 4)}, {"target": draw.unit(5, 4)}
        ),
    ),
    Derivation(
        "L3",
        "cross-entropy by the logits",
        lambda draw: check_function(
            bce_with_logits, {"logits": 3 * draw.normal(5, 4)}, {"target": draw.unit(5, 4)}
        ),
    ),
    Derivation(
        "L3",
        "cross-entropy by large logits, labels 0 and 1",
        lambda draw: check_function(
            bce_with_logits,
            {"logits": 10 * draw.normal(5, 7)},
            {"target": draw.labels(5, 7)},
        ),
    ),
    Derivation(
        "L4",
        "hinge by the logits, labels 0 and 1",
        lambda draw: check_function(
            hinge, {"logits": 2 * draw.normal(5, 7)}, {"target": draw.labels(5, 7)}
        ),
    ),
    Derivation(
        "L5",
        "a critic's loss by its score, labels 0 and 1",
        lambda draw: check_function(
            wasserstein, {"score": draw.normal(5, 7)}, {"target": draw.labels(5, 7)}
        ),
    ),
    Derivation("L6", "squared length", _length(0.0)),
    Derivation("L6", "squared error of a length that should be 1", _length(1.0)),
    Derivation("A1", "autoencoder, squared error", _autoencoder(mse, 5)),
    Derivation("A1", "linear autoencoder", _autoencoder(mse)),
    Derivation("A1", "autoencoder, cross-entropy", _autoencoder(bce_with_logits, 5, 4)),
    Derivation(
        "V1",
        "reparameterization by mu, log sigma^2",
        lambda draw: check_function(reparameterize, draw.gaussian(), {"eps": draw.normal(5, 3)}),
    ),
    Derivation(
        "V2",
        "KL to N(0, 1) by mu, log sigma^2",
        lambda draw: check_function(kl_to_standard_normal, draw.gaussian()),
    ),
    Derivation(
        "V3",
        "log N by x, mu, log sigma^2",
        lambda draw: check_function(log_normal, {"x": draw.normal(5, 3), **draw.gaussian()}),
    ),
    Derivation("V4", "VAE, negative ELBO", _elbo(1, 5)),
    Derivation("V4", "VAE, two hidden layers", _elbo(1, 5, 4)),
    Derivation("V4", "VAE, linear encoder and decoder", _elbo(1)),
    Derivation("V4", "VAE, beta 4", _elbo(4, 5)),
    Derivation("V4", "VAE, beta 0", _elbo(0, 5)),
    Derivation("V5", "VAE, importance weights of 5 draws", _importance_weighted(5)),
    Derivation("V5", "VAE, importance weight of a single draw", _importance_weighted(1)),
    Derivation("V6", "VAE, log weight by mu, log sigma^2, decoder", _log_weights(Bernoulli())),
    Derivation("V6", "Gaussian VAE, log weight", _log_weights(Gaussian(-1.0, F64))),
    Derivation("V7", "Gaussian likelihood of one variance", _gaussian_likelihood),
    Derivation("V7", "Gaussian VAE, negative ELBO", _elbo(1, 5, likelihood=Gaussian(-1.0, F64))),
    Derivation("G1", "discriminator", _discriminator(0)),
    Derivation("G1", "discriminator, smoothed labels", _discriminator(0.1)),
    Derivation("G2", "generator through D, non-saturating", _generator(False, False)),
    Derivation("G2", "generator through D and tanh, non-saturating", _generator(False, True)),
    Derivation("G3", "generator through D, minimax", _generator(True, False)),
    Derivation("G3", "generator through D and tanh, minimax", _generator(True, True)),
    *SLOPES,
)
