"""The check of an answer: by minigen.gradcheck, against the forward pass that was meant."""

import linecache
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from minigen.backend import Array
from minigen.errors import MinigenError
from minigen.gradcheck import Report, check_function
from minigen.practice.digits import compared
from minigen.practice.exercise import LAST, Function, load
from minigen.practice.signatures import SEED, Case, case_of, close, recognize


class Verdict(NamedTuple):
    """Whether an answer is right, the report, which a notebook shows, and whether it ran."""

    ok: bool
    report: str
    ran: bool = True

    def __repr__(self) -> str:
        return self.report


def check(function: Function, name: str | None = None) -> Verdict:
    """Check your function against the exercise of its name, or of another.

    Raises:
        MinigenError: there is no such exercise.
    """
    exercise, own = load(name or function.__name__), function.__globals__
    try:
        for piece in exercise.pieces if exercise.name == LAST else ():
            if not (verdict := check(own[piece], piece)).ok:
                return verdict
        with np.errstate(all="ignore"):
            faults = list(_faults(case_of(exercise), function))
        if exercise.name == LAST and not faults:
            return Verdict(*compared(function, own["train_step"]))
    except (Exception, SystemExit) as error:
        told = blame(error, function.__code__.co_filename)
        return Verdict(False, f"{exercise.name}: not yet\n{told}", ran=False)
    what = "not yet" if faults else f"solved, every entry is right. Derived: {exercise.derived}"
    return Verdict(not faults, "\n".join([f"{exercise.name}: {what}", *faults]))


def _faults(case: Case, function: Function) -> Iterator[str]:
    """Lines of a report; none if all is right."""
    answers, truth, names = case.answers(function), case.truth, case.exercise.returned
    fit = [name for name, answer in answers.items() if answer.shape == truth[name].shape]
    report = gradcheck(case, function, case.solution, fit)
    failed = {f"d{comparison.variable}" for comparison in report.comparisons if not comparison.ok}
    right = {name for name in fit if close(answers[name], truth[name])} - failed
    yield from (f"{rule}; a pass leaves alone what it is given" for rule in report.broken)
    if case.exercise.has_backward and not close(value := case.forward(function), case.value):
        yield "the forward pass gives other values than it did; restore its lines"
        for wrong, sentence in case.mistaken:
            if close(case.forward(wrong), value):
                yield f"{'':10} {sentence}"
    for name in names if len(right) < len(names) else ():
        if name not in answers or name in right:
            yield f"{name:10} {'right' if name in right else 'write me'}"
            continue
        mine, place = answers[name], f": shape {answers[name].shape}, not {truth[name].shape}"
        if name in fit:
            at = np.unravel_index(np.argmax(np.abs(mine - truth[name])), mine.shape)
            place = f" at [{', '.join(map(str, at))}]: {mine[at]:.6g}, not {truth[name][at]:.6g}"
        yield f"{name:10} wrong{place}\n{'':10} {recognize(case, name, mine)}"


def gradcheck(case: Case, answer: Function, forward: Function, names: Iterable[str]) -> Report:
    """Compare gradients of an answer with the slopes of a forward pass, by both measures."""
    variables = {k: x for k, x in case.exercise.inputs.items() if f"d{k}" in names}

    def mixed(**values: Array) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
        def backward(upstream: Array) -> tuple[Array, ...]:
            answers = case.answers(answer, upstream, **values)
            return tuple(answers[f"d{name}"] for name in variables)

        return case.forward(forward, **values), backward

    return check_function(mixed, variables, seed=SEED) if variables else Report(())


HELPERS = {
    "upstream": "where the pages write upstream(dloss, loss), write dloss: here it is always given",
    "sigmoid": "write 1 / (1 + np.exp(-x))",
}


def blame(error: BaseException, file: str) -> str:
    """Say in which line of this file an error arose, and with what shapes."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}\n    {(error.text or '').strip()}"
    what = str(error) if isinstance(error, MinigenError) else f"{type(error).__name__}: {error}"
    if "gufunc" in what:  # NumPy's words for it are a riddle
        what = (
            "shapes do not fit: for @ the second number on its left equals the first on its right"
        )
    elif re.search(r"broadcast.* \(\d+,\)", what):
        what = f"{what.strip()}; dloss[:, None] is a column, one number for each row"
    elif helper := re.search(r"name '(upstream|sigmoid)' is not", what):
        what = f"{what}; {HELPERS[helper[1]]}"
    if isinstance(error, SystemExit):
        what = "this ends Python before the check is done; leave it out"
    frames = [f for f in traceback.walk_tb(error.__traceback__) if f[0].f_code.co_filename == file]
    if not frames:
        return what
    frame, number = frames[-1]
    line = linecache.getline(file, number).strip()
    used = {k: x for k, x in frame.f_locals.items() if re.search(rf"\b{k}\b", line)}
    unwritten = [name for name, x in used.items() if x is ...]
    if unwritten or isinstance(error, NotImplementedError):
        what = f"write {' and '.join(unwritten) or 'me'} first"
    shapes = [f"\n    {k} has shape {x.shape}" for k, x in used.items() if hasattr(x, "shape")]
    return f"line {number}: {what}\n    {line}{''.join(shapes)}"
