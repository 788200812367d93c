"""The runs behind each table of tutorials/results.md, as the commands that a reader types."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.tables.linear import closed_form

PARENT = Path("runs/tables")


@dataclass(frozen=True)
class Run:
    """A model that is trained and judged.

    Args:
        label: its row of the table; runs of one label differ in the seed alone.
        slug: its folder.
        options: of `minigen.train`.
        evaluation: options of `minigen.evaluate`.
    """

    label: str
    slug: str
    options: str
    evaluation: str = ""

    def train(self, parent: Path = PARENT) -> str:
        return f"python -m minigen.train {self.options} --out {self._folder(parent)}"

    def resume(self, parent: Path) -> str:
        system, *_ = self.options.split()
        return f"python -m minigen.train {system} --resume {self._folder(parent)}"

    def evaluate(self, parent: Path = PARENT) -> str:
        return f"python -m minigen.evaluate {self._folder(parent)} {self.evaluation}".rstrip()

    def _folder(self, parent: Path) -> str:
        return shlex.quote(str(parent / self.slug))


@dataclass(frozen=True)
class Table:
    """What a table consists of.

    Args:
        runs: its models, row by row.
        findings: the findings of `minigen.evaluate` that it shows.
        computed: numbers that need no training, by name.
    """

    runs: tuple[Run, ...]
    findings: tuple[str, ...]
    computed: Callable[[], dict[str, float]] | None = None


def _seeds(count: int, label: str, slug: str, options: str) -> tuple[Run, ...]:
    return tuple(Run(label, f"{slug}-{i}", f"{options} --seed {i}") for i in range(count))


def _bound(k: int, epochs: int) -> Run:
    """A VAE (k = 1) or an importance-weighted autoencoder, as Burda et al. judge it."""
    samples = f" --importance-samples {k}" if k > 1 else ""
    return Run(
        f"k = {k}, {epochs} epochs",
        f"iwae-{k}-{epochs}",
        f"vae --preset iwae-{epochs}{samples}",
        "--draws 5000 --rows 10000",
    )


RATES = {
    "constant": "--epochs 10",  # the preset's first milestone is later
    "falling": "--epochs 30 --milestones 24,26,28",
}
CRITIC = "--game wasserstein --discriminator-steps 5 --betas 0.5,0.9 --averaging 0.995"
PRICES = {
    "plain": "",
    "R1 0.1": "--r1 0.1",
    "R1 1": "--r1 1",
    "WGAN-GP 0.1": f"{CRITIC} --gradient-penalty 0.1",
    "WGAN-GP 10": f"{CRITIC} --gradient-penalty 10",
}


def _price(mixture: str, rate: str, price: str, seeds: int = 5) -> tuple[Run, ...]:
    """GANs on a mixture, whose D pays for its slope, or does not."""
    label = f"{mixture}, {rate}, {price}"
    slug = f"slopes-{label}".replace(", ", "-").replace(" ", "-").lower()
    options = f"gan --data {mixture} --preset modes {RATES[rate]} {PRICES[price]}"
    return _seeds(seeds, label, slug, options.rstrip())


TABLES = {
    "vae": Table(_seeds(10, "VAE", "vae", "vae"), ("test loss",)),
    "iwae": Table(
        (
            *(_bound(k, 30) for k in (1, 5, 50)),
            *(_bound(k, 300) for k in (1, 5)),
            _bound(1, 900),
        ),
        ("test loss", "negative ELBO", "L_5000, 10,000 test rows", "active units"),
    ),
    "parzen": Table(
        _seeds(5, "GAN", "gan", "gan"), ("Parzen log likelihood",)
    ),
    "modes": Table(
        tuple(
            run
            for name in ("ring", "grid")
            for run in _seeds(10, name, name, f"gan --data {name} --preset modes")
        ),
        ("modes covered", "high quality", "reverse KL"),
    ),
    "families": Table(
        tuple(
            run
            for name, options in (("ring", ""), ("grid", " --latent-dim 2"))
            for run in _seeds(
                5, name, f"vae-{name}", f"vae --data {name} --preset modes{options}"
            )
        ),
        ("modes covered", "high quality", "reverse KL", "L_1000, 500 test rows"),
    ),
    "slopes": Table(
        (
            *_price("ring", "constant", "plain"),
            *_price("ring", "constant", "R1 0.1"),
            *_price("grid", "constant", "plain"),
            *_price("grid", "constant", "R1 1"),
            *_price("ring", "falling", "plain"),
            *_price("ring", "falling", "R1 0.1"),
            *_price("ring", "falling", "WGAN-GP 0.1"),
            *_price("ring", "falling", "WGAN-GP 10", seeds=1),
            *_price("grid", "falling", "plain"),
            *_price("grid", "falling", "R1 1"),
        ),
        ("modes covered", "high quality", "reverse KL"),
    ),
    "slopes-mnist": Table(
        _seeds(5, "R1 0.1", "slopes-mnist-r1", "gan --r1 0.1"), ("Parzen log likelihood",)
    ),
    "linear": Table(
        (Run("linear autoencoder", "linear", "ae --hidden ''"),),
        ("train squared error", "test squared error"),
        closed_form,
    ),
}  # fmt: skip


def commands(name: str) -> list[list[str]]:
    """Of each entry of a table's file, as a reader types them."""
    table = TABLES[name]
    computed = [[f"python -m tests.tables {name}"]] if table.computed else []
    return computed + [[run.train(), run.evaluate()] for run in table.runs]
