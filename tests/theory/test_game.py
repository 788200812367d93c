"""The game of a GAN where it can be solved: two Gaussians, and Dirac's delta.

A weight for each example turns a sum over a grid into an integral, so expectations over data and
noise are exact to rounding, and the equations of the game hold to as many digits.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from minigen.models.gan import GAN
from minigen.nn.gaussian import kl_to_standard_normal, log_normal
from minigen.nn.layers import Backward, Layer, Linear
from minigen.nn.module import Params
from minigen.nn.optim import SGD, Adam, Optimizer

JSD = {0.5: 0.03031130, 1.0: 0.11142148, 2.0: 0.33683082, 3.0: 0.52677731, 4.0: 0.63272019}
POINTS = np.linspace(-12, 12, 481)[:, None]  # the trapezium rule on analytic tails: exact
DENSITY = np.exp(log_normal(POINTS, np.zeros_like(POINTS), np.zeros_like(POINTS))[0])
WEIGHTS = DENSITY * (POINTS[1, 0] - POINTS[0, 0])  # of N(0, 1), for x and for z alike


def linear(weight: complex, bias: complex) -> Linear:
    dtype = np.result_type(weight, bias)
    return Linear(1, 1, np.random.default_rng(0)).with_params(
        {"weight": np.array([[weight]], dtype), "bias": np.array([bias], dtype)}
    )


def shifted(m: float, discriminator: Layer) -> GAN:
    """Data x ~ N(0, 1), samples z + m ~ N(m, 1)."""
    return GAN(linear(1.0, m), discriminator)


def optimal(m: float) -> Linear:
    """log p(x) / q(x) = -m x + m^2 / 2, the logit of D* = p / (p + q)."""
    return linear(-m, m * m / 2)


class TestOptimalDiscriminator:
    """Goodfellow et al. 2014, section 4.1."""

    @pytest.mark.parametrize("m", JSD)
    def test_its_loss(self, m: float) -> None:
        """C(G) = -log 4 + 2 JSD(p, q): D's loss is 2 log 2 - 2 JSD, and stationary there."""
        terms, backward = shifted(m, optimal(m)).discriminator_loss(POINTS, POINTS)
        assert round(math.log(2) - terms.loss @ WEIGHTS / 2, 8) == JSD[m]
        for gradient in backward(WEIGHTS).values():
            assert np.abs(gradient).max() < 1e-14

    @pytest.mark.parametrize("m", [0.0, *JSD])
    def test_its_value(self, m: float) -> None:
        """D* = p / (p + q), on data and on samples."""
        terms, _ = shifted(m, optimal(m)).discriminator_loss(POINTS, POINTS)
        for x, d in ((POINTS, terms.d_real), (POINTS + m, terms.d_fake)):
            p, q = (np.exp(-((x[:, 0] - mean) ** 2) / 2) for mean in (0, m))
            np.testing.assert_allclose(d, p / (p + q), rtol=1e-12)

    def test_of_a_perfect_generator(self) -> None:
        """Where q = p, D* is 1/2 everywhere, and C(G) is at its minimum, -log 4."""
        terms, _ = shifted(0.0, optimal(0.0)).discriminator_loss(POINTS, POINTS)
        assert set(terms.d_real) == set(terms.d_fake) == {0.5}
        assert terms.loss @ WEIGHTS == pytest.approx(math.log(4), rel=1e-15)

    @pytest.mark.parametrize(
        "make", [lambda p: SGD(p, 0.5, 0.9), lambda p: Adam(p, 0.05)], ids=["momentum", "adam"]
    )
    def test_is_learnt(self, make: Callable[[Mapping[str, Any]], Optimizer]) -> None:
        """D's loss is convex in w and b: from zero, its own gradients lead to D*."""
        model = shifted(1.0, linear(0.0, 0.0))
        optimizer = make(model.discriminator.params)
        for _ in range(600):
            optimizer.step(model.discriminator_loss(POINTS, POINTS)[1](WEIGHTS))
        np.testing.assert_allclose(model.discriminator.params["weight"], [[-1]], atol=1e-9)
        np.testing.assert_allclose(model.discriminator.params["bias"], [0.5], atol=1e-9)


