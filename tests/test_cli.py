"""What a command's errors look like, and its exit status."""

import pytest

from minigen import cli
from minigen.errors import MinigenError


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
        (KeyboardInterrupt(), 130, "minigen: error: stopped\n"),
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


def test_no_error_is_status_zero() -> None:
    assert cli.run(lambda: None) == 0


def test_widths() -> None:
    assert cli.widths("400") == [400]
    assert cli.widths("500,250") == [500, 250]
    assert cli.widths("") == []
