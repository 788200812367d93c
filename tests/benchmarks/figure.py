"""The figure of the benchmark: a step in units of its products, and on a busy machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """One panel for a core of one's own, one for a busy machine, from the document that the command
    writes with --busy.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_alone(left, document)
    _draw_busy(right, document["busy"])
    figure.savefig(path, dpi=120)


def _draw_alone(axes: Axes, document: Mapping[str, Any]) -> None:
    chosen = [result for result in document["results"] if result["threads"] == 1]
    floor = document["floor"]
    names = [name for name in chosen[0]["times"] if name != floor]
    width = 0.8 / len(names)
    for i, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        ratios = [r["times"][name]["ms"] / r["times"][floor]["ms"] for r in chosen]
        places = [place + i * width for place in range(len(chosen))]
        axes.bar(places, ratios, width, color=colour, label=name)
    axes.axhline(1, color="black", linestyle=":", label=floor)
    middles = [place + (len(names) - 1) * width / 2 for place in range(len(chosen))]
    axes.set_xticks(middles, [f"{r['model'].upper()}, {r['batch']} rows" for r in chosen])
    axes.margins(y=0.45)
    axes.set(title="On one thread", ylabel="time of a step, its products = 1")
    axes.legend(fontsize="small", loc="upper left")


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
    axes.margins(x=0.2)
    axes.set(title="On a busy machine with two cores", xlabel="ms of a step, 128 rows")
    axes.legend(fontsize="small")
