"""The three trainers, for a moment: what they log, draw, repeat and refuse."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minigen import data
from minigen.backend import generator
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.metrics import Finding, findings, judge
from minigen.metrics.samples import nearest_neighbour_distances, parzen_score
from minigen.nn.layers import Linear, Sequential, Tanh, sigmoid
from minigen.train import main
from minigen.training import OPTIONS, Run, Stream, Trainer, VAEOptions, prepare
from minigen.training import autoencoder as autoencoder_training
from minigen.training.vae import binarized
from minigen.workshop import plots
from minigen.workshop.folder import RunFolder
from minigen.workshop.layout import tiled
from minigen.workshop.runs import read_run
from minigen.workshop.snapshots import take_snapshot
from tests.helpers import pixels, points, squares, trained, unit

IMAGE_FIGURES = {"curves.png", "samples.png", "training.gif"}
LOGGED = {
    "ae": {"loss"},
    "vae": {"loss", "reconstruction", "kl"},
    "gan": {"d_loss", "g_loss", "d_real", "d_fake"},
}


def loaded(run: Path) -> Run:
    return read_run(RunFolder.existing(str(run)))[0]


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("system", OPTIONS)
def test_images(system: str, tmp_path: Path) -> None:
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run", draw=True)
    assert set(metrics(run)[0]) == {"epoch", "split"} | LOGGED[system]
    figures = {file.name for file in (run / "figures").iterdir()}
    assert figures == IMAGE_FIGURES | (set() if system == "gan" else {"reconstructions.png"})


@pytest.mark.parametrize("system", ["ae", "gan"])
def test_points(system: str, tmp_path: Path) -> None:
    run = trained(system, points(tmp_path / "x.npy"), tmp_path / "run", draw=True)
    assert {file.name for file in (run / "figures").iterdir()} == IMAGE_FIGURES


@pytest.mark.parametrize(
    "arguments",
    [
        ["ae", "--noise", "0.3", "--reconstruction", "bce"],
        ["ae", "--hidden", ""],
        ["vae", "--activation", "tanh"],
        ["vae", "--init", "glorot"],
        ["vae", "--adam-eps", "0.01"],
        ["vae", "--importance-samples", "4"],
        ["gan", "--generator-loss", "minimax", "--simultaneous"],
        ["gan", "--discriminator-steps", "3", "--betas", "0,0.9"],
    ],
    ids=" ".join,
)
def test_options_change_the_run_and_the_seed_repeats_it(
    arguments: list[str], tmp_path: Path
) -> None:
    system, *options = arguments
    x = squares(tmp_path / "x.npy")
    runs = [trained(system, x, tmp_path / name, *options) for name in ("a", "b")]
    plain = trained(system, x, tmp_path / "plain")
    a, b, c = ((run / "checkpoint.npz").read_bytes() for run in (*runs, plain))
    assert a == b
    assert a != c
    assert metrics(runs[0]) == metrics(runs[1]) != metrics(plain)


@pytest.mark.parametrize("system", OPTIONS)
def test_the_outline_counts_every_parameter(system: str, tmp_path: Path) -> None:
    """And the widths that are known before anything is allocated are those that are built."""
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run", "--hidden", "7,5")
    trainer = loaded(run).trainer
    assert trainer.model.n_parameters == sum(p.size for p in trainer.model.params.values())
    widths = (f"{k} {'-'.join(map(str, v))}" for k, v in trainer.networks.items())
    assert trainer.model.outline == ", ".join(widths)
    assert "64-7-5-" in trainer.model.outline or "-5-64" in trainer.model.outline


@pytest.mark.parametrize("system", OPTIONS)
def test_restore_brings_back_what_was_trained(system: str, tmp_path: Path) -> None:
    x = squares(tmp_path / "x.npy")
    run = trained(system, x, tmp_path / "run")
    fresh = prepare(loaded(run).options, data.load(str(x))).trainer
    with np.load(run / "checkpoint.npz") as archive:
        fresh.restore(archive)
        for name, array in fresh.state.items():
            np.testing.assert_array_equal(array, archive[name])


class Moves:
    """A GAN on points, and which of its players a step moves."""

    def __init__(self, tmp_path: Path, **options: Any) -> None:
        dataset = data.load(str(points(tmp_path / "x.npy")))
        self.x = dataset.train[:16]
        plain = {
            "hidden": (6,), "latent_dim": 2, "lr": 1e-3, "discriminator_lr": 1e-3,
            "smoothing": 0.0, "averaging": 0.0,
        }  # fmt: skip
        self.trainer: Any = prepare(OPTIONS["gan"](**{**plain, **options}), dataset).trainer

    def step(self) -> set[str]:
        before = {k: v.copy() for k, v in self.trainer.model.params.items()}
        self.trainer.train_step(self.x, generator(np, 1))
        after = self.trainer.model.params
        return {k.partition(".")[0] for k in after if not np.array_equal(before[k], after[k])}


def test_the_generator_moves_at_every_kth_step_of_the_discriminator(tmp_path: Path) -> None:
    for simultaneous in (False, True):
        game = Moves(tmp_path, discriminator_steps=3, simultaneous=simultaneous)
        moved = [game.step() for _ in range(6)]
        alone, both = {"discriminator"}, {"discriminator", "generator"}
        assert moved == [alone, alone, both, alone, alone, both]


def test_simultaneous_updates_answer_the_old_discriminator(tmp_path: Path) -> None:
    """After one step D has met the same gradient either way, and G has not."""
    alternating, simultaneous = (Moves(tmp_path, simultaneous=flag) for flag in (False, True))
    for game in (alternating, simultaneous):
        assert game.step() == {"discriminator", "generator"}
    for name, array in alternating.trainer.state.items():
        if "_optimizer.m." in name:
            same = np.array_equal(array, simultaneous.trainer.state[name])
            assert same == name.startswith("discriminator"), name


def test_generator_and_discriminator_have_learning_rates_of_their_own(tmp_path: Path) -> None:
    """Adam's first step is as long as its learning rate."""
    game = Moves(tmp_path, lr=1e-2, discriminator_lr=1e-4)
    before = {k: v.copy() for k, v in game.trainer.model.params.items()}
    game.step()
    lengths = {
        player: max(
            np.abs(v - before[k]).max()
            for k, v in game.trainer.model.params.items()
            if k.startswith(player)
        )
        for player in ("generator", "discriminator")
    }
    assert lengths == pytest.approx({"generator": 1e-2, "discriminator": 1e-4}, rel=0.02)


