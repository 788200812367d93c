"""The command and the learner's files: nothing is lost, and nothing that a file does is fatal."""

import json
import linecache
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from minigen.practice import __main__ as command
from minigen.practice import judge, runner
from minigen.practice.__main__ import main
from minigen.practice.bugs import wrong_line
from minigen.practice.exercise import NAMES, load
from minigen.practice.runner import check_file

HERE = Path("practice")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    linecache.clearcache()  # of another test's file


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check files here, which is cheaper; that a process of its own does so is tested below."""
    monkeypatch.setattr(command, "check_file", lambda name, path: runner._check(name, path, False))


def solve(name: str, text: str | None = None) -> Path:
    HERE.mkdir(exist_ok=True)
    path = HERE / f"{name}.py"
    path.write_text(text or load(name).text(load(name).code))
    return path


def checked(name: str, text: str) -> str:
    """The report on a file that is wrong, in this process."""
    verdict = runner._check(name, solve(name, text), whole=False)
    assert not verdict.ok
    return verdict.report


@pytest.mark.usefixtures("in_this_process")
def test_an_exercise_from_its_first_line_to_the_mark(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["linear"]) == 0
    path = HERE / "linear.py"
    assert path.read_text() == load("linear").starter
    assert main(["linear"]) == 1
    assert "dx         write me" in capsys.readouterr().out
    assert path.read_text() == load("linear").starter  # a learner's file is never overwritten
    solve("linear")
    assert main(["linear"]) == 0
    out = capsys.readouterr().out
    assert "linear: solved" in out
    assert out.endswith("Next: python -m minigen.practice relu\n")
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:3] for line in lines[: len(NAMES)]] == ["[x]"] + ["[ ]"] * (len(NAMES) - 1)
    assert json.loads((HERE / "solved.json").read_text()) == ["linear"]


def test_there_are_three_hints_and_the_solution(capsys: pytest.CaptureFixture[str]) -> None:
    for words, hint in zip(([], ["1"], ["2"], ["3"]), (0, 0, 1, 2), strict=True):
        assert main(["kl", "--hint", *words]) == 0
        assert capsys.readouterr().out == f"{load('kl').hints[hint]}\n"
    assert main(["kl", "--solution"]) == 0
    out = capsys.readouterr().out
    assert load("kl").code in out
    assert "V2, tutorials/04-elbo.md" in out
    assert not (HERE / "kl.py").exists()


@pytest.mark.usefixtures("in_this_process")
def test_a_bug_is_named_by_its_line_or_mended(capsys: pytest.CaptureFixture[str]) -> None:
    bug, one = ["discriminator", "--bugs"], load("discriminator")
    number, wrong, right = wrong_line(one)
    assert main(bug) == 0
    path = HERE / "bug_discriminator.py"
    assert path.read_text() == one.text(one.bug)
    for line in (number + 1, 99):
        assert main(["discriminator", "--line", str(line)]) == 1
        assert f"The bug is not in line {line}.\n" in capsys.readouterr().out
    path.write_text("# a note\n\n" + one.text(one.bug))  # their lines count
    assert main(["discriminator", "--line", str(number)]) == 1
    assert main(["discriminator", "--line", str(number + 2)]) == 0
    capsys.readouterr()
    assert main(bug) == 1
    out = capsys.readouterr().out
    assert "loss       wrong at [" in out
    assert "forward pass" not in out  # the hint, which would tell
    path.write_text(one.text(one.bug).replace("loss = real_loss +", "loss = ="))
    assert main(bug) == 1
    assert "invalid syntax" in capsys.readouterr().out
    path.write_text(one.text(one.code).replace("real_loss + fake", "real_loss - fake"))
    assert main(bug) == 1
    assert "loss       wrong at [" in capsys.readouterr().out  # another line is wrong now
    path.write_text(one.text(one.code))
    assert main(bug) == 0
    assert f"Found: in line {number}, `{wrong}` should be `{right}`." in capsys.readouterr().out
    (HERE / "solved.json").unlink()
    path.write_text(one.text(one.bug))
    assert main(["discriminator", "--line", str(number)]) == 0
    assert "Found: " in capsys.readouterr().out
    assert main(["--bugs"]) == 0
    out = capsys.readouterr().out
    assert "[x] discriminator" in out
    assert out.endswith("Next: python -m minigen.practice linear --bugs\n")
    assert main([*bug, "--hint"]) == 0
    out = capsys.readouterr().out
    assert "yes  the value" in out
    assert "no   the gradient check" in out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nprint('hello')\nsys.exit(0)\n", "line 3: this ends Python"),
        ("def relu(x)\n    return x\n", "line 1: expected ':'\n    def relu(x)"),
        ("def relu(x):\n    return relu(x)\n", "line 2: RecursionError"),
        ("relu = 3\n", "relu: no function to check, but a number; keep its name"),
        ("\n", "relu: practice/relu.py has no relu; it has no function"),
        ("def my_relu(x):\n    pass\n", "relu.py has no relu; it has my_relu"),
        ("def relu(x, y):\n    pass\n", "missing 1 required positional argument: 'y'"),
        (
            "def relu(x):\n    raise NotImplementedError\n",
            "line 2: something here is not written yet",
        ),
        ("import nothing_like_it\n", "line 1: ModuleNotFoundError"),
    ],
)
def test_whatever_a_file_does_is_told_with_its_line(text: str, words: str) -> None:
    assert words in checked("relu", text)


def test_a_file_cannot_end_the_command_or_keep_it_waiting(
    capfd: pytest.CaptureFixture[str],
) -> None:
    text = "import os\nos.write(2, b'\\xff')\nos._exit(0)\n"
    assert "it ended Python" in check_file("relu", solve("relu", text)).report
    report = check_file("relu", solve("relu", "print('hello')\nname = input()\n")).report
    assert "relu: line 2: EOFError" in report
    assert capfd.readouterr().out == "hello\n"


def test_a_file_that_loops_for_ever_is_stopped_at_its_line() -> None:
    endless = load("relu").code.replace("dx = dy * (x > 0)", "while True:\n            print()")
    start = time.monotonic()
    verdict = check_file("relu", solve("relu", f"import numpy as np\n{endless}"), seconds=0.5)
    assert time.monotonic() - start < 60
    assert "no answer after 0.5 seconds" in verdict.report
    assert re.search("seconds, line (6: while True:|7: print())", verdict.report)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (
            "linear",
            "dy @ weight.T",
            "dy @ weight",
            "for @, the second number of the left shape must be the first of the right\n"
            "    dx = dy @ weight\n    dy is an array of shape (5, 3)\n"
            "    weight is an array of shape (4, 3)",
        ),
        ("kl", "dloss[:, None] * mu", "dloss * mu", "a[:, None] is a column"),
        (
            "sequential",
            "second_backward(dy)",
            "second_backward(x)",
            "linear's backward pass takes an array of shape (5, 2), which its value has; this is "
            "an array of shape (5, 4)\n    da, dw2, db2 = second_backward(x)\n    x is an array of",
        ),
        ("sequential", "relu_backward(da)", "relu_backward(None)", "(5, 3), which its value has;"),
        (
            "vae",
            "divergence_backward(beta * dloss)",
            "divergence_backward(dz)",
            "shape (5,), which",
        ),
        ("linear", "x.T @ dy", "x.T(dy)", "what stands before ( is no function; for a product"),
        ("relu", "dy * (x > 0)", "dy^2", "^ is no power in Python; write **"),
        ("adam", "c1, c2 =", "c1 = c2 = ... #", "something here is not written yet\n    new_p"),
        (
            "sequential",
            "da, dw2, db2 = sec",
            "da, dw2 = sec",
            "\n    da, dw2 = second_backward(dy)\n"
            "    dy is an array of shape (5, 2)\n    second_backward(dy) is a tuple of 3 (an array "
            "of shape (5, 3), an array of shape (3, 2), an array of shape (2,))",
        ),
        ("sequential", "dh = relu", "dh, _, _, _, _, _ = relu", "relu_backward(da) is an array"),
        (
            "sequential",
            "da, dw2, db2 = second_backward(dy)",
            "da = second_backward(dy)",
            "one array is asked for; take one of these, or np.concatenate(..., axis=None)\n"
            "    dh = relu_backward(da)\n"
            "    da is a tuple of 3 (an array of shape (5, 3), an array of shape (3, 2), an array",
        ),
        (
            "relu",
            "dx = dy * (x > 0)",
            "dy[x < 0] = 0",
            "this array was given, and stays as it is; change a copy of it",
        ),
    ],
)
def test_an_error_is_told_with_its_line_and_the_shapes(
    name: str, old: str, new: str, words: str
) -> None:
    text = load(name).text(load(name).code).replace(old, new)
    number = next(n for n, line in enumerate(text.splitlines(), 1) if new in line)
    report = checked(name, text)
    assert words in report
    assert re.search(rf"^line ({number}|{number + 1}): ", report, re.MULTILINE)


def test_the_last_exercise_is_built_of_ones_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "STEPS", 3)
    names = ("linear", "relu", "sequential", "reparameterize", "cross_entropy", "kl", "vae", "adam")
    for name in names:
        monkeypatch.setattr(load(name), "own", None)
        solve(name)
    assert runner._check("digits", solve("digits"), whole=True).ok  # trains, too
    made = {load(name).own.__code__.co_filename for name in names}
    assert made == {str(HERE / f"{name}.py") for name in names}
    solve("relu", load("relu").text(load("relu").code.replace("x > 0", "x < 0")))
    built = "digits is built of your vae:\nvae is built of your sequential:\n"
    built += "sequential is built of your relu:\nrelu: not yet"
    assert built in runner._check("digits", HERE / "digits.py", whole=True).report
    (HERE / "kl.py").unlink()
    solve("relu")
    report = runner._check("digits", HERE / "digits.py", whole=True).report
    assert "kl: this piece is not begun" in report


@pytest.mark.slow
def test_ones_own_vae_learns_digits_as_minigens_does() -> None:
    for name in NAMES:
        solve(name)
    verdict = check_file("digits", HERE / "digits.py")
    assert verdict.ok
    mine, theirs = map(float, re.findall(r"\d+\.\d\d", verdict.report))
    assert mine == pytest.approx(theirs, abs=0.011)
    assert theirs < 150


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "no exercise is called 'nothing'"),
        (["--hint"], "no exercise is called ''; take one of linear, relu,"),
        (["--line", "3"], "no exercise is called ''; take one of linear, relu,"),
        (["linear", "--hint", "4"], "argument --hint: invalid choice: 4"),
    ],
)
def test_a_wrong_command_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(SystemExit):  # by argparse, where the words themselves are wrong
        assert main(words) == 1
    assert message in capsys.readouterr().err
    assert not HERE.exists()


@pytest.mark.parametrize("damaged", ["{", "3", "[[]]"])
def test_a_damaged_record_is_told(damaged: str, capsys: pytest.CaptureFixture[str]) -> None:
    HERE.mkdir()
    (HERE / "solved.json").write_text(damaged)
    assert main([]) == 1
    assert "solved.json is damaged; delete it" in capsys.readouterr().err


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys; from minigen.practice.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print([m for m in ('matplotlib', 'PIL', 'cupy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("end", ["", "os._exit(0)"])
def test_what_passes_by_python_is_no_verdict(end: str) -> None:
    (HERE / "relu.py").parent.mkdir(exist_ok=True)
    said = f"import os\nos.write(1, b'[1')\n{end}\n"
    (HERE / "relu.py").write_text(said + load("relu").text(load("relu").code))
    verdict = runner.check_file("relu", HERE / "relu.py")
    assert verdict.ok is (None if end else True), verdict


def test_what_a_pass_prints_is_shown_once(capfd: pytest.CaptureFixture[str]) -> None:
    code = load("relu").text(load("relu").code).replace("dx = dy", "print('dy', dy.shape); dx = dy")
    assert check_file("relu", solve("relu", code)).ok
    assert capfd.readouterr().out == "dy (5, 4)\n"
