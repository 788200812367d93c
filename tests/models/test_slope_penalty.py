"""The price of D's slope, the points between data and samples, and the games beside the logistic.

The Dirac-GAN is played through the backward passes themselves: its eigenvalues are known.
"""

from types import ModuleType

import numpy as np
import pytest

from minigen.backend import Array, to_numpy
from minigen.errors import MinigenError
from minigen.gradcheck import check_params
from minigen.gradcheck.derivation import Draw
from minigen.models.gan import GAN, HINGE, LEAST_SQUARES, LOGISTIC, WASSERSTEIN, Game
from minigen.nn.layers import Layer, LeakyReLU, Linear, Sequential, Tanh, mlp
from minigen.nn.module import Params
from minigen.nn.slopes import input_gradient

Rng = np.random.Generator
H = 1e-30
GAMES = {"logistic": LOGISTIC, "squares": LEAST_SQUARES, "hinge": HINGE, "critic": WASSERSTEIN}

each_game = pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)


def drawn(xp: ModuleType = np) -> tuple[GAN, Array, Array]:
    draw = Draw(xp)
    return draw.gan(bounded=False), draw.normal(5, 3), draw.normal(5, 2)


def host(grads: Params) -> dict[str, np.ndarray]:
    return {name: to_numpy(gradient) for name, gradient in grads.items()}


@pytest.mark.parametrize("activation", [LeakyReLU, Tanh])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_gradient_of_the_penalty(slope: float, activation: type[Layer], rng: Rng) -> None:
    model, x, _ = drawn()
    d = mlp([3, 6, 5, 1], rng, activation=activation, dtype="float64")
    report = check_params(lambda d: GAN(model.generator, d).slope_penalty(x, slope), d)
    assert report.ok, report


def test_the_penalty_is_the_squared_slope_of_each_row(xp: ModuleType) -> None:
    model, x, _ = drawn(xp)
    g, _ = input_gradient(model.discriminator, x)
    norms = np.linalg.norm(to_numpy(g), axis=1)
    for slope in (0, 1):
        penalty = to_numpy(model.slope_penalty(x, slope)[0])
        np.testing.assert_allclose(penalty, (norms - slope) ** 2, rtol=1e-12)


def test_the_weight_of_a_penalty_is_its_upstream_gradient(xp: ModuleType) -> None:
    model, x, _ = drawn(xp)
    _, backward = model.slope_penalty(x)
    mean, weighted = host(backward()), host(backward(xp.full(5, 0.3 / 5)))
    for name in mean:
        np.testing.assert_allclose(weighted[name], 0.3 * mean[name], rtol=1e-12, atol=1e-16)
    one = xp.asarray([0.0, 0.0, 1.0, 0.0, 0.0])
    alone = host(model.slope_penalty(x[2:3])[1]())
    for name, gradient in host(backward(one)).items():
        np.testing.assert_allclose(gradient, alone[name], rtol=1e-10, atol=1e-15)


def test_a_penalty_leaves_g_alone_and_a_dead_d_has_a_finite_one() -> None:
    model, x, _ = drawn()
    value, backward = model.slope_penalty(x, 1.0)
    assert backward().keys() == model.discriminator.params.keys()
    dead = {name: np.zeros_like(array) for name, array in model.discriminator.params.items()}
    value, backward = GAN(model.generator, model.discriminator.with_params(dead)).slope_penalty(
        x, 1
    )
    assert value.tolist() == [1] * 5
    assert not any(gradient.any() for gradient in backward().values())


def test_points_between_lie_on_the_lines_from_samples_to_data(rng: Rng, xp: ModuleType) -> None:
    model, x, z = drawn(xp)
    fake, _ = model.generator(z)
    assert (model.between(x, z, xp.ones((5, 1))) == x).all()
    assert (model.between(x, z, xp.zeros((5, 1))) == fake).all()
    weight = rng.random((5, 1))
    away, whole = model.between(x, z, xp.asarray(weight)) - fake, x - fake
    np.testing.assert_allclose(to_numpy(away / whole), np.repeat(weight, 3, axis=1), rtol=1e-10)