def test_an_untrained_discriminator_costs_about_two_log_two(tmp_path: Path) -> None:
    game = Moves(tmp_path)
    logged = game.trainer.test_step(game.x, generator(np, 1))
    assert logged["d_loss"].mean() == pytest.approx(2 * math.log(2), abs=0.2)
    assert game.trainer.references["d_loss"][0] == 2 * math.log(2)


def test_images_are_centred_for_the_gan_and_come_back_between_0_and_1(tmp_path: Path) -> None:
    run = trained("gan", squares(tmp_path / "x.npy"), tmp_path / "run")
    rows = take_snapshot(loaded(run))["rows"]
    assert rows.min() >= 0
    assert rows.max() <= 1


@pytest.mark.fault("range")
@pytest.mark.parametrize("options", [["vae"], ["ae", "--reconstruction", "bce"]], ids=str)
def test_values_outside_the_unit_interval_are_refused_where_they_mean_nothing(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(50, 8, 8)))
    status = main([*options, "--data", str(tmp_path / "x.npy"), "--out", str(tmp_path / "run")])
    assert status == 1
    assert "not 0 to 1, in 45 of 45 train rows, first -" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_beta_and_importance_weights_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["vae", "--beta", "2", "--importance-samples", "5", "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "error: --beta 2 with 5 importance samples: " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1,0.9", "0.5", "a,b", "0.5,-1", "0.5,nan"])
def test_betas_out_of_range_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["gan", "--betas", text])
    said = capsys.readouterr().err
    assert "must be 2 finite numbers of at least 0 and less than 1" in said
    assert f", got '{text}'" in said


def test_an_undecided_discriminator_answers_half_of_the_smoothed_label(tmp_path: Path) -> None:
    references = Moves(tmp_path, smoothing=0.1).trainer.references
    assert references["d_real"][0] == references["d_fake"][0] == 0.45


