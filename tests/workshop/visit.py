"""The page of a run in Chromium, opened as a visitor would."""

from pathlib import Path
from typing import Any

import numpy as np

import minigen as mg
from minigen.training import Options
from tests.workshop.browser import READY, Tab


def opened(tab: Tab, made: mg.Run, folder: Path, **how: Any) -> None:
    """Open the page of a run; it is ready, has no error and has asked for nothing else."""
    path = mg.explore(made, folder / "page.html")
    tab.open(path, **how)
    tab.wait(READY)
    assert tab.console == []
    assert tab.requests == [path.resolve().as_uri()]


def small(rows: np.ndarray, options: type[Options] = mg.VAEOptions, **more: Any) -> mg.Run:
    made = options(hidden=(8,), epochs=2, batch_size=20)
    return mg.fit(made, mg.Dataset.of(rows, **more), progress=False)


def computed(tab: Tab, expression: str) -> np.ndarray:
    return np.array(tab.evaluate(expression), np.float64)
