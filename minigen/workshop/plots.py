"""Painters and what they paint on: arrays in, a file out. Nothing here knows a model.

A painter draws one picture into given axes; `picture` saves one painter's work, `animation` that
of many. A picture that cannot be written leaves the one before as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minigen.workshop.atomic import replacing
from minigen.workshop.process import backend_unread

with backend_unread():
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

Painter = Callable[[Axes], None]

BLUE, ORANGE = "tab:blue", "tab:orange"
SIDE = 6.0  # inches, the width of a picture, and what a tall one is high
MOST_COLOURS = 10  # labels that have a colour of their own and an entry in the legend
FRAME, LAST_FRAME = 330, 2330  # milliseconds of an animation


def picture(path: Path, paint: Painter, shape: Sequence[float] = (1, 1)) -> None:
    """Save what one painter draws; `shape` is (height, width) in any unit."""
    figure = _figure(shape)
    paint(figure.subplots())
    _save(figure, path)


def animation(path: Path, painters: Sequence[Painter], shape: Sequence[float] = (1, 1)) -> None:
    """Save a GIF with a frame for each painter; it dwells on the last one.

    All frames are laid out as the first: nothing jumps, and to lay one out takes as long as to
    draw it.
    """
    figure = _figure(shape)
    figure.set_dpi(72)
    canvas: Any = FigureCanvasAgg(figure)  # matplotlib gives it no types
    frames: list[Image.Image] = []
    places: list[Any] = []  # where the first frame has its axes
    for paint in painters:
        figure.clear()
        paint(figure.subplots())
        for axes, place in zip(figure.axes, places, strict=False):
            axes.set_position(place)
        canvas.draw()
        if not frames:
            places = [axes.get_position(original=True) for axes in figure.axes]
            figure.set_layout_engine("none")
        frames.append(Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB"))
    first, *rest = frames
    durations = [FRAME] * len(rest) + [LAST_FRAME]
    with replacing(path) as file:
        first.save(file, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)


def curves(
    path: Path,
    train: Mapping[str, Sequence[float]],
    test: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    references: Mapping[str, tuple[float, str]],
) -> None:
    """One panel for each term, over epochs 1, 2, ...: train and test, the last test value named.

    Args:
        path: the file.
        train: by name, a value for each epoch, while learning.
        test: the same, after each epoch.
        titles: the names to draw, and what to call them, with the unit.
        references: by name, a value that theory knows and what it is, drawn as a line.
    """
    figure = Figure(figsize=(4 * len(titles), 3.4), layout="constrained")
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        epochs = range(1, len(test[name]) + 1)
        axes.plot(epochs, train[name], ".-", color=BLUE, label="train, while learning")
        axes.plot(epochs, test[name], ".-", color=ORANGE, label="test, after the epoch")
        if name in references:
            reference, label = references[name]
            axes.axhline(reference, color="black", linestyle=":", label=label)
        axes.set_title(f"{title}\ntest {test[name][-1]:.2f} after epoch {len(test[name])}")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    _save(figure, path)


def images(axes: Axes, tiles: np.ndarray, title: str) -> None:
    """Painter: a mosaic of images, as `layout.mosaic` makes it."""
    axes.imshow(tiles.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()


def codes(axes: Axes, points: np.ndarray, labels: np.ndarray | None, title: str) -> None:
    """Painter: codes (M, 2), coloured by label (M,) where there are labels."""
    scatter = partial(axes.scatter, points[:, 0], points[:, 1], s=3, alpha=0.6)
    if labels is None:
        scatter()
    elif len(names := np.unique(labels)) <= MOST_COLOURS:
        drawn = scatter(c=np.searchsorted(names, labels), cmap="tab10")
        handles, _ = drawn.legend_elements(num=range(len(names)))
        axes.legend(handles, names, title="label", loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        drawn = scatter(c=labels, cmap="turbo")
        axes.figure.colorbar(drawn, ax=axes, label="label", shrink=0.7)
    axes.set(title=title, xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    axes.grid(alpha=0.3)


def density(
    axes: Axes,
    frame: np.ndarray,
    data: np.ndarray | None,
    samples: np.ndarray,
    title: str,
    name: str = "samples",
    field: np.ndarray | None = None,
) -> None:
    """Painter: where data and samples lie, in one dimension or two.

    Args:
        axes: to draw into.
        frame: the part that is seen, as `layout.frame_around` makes it.
        data: (N, D), D = 1 or 2, if there are any to compare with.
        samples: (M, D). The legend says how many of them lie outside the frame, if any.
        title: of the picture.
        name: of the samples.
        field: the discriminator's D(x) at the frame's points, (G,) or (G, G).
    """
    low, high = frame.reshape(-1, samples.shape[1])[[0, -1]]
    outside = np.count_nonzero(((samples < low) | (samples > high)).any(axis=1))
    if outside:
        name += f" ({outside:,} of {len(samples):,} outside)"
    paint = _density_on_a_line if samples.shape[1] == 1 else _density_in_the_plane
    paint(axes, frame, {**({} if data is None else {"data": data}), name: samples}, field)
    axes.set_title(title, fontsize=11)
    axes.legend(loc="upper right", fontsize=8)


def _density_on_a_line(
    axes: Axes, frame: np.ndarray, series: Mapping[str, np.ndarray], field: np.ndarray | None
) -> None:
    ticks = frame[:, 0]
    for (name, rows), colour in zip(series.items(), (BLUE, ORANGE)[-len(series) :], strict=True):
        share = np.full(len(rows), 1 / (len(rows) * (ticks[1] - ticks[0])))
        axes.hist(rows[:, 0], list(ticks), weights=share, alpha=0.5, label=name, color=colour)
    axes.set(xlabel="$x$", ylabel="density", xlim=(ticks[0], ticks[-1]))
    if field is not None:
        axes.plot(ticks, field, color="black", label="$D(x)$")
        axes.axhline(0.5, color="black", linestyle=":", linewidth=1)
        axes.set_ylabel("density, and $D(x)$")


def _density_in_the_plane(
    axes: Axes, frame: np.ndarray, series: Mapping[str, np.ndarray], field: np.ndarray | None
) -> None:
    if field is not None:
        drawn = axes.contourf(
            frame[..., 0], frame[..., 1], field, np.linspace(0, 1, 21), cmap="coolwarm_r",
            alpha=0.5,
        )  # fmt: skip
        axes.figure.colorbar(drawn, ax=axes, label="$D(x)$", ticks=[0, 0.5, 1], shrink=0.7)
    colours = ("black", (ORANGE, 0.6))[-len(series) :]
    for (name, rows), colour in zip(series.items(), colours, strict=True):
        axes.scatter(rows[:, 0], rows[:, 1], s=6, color=colour, label=name)
    axes.set(
        xlabel="$x_1$", ylabel="$x_2$", aspect="equal",
        xlim=frame[0, [0, -1], 0], ylim=frame[[0, -1], 0, 1],
    )  # fmt: skip


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, dpi=120, format="png")


def _figure(shape: Sequence[float]) -> Figure:
    """As wide as a title needs, also around a narrow picture."""
    height, width, *_ = shape
    return Figure(
        figsize=(SIDE, SIDE * min(1, height / width) + 0.6),  # room for a title
        layout="constrained",
    )