@pytest.mark.parametrize(
    ("option", "formula", "weight"),
    [
        ([], "loss = reconstruction + KL, nats", 1),
        (["--beta", "4"], "loss = reconstruction + 4 KL, nats", 4),
    ],
    ids=["elbo", "beta"],
)
def test_the_formula_that_is_printed_is_the_one_that_is_trained(
    option: list[str],
    formula: str,
    weight: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run", *option)
    assert f"units  {formula} per example" in capsys.readouterr().out
    for line in metrics(run):
        assert line["loss"] == pytest.approx(line["reconstruction"] + weight * line["kl"], rel=1e-6)


def test_the_importance_weighted_loss_is_below_the_negative_elbo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run", "--importance-samples", "3")
    assert "units  loss = -L_3, the bound of 3 draws, nats per example" in capsys.readouterr().out
    for line in metrics(run):
        assert line["loss"] < line["reconstruction"] + line["kl"]


def test_the_test_rows_of_a_batch_do_not_depend_on_the_parts_it_is_judged_in(
    tmp_path: Path,
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run", "--importance-samples", "3")
    system = loaded(run).trainer
    x = data.load(str(tmp_path / "x.npy")).test[:7].astype(np.float32) / 255
    whole = system.test_step(x, generator(np, 0))
    rng = generator(np, 0)
    parts = [system.test_step(x[i : i + 3], rng) for i in (0, 3, 6)]
    for name, values in whole.items():
        assert values.shape == (7,)
        np.testing.assert_allclose(values[:1], parts[0][name][:1], rtol=1e-6)


@pytest.mark.fault("few rows")
def test_constant_data_are_drawn_without_a_warning(tmp_path: Path) -> None:
    for width in (1, 2):
        x = tmp_path / f"{width}.npy"
        np.save(x, np.ones((40, width)))
        trained("gan", x, tmp_path / f"run{width}", "--epochs", "1", draw=True)


@pytest.mark.parametrize("smoothing", ["0.5", "-0.1", "nan", "5"])
def test_smoothing_out_of_range_is_refused(
    smoothing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["gan", "--smoothing", smoothing])
    expected = f"finite number of at least 0 and less than 0.5, got '{smoothing}'"
    assert expected in capsys.readouterr().err


def rows_of(train: np.ndarray, n_test: int = 30) -> Dataset:
    return Dataset("rows.npy", train, pixels(1, n_test, 64), (8, 8))


def on_images(name: str, dataset: Dataset | None = None, **options: Any) -> Any:
    """A trainer on images of 8x8."""
    given = OPTIONS[name](**{"latent_dim": 2, **options})
    return prepare(given, dataset or rows_of(pixels(0, 50, 64))).trainer


def test_a_denoising_autoencoder_is_compared_with_the_clean_rows() -> None:
    x = unit(pixels(0, 5, 64))
    seen = x + 0.5 * generator(np, 1).standard_normal(x.shape, dtype=np.float32)
    expected, _ = on_images("ae").model.loss(seen, x)
    found = on_images("ae", noise=0.5).train_step(x, generator(np, 1))
    np.testing.assert_array_equal(found["loss"], expected)


def test_binarized_pixels_are_one_as_often_as_they_are_bright(rng: np.random.Generator) -> None:
    x = np.tile(np.array([0, 0.2, 0.7, 1], np.float32), (10_000, 1))
    found = binarized(x, rng)
    assert set(found.flat) == {0, 1}
    np.testing.assert_allclose(found.mean(axis=0), x[0], atol=5 * 0.005)  # sd at most 1/2 / 100


def test_the_generator_learns_from_the_loss_that_was_asked_for(tmp_path: Path) -> None:
    """log(1 - D(G(z))) is negative, -log D(G(z)) positive."""
    for choice, sign in (("minimax", -1), ("non-saturating", 1)):
        game = Moves(tmp_path, generator_loss=choice)
        for visit in (game.trainer.test_step, game.trainer.train_step):
            assert (np.sign(visit(game.x, generator(np, 1))["g_loss"]) == sign).all()


def test_labels_are_smoothed_while_learning_alone(tmp_path: Path) -> None:
    game, plain = Moves(tmp_path, smoothing=0.3), Moves(tmp_path)
    z = generator(np, 1).standard_normal((16, 2), dtype=np.float32)
    smooth, _ = plain.trainer.model.discriminator_loss(game.x, z, 0.3)
    hard, _ = plain.trainer.model.discriminator_loss(game.x, z)
    for visit, expected in ((game.trainer.test_step, hard), (game.trainer.train_step, smooth)):
        np.testing.assert_array_equal(visit(game.x, generator(np, 1))["d_loss"], expected.loss)


def test_the_discriminator_sees_images_between_minus_one_and_one() -> None:
    system, x = on_images("gan"), unit(pixels(0, 5, 64))
    expected = sigmoid(system.model.discriminator(2 * x - 1)[0])[:, 0]
    np.testing.assert_allclose(system.test_step(x, generator(np, 1))["d_real"], expected, rtol=1e-6)


@pytest.mark.parametrize("system", OPTIONS)
def test_every_learning_rate_falls_after_each_milestone(system: str, tmp_path: Path) -> None:
    options = "--milestones", "2,3", "--gamma", "0.5"
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run", *options)
    built = loaded(run).trainer
    first = {name: optimizer.lr for name, optimizer in built.optimizers.items()}
    for epoch, factor in [(4, 0.25), (3, 0.5), (2, 1), (1, 1), (9, 0.25)]:
        built.schedule(epoch)
        rates = {name: optimizer.lr for name, optimizer in built.optimizers.items()}
        assert rates == {name: factor * lr for name, lr in first.items()}


def test_a_milestone_changes_what_is_learnt_after_it(tmp_path: Path) -> None:
    x = squares(tmp_path / "x.npy")
    plain, changed = (
        metrics(trained("vae", x, tmp_path / name, "--epochs", "3", "--milestones", milestones))
        for name, milestones in {"a": "", "b": "2"}.items()
    )
    assert plain[:4] == changed[:4]
    assert plain[4] != changed[4]


def test_glorots_output_starts_at_the_mean_training_row(tmp_path: Path) -> None:
    rows = np.zeros((40, 16), np.uint8)
    rows[:, 1], rows[:20, 2], rows[:10, 3] = 255, 255, 255
    np.savez(tmp_path / "x.npz", train=rows, test=rows)
    options = VAEOptions(hidden=(12,), latent_dim=3, init="glorot")
    system = prepare(options, data.load(str(tmp_path / "x.npz"))).trainer
    biases = [p for name, p in system.model.params.items() if name.endswith("bias")]
    expected = np.zeros(16)
    expected[:4] = 0.001, 0.999, 0.5, 0.25  # no pixel is taken to be certain
    np.testing.assert_allclose(sigmoid(biases[-1])[:4], expected[:4], rtol=1e-5)
    assert not any(bias.any() for bias in biases[:-1])


def test_the_activation_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run", "--activation", "tanh")
    system = loaded(run).trainer
    for part in (system.model.encoder, system.model.decoder):
        assert isinstance(part, Sequential)
        assert {type(layer) for layer in part.layers} == {Linear, Tanh}


def test_samples_come_from_the_averaged_generator(tmp_path: Path) -> None:
    """And from the generator itself where nothing is averaged."""
    moves = {decay: Moves(tmp_path, averaging=decay) for decay in (0.0, 0.9)}
    codes = np.random.default_rng(0).standard_normal((5, 2), dtype=np.float32)
    started = moves[0.9].trainer.decode(codes)
    for move in moves.values():
        move.step()
        move.step()
    own = {decay: move.trainer.model.generator(codes)[0] for decay, move in moves.items()}
    np.testing.assert_array_equal(own[0.0], own[0.9])  # it is trained the same
    np.testing.assert_array_equal(moves[0.0].trainer.decode(codes), own[0.0])
    averaged = moves[0.9].trainer.decode(codes)
    way = np.abs(averaged - started).max() / np.abs(own[0.9] - started).max()
    assert 0.6 < way < 0.9  # between the first step and the second


@pytest.mark.parametrize("system", OPTIONS)
def test_nothing_is_kept_of_rows_that_cannot_be_drawn(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "curves", lambda *figure: None)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((60, 9)))
    run = trained(system, tmp_path / "x.npy", tmp_path / "run", draw=True)
    assert main([system, "--resume", str(run), "--epochs", "3"]) == 0
    with np.load(run / "checkpoint.npz") as archive:
        assert not any(name.startswith("snapshots") for name in archive.files)
    assert list((run / "figures").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("vae --lr 1e-40", "--lr: a learning rate of 1e-40"),
        (
            "ae --gamma 1e200 --milestones 1,1",
            "--lr, --gamma, --milestones: a learning rate from 0.001 to inf",
        ),
        (
            "vae --gamma 1e-200 --milestones 1,2",
            "--lr, --gamma, --milestones: a learning rate from 0.001 to 0",
        ),
        ("gan --discriminator-lr 1e31", "--lr, --discriminator-lr: a learning rate of 1e+31"),
    ],
)
def test_learning_rates_out_of_bounds_are_refused_before_there_is_a_folder(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--data", str(squares(tmp_path / "x.npy")), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as stop:
        main([*arguments.split(), *places])
    assert stop.value.code == 2
    expected = f"minigen: error: {message}; keep it between 1e-30 and 1e+30\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "run").exists()


def test_an_eps_that_is_zero_in_float32_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["vae", "--adam-eps", "1e-50"])
    assert "a finite number of at least 1e-30, got '1e-50'" in capsys.readouterr().err


