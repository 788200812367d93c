"""Runs in files: what a run folder's checkpoint holds, `save` and `load`."""

import json
import os
import platform
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

import minigen
from minigen import data
from minigen.backend import NAMES, select
from minigen.checks import check_whole
from minigen.data import Dataset, Reading
from minigen.data.dataset import check_dataset
from minigen.data.rows import check_image_shape
from minigen.errors import MinigenError
from minigen.training import OPTIONS, TRAINERS, EpochRecord, Options, Run, check_run
from minigen.workshop import checkpoint
from minigen.workshop.atomic import replacing
from minigen.workshop.folder import RunFolder, resume_command
from minigen.workshop.snapshots import Snapshots

SPLITS = ("train", "test")
NOT_OF_A_RUN = (LookupError, TypeError, AttributeError, ValueError)  # what a foreign header raises


def write_run(folder: RunFolder, run: Run, snapshots: Snapshots) -> None:
    """Replace the checkpoint by one of now, and write from it what people read beside it.

    Raises:
        MinigenError: as for `checkpoint.save`; the last checkpoint is kept.
    """
    dataset = run.dataset
    header = {
        "model": run.options.model,
        "options": asdict(run.options),
        "backend": run.trainer.xp.__name__,
        "chains": run.trainer.chains,
        "ranks": run.ranks.size,
        "data": {
            "name": dataset.name,
            "sha256": dataset.fingerprint,
            "width": dataset.width,
            "image_shape": dataset.image_shape,
            "value_range": dataset.value_range,
            "pixels": dataset.pixels,
            "reading": asdict(dataset.reading),
            "seed": dataset.seed,
        },
        "versions": versions(),
        "history": [asdict(record) for record in run.history],
        "snapshots": snapshots.header,
    }
    checkpoint.save(folder.checkpoint, header, {**run.trainer.live, **snapshots.arrays})
    _write_for_people(folder, header)


