"""Chains by each of their compilers: the same values, in place, and one pass over memory."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minigen import chains
from minigen.backend import Array
from minigen.nn import losses, optim
from minigen.nn.optim import SGD, Adam
from tests.strict import standin

Rng = np.random.Generator


@pytest.mark.parametrize("shape", [(300, 700), (700,), (1, 400_000), (400_000, 1), (0, 5), (1,)])
def test_cache_sized_blocks_cover_each_array_once(shape: tuple[int, ...]) -> None:
    a, b = np.zeros(shape), np.random.default_rng(0).random(shape)
    numbers, seen = np.arange(shape[0]), []
    blocks = list(chains.cache_sized(a, b, numbers))
    for part_a, part_b, rows in blocks:
        assert part_a.size <= chains.CACHE or len(rows) == 1
        part_a += part_b
        seen += rows.tolist()
    np.testing.assert_array_equal(a, b)
    assert seen == numbers.tolist()
    assert (len(blocks) > 1) == (shape in {(300, 700), (400_000, 1)})


@chains.fused
def _affine(xp: ModuleType, y: Array, x: Array, a: float, b: float) -> Array:
    scratch = a * x
    scratch += b
    y += scratch
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (600, 700)])
def test_a_chain_changes_its_arrays_in_place(shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, y = np.array(rng.random(shape), dtype), np.array(rng.random(shape), dtype)
    expected = y + (2 * x + 3)
    _affine([{"w": y}, {"w": x}], 2.0, 3.0)
    np.testing.assert_allclose(y, expected, rtol=3 * float(np.finfo(dtype).eps))


def test_a_chain_is_one_launch_for_each_name(strict: ModuleType) -> None:
    x, y = (strict.asarray(np.full((600, 700), value)) for value in (1.0, 5.0))
    y_too, x_too = y + 1, 2 * x
    standin.launches.clear()
    _affine([{"w": y, "b": y_too}, {"b": x_too, "w": x}], 2.0, 3.0)
    assert standin.launches == ["_affine"] * 2
    assert (y.get() == 10).all()
    assert (y_too.get() == 13).all()


# Numba


@pytest.fixture
def numba() -> Any:
    return pytest.importorskip("numba")


NUMBERS = {
    "_average": (0.9,),
    "_sgd": (0.01, 0.9),
    "_adam": (0.1, 0.001, 0.037, 0.003, 1e-8),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numba_and_numpy_agree_to_rounding(
    name: str, numba: Any, rng: Rng, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, numbers = getattr(optim, name), NUMBERS[name]
    n_arrays = {"_average": 2, "_sgd": 3, "_adam": 4}[name]
    shape = 2, chains.CACHE
    start = [rng.random(shape, dtype=np.float32) for _ in range(n_arrays)]
    by_numba, by_numpy = ([array.copy() for array in start] for _ in range(2))
    assert chains.compiler() == f"numba {numba.__version__}"
    chain([{"w": array} for array in by_numba], *numbers)
    monkeypatch.setattr(chains, "compiler", lambda: "numpy")
    chain([{"w": array} for array in by_numpy], *numbers)
    for a, b, before in zip(by_numba, by_numpy, start, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
        assert (a is by_numba[-1]) == (a == before).all(), "all but the last array change"


@pytest.mark.parametrize("formula", [losses._cross_entropy, losses._sigmoid_minus])
def test_a_formula_makes_a_new_array_with_either_compiler(
    formula: Any, numba: Any, rng: Rng, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = [rng.random((200, 200), dtype=np.float32) for _ in range(3)]
    arrays[1] -= 0.5
    start = [array.copy() for array in arrays]
    by_numba = formula(*arrays)
    monkeypatch.setattr(chains, "compiler", lambda: "numpy")
    np.testing.assert_allclose(by_numba, formula(*arrays), rtol=1e-6, atol=1e-7)
    assert by_numba.dtype == np.float32
    np.testing.assert_array_equal(arrays, start)


def test_a_loop_never_reads_beyond_an_array(numba: Any) -> None:
    long, short = np.ones((2, chains.LARGE), np.float32), np.ones((3, chains.LARGE), np.float32)
    with pytest.raises(ValueError, match="broadcast"):
        optim._average([{"b": long, "w": long}, {"b": long, "w": short}], 0.5)
    with pytest.raises(ValueError, match="broadcast"):
        losses._cross_entropy(long, long, short)


def test_numba_takes_what_training_has_and_nothing_else(
    numba: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = []

    def record(chain: Any, n_arrays: int) -> Any:
        return lambda *args: loops.append([array.shape for array in args[:-1]])

    monkeypatch.setattr(chains, "_loop", record)

    @chains.fused
    def double(xp: ModuleType, y: Array, x: Array) -> Array:
        y += x
        return y

    def ones(dtype: str, *shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
        return {str(shape): np.ones(shape, dtype) for shape in shapes}

    double([ones("float32", (127, 257), (129,)) for _ in range(2)])
    assert loops == [[(32_639,)] * 2, [(129,)] * 2], "flat views, and LARGE entries in all"
    transposed = {"w": ones("float32", (127, 257), (300, 200))["(300, 200)"].T}
    for start in (
        ones("float64", (256, 400)),
        ones("float32", (127, 257), (128,)),
        transposed,
        ones("float32", (256, 400)) | ones("float64", (3,)),
    ):
        y = {name: array.copy(order="K") for name, array in start.items()}
        double([y, start])
        assert all((array == 2).all() for array in y.values())
    assert len(loops) == 2


def test_a_folder_for_compiled_code_is_not_needed(
    numba: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    njit = numba.njit

    def without_folder(function: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    monkeypatch.setattr(numba, "njit", without_folder)

    def add(xp: ModuleType, y: Array, x: Array) -> Array:
        y += x
        return y

    y, x = np.ones(5, np.float32), np.arange(5, dtype=np.float32)
    chains._loop(add, 2)(y, x, ())
    assert y.tolist() == [1, 2, 3, 4, 5]


def test_without_numba_or_its_compiler_numpy_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    find = chains.compiler.__wrapped__
    monkeypatch.setitem(sys.modules, "numba", None)
    assert find() == "numpy"
    off = ModuleType("numba")
    vars(off).update(config=ModuleType("config"), __version__="0")
    vars(off.config).update(DISABLE_JIT=1)
    monkeypatch.setitem(sys.modules, "numba", off)
    assert find() == "numpy"


# What fades


@pytest.mark.parametrize("kind", [Adam, SGD])
def test_what_has_faded_becomes_zero(kind: Any) -> None:
    """The mean of a gradient that has ended would stay at denormal numbers for ever."""
    params = {"w": np.ones(3, np.float32)}
    more = {"momentum": 0.9} if kind is SGD else {}
    stepper = kind(params, lr=1e-3, **more)
    stepper.step({"w": np.ones(3, np.float32)})
    least = np.finfo(np.float32).smallest_normal
    for _ in range(1_000 - 1):
        stepper.step({"w": np.zeros(3, np.float32)})
    for name, buffer in stepper.buffers.items():
        assert ((buffer == 0) | (abs(buffer) >= least)).all(), name
    fading = stepper.velocity if kind is SGD else stepper.m
    assert (fading["w"] == 0).all()
