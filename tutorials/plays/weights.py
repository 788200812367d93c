"""The decoder under the pointer, on page 6: a trained one in int8, with codes of test digits.

python -m minigen.train vae --latent-dim 2 --hidden 400,200 --epochs 20 --out runs/play
python tutorials/plays/weights.py runs/play
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minigen as mg
from minigen.backend import to_numpy
from minigen.nn.layers import Layer, Linear

TARGET = Path(__file__).parent / "manifold.js"
N_CODES = 1_000
CODE_STEP = 1 / 25  # codes are stored as whole multiples


def text(array: np.ndarray) -> str:
    """The bytes of an array, little endian, in base64."""
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()


def quantized(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A weight (n_in, n_out) in int8, and the step (n_out,) of each of its columns."""
    step = np.abs(weight).max(axis=0) / np.float32(127)
    return np.round(weight / step).astype(np.int8), step


def layer(one: Layer) -> dict[str, Any]:
    """A layer as the script reads it."""
    if not isinstance(one, Linear):
        return {"kind": type(one).__name__}
    weight, bias = (to_numpy(array) for array in one.params.values())
    levels, step = quantized(weight)
    return {
        "kind": "Linear",
        "levels": text(levels),
        "step": text(step),
        "bias": text(bias),
    }


def content(run: mg.Run) -> dict[str, Any]:
    """The decoder of a run, and codes of test digits with their labels."""
    test = run.dataset.test[:N_CODES]
    codes = np.round(run.encode(test) / CODE_STEP).clip(-128, 127).astype(np.int8)
    return {
        "decoder": [layer(one) for one in run.model.decoder.layers],
        "codes": codes.tolist(),
        "codeStep": CODE_STEP,
        "labels": "".join(map(str, run.dataset.test_labels[:N_CODES])),
    }


if __name__ == "__main__":
    whole = json.dumps(content(mg.load(sys.argv[1])), separators=(",", ":"))
    TARGET.write_text(f"export const manifold = {whole};\n", "utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
