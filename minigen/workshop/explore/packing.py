"""How a content stands in the page: one text of base64, in which no tag can begin."""

import base64
import json
import zlib
from typing import Any

import numpy as np


def packed(content: dict[str, Any]) -> str:
    """Pack JSON with arrays: the length of the JSON, it, and behind it the arrays, all deflated.

    In the JSON an array is {array: its dtype, size, at: its place}. Its values lie there byte by
    byte: the first bytes of all values, then the second ones, and so on, little endian. Signs and
    exponents are then neighbours, and deflate makes less of them.
    """
    arrays = bytearray()

    def place(array: np.ndarray) -> dict[str, Any]:
        at = len(arrays)
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        arrays.extend(little.view(np.uint8).reshape(-1, array.itemsize).T.tobytes())
        return {"array": array.dtype.name, "size": array.size, "at": at}

    text = json.dumps(content, separators=(",", ":"), allow_nan=False, default=place).encode()
    whole = len(text).to_bytes(4, "little") + text + arrays
    return base64.b64encode(zlib.compress(whole)).decode()
