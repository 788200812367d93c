"""`python -m minigen.train`: what a run leaves behind, that it repeats itself, how it fails."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minigen import train as command
from minigen.train import main
from minigen.training import OPTIONS
from tests.helpers import squares

SMALL = ["--hidden", "16", "--epochs", "2", "--batch-size", "64"]


@pytest.fixture
def digits(tmp_path: Path) -> str:
    return str(squares(tmp_path / "digits.npy"))


def train(*arguments: str | Path) -> int:
    return main(["vae", *map(str, arguments)])


def undrawn(*arguments: str | Path) -> int:
    """Without the figures, which take the time."""
    return train(*arguments, "--no-figures")


def test_a_run_folder_is_complete(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train("--data", digits, "--out", run, *SMALL, "--latent-dim", "2", "--seed", "7") == 0
    config = json.loads((run / "config.json").read_text())
    assert config["model"] == "vae"
    assert config["options"]["hidden"] == [16]
    assert config["options"]["seed"] == 7
    assert config["versions"]["numpy"] == np.__version__

    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["split"]) for line in lines] == [
        (1, "train"), (1, "test"), (2, "train"), (2, "test"),
    ]  # fmt: skip
    for line in lines:
        assert line["loss"] == pytest.approx(line["reconstruction"] + line["kl"], rel=1e-6)
    assert lines[3]["loss"] < lines[1]["loss"]

    figures = {file.name for file in (run / "figures").iterdir()}
    assert figures == {
        "curves.png", "latent_plane.png", "manifold.png", "reconstructions.png", "samples.png",
        "training.gif",
    }  # fmt: skip
    with Image.open(run / "figures" / "training.gif") as animation:
        assert getattr(animation, "n_frames", 1) >= 3  # before, after epoch 1, after epoch 2
    assert {file.name for file in run.iterdir()} == {
        "checkpoint.npz", "config.json", "figures", "metrics.jsonl",
    }  # fmt: skip

    printed = capsys.readouterr().out.splitlines()
    assert f"test loss {lines[3]['loss']:.2f} reconstruction " in next(
        p for p in printed if p.startswith("epoch   2/2")
    )
    assert str(run) in printed[-1]


def test_rows_that_are_no_images_get_curves_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).random((50, 5), dtype=np.float32))
    assert train("--data", tmp_path / "rows.npy", "--out", tmp_path / "run", *SMALL) == 0
    assert [file.name for file in (tmp_path / "run" / "figures").iterdir()] == ["curves.png"]


def test_same_seed_same_bytes_in_two_processes(digits: str, tmp_path: Path) -> None:
    arguments = ["vae", "--data", digits, "--hidden", "16", "--epochs", "1", "--binarize"]
    for name in "ab":
        command = [sys.executable, "-m", "minigen.train", *arguments, "--seed", "3"]
        subprocess.run([*command, "--out", str(tmp_path / name)], check=True, capture_output=True)
    for file in ("checkpoint.npz", "metrics.jsonl", "config.json", "figures/training.gif"):
        a, b = ((tmp_path / name / file).read_bytes() for name in "ab")
        assert a == b, file


def test_another_seed_gives_another_run(digits: str, tmp_path: Path) -> None:
    for seed in "34":
        undrawn("--data", digits, "--out", tmp_path / seed, *SMALL, "--seed", seed)
    for file in ("checkpoint.npz", "metrics.jsonl"):
        assert (tmp_path / "3" / file).read_bytes() != (tmp_path / "4" / file).read_bytes()


def test_the_checkpoint_holds_the_model_and_the_optimizer(digits: str, tmp_path: Path) -> None:
    undrawn("--data", digits, "--out", tmp_path / "run", *SMALL)
    with np.load(tmp_path / "run" / "checkpoint.npz", allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
        names = set(archive.files) - {"header"}
        assert archive["optimizer.t"] == 2 * 5  # 270 rows in batches of 64
        assert archive["model.encoder.0.weight"].shape == (64, 16)
        archive_shape = archive["snapshots.rows"].shape
    assert [record["epoch"] for record in header["history"]] == [1, 2]
    assert archive_shape == (3, 100, 64)
    models = {name for name in names if name.startswith("model.")}
    assert len(models) == 8
    assert names == {"optimizer.t", "snapshots.rows"} | models | {
        model.replace("model.", f"optimizer.{moment}.") for model in models for moment in "mv"
    }


def test_default_folders_are_fresh(
    digits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert undrawn("--data", digits, "--hidden", "4", "--epochs", "1") == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["vae-1", "vae-2"]


@pytest.mark.fault("run exists")
def test_a_finished_run_is_not_overwritten_unasked(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "r un"
    arguments = ["--data", digits, "--out", str(run), "--hidden", "4", "--epochs", "1"]
    assert undrawn(*arguments) == 0
    before = (run / "checkpoint.npz").read_bytes()
    assert undrawn(*arguments, "--seed", "5") == 1
    error = capsys.readouterr().err
    assert "already holds a run; add --overwrite" in error
    assert f"go on with it by --resume '{run}', or" in error
    assert (run / "checkpoint.npz").read_bytes() == before
    assert undrawn(*arguments, "--seed", "5", "--overwrite") == 0
    assert (run / "checkpoint.npz").read_bytes() != before
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.fault("run exists", "damaged")
def test_a_damaged_run_is_not_said_to_go_on(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    arguments = ["--data", digits, "--out", str(run), "--hidden", "4", "--epochs", "1"]
    assert undrawn(*arguments) == 0
    (run / "checkpoint.npz").write_bytes(b"abc")
    capsys.readouterr()
    assert undrawn(*arguments) == 1
    assert capsys.readouterr().err == (
        f"minigen: error: {run} already holds a run, whose checkpoint is damaged; add --overwrite "
        "to replace it, or choose another folder with --out\n"
    )
    assert undrawn(*arguments, "--overwrite") == 0


@pytest.mark.fault("not writable")
def test_a_run_that_cannot_be_replaced_is_named(
    digits: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    arguments = ["--data", digits, "--out", str(run), "--hidden", "4", "--epochs", "1"]
    assert undrawn(*arguments) == 0

    def denied(folder: Path) -> None:  # as rmtree says it; a mode would not stop root
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "curves.png")

    monkeypatch.setattr(shutil, "rmtree", denied)
    capsys.readouterr()
    assert undrawn(*arguments, "--overwrite") == 1
    assert capsys.readouterr().err == (
        f"minigen: error: cannot write the run folder {run}: Permission denied; choose another\n"
    )


@pytest.mark.fault("run exists")
def test_somebodys_folder_is_not_touched(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("1")
    assert train("--data", digits, "--out", tmp_path / "thesis", "--overwrite") == 1
    assert "is not empty and holds no run" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "thesis").iterdir()] == ["chapter"]


@pytest.mark.fault("latent-dim", "hidden", "lr", "counts and weights")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--latent-dim", "0"], "whole number of at least 1, got '0'"),
        (["--latent-dim", "2.5"], "got '2.5'"),
        (["--latent-dim", "abc"], "got 'abc'"),
        (["--hidden", "400,0"], "and 0 is not, got '400,0'"),
        (["--hidden", "400,x"], "and 'x' is not, got '400,x'"),
        (["--lr", "0"], "finite number greater than 0, got '0'"),
        (["--lr", "-0.001"], "got '-0.001'"),
        (["--lr", "nan"], "got 'nan'"),
        (["--lr", "inf"], "got 'inf'"),
        (["--beta", "-1"], "finite number of at least 0, got '-1'"),
        (["--beta", "nan"], "got 'nan'"),
        (["--epochs", "-1"], "got '-1'"),
        (["--epochs", "1e3"], "got '1e3'"),
        (["--batch-size", "0"], "got '0'"),
        (["--batch-size", "-5"], "got '-5'"),
        (["--seed", "-1"], "at least 0, got '-1'"),
        (["--backend", "torch"], "invalid choice: 'torch'"),
        (["--epoch", "3"], "unrecognized arguments: --epoch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments_exit_2_before_any_folder(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        train("--out", tmp_path / "run", *arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("minigen: error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not any(tmp_path.iterdir())


@pytest.mark.fault("latent-dim of a billion")
def test_a_model_that_cannot_fit_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--out", tmp_path / "run", "--latent-dim", "1000000000") == 1
    assert "needs about 19,2" in (error := capsys.readouterr().err)
    assert error.startswith("minigen: error: a model of 1,2")
    assert not (tmp_path / "run").exists()


@pytest.mark.fault("no file", "not NumPy", "range", "NaN")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a data set that can be read"),
        (b"", "not a NumPy .npy file"),
        (b"<html>", "not a NumPy .npy file"),
        (np.full((4, 3), 255.0), "--scale 255 brings them there"),
        (np.full((4, 3), np.nan), "NaN, infinite"),
    ],
    ids=["missing", "empty", "html", "0..255", "nan"],
)
def test_bad_data_exit_1_before_any_folder(
    content: bytes | np.ndarray | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / ("data" if content is None else "data.npy")
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    assert train("--data", path, "--out", tmp_path / "run") == 1
    error = capsys.readouterr().err
    assert error.startswith("minigen: error: ")
    assert error.count("\n") == 1
    assert message in error
    assert str(path) in error
    assert not (tmp_path / "run").exists()


@pytest.mark.fault("not writable")
def test_an_output_folder_that_cannot_be_made_stops_before_training(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert train("--data", digits, "--out", tmp_path / "file" / "run") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("minigen: error: cannot write the run folder ")
    assert captured.err.endswith("; choose another\n")
    assert "epoch" not in captured.out


@pytest.mark.fault("NaN loss")
def test_a_loss_that_turns_nan_stops_the_run(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the epoch and the step, no warning, and no checkpoint with NaN in it."""
    run = tmp_path / "run"
    assert train("--data", digits, "--out", run, *SMALL, "--lr", "1e6") == 1
    error = capsys.readouterr().err
    assert " at epoch 1 step " in error
    assert "; start another run with a lower learning rate (at" in error
    assert error.count("\n") == 1
    with np.load(run / "checkpoint.npz") as kept:  # the one before training
        assert all(np.isfinite(kept[name]).all() for name in kept.files)