def found(trainer: Trainer[Any, Any], progress: Any = float) -> dict[str, Finding]:
    """The findings of an evaluation, by name."""
    judged = judge(Run(trainer), rows=500, draws=2, progress=progress)
    return {finding.name: finding for finding in judged}


class Picked(np.ndarray):
    """Rows that count how many of them an index array has copied."""

    copied = 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, np.ndarray):
            Picked.copied += len(index)
        return super().__getitem__(index)


def test_a_gan_is_scored_on_the_first_rows_of_a_permutation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "N_PARZEN", 40)
    monkeypatch.setattr(findings, "N_VALIDATION", 10)
    dataset = rows_of(pixels(0, 200, 64))
    system = on_images("gan", dataset)
    rng = generator(np, 0, Stream.EVALUATION)
    train = dataset.train[rng.permutation(200)]
    samples = system.decode(system.draw_codes(40, rng))
    score = parzen_score(samples, train[:10], dataset.test)
    of_data = parzen_score(train[10:50], train[:10], dataset.test)
    near = np.median(nearest_neighbour_distances(samples, train)[0])
    monkeypatch.setattr(Picked, "copied", 0)
    by_name = found(on_images("gan", rows_of(dataset.train.view(Picked))))
    parzen = by_name["Parzen log likelihood"]
    assert (parzen.value, parzen.standard_error) == (score.mean, score.standard_error)
    assert f"{of_data.mean:.1f} +- {of_data.standard_error:.1f}" in parzen.limit
    assert by_name["distance to the nearest training row"].value == near
    assert Picked.copied == 50


