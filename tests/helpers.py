"""Small data and small trained runs."""

from pathlib import Path

import numpy as np

from minigen.train import main


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float32) / 255


def squares(path: Path, count: int = 300) -> Path:
    """Images of 8x8 that have something to learn: a bright square somewhere."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (count, 8, 8), dtype=np.uint8)
    for image, (row, column) in zip(images, rng.integers(0, 5, (count, 2)), strict=True):
        image[row : row + 4, column : column + 4] += 180
    np.save(path, images)
    return path


def points(path: Path, count: int = 400) -> Path:
    """Rows of two values around two centres."""
    rng = np.random.default_rng(0)
    rows = np.repeat([[-1.0, 0.0], [1.0, 0.5]], count // 2, axis=0)
    np.save(path, (rows + 0.1 * rng.standard_normal((count, 2))).astype(np.float32))
    return path


def trained(model: str, data: Path, run: Path, *arguments: str, draw: bool = False) -> Path:
    """Two epochs of a small model; the run folder. Figures, which take the time, if asked for."""
    small = ["--hidden", "12", "--epochs", "2", "--batch-size", "64", "--latent-dim", "3"]
    command = [model, "--data", str(data), "--out", str(run), *small, *arguments]
    assert main(command if draw else [*command, "--no-figures"]) == 0
    return run
