"""One BLAS thread, set before NumPy is imported: two that spin on a busy machine are slower."""

import functools
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import cast

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import pytest

from minigen import backend
from minigen.metrics import bounds as metrics
from tests.strict import standin
from tests.workshop.browser import CHROMIUM, Tab, browser


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts alike in every test."""
    return np.random.default_rng(20131220)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few rows at a time that a small test has several blocks, the last one smaller."""
    monkeypatch.setattr(metrics, "BLOCK", 7)


@functools.cache
def _cupy() -> tuple[ModuleType | None, str]:
    """The real CuPy, if it works here; asked before anything poses as it."""
    return backend._probe_cupy()


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The stand-in for CuPy, in its place; nothing has crossed to the device yet."""
    monkeypatch.setitem(sys.modules, "cupy", standin)
    standin.transfers.clear()
    return standin


@pytest.fixture(params=["numpy", "strict", "cupy"])
def xp(request: pytest.FixtureRequest) -> ModuleType:
    """NumPy, the stand-in for CuPy, and CuPy where it works."""
    if request.param == "numpy":
        return np
    if request.param == "strict":
        return cast(ModuleType, request.getfixturevalue("strict"))
    cupy, reason = _cupy()
    if cupy is None:
        pytest.skip(f"CuPy does not work here: {reason}")
    return cupy


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """A page in Chromium, for the tests of one file."""
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH")
    with browser() as opened:
        yield opened
