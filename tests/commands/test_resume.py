"""`--resume`: a run that was stopped goes on as if it had not been, or says why it cannot."""

import io
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pytest

from minigen import evaluate
from minigen.train import main
from minigen.training import OPTIONS, EpochRecord, Run
from minigen.workshop import checkpoint, figures, process, runs, snapshots
from minigen.workshop.atomic import replacing
from minigen.workshop.folder import RunFolder
from minigen.workshop.snapshots import LENGTH, Snapshots
from tests.helpers import points, squares

SMALL = ["--hidden", "6", "--batch-size", "64", "--latent-dim", "2"]
PLAIN = "--no-figures"  # they take the time


@pytest.fixture
def digits(tmp_path: Path) -> str:
    return str(squares(tmp_path / "digits.npy", 100))


@pytest.fixture
def short_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer pictures, because they take the time; and so they are thinned in these tests."""
    monkeypatch.setattr(snapshots, "LENGTH", 4)


def train(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def content(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()
    }


def assert_same(run: Path, other: Path) -> None:
    found, right = content(run), content(other)
    assert found.keys() == right.keys()
    for name in found:
        assert found[name] == right[name], name


@pytest.mark.fault("resume")
@pytest.mark.usefixtures("short_film")
@pytest.mark.parametrize("system", OPTIONS)
def test_5_and_5_epochs_are_10(system: str, digits: str, tmp_path: Path) -> None:
    """To the last byte of every file: parameters, moments, metrics, figures, animation."""
    command = [system, "--data", digits, *SMALL]
    assert train(*command, "--epochs", 10, "--out", tmp_path / "whole") == 0
    assert train(*command, "--epochs", 5, "--out", tmp_path / "parts", PLAIN) == 0
    assert train(system, "--resume", tmp_path / "parts", "--epochs", 10) == 0
    assert_same(tmp_path / "parts", tmp_path / "whole")
    assert "figures/training.gif" in content(tmp_path / "parts")


@pytest.mark.fault("resume")
@pytest.mark.usefixtures("short_film")
def test_a_gan_of_points_goes_on_with_its_field(tmp_path: Path) -> None:
    command = ["gan", "--data", points(tmp_path / "x.npy", 100), *SMALL]
    train(*command, "--epochs", 2, "--out", tmp_path / "whole")
    train(*command, "--epochs", 1, "--out", tmp_path / "parts", PLAIN)
    train("gan", "--resume", tmp_path / "parts", "--epochs", 2)
    assert_same(tmp_path / "parts", tmp_path / "whole")


def start(*arguments: object) -> subprocess.Popen[str]:
    """A training process, which hears Ctrl-C even where these tests run in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "minigen.train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stopped(child: subprocess.Popen[str], number: int, line: str) -> tuple[str, float]:
    """Send the signal once the process has printed a line that begins so; what it says on stderr,
    and the seconds that it took.
    """
    assert child.stdout is not None
    assert any(printed.startswith(line) for printed in child.stdout)
    time.sleep(0.05)  # into the next epoch
    child.send_signal(number)
    sent = time.monotonic()
    said = child.communicate()[1]
    return said, time.monotonic() - sent


@pytest.mark.fault("Ctrl-C", "SIGTERM")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_stops_within_a_second_and_loses_nothing(
    number: int, status: int, tmp_path: Path
) -> None:
    digits = squares(tmp_path / "digits.npy", 20_000)
    command = ["vae", "--data", digits, *SMALL]
    taken = []
    for attempt in range(3):  # a busy machine may be late by itself
        run = tmp_path / f"run-{attempt}"
        child = start(*command, "--epochs", 1000, "--out", run)
        said, seconds = stopped(child, number, "epoch   2")
        assert child.returncode == status
        taken.append(seconds)
        if seconds < 1:
            break
    assert min(taken) < 1
    found = re.fullmatch(
        rf"minigen: stopped at epoch (\d+), saved to {run}/checkpoint\.npz after epoch (\d+); "
        rf"go on with python -m minigen\.train vae --resume {run}\n",
        said,
    )
    assert found
    done = int(found[2])
    assert int(found[1]) == done + 1 >= 3

    assert train("vae", "--resume", run, "--epochs", done + 1, PLAIN) == 0
    assert train(*command, "--epochs", done + 1, "--out", tmp_path / "whole", PLAIN) == 0
    assert_same(run, tmp_path / "whole")


