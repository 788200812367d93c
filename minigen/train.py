"""Trains a model and leaves a run folder behind: `python -m minigen.train vae`."""

import argparse
import difflib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from minigen import data
from minigen.backend import NAMES, blas_threads, computing, select
from minigen.data import Reading
from minigen.errors import MinigenError
from minigen.training import OPTIONS, TRAINERS, Run, prepare
from minigen.training.loop import Means
from minigen.training.ranks import Ranks, join
from minigen.workshop import cli, process
from minigen.workshop.folder import RunFolder, resume_command
from minigen.workshop.launch import follow, together
from minigen.workshop.runs import read_header, read_run, versions, write_run
from minigen.workshop.snapshots import LENGTH, Snapshots, take_snapshot

LARGE = 5e8  # bytes of a checkpoint, to be said before


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, on each rank; returns its exit status."""
    return together(lambda: _main(arguments))


def _main(arguments: Sequence[str] | None) -> int:
    commands = parser()
    given = vars(commands.parse_args(arguments))
    for name in ("overwrite", "preset", "scale", "shape"):
        if given["resume"] and given.get(name):
            commands.error(f"argument --{name}: not allowed with argument --resume")
    kind = OPTIONS[given["model"]]
    names = {rule.name for rule in fields(kind)}
    options = {name: value for name, value in given.items() if name in names}
    if given["preset"]:
        options = {**kind.presets[given["preset"]], **options}
    try:
        kind.of(options)
    except MinigenError as error:
        cli.refuse(commands, kind, error)
    return process.run(lambda: _train(given, options), debug=given["debug"])


def parser() -> argparse.ArgumentParser:
    """Make the parser: for each model, its options and where to write."""
    parser = cli.Parser(prog="python -m minigen.train", description=__doc__)
    commands = parser.add_subparsers(dest="model", required=True, metavar="MODEL")
    for name, kind in OPTIONS.items():
        title = TRAINERS[kind].title
        command = commands.add_parser(
            name, help=title, description=title, siblings=commands.choices
        )
        add = command.add_argument
        add(
            "--data",
            type=_source,
            default=argparse.SUPPRESS,
            metavar="SOURCE",
            help="mnist; ring, grid or mixture; an .npy, .npz or .csv file; or a "
            "folder of IDX files, or of PNG or JPEG images (default: mnist)",
        )
        add(
            "--scale",
            type=_part_of_reading("scale"),
            default=argparse.SUPPRESS,
            metavar="X",
            help="values are divided by X; without it uint8 are pixels, divided by 255, and others "
            "stay as they are",
        )
        add(
            "--shape",
            type=_part_of_reading("shape"),
            default=argparse.SUPPRESS,
            metavar="HxW",
            help="rows are images, HxW or in colour HxWx3; or table, for rows that are none",
        )
        if kind.presets:
            add(
                "--preset",
                choices=tuple(kind.presets),
                help="the options of an experiment; what is given beside it counts more",
            )
        cli.add_options(command, kind)
        folder = command.add_mutually_exclusive_group()
        folder.add_argument(
            "--out",
            type=cli.folder,
            metavar="DIR",
            help="run folder; without it, a fresh one under runs",
        )
        folder.add_argument(
            "--resume",
            type=cli.folder,
            metavar="RUN",
            help="go on with this run, with the options that it has, up to --epochs; --data says "
            "where its data are now",
        )
        add("--overwrite", action="store_true", help="replace the run that --out holds")
        add("--no-figures", action="store_true", help="draw no figures")
        cli.add_backend(command)
        command.set_defaults(preset=None)
    return parser


def _part_of_reading(name: str) -> Callable[[str], Any]:
    """An argument type: a part of what is said of stored arrays."""

    def read(text: str) -> Any:
        with suppress(ValueError):
            value: Any = float(text) if name == "scale" else text
            return getattr(Reading(**{name: value}), name)
        needed = "a positive number" if name == "scale" else "28x28, in colour 32x32x3, or table"
        raise argparse.ArgumentTypeError(f"must be {needed}, got {text!r}")

    return read


def _source(text: str) -> str:
    """An argument type: the name of a data set, or the absolute path in what can only be a path."""
    if text in data.NAMES:
        return text
    if Path(text).suffix or Path(text).name != text or os.path.lexists(text):
        return os.path.abspath(text)  # a run can be used from any folder
    near = difflib.get_close_matches(text, data.NAMES, 1)
    raise argparse.ArgumentTypeError(
        f"no data set {text!r}"
        + (f" (did you mean {near[0]}?)" if near else "")
        + f"; give {', '.join(data.NAMES)} or the path of a file or folder"
    )


def _train(given: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    started, ranks = time.monotonic(), join()
    opened: AbstractContextManager[RunFolder]
    ranks.check(versions)
    if given["resume"]:
        run, snapshots, backend = _resumed(given, options, ranks)
        opened = RunFolder.reopen(given["resume"])
    else:
        xp, backend = select(given["backend"] or NAMES[0])
        kind = OPTIONS[given["model"]].of(options)
        reading = {name: given[name] for name in ("scale", "shape") if name in given}
        source = given.get("data", "mnist")
        run = prepare(kind, data.load(source, seed=kind.seed, **reading), xp)
        snapshots = Snapshots()
        opened = RunFolder.create(given["out"], given["model"], given["overwrite"], by_command=True)
    run.meet(ranks)
    if ranks.rank:  # rank 0 writes and speaks
        follow(ranks.rank)
        for _ in run.train():
            pass
        return
    with opened as folder:
        snapshots.update(run)
        _announce_size(run, snapshots)
        write_run(folder, run, snapshots)  # so a stop in the first epoch loses nothing
        _announce(run, backend)
        if given["resume"]:
            _announce_resumed(run, folder, drawn=not given["no_figures"])
        try:
            for record in run.train(progress=True):
                snapshots.update(run)
                write_run(folder, run, snapshots)
                print(
                    f"epoch {record.epoch:3}/{run.options.epochs}  train {_means(record.train)}  "
                    f"test {_means(record.test)}  {time.monotonic() - started:6.1f} s",
                    flush=True,
                )
            if not given["no_figures"]:
                _draw(folder, run, snapshots)
        except (KeyboardInterrupt, process.Terminated) as stop:
            done = len(run.history)
            trained = done == run.options.epochs
            place = "while figures were drawn" if trained else f"at epoch {done + 1}"
            raise type(stop)(
                f"stopped {place}, saved to {folder.checkpoint} after epoch {done}; "
                f"{'draw them' if trained else 'go on'} with "
                f"{resume_command(run.options.model, folder.path)}"
            ) from None
    place = f"{folder.path}" + ("" if given["no_figures"] else f", figures in {folder.figures}")
    print(f"run    {place}, {time.monotonic() - started:.1f} s in all")
    print(f"next   python -m minigen.explore {process.quoted(str(folder.path))}")


def _draw(folder: RunFolder, run: Run, snapshots: Snapshots) -> None:
    from minigen.workshop.figures import draw_figures  # not above: matplotlib is slow to import

    last = {len(run.history): take_snapshot(run)}
    draw_figures(folder.figures, run, snapshots.by_epoch | last)


def _resumed(
    given: Mapping[str, Any], options: Mapping[str, Any], ranks: Ranks
) -> tuple[Run, Snapshots, str]:
    """The run that goes on, and the backend in words; an option that is given must not differ, but
    for the number of epochs.

    Raises:
        MinigenError: it does, or there is no such run, or it has more epochs behind it.
    """
    folder = RunFolder.existing(given["resume"])
    header, trained = read_header(folder)
    if header["model"] != given["model"]:
        raise MinigenError(
            f"{folder.path} trains a model {header['model']}, not {given['model']}; name that one"
        )
    before = asdict(trained)
    for name, now in options.items():
        if before[name] != now and name != "epochs":
            raise MinigenError(
                f"{folder.path} was trained {cli.with_option(name, before[name])}, not "
                f"{cli.with_option(name, now)}; go on with what it has, or start another run"
            )
    xp, backend = select(given["backend"] or header["backend"])
    run, snapshots = read_run(folder, xp, place=given.get("data"), changes=options)
    _ = run.dataset.train  # read and compared before anything is written
    if header["chains"] != run.trainer.chains:
        print(
            f"note   elementwise steps were by {header['chains']}, now by {run.trainer.chains}; "
            "they agree to rounding, so the run does not end in the same bytes"
        )
    if header["ranks"] != ranks.size:
        print(
            f"note   it was trained by {header['ranks']} ranks and is now by {ranks.size}, whose "
            "noise is another, so the run does not end in the same bytes"
        )
    return run, snapshots, backend


def _announce_size(run: Run, snapshots: Snapshots) -> None:
    """Say it before anything is written, where it is large."""
    arrays = (*run.trainer.live.values(), *LENGTH * list(snapshots.arrays.values()))
    size = sum(getattr(array, "nbytes", 0) for array in arrays)
    if size > LARGE:
        print(
            f"note   a checkpoint of about {size / 1e9:.1f} GB is replaced after each epoch, and "
            "takes twice as much meanwhile",
            flush=True,
        )


def _announce(run: Run, backend: str) -> None:
    dataset, model = run.dataset, run.model
    rows = len(dataset.train)
    for note in dataset.notes:
        print(f"note   {process.with_flags(note)}")
    print(f"data   {dataset.name}: {rows:,} rows to learn from, {len(dataset.test):,} to test")
    with computing(run.options.threads):
        threads = blas_threads() or "as it likes"  # a library that cannot be told
    speed = f"BLAS threads: {threads}; elementwise by {run.trainer.chains}"
    print(f"model  {model.outline}: {model.n_parameters:,} parameters, on {backend} ({speed})")
    print(f"units  {run.trainer.units}", flush=True)
    if run.ranks.size > 1:
        print(f"ranks  {run.ranks.size}, each on its share of a batch", flush=True)
    if run.options.batch_size > rows:
        print(
            f"minigen: warning: --batch-size {run.options.batch_size} is more than the {rows} "
            "rows; each epoch is one batch of them all",
            file=sys.stderr,
        )


def _announce_resumed(run: Run, folder: RunFolder, drawn: bool) -> None:
    done = len(run.history)
    if done < run.options.epochs:
        print(f"run    {folder.path} goes on after epoch {done}", flush=True)
    else:
        left = "only its figures are drawn again" if drawn else "nothing is left to do"
        print(
            f"run    {folder.path} has all of its {done} epochs, so {left}; a larger --epochs "
            "goes on",
            flush=True,
        )


def _means(means: Means) -> str:
    return " ".join(f"{name} {mean:.2f}" for name, mean in means.items())


if __name__ == "__main__":
    sys.exit(main())
