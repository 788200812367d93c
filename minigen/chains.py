"""Chains of elementwise operations that pass over memory once: one source, three compilers.

    @fused
    def _average(xp, mean, p, keep):
        mean -= p
        mean *= keep
        mean += p
        return mean

    _average([means, params], 0.9)  # of dicts: one array of each, name by name

Assignments such as `mean -= p` change an array in place, and replace a number. So the same lines
are a chain of NumPy operations on blocks of arrays, the body of one loop over their entries, which
Numba compiles where it is installed, and one kernel, which CuPy compiles. So are those of a formula
that makes a new array:

    @elementwise
    def _cross_entropy(xp, logits, target, log_term):
        return xp.maximum(logits, 0) - logits * target + log_term
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from minigen.backend import Array, array_module

CACHE = 65_536  # entries of an array in one block, which fit in a core's cache
LARGE = 32_768  # entries from which on Numba takes arrays

Chain = Callable[..., Any]


def fused(chain: Chain) -> Callable[..., None]:
    """Let a chain of elementwise operations pass over memory once.

    It is written as chain(xp, *arrays, *numbers), by operators and ufuncs alone. It reads the last
    array, updates the others by augmented assignments, and returns them. It is called as
    chain(dicts, *numbers), and takes the arrays of each name together. Numbers meet arrays only:
    two of them, as in 1 - weight, CuPy would compute in half precision.

    Numba takes float32 arrays of at least LARGE entries in all, those of training: for less,
    compiling costs more than it saves. Its results and NumPy's agree to rounding.
    """
    kernel = functools.cache(lambda cupy: _kernel(chain, cupy))
    loop = functools.cache(lambda n_arrays: _loop(chain, n_arrays))

    @functools.wraps(chain)
    def run(dicts: Sequence[Mapping[str, Array]], *numbers: float) -> None:
        together = [[arrays[name] for arrays in dicts] for name in dicts[0]]
        by_numba = _are_for_numba(together) and compiler() != "numpy"
        for arrays in together:
            xp = array_module(*arrays)
            if xp is not np:
                kernel(xp)(*arrays, *numbers)
            elif by_numba:
                flat = [array.reshape(-1) for array in arrays]
                loop(len(arrays))(*flat, tuple(map(np.float32, numbers)))
            else:
                for blocks in cache_sized(*arrays):
                    chain(np, *blocks, *numbers)

    return run


def elementwise(formula: Chain) -> Chain:
    """Let a formula pass over memory once where it is compiled: by Numba or CuPy, as for `fused`.

    It is written as formula(xp, a, b, c), by operators and ufuncs alone, and called as
    formula(a, b, c), with three arrays of one shape; it returns a new one.
    """
    kernel = functools.cache(lambda cupy: _fuse(formula, cupy))
    loop = functools.cache(lambda: _formula_loop(formula))

    @functools.wraps(formula)
    def run(*arrays: Array) -> Array:
        xp = array_module(*arrays)
        if xp is not np:
            return kernel(xp)(*arrays)
        if _are_for_numba([arrays]) and compiler() != "numpy":
            out = np.empty_like(arrays[0])
            loop()(out.reshape(-1), *[array.reshape(-1) for array in arrays])
            return out
        return formula(np, *arrays)

    return run


def cache_sized(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Walk arrays of equal length together, in blocks of rows of which the first array's fit in a
    core's cache.

    A chain of elementwise operations on a long array reads it from memory once for each operation;
    on one block after another, it reads each block once.
    """
    if arrays[0].size <= CACHE:
        yield arrays
        return
    length = len(arrays[0])
    rows = max(1, math.ceil(length / (arrays[0].size // CACHE + 1)))
    for start in range(0, length, rows):
        yield tuple(array[start : start + rows] for array in arrays)


@functools.cache
def compiler() -> str:
    """Name what computes the chains of large NumPy arrays: numba with its version, or numpy."""
    try:
        import numba
    except ImportError:  # it is not installed, or not for this NumPy
        return "numpy"
    return "numpy" if numba.config.DISABLE_JIT else f"numba {numba.__version__}"


def _are_for_numba(together: Sequence[Sequence[Array]]) -> bool:
    """Whether a loop may take them: it knows one length, and cannot broadcast."""
    large = sum(arrays[0].size for arrays in together) >= LARGE
    return large and all(
        len({array.shape for array in arrays}) == 1 and all(map(_is_for_numba, arrays))
        for arrays in together
    )


def _is_for_numba(array: Array) -> bool:
    return type(array) is np.ndarray and array.dtype == np.float32 and array.flags.c_contiguous


def _kernel(chain: Chain, cupy: ModuleType) -> Callable[..., None]:
    """One kernel, which updates its arrays and makes no others."""

    @functools.wraps(chain)
    def in_place(*args: Any) -> None:
        chain(*args)

    return _fuse(in_place, cupy)


def _loop(chain: Chain, n_arrays: int) -> Callable[..., None]:
    """One loop over the entries of two, three or four arrays."""
    import numba

    each = numba.extending.register_jitable(error_model="numpy")(chain)

    def two(a: Array, last: Array, numbers: Sequence[float]) -> None:
        for i in range(a.size):
            a[i] = each(np, a[i], last[i], *numbers)

    def three(a: Array, b: Array, last: Array, numbers: Sequence[float]) -> None:
        for i in range(a.size):
            a[i], b[i] = each(np, a[i], b[i], last[i], *numbers)

    def four(a: Array, b: Array, c: Array, last: Array, numbers: Sequence[float]) -> None:
        for i in range(a.size):
            a[i], b[i], c[i] = each(np, a[i], b[i], c[i], last[i], *numbers)

    loops: dict[int, Callable[..., None]] = {2: two, 3: three, 4: four}
    return _compiled(loops[n_arrays], chain)


def _fuse(chain: Chain, cupy: ModuleType) -> Chain:
    fused: Chain = cupy.fuse(kernel_name=chain.__name__)(functools.partial(chain, cupy))
    return fused


def _formula_loop(formula: Chain) -> Callable[..., None]:
    """One loop over the entries of three arrays and of the new one."""
    import numba

    each = numba.extending.register_jitable(error_model="numpy")(formula)

    def new(out: Array, a: Array, b: Array, c: Array) -> None:
        for i in range(out.size):
            out[i] = each(np, a[i], b[i], c[i])

    return _compiled(new, formula)


def _compiled(loop: Callable[..., None], chain: Chain) -> Callable[..., None]:
    import numba

    loop.__qualname__ = chain.__qualname__  # a file of its own in Numba's cache
    compiled: Callable[..., None]
    try:
        compiled = numba.njit(loop, cache=True, error_model="numpy")
    except RuntimeError:  # there is no folder that could be written
        compiled = numba.njit(loop, error_model="numpy")
    return compiled
