"""Trains a model and leaves a run folder behind: `python -m minigen.train vae`."""

import argparse
import platform
import sys
import time
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

import minigen
from minigen import checkpoint, cli, data
from minigen.backend import NAMES, select
from minigen.data import Dataset
from minigen.runs import Run
from minigen.systems import SYSTEMS, build
from minigen.systems.base import System
from minigen.training import Means, train

ABOUT_THE_FOLDER = {"out", "overwrite", "debug"}  # options that do not change what is computed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = parser().parse_args(arguments)
    return cli.run(lambda: _train(options), debug=options.debug)


def parser() -> argparse.ArgumentParser:
    """The options of `train`, with their defaults, for every system."""
    parser = cli.Parser(prog="python -m minigen.train", description=__doc__)
    commands = parser.add_subparsers(dest="system", required=True, metavar="MODEL")
    for name, system in SYSTEMS.items():
        add = commands.add_parser(name, help=system.title, description=system.title).add_argument
        add(
            "--data",
            default="mnist",
            metavar="SOURCE",
            help="mnist; ring, grid or mixture; an .npy or .npz file; or a folder of IDX files",
        )
        system.add_options(add)
        add(
            "--epochs",
            type=cli.whole(1),
            default=system.epochs,
            metavar="N",
            help="passes over the rows",
        )
        add(
            "--batch-size",
            type=cli.whole(1),
            default=system.batch_size,
            metavar="N",
            help="rows in a batch",
        )
        add("--seed", type=cli.whole(0), default=0, metavar="N", help="same seed, same run")
        add("--backend", choices=NAMES, default="numpy", help="where to compute")
        add("--out", metavar="DIR", help="run folder; without it, a fresh one under runs")
        add("--overwrite", action="store_true", help="replace the run that --out holds")
        add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _train(options: argparse.Namespace) -> None:
    started = time.monotonic()
    xp, backend = select(options.backend)
    dataset = data.load(options.data, seed=options.seed)
    config = {
        **{name: value for name, value in vars(options).items() if name not in ABOUT_THE_FOLDER},
        "width": dataset.width,
        "image_shape": dataset.image_shape,
        "backend": xp.__name__,
    }
    system = build(config, xp)
    system.check_data(dataset)
    run = Run.create(options.out, options.system, options.overwrite)
    config |= {
        "versions": {
            "minigen": minigen.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }
    }
    run.write_config(config)

    _announce(system, dataset, backend, options.batch_size)

    records = []
    snapshots = [system.snapshot("before training", dataset)]
    bar = tqdm(total=options.epochs, unit="epoch", disable=None, leave=False)

    def progress(epoch: int, done: float, means: Means) -> None:
        bar.set_postfix({name: f"{mean:.2f}" for name, mean in means.items()}, refresh=False)
        bar.n = round(epoch - 1 + done, 2)
        bar.refresh()

    # A diverging run overflows before it is stopped, and then one error says all there is to say.
    with bar, np.errstate(over="ignore", invalid="ignore"):
        for record in train(
            system,
            dataset,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            xp=xp,
            progress=progress,
        ):
            records.append(record)
            snapshots.append(system.snapshot(f"after epoch {record.epoch}", dataset))
            run.append_metrics(record.epoch, "train", record.train)
            run.append_metrics(record.epoch, "test", record.test)
            checkpoint.save(
                run.checkpoint, {"epoch": record.epoch, "config": config}, system.arrays
            )
            bar.clear()
            print(
                f"epoch {record.epoch:3}/{options.epochs}  train {_terms(record.train)}  "
                f"test {_terms(record.test)}  {time.monotonic() - started:6.1f} s",
                flush=True,
            )

    system.draw(run.figures, dataset, records, snapshots)
    print(f"run    {run.path}, figures in {run.figures}, {time.monotonic() - started:.1f} s in all")


def _announce(system: System, dataset: Dataset, backend: str, batch_size: int) -> None:
    rows = len(dataset.train)
    for note in dataset.notes:
        print(f"note   {note}")
    print(f"data   {dataset.name}: {rows:,} rows to learn from, {len(dataset.test):,} to test")
    print(f"model  {system.description}: {system.n_parameters:,} parameters, on {backend}")
    print(f"terms  {system.terms}", flush=True)
    if batch_size > rows:
        print(
            f"minigen: warning: --batch-size {batch_size} is more than the {rows} rows; "
            "each epoch is one batch of them all",
            file=sys.stderr,
        )


def _terms(means: Means) -> str:
    return " ".join(f"{name} {mean:.2f}" for name, mean in means.items())


if __name__ == "__main__":
    sys.exit(main())
