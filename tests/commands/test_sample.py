"""`python -m minigen.sample`: rows and pictures, and what each model cannot do."""

import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from minigen import data, load, sample
from minigen.errors import MinigenError
from minigen.sample import main
from minigen.training import OPTIONS, fitting
from minigen.workshop import layout, plots
from tests.helpers import points, squares, trained


@pytest.mark.parametrize("system", OPTIONS)
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


def test_a_picture_is_the_default_by_the_name_of_what_it_shows(tmp_path: Path) -> None:
    for system, x in (("vae", squares(tmp_path / "x.npy")), ("gan", points(tmp_path / "y.npy"))):
        run = trained(system, x, tmp_path / system)
        kinds: dict[str, list[str]] = {
            "samples": [],
            "walks": ["--interpolate"],
            "reconstructions": ["--reconstruct"],
        }
        if system == "gan":
            del kinds["reconstructions"]
        for kind, words in kinds.items():
            assert main([str(run), "--count", "5", *words]) == 0
            with Image.open(run / f"{kind}.png") as picture:
                assert min(picture.size) > 100
        trained(system, x, run, "--overwrite")
        assert not any((run / f"{kind}.png").exists() for kind in kinds)


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


@pytest.mark.parametrize("system", OPTIONS)
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
        (["--count", "1.5"], "got '1.5'"),
        (["--seed", "-1"], "got '-1'"),
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
    with patch.object(sample, "check_memory") as check:
        assert main([str(run), "--count", "3", "--out", str(out), *what]) == 0
    assert check.call_args.args[:2] == ("--count 3", np.load(out).nbytes)


def test_other_data_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    np.save(tmp_path / "x.npy", 255 - np.load(tmp_path / "x.npy"))
    assert main([str(run), "--reconstruct", "--out", str(tmp_path / "rows.npy")]) == 1
    assert "was trained on other data in" in capsys.readouterr().err
    assert not (tmp_path / "rows.npy").exists()


def test_an_autoencoder_of_few_rows_samples_too(tmp_path: Path) -> None:
    run = trained("ae", points(tmp_path / "x.npy", 4), tmp_path / "run")
    assert main([str(run), "--count", "3", "--out", str(tmp_path / "rows.npy")]) == 0
    assert np.isfinite(np.load(tmp_path / "rows.npy")).all()


@pytest.mark.parametrize("system", ["vae", "gan"])
def test_samples_of_a_prior_need_no_data(system: str, tmp_path: Path) -> None:
    """Nor does a picture of images."""
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run")
    for out in ("rows.npy", "rows.png"):
        assert main([str(run), "--out", str(tmp_path / f"with-{out}")]) == 0
    (tmp_path / "x.npy").unlink()
    for out in ("rows.npy", "rows.png"):
        assert main([str(run), "--out", str(tmp_path / out)]) == 0
        assert (tmp_path / out).read_bytes() == (tmp_path / f"with-{out}").read_bytes()


def drawn(run: Path, *arguments: str) -> dict[str, Any]:
    """What is given to the painter of points."""
    with patch.object(plots, "density", side_effect=plots.density) as density:
        assert main([str(run), *arguments]) == 0
    return dict(density.call_args.kwargs)


def test_points_are_reconstructed_beside_their_inputs(tmp_path: Path) -> None:
    run = trained("ae", points(tmp_path / "x.npy"), tmp_path / "run")
    test = data.load(str(tmp_path / "x.npy")).test
    found = drawn(run, "--reconstruct", "--count", "5")
    rows = tmp_path / "rows.npy"
    assert main([str(run), "--reconstruct", "--count", "5", "--out", str(rows)]) == 0
    np.testing.assert_array_equal(found["data"], test[:5])
    np.testing.assert_array_equal(found["samples"], np.load(rows)[1::2])
    assert found["name"] == "reconstructions"


