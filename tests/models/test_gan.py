"""The GAN: both players' gradients, and that neither touches the other."""

import re
from functools import partial
from types import ModuleType

import numpy as np
import pytest

from minigen.backend import to_numpy
from minigen.errors import MinigenError
from minigen.gradcheck import Report, check_params
from minigen.gradcheck.derivation import Draw
from minigen.models.gan import GAN
from minigen.nn.layers import Linear, Sequential, Sigmoid, sigmoid
from minigen.nn.optim import Adam

Rng = np.random.Generator


def game(rng: Rng, n: int = 5, bounded: bool = False) -> tuple[GAN, np.ndarray, np.ndarray]:
    model = GAN.mlp(3, (6, 5), 2, rng, bounded=bounded, dtype="float64")
    return model, rng.random((n, 3)), rng.standard_normal((n, 2))


def check_generator(model: GAN, z: np.ndarray, saturating: bool) -> Report:
    """G's gradient, through D."""
    return check_params(
        lambda generator: GAN(generator, model.discriminator).generator_loss(z, saturating),
        model.generator,
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradient_of_the_discriminator(smoothing: float, rng: Rng) -> None:
    model, x, z = game(rng)
    report = check_params(
        lambda d: GAN(model.generator, d).discriminator_loss(x, z, smoothing), model.discriminator
    )
    assert report.ok, report
    assert len(report.comparisons) == 12


@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize("bounded", [False, True])
def test_gradient_of_the_generator_through_the_discriminator(
    saturating: bool, bounded: bool, rng: Rng
) -> None:
    model, _, z = game(rng, bounded=bounded)
    report = check_generator(model, z, saturating)
    assert report.ok, report
    assert len(report.comparisons) == 12


def test_losses_are_those_of_the_value_function(xp: ModuleType) -> None:
    draw = Draw(xp)
    model, x, z = draw.gan(bounded=False), draw.unit(5, 3), draw.normal(5, 2)
    rows = x, model.generator(z)[0]
    d_real, d_fake = (to_numpy(sigmoid(model.discriminator(each)[0]))[:, 0] for each in rows)
    terms, _ = model.discriminator_loss(x, z)
    smoothed, _ = model.discriminator_loss(x, z, 0.1)
    expected = {
        "d_loss": (terms.loss, -np.log(d_real) - np.log(1 - d_fake)),
        "d_real": (terms.d_real, d_real),
        "d_fake": (terms.d_fake, d_fake),
        "smoothed": (
            smoothed.loss,
            -0.9 * np.log(d_real) - 0.1 * np.log(1 - d_real) - np.log(1 - d_fake),
        ),
        "g_loss": (model.generator_loss(z)[0], -np.log(d_fake)),
        "minimax": (model.generator_loss(z, saturating=True)[0], np.log(1 - d_fake)),
    }
    for name, (found, value) in expected.items():
        np.testing.assert_allclose(to_numpy(found), value, rtol=1e-12, err_msg=name)


def test_an_undecided_discriminator_costs_two_log_two(rng: Rng) -> None:
    model, x, z = game(rng)
    undecided = {name: np.zeros_like(array) for name, array in model.discriminator.params.items()}
    model = GAN(model.generator, model.discriminator.with_params(undecided))
    terms, _ = model.discriminator_loss(x, z)
    np.testing.assert_allclose(terms.loss, 2 * np.log(2), rtol=1e-15)
    assert set(terms.d_real) == set(terms.d_fake) == {0.5}
    np.testing.assert_allclose(model.generator_loss(z)[0], np.log(2), rtol=1e-15)


def test_minimax_and_non_saturating_gradients_differ_by_the_odds(rng: Rng) -> None:
    """Per sample, minimax = sigmoid(l) / (1 - sigmoid(l)) times the non-saturating one."""
    model, _, z = game(rng, n=1)
    logit = model.discriminator(model.generator(z)[0])[0][0, 0]
    minimax = model.generator_loss(z, saturating=True)[1]()
    non_saturating = model.generator_loss(z)[1]()
    odds = sigmoid(logit.reshape(1, 1))[0, 0] / (1 - sigmoid(logit.reshape(1, 1))[0, 0])
    assert odds != pytest.approx(1, rel=1e-3)
    for name in minimax:
        np.testing.assert_allclose(minimax[name], odds * non_saturating[name], rtol=1e-10)


@pytest.mark.fault("saturated")
def test_a_sure_discriminator_starves_only_the_minimax_generator(rng: Rng) -> None:
    model, _, z = game(rng)
    model.discriminator.params["4.bias"] -= 200
    largest = [
        max(np.abs(g).max() for g in model.generator_loss(z, saturating)[1]().values())
        for saturating in (True, False)
    ]
    assert largest[0] < 1e-80
    assert largest[1] > 1e-4


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_players_step_moves_all_of_it_and_nothing_else(player: str, rng: Rng) -> None:
    model, x, z = game(rng)
    players = {"generator": model.generator, "discriminator": model.discriminator}
    optimizers = {name: Adam(net.params) for name, net in players.items()}
    before = {name: array.copy() for name, array in model.params.items()}
    if player == "generator":
        _, backward = model.generator_loss(z)
    else:
        _, backward = model.discriminator_loss(x, z)
    optimizers[player].step(backward())
    for name, array in model.params.items():
        moved = (array != before[name]).any()
        assert moved == name.startswith(player), name
    other = next(name for name in players if name != player)
    assert optimizers[other].t == 0
    assert not any(m.any() for m in optimizers[other].m.values())


def test_no_player_does_the_others_work(rng: Rng) -> None:
    """D's step never runs G's backward pass; G's step never makes D's parameter gradients."""
    asked = []

    class Watched(Linear):
        def __init__(self, name: str, n_in: int, n_out: int) -> None:
            super().__init__(n_in, n_out, rng, "float64")
            self.name = name

        def __call__(self, x):  # type: ignore[no-untyped-def]
            y, backward = super().__call__(x)

            def watched(dy, inputs=True, params=True):  # type: ignore[no-untyped-def]
                asked.append((self.name, inputs, params))
                return backward(dy, inputs, params)

            return y, watched

    model = GAN(Sequential(Watched("G", 2, 3), Sigmoid()), Sequential(Watched("D", 3, 1)))
    x, z = rng.random((4, 3)), rng.standard_normal((4, 2))
    model.discriminator_loss(x, z)[1]()
    assert asked == [("D", False, True)]
    asked.clear()
    model.generator_loss(z)[1]()
    assert asked == [("D", True, False), ("G", False, True)]


def test_weights_of_examples(rng: Rng) -> None:
    model, x, z = game(rng)
    one = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    alone = slice(2, 3)
    for chosen, single in (
        (model.discriminator_loss(x, z)[1](one), model.discriminator_loss(x[alone], z[alone])[1]()),
        (model.generator_loss(z)[1](one), model.generator_loss(z[alone])[1]()),
    ):
        for name in chosen:
            np.testing.assert_allclose(chosen[name], single[name], rtol=1e-10, atol=1e-15)


def test_a_bounded_generator_stays_between_minus_one_and_one(rng: Rng) -> None:
    model, _, z = game(rng, bounded=True)
    fake, _ = model.generator(100 * z)
    assert fake.min() < 0 < fake.max()
    assert np.abs(fake).max() <= 1
    assert model.generator.params.keys() == game(rng)[0].generator.params.keys()


def test_float32_stays_float32(rng: Rng) -> None:
    model = GAN.mlp(3, (4,), 2, rng)
    x, z = rng.random((5, 3), dtype=np.float32), rng.standard_normal((5, 2), dtype=np.float32)
    terms, d_backward = model.discriminator_loss(x, z, 0.1)
    loss, g_backward = model.generator_loss(z)
    arrays = [*terms, loss, *d_backward().values(), *g_backward().values()]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("n", "width", "n_z"), [(5, 3, 4), (1, 3, 5), (5, 3, 1), (5, 1, 5), (5, 4, 5)]
)
def test_samples_stand_beside_rows_of_their_shape(n: int, width: int, n_z: int, rng: Rng) -> None:
    """Nothing is broadcast: not a row, and not a column."""
    model, _, _ = game(rng)
    x, z = rng.random((n, width)), rng.standard_normal((n_z, 2))
    found = re.escape(f"got x ({n}, {width}), G(z) ({n_z}, 3)")
    for met in (model.discriminator_loss, partial(model.between, weight=rng.random((n, 1)))):
        with pytest.raises(MinigenError, match=found):
            met(x, z)


@pytest.mark.parametrize(
    ("kind", "advice"), [("uint8", "pixels by minigen.data.scaled, "), ("f8", "")]
)
def test_raw_pixels_and_float64_do_not_pass_beside_samples(
    kind: str, advice: str, rng: Rng
) -> None:
    """`concatenate` would make floats of them before the discriminator can see."""
    model = GAN.mlp(3, (4,), 2, rng)
    x, z = np.ones((5, 3), kind), rng.standard_normal((5, 2), dtype=np.float32)
    message = f"generator computes in float32, got x in {x.dtype}; convert it, {advice}"
    weight = rng.random((5, 1))
    for met in (model.discriminator_loss, partial(model.between, weight=weight)):
        with pytest.raises(MinigenError, match=message):
            met(x, z)
    assert model.between(x.astype("float32"), z, weight).dtype == np.float32
    assert model.slope_penalty(x.astype("float32"), np.float64(1))[0].dtype == np.float32


def test_smoothing_of_more_than_1_is_refused(rng: Rng) -> None:
    model, x, z = game(rng)
    with pytest.raises(MinigenError, match=r"smoothing must be a number in \[0, 1\), got 1.5"):
        model.discriminator_loss(x, z, smoothing=1.5)