class LogRatio(Layer):
    """The logit of D* for data N(0, 1) and samples N(shift, scale^2): log p(x) - log q(x)."""

    def __init__(self, shift: float, scale: float) -> None:
        super().__init__()
        self.mu, self.logvar = shift, 2 * math.log(scale)

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, Backward]:
        log_p, p_backward = log_normal(x, np.zeros_like(x), np.zeros_like(x))
        mu, logvar = np.full_like(x, self.mu), np.full_like(x, self.logvar)
        log_q, q_backward = log_normal(x, mu, logvar)

        def backward(
            dy: np.ndarray, inputs: bool = True, params: bool = True
        ) -> tuple[np.ndarray, Params]:
            return p_backward(dy[:, 0])[0] - q_backward(dy[:, 0])[0], {}

        return (log_p - log_q)[:, None], backward


def gaussian_game(shift: float, scale: float) -> GAN:
    """G(z) = scale z + shift, against the D that is optimal for it."""
    return GAN(linear(scale, shift), LogRatio(shift, scale))


def divergences(shift: float, scale: float) -> np.ndarray:
    """KL(q || p) and JSD(p, q) for q = N(shift, scale^2)."""
    kl, _ = kl_to_standard_normal(np.array([[shift]]), np.array([[2 * math.log(scale)]]))
    terms, _ = gaussian_game(shift, scale).discriminator_loss(POINTS, POINTS)
    return np.array([kl[0], math.log(2) - terms.loss @ WEIGHTS / 2])


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (-0.5, 1.4), (2.0, 0.6)])
class TestGeneratorAtOptimalDiscriminator:
    """Arjovsky and Bottou 2017: what G descends while D is frozen at D*."""

    def slopes(self, shift: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """The gradients of KL(q || p) and of JSD by (scale, shift), by central differences."""
        h = 1e-4
        by_scale = divergences(shift, scale + h) - divergences(shift, scale - h)
        by_shift = divergences(shift + h, scale) - divergences(shift - h, scale)
        kl, jsd = np.column_stack([by_scale, by_shift]) / (2 * h)
        return kl, jsd

    def gradient(self, shift: float, scale: float, saturating: bool) -> np.ndarray:
        _, backward = gaussian_game(shift, scale).generator_loss(POINTS, saturating)
        return np.array([gradient.item() for gradient in backward(WEIGHTS).values()])

    def test_minimax(self, shift: float, scale: float) -> None:
        """The minimax gradient is that of 2 JSD."""
        _, jsd = self.slopes(shift, scale)
        np.testing.assert_allclose(self.gradient(shift, scale, True), 2 * jsd, rtol=1e-7)

    def test_non_saturating(self, shift: float, scale: float) -> None:
        """The non-saturating gradient is that of KL(q || p) - 2 JSD (theorem 2.5). The loss itself
        is another: only the gradients are equal.
        """
        kl, jsd = self.slopes(shift, scale)
        np.testing.assert_allclose(self.gradient(shift, scale, False), kl - 2 * jsd, rtol=1e-7)
        loss, _ = gaussian_game(shift, scale).generator_loss(POINTS)
        assert abs(loss @ WEIGHTS - divergences(shift, scale) @ [1, -2]) > 0.5


class DiracGAN:
    """Mescheder et al. 2018: the only datum is 0, the only sample theta, and the logit psi x.

    G is a Linear layer at z = 0 with bias theta; D is one with weight psi, whose bias stays 0
    because nobody applies its gradient. R1 = penalty/2 E_x |dlogit/dx|^2 has the gradient
    penalty * psi.
    """

    def __init__(self, theta: complex, psi: complex, penalty: float = 0, minimax: bool = False):
        self.model = GAN(linear(0.0, theta), linear(psi, 0.0))
        self.params = {
            "theta": self.model.generator.params["bias"],
            "psi": self.model.discriminator.params["weight"],
        }
        self.penalty, self.minimax = penalty, minimax

    def gradients(self) -> Params:
        """Each player's gradient of its own loss."""
        nothing = np.zeros((1, 1))
        _, d_backward = self.model.discriminator_loss(nothing, nothing)
        _, g_backward = self.model.generator_loss(nothing, self.minimax)
        slope, _ = self.model.discriminator(nothing)[1](np.ones((1, 1)), params=False)
        return {
            "theta": g_backward()["bias"],
            "psi": d_backward()["weight"] + self.penalty * slope,
        }

    @property
    def position(self) -> np.ndarray:
        return np.array([array.item() for array in self.params.values()])


@pytest.mark.parametrize("minimax", [False, True])
class TestDiracGAN:
    def eigenvalues(self, penalty: float, minimax: bool) -> np.ndarray:
        """Of the field that both players follow at (0, 0), by a complex step through backward."""
        h = 1e-30
        columns = []
        for theta, psi in ((h * 1j, 0j), (0j, h * 1j)):
            gradients = DiracGAN(theta, psi, penalty, minimax).gradients()
            columns.append([-gradient.item().imag / h for gradient in gradients.values()])
        return np.sort_complex(np.linalg.eigvals(np.transpose(columns)))

    def test_circles(self, minimax: bool) -> None:
        """Without a penalty the eigenvalues are +-i/2: the players turn around the equilibrium."""
        np.testing.assert_allclose(self.eigenvalues(0, minimax), [-0.5j, 0.5j], atol=1e-15)

    @pytest.mark.parametrize("g", [0.1, 0.5, 1.0, 1.5, 4.0])
    def test_r1(self, g: float, minimax: bool) -> None:
        """R1 of weight g makes them -g/2 +- sqrt(g^2/4 - 1/4): a spiral inwards, critical at 1."""
        root = np.sqrt(complex(g * g / 4 - 1 / 4))
        expected = np.sort_complex([-g / 2 - root, -g / 2 + root])
        # at g = 1 both are one, which rounding by e splits by sqrt(e)
        np.testing.assert_allclose(self.eigenvalues(g, minimax), expected, atol=1e-7)

    @pytest.mark.parametrize("h", [0.1, 1.0])
    def test_simultaneous_steps_grow(self, h: float, minimax: bool) -> None:
        """By sqrt(1 + h^2/4) each, up to the square of the distance, here 1e-11 or less."""
        game = DiracGAN(1e-7, 0.0, minimax=minimax)
        optimizer = SGD(game.params, lr=h)
        for _ in range(30):
            before = np.linalg.norm(game.position)
            optimizer.step(game.gradients())
            growth = np.linalg.norm(game.position) / before
            assert growth == pytest.approx(math.sqrt(1 + h * h / 4), rel=1e-10)

    @pytest.mark.parametrize("h", [0.1, 1.0])
    def test_alternating_steps_do_not(self, h: float, minimax: bool) -> None:
        """Where G answers to the new D they keep to an ellipse, theta^2 + psi^2 - h/2 theta psi."""
        game = DiracGAN(1e-7, 0.0, minimax=minimax)
        optimizers = {name: SGD({name: array}, lr=h) for name, array in game.params.items()}
        for _ in range(100):
            for name in ("psi", "theta"):
                optimizers[name].step({name: game.gradients()[name]})
            theta, psi = game.position
            ellipse = theta**2 + psi**2 - h / 2 * theta * psi
            assert ellipse == pytest.approx(1e-14, rel=1e-9)

    def test_r1_converges(self, minimax: bool) -> None:
        """From afar, too, with the critical penalty."""
        game = DiracGAN(2.0, -1.0, penalty=1, minimax=minimax)
        optimizer = SGD(game.params, lr=0.5)
        for _ in range(200):
            optimizer.step(game.gradients())
        assert np.linalg.norm(game.position) < 1e-9
