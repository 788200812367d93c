"""The figure of the benchmark: a step in units of its products, and on a busy machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")
STANDARD_WIDTH = 400


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """One panel over batch sizes on one thread, one for a busy machine, from the document that the
    command writes with --sweep --busy.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_batches(left, document)
    _draw_busy(right, document["busy"])
    figure.savefig(path, dpi=120)


def _draw_batches(axes: Axes, document: Mapping[str, Any]) -> None:
    chosen = [
        result
        for result in document["results"]
        if (result["model"], result["width"], result["threads"]) == ("vae", STANDARD_WIDTH, 1)
    ]
    chosen.sort(key=lambda result: int(result["batch"]))
    batches, floor = [result["batch"] for result in chosen], document["floor"]
    names = [name for name in chosen[0]["times"] if name != floor]
    for name, colour in zip(names, COLOURS, strict=False):
        ratios = [r["times"][name]["ms"] / r["times"][floor]["ms"] for r in chosen]
        axes.plot(batches, ratios, "o-", color=colour, label=name)
    axes.axhline(1, color="black", linestyle=":", label=floor)
    axes.set_xscale("log", base=2)
    axes.set_xticks(batches, [f"{batch}" for batch in batches], minor=False)
    axes.grid(alpha=0.3)
    axes.set(title="On one thread", xlabel="rows in a batch")
    axes.set(ylabel="time of a step, its products = 1", ylim=(0, None))
    axes.legend(fontsize="small")


def _draw_busy(axes: Axes, busy: list[Mapping[str, Any]]) -> None:
    names = [
        f"{found['contestant']}, {found['threads']} thread{'s' * (found['threads'] > 1)}"
        for found in busy
    ]
    neighbours = list(busy[0]["ms"])
    height = 0.8 / len(neighbours)
    for i, neighbour in enumerate(neighbours):
        places = [place + i * height for place in range(len(busy))]
        times = [found["ms"][neighbour] for found in busy]
        bars = axes.barh(places, times, height, color=COLOURS[i], label=neighbour)
        axes.bar_label(bars, [f"{time:.0f} ms" for time in times], padding=2, fontsize="small")
    axes.set_yticks([place + height for place in range(len(busy))], names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set(title="On a busy machine with two cores", xlabel="ms of a step, 128 rows")
    axes.legend(fontsize="small")
