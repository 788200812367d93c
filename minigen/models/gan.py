"""The generative adversarial network: an implicit density, trained by a game.

    min over G, max over D of  V(D, G) = E_x log D(x) + E_z log(1 - D(G(z))),    z ~ N(0, 1)

D(x) = sigmoid(discriminator(x)) is the probability that x is data. Each player has its own loss and
its own gradient (Goodfellow et al. 2014, equation 1 and algorithm 1).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from minigen.backend import Array, Generator, array_module
from minigen.checks import check_floats, check_fraction, check_rows, check_shape
from minigen.errors import MinigenError
from minigen.nn.layers import Layer, LeakyReLU, Sequential, Tanh, mlp, sigmoid
from minigen.nn.losses import (
    LossBackward,
    bce_with_logits,
    hinge,
    length_error,
    mse,
    upstream,
    wasserstein,
)
from minigen.nn.module import Composite, Params
from minigen.nn.slopes import input_gradient

Distance = Callable[[Array, Array], tuple[Array, LossBackward]]  # of logits from labels


class Game(NamedTuple):
    """The losses of a game, each a distance of D's logits from labels: 1 on data, 0 on samples.

    `discriminator` is D's, and `generator` is G's, of its samples from the label 1; `output` makes
    of logits what D says. `labels`: D's loss knows labels between 0 and 1.
    """

    discriminator: Distance
    generator: Distance
    output: Callable[[Array], Array]
    labels: bool = True


LOGISTIC = Game(bce_with_logits, bce_with_logits, sigmoid)  # Goodfellow et al. 2014
LEAST_SQUARES = Game(mse, mse, lambda logits: logits)  # Mao et al. 2017
HINGE = Game(hinge, wasserstein, lambda logits: logits, labels=False)  # Lim and Ye 2017
WASSERSTEIN = Game(  # Arjovsky et al. 2017
    wasserstein, wasserstein, lambda logits: logits, labels=False
)


class DiscriminatorLoss(NamedTuple):
    """The loss, D(x) and D(G(z)): each (N,), per pair of a real and a generated example."""

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
        *,
        bounded: bool = False,
        dtype: str = "float32",
    ) -> Self:
        """A ReLU perceptron through Z, *hidden, D, and a leaky one through D, *reversed(hidden), 1.

        A bounded generator ends in tanh, for data in [-1, 1].
        """
        generator = mlp([n_latent, *hidden, n_data], rng, dtype=dtype)
        if bounded:
            generator = Sequential(*generator.layers, Tanh())
        discriminator = mlp([n_data, *reversed(hidden), 1], rng, activation=LeakyReLU, dtype=dtype)
        return cls(generator, discriminator)

    def discriminator_loss(
        self, x: Array, z: Array, smoothing: float = 0.0, game: Game = LOGISTIC
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
            game: whose loss and output to take.

        Returns:
            The loss in nats and both probabilities, or what else the game has, and the backward
            pass (dloss=None) -> grads of `discriminator.params`.

        Raises:
            MinigenError: the shapes do not fit, x is in integers or in more digits than the
                samples, smoothing is out of its range, or is not 0 in a game of the labels 1 and 0
                alone.
        """
        xp = array_module(x, z)
        smoothing = check_fraction("smoothing", smoothing)
        if smoothing and not game.labels:
            raise MinigenError(
                f"smoothing {smoothing:g} in a game of the labels 1 and 0 alone; give smoothing 0"
            )
        fake, _ = self.generator(z)
        _check_beside(x, fake)
        logits, discriminator_backward = self.discriminator(xp.concatenate([x, fake]))
        labels = xp.zeros_like(logits)
        labels[: len(x)] = 1 - smoothing
        losses, losses_backward = game.discriminator(logits, labels)
        loss = losses[: len(x)] + losses[len(x) :]

        def backward(dloss: Array | None = None) -> Params:
            dloss = upstream(dloss, loss)
            dlogits = losses_backward(xp.concatenate([dloss, dloss]))
            _, grads = discriminator_backward(dlogits, inputs=False)
            return grads

        d = game.output(logits)[:, 0]
        return DiscriminatorLoss(loss, d[: len(x)], d[len(x) :]), backward

    def generator_loss(
        self, z: Array, saturating: bool = False, game: Game = LOGISTIC
    ) -> tuple[Array, Callable[..., Params]]:
        """G's loss, with l = discriminator(G(z)):

            (G2) non-saturating  -log D(G(z)) = softplus(-l)         d/dl = D - 1
            (G3) minimax         log(1 - D(G(z))) = -softplus(l)     d/dl = -D

        Both push l up. Where D is sure that a sample is generated, D = 0, the minimax gradient
        vanishes and the other does not: their ratio is exp(-l). D's parameters get no gradient.

        Args:
            z: (N, Z), a draw from N(0, 1).
            saturating: take the minimax loss, minus what D pays for a sample.
            game: whose loss to take.

        Returns:
            (N,) in nats, or what else the game has, and the backward pass (dloss=None) -> grads of
            `generator.params`.

        Raises:
            MinigenError: the shape does not fit.
        """
        fake, generator_backward = self.generator(z)
        logits, discriminator_backward = self.discriminator(fake)
        xp = array_module(logits)
        label, sign = (0.0, -1.0) if saturating else (1.0, 1.0)  # a distance, or its negative
        distance = game.discriminator if saturating else game.generator
        value, distance_backward = distance(logits, xp.full_like(logits, label))
        loss = sign * value

        def backward(dloss: Array | None = None) -> Params:
            dlogits = distance_backward(sign * upstream(dloss, loss))
            dfake, _ = discriminator_backward(dlogits, params=False)
            _, grads = generator_backward(dfake, inputs=False)
            return grads

        return loss, backward

    def slope_penalty(self, x: Array, slope: float = 0.0) -> tuple[Array, Callable[..., Params]]:
        """(G4) The price of D's slope at each x, with l = discriminator(x):

            (|dl/dx| - k)^2

        On data and with k = 0, gamma / 2 of it is the R1 penalty (Mescheder et al. 2018, section
        4.1). The weight goes into the upstream gradient: backward(gamma / 2 / N for each row).

        Args:
            x: (N, D), where the slope is taken: a place, which gets no gradient.
            slope: k, which costs nothing.

        Returns:
            (N,) and the backward pass (dloss=None) -> grads of `discriminator.params`.

        Raises:
            MinigenError: the shape does not fit, or D has a layer that `curvature` does not know.
        """
        gradient, gradient_backward = input_gradient(self.discriminator, x)
        loss, loss_backward = length_error(gradient, slope)

        def backward(dloss: Array | None = None) -> Params:
            _, grads = gradient_backward(loss_backward(dloss), inputs=False)
            return grads

        return loss, backward

    def between(self, x: Array, z: Array, weight: Array) -> Array:
        """(G5) A point on the line from a sample to an example, w x + (1 - w) G(z), for each row.

        There, and with k = 1, lambda times the slope penalty is that of a WGAN-GP (Gulrajani et al.
        2017, section 4).

        Args:
            x: (N, D), real examples.
            z: (N, Z), a draw from N(0, 1).
            weight: w (N, 1), a uniform draw from [0, 1): one for each row, not for each entry.

        Raises:
            MinigenError: the shapes do not fit, x is in integers or in more digits than the
                samples, or the weights are not one for each row.
        """
        check_shape("weight, one for each row", weight, (len(x), 1))
        fake, _ = self.generator(z)
        _check_beside(x, fake)
        weight = weight.astype(fake.dtype, copy=False)
        return weight * x + (1 - weight) * fake


def _check_beside(x: Array, fake: Array) -> None:
    """Raise MinigenError unless samples are rows like x, and as many: nothing is broadcast."""
    check_rows(**{"x": x, "G(z)": fake})
    check_floats("x", x, fake, "the generator")
