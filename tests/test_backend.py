"""The backend switch, and what it says where CuPy is absent or does not work."""

import mmap
import platform
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from minigen import backend
from minigen.errors import MinigenError


class FakeCuPyArray:
    """As far as array_module can tell, an array of CuPy's."""


FakeCuPyArray.__module__ = "cupy"


@pytest.fixture
def broken_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy as it is without a GPU: it imports, and the first array raises."""
    cupy = ModuleType("cupy")

    def no_driver(seed: int) -> None:
        raise RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient\nmore")

    cupy.random = SimpleNamespace(default_rng=no_driver)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cupy", cupy)


@pytest.fixture
def no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)


def test_numpy_arrays_and_scalars_live_in_numpy() -> None:
    assert backend.array_module(np.ones(2), np.float32(1)) is np


def test_two_kinds_in_one_call_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(MinigenError, match=r"in one call; move them .*to_numpy"):
        backend.array_module(np.ones(2), FakeCuPyArray())


def test_cupy_arrays_live_in_the_module_that_was_imported(broken_cupy: None) -> None:
    assert backend.array_module(FakeCuPyArray()) is sys.modules["cupy"]


@pytest.mark.parametrize("value", [[1.0, 2.0], 1.0, None])
def test_what_is_no_array_is_refused(value: object) -> None:
    with pytest.raises(MinigenError, match=f"got ndarray, {type(value).__name__}"):
        backend.array_module(np.ones(1), value)


def test_numpy_is_chosen_without_a_look_at_cupy(no_cupy: None) -> None:
    assert backend.select("numpy") == (np, "numpy")


def test_auto_falls_back_and_says_why(broken_cupy: None) -> None:
    xp, line = backend.select("auto")
    assert xp is np
    assert line.startswith("numpy (RuntimeError: cudaErrorInsufficientDriver")
    assert "\n" not in line


@pytest.mark.fault("no CuPy")
def test_explicit_cupy_that_cannot_work_is_an_error(broken_cupy: None) -> None:
    with pytest.raises(MinigenError, match="CuPy does not work here: RuntimeError: cudaError"):
        backend.select("cupy")


@pytest.mark.fault("no CuPy")
def test_cupy_that_is_not_installed_is_named(no_cupy: None) -> None:
    with pytest.raises(MinigenError, match=r"ModuleNotFoundError.*use the backend numpy"):
        backend.select("cupy")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(MinigenError, match="unknown backend 'jax'; choose one of numpy, cupy"):
        backend.select("jax")


def test_equal_seeds_give_equal_streams_and_others_do_not() -> None:
    def draw(*seed: int) -> list[float]:
        return list(backend.generator(np, *seed).random(4))

    assert draw(3, 1) == draw(3, 1)
    assert len({tuple(draw(*seed)) for seed in [(3, 1), (1, 3), (3, 2), (3,)]}) == 4


STEPS_THAT_FREE_WHAT_THEY_USE = """
import resource
import numpy as np
from minigen.backend import keep_freed_memory

def faults(n):
    for step in range(12):
        if step == 2:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        arrays = [np.ones(2**19, np.float32) for _ in range(n)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with keep_freed_memory():
    within = faults(4)
    with keep_freed_memory():
        pass
    outer = faults(40)  # 80 MiB, more than is kept without a block
print(within / 4, outer / 40, faults(4) / 4)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_kept_for_the_next_step_and_behind_the_block() -> None:
    command = [sys.executable, "-c", STEPS_THAT_FREE_WHAT_THEY_USE]
    found = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    written = 10 * 2**21 // mmap.PAGESIZE  # pages of each array, by the ten counted steps
    within, outer, after = (float(faults) < written / 20 for faults in found)
    assert (within, outer, after) == (True, True, True)


def test_threads_are_limited_and_put_back() -> None:
    if backend.blas_threads() is None:
        pytest.skip("a BLAS library that cannot be told")
    with threadpool_limits(limits=2, user_api="blas"):
        with backend.computing(1):
            assert backend.blas_threads() == 1
            with backend.computing(2):
                assert backend.blas_threads() == 2
            assert backend.blas_threads() == 1
        assert backend.blas_threads() == 2


def test_a_blas_library_that_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "threadpool_info", lambda: [{"user_api": "openmp"}])
    assert backend.blas_threads() is None
