"""What the commands report and draw: each number is of the rows that it says it is of, each picture
shows what its title says, and a run is the training loop on the options that were given.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from minigen import data, evaluate, sample
from minigen.backend import generator, select
from minigen.data import Dataset, scaled
from minigen.data.toy import MIXTURES
from minigen.metrics import Finding, bounds, findings, judge
from minigen.metrics import samples as scores
from minigen.metrics.samples import nearest_neighbour_distances, parzen_score
from minigen.models.vae import VAE
from minigen.nn.layers import sigmoid
from minigen.nn.losses import bce_with_logits, mse
from minigen.train import main, parser
from minigen.training import OPTIONS, EpochRecord, Run, Stream, VAEOptions, prepare, train
from minigen.workshop import plots
from minigen.workshop.figures import N_MANIFOLD, draw_figures
from minigen.workshop.folder import RunFolder
from minigen.workshop.runs import read_run
from minigen.workshop.snapshots import take_snapshot
from tests.helpers import pixels, squares, trained

SEED, SIDE, Z = 3, 4, 2
WIDTH = SIDE * SIDE


def trainer_of(name: str, dataset: Dataset, **options: Any) -> Any:
    """A small model on these rows; its parameters are as drawn."""
    small = {"hidden": (6,), "latent_dim": Z, "seed": SEED}
    return prepare(OPTIONS[name](**{**small, **options}), dataset).trainer


@pytest.fixture
def images() -> Dataset:
    """Training rows are dark and test rows bright, so that no number of one is that of the other;
    some pixels of the test rows are black, and some white.
    """
    test = 100 + pixels(1, 20, WIDTH) // 2
    test[:, 0], test[:, 1] = 0, 255
    labels = np.arange(60) % 3, 5 + np.arange(20) % 2
    return Dataset("images", pixels(0, 60, WIDTH) // 2, test, (SIDE, SIDE), *labels)


@pytest.fixture
def plane() -> Dataset:
    rng = np.random.default_rng(0)
    train, test = (rng.normal(at, 1, (30, 2)).astype(np.float32) for at in (-1, 2))
    return Dataset("plane", train, test)


def judged(trainer: Any) -> dict[str, Finding]:
    """The findings by name, on all test rows."""
    found = judge(Run(trainer), rows=len(trainer.dataset.test), draws=3)
    return {finding.name: finding for finding in found}


# What evaluate reports


def test_each_number_of_a_vae_is_the_mean_of_its_term_over_the_test_rows(images: Dataset) -> None:
    system = trainer_of("vae", images, beta=2.0)
    terms = system.test_step(scaled(images.test), generator(np, SEED, Stream.TEST))
    loss, reconstruction, kl = (
        float(terms[name].mean()) for name in ("loss", "reconstruction", "kl")
    )
    found = judged(system)
    assert found["test loss"].value == pytest.approx(loss, rel=1e-5)
    assert found["negative ELBO"].value == pytest.approx(reconstruction + kl, rel=1e-5)
    assert found["reconstruction"].value == pytest.approx(reconstruction, rel=1e-5)
    assert found["KL"].value == pytest.approx(kl, rel=1e-5)
    entropy = bounds.pixel_entropy(images.test)
    assert found["reconstruction"].limit == f"the pixels' own entropy: {entropy:.2f}"


@pytest.mark.parametrize("binarize", [False, True])
def test_a_likelihood_is_of_pixels_as_they_were_trained_on(binarize: bool, images: Dataset) -> None:
    """Grey, or drawn: black stays 0 and white 1, and others become 1 as often as they are bright.
    Neither bound nor active units see a training row.
    """
    system, grey = trainer_of("vae", images, binarize=binarize), scaled(images.test)
    with (
        patch(
            "minigen.metrics.bounds.importance_bound", side_effect=bounds.importance_bound
        ) as bound,
        patch.object(VAE, "encode", autospec=True, side_effect=VAE.encode) as encode,
    ):
        found = judged(system)
    model, x, ks = bound.call_args.args[:3]
    assert model is system.model
    assert list(ks) == [1, 3]
    assert {"L_1, 20 test rows", "L_3, 20 test rows"} < found.keys()
    assert encode.call_count == 2  # for the bound, and for the active units
    for seen in (x, *(call.args[1] for call in encode.call_args_list)):
        if binarize:
            assert set(seen.flat) == {0, 1}
            np.testing.assert_array_equal(seen[:, :2], grey[:, :2])
            assert abs((seen - grey).mean()) < 5 * 0.5 / math.sqrt(seen.size)
        else:
            np.testing.assert_array_equal(seen, grey)


def test_the_terms_beside_the_importance_weighted_bound_are_those_of_the_elbo(
    rng: np.random.Generator,
) -> None:
    vae = VAE.mlp(6, [5], Z, rng, dtype="float64")
    x, eps = rng.random((4, 6)), rng.standard_normal((4, 3, Z))
    bound, _ = vae.importance_weighted_loss(x, eps)
    elbos = [vae.loss(x, eps[:, draw])[0] for draw in range(3)]
    np.testing.assert_allclose(bound.kl, elbos[0].kl, rtol=1e-12)
    mean = sum(elbo.reconstruction for elbo in elbos) / 3
    np.testing.assert_allclose(bound.reconstruction, mean, rtol=1e-12)


def test_the_errors_of_an_autoencoder_stand_beside_the_floors_of_the_same_rows(
    images: Dataset,
) -> None:
    system = trainer_of("ae", images)
    floors = bounds.pca_error(images.train, images.test, Z)
    found = judged(system)
    for split, floor in zip(("train", "test"), floors, strict=True):
        x = scaled(getattr(images, split))
        error = mse(system.decode(system.encode(x)), x)[0].mean()
        assert found[f"{split} squared error"].value == pytest.approx(error, rel=1e-5)
        assert found[f"{split} squared error"].limit == f"PCA with {Z} components: {floor:.4f}"


def test_the_cross_entropies_of_an_autoencoder_stand_beside_those_of_the_same_pixels(
    images: Dataset,
) -> None:
    system = trainer_of("ae", images, reconstruction="bce")
    found = judged(system)
    for split in ("train", "test"):
        x = scaled(getattr(images, split))
        loss = bce_with_logits(system.model.decoder(system.encode(x))[0], x)[0].mean()
        finding = found[f"{split} cross-entropy"]
        assert finding.value == pytest.approx(loss, rel=1e-5)
        assert finding.limit == f"the values' own entropy: {bounds.pixel_entropy(x):.2f}"


def test_modes_by_hand() -> None:
    """Two samples at one mode of the ring, one at another, and one near a third but outside it."""
    samples = np.array([[1, 0], [1, 0.01], [0, 1], [-1, 0.05]])
    found = {finding.name: finding for finding in findings._modes(samples, MIXTURES["ring"])}
    covered, quality, kl = (found[name] for name in ("modes covered", "high quality", "reverse KL"))
    assert (covered.value, covered.unit) == (2, "of 8, by 4 samples")
    assert quality.value == 75
    assert kl.value == pytest.approx(1.5 * math.log(2))  # log 8 - H, H that of 1/2, 1/4, 1/4
    limits = "8", f"{100 * (1 - math.exp(-9 / 2)):.2f}", f"{7 / 8:.4f}"
    for finding, limit in zip((covered, quality, kl), limits, strict=True):
        assert finding.limit == f"the mixture itself: {limit}"


def test_a_gan_on_a_mixture_is_judged_by_2500_samples() -> None:
    ring = data.load("ring")
    assert ring.mixture is not None
    system = trainer_of("gan", ring)
    codes = system.draw_codes(2500, generator(np, SEED, Stream.EVALUATION))
    expected = findings._modes(system.decode(codes), ring.mixture)
    assert list(judged(system).values()) == expected


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, ...]]:
    """The rows that Parzen scores and neighbours are asked of, in order; few samples are drawn."""
    asked: list[tuple[np.ndarray, ...]] = []

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            asked.append(tuple(a for a in arguments if isinstance(a, np.ndarray)))
            return function(*arguments)

        return call

    monkeypatch.setattr(findings, "N_PARZEN", 20)
    for name in ("parzen_score", "nearest_neighbour_distances"):
        monkeypatch.setattr(scores, name, noted(getattr(scores, name)))
    return asked


def test_a_parzen_score_stands_beside_that_of_the_data(
    images: Dataset, scored: list[tuple[np.ndarray, ...]]
) -> None:
    system = trainer_of("gan", images)
    found = judged(system)["Parzen log likelihood"]
    rng = generator(np, SEED, Stream.EVALUATION)
    chosen = images.train[rng.permutation(60)[:50]]  # 30 of them to choose sigma by
    samples = system.decode(system.draw_codes(20, rng))
    validation, others = chosen[:30], chosen[30:]
    (s, *of_samples), (o, *of_data) = scored[:2]
    np.testing.assert_array_equal(s, samples)
    np.testing.assert_array_equal(o, others)
    for rows in (of_samples, of_data):
        np.testing.assert_array_equal(rows[0], validation)
        np.testing.assert_array_equal(rows[1], images.test)
    score, data_score = (parzen_score(rows, validation, images.test) for rows in (samples, others))
    assert score.mean != pytest.approx(data_score.mean, abs=1)
    of_test_rows = parzen_score(samples, images.test, images.test)
    assert len({score.sigma, data_score.sigma, of_test_rows.sigma}) == 3  # none passes for another
    assert (found.value, found.standard_error) == (score.mean, score.standard_error)
    assert found.unit == f"nats per example, sigma {score.sigma:.3f}"
    expected = f"{data_score.mean:.1f} +- {data_score.standard_error:.1f}"
    assert found.limit == f"training rows themselves: {expected}"


def test_distances_are_to_training_rows_and_the_yardstick_is_of_test_rows(
    images: Dataset, scored: list[tuple[np.ndarray, ...]]
) -> None:
    found = judged(trainer_of("gan", images))["distance to the nearest training row"]
    (samples, _), (yardstick, _) = scored[2:]
    np.testing.assert_array_equal(yardstick, images.test)
    near, of_test = (
        float(np.median(nearest_neighbour_distances(rows, images.train)[0]))
        for rows in (samples, images.test)
    )
    assert near != pytest.approx(of_test, abs=0.01)
    assert found.value == near
    assert found.limit == f"test rows: {of_test:.2f}; a copy: 0"


# Codes and what they decode to


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_codes_are_drawn_from_the_prior(
    name: str, images: Dataset, rng: np.random.Generator
) -> None:
    codes = trainer_of(name, images).draw_codes(5000, rng)
    assert codes.shape == (5000, Z)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=5 / math.sqrt(5000))
    np.testing.assert_allclose(np.cov(codes.T), np.eye(Z), atol=5 * math.sqrt(2 / 5000))


def test_an_autoencoders_codes_are_spread_as_those_of_training_rows(
    images: Dataset, rng: np.random.Generator
) -> None:
    system = trainer_of("ae", images)
    fitted, of_test = (system.encode(scaled(rows)) for rows in (images.train, images.test))
    root = np.linalg.cholesky(np.cov(fitted.T, ddof=0))

    def whitened(codes: np.ndarray) -> np.ndarray:
        return np.linalg.solve(root, (codes - fitted.mean(axis=0)).T).T

    codes = whitened(system.draw_codes(5000, rng))
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=5 / math.sqrt(5000))
    np.testing.assert_allclose(np.cov(codes.T), np.eye(Z), atol=5 * math.sqrt(2 / 5000))
    for other in (whitened(np.zeros((1, Z))), whitened(of_test)):
        assert np.abs(other.mean(axis=0)).max() > 0.5  # neither is near enough to be taken for it


def test_a_code_is_a_mean_and_decodes_to_values_of_the_data(images: Dataset) -> None:
    x, codes = scaled(images.test), np.random.default_rng(0).normal(size=(5, Z)).astype(np.float32)
    for system, on_logits in (
        (trainer_of("vae", images), True),
        (trainer_of("ae", images, reconstruction="bce"), True),
        (trainer_of("ae", images, reconstruction="mse"), False),
    ):
        np.testing.assert_array_equal(system.encode(x), system.model.encoder(x)[0][:, :Z])
        output, _ = system.model.decoder(codes)
        expected = sigmoid(output) if on_logits else output
        np.testing.assert_array_equal(system.decode(codes), expected)


# What draw shows

Drawn = dict[str, list[dict[str, Any]]]  # by file, what each picture's painter is given
Draw = Callable[..., Drawn]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Draw:
    """Draws a system without matplotlib, and says what is in each file."""
    files: Drawn = {}

    def paint(file: str, **given: Any) -> None:
        files.setdefault(file, []).append(given)

    def curves(path: Path, *given: Any) -> None:
        names = "train", "test", "titles", "references"
        files[path.name] = [dict(zip(names, given, strict=True))]

    def animation(path: Path, painters: list[Callable[..., None]], shape: Any) -> None:
        for paint in painters:
            paint(path.name)

    for name in ("images", "codes", "density"):
        monkeypatch.setattr(plots, name, paint)
    monkeypatch.setattr(plots, "curves", curves)
    monkeypatch.setattr(plots, "picture", lambda path, paint, shape=None: paint(path.name))
    monkeypatch.setattr(plots, "animation", animation)

    def draw(trainer: Any, snapshots: dict[int, Any] | None = None) -> Drawn:
        names = list(enumerate(trainer.titles))
        history = [
            EpochRecord(e, {name: e + i for i, name in names}, {name: -e - i for i, name in names})
            for e in (1, 2)
        ]
        run = Run(trainer, history)
        draw_figures(tmp_path, run, snapshots or {2: take_snapshot(run)})
        return files

    return draw


def untiled(tiles: np.ndarray) -> np.ndarray:
    """The images (lines, columns, WIDTH) of a mosaic, which has two pixels between them."""
    step = SIDE + 2
    lines, columns = ((length + 2) // step for length in tiles.shape)
    cut = [
        [tiles[i * step :, j * step :][:SIDE, :SIDE] for j in range(columns)] for i in range(lines)
    ]
    return np.array(cut).reshape(lines, columns, WIDTH)


@pytest.mark.parametrize("name", OPTIONS)
def test_curves_tell_training_from_test(name: str, images: Dataset, drawn: Draw) -> None:
    system = trainer_of(name, images)
    (curves,) = drawn(system)["curves.png"]
    assert curves == {
        "train": {term: [1 + i, 2 + i] for i, term in enumerate(system.titles)},
        "test": {term: [-1 - i, -2 - i] for i, term in enumerate(system.titles)},
        "titles": system.titles,
        "references": system.references,
    }


@pytest.mark.parametrize("name", OPTIONS)
def test_the_animation_goes_from_the_start_to_the_last_epoch(
    name: str, images: Dataset, drawn: Draw
) -> None:
    """And the picture of samples is its last frame."""
    system = trainer_of(name, images)
    films = {epoch: {"rows": np.full((3, WIDTH), epoch / 10)} for epoch in (0, 1, 2)}
    files = drawn(system, films)
    moments = "before training", "after epoch 1", "after epoch 2"
    frames = [(untiled(frame["tiles"])[0, 0, 0], frame["title"]) for frame in files["training.gif"]]
    titles = [f"{system.samples_title}, {moment}" for moment in moments]
    assert frames == list(zip((0.0, 0.1, 0.2), titles, strict=True))
    (samples,) = files["samples.png"]
    assert samples["title"] == titles[-1]
    assert untiled(samples["tiles"])[0, 0, 0] == 0.2


def prior_codes(count: int) -> np.ndarray:
    """Those behind all snapshots."""
    codes: np.ndarray = generator(np, SEED, Stream.FIGURES).standard_normal(
        (count, Z), dtype=np.float32
    )
    return codes


def test_snapshots_are_what_their_titles_say(images: Dataset) -> None:
    for name in OPTIONS:
        system = trainer_of(name, images)
        codes = system.encode(scaled(images.test)) if name == "ae" else prior_codes(100)
        rows = take_snapshot(Run(system))["rows"]
        np.testing.assert_array_equal(rows, system.decode(codes), err_msg=system.samples_title)


def test_the_field_is_the_discriminators_answer_at_the_frames_points(
    plane: Dataset, drawn: Draw
) -> None:
    system = trainer_of("gan", plane)
    (samples,) = drawn(system)["samples.png"]
    np.testing.assert_array_equal(samples["data"], plane.test)
    np.testing.assert_array_equal(samples["samples"], system.decode(prior_codes(1000)))
    frame = samples["frame"]
    expected = system.test_step(frame.reshape(-1, 2), generator(np, 0))["d_real"]
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(samples["field"], expected.reshape(frame.shape[:2]), rtol=1e-5)


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_reconstructions_stand_below_test_rows(name: str, images: Dataset, drawn: Draw) -> None:
    system = trainer_of(name, images)
    (figure,) = drawn(system)["reconstructions.png"]
    assert figure["title"] == "Test rows, each above its reconstruction"
    lines = untiled(figure["tiles"])
    x = scaled(images.test)
    np.testing.assert_array_equal(lines[::2].reshape(-1, WIDTH), x)
    np.testing.assert_array_equal(lines[1::2].reshape(-1, WIDTH), system.decode(system.encode(x)))


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_the_plane_of_codes_is_of_test_rows_and_their_labels(
    name: str, images: Dataset, drawn: Draw
) -> None:
    system = trainer_of(name, images)
    (plane,) = drawn(system)["latent_plane.png"]
    assert plane["title"] == "Codes of test rows"
    np.testing.assert_array_equal(plane["points"], system.encode(scaled(images.test)))
    np.testing.assert_array_equal(plane["labels"], images.test_labels)


def test_z1_grows_to_the_right_in_the_manifold_and_z2_upward(images: Dataset, drawn: Draw) -> None:
    """A decoder that gives z1 and z2 as the first two pixels: both are normal quantiles."""

    def decode(codes: np.ndarray) -> np.ndarray:
        part = [[0.5 + math.erf(z / math.sqrt(2)) / 2 for z in code] for code in codes]
        return np.pad(part, [(0, 0), (0, WIDTH - 2)])

    system = trainer_of("vae", images)
    with patch.object(system, "decode", decode):
        (figure,) = drawn(system)["manifold.png"]
    lines = untiled(figure["tiles"])
    ticks = (np.arange(N_MANIFOLD) + 0.5) / N_MANIFOLD
    z1, z2 = np.meshgrid(ticks, ticks[::-1])
    np.testing.assert_allclose(lines[..., :2], np.stack([z1, z2], axis=-1), rtol=1e-6)


# What the game's options do


def test_the_average_is_of_steps_that_the_generator_took(plane: Dataset) -> None:
    for simultaneous in (False, True):
        system = trainer_of("gan", plane, discriminator_steps=3, simultaneous=simultaneous)
        taken = []
        for step in range(7):
            system.train_step(plane.train, generator(np, step))
            taken.append(int(system.state["average.t"]))
        assert taken == [0, 0, 1, 1, 1, 2, 2]


def test_both_players_have_the_betas_that_were_given(plane: Dataset) -> None:
    optimizers = trainer_of("gan", plane, betas=(0.25, 0.875)).optimizers
    assert {name: list(optimizer.betas) for name, optimizer in optimizers.items()} == {
        "generator_optimizer": [0.25, 0.875],
        "discriminator_optimizer": [0.25, 0.875],
    }


# A run, and what sample makes of it


def test_a_run_is_the_training_loop_on_its_options(tmp_path: Path) -> None:
    """Of rows that the seed held back, from a start that depends on them, at a falling rate."""
    x = squares(tmp_path / "x.npy", 60)
    options = "--seed", "7", "--init", "glorot", "--batch-size", "16", "--milestones", "1"
    run = trained("vae", x, tmp_path / "run", *options)
    given = VAEOptions(
        hidden=(12,), epochs=2, batch_size=16, latent_dim=3, seed=7, init="glorot", milestones=(1,)
    )
    dataset = data.load(str(x), seed=7)
    system = prepare(given, dataset).trainer
    records = train(system, dataset, epochs=2, batch_size=16, seed=7, schedule=system.schedule)
    expected = [
        {"epoch": record.epoch, "split": split, **getattr(record, split)}
        for record in records
        for split in ("train", "test")
    ]
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert logged == expected
    with np.load(run / "checkpoint.npz") as archive:
        for name, array in system.state.items():
            np.testing.assert_array_equal(archive[name], array)


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_rows_and_ends_of_walks_are_of_the_test_rows(name: str, tmp_path: Path) -> None:
    x = squares(tmp_path / "x.npy")
    run, out = trained(name, x, tmp_path / "run"), str(tmp_path / "rows.npy")
    loaded, _ = read_run(RunFolder.existing(str(run)))
    system, test = loaded.trainer, scaled(loaded.dataset.test)
    back = system.decode(system.encode(test))

    assert sample.main([str(run), "--out", out]) == 0
    assert np.load(out).shape == (100, 64)

    assert sample.main([str(run), "--reconstruct", "--out", out]) == 0
    rows = np.load(out)
    assert rows.shape == (20, 64)
    for given, returned in zip(rows[::2], rows[1::2], strict=True):
        (index,) = np.flatnonzero((test == given).all(axis=1))
        np.testing.assert_allclose(returned, back[index], rtol=0, atol=1e-5)

    assert sample.main([str(run), "--interpolate", "--out", out]) == 0
    walks = np.load(out).reshape(10, 10, 64)
    ends = walks[:, [0, -1]].reshape(20, 64)
    distance = np.abs(ends[:, None] - back).max(axis=2).min(axis=1)
    assert distance.max() < 1e-5
    assert len(np.unique(ends, axis=0)) == 20


# The defaults, on which every published number rests


COMMON: dict[str, Any] = {
    "seed": 0, "hidden": (400,), "latent_dim": 20, "lr": 1e-3, "epochs": 10, "batch_size": 128,
    "milestones": (), "gamma": 0.1, "threads": 1,
}  # fmt: skip
DEFAULTS = {
    "ae": COMMON | {"reconstruction": "mse", "noise": 0.0},
    "vae": COMMON
    | {
        "beta": 1.0, "importance_samples": 1, "binarize": False, "likelihood": "bernoulli",
        "activation": "relu",        "init": "uniform", "adam_eps": 1e-8,
    },
    "gan": COMMON
    | {
        "hidden": (256, 256), "latent_dim": 64, "lr": 4e-4, "discriminator_lr": 1e-4,
        "betas": (0.5, 0.999), "generator_loss": "non-saturating", "smoothing": 0.1,
        "discriminator_steps": 1, "simultaneous": False, "averaging": 0.9998, "epochs": 25,
        "batch_size": 64,
        "game": "logistic", "r1": 0.0, "gradient_penalty": 0.0, "spectral": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_the_default_options_are_those_behind_the_published_numbers(name: str) -> None:
    assert asdict(OPTIONS[name]()) == DEFAULTS[name]
    beside = {"preset": None, "out": None, "resume": None, "overwrite": False, "backend": None}
    beside |= {"no_figures": False, "debug": False}
    assert vars(parser().parse_args([name])) == {"model": name, **beside}  # others by default


@pytest.mark.parametrize("name", OPTIONS)
def test_mnist_and_numpy_are_what_is_taken_where_none_is_named(
    name: str, images: Dataset, tmp_path: Path
) -> None:
    with (
        patch.object(data, "load", return_value=images) as load,
        patch("minigen.train.select", side_effect=select) as chosen,
    ):
        small = "--hidden", "6", "--latent-dim", "2", "--epochs", "1", "--no-figures"
        assert main([name, "--out", str(tmp_path / "run"), *small]) == 0
    load.assert_called_once_with("mnist", seed=0)
    chosen.assert_called_once_with("numpy")


def test_the_protocols_numbers() -> None:
    found = vars(evaluate._parser().parse_args(["run"]))
    assert (found["rows"], found["draws"]) == (500, 1000)
    assert findings.N_PARZEN == 10_000
    assert findings.N_VALIDATION == findings.N_NEIGHBOURS == 1_000
    assert findings.N_MODES == 2_500
