"""Where arrays live: NumPy on the CPU, CuPy on the GPU.

The mathematics never names either. A function asks its arguments with `array_module` and calls
what comes back; the commands choose once with `select` and put parameters and data there.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from minigen.errors import MinigenError

Array = Any  # numpy.ndarray or cupy.ndarray: no static type covers both
Generator = Any  # numpy.random.Generator or cupy.random.Generator

NAMES = ("numpy", "cupy", "auto")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEEPING: set[object] = set()  # the open blocks of keep_freed_memory


def array_module(*arrays: Array) -> ModuleType:
    """Find the module, numpy or cupy, in which all these arrays live.

    Raises:
        MinigenError: an argument is no array, or the arrays are of two kinds.
    """
    types = set(map(type, arrays))
    if types <= {np.ndarray}:
        return np
    kinds = {kind.__module__.partition(".")[0] for kind in types}
    if kinds == {"numpy"}:
        return np
    if kinds == {"cupy"}:
        return sys.modules["cupy"]
    if kinds == {"numpy", "cupy"}:
        raise MinigenError(
            "NumPy and CuPy arrays in one call; move them to one side with "
            "backend.to_numpy(array) or cupy.asarray(array)"
        )
    names = ", ".join(type(array).__name__ for array in arrays)
    raise MinigenError(f"expected NumPy or CuPy arrays, got {names}; convert with numpy.asarray")


def select(name: str) -> tuple[ModuleType, str]:
    """Choose a backend by name, and say in one line what was chosen.

    `auto` takes CuPy if it works and NumPy if it does not; `cupy` that does not work is an error.

    Raises:
        MinigenError: the name is unknown, or CuPy was asked for and does not work.
    """
    if name not in NAMES:
        raise MinigenError(f"unknown backend {name!r}; choose one of {', '.join(NAMES)}")
    if name == "numpy":
        return np, "numpy"
    cupy, reason = _probe_cupy()
    if cupy is not None:
        return cupy, "cupy"
    if name == "auto":
        return np, f"numpy ({reason})"
    raise MinigenError(f"CuPy does not work here: {reason}; use the backend numpy")


@contextmanager
def computing(threads: int = 1) -> Iterator[None]:
    """Compute with so many threads of the BLAS library, and keep freed memory, within this block.

    The second thread of a small product is idle most of the time, and waits in a loop: where other
    programs want the core, both lose their turns. With another number of threads, sums are added
    in another order, and the last bits differ.
    """
    with threadpool_limits(limits=threads, user_api="blas"), keep_freed_memory():
        yield


def blas_threads() -> int | None:
    """Count the threads of the BLAS library as it is set now; None if it cannot be asked or set."""
    counts = [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]
    return max(counts, default=None)


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Have the C library keep the memory of freed arrays for those that follow, within this block.

    glibc returns megabytes to the system as soon as they are free, and the next array waits until
    each of its pages has been zeroed anew: 5,000 page faults in a VAE's step at 1024 rows, more
    than a quarter of its time. Behind the last open block it keeps 64 MiB, as it comes to do by
    itself where large arrays are freed; once told, it no longer learns, and what it begins with,
    128 KiB, would slow all that follows. With another C library, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    mallopt(M_MMAP_THRESHOLD, 2**25)  # at its most: what is smaller comes from the heap
    mallopt(M_TRIM_THRESHOLD, -1)  # the heap never shrinks
    block = object()
    _KEEPING.add(block)
    try:
        yield
    finally:
        _KEEPING.remove(block)
        if not _KEEPING:
            mallopt(M_TRIM_THRESHOLD, 2**26)


def _probe_cupy() -> tuple[ModuleType | None, str]:
    """CuPy, if it can do the kinds of work that training needs; otherwise the reason.

    An import that succeeds proves nothing: without a driver it is the first array that fails, and
    with half of the CUDA libraries the first kernel or the first matrix product.
    """
    try:
        import cupy

        draw = cupy.random.default_rng(0).standard_normal((2, 2), dtype=np.float32)
        float(cupy.exp(draw @ draw).sum())
    except Exception as error:  # CuPy and the CUDA libraries below it raise many kinds
        reason = str(error).strip().partition("\n")[0]
        return None, f"{type(error).__name__}: {reason}"
    return cupy, ""


def to_numpy(array: Array) -> np.ndarray:
    """Return a NumPy array with this content: the array itself, or a copy from the device; of a
    number, an array without axes.
    """
    return array.get() if hasattr(array, "get") else np.asarray(array)


def generator(xp: ModuleType, *seed: int) -> Generator:
    """Make a random generator that draws where xp's arrays live; equal seeds give equal streams
    (on a GPU, among those of one model).
    """
    return xp.random.default_rng(np.random.SeedSequence(seed))
