"""Figures: arrays in, a file out. Nothing here knows a model.

A painter draws one picture into given axes; `picture` saves one painter's work, `animation` that
of many. Grey images are (M, rows, columns) with values in [0, 1], and 0 is black.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

Painter = Callable[[Axes], None]

BLUE, ORANGE = "tab:blue", "tab:orange"
SIDE = 6.0  # inches, the longer side of a picture
FRAME, LAST_FRAME = 330, 2330  # milliseconds of an animation


def picture(path: Path, paint: Painter, shape: tuple[float, float] = (1, 1)) -> None:
    """Save what one painter draws; `shape` is (height, width) in any unit."""
    figure = _figure(shape)
    paint(figure.subplots())
    figure.savefig(path, dpi=120)


def animation(path: Path, painters: Sequence[Painter], shape: tuple[float, float] = (1, 1)) -> None:
    """Save a GIF with a frame for each painter; it dwells on the last one."""
    figure = _figure(shape)
    figure.set_dpi(72)
    canvas: Any = FigureCanvasAgg(figure)  # matplotlib gives it no types
    frames = []
    for paint in painters:
        figure.clear()
        paint(figure.subplots())
        canvas.draw()
        frames.append(Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB"))
    first, *rest = frames
    durations = [FRAME] * len(rest) + [LAST_FRAME]
    first.save(path, save_all=True, append_images=rest, duration=durations, loop=0)


def curves(
    path: Path,
    train: Mapping[str, Sequence[float]],
    test: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    levels: Mapping[str, tuple[float, str]],
) -> None:
    """One panel for each term, over epochs 1, 2, ...: train and test, the last test value named.

    Args:
        path: the file.
        train: values by term, while learning.
        test: values by term, after each epoch.
        titles: the terms to draw, and what to call them, with the unit.
        levels: by term, a value that theory knows and its name, drawn as a line.
    """
    figure = Figure(figsize=(4 * len(titles), 3.4), layout="constrained")
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    for axes, (term, title) in zip(panels, titles.items(), strict=True):
        epochs = range(1, len(test[term]) + 1)
        axes.plot(epochs, train[term], ".-", color=BLUE, label="train, while learning")
        axes.plot(epochs, test[term], ".-", color=ORANGE, label="test, after the epoch")
        if term in levels:
            level, name = levels[term]
            axes.axhline(level, color="black", linestyle=":", label=name)
        axes.set_title(f"{title}\ntest {test[term][-1]:.2f} after epoch {len(test[term])}")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def images(axes: Axes, tiles: np.ndarray, title: str) -> None:
    """Painter: a mosaic of images, as `mosaic` makes it."""
    axes.imshow(tiles, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()


def mosaic(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """(M, rows, columns) images side by side, white between them and where the last row ends."""
    count, height, width = images.shape
    lines = -(-count // columns)
    tiles = np.ones((lines * columns, height + gap, width + gap), dtype=images.dtype)
    tiles[:count, :height, :width] = images
    tiles = tiles.reshape(lines, columns, height + gap, width + gap).swapaxes(1, 2)
    return tiles.reshape(lines * (height + gap), -1)[:-gap, :-gap]


def codes(axes: Axes, points: np.ndarray, labels: np.ndarray | None, title: str) -> None:
    """Painter: codes (M, 2), coloured by label (M,) where there are labels."""
    colours: dict[str, Any] = {} if labels is None else {"c": labels, "cmap": "tab10"}
    drawn = axes.scatter(points[:, 0], points[:, 1], s=3, alpha=0.6, **colours)
    if labels is not None:
        handles, names = drawn.legend_elements()
        axes.legend(handles, names, title="label", loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(title=title, xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    axes.grid(alpha=0.3)


def density(
    axes: Axes,
    data: np.ndarray,
    samples: np.ndarray,
    title: str,
    field: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Painter: where data and samples lie, in one dimension or two.

    Args:
        axes: what to draw into.
        data: (N, D), D = 1 or 2.
        samples: (M, D).
        title: of the picture.
        field: points (G, 1) or a grid of them (G, G, 2), and the discriminator's D(x) there.
    """
    if data.shape[1] == 1:
        _density_on_a_line(axes, data[:, 0], samples[:, 0], field)
    else:
        _density_in_the_plane(axes, data, samples, field)
    axes.set_title(title, fontsize=11)
    axes.legend(loc="upper right", fontsize=8)


def frame_around(data: np.ndarray, count: int) -> np.ndarray:
    """Points (count, 1), or a grid (count, count, 2), over the data's range and a fifth more."""
    low, high = data.min(axis=0), data.max(axis=0)
    least = 1e-3 * np.maximum(1, np.abs(high))  # constant data have a place too, also far from 0
    margin = np.maximum((high - low) / 5, least)
    ticks = np.linspace(low - margin, high + margin, count, dtype=np.float32)  # (count, D)
    if data.shape[1] == 1:
        return ticks
    return np.stack(np.meshgrid(ticks[:, 0], ticks[:, 1]), axis=-1)


def _density_on_a_line(
    axes: Axes,
    data: np.ndarray,
    samples: np.ndarray,
    field: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    ticks = frame_around(data[:, None], 80)[:, 0]
    for values, name, colour in ((data, "data", BLUE), (samples, "samples", ORANGE)):
        share = np.full(len(values), 1 / (len(values) * (ticks[1] - ticks[0])))
        axes.hist(values, list(ticks), weights=share, alpha=0.5, label=name, color=colour)
    axes.set(xlabel="$x$", ylabel="density, and $D(x)$", xlim=(ticks[0], ticks[-1]))
    if field is not None:
        points, probability = field
        axes.plot(points[:, 0], probability, color="black", label="$D(x)$")
        axes.axhline(0.5, color="black", linestyle=":", linewidth=1)


def _density_in_the_plane(
    axes: Axes,
    data: np.ndarray,
    samples: np.ndarray,
    field: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    if field is not None:
        grid, probability = field
        drawn = axes.contourf(
            grid[..., 0], grid[..., 1], probability, np.linspace(0, 1, 21), cmap="coolwarm_r",
            alpha=0.5,
        )  # fmt: skip
        axes.figure.colorbar(drawn, ax=axes, label="$D(x)$", ticks=[0, 0.5, 1], shrink=0.7)
    axes.scatter(data[:, 0], data[:, 1], s=6, color="black", label="data")
    axes.scatter(samples[:, 0], samples[:, 1], s=6, color=ORANGE, label="samples", alpha=0.6)
    corners = frame_around(data, 2)
    axes.set(
        xlabel="$x_1$", ylabel="$x_2$", aspect="equal",
        xlim=corners[0, :, 0], ylim=corners[:, 0, 1],
    )  # fmt: skip


def _figure(shape: tuple[float, float]) -> Figure:
    height, width = (SIDE * side / max(shape) for side in shape)
    return Figure(figsize=(width, height + 0.6), layout="constrained")  # room for a title
