"""The games, penalties and normalized weights of a GAN in training: what is refused and logged."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minigen.backend import generator, to_numpy
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.models.gan import GAN
from minigen.nn.module import Params
from minigen.train import main
from minigen.training import GANOptions, Run, prepare
from minigen.training.games import GAMES
from minigen.workshop.explore.content import _networks
from tests.helpers import points, trained

Rng = np.random.Generator
ROWS = np.random.default_rng(5).standard_normal((60, 2)).astype(np.float32)
X = ROWS[:16]
PLAIN = {"hidden": (6,), "latent_dim": 2, "smoothing": 0.0, "averaging": 0.0}
PENALTIES: list[dict[str, float]] = [{"r1": 3.0}, {"gradient_penalty": 3.0}]


def run_of(xp: ModuleType = np, **options: Any) -> Run:
    return prepare(GANOptions(**{**PLAIN, **options}), Dataset("rows", ROWS, ROWS[:9], None), xp)


def trainer_of(xp: ModuleType = np, **options: Any) -> Any:
    return run_of(xp, **options).trainer


def host(arrays: Params) -> dict[str, np.ndarray]:
    """Copies for NumPy."""
    return {name: to_numpy(array).copy() for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"r1": 1, "gradient_penalty": 2}, "r1 1 with gradient_penalty 2: one pulls .* the other"),
        (
            {"game": "hinge", "smoothing": 0.1},
            "smoothing 0.1 with the game hinge: .* leave smoothing out, or",
        ),
        ({"game": "wasserstein", "r1": 1, "smoothing": 0.1}, "smoothing 0.1 with the game wass"),
        (
            {"game": "least-squares", "generator_loss": "minimax"},
            "generator_loss minimax with the game least-squares",
        ),
        ({"game": "wasserstein"}, "without a bound on D's slope: .* give gradient_penalty, r1 or"),
        ({"r1": -1}, "r1 must be a finite number of at least 0"),
        ({"gradient_penalty": np.nan}, "gradient_penalty must be a finite number"),
        ({"game": "chess"}, "game must be logistic or least-squares or hinge or wasserstein"),
    ],
)
def test_what_contradicts_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(MinigenError, match=said):
        GANOptions(**{"smoothing": 0.0, **options})


@pytest.mark.parametrize(
    "options", [{"gradient_penalty": 1.0}, {"r1": 1.0}, {"spectral": True}], ids=str
)
def test_a_critic_with_a_bound_is_taken(options: dict[str, Any]) -> None:
    GANOptions(game="wasserstein", **options)


@pytest.mark.parametrize(
    ("game", "smoothing"),
    [("logistic", 0.1), ("least-squares", 0.1), ("hinge", 0.0), ("wasserstein", 0.0)],
)
def test_labels_are_smoothed_by_default_where_the_game_has_labels(
    game: str, smoothing: float, rng: np.random.Generator
) -> None:
    assert GANOptions(game=game, spectral=True).smoothing == smoothing
    assert GANOptions(game=game, spectral=True, smoothing=0.0).smoothing == 0
    gan = GAN.mlp(2, [3], 2, rng, dtype="float64")
    x = rng.standard_normal((4, 2))
    gan.discriminator_loss(x, x, smoothing, GAMES[game].game)
    if not smoothing:
        with pytest.raises(MinigenError, match=r"smoothing 0\.1 in a game .* give smoothing 0"):
            gan.discriminator_loss(x, x, 0.1, GAMES[game].game)


@pytest.mark.parametrize("game", GAMES)
def test_values_are_named_as_what_they_are(game: str) -> None:
    trainer = trainer_of(game=game, r1=1.0)
    logged = trainer.test_step(X, generator(np, 0))
    assert list(logged) == list(trainer.titles)
    assert ("nats" in trainer.units) == ("nats" in trainer.titles["g_loss"]) == (game == "logistic")
    assert ("D(x)" in trainer.titles["d_real"]) == GAMES[game].game.labels
    assert trainer.references.keys() <= logged.keys()
    field = trainer.field(np.zeros((4, 2), np.float32))
    assert (field is not None) == (game == "logistic")


@pytest.mark.parametrize("game", GAMES)
def test_an_undecided_discriminator_is_at_the_reference(game: str) -> None:
    trainer = trainer_of(game=game, r1=1.0)
    for name, array in trainer.model.discriminator.params.items():
        undecided = 0.5 if game == "least-squares" and name == "2.bias" else 0.0
        array[...] = undecided
    values = trainer.test_step(X, generator(np, 0))
    for name, (reference, _) in trainer.references.items():
        np.testing.assert_allclose(values[name], reference, rtol=1e-6)


@pytest.mark.parametrize("game", GAMES)
def test_both_players_play_the_same_game(game: str, xp: ModuleType) -> None:
    trainer, rng, x = trainer_of(xp, game=game, spectral=True), generator(xp, 1), xp.asarray(X)
    z_d, z_g = (rng.standard_normal((16, 2), dtype=np.float32) for _ in range(2))
    played = GAN(trainer.model.generator, trainer.discriminator)
    values = trainer.test_step(x, generator(xp, 1))
    rules = GAMES[game].game
    assert (values["d_loss"] == played.discriminator_loss(x, z_d, game=rules)[0].loss).all()
    assert (values["g_loss"] == played.generator_loss(z_g, game=rules)[0]).all()


def test_plain_options_log_no_penalty_and_keep_no_vectors() -> None:
    trainer = trainer_of()
    assert "penalty" not in trainer.titles
    assert "penalty" not in trainer.train_step(X, generator(np, 0))
    assert not any(name.startswith("stretch") for name in trainer.state)


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_the_penalty_is_what_d_pays(penalty: dict[str, float], xp: ModuleType) -> None:
    """On data, or on the line from samples to data; with its weight."""
    trainer, rng, x = trainer_of(xp, **penalty), generator(xp, 1), xp.asarray(X)
    found = trainer.test_step(x, generator(xp, 1))["penalty"]
    for _ in range(2):  # D's noise and G's
        rng.standard_normal((16, 2), dtype=np.float32)
    if "r1" in penalty:
        expected = 1.5 * trainer.model.slope_penalty(x)[0]
    else:
        share = rng.random((16, 1), dtype=np.float32)
        z = rng.standard_normal((16, 2), dtype=np.float32)
        expected = 3 * trainer.model.slope_penalty(trainer.model.between(x, z, share), 1.0)[0]
    assert (found == expected).all()


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_a_step_descends_on_loss_and_penalty(penalty: dict[str, float], xp: ModuleType) -> None:
    """Adam's first step goes against the sign of each entry of the whole gradient."""
    trainer, gan = trainer_of(xp, **penalty), trainer_of(xp, **penalty).model
    rng, x = generator(xp, 1), xp.asarray(X)
    before = host(gan.discriminator.params)
    z = rng.standard_normal((16, 2), dtype=np.float32)
    whole = host(gan.discriminator_loss(x, z)[1]())
    slope, weight, points = 0.0, 1.5, x
    if "gradient_penalty" in penalty:
        share = rng.random((16, 1), dtype=np.float32)
        z = rng.standard_normal((16, 2), dtype=np.float32)
        slope, weight, points = 1.0, 3.0, gan.between(x, z, share)
    _, backward = gan.slope_penalty(points, slope)
    paid = host(backward(xp.full(16, weight / 16, np.float32)))
    trainer.train_step(x, generator(xp, 1))
    changed = 0
    for name, array in host(trainer.model.discriminator.params).items():
        gradient = whole[name] + paid[name]
        changed += int(np.count_nonzero(np.sign(gradient) != np.sign(whole[name])))
        sure = np.abs(gradient) > 1e-5
        np.testing.assert_array_equal(np.sign(before[name] - array)[sure], np.sign(gradient)[sure])
    assert changed, "the penalty turns no entry, so this test says nothing"


