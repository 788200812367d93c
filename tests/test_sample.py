"""`python -m minigen.sample`: rows and pictures, and what each model cannot do."""

import contextlib
import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from minigen import cli
from minigen.sample import main
from minigen.systems import SYSTEMS
from tests.helpers import points, squares, trained


@pytest.mark.parametrize("system", SYSTEMS)
def test_samples_are_rows_that_the_seed_repeats(system: str, tmp_path: Path) -> None:
    run = str(trained(system, squares(tmp_path / "x.npy"), tmp_path / "run"))
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        out = str(tmp_path / f"{name}.npy")
        assert main([run, "--count", "7", "--seed", seed, "--out", out]) == 0
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert a.shape == (7, 64)
    assert len(np.unique(a, axis=0)) == 7
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_picture_is_the_default(tmp_path: Path) -> None:
    for system, x in (("vae", squares(tmp_path / "x.npy")), ("gan", points(tmp_path / "y.npy"))):
        run = trained(system, x, tmp_path / system)
        assert main([str(run), "--count", "20"]) == 0
        with Image.open(run / "samples.png") as picture:
            assert min(picture.size) > 100


@pytest.mark.parametrize("system", ["ae", "vae"])
def test_reconstructions_stand_behind_their_inputs(system: str, tmp_path: Path) -> None:
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run")
    out = tmp_path / "rows.npy"
    assert main([str(run), "--reconstruct", "--count", "5", "--out", str(out)]) == 0
    rows = np.load(out)
    assert rows.shape == (10, 64)
    images = np.load(tmp_path / "x.npy").reshape(300, 64).astype(np.float32) / 255
    for i in range(5):
        assert (images == rows[2 * i]).all(axis=1).any()
        assert not np.array_equal(rows[2 * i], rows[2 * i + 1])


@pytest.mark.parametrize("system", SYSTEMS)
def test_interpolation_walks_from_code_to_code(system: str, tmp_path: Path) -> None:
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run")
    out = tmp_path / "rows.npy"
    assert main([str(run), "--interpolate", "--count", "3", "--out", str(out)]) == 0
    walks = np.load(out).reshape(3, 10, 64)
    steps = np.abs(np.diff(walks, axis=1)).max(axis=2)
    whole = np.abs(walks[:, -1] - walks[:, 0]).max(axis=1)
    assert (steps > 0).all()
    assert (steps.max(axis=1) < whole).all()


def test_a_gan_cannot_reconstruct(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("gan", points(tmp_path / "x.npy"), tmp_path / "run")
    assert main([str(run), "--reconstruct"]) == 1
    assert "a gan has no encoder" in capsys.readouterr().err


def test_rows_that_are_neither_images_nor_points_need_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((50, 5)))
    run = trained("ae", tmp_path / "x.npy", tmp_path / "run")
    assert main([str(run)]) == 1
    assert "with --out FILE.npy" in capsys.readouterr().err
    assert main([str(run), "--out", str(tmp_path / "rows.npy")]) == 0


@pytest.mark.fault("missing run")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "0"], "whole number of at least 1, got '0'"),
        (["--count", "-1"], "got '-1'"),
        (["--out", "x.jpg"], "must end in .png or .npy, got 'x.jpg'"),
        (["--interpolate", "--reconstruct"], "not allowed with"),
    ],
)
def test_bad_arguments_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.fault("missing run")
def test_a_missing_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere"]) == 1
    assert "nowhere is no run folder" in capsys.readouterr().err


@pytest.mark.parametrize("walk", [[], ["--interpolate"]])
def test_more_than_memory_holds_is_refused_at_once(
    walk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy", 20), tmp_path / "run")
    assert main([str(run), "--count", "2147483647", *walk]) == 1
    gigabytes = f"{4 * 64 * 2147483647 * (10 if walk else 1) / 1e9:,.0f}"
    assert f"--count 2147483647 needs about {gigabytes} GB" in capsys.readouterr().err


def test_reconstructions_are_no_more_than_the_test_rows(tmp_path: Path) -> None:
    run = trained("vae", squares(tmp_path / "x.npy", 20), tmp_path / "run")
    out = tmp_path / "rows.npy"
    assert main([str(run), "--reconstruct", "--count", "2147483647", "--out", str(out)]) == 0
    assert np.load(out).shape == (2 * 2, 64)


@pytest.mark.parametrize("what", [[], ["--interpolate"], ["--reconstruct"]])
def test_the_memory_that_is_asked_for_is_that_of_the_rows(what: list[str], tmp_path: Path) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    out = tmp_path / "rows.npy"
    with patch.object(cli, "check_memory") as check:
        assert main([str(run), "--count", "3", "--out", str(out), *what]) == 0
    assert check.call_args.args[:2] == ("--count 3", np.load(out).nbytes)


def test_other_data_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    np.save(tmp_path / "x.npy", 255 - np.load(tmp_path / "x.npy"))
    assert main([str(run), "--out", str(tmp_path / "rows.npy")]) == 1
    assert "was trained on other data in" in capsys.readouterr().err
    assert not (tmp_path / "rows.npy").exists()


def test_an_autoencoder_of_few_rows_samples_too(tmp_path: Path) -> None:
    run = trained("ae", points(tmp_path / "x.npy", 4), tmp_path / "run")
    assert main([str(run), "--count", "3", "--out", str(tmp_path / "rows.npy")]) == 0
    assert np.isfinite(np.load(tmp_path / "rows.npy")).all()


@pytest.mark.parametrize(
    "damage",
    [
        '{"system": "vae"}',
        '{"system": 3}',
        "[]",
        "{",
        '{"image_shape": []}',
        '{"image_shape": [28]}',
        '{"image_shape": "ab"}',
        '{"image_shape": [8, 7]}',
        '{"hidden": "x"}',
        '{"data": null}',
        '{"binarize": null}',
        '{"beta": "x"}',
    ],
)
def test_a_damaged_configuration_is_one_line(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    with contextlib.suppress(json.JSONDecodeError, TypeError, ValueError):
        changes = json.loads(damage)
        damage = json.dumps(changes if "system" in changes else config | changes)
    (run / "config.json").write_text(damage)
    assert main([str(run)]) == 1
    error = capsys.readouterr().err
    assert "config.json: not the configuration of a run" in error
    assert error.count("\n") == 1
