"""Run folders: what a training run leaves behind.

    config.json        every option, the versions, the seed
    metrics.jsonl      one JSON object a line, for each epoch and split
    checkpoint.npz     parameters, optimizer state, position: enough to go on exactly
    snapshots.npz      what the model made of the same noise while it learned
    figures/

One process at a time writes a folder; `sample` and `evaluate` read it. The checkpoint is the last
thing that an epoch writes: what other files hold beyond it is of an epoch that did not end.
"""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from minigen import data
from minigen.backend import Array
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.training.base import System
from minigen.training.loop import EpochRecord
from minigen.training.systems import build, check
from minigen.workshop import checkpoint
from minigen.workshop.atomic import remove_leftovers, replacing, writing

if sys.platform != "win32":  # where two runs in one folder are not kept apart
    import fcntl

DEFAULT_PARENT = Path("runs")
SPLITS = ("train", "test")
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)  # damaged JSON


class Run:
    """A run folder, new or of an earlier run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.npz"
        self.snapshots = path / "snapshots.npz"
        self.figures = path / "figures"
        self.samples = path / "samples.png"

    @classmethod
    @contextmanager
    def create(cls, out: str | None, system: str, overwrite: bool = False) -> Iterator["Run"]:
        """Make the folder `out`, or a fresh runs/SYSTEM-NUMBER, for this process alone to write.

        Raises:
            MinigenError: the folder is not empty and overwrite is not given, holds something
                else than a run, is written by another process, or cannot be made or written.
        """
        with _refusals_explained():
            run = cls(_fresh(system) if out is None else Path(out))
            run.path.mkdir(parents=True, exist_ok=True)
        with _alone_in(run.path):
            with _refusals_explained():
                run._make_room(overwrite)
                run.figures.mkdir()
            yield run

    @classmethod
    @contextmanager
    def reopen(cls, path: str) -> Iterator["Run"]:
        """The folder of an earlier run, for this process alone to write.

        Raises:
            MinigenError: as for `existing`; or another process writes it, or nobody may.
        """
        run = cls.existing(path)
        with _alone_in(run.path):
            for file in run._files:
                remove_leftovers(file)
            with writing(run.figures):  # made anew where git has dropped it, being empty
                run.figures.mkdir(exist_ok=True)
            yield run

    @classmethod
    def existing(cls, path: str) -> "Run":
        """The folder of a run that was made before.

        Raises:
            MinigenError: there is no such folder, or it holds no run.
        """
        run = cls(Path(path))
        for file in (run.config, run.checkpoint):
            if not file.is_file():
                raise MinigenError(
                    f"{run.path} is no run folder, {file.name} is missing; give one that "
                    "python -m minigen.train has made"
                )
        return run

    @property
    def _files(self) -> tuple[Path, ...]:
        """All but the figures; the one by which the folder is known comes last."""
        return self.metrics, self.checkpoint, self.snapshots, self.samples, self.config

    def _make_room(self, overwrite: bool) -> None:
        if not any(self.path.iterdir()):
            return
        if not self._is_run():
            raise MinigenError(
                f"{self.path} is not empty and holds no run; choose another folder with --out"
            )
        if not overwrite:
            raise MinigenError(
                f"{self.path} already holds a run; add --overwrite to replace it, go on with it "
                f"by --resume {shlex.quote(f'{self.path}')}, or choose another folder with --out"
            )
        if self.figures.exists():
            shutil.rmtree(self.figures)
        for file in self._files:
            remove_leftovers(file)
            file.unlink(missing_ok=True)

    def _is_run(self) -> bool:
        """Whether the folder's config.json is one of ours."""
        try:
            return "minigen" in json.loads(self.config.read_text())["versions"]
        except (OSError, *UNREADABLE):
            return False

    def read_config(self) -> dict[str, Any]:
        """What config.json holds.

        Raises:
            MinigenError: it is not the configuration of a run.
        """
        with self._config_blamed():
            config: dict[str, Any] = json.loads(self.config.read_text())
            check(config)
            return config

    def load(self, xp: ModuleType) -> tuple[System, Dataset, int]:
        """The model that was trained here, with the parameters of the checkpoint, its data, and the
        last epoch behind it.

        Raises:
            MinigenError: config.json or the checkpoint is damaged, or they do not belong together;
                the data cannot be read, or are not those of the training.
        """
        system = build(self.read_config(), xp)
        header = self.restore(system)
        dataset = self.load_data(system.options)
        self.check_data(dataset, header)
        return system, dataset, header["epoch"]

    def load_data(self, config: Mapping[str, Any]) -> Dataset:
        """The data of this run, from where its configuration says that they are now.

        Raises:
            MinigenError: they cannot be read, or their rows are not as wide as those of the run.
        """
        try:
            dataset = data.load(config["data"], seed=config["seed"])
        except MinigenError as error:
            raise MinigenError(
                f"the data of {self.path}: {error}; or say where they are now: "
                f"{resume_command(config['system'], self.path)} --data PLACE"
            ) from error
        width = self.read_config()["width"]
        if dataset.width != width:
            raise MinigenError(
                f"{dataset.name}: has rows of {dataset.width} values, and {self.path} was trained "
                f"on rows of {width}; bring those back, or train again"
            )
        return dataset

    def check_data(self, dataset: Dataset, header: checkpoint.Header) -> None:
        """Raises MinigenError unless these are the rows behind the checkpoint with this header."""
        now = dataset.fingerprint
        if header["data"] != now:
            raise MinigenError(
                f"{self.path} was trained on other data in {dataset.name}: their SHA-256 began "
                f"with {header['data'][:12]}, and now does with {now[:12]}; bring them back, or "
                "train again"
            )

    def restore(self, system: System) -> checkpoint.Header:
        """Give a system the parameters and the optimizer state of the checkpoint; its header.

        Raises:
            MinigenError: the checkpoint is damaged, or belongs to another model.
        """

        def expected(header: checkpoint.Header) -> Mapping[str, Array]:
            epoch, config, digest = (header.get(name) for name in ("epoch", "config", "data"))
            of_a_run = type(epoch) is int and isinstance(config, dict) and isinstance(digest, str)
            if not (of_a_run and header["epoch"] >= 0):
                raise MinigenError(
                    f"{self.checkpoint}: the header is not one of a training run; train again"
                )
            return system.arrays

        header, arrays = checkpoint.load(self.checkpoint, expected)
        system.restore(arrays)
        return header

    def save(self, epoch: int, system: System, facts: Mapping[str, Any]) -> None:
        """Replace the checkpoint by one after this epoch, with these facts in its header.

        Raises:
            MinigenError: as for `checkpoint.save`; the last checkpoint is kept.
        """
        checkpoint.save(self.checkpoint, {"epoch": epoch, **facts}, system.arrays)

    def write_config(self, config: Mapping[str, Any]) -> None:
        with replacing(self.config) as file:
            file.write((json.dumps(config, indent=2) + "\n").encode())

    def append_metrics(self, record: EpochRecord) -> None:
        with writing(self.metrics), self.metrics.open("a") as file:
            for split in SPLITS:
                means = getattr(record, split)
                file.write(json.dumps({"epoch": record.epoch, "split": split, **means}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read_metrics(self, terms: Collection[str]) -> list[EpochRecord]:
        """What was logged, epoch by epoch, of these terms at least.

        Raises:
            MinigenError: a line is missing or damaged.
        """
        return self._parsed(self.metrics.read_bytes().splitlines(), terms)

    def cut_metrics(self, epoch: int, terms: Collection[str]) -> None:
        """Forget what was logged after this epoch, by a run that was stopped before it had saved.

        Raises:
            MinigenError: a line up to there is missing or damaged.
        """
        lines = self.metrics.read_bytes().splitlines(keepends=True) if self.metrics.exists() else []
        kept = lines[: epoch * len(SPLITS)]
        if len(self._parsed(kept, terms)) < epoch:
            raise MinigenError(f"{self.metrics}: ends before epoch {epoch}; train again")
        with replacing(self.metrics) as file:
            file.write(b"".join(kept))

    def _parsed(self, lines: list[bytes], terms: Collection[str]) -> list[EpochRecord]:
        """The records in these lines, of which an epoch has two: train and test."""
        try:
            entries = [json.loads(line) for line in lines]
            places = [(entry.pop("epoch"), entry.pop("split")) for entry in entries]
            whole = all(isinstance(entry[term], float) for entry in entries for term in terms)
        except UNREADABLE:
            whole = False
        epochs = range(1, len(lines) // len(SPLITS) + 1)
        if not whole or places != [(e, split) for e in epochs for split in SPLITS]:
            raise MinigenError(
                f"{self.metrics}: damaged, it does not hold one line for train and one for test of "
                f"each epoch from 1 to {len(epochs)}; train again"
            )
        return [EpochRecord(e, entries[2 * e - 2], entries[2 * e - 1]) for e in epochs]

    @contextmanager
    def _config_blamed(self) -> Iterator[None]:
        try:
            yield
        except MinigenError:
            raise
        except (OSError, *UNREADABLE) as error:
            raise MinigenError(
                f"{self.config}: not the configuration of a run "
                f"({type(error).__name__}: {error}); train again"
            ) from error


def resume_command(system: str, run: Path) -> str:
    """What to type to go on with a run."""
    return f"python -m minigen.train {system} --resume {shlex.quote(f'{run}')}"


@contextmanager
def _refusals_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MinigenError(
            f"cannot write the run folder {error.filename}: {error.strerror}; "
            "choose another with --out"
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other training processes out; the system opens the lock when a process dies."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MinigenError(
                f"another process is training in {folder}; wait for it, or choose another folder"
            ) from None
        except OSError as error:  # of a file system without locks
            raise MinigenError(
                f"{folder}: cannot be locked against a second training process: {error.strerror}; "
                "choose a folder on another disk"
            ) from error
        yield
    finally:
        os.close(handle)


def _fresh(system: str) -> Path:
    """Claim the first unused runs/SYSTEM-1, runs/SYSTEM-2, ...: mkdir decides between two runs."""
    DEFAULT_PARENT.mkdir(exist_ok=True)
    number = 1
    while True:
        path = DEFAULT_PARENT / f"{system}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path