@pytest.mark.parametrize("shape", [(5, 3), (5,), (1, 1)])
def test_there_is_one_weight_for_each_row(shape: tuple[int, ...]) -> None:
    """One for each entry is the commonest mistake of all."""
    model, x, z = drawn()
    with pytest.raises(MinigenError, match=r"one for each row: expected .* \(5, 1\), got"):
        model.between(x, z, np.ones(shape))


@each_game
def test_gradient_of_the_discriminator(game: Game) -> None:
    model, x, z = drawn()
    report = check_params(
        lambda d: GAN(model.generator, d).discriminator_loss(x, z, game=game), model.discriminator
    )
    assert report.ok, report


@each_game
@pytest.mark.parametrize("saturating", [False, True])
def test_gradient_of_the_generator(saturating: bool, game: Game) -> None:
    model, _, z = drawn()
    report = check_params(
        lambda g: GAN(g, model.discriminator).generator_loss(z, saturating, game), model.generator
    )
    assert report.ok, report


def test_losses_of_the_games(xp: ModuleType) -> None:
    model, x, z = drawn(xp)
    rows = x, model.generator(z)[0]
    real, fake = (to_numpy(model.discriminator(each)[0])[:, 0] for each in rows)
    expected = {
        "squares": ((real - 1) ** 2 + fake**2, (fake - 1) ** 2),
        "hinge": (np.maximum(0, 1 - real) + np.maximum(0, 1 + fake), -fake),
        "critic": (fake - real, -fake),
    }
    for name, (d_loss, g_loss) in expected.items():
        values, _ = model.discriminator_loss(x, z, game=GAMES[name])
        found, _ = model.generator_loss(z, game=GAMES[name])
        for array, expect in zip((*values, found), (d_loss, real, fake, g_loss), strict=True):
            np.testing.assert_allclose(to_numpy(array), expect, rtol=1e-12)
    for game, taken in ((LEAST_SQUARES, fake**2), (HINGE, np.maximum(0, 1 + fake))):  # by D
        minimax, _ = model.generator_loss(z, saturating=True, game=game)
        np.testing.assert_allclose(to_numpy(minimax), -taken, rtol=1e-12)


# The Dirac-GAN: one number each, by the gradients that train networks


def field(theta: complex, psi: complex, gamma: float) -> np.ndarray:
    """Where both players go, with R1: minus their gradients."""
    rng, zero = np.random.default_rng(0), np.zeros((1, 1), complex)
    gan = GAN(Linear(1, 1, rng, "float64"), Sequential(Linear(1, 1, rng, "float64")))
    values = {"weight": zero, "bias": np.array([theta])}
    g = gan.generator.with_params(values)
    d = gan.discriminator.with_params({"0.weight": np.array([[psi]]), "0.bias": zero[0]})
    gan = GAN(g, d)
    by_theta = gan.generator_loss(zero, saturating=True)[1]()["bias"]
    by_psi = gan.discriminator_loss(zero, zero)[1]()["0.weight"]
    penalty = gan.slope_penalty(zero)[1](np.full(1, gamma / 2, complex))["0.weight"]
    return -np.array([by_theta[0], (by_psi + penalty)[0, 0]])


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 1.5, 4.0])
def test_eigenvalues_of_the_dirac_gan(gamma: float) -> None:
    jacobian = np.stack([field(1j * H, 0, gamma), field(0, 1j * H, gamma)], axis=1).imag / H
    np.testing.assert_allclose(jacobian, [[0, 0.5], [-0.5, -gamma]], atol=1e-15)
    if gamma != 1:  # where both coincide, rounding is amplified to its root
        root = np.sqrt(complex(gamma**2 / 4 - 1 / 4))
        expected = np.sort_complex([-gamma / 2 - root, -gamma / 2 + root])
        found = np.sort_complex(np.linalg.eigvals(jacobian).astype(complex))
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("gamma", "comes_to_rest"), [(0.0, False), (0.3, True)])
def test_the_spiral_ends_with_r1(gamma: float, comes_to_rest: bool) -> None:
    position = np.array([0.5, 0.0], complex)
    for _ in range(400):
        position = position + 0.1 * field(position[0], position[1], gamma)
    assert (np.abs(position).max() < 1e-2) == comes_to_rest
