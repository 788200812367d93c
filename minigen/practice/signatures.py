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

MISTAKEN = (  # what stands for an expression
    *("(-{})", "({})**2", "np.sqrt({})", "np.abs({})", "(1 - {})", "({} - 1)", "({} + 1)"),
    *("np.ones_like({0})", "np.ones_like({0}) / len({0})", "({}).sum(axis=1, keepdims=True)"),
)


def recognize(exercise: Exercise, name: str, mine: Array) -> str:
    """The sentence for this wrong answer."""
    right = exercise.truth[name]
    meant = [(mine, ""), (-mine, " Up to the sign, that is.")]
    meant += [(n * mine, f" And it is {n} times too small.") for n in (len(right), right.size)]
    for answered, more in meant:
        for wrong, sentence in _suspects(exercise, name, mine):
            if close(answered, wrong) and not close(wrong, right):
                return sentence + more
    if name not in exercise.returned:
        return "The forward pass gives other values than it did; restore its lines."
    same = mine.shape == right.shape and np.isclose(mine, right).sum()
    return f"{same} of {right.size} entries are right." if mine.shape == right.shape else ""


def _suspects(exercise: Exercise, name: str, mine: Array) -> Iterator[tuple[Array, str]]:
    """The arrays that somebody with one mistake would get, and a sentence for each."""
    right = exercise.truth[name]
    yield from ((wrong[name], told) for wrong, told in _outcomes(exercise, known=True))
    if mine.size == right.size and close(mine.ravel(), right.ravel()):
        yield mine, f"The numbers are right; give them as float64, in the shape {right.shape}."
    if mine.ndim > right.ndim and close(mine.sum(axis=0), right):
        yield mine, "Not summed over the rows: all use this variable, and its gradients add up."
    rows = len(next(iter(exercise.inputs.values())))
    yield 0 * right, "All zero: nothing passes back here."
    yield -right, "Every entry has the opposite sign."
    yield right / 2, "Every entry is half of what it should be: a factor 2 is lost."
    yield 2 * right, "Every entry is twice what it should be: a 1/2 is lost, or a term came twice."
    yield right.T, "Transposed: rows and columns have changed places."
    for n, those in ((rows, "rows"), (right.shape[-1], "columns"), (right.size, "entries")):
        told = f"{n} times too small: a mean over the {those}; its 1/N is in dy or dloss already."
        yield right / n, told
    yield rows * right, f"Every entry is {rows} times too large, and there are {rows} rows."
    if name[1:] in exercise.inputs:
        for other in exercise.inputs:
            gradient = exercise.slope(exercise.solution, other)
            yield gradient, f"This is the gradient with respect to {other}."
    for power, other in ((1, "sigma"), (2, "sigma^2")) if name == "dlogvar" else ():
        slope = np.exp(power * exercise.inputs["logvar"] / 2) * power / 2
        yield right / slope, f"This is the gradient with respect to {other}."
    yield from ((wrong[name], told) for wrong, told in _outcomes(exercise, known=False))


@cache
def _outcomes(exercise: Exercise, known: bool) -> list[tuple[dict[str, Any], str]]:
    """The answers with each mistake that the exercise tells of, or else with each slip."""
    outcomes = []
    for code, sentence in exercise.mistakes if known else slips(exercise):
        with suppress(Exception), catch_warnings(action="ignore"):  # most slips do not run
            answers = exercise.answers(exercise.function(code)).items()
            outcomes.append(({name: np.asarray(x, float) for name, x in answers}, sentence))
    return outcomes


def slips(exercise: Exercise) -> list[tuple[str, str]]:
    """The code with one thing left out, mistaken or misplaced; and the sentence for it."""
    lines, codes = exercise.code.splitlines(), dict[str, str]()
    for statement in exercise.open_pass[:-1]:
        number = statement.lineno - 1
        names = {*re.findall(r"[a-z]\w*", "\n".join(lines[: number + 1]))}
        for line, words in _slips(statement, lines[number], names):
            code = "\n".join([*lines[:number], line, *lines[number + 1 :]])
            codes.setdefault(code, f"This is what comes out {words}.")
    return sorted(codes.items(), key=lambda slip: len(slip[1]))  # the least of them first


def _slips(statement: ast.stmt, line: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """A line with each slip, and the words for it."""
    for node in [node for node in ast.walk(statement) if isinstance(node, ast.expr)]:
        start, end = node.col_offset, node.end_col_offset
        text, place = line[start:end], f"{line[:start]}{{}}{line[end:]}"
        for part in ast.walk(node):
            if isinstance(part, ast.expr) and part is not node:
                a, b = part.col_offset, part.end_col_offset
                less = f"{line[start:a]}...{line[b:end]}" if start < a else line[b:end].strip()
                yield place.format(f"({line[a:b]})"), f"without `{less}`"
        words, others = re.split(r"(\W+)", line), [wrong.format(text) for wrong in MISTAKEN]
        if isinstance(node, ast.Name):  # for a pass another pass, for an array another array
            kin = {name for name in names if ("backward" in name) == ("backward" in text)}
            others += sorted(kin if isinstance(node.ctx, ast.Load) else kin & {*words})
        for other in others:
            yield place.format(other), f"with `{other}` for `{text}`"
            swap = {text: other, other: text}
            where = f"and `{text}` in each other's place" if other in words else f"for `{text}`"
            yield "".join(swap.get(word, word) for word in words), f"with `{other}` {where}"
