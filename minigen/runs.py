"""Run folders: what a training run leaves behind.

    config.json        every option, the versions, the seed
    metrics.jsonl      one JSON object a line, for each epoch and split
    checkpoint.npz     parameters, optimizer state, position
    figures/

One process writes a folder; `sample` and `evaluate` read it.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from minigen import checkpoint
from minigen.errors import MinigenError
from minigen.systems import build
from minigen.systems.base import System

DEFAULT_PARENT = Path("runs")


class Run:
    """A run folder, new or of an earlier run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoint = path / "checkpoint.npz"
        self.figures = path / "figures"
        self.samples = path / "samples.png"

    @classmethod
    def create(cls, out: str | None, system: str, overwrite: bool = False) -> "Run":
        """Make the folder `out`, or a fresh runs/SYSTEM-NUMBER, and see that it can be written.

        Raises:
            MinigenError: the folder is not empty and overwrite is not given, holds something
                else than a run, or cannot be made or written.
        """
        if out == "":
            raise MinigenError("--out is empty; name a folder")
        try:
            run = cls(_fresh(system) if out is None else Path(out))
            run.path.mkdir(parents=True, exist_ok=True)
            run._make_room(overwrite)
            run.figures.mkdir()
        except OSError as error:
            raise MinigenError(
                f"cannot write the run folder {error.filename}: {error.strerror}; "
                "choose another with --out"
            ) from error
        return run

    def _make_room(self, overwrite: bool) -> None:
        if not any(self.path.iterdir()):
            return
        if not self._is_run():
            raise MinigenError(
                f"{self.path} is not empty and holds no run; choose another folder with --out"
            )
        if not overwrite:
            raise MinigenError(
                f"{self.path} already holds a run; add --overwrite to replace it, or choose "
                "another folder with --out"
            )
        if self.figures.exists():
            shutil.rmtree(self.figures)
        for file in (self.metrics, self.checkpoint, self.samples, self.config):
            file.unlink(missing_ok=True)

    def _is_run(self) -> bool:
        """Whether the folder's config.json is one of ours."""
        try:
            return "minigen" in json.loads(self.config.read_text())["versions"]
        except (OSError, ValueError, KeyError, TypeError):
            return False

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
                    f"{path} is no run folder, {file.name} is missing; give one that "
                    "python -m minigen.train has made"
                )
        return run

    def load_system(self, xp: ModuleType) -> System:
        """The model that was trained here, with the parameters of the checkpoint.

        Raises:
            MinigenError: config.json or the checkpoint is damaged, or they do not belong together.
        """
        try:
            system = build(json.loads(self.config.read_text()), xp)
        except MinigenError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
            raise MinigenError(
                f"{self.config}: not the configuration of a run "
                f"({type(error).__name__}: {error}); train again"
            ) from error
        _, arrays = checkpoint.load(self.checkpoint, system.arrays)
        system.restore(arrays)
        return system

    def write_config(self, config: Mapping[str, Any]) -> None:
        self.config.write_text(json.dumps(config, indent=2) + "\n")

    def append_metrics(self, epoch: int, split: str, means: Mapping[str, float]) -> None:
        with self.metrics.open("a") as file:
            file.write(json.dumps({"epoch": epoch, "split": split, **means}) + "\n")


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
