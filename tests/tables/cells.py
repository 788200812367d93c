"""Cells of the tables: means with their intervals, values by seed, rows of Markdown."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

Entry = dict[str, Any]  # of a table's file
Lines = list[str]

T = {5: 2.776445, 10: 2.262157}  # the 97.5 % point of Student's t for so many values


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean of these values, and half of its 95 % confidence interval by Student's t."""
    n = len(values)
    return statistics.mean(values), T[n] * statistics.stdev(values) / math.sqrt(n)


def interval(values: Sequence[float], digits: int) -> str:
    """The mean with its interval; fewer than five values have none that says anything."""
    if len(values) not in T:
        return f"{statistics.mean(values):.{digits}f}"
    mean, half = t_interval(values)
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def duration(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def groups(entries: list[Entry]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry["label"], []).append(entry)
    return groups


def values(entries: list[Entry], name: str) -> list[float]:
    return [entry["values"][name] for entry in entries]


def beside(entry: Entry, name: str) -> str:
    """What stands behind the colon: "the mixture itself: 8"."""
    return str(entry["beside it"][name].partition(": ")[2])


def each(values: Sequence[float], digits: int) -> str:
    return ", ".join(f"{value:.{digits}f}" for value in values)


def seeds(values: Sequence[float]) -> str:
    return f"seeds 0 to {len(values) - 1}"


def table(*rows: Sequence[str]) -> Lines:
    """A Markdown table; the first row is its header."""
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return [header, "|---" * len(rows[0]) + "|", *body]
