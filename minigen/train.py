"""Trains a model and leaves a run folder behind: `python -m minigen.train vae`."""

import argparse
import difflib
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import minigen
from minigen import data
from minigen.backend import NAMES, select
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.training.base import System
from minigen.training.loop import EpochRecord, Means, train
from minigen.training.presets import PRESETS
from minigen.training.systems import SYSTEMS, build
from minigen.workshop import cli
from minigen.workshop.atomic import writing
from minigen.workshop.cli import spelled
from minigen.workshop.film import Film
from minigen.workshop.runs import Run, resume_command

NOT_STORED = {"preset", "out", "overwrite", "resume", "debug"}  # they compute nothing
OPEN_TO_CHANGE = {"epochs", "backend", "data"}  # when a run goes on; of data, only the place


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    if options.preset:
        preset = PRESETS[options.system][options.preset].split()
        options = parser().parse_args([words[0], *preset, *words[1:]])  # what comes last counts
    for name in ("overwrite", "preset"):
        if options.resume and getattr(options, name):
            parser().error(f"argument --{name}: not allowed with argument --resume")
    return cli.run(lambda: _train(options, words), debug=options.debug)


def parser(defaults: Mapping[str, Any] | None = None) -> argparse.ArgumentParser:
    """The options of `train` for every system, with these defaults instead of its own."""
    parser = cli.Parser(prog="python -m minigen.train", description=__doc__)
    commands = parser.add_subparsers(dest="system", required=True, metavar="MODEL")
    for name, system in SYSTEMS.items():
        command = commands.add_parser(
            name, help=system.title, description=system.title, siblings=commands.choices
        )
        add = command.add_argument
        add(
            "--data",
            type=_source,
            default="mnist",
            metavar="SOURCE",
            help="mnist; ring, grid or mixture (not for vae); an .npy or .npz file; or a folder "
            "of IDX files",
        )
        system.add_options(add)
        if name in PRESETS:
            add(
                "--preset",
                choices=tuple(PRESETS[name]),
                help="the options of an experiment; what is given beside it counts more",
            )
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
        add("--debug", action="store_true", help="show the traceback of an error")
        command.set_defaults(**{"preset": None, **(defaults or {})})
    return parser


def _source(text: str) -> str:
    """An argument type: the name of a data set, or the absolute path in what can only be a path."""
    if text in data.NAMES:
        return text
    if Path(text).suffix or os.sep in text or os.path.lexists(text):
        return os.path.abspath(text)  # a run can be used from any folder
    near = difflib.get_close_matches(text, data.NAMES, 1)
    raise argparse.ArgumentTypeError(
        f"no data set {text!r}"
        + (f" (did you mean {near[0]}?)" if near else "")
        + f"; give {', '.join(data.NAMES)} or the path of a file or folder"
    )


