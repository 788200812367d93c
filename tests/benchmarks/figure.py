"""The figure of the benchmark: every contestant's step in units of the bare matrix products."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")
STANDARD = {"batch": 128, "width": 400}


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """One panel over batch sizes, one over widths, from the document that the command writes."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    results = [result for result in document["results"] if result["model"] == "vae"]
    names = [name for name in results[0]["times"] if name != document["floor"]]
    for axes, key, other in zip(panels, ("batch", "width"), ("width", "batch"), strict=True):
        chosen = sorted(
            (result for result in results if result[other] == STANDARD[other]),
            key=lambda result: result[key],
        )
        for name, colour in zip(names, COLOURS, strict=False):
            axes.plot(
                [result[key] for result in chosen],
                _over_floor(chosen, name, document["floor"]),
                "o-",
                color=colour,
                label=name,
            )
        axes.axhline(1, color="black", linestyle=":", label=document["floor"])
        axes.set_xscale("log", base=2)
        axes.set_xticks([r[key] for r in chosen], [f"{r[key]}" for r in chosen], minor=False)
        axes.grid(alpha=0.3)
    panels[0].set(
        xlabel="rows in a batch, hidden width 400", ylabel="time of a step, bare products = 1"
    )
    panels[1].set(xlabel="hidden width, 128 rows in a batch", ylim=(0, None))
    panels[0].legend()
    figure.suptitle(f"A training step of the VAE 784-W-20-W-784, {document['machine']}")
    figure.savefig(path, dpi=120)


def _over_floor(results: Sequence[Mapping[str, Any]], name: str, floor: str) -> list[float]:
    return [result["times"][name]["ms"] / result["times"][floor]["ms"] for result in results]
