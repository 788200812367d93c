"""What a command's errors look like, and its exit status."""

import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minigen import cli, derivations, evaluate, sample
from minigen.errors import MinigenError
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
        (KeyboardInterrupt(), 130, "minigen: stopped\n"),
        (KeyboardInterrupt("stopped at epoch 3"), 130, "minigen: stopped at epoch 3\n"),
        (cli.Terminated(), 143, "minigen: stopped\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_a_status(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(lambda: failing(error)) == status
    printed = capsys.readouterr().err
    assert line in printed
    assert printed.count("\n") == 1


def test_debug_lets_the_traceback_through() -> None:
    with pytest.raises(MinigenError, match="mine"):
        cli.run(lambda: failing(MinigenError("mine")), debug=True)


def test_a_bug_is_not_dressed_up_as_the_users_error() -> None:
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: failing(ZeroDivisionError()))


def test_sigterm_is_heard_while_a_command_runs_and_not_after() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert cli.run(lambda: signal.raise_signal(signal.SIGTERM)) == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_runs_in_any_thread() -> None:
    """Where signals cannot be heard."""
    with ThreadPoolExecutor() as pool:
        assert pool.submit(cli.run, lambda: None).result() == 0


def test_no_error_is_status_zero() -> None:
    assert cli.run(lambda: None) == 0


def test_wholes() -> None:
    assert cli.wholes("400") == [400]
    assert cli.wholes("500,250") == [500, 250]
    assert cli.wholes("") == []


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_auto_says_on_stderr_what_it_chose_and_why(
    backend: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(derivations, "DERIVATIONS", derivations.DERIVATIONS[:1])
    run = str(trained("ae", squares(tmp_path / "x.npy"), tmp_path / "run"))
    capsys.readouterr()
    for main, arguments in (
        (sample.main, [run, "--out", str(tmp_path / "rows.npy")]),
        (evaluate.main, [run, "--json"]),
        (derivations.main, ["--json"]),
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
