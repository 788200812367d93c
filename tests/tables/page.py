"""The tables of tutorials/results.md, made of the files in tutorials/results alone.

In the page, what stands between `<!-- vae -->` and `<!-- end of vae -->` is the file vae.json.
"""

import json
import math
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.tables.experiments import TABLES
from tests.tables.linear import COMPONENTS

FOLDER = Path(__file__).parents[2] / "tutorials"
PAGE = FOLDER / "results.md"
T = {5: 2.776445, 10: 2.262157}  # the 97.5 % point of Student's t for so many values

Entry = dict[str, Any]
Lines = list[str]


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
    losses = _values(entries, "test loss")
    return _table(
        ["784-400-20, 10 epochs", "test loss, nats"],
        ["published runs of this network", "105.56, 105.59"],
        [f"minigen, median of {len(losses)} seeds", f"{statistics.median(losses):.2f}"],
        ["the least and the greatest of them", f"{min(losses):.2f}, {max(losses):.2f}"],
        [_seeds(losses), _each(losses, 2)],
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
    return _table(header, *rows)


BOUND = "L_5000, 10,000 test rows"
IWAE = {
    "k = 1": {"paper": 86.76, "again": 87.75, "active": 19},
    "k = 5": {"paper": 85.54, "again": 85.46, "active": 22},
    "k = 50": {"paper": 84.78, "again": 84.59, "active": 25},
}


def _parzen(entries: list[Entry]) -> Lines:
    name = "Parzen log likelihood"
    scores = _values(entries, name)
    return _table(
        ["10,000 samples of", "mean log likelihood, nats", "training images in their place"],
        ["a deep belief net (published)", "138 ± 2", ""],
        ["a stacked contractive autoencoder (published)", "121 ± 1.6", ""],
        ["a deep GSN (published)", "214 ± 1.1", ""],
        ["adversarial nets (published)", "225 ± 2", ""],
        [f"minigen's GAN, median of {len(scores)} seeds", f"{statistics.median(scores):.1f}", ""],
        *(
            [
                f"seed {i}",
                f"{entry['values'][name]:.1f} ± {entry['standard errors'][name]:.1f}",
                _beside(entry, name).replace("+-", "±"),
            ]
            for i, entry in enumerate(entries)
        ),
        ["10,000 training images, another draw", "243.6 ± 2.1", ""],
        ["k-means centroids of the training images", "334", ""],
    )


def _modes(entries: list[Entry]) -> Lines:
    rows = []
    for label, group in _groups(entries).items():
        for name, (digits, published) in MODES[label].items():
            values = _values(group, name)
            rows.append(
                [
                    f"{label}: {name}",
                    _beside(group[0], name),
                    published,
                    _interval(values, digits + 1),
                    _each(values, digits),
                ]
            )
    header = ["", "the mixture itself", "the PacGAN paper's GAN", "minigen", _seeds(values)]
    return _table(header, *rows)


def _families(entries: list[Entry]) -> Lines:
    """VAEs beside the first GANs of the table of modes, on the same data."""
    gans = _groups(json.loads(results("modes").read_text())["runs"])
    rows = []
    for label, group in _groups(entries).items():
        for name, (digits, _) in MODES[label].items():
            cells = [
                _interval(_values(runs, name), digits + 1)
                for runs in (group, gans[label][: len(group)])
            ]
            rows.append([f"{label}: {name}", _beside(group[0], name), *cells])
        beside = f"{statistics.mean(float(_beside(entry, HELD_OUT)) for entry in group):.3f}"
        rows.append(
            [f"{label}: held-out log p(x)", beside, _interval(_values(group, HELD_OUT), 3), "none"]
        )
    return _table(["", "the mixture itself", "VAE", "GAN"], *rows)


def _slopes(entries: list[Entry]) -> Lines:
    """GANs that pay for the slope of D beside those that do not."""
    groups = _groups(entries)
    rows = []
    for mixture, measures in MODES.items():
        prices = {
            label.partition(", ")[2]: group
            for label, group in groups.items()
            if label.startswith(mixture)
        }
        for name, (digits, _) in measures.items():
            for price, group in prices.items():
                values = _values(group, name)
                first = f"{mixture}: {name}" if price == "plain" else ""
                beside = _beside(group[0], name) if price == "plain" else ""
                found = _interval(values, digits + 1)
                rows.append([first, beside, price, found, _each(values, digits + (digits > 0))])
    return _table(["", "the mixture itself", "D pays", "minigen", _seeds(values)], *rows)


HELD_OUT = "L_1000, 500 test rows"

MODES = {  # digits of a single run, and what is published
    "ring": {
        "modes covered": (0, "6.3 ± 0.5"),
        "high quality": (0, "98.2"),
        "reverse KL": (2, ""),
    },
    "grid": {
        "modes covered": (0, "17.3 ± 0.8"),
        "high quality": (0, "94.8"),
        "reverse KL": (2, ""),
    },
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
        cells = [f"{error:.4f}" if n == 20 else "" for n in COMPONENTS]
        rows.append([f"linear autoencoder's error, {split}", "minigen, trained", *cells])
    return _table(["components", "", *map(str, COMPONENTS)], *rows)


LINEAR = {
    "PCA error, train": ("43.8669", "26.9873", "18.7922", "13.5184", "9.2455"),
    "PCA error, test": ("43.6449", "26.7139", "18.4539", "13.1933", "9.0043"),
    "pPCA log likelihood, train": ("12.428", "182.155", "299.758", "400.433", "507.905"),
    "pPCA log likelihood, test": ("14.360", "186.024", "306.549", "409.415", "517.603"),
}

RENDER: dict[str, Callable[[list[Entry]], Lines]] = {
    "vae": _vae,
    "iwae": _iwae,
    "parzen": _parzen,
    "modes": _modes,
    "families": _families,
    "slopes": _slopes,
    "linear": _linear,
}


def _commands(entries: list[Entry]) -> Lines:
    """Each label's commands, those of its first seed, with the processor time of one."""
    rows = []
    for group in _groups(entries).values():
        seeds = f"0 to {len(group) - 1}" if len(group) > 1 else ""
        for i, command in enumerate(group[0]["commands"]):
            mean = statistics.mean(entry["seconds"][i]["cpu"] for entry in group)
            rows.append([f"`{command}`", seeds, duration(mean)])
    return _table(["command", "seeds", "CPU time of one"], *rows)


def _where(name: str, machine: dict[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, BLAS threads: "
        f"{machine['BLAS threads']}; Python {machine['python']}, NumPy {machine['numpy']}. "
        f"All digits: [{name}.json](results/{name}.json)."
    )


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean of these values, and half of its 95 % confidence interval by Student's t."""
    n = len(values)
    return statistics.mean(values), T[n] * statistics.stdev(values) / math.sqrt(n)


def _interval(values: Sequence[float], digits: int) -> str:
    mean, half = t_interval(values)
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def duration(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _groups(entries: list[Entry]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry["label"], []).append(entry)
    return groups


def _values(entries: list[Entry], name: str) -> list[float]:
    return [entry["values"][name] for entry in entries]


def _beside(entry: Entry, name: str) -> str:
    """What stands behind the colon: "the mixture itself: 8"."""
    return str(entry["beside it"][name].partition(": ")[2])


def _each(values: Sequence[float], digits: int) -> str:
    return ", ".join(f"{value:.{digits}f}" for value in values)


def _seeds(values: Sequence[float]) -> str:
    return f"seeds 0 to {len(values) - 1}"


def _table(*rows: Sequence[str]) -> Lines:
    """A Markdown table; the first row is its header."""
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return [header, "|---" * len(rows[0]) + "|", *body]
