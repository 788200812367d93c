"""Interleaved timings: a machine that slows down slows every contestant alike."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.benchmarks.contestants import Size, Step

BLOCK_SECONDS = 0.2  # of each contestant at a time
REST_SECONDS = 0.1  # between two: threads of the one before may spin for as long, waiting for work


def compare(
    steps: Mapping[str, Step], blocks: int, wait: Callable[[], object] = lambda: None
) -> dict[str, dict[str, float]]:
    """Milliseconds a step, and how many times as long as the first contestant's it is.

    Args:
        steps: one step of each contestant, by name.
        blocks: how often the turn comes to each.
        wait: returns when the device has done all that it was given.

    Returns:
        For each contestant: ms, the median over blocks; ratio, the median of its time over the
        first one's in the same round; least and most, that ratio's extremes.
    """
    counts = {}
    for name, step in steps.items():
        for _ in range(3):
            step()  # compiles, allocates, fills caches
        once = seconds(step, 3, wait)
        counts[name] = max(1, round(BLOCK_SECONDS / once))
    rounds = [
        {name: seconds(step, counts[name], wait) for name, step in steps.items()}
        for _ in range(blocks)
    ]
    first = next(iter(steps))
    table = {}
    for name in steps:
        ratios = [timed[name] / timed[first] for timed in rounds]
        table[name] = {
            "ms": 1e3 * statistics.median(timed[name] for timed in rounds),
            "ratio": statistics.median(ratios),
            "least": min(ratios),
            "most": max(ratios),
        }
    return table


def seconds(step: Step, count: int, wait: Callable[[], object] = lambda: None) -> float:
    """Seconds of a step, the mean of so many."""
    wait()
    time.sleep(REST_SECONDS)
    step()
    wait()
    start = time.perf_counter()
    for _ in range(count):
        step()
    wait()
    return (time.perf_counter() - start) / count


def exponent(results: Sequence[Mapping[str, Any]], name: str) -> float:
    """The slope of log time over log batch size, by least squares: 1 is a linear cost."""
    x = [math.log(result["batch"]) for result in results]
    y = [math.log(result["times"][name]["ms"]) for result in results]
    return statistics.linear_regression(x, y).slope


def as_result(size: Size, threads: int, times: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """A line of the JSON document."""
    facts = {"model": size.model, "batch": size.batch, "width": size.width}
    return {**facts, "threads": threads, "times": times}
