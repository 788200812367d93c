"""Makes samples with a trained model: `python -m minigen.sample RUN`."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigen import data
from minigen.backend import generator
from minigen.checks import check_memory
from minigen.data import scaled
from minigen.errors import MinigenError
from minigen.training import Run, Stream
from minigen.workshop import cli, process
from minigen.workshop.atomic import replacing
from minigen.workshop.folder import RunFolder
from minigen.workshop.layout import drawable
from minigen.workshop.runs import read_run

STEPS = 10  # codes on a walk
MOST_IMAGES = 1_000  # in a picture
TITLES = {
    "samples": "Samples",
    "walks": f"From one code to another in {STEPS} steps",
    "reconstructions": "Rows, each before its reconstruction",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _parser().parse_args(arguments)
    return process.run(lambda: _sample(options), debug=options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m minigen.sample", description=__doc__)
    add = parser.add_argument
    add("run", type=cli.folder, metavar="RUN", help="a run folder that minigen.train left")
    add(
        "--count",
        type=cli.whole(1),
        metavar="N",
        help="how many samples, 100 if not given; walks or rows, 10 if not given; or codes, all "
        "if not given",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--interpolate",
        action="store_true",
        help=f"N walks in {STEPS} steps from one code to another: codes of 2N test rows, or drawn "
        "ones where test rows are fewer or the model is a gan; between rows of --data, as many as "
        "there are",
    )
    what.add_argument(
        "--reconstruct",
        action="store_true",
        help="N test rows, or all if they are fewer, each before its reconstruction",
    )
    what.add_argument(
        "--encode", action="store_true", help="the codes of test rows, to --out FILE.npy"
    )
    add(
        "--data",
        metavar="SOURCE",
        help="a file or folder of rows to encode, to reconstruct or to walk between, in the place "
        "of the test rows; read as the data of the training were",
    )
    add(
        "--out",
        type=cli.file(".png", ".npy"),
        metavar="FILE",
        help="a .png, or a .npy with the rows themselves; without it, samples.png, walks.png or "
        "reconstructions.png in RUN",
    )
    add(
        "--seed",
        type=cli.whole(0),
        default=0,
        metavar="N",
        help="same seed, same draws; test rows and their codes are not drawn",
    )
    cli.add_backend(parser)
    return parser


def _sample(options: argparse.Namespace) -> None:
    xp = cli.backend(options.backend)
    folder = RunFolder.existing(options.run)
    run, _ = read_run(folder, xp)
    kind = _kind(options)
    path = options.out or folder.pictures[kind]
    if not run.trainer.has_encoder and (options.encode or options.reconstruct or options.data):
        raise MinigenError(
            f"a {run.options.model} has no encoder, so its rows have no codes; leave out "
            "--encode, --reconstruct and --data"
        )
    if options.data and not (options.encode or options.reconstruct or options.interpolate):
        raise MinigenError(
            "--data gives rows to encode, to reconstruct or to walk between, samples need none; "
            "add --encode, --reconstruct or --interpolate, or leave it out"
        )
    if options.encode:
        _encode(options, run, path)
        return
    asked = options.count or (10 if options.interpolate or options.reconstruct else 100)
    walks_of_rows = options.interpolate and run.trainer.has_encoder
    inputs = _rows(options, run) if options.reconstruct or walks_of_rows else ()
    count = asked
    if options.reconstruct or options.data:
        count = min(asked, len(inputs) // 2 if options.interpolate else len(inputs))
    if count == 0:
        raise MinigenError(
            f"{options.data}: has one row, and a walk goes from one to another; give two or more"
        )
    group = 2 if options.reconstruct else STEPS if options.interpolate else 1
    width = run.dataset.width
    check_memory(f"--count {asked}", 4 * count * group * width, "give a smaller one")
    if path.suffix.lower() == ".png":
        _check_picture(run, count * group)
    if asked > count:
        what = "pairs of rows to walk between" if options.interpolate else "rows to reconstruct"
        print(f"note   there are {count} {what}, not {asked}")
    if options.reconstruct:
        rows = np.stack([scaled(inputs[:count]), run.reconstruct(inputs[:count])], axis=1)
    elif options.interpolate:
        rows = _walks(options, run, inputs[: 2 * count], count)
    else:
        rows = run.sample(count, options.seed)
    if path.suffix.lower() == ".npy":
        with replacing(path) as file:
            np.save(file, rows.reshape(-1, width))
    else:
        _draw(run, rows.reshape(count, group, width), kind, path)
    print(f"{count * group} rows of {width} values: {path}")


def _kind(options: argparse.Namespace) -> str:
    """The kind of picture, as its file is called."""
    if options.reconstruct:
        return "reconstructions"
    return "walks" if options.interpolate else "samples"


def _rows(options: argparse.Namespace, run: Run) -> np.ndarray:
    """The rows that are asked for: the user's, or those of the test."""
    if options.data:
        return data.read_rows(options.data, run.dataset.reading)
    return run.dataset.test


def _encode(options: argparse.Namespace, run: Run, path: Path) -> None:
    """Write the codes of rows, in their order."""
    if path.suffix.lower() != ".npy":
        raise MinigenError("codes are no picture; write them with --out FILE.npy")
    codes = run.encode(_rows(options, run)[: options.count])
    with replacing(path) as file:
        np.save(file, codes)
    print(f"{len(codes)} codes of {codes.shape[1]} values: {path}")


def _check_picture(run: Run, count: int) -> None:
    """Raise MinigenError unless a picture can show so many rows."""
    if not drawable(run.dataset):
        raise MinigenError(
            f"rows of {run.dataset.width} values are neither images nor points; "
            "write them to a file with --out FILE.npy"
        )
    if run.dataset.image_shape and count > MOST_IMAGES:
        raise MinigenError(
            f"{count:,} images are too many for a picture, which shows up to {MOST_IMAGES:,}; "
            "give a smaller --count, or write them to a file with --out FILE.npy"
        )


def _walks(
    options: argparse.Namespace, run: Run, rows: Sequence[Any] | np.ndarray, count: int
) -> np.ndarray:
    """Straight lines between codes: of rows, if there are two for each, else of drawn ones."""
    if len(rows) == 2 * count:
        codes = run.encode(rows)
    else:
        codes = run.trainer.draw_codes(2 * count, generator(np, options.seed, Stream.SAMPLES))
        if run.trainer.has_encoder:
            print(f"note   {len(rows)} rows are too few for {count} walks; codes are drawn")
    return run.walk(codes[:count], codes[count:], STEPS)


def _draw(run: Run, rows: np.ndarray, kind: str, path: Path) -> None:
    from minigen.workshop import plots
    from minigen.workshop.figures import image_tiles, scatter_beside

    flat = rows.reshape(-1, run.dataset.width)
    series = {"samples": flat}
    if kind == "reconstructions":
        series = {"data": rows[:, 0], "samples": rows[:, 1]}
    if run.dataset.image_shape:
        tiles = image_tiles(run.dataset, flat, group=rows.shape[1])
        plots.picture(path, partial(plots.images, tiles=tiles, title=TITLES[kind]), tiles.shape)
    else:
        scatter = scatter_beside(run.dataset)
        plots.picture(path, partial(scatter, title=kind.capitalize(), name=kind, **series))


if __name__ == "__main__":
    sys.exit(main())
