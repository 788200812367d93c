"""CuPy as far as it can be told without a GPU: arrays on "the device", held by NumPy underneath.

It computes what NumPy computes, bit for bit, and refuses what CuPy refuses: NumPy arrays beside
its own, names and keywords that are not in contract.json (see generate.py), dtypes without a loop.
`transfers` lists every crossing between host and device, the ones that only wait for a number
included. Where CuPy would compute or copy in silence it is stricter: no NumPy function takes these
arrays, no list or NumPy array indexes them, and dtypes must be such that both agree on the result.
"""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

__name__ = "cupy"  # and so the module of the array type, which is what minigen goes by

CONTRACT = json.loads(Path(__file__).with_name("contract.json").read_text())
DTYPES = "?bBhHiIlLqQefdFD"  # without longdouble, str, object
CREATE = {"arange", "empty", "eye", "full", "identity", "linspace", "logspace", "ones", "zeros"}
DECIDE = {"allclose", "array_equal", "array_equiv"}  # NumPy answers with a bool, CuPy with an array
WAIT = {  # the shape or the content of the result is needed on the host
    *("argwhere", "bincount", "flatnonzero", "nonzero", "unique"),
    *("array2string", "array_repr", "array_str", "save", "savetxt", "savez", "savez_compressed"),
    *("dump", "dumps", "item", "tobytes", "tofile", "tolist"),
}

transfers: list[str] = []
launches: list[str] = []
kernels: set[tuple[Any, tuple[Any, ...]]] = set()  # (function, kinds) that CuPy would compile