def test_normalized_weights_stretch_by_one_and_the_vectors_follow(xp: ModuleType) -> None:
    trainer, rng = trainer_of(xp, spectral=True, discriminator_lr=0.05), generator(xp, 2)
    for _ in range(50):
        trainer.train_step(xp.asarray(X), rng)
    for name, array in host(trainer.discriminator.params).items():
        if array.ndim == 2:
            assert np.linalg.norm(array, 2) == pytest.approx(1, rel=0.02), name
    own = host(trainer.model.discriminator.params).values()
    raw = [np.linalg.norm(a, 2) for a in own if a.ndim == 2]
    assert not np.allclose(raw, 1, rtol=0.05)


def test_normalized_weights_come_back_with_their_vectors(xp: ModuleType) -> None:
    trainer, twin = trainer_of(xp, spectral=True), trainer_of(xp, spectral=True)
    for _ in range(2):
        trainer.train_step(xp.asarray(X), generator(xp, 0))
    twin.restore(trainer.state)
    expected = host(trainer.discriminator.params)
    for name, array in host(twin.discriminator.params).items():
        np.testing.assert_array_equal(array, expected[name])


def test_normalized_weights_are_judged_and_left_as_they_are() -> None:
    trainer = trainer_of(spectral=True)
    before = trainer.state
    values = trainer.test_step(X, generator(np, 1))
    z = generator(np, 1).standard_normal((16, 2), dtype=np.float32)
    played = GAN(trainer.model.generator, trainer.discriminator)
    np.testing.assert_array_equal(values["d_loss"], played.discriminator_loss(X, z)[0].loss)
    assert (values["d_loss"] != trainer.model.discriminator_loss(X, z)[0].loss).all()
    for name, value in trainer.state.items():
        np.testing.assert_array_equal(value, before[name])


