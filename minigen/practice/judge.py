"""The check of an answer: by minigen.gradcheck, against the forward pass that was meant."""

import linecache
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from minigen.backend import Array
from minigen.errors import MinigenError
from minigen.gradcheck import Report, check_function
from minigen.practice.digits import compared
from minigen.practice.exercise import LAST, load
from minigen.practice.signatures import SEED, Case, Function, close, recognize


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and the report, which a notebook shows."""

    ok: bool
    report: str

    def __repr__(self) -> str:
        return self.report


def check(function: Function, name: str | None = None) -> Verdict:
    """Check your function against the exercise of its name, or of another.

    Raises:
        MinigenError: there is no such exercise.
    """
    case = Case(load(name or function.__name__))
    try:
        with np.errstate(all="ignore"):
            return _judged(case, function)
    except (Exception, SystemExit) as error:
        what = blame(error, function.__code__.co_filename)
        return Verdict(False, f"{case.exercise.name}: {what}")


def _judged(case: Case, function: Function) -> Verdict:
    exercise, pieces = case.exercise, function.__globals__
    for piece in exercise.pieces if exercise.name == LAST else ():
        if not (verdict := check(pieces[piece], piece)).ok:
            return verdict
    truth, answers = case.truth, case.answers(function)
    fit = {name for name, answer in answers.items() if answer.shape == truth[name].shape}
    report = gradcheck(case, function, exercise.function, fit)
    wrong = {f"d{comparison.variable}" for comparison in report.comparisons if not comparison.ok}
    wrong |= {name for name, answer in answers.items() if not close(answer, truth[name])}
    lines = [f"{rule}; a pass leaves alone what it is given" for rule in report.broken]
    if exercise.has_backward and not close(case.forward(function), case.value):
        lines.append("the forward pass gives other values than it did; restore its lines")
    for name in exercise.returned:
        if name not in answers:
            lines.append(f"{name:10} write me")
        elif name in wrong:
            lines.append(f"{name:10} wrong{_worst(answers[name], truth[name])}")
            lines.append(f"{'':10} {recognize(case, name, answers[name])}")
    if lines:
        right = [f"{name:10} right" for name in answers if name not in wrong]
        return Verdict(False, "\n".join([f"{exercise.name}: not yet", *right, *lines]))
    if exercise.name == LAST:
        return Verdict(*compared(pieces["digits"], pieces["train_step"]))
    return Verdict(True, f"{exercise.name}: solved. Every entry of {', '.join(fit)} is right.")


def gradcheck(case: Case, answer: Function, forward: Function, names: Iterable[str]) -> Report:
    """Compare gradients of an answer with the slopes of a forward pass, by both measures."""
    inputs = case.exercise.inputs
    variables = {k: x for k, x in inputs.items() if f"d{k}" in names}
    if not variables:
        return Report(())

    def mixed(**values: Array) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
        now = {**inputs, **values}

        def backward(upstream: Array) -> tuple[Array, ...]:
            answers = case.answers(answer, now, upstream)
            return tuple(answers[f"d{name}"] for name in variables)

        return case.forward(forward, now), backward

    return check_function(mixed, variables, seed=SEED)


def _worst(mine: Array, right: Array) -> str:
    if mine.shape != right.shape:
        return ""
    index = np.unravel_index(np.argmax(np.abs(mine - right)), right.shape)
    place = ", ".join(map(str, index))
    return f", most at [{place}]: yours is {mine[index]:.6g}, it should be {right[index]:.6g}"


def blame(error: BaseException, file: str) -> str:
    """Say in which line of this file an error arose, and with what shapes."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}\n    {(error.text or '').strip()}"
    what = str(error) if isinstance(error, MinigenError) else f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        what = "this ends Python before the check is done; leave it out"
    frames = [f for f in traceback.walk_tb(error.__traceback__) if f[0].f_code.co_filename == file]
    if not frames:
        return what
    frame, number = frames[-1]
    line = linecache.getline(file, number).strip()
    used = {k: x for k, x in frame.f_locals.items() if re.search(rf"\b{k}\b", line)}
    open_ones = [name for name, x in used.items() if x is ...]
    if open_ones or isinstance(error, NotImplementedError):
        return f"line {number}: write {' and '.join(open_ones) or 'me'} first\n    {line}"
    shapes = "".join(
        f"\n    {k} has shape {x.shape}" for k, x in used.items() if hasattr(x, "shape")
    )
    return f"line {number}: {what}\n    {line}{shapes}"