@pytest.mark.fault("first loss")
@pytest.mark.parametrize(
    ("arguments", "scale"),
    [(["vae", "--beta", "1e38"], 1), (["ae", "--noise", "1e30"], 1), (["ae"], 1e30)],
    ids=str,
)
def test_a_loss_that_is_infinite_before_any_update_is_said_to_be(
    arguments: list[str], scale: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.random.default_rng(0).random((50, 4), dtype=np.float32)
    np.save(tmp_path / "x.npy", rows * np.float32(scale))
    places = ["--data", str(tmp_path / "x.npy"), "--out", str(tmp_path / "run")]
    assert main([*arguments, *places]) == 1
    assert capsys.readouterr().err.endswith(
        "is inf at epoch 1 step 1; start another run with a lower learning rate "
        "(at its first step: with rescaled data or milder options)\n"
    )


@pytest.mark.fault("batch above the data")
def test_a_batch_larger_than_the_data_is_said(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert undrawn("--data", digits, "--out", tmp_path / "run", *SMALL, "--batch-size", "1000") == 0
    assert "warning: --batch-size 1000 is more than the 270 rows" in capsys.readouterr().err


def test_help_needs_neither_cupy_nor_matplotlib() -> None:
    """It answers within a second because it imports little: imports can be counted, time not."""
    code = (
        "import sys, minigen.train\n"
        "try: minigen.train.main(['vae', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'cupy', 'matplotlib'} & set(sys.modules), 'slow import'"
    )
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "--latent-dim" in done.stdout


@pytest.mark.fault("run exists")
def test_a_foreign_config_is_not_a_run(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in ("{}", '{"versions": {"node": 20}}', "not json"):
        (tmp_path / "app").mkdir(exist_ok=True)
        (tmp_path / "app" / "config.json").write_text(content)
        assert train("--data", digits, "--out", tmp_path / "app", "--overwrite") == 1
        assert "holds no run" in capsys.readouterr().err
        assert (tmp_path / "app" / "config.json").read_text() == content


@pytest.mark.fault("run exists")
def test_a_foreign_checkpoint_is_not_a_run(digits: str, tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "figures").mkdir(parents=True)
    (app / "figures" / "thesis.txt").write_text("1")
    np.savez(app / "checkpoint.npz", resnet=np.ones(5))
    before = (app / "checkpoint.npz").read_bytes()
    assert undrawn("--data", digits, "--out", app, *SMALL, "--overwrite") == 1
    assert (app / "checkpoint.npz").read_bytes() == before
    assert (app / "figures" / "thesis.txt").exists()


@pytest.mark.fault("unknown name")
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["vea"], "did you mean vae?"),
        (["vae", "--hiden", "4"], "did you mean --hidden?"),
        (["vae", "--backend", "numpi"], "did you mean numpy?"),
        (["vae", "--zzz"], ", --shape, --threads, --version, -h"),
        (["gan", "--beta", "2"], "; --beta is an option of vae"),
        (["gan", "--binarize=1"], "; --binarize is an option of vae"),
        (["vae", "--reconstruction"], "; --reconstruction is an option of ae"),
        (["gan", "--batas", "0.5"], "did you mean --betas?"),
        (["gan", "--binariz"], ", --threads, --version, -h"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_unknown_words_get_the_nearest(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith(f"{hint}\n")


@pytest.mark.fault("unknown name")
@pytest.mark.parametrize("model", OPTIONS)
def test_an_option_of_another_model_is_said_to_be_one(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {other: {rule.name for rule in fields(kind)} for other, kind in OPTIONS.items()}
    for name in set.union(*names.values()) - names[model]:
        owners = " and ".join(other for other in names if name in names[other])
        flag = f"--{name.replace('_', '-')}"
        with pytest.raises(SystemExit):
            main([model, flag, "1"])
        assert capsys.readouterr().err.endswith(f"; {flag} is an option of {owners}\n")


@pytest.mark.fault("counts and weights")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "gan --game wasserstein --smoothing 0",
            "the game .* --gradient-penalty, --r1 or --spectral",
        ),
        ("gan --game hinge --smoothing .1", "--smoothing 0.1 with the game hinge: .*"),
        ("gan --game hinge --generator-loss minimax", "--generator-loss minimax with the game .*"),
        ("gan --r1 1 --gradient-penalty 10", "--r1 1 with --gradient-penalty 10: one pulls .*"),
        ("gan --lr 1e-31", "--lr, --discriminator-lr: a learning rate of 1e-31; keep .*"),
        ("ae --milestones 1 --gamma 1e40", "--lr, --gamma, --milestones: a learning rate .*"),
        ("vae --beta 2 --importance-samples 5", "--beta 2 with 5 importance samples: the .*"),
        (
            "vae --binarize --likelihood gaussian",
            "--binarize with the likelihood gaussian: .* has a Bernoulli likelihood; leave .*",
        ),
    ],
)
def test_options_that_refuse_one_another_are_named_as_they_are_given(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments.split())
    assert stop.value.code == 2
    assert re.fullmatch(f"minigen: error: {message}\n", capsys.readouterr().err)


@pytest.mark.fault("latent-dim", "counts and weights")
def test_absurdly_large_numbers_are_bad_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--latent-dim", "--hidden", "--importance-samples", "--epochs", "--seed"):
        with pytest.raises(SystemExit) as stop:
            train(option, "1" + 400 * "0")
        assert stop.value.code == 2
        assert "of at most 2147483647, got " in capsys.readouterr().err


def test_a_preset_gives_options_and_those_beside_it_count_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a training, which has 3280 epochs where the preset counts more."""
    seen: dict[str, Any] = {}
    monkeypatch.setattr(command, "_train", lambda given, options: seen.update(options))
    assert main(["vae", "--epochs", "1", "--hidden", "5", "--preset", "iwae-2015"]) == 0
    assert (seen["epochs"], seen["hidden"]) == (1, (5,))
    assert (seen["latent_dim"], seen["batch_size"], seen["adam_eps"]) == (50, 20, 1e-4)
    assert seen["milestones"] == (1, 4, 13, 40, 121, 364, 1093)
    assert seen["gamma"] ** 7 == pytest.approx(0.1)
    assert "preset" not in seen


@pytest.mark.parametrize(
    ("system", "name"), [(system, name) for system in OPTIONS for name in OPTIONS[system].presets]
)
def test_a_preset_names_options_and_changes_them(system: str, name: str) -> None:
    kind = OPTIONS[system]
    plain, changed = asdict(kind()), asdict(kind.preset(name))
    different = {option for option in plain if plain[option] != changed[option]}
    assert different <= kind.presets[name].keys()
    assert len(different) > 1


def test_the_passes_of_burdas_schedule() -> None:
    options = OPTIONS["vae"].preset("iwae-2015")
    ends = [*options.milestones, options.epochs]
    assert [b - a for a, b in pairwise([0, *ends])] == [3**i for i in range(8)]