def test_normalized_gradients_have_no_part_along_the_weights(xp: ModuleType) -> None:
    """Which the way back through the normalization takes out."""
    trainer = trainer_of(xp, spectral=True)
    seen: list[Params] = []
    optimizer = trainer.optimizers["discriminator_optimizer"]
    optimizer.step = seen.append
    trainer.train_step(xp.asarray(X), generator(xp, 1))
    gradients = host(seen[0])
    for name, array in host(trainer.model.discriminator.params).items():
        if array.ndim == 2:
            cosine = (array * gradients[name]).sum() / np.linalg.norm(array)
            assert abs(cosine) < 1e-5 < np.linalg.norm(gradients[name])


def test_the_page_of_a_run_asks_only_a_discriminator_that_says_a_probability() -> None:
    assert set(_networks(run_of(game="hinge"))) == {"decoder"}
    networks = _networks(run_of(spectral=True))
    assert np.linalg.norm(networks["discriminator"].params["2.weight"], 2) == pytest.approx(1, 0.1)


@pytest.mark.parametrize(
    "options",
    [
        ["--game", "wasserstein", "--gradient-penalty", "2"],
        ["--game", "hinge", "--spectral"],
        ["--game", "least-squares", "--r1", "0.5"],
    ],
    ids=" ".join,
)
def test_the_command_trains_draws_repeats_and_resumes(options: list[str], tmp_path: Path) -> None:
    x = points(tmp_path / "x.npy")
    whole = trained("gan", x, tmp_path / "a", *options, draw=True)
    assert (whole / "figures" / "curves.png").exists()
    again = trained("gan", x, tmp_path / "b", *options)
    resumed = trained("gan", x, tmp_path / "c", *options, "--epochs", "1")
    assert main(["gan", "--resume", str(resumed), "--epochs", "2", "--no-figures"]) == 0
    a, b, c = ((run / "checkpoint.npz").read_bytes() for run in (whole, again, resumed))
    assert a == b == c


def test_curves_name_the_penalty() -> None:
    trainer = trainer_of(r1=1.0)
    assert trainer.titles["penalty"] == "R1: 0.5 slope$^2$, on data"
    assert "between" in trainer_of(gradient_penalty=1.0).titles["penalty"]