def test_as_many_samples_are_scored_as_training_rows() -> None:
    """A Parzen score rises with the number of windows, whatever they are."""
    dataset = rows_of(pixels(0, 30, 64))
    system = on_images("gan", dataset)
    rng = generator(np, 0, Stream.EVALUATION)
    validation = dataset.train[rng.permutation(30)[:15]]
    samples = system.decode(system.draw_codes(findings.N_PARZEN, rng))[:15]
    expected = parzen_score(samples, validation, dataset.test).mean
    assert found(system)["Parzen log likelihood"].value == expected


def test_an_autoencoders_gaussian_fits_codes_of_all_parts_of_a_sorted_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autoencoder_training, "N_FITTED", 20)
    dark_first = np.sort(pixels(0, 200, 64), axis=0)
    system = on_images("ae", rows_of(dark_first))
    codes = system.encode(data.scaled(dark_first))
    drawn = system.draw_codes(2_000, np.random.default_rng(0))
    off = np.abs(drawn.mean(axis=0) - codes.mean(axis=0)) / codes.std(axis=0)
    assert off.max() < 0.7  # of the first twenty, 1.4


@pytest.mark.usefixtures("small_blocks")
def test_the_progress_of_a_gans_evaluation_is_that_of_all_its_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "N_PARZEN", 20)
    parts: list[float] = []
    found(on_images("gan", rows_of(pixels(0, 50, 64))), parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1
    thirds = np.histogram(parts, [0, 0.334, 0.667, 1])[0]
    assert (thirds >= 5).all()  # 30 test rows by 7, twice; 50 training rows by 7, twice


@pytest.mark.fault("few rows")
def test_a_gan_is_not_judged_on_one_training_row() -> None:
    with pytest.raises(MinigenError, match=r"^rows\.npy has 1 row to learn from.*; train on more"):
        found(on_images("gan", rows_of(pixels(0, 1, 64))))


@pytest.mark.fault("few rows")
def test_one_test_row_has_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "N_PARZEN", 20)
    dataset = rows_of(pixels(0, 50, 64), n_test=1)
    parzen = found(on_images("gan", dataset))["Parzen log likelihood"]
    bound = found(on_images("vae", dataset))["L_2, 1 test rows"]
    assert parzen.standard_error is bound.standard_error is None
    assert "+-" not in parzen.limit


