"""The tables of GANs: scores of their samples, modes that they cover, and prices on D's slope."""

import json
import statistics
from pathlib import Path

from tests.tables import cells
from tests.tables.cells import Entry, Lines

RESULTS = Path(__file__).parents[2] / "tutorials" / "results"
PARZEN = "Parzen log likelihood"
HELD = {  # for how long the learning rates stay as they begin
    "constant": "constant, 10 epochs",
    "falling": "held for 24 of 30 epochs",
    "preset": "held for 48 of 60: the preset",
}
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


def parzen(entries: list[Entry]) -> Lines:
    scores = cells.values(entries, PARZEN)
    return cells.table(
        ["10,000 samples of", "mean log likelihood, nats", "training images in their place"],
        ["a deep belief net (published)", "138 ± 2", ""],
        ["a stacked contractive autoencoder (published)", "121 ± 1.6", ""],
        ["a deep GSN (published)", "214 ± 1.1", ""],
        ["adversarial nets (published)", "225 ± 2", ""],
        [f"minigen's GAN, median of {len(scores)} seeds", f"{statistics.median(scores):.1f}", ""],
        *(
            [
                f"seed {i}",
                f"{entry['values'][PARZEN]:.1f} ± {entry['standard errors'][PARZEN]:.1f}",
                cells.beside(entry, PARZEN).replace("+-", "±"),
            ]
            for i, entry in enumerate(entries)
        ),
        ["10,000 training images, another draw", "243.6 ± 2.1", ""],
        ["k-means centroids of the training images", "334", ""],
    )


def modes(entries: list[Entry]) -> Lines:
    rows = []
    for label, group in cells.groups(entries).items():
        for name, (digits, published) in MODES[label].items():
            values = cells.values(group, name)
            rows.append(
                [
                    f"{label}: {name}",
                    cells.beside(group[0], name),
                    published,
                    cells.interval(values, digits + 1),
                    cells.each(values, digits),
                ]
            )
    header = ["", "the mixture itself", "the PacGAN paper's GAN", "minigen", cells.seeds(values)]
    return cells.table(header, *rows)


def families(entries: list[Entry]) -> Lines:
    """VAEs beside the first GANs of the table of modes, on the same data."""
    adversarial = cells.groups(_stored("modes"))
    rows = []
    for label, group in cells.groups(entries).items():
        for name, (digits, _) in MODES[label].items():
            means = [
                cells.interval(cells.values(runs, name), digits + 1)
                for runs in (group, adversarial[label][: len(group)])
            ]
            rows.append([f"{label}: {name}", cells.beside(group[0], name), *means])
        beside = f"{statistics.mean(float(cells.beside(entry, HELD_OUT)) for entry in group):.3f}"
        rows.append(
            [
                f"{label}: held-out log p(x)",
                beside,
                cells.interval(cells.values(group, HELD_OUT), 3),
                "none",
            ]
        )
    return cells.table(["", "the mixture itself", "VAE", "GAN"], *rows)


def slopes(entries: list[Entry]) -> Lines:
    """GANs that pay for the slope of D beside those that do not, and beside the whole preset."""
    preset = cells.groups(_stored("modes"))
    groups = cells.groups(entries)
    rows = []
    for mixture, measures in MODES.items():
        truth = [cells.beside(preset[mixture][0], name) for name in measures]
        rows.append([f"{mixture}: the mixture itself", "", *truth, "", ""])
        found = {key: group for key, group in groups.items() if key.startswith(mixture)}
        for label, group in {**found, "_, preset, plain": preset[mixture][:5]}.items():
            _, rates, price = label.split(", ")
            values = {name: cells.values(group, name) for name in measures}
            means = [cells.interval(values[name], d + 1) for name, (d, _) in measures.items()]
            each = [cells.each(values[name], 0) for name in ("modes covered", "high quality")]
            rows.append([HELD[rates], price, *means, *each])
    header = ["learning rates", "D pays", *measures]
    return cells.table([*header, "modes of each seed", "high quality of each seed"], *rows)


def images(entries: list[Entry]) -> Lines:
    """Parzen scores of GANs that pay for the slope of D, beside the plain ones of their table."""
    rows = []
    for price, group in {"plain": _stored("parzen"), **cells.groups(entries)}.items():
        scores = cells.values(group, PARZEN)
        training = [float(cells.beside(entry, PARZEN).split()[0]) for entry in group]
        mean = f"{statistics.mean(training):.1f}"
        rows.append([price, cells.interval(scores, 1), cells.each(scores, 1), mean])
    header = ["D pays", "mean log likelihood, nats", "each seed, from 0 on"]
    return cells.table([*header, "training images in their place"], *rows)


def _stored(name: str) -> list[Entry]:
    entries: list[Entry] = json.loads((RESULTS / f"{name}.json").read_text())["runs"]
    return entries
