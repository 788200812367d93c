"""The tables of tutorials/results.md, made of the files in tutorials/results alone.

In the page, what stands between `<!-- vae -->` and `<!-- end of vae -->` is the file vae.json.
"""

import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tables import cells, gans
from tests.tables.cells import Entry, Lines
from tests.tables.experiments import TABLES
from tests.tables.linear import COMPONENTS

FOLDER = Path(__file__).parents[2] / "tutorials"
PAGE = FOLDER / "results.md"


def results(name: str) -> Path:
    """The file that holds a table's numbers."""
    return FOLDER / "results" / f"{name}.json"


def write() -> None:
    """Put into the page every table whose file exists."""
    text = PAGE.read_text()
    for name in TABLES:
        if results(name).exists():
            text = put(text, name, block(name, json.loads(results(name).read_text())))
    PAGE.write_text(text)


def put(text: str, name: str, block: str) -> str:
    """The page with this block in a table's place."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    pattern = re.compile(f"(?<={begin}).*(?={end})", re.DOTALL)
    return pattern.sub(lambda _: f"\n{block}\n", text)


def block(name: str, document: dict[str, Any]) -> str:
    """A table, the commands behind it and where they ran, as Markdown."""
    entries = document["runs"]
    lines = [*RENDER[name](entries), "", *_commands(entries), "", _where(name, document["machine"])]
    return "\n".join(lines) + "\n"


def _vae(entries: list[Entry]) -> Lines:
    losses = cells.values(entries, "test loss")
    return cells.table(
        ["784-400-20, 10 epochs", "test loss, nats"],
        ["published runs of this network", "105.56, 105.59"],
        [f"minigen, median of {len(losses)} seeds", f"{statistics.median(losses):.2f}"],
        ["the least and the greatest of them", f"{min(losses):.2f}, {max(losses):.2f}"],
        [cells.seeds(losses), cells.each(losses, 2)],
    )


def _iwae(entries: list[Entry]) -> Lines:
    rows = []
    for entry in entries:
        published = IWAE[entry["label"].partition(",")[0]]
        values = entry["values"]
        nll = -values[BOUND]
        rows.append(
            [
                entry["label"],
                f"{published['paper']:.2f}",
                f"{published['again']:.2f}",
                f"{nll:.2f} ± {entry['standard errors'][BOUND]:.2f}",
                f"{nll - published['paper']:+.2f}",
                f"{nll - published['again']:+.2f}",
                f"{values['negative ELBO']:.2f}",
                f"{values['test loss']:.2f}",
                f"{values['active units']}",
                f"{published['active']}",
            ]
        )
    header = ["", "paper: NLL", "re-run: NLL", "minigen: NLL", "minus paper"]
    header += ["minus re-run", "negative ELBO", "test loss", "active units", "paper: active units"]
    return cells.table(header, *rows)


BOUND = "L_5000, 10,000 test rows"
IWAE = {
    "k = 1": {"paper": 86.76, "again": 87.75, "active": 19},
    "k = 5": {"paper": 85.54, "again": 85.46, "active": 22},
    "k = 50": {"paper": 84.78, "again": 84.59, "active": 25},
}


def _linear(entries: list[Entry]) -> Lines:
    exact, trained = entries
    rows = []
    for name, reference in LINEAR.items():
        digits = len(reference[0].partition(".")[2])
        found = [f"{exact['values'][f'{name}, {n}']:.{digits}f}" for n in COMPONENTS]
        rows += [[name, "reference", *reference], ["", "minigen", *found]]
    for split in ("train", "test"):
        error = trained["values"][f"{split} squared error"]
        found = [f"{error:.4f}" if n == 20 else "" for n in COMPONENTS]
        rows.append([f"linear autoencoder's error, {split}", "minigen, trained", *found])
    return cells.table(["components", "", *map(str, COMPONENTS)], *rows)


LINEAR = {
    "PCA error, train": ("43.8669", "26.9873", "18.7922", "13.5184", "9.2455"),
    "PCA error, test": ("43.6449", "26.7139", "18.4539", "13.1933", "9.0043"),
    "pPCA log likelihood, train": ("12.428", "182.155", "299.758", "400.433", "507.905"),
    "pPCA log likelihood, test": ("14.360", "186.024", "306.549", "409.415", "517.603"),
}

RENDER: dict[str, Callable[[list[Entry]], Lines]] = {
    "vae": _vae,
    "iwae": _iwae,
    "parzen": gans.parzen,
    "modes": gans.modes,
    "families": gans.families,
    "slopes": gans.slopes,
    "slopes-mnist": gans.images,
    "linear": _linear,
}


def _commands(entries: list[Entry]) -> Lines:
    """Each label's commands, those of its first seed, with the processor time of one."""
    rows = []
    for group in cells.groups(entries).values():
        seeds = f"0 to {len(group) - 1}" if len(group) > 1 else ""
        for i, command in enumerate(group[0]["commands"]):
            mean = statistics.mean(entry["seconds"][i]["cpu"] for entry in group)
            rows.append([f"`{command}`", seeds, cells.duration(mean)])
    return cells.table(["command", "seeds", "CPU time of one"], *rows)


def _where(name: str, machine: dict[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, BLAS threads: "
        f"{machine['BLAS threads']}; Python {machine['python']}, NumPy {machine['numpy']}. "
        f"All digits: [{name}.json](results/{name}.json)."
    )
