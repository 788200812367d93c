"""The slip behind a wrong answer, where there is one that gives the same numbers."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from warnings import catch_warnings

import numpy as np

from minigen.backend import Array
from minigen.practice.exercise import Exercise, close


def recognize(exercise: Exercise, name: str, mine: Array) -> str:
    """The sentence for this wrong answer."""
    right = exercise.truth[name]
    for n in (1, len(right), right.size):
        for wrong, sentence in _suspects(exercise, name, mine):
            if close(n * mine, wrong) and not close(wrong, right):
                return sentence + (f" And it is {n} times too small." if n > 1 else "")
    if name not in exercise.returned:
        return "The forward pass gives other values than it did; restore its lines."
    if mine.shape != right.shape:
        return ""
    factor = (mine * right).sum() / (right * right).sum()
    if close(mine, factor * right):
        return f"Every entry is {factor:.3g} times what it should be."
    equal = np.isclose(mine, right, rtol=1e-7, atol=1e-10)
    return f"{equal.sum()} of {right.size} entries are right."


def _suspects(exercise: Exercise, name: str, mine: Array) -> Iterator[tuple[Array, str]]:
    """The arrays that somebody with one mistake would get, and a sentence for each."""
    right = exercise.truth[name]
    rows = len(next(iter(exercise.inputs.values())))
    yield from ((wrong[name], told) for wrong, told in _outcomes(exercise, known=True))
    if mine.size == right.size and close(mine.ravel(), right.ravel()):
        yield mine, f"The numbers are right; give them in the shape {right.shape}."
    if mine.ndim > right.ndim and close(mine.sum(axis=0), right):
        yield mine, f"Not summed over the first axis: its {len(mine)} parts add up."
    yield 0 * right, "All zero: nothing passes back here."
    yield -right, "Every entry has the opposite sign."
    yield right / 2, "Every entry is half of what it should be: a factor 2 is lost."
    yield 2 * right, "Every entry is twice what it should be: a 1/2 is lost, or a term came twice."
    yield right.T, "Transposed: rows and columns have changed places."
    for n, those in ((rows, "rows"), (right.shape[-1], "columns"), (right.size, "entries")):
        yield right / n, f"{n} times too small, as after a mean over {n} {those}: do not divide."
    for x in exercise.returned:
        yield exercise.truth[x], f"This is {x}: is the order right in which you unpack and return?"
    for power, other in ((1, "sigma"), (2, "sigma^2")) if name == "dlogvar" else ():
        slope = np.exp(power * exercise.inputs["logvar"] / 2) * power / 2
        yield right / slope, f"This is the gradient with respect to {other}."
    yield from ((wrong[name], told) for wrong, told in _outcomes(exercise, known=False))


@cache
def _outcomes(exercise: Exercise, known: bool) -> list[tuple[dict[str, Any], str]]:
    """The answers with each mistake that the exercise tells of, or else with each slip."""
    outcomes = []
    least_first = sorted({*slips(exercise)}, key=lambda slip: (len(slip[1]), slip[1]))
    for code, sentence in exercise.mistakes if known else least_first:
        with suppress(Exception), catch_warnings(action="ignore"):  # most slips do not run
            answers = exercise.answers(exercise.function(code)).items()
            outcomes.append(({name: np.asarray(x, float) for name, x in answers}, sentence))
    return outcomes


def slips(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """The code with one thing left out or mistaken, and the sentence for it."""
    lines = exercise.code.splitlines()
    nodes = [node for node in ast.walk(ast.parse(exercise.code)) if isinstance(node, ast.Name)]
    names = {node.id for node in nodes} & {*re.findall(r"\w+", exercise.starter)} - {"np"}
    own = {node.id for node in nodes if isinstance(node.ctx, ast.Store)} - names
    for statement in exercise.open_pass[:-1]:
        number = statement.lineno - 1
        for line, words in _slips(statement, lines[number], names):
            if own.intersection(re.findall(r"\w+", words)):  # the learner may have other names
                words = "without one part of a sum" if re.search(r"without.*\+", words) else ""
            code = "\n".join([*lines[:number], line, *lines[number + 1 :]])
            if words:
                yield code, f"This is what comes out {words}."


def _slips(statement: ast.stmt, line: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """A line with each slip, and the words for it."""
    for pattern in (r"(axis=)([01])()", r"(\w+\[)([01])(\])", r"()([+-])( \(?[\w.]+)"):
        for at in re.finditer(pattern, line):
            other = at[1] + {"0": "1", "1": "0", "+": "-", "-": "+"}[at[2]] + at[3]
            yield line[: at.start()] + other + line[at.end() :], f"with `{other}` for `{at[0]}`"
    for node in [node for node in ast.walk(statement) if isinstance(node, ast.expr)]:
        start, end = node.col_offset, node.end_col_offset
        text = line[start:end]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            middle = node.left.end_col_offset
            first = line[start:middle]
            yield f"{line[:start]}-({first}){line[middle:]}", f"with a minus before `{first}`"
        for other in names if isinstance(node, ast.Name) else ():
            yield re.sub(rf"\b{text}\b", other, line), f"with `{other}` for `{text}`"
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr) and not isinstance(node, ast.Tuple | ast.List):
                a, b = part.col_offset, part.end_col_offset
                less = f"{line[start:a]}...{line[b:end]}".removeprefix("(...)").removeprefix("...")
                what = f"the minus before `{line[a:b]}`" if less == "-..." else f"`{less.strip()}`"
                yield f"{line[:start]}({line[a:b]}){line[end:]}", f"without {what}"
