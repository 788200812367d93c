"""The directions of the digits, on page 6: those in which 6,000 of them vary most, and ten to try.

python tutorials/plays/directions.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from weights import quantized, text

from minigen.data import load, scaled

TARGET = Path(__file__).parent / "directions.js"
N_IMAGES, N_LATENT = 6_000, 20


def content() -> dict[str, Any]:
    """The mean, the leading directions and their variances, the mean of the other variances, and
    the first test image of each digit.
    """
    mnist = load("mnist")
    train = scaled(mnist.train[:N_IMAGES]).astype(np.float64)
    variances, directions = np.linalg.eigh(np.cov(train, rowvar=False, ddof=0))
    levels, step = quantized(directions[:, : -N_LATENT - 1 : -1].astype(np.float32))
    first = [int(np.argmax(mnist.test_labels == digit)) for digit in range(10)]
    return {
        "mean": text(train.mean(axis=0).astype(np.float32)),
        "levels": text(levels.T),
        "step": text(step),
        "variances": variances[: -N_LATENT - 1 : -1].tolist(),
        "rest": float(variances[:-N_LATENT].mean()),
        "images": text(mnist.test[first]),
    }


if __name__ == "__main__":
    TARGET.write_text(f"export const stored = {json.dumps(content(), separators=(',', ':'))};\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
