"""The backend switch, and what it says where CuPy is absent or does not work."""

import mmap
import platform
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minigen import backend
from minigen.errors import MinigenError
from tests.strict import standin


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


@pytest.mark.parametrize("shape", [(300, 700), (700,), (1, 400_000), (400_000, 1), (0, 5), (1,)])
def test_cache_sized_blocks_cover_each_array_once(shape: tuple[int, ...]) -> None:
    a, b = np.zeros(shape), np.random.default_rng(0).random(shape)
    numbers, seen = np.arange(shape[0]), []
    blocks = list(backend.cache_sized(a, b, numbers))
    for part_a, part_b, rows in blocks:
        assert part_a.size <= backend.CACHE or len(rows) == 1
        part_a += part_b
        seen += rows.tolist()
    np.testing.assert_array_equal(a, b)
    assert seen == numbers.tolist()
    assert (len(blocks) > 1) == (shape in {(300, 700), (400_000, 1)})


def test_a_device_gets_whole_arrays(strict: ModuleType) -> None:
    a = strict.asarray(np.zeros((300, 700)))
    (((whole,)),) = backend.cache_sized(a)
    assert whole.shape == a.shape


@backend.fused
def _affine(xp: ModuleType, y: backend.Array, x: backend.Array, a: float, b: float) -> None:
    scratch = a * x
    scratch += b
    xp.add(y, scratch, out=y)


@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (600, 700)])
def test_a_fused_chain_changes_its_arrays_in_place(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, y = np.array(rng.random(shape)), np.array(rng.random(shape))
    expected = y + (2 * x + 3)
    _affine([y, x], 2.0, 3.0)
    np.testing.assert_array_equal(y, expected)


def test_a_fused_chain_is_one_launch(strict: ModuleType) -> None:
    x, y = (strict.asarray(np.full((600, 700), value)) for value in (1.0, 5.0))
    standin.launches.clear()
    _affine([y, x], 2.0, 3.0)
    assert standin.launches == ["_affine"]
    assert (y.get() == 10).all()


STEPS_THAT_FREE_WHAT_THEY_USE = """
import resource
import numpy as np
from minigen.backend import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

with keep_freed_memory():
    for step in range(12):
        if step == 2:
            before = faults()
        arrays = [np.ones(2**19, np.float32) for _ in range(4)]
        del arrays
    print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_kept_for_the_next_step() -> None:
    command = [sys.executable, "-c", STEPS_THAT_FREE_WHAT_THEY_USE]
    faults = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    written = 10 * 4 * 2**21 // mmap.PAGESIZE  # pages, by the ten counted steps
    assert faults < written / 20
