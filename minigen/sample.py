"""Makes samples with a trained model: `python -m minigen.sample RUN`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from minigen.backend import NAMES, generator
from minigen.data import Dataset, scaled
from minigen.errors import MinigenError
from minigen.training.base import System
from minigen.training.encoder import EncoderSystem
from minigen.training.loop import Stream
from minigen.workshop import cli
from minigen.workshop.atomic import replacing, writing
from minigen.workshop.runs import Run

SUFFIXES = (".png", ".npy")
STEPS = 10  # codes on a walk
MOST_IMAGES = 1_000  # in a picture
BLOCK = 9_600  # rows at a time; a multiple of 96, so that products round as in one piece
TITLES = {
    "samples": "Samples",
    "walks": f"From one code to another in {STEPS} steps",
    "reconstructions": "Test rows, each before its reconstruction",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _parser().parse_args(arguments)
    return cli.run(lambda: _sample(options), debug=options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m minigen.sample", description=__doc__)
    add = parser.add_argument
    add("run", type=cli.folder, metavar="RUN", help="a run folder that minigen.train left")
    add(
        "--count",
        type=cli.whole(1),
        metavar="N",
        help="how many samples, 100 if not given; or how many walks or test rows, 10 if not given",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--interpolate",
        action="store_true",
        help=f"N walks in {STEPS} steps from one code to another: codes of 2N test rows, or drawn "
        "ones where test rows are fewer or the model is a gan",
    )
    what.add_argument(
        "--reconstruct",
        action="store_true",
        help="N test rows, or all if they are fewer, each before its reconstruction",
    )
    add(
        "--out",
        type=_picture_or_array,
        metavar="FILE",
        help="a .png, or a .npy with the rows themselves; without it, samples.png in RUN",
    )
    add(
        "--seed",
        type=cli.whole(0),
        default=0,
        metavar="N",
        help="same seed, same draws; test rows and their codes are not drawn",
    )
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
    system, dataset, _ = run.load(xp)
    rng = generator(np, options.seed, Stream.SAMPLES)
    path = options.out or run.samples
    asked = options.count or (10 if options.interpolate or options.reconstruct else 100)
    count = min(asked, len(dataset.test)) if options.reconstruct else asked
    group = 2 if options.reconstruct else STEPS if options.interpolate else 1
    size = 4 * count * group * system.width
    cli.check_memory(f"--count {asked}", size, "give a smaller one")
    if path.suffix == ".png":
        _check_picture(system, count * group)
    if options.reconstruct:
        rows = _reconstructions(system, dataset, asked)
    elif options.interpolate:
        rows = _walks(system, dataset, asked, rng)
    else:
        rows = _in_blocks(system.decode, system.draw_codes(asked, rng, dataset), system.width)
    rows = rows.reshape(count, group, system.width)
    if path.suffix == ".npy":
        with replacing(path) as file:
            np.save(file, rows.reshape(-1, system.width))
    else:
        with writing(path):
            _draw(options, system, dataset, rows, path)
    print(f"{count * group} rows of {system.width} values: {path}")


def _check_picture(system: System, count: int) -> None:
    """Raises MinigenError unless a picture can show so many rows."""
    if not (system.image_shape or system.points):
        raise MinigenError(
            f"rows of {system.width} values are neither images nor points; "
            "write them to a file with --out FILE.npy"
        )
    if system.image_shape and count > MOST_IMAGES:
        raise MinigenError(
            f"{count:,} images are too many for a picture, which shows up to {MOST_IMAGES:,}; "
            "give a smaller --count, or write them to a file with --out FILE.npy"
        )


def _in_blocks(
    make: Callable[[np.ndarray], np.ndarray], source: np.ndarray, width: int
) -> np.ndarray:
    """make(source), (M, width), a block of rows at a time: hidden layers are wider than rows."""
    made = np.empty((len(source), width), np.float32)
    for start in range(0, len(source), BLOCK):
        block = slice(start, start + BLOCK)
        made[block] = make(source[block])
    return made


def _reconstructions(system: System, dataset: Dataset, asked: int) -> np.ndarray:
    """Test rows and what comes back from their codes, in turn: (N, 2, D)."""
    if not isinstance(system, EncoderSystem):
        raise MinigenError(
            f"a {system.options['system']} has no encoder, so it cannot reconstruct; "
            "leave --reconstruct out"
        )
    if asked > len(dataset.test):
        print(f"note   there are {len(dataset.test)} test rows to reconstruct, not {asked}")
    inputs = scaled(dataset.test[:asked])
    outputs = _in_blocks(lambda rows: system.decode(system.encode(rows)), inputs, system.width)
    return np.stack([inputs, outputs], axis=1)


def _walks(system: System, dataset: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Straight lines between codes: of test rows where there is an encoder, else of drawn ones."""
    ends = scaled(dataset.test[: 2 * count])
    if isinstance(system, EncoderSystem) and len(ends) == 2 * count:
        codes = system.encode(ends)
    else:
        codes = system.draw_codes(2 * count, rng, dataset)
        if isinstance(system, EncoderSystem):
            print(f"note   {len(ends)} test rows are too few for {count} walks; codes are drawn")
    first, last = codes[:count, None], codes[count:, None]  # (N, 1, Z)
    part = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
    walks = (1 - part) * first + part * last  # (N, STEPS, Z)
    return _in_blocks(system.decode, walks.reshape(-1, walks.shape[2]), system.width)


def _draw(
    options: argparse.Namespace, system: System, dataset: Dataset, rows: np.ndarray, path: Path
) -> None:
    from minigen.workshop import plots

    if options.reconstruct:
        name, series = "reconstructions", {"data": rows[:, 0], "samples": rows[:, 1]}
    else:
        name = "walks" if options.interpolate else "samples"
        series = {"samples": rows.reshape(-1, system.width)}
    if system.image_shape:
        tiles = system.mosaic(rows, system.columns(*rows.shape[:2]), dataset)
        plots.picture(path, partial(plots.images, tiles=tiles, title=TITLES[name]), tiles.shape)
    else:
        scatter = system.scatter(dataset)
        plots.picture(path, partial(scatter, title=name.capitalize(), name=name, **series))


if __name__ == "__main__":
    sys.exit(main())