def versions() -> dict[str, str]:
    """The versions of what computes, by name."""
    return {
        "minigen": minigen.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _write_for_people(folder: RunFolder, header: Mapping[str, Any]) -> None:
    config = {k: v for k, v in header.items() if k not in ("history", "snapshots")}
    with replacing(folder.config) as file:
        file.write((json.dumps(config, indent=2) + "\n").encode())
    with replacing(folder.metrics) as file:
        for record in header["history"]:
            for split in SPLITS:
                line = {"epoch": record["epoch"], "split": split, **record[split]}
                file.write((json.dumps(line) + "\n").encode())


def read_run(
    folder: RunFolder,
    xp: ModuleType = np,
    *,
    dataset: Dataset | None = None,
    place: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> tuple[Run, Snapshots]:
    """Restore the run as it was saved, and its snapshots.

    Args:
        xp: where the parameters go.
        dataset: the data of the training, where they do not come from a file.
        place: the file or folder where they are now, if they have moved.
        changes: of the options that it was trained with.

    Raises:
        MinigenError: the checkpoint is damaged or of another version; an option cannot be changed
            so. Data that are missing, or are not those of the training, are refused when they are
            asked for.
    """
    with checkpoint.opened(folder.checkpoint) as (header, read):
        options = replace(_options(folder, header), **changes or {})
        with _header_blamed(folder):
            run = _built(folder, header, options, xp, dataset, place)
            wanted = run.trainer.live | Snapshots.expected(header["snapshots"])
        arrays = read(wanted)
    done = len(run.history)
    if done > options.epochs:
        raise MinigenError(
            f"{folder.path} has {done} epochs behind it, more than epochs={options.epochs}; give "
            "more"
        )
    run.trainer.restore(arrays)
    return run, Snapshots.restored(header["snapshots"], arrays)


def read_header(folder: RunFolder) -> tuple[checkpoint.Header, Options]:
    """Read what the checkpoint says of the run and of its options, without its arrays.

    Raises:
        MinigenError: it is damaged, of another version, or no run's.
    """
    with checkpoint.opened(folder.checkpoint) as (header, _):
        options = _options(folder, header)
    with _header_blamed(folder):
        if header["backend"] not in NAMES or type(header["chains"]) is not str:
            raise ValueError(
                f"its backend is {header['backend']!r}, chains by {header['chains']!r}"
            )
        check_whole("ranks", header["ranks"])
    return header, options


def _options(folder: RunFolder, header: checkpoint.Header) -> Options:
    with _header_blamed(folder):
        return OPTIONS[header["model"]].of(header["options"])


def _built(
    folder: RunFolder,
    header: checkpoint.Header,
    options: Options,
    xp: ModuleType,
    dataset: Dataset | None,
    place: str | None,
) -> Run:
    """The run that a header describes, its model with initial parameters."""
    stored = cast(Dataset, _StoredData(folder, options, header["data"], dataset, place))
    trainer = TRAINERS[type(options)](options, stored, xp)
    return Run(trainer, _history(header["history"], set(trainer.titles)))


def _history(records: Sequence[Mapping[str, Any]], names: set[str]) -> list[EpochRecord]:
    """The records of a header, which hold a number under each name, epoch after epoch.

    Raises:
        ValueError: they do not; or another error of something that is no history at all.
    """
    history = [EpochRecord(**record) for record in records]
    for epoch, record in enumerate(history, start=1):
        in_order = type(record.epoch) is int and record.epoch == epoch
        for means in (record.train, record.test):
            numbers = all(type(value) is float for value in means.values())
            if not (in_order and numbers and set(means) == names):
                raise ValueError(f"its history of epoch {epoch} is not one of {sorted(names)}")
    return history


@contextmanager
def _header_blamed(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except NOT_OF_A_RUN as error:
        reason = textwrap.shorten(f"{error}", 100, placeholder="...")
        raise MinigenError(
            f"{folder.checkpoint}: the header is not one of a training run ({reason}); train again"
        ) from error


class _StoredData:
    """The data of a stored run: what the checkpoint says of them, and they themselves, which are
    read and compared with those of the training when they are asked for.
    """

    def __init__(
        self,
        folder: RunFolder,
        options: Options,
        facts: Mapping[str, Any],
        dataset: Dataset | None,
        place: str | None,
    ) -> None:
        low, high = facts["value_range"]
        self.name = place or str(facts["name"])
        self.width = check_whole("width", facts["width"])
        shape = facts["image_shape"]
        self.image_shape = shape if shape is None else check_image_shape("x", shape, self.width)
        self.value_range = float(low), float(high)
        self.pixels = bool(facts["pixels"])
        self.reading = Reading(**facts["reading"])
        self.seed = check_whole("seed", facts["seed"], least=0)
        self.fingerprint = str(facts["sha256"])
        self._folder, self._given = folder, dataset
        self._resume = resume_command(options.model, folder.path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._dataset, name)

    @cached_property
    def _dataset(self) -> Dataset:
        path = self._folder.path
        try:
            dataset = self._given or data.load(self.name, seed=self.seed, **asdict(self.reading))
        except MinigenError as error:
            if os.path.isabs(self.name) or self.name in data.NAMES:
                lost = f"the data of {path}: {error}; or say where they are now"
            else:
                lost = (
                    f"{path} was trained on arrays, {self.name!r}, that no file holds; np.save "
                    "them, and say where they are"
                )
            raise MinigenError(
                f"{lost}: {self._resume} --data PLACE; in Python, load(path, data=load_data(PLACE))"
            ) from error
        if dataset.width != self.width:
            raise MinigenError(
                f"{dataset.name}: has rows of {dataset.width} values, and {path} was trained "
                f"on rows of {self.width}; bring those back, or train again"
            )
        if dataset.fingerprint != self.fingerprint:
            raise MinigenError(
                f"{path} was trained on other data in {dataset.name}: their SHA-256 began "
                f"with {self.fingerprint[:12]}, and now does with {dataset.fingerprint[:12]}; "
                "bring them back, or train again"
            )
        return dataset


def save(run: Run, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a run folder: `load`, and the commands sample, evaluate and train --resume, read it.

    Args:
        run: what `fit` gave.
        path: the folder, which is made.
        overwrite: replace the run that is there.

    Raises:
        MinigenError: `run` is no run; the folder holds a run and overwrite is not given, or
            something else than a run; or it cannot be written.
    """
    check_run(run)
    with RunFolder.create(f"{path}", run.options.model, overwrite) as folder:
        write_run(folder, run, Snapshots())


def load(
    path: str | Path,
    *,
    data: Dataset | None = None,
    backend: str = "numpy",
    epochs: int | None = None,
) -> Run:
    """Restore a run from its folder; `for record in run.train()` goes on with it.

    Args:
        path: a folder that `save` or the command train has written.
        data: those of the training, where they came from no file, to go on or to judge.
        backend: numpy, cupy, or auto.
        epochs: of the whole run, if it is to go on beyond what it has.

    Raises:
        MinigenError: there is no run, it is damaged or of another version; it has more epochs
            behind it; data is no Dataset; or the data are not those of the training, as soon as
            they are asked for.
    """
    if data is not None:
        check_dataset(data)
    xp, _ = select(backend)
    changes = {} if epochs is None else {"epochs": epochs}
    run, _ = read_run(RunFolder.existing(f"{path}"), xp, dataset=data, changes=changes)
    return run
