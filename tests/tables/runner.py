"""Trains and judges the models of a table by the public commands, and goes on where it stopped.

DIR/vae-0               the run folder
DIR/vae-0.seconds.json  what its training took, summed over all its starts
DIR/vae-0.json          what `minigen.evaluate` found, by which command, and what that took
"""

import contextlib
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigen.train import parser
from minigen.training import OPTIONS, VAEOptions
from minigen.workshop.cli import spelled
from tests.tables.experiments import TABLES, Run

Seconds = dict[str, float]  # {"wall": ..., "cpu": ...}
Entry = dict[str, Any]  # of a table's file


class Outcome(NamedTuple):
    """What a command printed, if that was asked for, what it took, and its exit status."""

    printed: str
    seconds: Seconds
    status: int = 0


Execute = Callable[[str, bool], Outcome]
running: set[int] = set()  # process ids
stopping = threading.Event()
starts_or_stops = threading.Lock()


def execute(command: str, capture: bool) -> Outcome:
    """Run `python ...` by this interpreter."""
    print(command, flush=True)
    started = time.monotonic()
    with tempfile.TemporaryFile() as printed:
        words = [sys.executable, *shlex.split(command)[1:]]
        with starts_or_stops:
            if stopping.is_set():
                raise KeyboardInterrupt
            process = subprocess.Popen(words, stdout=printed if capture else None)
            running.add(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        running.remove(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = _seconds(time.monotonic() - started, usage.ru_utime + usage.ru_stime)
        printed.seek(0)
        return Outcome(printed.read().decode(), seconds, process.returncode)


def make(name: str, parent: Path, jobs: int = 1, again: bool = False) -> dict[str, Any]:
    """A table's numbers, with all that is missing trained and judged, `jobs` runs at a time.

    Raises:
        CalledProcessError: a command failed; other runs that had begun come to their end first.
    """
    table = TABLES[name]
    entries = [computed(name, table.computed)] if table.computed else []
    stopping.clear()
    one = partial(result, findings=table.findings, parent=parent, again=again)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            entries += pool.map(one, table.runs)
        except KeyboardInterrupt:
            with starts_or_stops:
                stopping.set()
                for pid in tuple(running):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
            raise
    return {"machine": machine(), "runs": entries}


def computed(name: str, compute: Callable[[], dict[str, float]]) -> Entry:
    """The entry of numbers that need no training."""
    wall, cpu = time.monotonic(), time.process_time()
    values = compute()
    return {
        "label": "closed form",
        "commands": [f"python -m tests.tables {name}"],
        "seconds": [_seconds(time.monotonic() - wall, time.process_time() - cpu)],
        "values": values,
    }


def result(
    run: Run,
    findings: tuple[str, ...],
    parent: Path,
    again: bool = False,
    execute: Execute = execute,
) -> Entry:
    """A run's entry: trained unless that is done, judged unless that is known.

    Raises:
        CalledProcessError: a command failed.
        ValueError: the folder holds a run with other options.
    """
    training, judged = _trained(run, parent, execute), _judged(run, parent, again, execute)
    found = {finding["name"]: finding for finding in judged["findings"]}
    return {
        "label": run.label,
        "commands": [run.train(), run.evaluate()],
        "written out": written_out(run),
        "seconds": [training, judged["seconds"]],
        "values": {name: found[name]["value"] for name in findings},
        "standard errors": {name: found[name]["standard_error"] for name in findings},
        "beside it": {name: found[name]["limit"] for name in findings},
    }


def _trained(run: Run, parent: Path, execute: Execute) -> Seconds:
    """Train to the end; what it took, with all earlier starts."""
    folder, file = parent / run.slug, parent / f"{run.slug}.seconds.json"
    begun = (folder / "checkpoint.npz").exists()
    if begun:
        check_options(run, folder)
    if not finished(folder):
        _judgement(run, parent).unlink(missing_ok=True)
        before = _spent(file) if begun else _seconds(0, 0)
        outcome = execute(run.resume(parent) if begun else run.train(parent), False)
        after = {name: before[name] + outcome.seconds[name] for name in before}
        file.write_text(json.dumps(_seconds(**after)) + "\n")
        _check(outcome, run.train(parent))
    return _spent(file)


def _spent(file: Path) -> Seconds:
    if not file.exists():
        raise ValueError(f'{file} is missing: {{"wall": 0, "cpu": 0}} says what the training took')
    seconds: Seconds = json.loads(file.read_text())
    return seconds


def _judged(run: Run, parent: Path, again: bool, execute: Execute) -> dict[str, Any]:
    """What `minigen.evaluate` finds, from the file of an earlier time unless `again` is given."""
    file = _judgement(run, parent)
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    if again or known.get("command") != run.evaluate():
        outcome = execute(f"{run.evaluate(parent)} --json", True)
        _check(outcome, run.evaluate(parent))
        known = {
            "command": run.evaluate(),
            "seconds": outcome.seconds,
            "findings": json.loads(outcome.printed)["findings"],
        }
        file.write_text(json.dumps(known, indent=2) + "\n")
    return known


def _judgement(run: Run, parent: Path) -> Path:
    return parent / f"{run.slug}.json"


def _check(outcome: Outcome, command: str) -> None:
    if outcome.status:
        raise subprocess.CalledProcessError(outcome.status, command)


def finished(folder: Path) -> bool:
    """Whether every epoch is logged and the figures, which come last, are drawn."""
    if not (folder / "figures").is_dir() or not any((folder / "figures").iterdir()):
        return False
    epochs = json.loads((folder / "config.json").read_text())["options"]["epochs"]
    last = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    return bool((last["epoch"], last["split"]) == (epochs, "test"))


def check_options(run: Run, folder: Path) -> None:
    """Raises ValueError if the folder's run was not begun by what the command means today."""
    stored = json.loads((folder / "config.json").read_text())
    for name, value in json.loads(json.dumps(options(run))).items():
        found = stored["options"].get(name)
        if found != value:
            raise ValueError(
                f"{folder} was trained with {name} {found}, and {run.train()} means {value}; "
                "remove the folder"
            )


def written_out(run: Run) -> str:
    """The run's options with those of its preset before them, as `minigen.train` reads them."""
    model, _, rest = run.options.partition(" ")
    preset, _ = _given(run)
    words = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {spelled(value)}")
        for name, value in preset.items()
    ]
    return " ".join([model, *words, rest]).strip()


def options(run: Run) -> dict[str, Any]:
    """The options that `minigen.train` makes of them."""
    model = run.options.partition(" ")[0]
    preset, given = _given(run)
    return asdict(OPTIONS[model].of({**preset, **given}))


def _given(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the run's preset, and those beside it."""
    words = vars(parser().parse_args(shlex.split(run.options)))
    kind = OPTIONS[words["model"]]
    names = {rule.name for rule in fields(kind)}
    preset = kind.presets[words["preset"]] if words["preset"] else {}
    return dict(preset), {name: value for name, value in words.items() if name in names}


def machine() -> dict[str, Any]:
    """Where this runs, and by what."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "BLAS threads": VAEOptions().threads,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _seconds(wall: float, cpu: float) -> Seconds:
    return {"wall": round(wall, 1), "cpu": round(cpu, 1)}