def _train(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    started = time.monotonic()
    resumed = options.resume is not None
    if resumed:
        options = _as_before(options, arguments)
    xp, backend = select(options.backend)
    if resumed:
        dataset = Run.existing(options.resume).load_data(vars(options))
    else:
        dataset = data.load(options.data, seed=options.seed)
    config = _config(options, dataset, xp)
    system = build(config, xp)
    system.check_data(dataset)
    system.start(dataset)
    facts = {"config": config, "data": dataset.fingerprint}

    if resumed:
        opened = Run.reopen(options.resume)
    else:
        opened = Run.create(options.out, options.system, options.overwrite)
    with opened as run:
        done, film = 0, Film()
        if resumed:
            done = _restore(run, system, config, dataset)
            film = Film.load(run.snapshots, system.snapshot(dataset), done)
            run.cut_metrics(done, system.titles)
        run.write_config(config)

        def save(epoch: int) -> None:
            if film.wants(epoch):
                film.add(epoch, system.snapshot(dataset))
                film.save(run.snapshots)
            run.save(epoch, system, facts)

        if done == 0:
            save(0)  # so a stop in the first epoch loses nothing, and a full disk is known at once
        _announce(system, dataset, backend, options.batch_size)
        if resumed and done < options.epochs:
            print(f"run    {run.path} goes on after epoch {done}", flush=True)
        elif resumed:
            print(
                f"run    {run.path} has all of its {done} epochs, so only its figures are drawn "
                "again; a larger --epochs goes on",
                flush=True,
            )
        try:
            for record in _records(system, dataset, options, done, xp):
                run.append_metrics(record)
                save(record.epoch)
                done = record.epoch
                print(
                    f"epoch {done:3}/{options.epochs}  train {_terms(record.train)}  "
                    f"test {_terms(record.test)}  {time.monotonic() - started:6.1f} s",
                    flush=True,
                )
            with writing(run.figures):
                snapshots = {**film.snapshots, done: system.snapshot(dataset)}
                system.draw(run.figures, dataset, run.read_metrics(system.titles), snapshots)
        except (KeyboardInterrupt, cli.Terminated) as stop:
            trained = done == options.epochs
            place = "while figures were drawn" if trained else f"at epoch {done + 1}"
            raise type(stop)(
                f"stopped {place}, saved to {run.checkpoint} after epoch {done}; "
                f"{'draw them' if trained else 'go on'} with "
                f"{resume_command(options.system, run.path)}"
            ) from None
    print(f"run    {run.path}, figures in {run.figures}, {time.monotonic() - started:.1f} s in all")


def _records(
    system: System, dataset: Dataset, options: argparse.Namespace, done: int, xp: ModuleType
) -> Iterator[EpochRecord]:
    """Train, below a progress bar."""
    bar = cli.bar(options.epochs, "epoch", done)

    def progress(epoch: int, part: float, means: Means) -> None:
        bar.set_postfix({name: f"{mean:.2f}" for name, mean in means.items()}, refresh=False)
        bar.n = round(epoch - 1 + part, 2)
        bar.refresh()

    # A run that diverges overflows first; then one error says all there is to say.
    with bar, np.errstate(over="ignore", invalid="ignore"):
        for record in train(
            system,
            dataset,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            done=done,
            xp=xp,
            schedule=system.schedule,
            progress=progress,
        ):
            bar.clear()
            yield record


def _config(options: argparse.Namespace, dataset: Dataset, xp: ModuleType) -> dict[str, Any]:
    return {
        **{name: value for name, value in vars(options).items() if name not in NOT_STORED},
        "width": dataset.width,
        "image_shape": dataset.image_shape and list(dataset.image_shape),
        "backend": xp.__name__,
        "versions": {
            "minigen": minigen.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def _as_before(given: argparse.Namespace, arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the run that goes on; one that is given again must not differ.

    Raises:
        MinigenError: it does, or there is no such run.
    """
    run = Run.existing(given.resume)
    config = run.read_config()
    if config["system"] != given.system:
        raise MinigenError(
            f"{run.path} trains a model {config['system']}, not {given.system}; name that one"
        )
    stored = {name: config[name] for name in vars(given) if name in config}
    options = parser(stored).parse_args(arguments)
    for name, before in stored.items():
        now = getattr(options, name)
        if before != now and name not in OPEN_TO_CHANGE:
            raise MinigenError(
                f"{run.path} was trained {_option(name, before)}, not {_option(name, now)}; "
                "go on with what it has, or start another run"
            )
    return options


def _restore(run: Run, system: System, config: Mapping[str, Any], dataset: Dataset) -> int:
    """Bring a system to where the run was saved; the number of epochs that it has behind it.

    Raises:
        MinigenError: the run cannot go on from there.
    """
    header = run.restore(system)
    run.check_data(dataset, header)
    done: int = header["epoch"]
    for name, before in header["config"].items():
        if name not in {*OPEN_TO_CHANGE, "versions"} and config.get(name) != before:
            raise MinigenError(
                f"{run.checkpoint} is of a run {_option(name, before)}, and config.json of one "
                f"{_option(name, config.get(name))}; mend config.json"
            )
    if done > config["epochs"]:
        raise MinigenError(
            f"{run.path} has {done} epochs behind it, and --epochs is {config['epochs']}; give more"
        )
    return done


def _option(name: str, value: object) -> str:
    """With which option, or without which, a run is made."""
    if isinstance(value, bool):
        return f"{'with' if value else 'without'} --{name.replace('_', '-')}"
    return "with " + spelled(name, "''" if value == [] else value)


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