def test_cross_entropy_stands_beside_the_entropy_of_the_values() -> None:
    binary = np.where(pixels(0, 50, 64) > 127, 255, 0).astype(np.uint8)
    dataset = Dataset("rows", binary, np.full((5, 64), 255 * 2 // 5, np.uint8), (8, 8))
    by_name = found(on_images("ae", dataset, reconstruction="bce"))
    entropy = -64 * (0.4 * math.log(0.4) + 0.6 * math.log(0.6))
    assert by_name["train cross-entropy"].limit == "the values' own entropy: 0.00"
    assert by_name["test cross-entropy"].limit == f"the values' own entropy: {entropy:.2f}"


def test_the_last_test_loss_is_promised_on_the_backend_that_trained() -> None:
    limit = found(on_images("vae", rows_of(pixels(0, 9, 64))))["test loss"].limit
    assert limit.endswith("the same, if one process of this backend trained")


def test_only_grey_rows_have_no_likelihood() -> None:
    binary = np.where(pixels(0, 50, 64) > 127, 255, 0).astype(np.uint8)
    of_binary = found(on_images("vae", Dataset("rows", binary, binary[:9], (8, 8))))
    of_grey = found(on_images("vae", rows_of(pixels(0, 50, 64), 9)))
    for by_name, grey in ((of_binary, False), (of_grey, True)):
        for name in ("test loss", "L_2, 9 test rows"):
            assert ("grey pixels have no likelihood" in by_name[name].caveat) == grey
    assert of_binary["reconstruction"].limit == "the pixels' own entropy: 0.00"


@pytest.mark.parametrize(("smoothing", "label"), [(0.1, "0.9"), (0.0, "1")])
def test_it_is_said_that_labels_are_smoothed_while_learning_alone(
    smoothing: float, label: str, tmp_path: Path
) -> None:
    system = Moves(tmp_path, smoothing=smoothing).trainer
    assert f"the label of data is {label} in train d_loss, 1 in test" in system.units
    assert system.titles["d_loss"] == f"D's loss (nats), train label {label}"


def test_an_autoencoder_draws_reconstructions_and_not_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def density(axes: Any, **options: Any) -> None:
        names.append(options["name"])

    monkeypatch.setattr(plots, "density", density)
    for system in ("ae", "gan"):
        x = points(tmp_path / "x.npy")
        trained(system, x, tmp_path / system, "--epochs", "1", draw=True)
        assert set(names) == {"reconstructions" if system == "ae" else "samples"}
        names.clear()


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-1, 1), (0.2, 0.7)])
def test_grey_reaches_as_far_as_the_data(low: float, high: float) -> None:
    rows = np.linspace(low, high, 640, dtype=np.float32).reshape(10, 64)
    tiles = tiled(rows, (8, 8), 10, Dataset("rows", rows, rows, (8, 8)).value_range)
    black, white = min(0, low), max(1, high)
    assert tiles[0, 0] == np.float32((low - black) / (white - black))
    assert tiles[7, -1] == np.float32((high - black) / (white - black))


@pytest.mark.parametrize("shape", [(20, 200, 1), (20, 1, 200), (60, 20, 200)], ids=str)
def test_narrow_and_wide_images_are_drawn_in_a_picture_that_can_be_seen(
    shape: tuple[int, int, int], tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", pixels(0, *shape))
    run = trained("vae", tmp_path / "x.npy", tmp_path / "run", "--epochs", "1", draw=True)
    for name in ("samples", "reconstructions"):
        with Image.open(run / "figures" / f"{name}.png") as picture:
            assert picture.width == 720
    with Image.open(run / "figures" / "samples.png") as picture:
        assert picture.height > 400


def test_a_single_test_row_has_room_for_a_title(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", pixels(0, 9, 8, 8))
    run = trained("ae", tmp_path / "x.npy", tmp_path / "run", "--epochs", "1", draw=True)
    with Image.open(run / "figures" / "reconstructions.png") as picture:
        assert picture.width == 720
