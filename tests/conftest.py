"""One BLAS thread, set before NumPy is imported: two that spin on a busy machine are slower."""

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import pytest

from minigen import metrics


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts alike in every test."""
    return np.random.default_rng(20131220)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few rows at a time that a small test has several blocks, the last one smaller."""
    monkeypatch.setattr(metrics, "BLOCK", 7)
