"""Makes samples with a trained model: `python -m minigen.sample RUN`."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from minigen import cli
from minigen.atomic import replacing, writing
from minigen.backend import NAMES, generator
from minigen.data import Dataset, scaled
from minigen.errors import MinigenError
from minigen.runs import Run
from minigen.systems.base import COLUMNS, System
from minigen.training import Stream

SUFFIXES = (".png", ".npy")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _parser().parse_args(arguments)
    return cli.run(lambda: _sample(options), debug=options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m minigen.sample", description=__doc__)
    add = parser.add_argument
    add("run", metavar="RUN", help="a run folder that minigen.train left")
    add(
        "--count",
        type=cli.whole(1),
        metavar="N",
        help="how many: 100 samples, or 10 of the other two, if not given",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--interpolate",
        action="store_true",
        help=f"walk from one code to another in {COLUMNS} steps, N times",
    )
    what.add_argument(
        "--reconstruct", action="store_true", help="N test rows, each before its reconstruction"
    )
    add(
        "--out",
        type=_picture_or_array,
        metavar="FILE",
        help="a .png, or a .npy with the rows themselves; without it, samples.png in RUN",
    )
    add("--seed", type=cli.whole(0), default=0, metavar="N", help="same seed, same samples")
    add("--backend", choices=NAMES, default="numpy", help="where to compute")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _picture_or_array(text: str) -> Path:
    path = Path(text)
    if path.suffix not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"must end in .png or .npy, got {text!r}")
    return path


def _sample(options: argparse.Namespace) -> None:
    xp = cli.backend(options.backend)
    run = Run.existing(options.run)
    system, dataset = run.load(xp)
    rng = generator(np, options.seed, Stream.SAMPLES)
    count = _count(options, system, dataset)
    if options.reconstruct:
        rows, title = _reconstructions(system, dataset, count)
    elif options.interpolate:
        rows, title = _walks(system, dataset, count, rng)
    else:
        rows = system.decode(system.draw_codes(count, rng, dataset))
        title = "Samples"
    path = options.out or run.samples
    if path.suffix == ".npy":
        with replacing(path) as file:
            np.save(file, rows)
    else:
        with writing(path):
            _draw(system, dataset, rows, title, path)
    print(f"{len(rows)} rows of {system.width} values: {path}")


def _count(options: argparse.Namespace, system: System, dataset: Dataset) -> int:
    """How many to make.

    Raises:
        MinigenError: memory does not hold their rows.
    """
    count: int = options.count or (10 if options.interpolate or options.reconstruct else 100)
    rows_of_each = 1
    if options.reconstruct:
        count, rows_of_each = min(count, len(dataset.test)), 2
    elif options.interpolate:
        rows_of_each = COLUMNS
    values = count * rows_of_each * system.width
    cli.check_memory(f"--count {count}", 4 * values, "give a smaller one")
    return count


def _reconstructions(system: System, dataset: Dataset, count: int) -> tuple[np.ndarray, str]:
    """Test rows and what comes back from their codes, in turn."""
    inputs = scaled(dataset.test[:count])
    codes = system.encode(inputs)
    if codes is None:
        raise MinigenError(
            f"a {system.options['system']} has no encoder, so it cannot reconstruct; "
            "leave --reconstruct out"
        )
    pairs = np.stack([inputs, system.decode(codes)], axis=1)  # (count, 2, D)
    return pairs.reshape(-1, system.width), "Test rows, each before its reconstruction"


def _walks(
    system: System, dataset: Dataset, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    """Straight lines between codes: of test rows where there is an encoder, else of drawn ones."""
    codes = system.encode(scaled(dataset.test[: 2 * count]))
    if codes is None or len(codes) < 2 * count:
        codes = system.draw_codes(2 * count, rng, dataset)
    start, end = codes[:count, None], codes[count:, None]  # (count, 1, Z)
    part = np.linspace(0, 1, COLUMNS, dtype=np.float32)[:, None]
    walk = (1 - part) * start + part * end  # (count, COLUMNS, Z)
    rows = system.decode(walk.reshape(-1, walk.shape[2]))
    return rows, "From one code to another, line by line"


def _draw(system: System, dataset: Dataset, rows: np.ndarray, title: str, path: Path) -> None:
    from minigen import plots

    if system.image_shape:
        tiles = system.mosaic(rows)
        plots.picture(path, partial(plots.images, tiles=tiles, title=title), tiles.shape)
    elif system.width <= 2:
        test = scaled(dataset.test[: len(rows)])
        plots.picture(path, partial(plots.density, data=test, samples=rows, title=title))
    else:
        raise MinigenError(
            f"rows of {system.width} values are neither images nor points; "
            "write them to a file with --out FILE.npy"
        )


if __name__ == "__main__":
    sys.exit(main())
