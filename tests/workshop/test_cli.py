"""What a command's errors look like, and its exit status."""

import json
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minigen import evaluate, sample
from minigen.errors import MinigenError
from minigen.gradcheck import __main__ as gradcheck
from minigen.gradcheck.derivations import DERIVATIONS
from minigen.train import main as train
from minigen.train import parser
from minigen.workshop import process
from minigen.workshop.folder import RunFolder
from tests.faults.helpers import environment
from tests.helpers import squares, trained


def failing(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MinigenError("x is 3; use 4"), 1, "minigen: error: x is 3; use 4\n"),
        (OSError(28, "No space left", "a/b"), 1, "minigen: error: a/b: No space left; check"),
        (
            MemoryError("Unable to allocate 9 GiB"),
            1,
            "out of memory: Unable to allocate 9 GiB; use",
        ),
        (MinigenError("a\nb\r.npy: gone; look"), 1, r"minigen: error: a\nb\n.npy: gone; look"),
        (KeyboardInterrupt(), 130, "minigen: stopped\n"),
        (KeyboardInterrupt("stopped at epoch 3"), 130, "minigen: stopped at epoch 3\n"),
        (process.Terminated(), 143, "minigen: stopped\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_a_status(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.run(lambda: failing(error)) == status
    printed = capsys.readouterr().err
    assert line in printed
    assert printed.count("\n") == 1


def test_debug_lets_the_traceback_through() -> None:
    with pytest.raises(MinigenError, match="mine"):
        process.run(lambda: failing(MinigenError("mine")), debug=True)


def test_a_bug_is_not_dressed_up_as_the_users_error() -> None:
    with pytest.raises(ZeroDivisionError):
        process.run(lambda: failing(ZeroDivisionError()))


def test_sigterm_is_heard_while_a_command_runs_and_not_after() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert process.run(lambda: signal.raise_signal(signal.SIGTERM)) == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_runs_in_any_thread() -> None:
    """Where signals cannot be heard."""
    with ThreadPoolExecutor() as pool:
        assert pool.submit(process.run, lambda: None).result() == 0


def test_no_error_is_status_zero() -> None:
    assert process.run(lambda: None) == 0


@pytest.mark.parametrize(
    ("text", "widths"), [("400", (400,)), ("500,250", (500, 250)), ("", ())], ids=repr
)
def test_wholes(text: str, widths: tuple[int, ...]) -> None:
    assert parser().parse_args(["vae", "--hidden", text]).hidden == widths


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_auto_says_on_stderr_what_it_chose_and_why(
    backend: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(gradcheck, "DERIVATIONS", DERIVATIONS[:1])
    run = str(trained("ae", squares(tmp_path / "x.npy"), tmp_path / "run"))
    capsys.readouterr()
    for main, arguments in (
        (sample.main, [run, "--out", str(tmp_path / "rows.npy")]),
        (evaluate.main, [run, "--json"]),
        (gradcheck.main, ["--json"]),
    ):
        assert main([*arguments, "--backend", backend]) == 0
        printed = capsys.readouterr()
        if "--json" in arguments:
            json.loads(printed.out)
        if backend == "auto":
            assert printed.err.startswith("minigen: --backend auto: numpy (ModuleNotFoundError: ")
            assert printed.err.count("\n") == 1
        else:
            assert printed.err == ""


A_COMMAND = r"""
import sys, tempfile
from pathlib import Path
from minigen.errors import MinigenError
from minigen.training.progress import progress_bar
from minigen.workshop import plots, process
def command():
    with tempfile.TemporaryDirectory() as folder:
        plots.picture(Path(folder, "a.png"), lambda axes: None)
    with progress_bar(2, "epoch") as bar:
        bar.update()
    print("a\udcff\u03c3.npy")
    raise MinigenError("it failed; mend it")
sys.exit(process.run(command))
"""
FAILURE = "minigen: error: it failed; mend it\n"


def in_a_shell(redirected: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command that draws, moves a bar, prints a name and fails."""
    line = f"{shlex.join([sys.executable, '-c', A_COMMAND])} {redirected}"
    return subprocess.run(
        line, shell=True, capture_output=True, text=True, env=environment(**variables)
    )


@pytest.mark.fault("odd shell")
def test_a_notebooks_backend_need_not_be_installed() -> None:
    """Jupyter hands it on to what a notebook starts."""
    done = in_a_shell(MPLBACKEND="module://not_installed.backend")
    assert (done.returncode, done.stderr) == (1, FAILURE)


@pytest.mark.fault("odd shell")
@pytest.mark.parametrize(
    ("encoding", "printed"),
    [("cp1252", r"a\udcff\u03c3.npy"), ("utf-8:strict", "a\\udcff\u03c3.npy")],
)
def test_a_name_that_stdout_cannot_encode(encoding: str, printed: str) -> None:
    done = in_a_shell(PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stdout, done.stderr) == (1, f"{printed}\n", FAILURE)


@pytest.mark.fault("odd shell")
def test_closed_streams() -> None:
    """There is no bar then, and what stderr should have got does not appear elsewhere."""
    done = in_a_shell("2>&-", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (1, "a\\udcff\\u03c3.npy\n", "")
    done = in_a_shell(">&-")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", FAILURE)


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("x.npy: 0 to 9; scale=9 brings them there", "x.npy: 0 to 9; --scale 9 brings them there"),
        ("scale=255 if they are dark, or so", "--scale 255 if they are dark, or so"),
        ("rows are drawn; shape='table' draws none", "rows are drawn; --shape table draws none"),
        ("shape='32x32x3' keeps them", "--shape 32x32x3 keeps them"),
        ("take likelihood=gaussian in a vae, ae", "take --likelihood gaussian in a vae, ae"),
        ("2 epochs, more than epochs=1; give more", "2 epochs, more than --epochs 1; give more"),
        ("x/scale=3/y: odd; scale=1e-05 brings it", "x/scale=3/y: odd; --scale 1e-05 brings it"),
        ("grid scale=2 is no run folder, x is missing", None),
        ("a scale=2/x.npy: is a folder; give a file", None),
        ("go on with train vae --resume 'grid scale=2'", None),
    ],
)  # fmt: skip
def test_an_argument_in_a_remedy_is_an_option_and_one_in_a_name_is_none(
    said: str, typed: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.run(lambda: failing(MinigenError(said))) == 1
    assert capsys.readouterr().err == f"minigen: error: {typed or said}\n"


@pytest.mark.fault("empty name")
def test_no_name_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a forgotten shell variable: `--resume "$RUN"` must not start another run."""
    monkeypatch.chdir(tmp_path)
    for main, arguments in (
        (train, ["vae", "--out", ""]),
        (train, ["vae", "--resume", ""]),
        (evaluate.main, [""]),
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert ": is empty; name a folder; see " in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
    with pytest.raises(MinigenError, match="is no run folder"):
        RunFolder.existing("")
