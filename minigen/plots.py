"""Figures: arrays in, a file out. Nothing here knows a model.

Grey images are (M, rows, columns) with values in [0, 1], 0 drawn black.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TRAIN, TEST = "tab:blue", "tab:orange"


def curves(
    path: Path,
    train: Mapping[str, Sequence[float]],
    test: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    unit: str,
) -> None:
    """One panel for each term, over epochs 1, 2, ...: train and test, the last test value named."""
    figure = Figure(figsize=(4 * len(titles), 3.4), layout="constrained")
    for axes, (term, title) in zip(figure.subplots(1, len(titles)), titles.items(), strict=True):
        epochs = range(1, len(test[term]) + 1)
        axes.plot(epochs, train[term], ".-", color=TRAIN, label="train, while learning")
        axes.plot(epochs, test[term], ".-", color=TEST, label="test, after the epoch")
        axes.set_title(f"{title}\ntest {test[term][-1]:.2f} after epoch {len(test[term])}")
        axes.set_xlabel("epoch")
        axes.set_ylabel(unit)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def image_grid(path: Path, images: np.ndarray, columns: int, title: str) -> None:
    """Images row by row, in one picture."""
    tiles = mosaic(images, columns)
    figure = Figure(figsize=_size_for(tiles), layout="constrained")
    _show(figure.subplots(), tiles, title)
    figure.savefig(path, dpi=120)


def latent_plane(path: Path, codes: np.ndarray, labels: np.ndarray | None, title: str) -> None:
    """Codes (M, 2) as points, coloured by label (M,) where there are labels."""
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    colours: dict[str, Any] = {} if labels is None else {"c": labels, "cmap": "tab10"}
    points = axes.scatter(codes[:, 0], codes[:, 1], s=3, alpha=0.6, **colours)
    if labels is not None:
        handles, names = points.legend_elements()
        axes.legend(handles, names, title="label", loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(title=title, xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def animation(
    path: Path, frames: Iterable[tuple[str, np.ndarray]], columns: int, fps: int = 3
) -> None:
    """A GIF of (title, images) frames; it dwells on the last one."""
    frames = [(title, mosaic(images, columns)) for title, images in frames]
    figure = Figure(figsize=_size_for(frames[0][1]), layout="constrained")
    writer = PillowWriter(fps=fps)
    with writer.saving(figure, path, dpi=72):
        for title, tiles in [*frames, *[frames[-1]] * (2 * fps)]:
            figure.clear()
            _show(figure.subplots(), tiles, title)
            writer.grab_frame()


def mosaic(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """(M, rows, columns) images side by side, white between them and where the last row ends."""
    count, height, width = images.shape
    lines = -(-count // columns)
    tiles = np.ones((lines * columns, height + gap, width + gap), dtype=images.dtype)
    tiles[:count, :height, :width] = images
    tiles = tiles.reshape(lines, columns, height + gap, width + gap).swapaxes(1, 2)
    return tiles.reshape(lines * (height + gap), -1)[:-gap, :-gap]


def _size_for(tiles: np.ndarray) -> tuple[float, float]:
    """Inches for a picture of these proportions under a title."""
    scale = 6 / max(tiles.shape)
    return tiles.shape[1] * scale, tiles.shape[0] * scale + 0.6


def _show(axes: Axes, tiles: np.ndarray, title: str) -> None:
    axes.imshow(tiles, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()