class ndarray:  # noqa: N801
    """cupy.ndarray, and no numpy.ndarray."""

    __array_ufunc__ = None  # np.exp(x) and np_array + x: CuPy would compute, and nobody would know
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: np.ndarray) -> None:
        if host.dtype.char not in DTYPES:
            raise TypeError(f"Unsupported dtype {host.dtype}")
        self._host = host

    def __array__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_function__(self, function: Any, *rest: Any) -> None:
        raise TypeError(f"numpy.{function.__name__} of a device array; call the array's own module")

    def __getattr__(self, name: str) -> Any:
        if name in {"shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags"}:
            return getattr(self._host, name)
        if name in {"T", "mT", "real", "imag"}:
            return ndarray(getattr(self._host, name))
        if name not in METHODS:
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")

        def method(*args: Any, **kwargs: Any) -> Any:
            METHODS[name].bind(*args, **kwargs)
            return _apply(name, getattr(self._host, name), args, kwargs, self)

        return method

    def get(self) -> np.ndarray:
        return _count("get", self).copy()

    def __getitem__(self, index: Any) -> "ndarray":
        return ndarray(np.asarray(self._host[self._index(index)]))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._host[self._index(index)] = _operand(value)

    def _index(self, index: Any) -> Any:
        if _fusing:
            raise TypeError("no indexing within cupy.fuse")
        keys = index if isinstance(index, tuple) else (index,)
        for key in keys:
            if isinstance(key, list | np.ndarray):
                raise TypeError(f"Unsupported type {type(key)} as an index: a hidden transfer")
            if isinstance(key, ndarray) and key.dtype == bool:
                _count("boolean index", key)  # how many are true?
        return tuple(map(_host, keys))

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(_count("bool", self))

    def __int__(self) -> int:
        return int(_count("int", self))

    def __float__(self) -> float:
        return float(_count("float", self))

    def __complex__(self) -> complex:
        return complex(_count("complex", self))

    def __repr__(self) -> str:
        return repr(_count("repr", self))

    def __str__(self) -> str:
        return str(_count("str", self))

    def __format__(self, spec: str) -> str:
        return format(_count("format", self), spec)

    def __matmul__(self, other: Any) -> Any:
        return __getattr__("matmul")(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return __getattr__("matmul")(other, self)


def _count(how: str, array: ndarray) -> np.ndarray:
    transfers.append(f"{how} {array.shape}")
    return array._host


class Scalar:
    """A number within cupy.fuse, for an operation with an array: it has no operators of its own,
    because CuPy computes what two numbers make of each other in half precision.
    """

    def __init__(self, value: float) -> None:
        self.value = value


def _host(value: Any) -> Any:
    """What NumPy underneath is given for an argument."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, list | tuple):
        return type(value)(map(_host, value))
    return value


def _operand(value: Any) -> Any:
    """The same for an operand of a ufunc, which must be an array or a scalar."""
    if isinstance(value, ndarray | Scalar):
        return _host(value)
    if isinstance(value, bool | int | float | complex | np.generic):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def _device(result: Any) -> Any:
    """Results live on the device, those of reductions too."""
    if isinstance(result, np.ndarray | np.generic):
        return ndarray(np.asarray(result))
    if isinstance(result, list | tuple):
        return tuple(map(_device, result))
    return result


def _apply(
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    subject: Any = None,
) -> Any:
    if _fusing and not (name in CONTRACT["ufuncs"] or name == "astype"):
        raise TypeError(f"{name} is not elementwise: cupy.fuse cannot make it part of a kernel")
    if not (_fusing or name == "empty_like"):
        launches.append(name)
    out = kwargs.get("out")
    if not isinstance(out, ndarray | None):
        raise TypeError(f"Argument 'out' has incorrect type (got {type(out)})")
    result = function(*map(_host, args), **{key: _host(value) for key, value in kwargs.items()})
    if name in WAIT:
        _count(name, subject)
        if not isinstance(result, tuple | np.ndarray):
            return result  # it is on the host now
    if out is not None:
        return out
    return _device(np.asarray(result) if name in DECIDE else result)


_fusing = False


def _kind(value: Any) -> tuple[str, int] | type:
    """All that a kernel depends on: dtype and number of axes, or the type of a number."""
    return (value.dtype.name, value.ndim) if isinstance(value, ndarray) else type(value)


def fuse(kernel_name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """One launch for all that the function does, and nothing in it but elementwise operations."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def kernel(*args: Any) -> Any:
            global _fusing
            for value in args:
                _operand(value)
            launches.append(kernel_name)
            kernels.add((function, tuple(map(_kind, args))))
            _fusing = True
            try:
                return function(*(a if isinstance(a, ndarray) else Scalar(a) for a in args))
            finally:
                _fusing = False

        return kernel

    return decorate


def _signatures(group: str) -> dict[str, inspect.Signature]:
    texts = CONTRACT[group].items()
    return {name: inspect.signature(eval(f"lambda {text}: None")) for name, text in texts}


FUNCTIONS = _signatures("functions")
METHODS = _signatures("methods")
DRAWS = _signatures("generator")


def _function(name: str, signature: inspect.Signature, numpys: Callable[..., Any]) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        signature.bind(*args, **kwargs)
        if name in CREATE:
            return _device(numpys(*args, **kwargs))
        listed = (value if isinstance(value, list | tuple) else [value] for value in args)
        on_device = [a for values in listed for a in values if isinstance(a, ndarray)]
        if not on_device or (name == "matmul" and len(on_device) < 2):
            raise TypeError(f"{name} takes device arrays, got {list(map(type, args))}")
        return _apply(name, numpys, args, kwargs, on_device[0])

    return function


def _ufunc(name: str) -> Callable[..., Any]:
    loops = [loop.split("->") for loop in CONTRACT["ufuncs"][name].split()]

    def ufunc(*args: Any, **kwargs: Any) -> Any:
        if kwargs.keys() - {"out", "dtype", "casting"}:
            raise TypeError(f"Wrong arguments {kwargs}")
        if _fusing and not any(isinstance(value, ndarray) for value in args):
            raise TypeError(f"{name} of numbers alone: cupy.fuse computes it in half precision")
        operands = list(map(_operand, args))
        if len(operands) != len(loops[0][0]):
            raise TypeError(f"Wrong number of arguments for {name}: {len(operands)}")
        # CuPy takes the first loop that all operands can be cast to.
        fitting = (outputs for inputs, outputs in loops if all(map(_fits, operands, inputs)))
        outputs = next(fitting, None)
        if outputs is None:
            raise TypeError(f"Wrong type of arguments for {name}: no loop for {operands}")
        result = _apply(name, getattr(np, name), args, kwargs)
        if kwargs.keys() <= {"casting"}:
            found = [array.dtype for array in (result if isinstance(result, tuple) else [result])]
            if found != list(map(np.dtype, outputs)):
                raise TypeError(f"{name}: NumPy gives {found}, and CuPy {outputs}; cast first")
        return result

    return ufunc


def _fits(operand: Any, char: str) -> bool:
    """A Python scalar has a kind and no precision: it leaves a float32 array as it is."""
    weak = {bool: "biufc", int: "iufc", float: "fc", complex: "c"}.get(type(operand))
    dtype = np.dtype(char)
    return dtype.kind in weak if weak else np.can_cast(operand.dtype, dtype)


def _add_operators() -> None:
    def binary(name: str) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
        ufunc = _ufunc(name)
        return (
            lambda self, other: ufunc(self, other),
            lambda self, other: ufunc(other, self),
            lambda self, other: ufunc(self, other, out=self),
        )

    for symbol, name in {
        "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
        "floordiv": "floor_divide", "mod": "remainder", "pow": "power",
        "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    }.items():  # fmt: skip
        for prefix, operator in zip(("", "r", "i"), binary(name), strict=True):
            setattr(ndarray, f"__{prefix}{symbol}__", operator)
    for symbol, name in {
        "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
        "eq": "equal", "ne": "not_equal",
    }.items():  # fmt: skip
        setattr(ndarray, f"__{symbol}__", binary(name)[0])
    for symbol, name in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
        setattr(ndarray, f"__{symbol}__", _ufunc(name))


_add_operators()


def asarray(a: Any, dtype: Any = None) -> ndarray:
    """Move in, or cast what is in already."""
    if isinstance(a, ndarray):
        return ndarray(np.asarray(a._host, dtype))
    moved = ndarray(np.array(a, dtype))
    _count("asarray", moved)
    return moved


def array(obj: Any, dtype: Any = None) -> ndarray:
    """The same, and always a copy."""
    return ndarray(asarray(obj, dtype)._host.copy())


class Generator:
    """cupy.random.Generator, drawing what NumPy's draws."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._rng = np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        if name not in DRAWS:
            raise AttributeError(f"'Generator' object has no attribute {name!r}")

        def draw(*args: Any, **kwargs: Any) -> Any:
            DRAWS[name].bind(*args, **kwargs)
            drawn = _apply(name, getattr(self._rng, name), args, kwargs)
            return _device(np.asarray(drawn)) if np.isscalar(drawn) else drawn

        return draw


def default_rng(seed: Any = None) -> Generator:
    is_sequence = isinstance(seed, np.random.SeedSequence)
    return Generator(seed if is_sequence else np.random.SeedSequence(seed))


random = SimpleNamespace(default_rng=default_rng, Generator=Generator)
linalg = SimpleNamespace(
    **{
        name: _function(name, signature, getattr(np.linalg, name))
        for name, signature in _signatures("linalg").items()
    }
)


def __getattr__(name: str) -> Any:
    if name in CONTRACT["constants"].split():
        return getattr(np, name)
    if name in CONTRACT["ufuncs"]:
        return _ufunc(name)
    if name in FUNCTIONS:
        return _function(name, FUNCTIONS[name], getattr(np, name))
    raise AttributeError(f"module 'cupy' has no attribute {name!r}")
