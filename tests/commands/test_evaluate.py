"""`python -m minigen.evaluate`: it repeats itself, agrees with training, and says what it means."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from minigen import data
from minigen.evaluate import main
from minigen.train import main as train
from tests.helpers import points, squares, trained


def findings(run: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([str(run), "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run"] == str(run)
    return {finding["name"]: finding for finding in document["findings"]}


def last_test(run: Path) -> dict[str, float]:
    last: dict[str, float] = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    return last


def test_how_far_the_run_was_trained_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of one that was stopped in its first epoch."""
    stopped, trained_run = tmp_path / "stopped", tmp_path / "run"
    x = points(tmp_path / "x.npy")
    trained("ae", x, trained_run)
    with patch("minigen.training.loop._epoch_means", side_effect=KeyboardInterrupt):
        assert train(["ae", "--data", str(x), "--out", str(stopped)]) == 130
    for run, epoch, moment in (
        (trained_run, 2, "after epoch 2"),
        (stopped, 0, "untrained, before epoch 1"),
    ):
        capsys.readouterr()
        assert main([str(run)]) == 0
        assert capsys.readouterr().out.splitlines()[0].endswith(f"on {x}, {moment}")
        assert main([str(run), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["epoch"] == epoch


@pytest.mark.parametrize("option", [[], ["--binarize"], ["--importance-samples", "3"]], ids=str)
def test_vae_reproduces_what_training_logged(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run", *option)
    found = findings(run, capsys, "--draws", "100")
    logged = last_test(run)
    assert found["test loss"]["value"] == logged["loss"]
    assert found["negative ELBO"]["value"] == logged["reconstruction"] + logged["kl"]
    assert found["KL"]["value"] == logged["kl"]
    assert findings(run, capsys, "--draws", "100") == found  # to the last digit


def test_the_bound_rises_with_the_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Almost without a KL, q becomes much too narrow: each step is ten times as large as its
    spread over the draws, which those near the ceiling are not.
    """
    options = "--beta", "0.01", "--epochs", "10", "--lr", "3e-3"
    run = trained("vae", squares(tmp_path / "x.npy", 2000), tmp_path / "run", *options)
    found = findings(run, capsys, "--draws", "100", "--rows", "200")
    one, ten, hundred = (found[f"L_{k}, 200 test rows"]["value"] for k in (1, 10, 100))
    assert one + 0.2 < ten < hundred - 0.2


def test_autoencoder_stands_beside_pca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("ae", squares(tmp_path / "x.npy"), tmp_path / "run", "--hidden", "")
    found = findings(run, capsys)
    assert found["test squared error"]["value"] == last_test(run)["loss"]
    floor = float(found["train squared error"]["limit"].rpartition(" ")[2])
    assert found["train squared error"]["value"] > floor > 0
    assert "PCA with 3 components" in found["train squared error"]["limit"]


def test_gan_on_a_ring_counts_its_modes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("gan", Path("ring"), tmp_path / "run", "--epochs", "1", "--batch-size", "1000")
    found = findings(run, capsys)
    assert 0 <= found["modes covered"]["value"] <= 8
    assert "98.89" in found["high quality"]["limit"]
    assert "0.0014" in found["reverse KL"]["limit"]


def test_gan_on_images_stands_beside_the_training_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("gan", squares(tmp_path / "x.npy", 500), tmp_path / "run")
    found = findings(run, capsys)
    score = found["Parzen log likelihood"]
    of_data = float(score["limit"].partition(": ")[2].partition(" ")[0])
    assert score["value"] < of_data
    assert found["distance to the nearest training row"]["value"] > 0


def test_every_number_has_a_unit_a_limit_and_a_caveat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    for finding in findings(run, capsys, "--draws", "2").values():
        assert finding.keys() == {"name", "value", "unit", "limit", "caveat", "standard_error"}
        assert all(finding[key] for key in ("name", "unit", "limit", "caveat"))
        assert (finding["standard_error"] is not None) == finding["name"].startswith("L_")
    assert main([str(run), "--draws", "2"]) == 0
    text = capsys.readouterr().out
    assert text.count("    beside it: ") == text.count("    mind: ") == 7


def test_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "is no run folder, checkpoint.npz is missing" in capsys.readouterr().err
    run = trained("ae", points(tmp_path / "x.npy"), tmp_path / "run")
    other = trained("ae", squares(tmp_path / "y.npy"), tmp_path / "other")
    with np.load(run / "checkpoint.npz") as ours, np.load(other / "checkpoint.npz") as theirs:
        mixed = {**ours, "header": theirs["header"]}
    np.savez(run / "checkpoint.npz", **mixed)
    assert main([str(run)]) == 1
    error = capsys.readouterr().err
    assert "model.encoder.0.weight is float32 (2, 12), expected float32 (64, 12)" in error
    assert error.count("\n") == 1


def test_other_data_are_named_on_both_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = squares(tmp_path / "x.npy")
    run = trained("vae", x, tmp_path / "run")
    before = data.load(str(x)).fingerprint[:12]
    np.save(x, 255 - np.load(x))
    now = data.load(str(x)).fingerprint[:12]
    assert main([str(run)]) == 1
    assert capsys.readouterr().err.endswith(
        f"minigen: error: {run} was trained on other data in {x}: their SHA-256 began with "
        f"{before}, and now does with {now}; bring them back, or train again\n"
    )


def test_the_standard_error_is_that_of_a_mean_over_the_test_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    bound = {10: np.array([-3.0, -1.0, -2.0, -6.0])}
    with patch("minigen.metrics.bounds.importance_bound", return_value=bound):
        finding = findings(run, capsys, "--draws", "10", "--rows", "4")["L_10, 4 test rows"]
        assert main([str(run), "--draws", "10", "--rows", "4"]) == 0
    assert finding["value"] == -3
    assert finding["standard_error"] == pytest.approx((14 / 3) ** 0.5 / 2)
    assert "L_10, 4 test rows: -3.0000 +- 1.0801 nats" in capsys.readouterr().out


def test_active_units_are_those_of_the_rows_that_were_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a dark grey, all rows are the same; drawn from it, they differ."""
    grey = np.full((400, 16), 20, np.uint8)
    np.savez(tmp_path / "x.npz", train=grey, test=grey)
    for options, differ in ([], False), (["--binarize"], True):
        run = trained(
            "vae", tmp_path / "x.npz", tmp_path / f"run-{differ}", "--scale", "255", *options
        )
        with patch("minigen.metrics.bounds.active_units", return_value=0) as count:
            findings(run, capsys, "--draws", "1")
        (mu,) = count.call_args.args
        assert (mu.std(axis=0) > 1e-3).all() == differ
