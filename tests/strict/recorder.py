"""What CuPy makes of a fused chain, to be read without a GPU.

`cupy.fuse` first runs a chain on placeholders and writes down each operation, with the types that
it has chosen; only then does it compile. This stops in between.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def recorded(chain: Callable[..., None], kinds: tuple[Any, ...]) -> str:
    """The body of the CUDA kernel for arguments of these kinds, as in `standin.kernels`."""
    import cupy
    from cupy._core._fusion_thread_local import thread_local
    from cupy._core.fusion import _FusionHistory

    history = _FusionHistory()
    thread_local.history, thread_local.is_old_fusing = history, True
    try:
        args = [kind(1) if isinstance(kind, type) else _array(*kind) for kind in kinds]
        kernel, _ = history.get_fusion(partial(chain, cupy), args, "recorded")
    finally:
        thread_local.history, thread_local.is_old_fusing = None, False
    return str(kernel.operation)


def _array(dtype: str, ndim: int) -> Any:
    """A CuPy array over memory of the host: nothing may compute with it."""
    import cupy

    host = np.zeros((1,) * ndim, dtype)
    memory = cupy.cuda.UnownedMemory(host.ctypes.data, host.nbytes, host, 0)
    return cupy.ndarray(host.shape, dtype, memptr=cupy.cuda.MemoryPointer(memory, 0))
