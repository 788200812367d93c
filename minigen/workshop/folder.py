"""Run folders: what a training run leaves behind.

    checkpoint.npz     all there is: options, parameters, optimizer state, history, snapshots
    config.json        every option, the data, the versions                 for people
    metrics.jsonl      one JSON object a line, for each epoch and split     for people
    figures/                                                                for people
    samples.png, walks.png, reconstructions.png       of the command sample   for people
    explore.html                                      of the command explore  for people

One process at a time writes a folder. The checkpoint is replaced whole after each epoch; it is the
only file that is ever read back, and the others are written from it.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minigen.data.files import open_archive
from minigen.errors import MinigenError
from minigen.workshop.atomic import remove_leftovers, writing
from minigen.workshop.checkpoint import is_checkpoint
from minigen.workshop.process import quoted

if sys.platform != "win32":  # where two runs in one folder are not kept apart
    import fcntl

DEFAULT_PARENT = Path("runs")
PICTURES = ("samples", "walks", "reconstructions")


class RunFolder:
    """A run folder, new or of an earlier run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = path / "checkpoint.npz"
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.figures = path / "figures"
        self.pictures = {name: path / f"{name}.png" for name in PICTURES}
        self.page = path / "explore.html"

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @classmethod
    @contextmanager
    def create(
        cls, out: str | None, model: str, overwrite: bool = False, *, by_command: bool = False
    ) -> Iterator["RunFolder"]:
        """Make the folder `out`, or a fresh runs/MODEL-NUMBER, for this process alone to write. A
        refusal speaks of arguments in Python, or, by the command, of its options.

        Raises:
            MinigenError: the folder is not empty and overwrite is not given, holds something
                else than a run, is written by another process, or cannot be made or written.
        """
        with _refusals_explained(DEFAULT_PARENT if out is None else Path(out)):
            folder = cls(_fresh(model) if out is None else Path(out))
            folder.path.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder.path):
            with _refusals_explained(folder.path):
                folder._make_room(overwrite, by_command)
                folder.figures.mkdir()
            yield folder

    @classmethod
    @contextmanager
    def reopen(cls, path: str) -> Iterator["RunFolder"]:
        """Open the folder of an earlier run, for this process alone to write.

        Raises:
            MinigenError: as for `existing`; or another process writes it, or nobody may.
        """
        folder = cls.existing(path)
        with _alone_in(folder.path):
            for file in (*folder._files, folder.figures / "*"):
                remove_leftovers(file)
            with writing(folder.figures):  # made anew where git has dropped it, being empty
                folder.figures.mkdir(exist_ok=True)
            yield folder

    @classmethod
    def existing(cls, path: str) -> "RunFolder":
        """Find the folder of a run that was made before.

        Raises:
            MinigenError: there is no such folder, or it holds no run.
        """
        folder = cls(Path(path))
        if not folder.checkpoint.is_file():
            raise MinigenError(
                f"{folder.path} is no run folder, {folder.checkpoint.name} is missing; give one "
                "that a training has made"
            )
        return folder

    @property
    def _files(self) -> tuple[Path, ...]:
        """All but the figures; the one by which the folder is known comes last."""
        pictures = self.pictures.values()
        return self.metrics, *pictures, self.page, self.config, self.checkpoint

    def _make_room(self, overwrite: bool, by_command: bool) -> None:
        whole = is_checkpoint(self.checkpoint)
        held = whole or self._is_cut_short
        foreign = sorted(path.name for path in self.path.iterdir() if not self._is_ours(path, held))
        if foreign:
            raise MinigenError(
                f"{self.path} is not empty and holds no run, {foreign[0]} is not of one; choose "
                "another folder"
            )
        if held and not overwrite:
            run = "a run" if whole else "a run, whose checkpoint is damaged"
            go_on = f", go on with it by --resume {quoted(f'{self.path}')}" if whole else ""
            raise MinigenError(
                f"{self.path} already holds {run}; add --overwrite to replace it{go_on}, or choose "
                "another folder with --out"
                if by_command
                else f"{self.path} already holds {run}; overwrite=True replaces it, or choose "
                "another folder"
            )
        if self.figures.exists():
            shutil.rmtree(self.figures)
        for file in self._files:
            remove_leftovers(file)
            file.unlink(missing_ok=True)

    @property
    def _is_cut_short(self) -> bool:
        """Whether the checkpoint is a damaged file, beside a config.json as runs have it."""
        try:
            with open_archive(self.checkpoint) as members:
                return not [read() for read in members.values()]
        except MinigenError:
            return self.checkpoint.is_file() and self.config.is_file()

    def _is_ours(self, path: Path, held: bool) -> bool:
        """Whether a run leaves this; where none is held, one that was killed at its start."""
        if path.suffix == ".tmp":
            return any(path.name.startswith(f"{file.name}.") for file in self._files)
        if path == self.figures:
            return held or not any(path.iterdir())
        return held and path in self._files


def resume_command(model: str, run: Path) -> str:
    """The words to type to go on with a run."""
    return f"python -m minigen.train {model} --resume {quoted(f'{run}')}"


@contextmanager
def _refusals_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MinigenError(
            f"cannot write the run folder {folder}: {error.strerror}; choose another"
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


def _fresh(model: str) -> Path:
    """Claim the first unused runs/MODEL-1, runs/MODEL-2, ...: mkdir decides between two runs."""
    DEFAULT_PARENT.mkdir(exist_ok=True)
    number = 1
    while True:
        path = DEFAULT_PARENT / f"{model}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path