@pytest.mark.parametrize("what", [[], ["--interpolate"]])
def test_samples_stand_beside_all_test_points(what: list[str], tmp_path: Path) -> None:
    run = trained("gan", points(tmp_path / "x.npy"), tmp_path / "run")
    test = data.load(str(tmp_path / "x.npy")).test
    found = drawn(run, "--count", "3", *what)
    np.testing.assert_array_equal(found["data"], test)
    np.testing.assert_array_equal(found["frame"], layout.frame_around(test, 60))
    assert found["samples"].shape == (30 if what else 3, 2)
    assert found["name"] == ("walks" if what else "samples")


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        (["--count", "20"], (2, 10)),
        (["--count", "400"], (20, 20)),
        (["--interpolate"], (10, 10)),
        (["--interpolate", "--count", "40"], (20, 20)),
        (["--reconstruct", "--count", "30"], (6, 10)),
    ],
    ids=str,
)
def test_a_mosaic_is_about_as_wide_as_high(
    arguments: list[str], shape: tuple[int, int], tmp_path: Path
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    with patch.object(plots, "picture") as picture:
        assert main([str(run), *arguments]) == 0
    lines, columns = shape
    assert picture.call_args.args[2] == (10 * lines - 2, 10 * columns - 2)


@pytest.mark.parametrize(
    "arguments", [["--count", "1001"], ["--interpolate", "--count", "101"]], ids=str
)
def test_a_picture_of_too_many_images_is_refused(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    assert main([str(run), *arguments]) == 1
    error = capsys.readouterr().err
    assert "images are too many for a picture, which shows up to 1,000" in error
    assert "--out FILE.npy" in error
    assert main([str(run), *arguments, "--out", str(tmp_path / "rows.npy")]) == 0


@pytest.mark.parametrize("system", OPTIONS)
def test_making_rows_takes_little_more_memory_than_they_do(system: str, tmp_path: Path) -> None:
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run")
    out = tmp_path / "rows.npy"
    tracemalloc.start()
    assert main([str(run), "--count", "100000", "--out", str(out)]) == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.8 * np.load(out).nbytes


@pytest.mark.parametrize(
    ("system", "what"),
    [
        *((system, what) for system in OPTIONS for what in ("--count=130", "--interpolate")),
        ("ae", "--reconstruct"),
        ("vae", "--reconstruct"),
    ],
)
def test_rows_do_not_depend_on_the_blocks_they_are_made_in(
    system: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(trained(system, squares(tmp_path / "x.npy"), tmp_path / "run"))
    found = []
    for block in (fitting.DECODED_AT_ONCE, 14):
        monkeypatch.setattr(fitting, "DECODED_AT_ONCE", block)
        assert main([run, what, "--out", str(tmp_path / "rows.npy")]) == 0
        found.append(np.load(tmp_path / "rows.npy"))
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6)


def test_what_is_less_than_asked_for_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = squares(tmp_path / "x.npy", 60)
    run = str(trained("vae", x, tmp_path / "run"))
    capsys.readouterr()
    for arguments, note in {
        ("--reconstruct", "--count", "7"): "note   there are 6 rows to reconstruct, not 7\n",
        ("--reconstruct", "--count", "6"): "",
        ("--interpolate", "--count", "4"): "note   6 rows are too few for 4 walks; codes are "
        "drawn\n",
        ("--interpolate", "--count", "3"): "",
    }.items():
        assert main([run, *arguments]) == 0
        *said, _ = capsys.readouterr().out.splitlines(keepends=True)
        assert "".join(said) == note


# One's own rows


def test_codes_of_rows_in_their_order(tmp_path: Path) -> None:
    """U8: those of the test, or of any file, as `Run.encode` gives them."""
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    loaded = load(run)
    mine = squares(tmp_path / "mine.npy", 25)
    out = tmp_path / "codes.npy"
    assert main([str(run), "--encode", "--out", str(out)]) == 0
    np.testing.assert_array_equal(np.load(out), loaded.encode(loaded.dataset.test))
    assert main([str(run), "--encode", "--data", str(mine), "--out", str(out)]) == 0
    np.testing.assert_array_equal(np.load(out), loaded.encode(np.load(mine)))
    assert main([str(run), "--encode", "--data", str(mine), "--count", "3", "--out", str(out)]) == 0
    assert np.load(out).shape == (3, 3)


def test_reconstructions_of_and_walks_between_ones_own_rows(tmp_path: Path) -> None:
    run = trained("ae", squares(tmp_path / "x.npy"), tmp_path / "run")
    loaded = load(run)
    mine = squares(tmp_path / "mine.npy", 8)
    rows = np.load(mine)
    out = tmp_path / "rows.npy"
    arguments = [str(run), "--data", str(mine), "--count", "4", "--out", str(out)]
    assert main([*arguments, "--reconstruct"]) == 0
    pairs = np.load(out).reshape(4, 2, 64)
    np.testing.assert_allclose(pairs[:, 0], rows[:4].reshape(4, 64) / np.float32(255))
    np.testing.assert_array_equal(pairs[:, 1], loaded.reconstruct(rows[:4]))
    assert main([*arguments, "--interpolate"]) == 0
    walks = np.load(out).reshape(4, 10, 64)
    np.testing.assert_array_equal(walks[:, 0], loaded.reconstruct(rows[:4]))
    np.testing.assert_allclose(walks[:, -1], loaded.reconstruct(rows[4:]), atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "count", "walks", "note"),
    [
        (8, [], 4, "note   there are 4 pairs of rows to walk between, not 10\n"),
        (8, ["--count", "6"], 4, "note   there are 4 pairs of rows to walk between, not 6\n"),
        (2, [], 1, "note   there are 1 pairs of rows to walk between, not 10\n"),
        (25, [], 10, ""),
    ],
    ids=["all", "fewer than asked for", "one", "the default"],
)
def test_walks_between_ones_own_rows_are_as_many_as_there_are(
    rows: int,
    count: list[str],
    walks: int,
    note: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = trained("ae", squares(tmp_path / "x.npy", 60), tmp_path / "run")
    mine, out = squares(tmp_path / "mine.npy", rows), tmp_path / "rows.npy"
    capsys.readouterr()
    assert main([str(run), "--interpolate", "--data", str(mine), *count, "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{note}{10 * walks} rows of 64 values")
    found, ends = np.load(out).reshape(walks, 10, 64), load(run).reconstruct(np.load(mine))
    np.testing.assert_allclose(found[:, 0], ends[:walks], atol=1e-6)
    np.testing.assert_allclose(found[:, -1], ends[walks : 2 * walks], atol=1e-6)


def test_a_walk_needs_two_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained("ae", squares(tmp_path / "x.npy", 60), tmp_path / "run")
    mine = squares(tmp_path / "mine.npy", 1)
    assert main([str(run), "--interpolate", "--data", str(mine)]) == 1
    assert "mine.npy: has one row, and a walk goes from one to" in capsys.readouterr().err


def test_rows_in_another_unit_than_the_pixels_that_were_learnt(tmp_path: Path) -> None:
    """A file of int64 pixels comes as floats 0..255; in a notebook integers are scaled."""
    run = trained("vae", squares(tmp_path / "x.npy"), tmp_path / "run")
    loaded, rows = load(run), np.load(squares(tmp_path / "mine.npy", 8))
    np.testing.assert_allclose(loaded.encode(rows.astype(np.int64)), loaded.encode(rows), atol=1e-6)
    with pytest.raises(MinigenError, match="where the model has learnt values from 0 to 1"):
        loaded.encode(rows.astype(np.float32))
    np.save(tmp_path / "int64.npy", rows.astype(np.int64))
    arguments = [
        "--encode",
        "--data",
        str(tmp_path / "int64.npy"),
        "--out",
        str(tmp_path / "c.npy"),
    ]
    assert main([str(run), *arguments]) == 1


def test_a_walk_has_two_ends_and_steps(tmp_path: Path) -> None:
    run = load(trained("ae", squares(tmp_path / "x.npy"), tmp_path / "run"))
    with pytest.raises(MinigenError, match="two ends, got 2 first and 3 last codes"):
        run.walk(np.zeros((2, 3)), np.zeros((3, 3)))
    with pytest.raises(MinigenError, match=r"shape \(N, 3\), got \(3,\); one code is z\[None\]"):
        run.walk(np.zeros(3), np.zeros(3))
    assert run.walk(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 10, run.dataset.width)
    with pytest.raises(MinigenError, match="steps"):
        run.walk(np.zeros((2, 3)), np.zeros((2, 3)), steps=1)


@pytest.mark.parametrize(
    ("system", "arguments", "said"),
    [
        ("gan", ["--encode"], "no encoder, so its rows have no codes; leave out --encode"),
        ("gan", ["--data", "x.npy"], "no encoder"),
        ("vae", ["--data", "x.npy"], "samples need none; add --encode"),
        ("vae", ["--encode"], "codes are no picture; write them with --out FILE.npy"),
        ("vae", ["--encode", "--data", "nowhere.npy", "--out", "c.npy"], "nowhere.npy"),
        (
            "vae",
            ["--encode", "--data", "ring", "--out", "c.npy"],
            "ring: is drawn and not read; save",
        ),
    ],
)
def test_what_has_no_codes_is_said(
    system: str,
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert main([str(run), *arguments]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
