"""Writes contract.json: what an installed CuPy has of NumPy's names, and how each may be called.

    python tests/strict/generate.py        # where CuPy is installed; no GPU is needed

What each entry is known from: a Python function's signature is inspected; a compiled method's is
the first line of its docstring, where Cython puts it; a ufunc lists its own dtype loops.
"""

import inspect
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import cupy
import numpy as np
from cupy._core._gufuncs import _GUFunc
from cupy._sorting.search import _where_ufunc

CONTRACT = Path(__file__).with_name("contract.json")


def inspected(function: Any) -> str:
    """A Python function's parameters; all that a default tells is that there is one."""
    parameters = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else None)
        for p in inspect.signature(function).parameters.values()
    ]
    return str(inspect.Signature(parameters))[1:-1]


def documented(method: Any) -> str:
    """A compiled method's parameters, without self and without the C types."""
    first = method.__doc__.partition("\n")[0]
    listed = re.search(r"\((.*)\)", first).group(1).split(", ")  # type: ignore[union-attr]
    names = [re.sub(r"=.*", "=None", parameter).split(" ")[-1] for parameter in listed]
    return ", ".join(names[1:])


def shared(module: ModuleType, numpys: Any) -> dict[str, Any]:
    return {
        name: getattr(module, name)
        for name in sorted(dir(module))
        if name[0] != "_" and hasattr(numpys, name)
    }


def functions(module: ModuleType, numpys: ModuleType) -> dict[str, str]:
    found = shared(module, numpys).items()
    return {k: inspected(v) for k, v in found if inspect.isfunction(v) or isinstance(v, _GUFunc)}


def methods(owner: Any, numpys: Any) -> dict[str, str]:
    return {k: documented(v) for k, v in shared(owner, numpys).items() if callable(v)}


def contract() -> dict[str, Any]:
    names = shared(cupy, np)
    ufuncs = {k: v.types for k, v in names.items() if isinstance(v, cupy.ufunc)}
    return {
        "version": cupy.__version__,
        "constants": " ".join(
            k for k, v in names.items() if v is getattr(np, k) or isinstance(v, float)
        ),
        "functions": functions(cupy, np),
        "linalg": functions(cupy.linalg, np.linalg),
        "ufuncs": {k: " ".join(types) for k, types in ufuncs.items()}
        | {"where": " ".join(_where_ufunc.types)},  # its three-argument form
        "methods": methods(cupy.ndarray, np.ndarray),
        "generator": methods(cupy.random.Generator, np.random.Generator),
    }


if __name__ == "__main__":
    CONTRACT.write_text(json.dumps(contract(), indent=1) + "\n")
