"""The generative adversarial network: an implicit density, trained by a game.

    min over G, max over D of  V(D, G) = E_x log D(x) + E_z log(1 - D(G(z))),    z ~ N(0, 1)

D(x) = sigmoid(discriminator(x)) is the probability that x is data. Each player has its own loss and
its own gradient (Goodfellow et al. 2014, equation 1 and algorithm 1).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from minigen.backend import Array, Generator, array_module
from minigen.checks import check_fraction
from minigen.errors import MinigenError
from minigen.nn.layers import Layer, LeakyReLU, Sequential, Tanh, mlp, sigmoid
from minigen.nn.losses import bce_with_logits, upstream
from minigen.nn.module import Composite, Params


class DiscriminatorLoss(NamedTuple):
    """The loss in nats, D(x) and D(G(z)): each (N,), per pair of a real and a generated example."""

    loss: Array
    d_real: Array
    d_fake: Array


class GAN(Composite):
    """A generator from z (N, Z) to x (N, D), and a discriminator from x to one logit (N, 1)."""

    def __init__(self, generator: Layer, discriminator: Layer) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator

    @classmethod
    def mlp(
        cls,
        n_data: int,
        hidden: Sequence[int],
        n_latent: int,
        rng: Generator,
        bounded: bool = False,
        dtype: str = "float32",
    ) -> Self:
        """A ReLU perceptron through Z, *hidden, D, and a leaky one through D, *reversed(hidden), 1.

        A bounded generator ends in tanh, for data in [-1, 1].
        """
        generator = mlp([n_latent, *hidden, n_data], rng, dtype=dtype)
        if bounded:
            generator = Sequential(*generator.layers, Tanh())
        return cls(generator, mlp([n_data, *reversed(hidden), 1], rng, LeakyReLU, dtype))

    def discriminator_loss(
        self, x: Array, z: Array, smoothing: float = 0.0
    ) -> tuple[DiscriminatorLoss, Callable[..., Params]]:
        """(G1) D's loss, -log D(x) - log(1 - D(G(z))): a cross-entropy with labels 1 and 0.

            d loss / d logit = D(x) - 1 on data,  D(G(z)) on generated examples

        Where D cannot tell, D = (1 - smoothing) / 2; without smoothing, the loss is 2 log 2 there.
        The generator runs forward only: its backward pass is thrown away uncalled.

        Args:
            x: (N, D), real examples.
            z: (N, Z), a draw from N(0, 1).
            smoothing: the label of real examples is 1 - smoothing (Salimans et al. 2016,
                section 3.4); in [0, 1).

        Returns:
            The loss and both probabilities, and the backward pass (dloss=None) -> grads of
            `discriminator.params`.

        Raises:
            MinigenError: the shapes do not fit, or smoothing is out of its range.
        """
        xp = array_module(x, z)
        smoothing = check_fraction("smoothing", smoothing)
        if len(x) != len(z):
            raise MinigenError(f"expected as many rows of z as of x, got {len(z)} and {len(x)}")
        fake, _ = self.generator(z)
        logits, discriminator_backward = self.discriminator(xp.concatenate([x, fake]))
        labels = xp.zeros_like(logits)
        labels[: len(x)] = 1 - smoothing
        losses, losses_backward = bce_with_logits(logits, labels)
        loss = losses[: len(x)] + losses[len(x) :]

        def backward(dloss: Array | None = None) -> Params:
            dloss = upstream(dloss, loss)
            dlogits = losses_backward(xp.concatenate([dloss, dloss]))
            _, grads = discriminator_backward(dlogits, inputs=False)
            return grads

        probability = sigmoid(logits)[:, 0]
        return DiscriminatorLoss(loss, probability[: len(x)], probability[len(x) :]), backward

    def generator_loss(
        self, z: Array, saturating: bool = False
    ) -> tuple[Array, Callable[..., Params]]:
        """G's loss, with l = discriminator(G(z)):

            (G2) non-saturating  -log D(G(z)) = softplus(-l)         d/dl = D - 1
            (G3) minimax         log(1 - D(G(z))) = -softplus(l)     d/dl = -D

        Both push l up. Where D is sure that a sample is generated, D = 0, the minimax gradient
        vanishes and the other does not: their ratio is exp(-l). D's parameters get no gradient.

        Args:
            z: (N, Z), a draw from N(0, 1).
            saturating: take the minimax loss.

        Returns:
            (N,) in nats, and the backward pass (dloss=None) -> grads of `generator.params`.

        Raises:
            MinigenError: the shape does not fit.
        """
        fake, generator_backward = self.generator(z)
        logits, discriminator_backward = self.discriminator(fake)
        xp = array_module(logits)
        label, sign = (0.0, -1.0) if saturating else (1.0, 1.0)  # a cross-entropy, or its negative
        cross_entropy, cross_entropy_backward = bce_with_logits(logits, xp.full_like(logits, label))
        loss = sign * cross_entropy

        def backward(dloss: Array | None = None) -> Params:
            dlogits = cross_entropy_backward(sign * upstream(dloss, loss))
            dfake, _ = discriminator_backward(dlogits, params=False)
            _, grads = generator_backward(dfake, inputs=False)
            return grads

        return loss, backward
