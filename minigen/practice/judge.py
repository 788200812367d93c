"""The check of an answer against the solution, in words for who learns."""

import linecache
import re
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from types import FunctionType
from typing import NamedTuple

import numpy as np

from minigen import data
from minigen.errors import MinigenError
from minigen.models import VAE
from minigen.nn import Adam
from minigen.practice.exercise import LAST, Exercise, Function, close, described, load
from minigen.practice.signatures import recognize


class Verdict(NamedTuple):
    """Whether an answer is right, None if it cannot run; and the report, which a notebook shows."""

    ok: bool | None
    report: str

    def __repr__(self) -> str:
        return self.report


def check(function: Function, name: str | None = None) -> Verdict:
    """Check your function against the exercise of its name, or of another; both must exist."""
    if not isinstance(function, FunctionType):
        raise MinigenError(f"no function to check, but {described(function)}; keep its name")
    exercise = load(name or function.__name__)
    try:
        with np.errstate(all="ignore"):
            exercise.answers(function)
            with redirect_stdout(None):  # what it prints, it has printed
                faults = list(_faults(exercise, function))
        if not faults:
            exercise.own = function
            more = trained(function) if exercise.name == LAST else f"Derived: {exercise.derived}"
            return Verdict(True, f"{exercise.name}: solved, every entry is right. {more}")
        return Verdict(False, "\n".join([f"{exercise.name}: not yet", *faults]))
    except (Exception, SystemExit) as error:
        where = function.__code__.co_filename
        return Verdict(None, f"{exercise.name}: not yet\n{blame(error, where)}")


def _faults(exercise: Exercise, function: Function) -> Iterator[str]:
    """Lines of a report; none if all is right."""
    right, mine = exercise.truth, exercise.answers(function, careful=True)
    arrays = {name for name, x in mine.items() if described(x) == described(right[name])}
    solved = {name for name in arrays if close(mine[name], right[name])}
    for name, x in mine.items() if len(solved) < len(mine) else ():
        if name in solved or x is ...:
            yield f"{name:10} {'right' if name in solved else 'write me'}"
            continue
        came, asked = described(x), described(right[name])
        place = f": {came}" if came.startswith(asked) else f": {came}, not {asked}"
        if name in arrays:
            at = np.unravel_index(np.argmax(np.abs(x - right[name])), x.shape)
            place = f" at {[*map(int, at)]}: {x[at] + 0:.8g}, not {right[name][at] + 0:.8g}"
        hint = recognize(exercise, name, x) if getattr(x, "dtype", "") == "float64" else ""
        yield f"{name:10} wrong{place}\n{'':10} {hint}".rstrip()


ADVICE = {  # where the words of Python or NumPy are a riddle
    "SystemExit": "this ends Python before the check is done; leave it out",
    "ellipsis|NotImplemented": "something here is not written yet",
    r"No such file.*\.py'": "this piece is not begun; python -m minigen.practice lists them",
    "not callable": "what stands before ( is no function; for a product write *",
    r"bitwise_xor|for \^": "^ is no power in Python; write **",
    "gufunc": "for @, the second number of the left shape must be the first of the right",
    r"broadcast.* \(\d+,\)": "shapes do not fit; a[:, None] is a column, a number a row",
    "inhomogeneous": "one array is asked for; take one of these, or np.concatenate(..., axis=None)",
    "read-only": "this array was given, and stays as it is; change a copy of it",
    "truth value": "this asks a whole array; np.where(x > 0, a, b) asks each entry by itself",
}


def blame(error: BaseException, file: str) -> str:
    """Say in which line of this file an error arose, and of what shapes."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}\n    {(error.text or '').strip()}"
    what = str(error) if isinstance(error, MinigenError) else f"{type(error).__name__}: {error}"
    what = next((advice for riddle, advice in ADVICE.items() if re.search(riddle, what)), what)
    frames = [f for f in traceback.walk_tb(error.__traceback__) if f[0].f_code.co_filename == file]
    if not frames:
        return what
    frame, number = frames[-1]
    line = linecache.getline(file, number).strip()
    used = {k: frame.f_locals[k] for k in re.findall(r"\w+", line) if k in frame.f_locals}
    if "to unpack" in what:  # for too many or too few names, say what they were to name
        with suppress(Exception):
            came = line.partition(" = ")[2]
            used[came] = eval(came, frame.f_globals, frame.f_locals)
    arrays = {k: x for k, x in used.items() if not (callable(x) or np.isscalar(x))}
    shapes = "".join(f"\n    {k} is {described(x)}" for k, x in arrays.items())
    return f"line {number}: {what}\n    {line}{shapes}"


STEPS, BATCH, HIDDEN, LATENT = 200, 50, 64, 10


def trained(digits: Function) -> str:
    """Train both from the same weights on the same rows and noise; compare their test losses."""
    mnist, rng = data.load("mnist"), np.random.default_rng(0)
    rows, test = (data.scaled(x).astype(float) for x in (mnist.train[:5000], mnist.test[:500]))
    noise = rng.standard_normal((STEPS + 1, len(test), LATENT))
    twin = VAE.mlp(rows.shape[1], [HIDDEN], LATENT, rng, dtype="float64")  # one course for both
    optimizer = Adam(twin.params, 0.01)
    theta = np.concatenate([*twin.params.values()], axis=None)
    m = v = np.zeros_like(theta)
    for t in range(1, STEPS + 1):
        x, eps = rows[rng.integers(0, len(rows), BATCH)], noise[t, :BATCH]
        m, v, theta = digits(x, eps, theta, m, v, t, HIDDEN)
        optimizer.step(twin.loss(x, eps)[1]())
    own = digits.__globals__
    mine = own["vae"](test, noise[0], *own["unpacked"](theta, x, eps, HIDDEN))[0].mean()
    theirs = twin.loss(test, noise[0])[0].loss.mean()
    return f"Your test loss: {mine:.2f} nats. minigen's: {theirs:.2f}."