@pytest.mark.fault("SIGTERM")
def test_a_stop_in_the_first_epoch_can_be_resumed(tmp_path: Path) -> None:
    digits = squares(tmp_path / "digits.npy", 100_000)
    child = start("vae", "--data", digits, *SMALL, "--out", tmp_path / "run")
    said, _ = stopped(child, signal.SIGTERM, "units")
    assert "stopped at epoch 1, saved to " in said
    with np.load(tmp_path / "run" / "checkpoint.npz") as archive:
        assert archive["optimizer.t"] == 0


@pytest.mark.fault("stop while drawing")
@pytest.mark.parametrize(("stop", "status"), [(KeyboardInterrupt, 130), (process.Terminated, 143)])
def test_a_stop_while_figures_are_drawn(
    stop: type[BaseException],
    status: int,
    digits: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "r un"
    with patch.object(figures, "draw_figures", side_effect=stop):
        command = ["vae", "--data", digits, *SMALL, "--epochs", 2, "--out", run]
        assert train(*command) == status
    assert capsys.readouterr().err == (
        f"minigen: stopped while figures were drawn, saved to {run}/checkpoint.npz after epoch 2; "
        f"draw them with python -m minigen.train vae --resume '{run}'\n"
    )
    assert train("vae", "--resume", run) == 0
    assert (run / "figures" / "training.gif").exists()


@pytest.mark.fault("kill")
@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_death_between_two_files_is_no_matter(
    written: int, digits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people read may be an epoch behind the checkpoint, which alone is read back."""
    command = ["vae", "--data", digits, *SMALL, "--epochs", 3, PLAIN]
    train(*command, "--out", tmp_path / "whole")

    class Killed(BaseException):
        pass

    opened: list[Path] = []

    def dies_in_epoch_2(path: Path) -> Any:
        opened.append(path)
        if len(opened) == 2 * 3 + written:  # before epoch 1, after it, and then: three files each
            raise Killed
        return replacing(path)

    for module in (runs, checkpoint):
        monkeypatch.setattr(module, "replacing", dies_in_epoch_2)
    with pytest.raises(Killed):
        train(*command, "--out", tmp_path / "run")
    monkeypatch.undo()
    assert train("vae", "--resume", tmp_path / "run", PLAIN) == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.fault("kill")
def test_what_people_read_is_written_and_never_read(run: Path, digits: str) -> None:
    """Whatever becomes of it, the run goes on as it was, and it is written anew."""
    before = content(run)
    (run / "config.json").write_text("{")
    (run / "metrics.jsonl").unlink()
    assert evaluate.main([str(run), "--draws", "1"]) == 0
    assert train("vae", "--resume", run, PLAIN) == 0
    assert content(run) == before


@pytest.mark.fault("figures gone")
@pytest.mark.usefixtures("short_film")
def test_a_finished_run_is_drawn_again_and_stays_as_it_is(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where its folder of figures is gone: git keeps no empty one."""
    train("vae", "--data", digits, *SMALL, "--epochs", 1, "--out", tmp_path / "run")
    before = content(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "figures")
    capsys.readouterr()
    assert train("vae", "--resume", tmp_path / "run") == 0
    assert content(tmp_path / "run") == before
    assert "has all of its 1 epochs, so only its figures are drawn" in capsys.readouterr().out
    assert train("vae", "--resume", tmp_path / "run", PLAIN) == 0
    assert "has all of its 1 epochs, so nothing is left to do; a" in capsys.readouterr().out


@pytest.fixture
def run(digits: str, tmp_path: Path) -> Path:
    """Two epochs of a VAE."""
    train("vae", "--data", digits, *SMALL, "--epochs", 2, "--out", tmp_path / "run", PLAIN)
    return tmp_path / "run"


def refusal(run: Path, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says; it has touched nothing."""
    before = content(run)
    assert train(*(arguments or ("vae",)), "--resume", run) == 1
    assert content(run) == before
    said = capsys.readouterr().err
    assert said.startswith("minigen: error: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.fault("cannot resume")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vae", "--hidden", "7"], "was trained with --hidden 6, not with --hidden 7; go on with"),
        (["vae", "--hidden", ""], "was trained with --hidden 6, not with --hidden ''; go on with"),
        (["vae", "--lr", "0.5"], "with --lr 0.001, not with --lr 0.5"),
        (["vae", "--binarize"], "was trained without --binarize, not with --binarize; go on"),
        (["gan"], "trains a model vae, not gan; name that one"),
        (["vae", "--data", "ring"], "ring: has rows of 2 values, and "),
        (["vae", "--epochs", "1"], "has 2 epochs behind it, more than --epochs 1; give more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_differs_is_named_on_both_sides(
    arguments: list[str], message: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refusal(run, capsys, *arguments)


@pytest.mark.fault("cannot resume")
def test_other_data_are_noticed(run: Path, digits: str, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.load(digits)
    images[7, 3, 3] ^= 1
    np.save(digits, images)
    assert "was trained on other data" in refusal(run, capsys)
    assert "was trained on other data" in refusal(run, capsys, "vae", "--data", digits)


@pytest.mark.fault("moved")
def test_a_run_finds_its_data_from_any_folder(
    digits: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    assert train("vae", "--data", "digits.npy", *SMALL, "--epochs", 1, "--out", "run", PLAIN) == 0
    assert train("vae", "--resume", "run", "--data", "./digits.npy", PLAIN) == 0
    monkeypatch.chdir("elsewhere")
    assert evaluate.main(["../run", "--draws", "1"]) == 0
    assert train("vae", "--resume", "../run", "--epochs", 2, PLAIN) == 0


@pytest.mark.fault("moved")
def test_data_that_were_moved_are_asked_for(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what comes of them is what would have come in the old place."""
    run, moved = tmp_path / "r un", tmp_path / "moved.npy"
    command = ["vae", *SMALL, PLAIN, "--epochs", 2]
    assert train(*command, "--data", digits, "--epochs", 1, "--out", run) == 0
    Path(digits).rename(moved)
    said = refusal(run, capsys)
    assert said == (
        f"minigen: error: the data of {run}: {digits}: cannot be opened: No such file or "
        "directory; check the path and its permissions; or say where they are now: python -m "
        f"minigen.train vae --resume '{run}' --data PLACE; in "
        "Python, load(path, data=load_data(PLACE))\n"
    )
    assert evaluate.main([str(run)]) == 1
    assert capsys.readouterr().err == said
    assert train("vae", "--resume", run, "--data", moved, "--epochs", 2, PLAIN) == 0
    assert evaluate.main([str(run), "--draws", "1"]) == 0
    assert train(*command, "--data", moved, "--out", tmp_path / "whole") == 0
    assert_same(run, tmp_path / "whole")


@pytest.mark.fault("cannot resume")
@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("checkpoint.npz", None, "is no run folder, checkpoint.npz is missing"),
        ("checkpoint.npz", b"PK\3\4 cut", "checkpoint.npz: damaged or incomplete"),
    ],
)  # fmt: skip
def test_what_is_missing_or_damaged_is_named(
    file: str, damage: bytes | None, message: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if damage is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(damage)
    assert message in refusal(run, capsys)


@pytest.mark.parametrize("command", ["--resume", "--out"])
def test_one_process_at_a_time_writes_a_folder(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunFolder.reopen(str(run)):
        before = content(run)
        assert train("vae", command, run) == 1
        assert "another process is training in" in capsys.readouterr().err
        assert content(run) == before


@pytest.mark.fault("kill")
def test_leftovers_of_a_killed_process_are_removed(run: Path, digits: str) -> None:
    leftovers = run / "checkpoint.npz.123.tmp", run / "figures" / "curves.png.123.tmp"
    new = ["--data", digits, *SMALL, "--epochs", 1, "--out", run, "--overwrite"]
    for arguments in (["--resume", run], new):
        for leftover in leftovers:
            leftover.write_bytes(b"half")
        assert train("vae", *arguments, PLAIN) == 0
        assert not any(leftover.exists() for leftover in leftovers)


@pytest.mark.fault("new or resumed")
def test_resume_excludes_another_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        train("vae", "--resume", run, "--out", run)
    assert stop.value.code == 2
    assert "--out: not allowed with argument --resume" in capsys.readouterr().err


@pytest.mark.fault("new or resumed")
@pytest.mark.parametrize("option", [["--overwrite"], ["--preset", "iwae-30"]], ids=str)
def test_resume_excludes_what_is_for_a_new_run(
    option: list[str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        train("vae", "--resume", run, *option)
    assert stop.value.code == 2
    assert f"argument {option[0]}: not allowed with argument --resume" in capsys.readouterr().err


@pytest.mark.usefixtures("short_film")
def test_a_snapshot_is_made_only_where_it_is_kept(digits: str, tmp_path: Path) -> None:
    command = ["vae", "--data", digits, *SMALL, "--epochs", 9, "--out", tmp_path / "run", PLAIN]
    made = patch.object(snapshots, "take_snapshot", side_effect=snapshots.take_snapshot)
    with made as taken:
        assert train(*command) == 0
    assert taken.call_count == len([0, 1, 2, 3, 4, 6, 8])


def test_the_progress_bar_goes_on_where_the_run_does(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rate, and so the time left, is of the epochs since."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    assert train("vae", "--resume", run, "--epochs", 4, PLAIN) == 0
    first = terminal.getvalue().split("\r")[1]
    assert first.startswith(" 50%")
    assert "2/4 [00:00<?" in first


class Stage:
    """A run as snapshots see it, with as many epochs behind it as it is told."""

    history: list[EpochRecord]

    def show(self, reel: Snapshots, epoch: int) -> None:
        """As training does."""
        self.history = [EpochRecord(e, {}, {}) for e in range(1, epoch + 1)]
        reel.update(cast(Run, self))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    def taken(stage: Stage) -> dict[str, np.ndarray]:
        return {"rows": np.full((2, 3), len(stage.history), np.float32)}

    monkeypatch.setattr(snapshots, "take_snapshot", taken)
    return Stage()


def test_a_bounded_number_of_evenly_spaced_snapshots_is_kept(stage: Stage) -> None:
    reel, counts = Snapshots(), []
    for epoch in range(8 * LENGTH + 1):
        stage.show(reel, epoch)
        counts.append(len(reel.by_epoch))
    assert max(counts) == LENGTH
    assert list(reel.by_epoch) == list(range(0, 8 * LENGTH + 1, 16))
    assert all((s["rows"] == epoch).all() for epoch, s in reel.by_epoch.items())


@pytest.mark.parametrize("last", [0, 3, LENGTH - 1, LENGTH, LENGTH + 1, 3 * LENGTH + 7])
def test_snapshots_go_on_as_if_they_had_not_been_stored(last: int, stage: Stage) -> None:
    reel = Snapshots()
    for epoch in range(last + 1):
        stage.show(reel, epoch)
    assert {name: a.shape for name, a in Snapshots.expected(reel.header).items()} == {
        name: a.shape for name, a in reel.arrays.items()
    }
    again = Snapshots.restored(reel.header, reel.arrays)
    for epoch in range(last + 1, 8 * LENGTH):
        for each in (reel, again):
            stage.show(each, epoch)
    assert again.by_epoch.keys() == reel.by_epoch.keys()
    for epoch, snapshot in again.by_epoch.items():
        np.testing.assert_array_equal(snapshot["rows"], reel.by_epoch[epoch]["rows"])
