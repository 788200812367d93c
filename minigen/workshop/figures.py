"""The figures of a run: curves, samples, an animation; reconstructions and codes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import NormalDist

import numpy as np

from minigen.data import Dataset, scaled
from minigen.training import Run
from minigen.workshop import plots
from minigen.workshop.layout import columns, drawable, frame, tiled
from minigen.workshop.snapshots import N_POINTS, Snapshot

N_CODES = 10_000  # test rows, at most, whose codes are drawn
N_RECONSTRUCTED = 20  # test images, at most
N_MANIFOLD = 20  # images on a side
POINTS_SHAPE = 4, 5  # of a picture


def draw_figures(folder: Path, run: Run, snapshots: Mapping[int, Snapshot]) -> None:
    """Draw all figures of a run, from its history and its snapshots by epoch."""
    trainer, dataset = run.trainer, run.dataset
    titles = trainer.titles
    train, test = (
        {name: [getattr(record, split)[name] for record in run.history] for name in titles}
        for split in ("train", "test")
    )
    plots.curves(folder / "curves.png", train, test, titles, trainer.references)
    if drawable(dataset):
        _draw_snapshots(folder, run, snapshots)
    if trainer.has_encoder and run.options.latent_dim == 2:
        _draw_code_plane(folder, run)
    if trainer.has_encoder and dataset.image_shape:
        _draw_reconstructions(folder, run)
        if trainer.has_prior and run.options.latent_dim == 2:
            _draw_manifold(folder, run)


def _draw_snapshots(folder: Path, run: Run, snapshots: Mapping[int, Snapshot]) -> None:
    """The last snapshot, and the animation of all."""
    moments = (f"after epoch {epoch}" if epoch else "before training" for epoch in snapshots)
    titles = [f"{run.trainer.samples_title}, {moment}" for moment in moments]
    pictures = list(snapshots.values())
    if run.dataset.image_shape:
        tiles = [image_tiles(run.dataset, snapshot["rows"]) for snapshot in pictures]
        shape = tiles[-1].shape
        paint = [
            partial(plots.images, tiles=picture, title=title)
            for picture, title in zip(tiles, titles, strict=True)
        ]
    else:
        shape = POINTS_SHAPE
        scatter = scatter_beside(run.dataset)
        name = "samples" if run.trainer.has_prior else "reconstructions"
        paint = [
            partial(scatter, samples=s["rows"], field=s.get("field"), title=title, name=name)
            for s, title in zip(pictures, titles, strict=True)
        ]
    plots.picture(folder / "samples.png", paint[-1], shape)
    plots.animation(folder / "training.gif", paint, shape)


def image_tiles(dataset: Dataset, rows: np.ndarray, group: int = 1) -> np.ndarray:
    """Put rows (M, D) that are images into one picture, groups of them on one line."""
    assert dataset.image_shape is not None
    width = columns(dataset.image_shape, len(rows) // group, group)
    return tiled(rows, dataset.image_shape, width, dataset.value_range)


def scatter_beside(dataset: Dataset) -> Callable[..., None]:
    """Painter of points beside test points; `samples` and a `title` are still to come."""
    data = scaled(dataset.test[:N_POINTS])
    return partial(plots.density, frame=frame(dataset), data=data)


def _draw_code_plane(folder: Path, run: Run) -> None:
    """The codes of test rows."""
    labels = run.dataset.test_labels
    paint = partial(
        plots.codes,
        points=run.encode(run.dataset.test[:N_CODES]),
        labels=None if labels is None else labels[:N_CODES],
        title="Codes of test rows",
    )
    plots.picture(folder / "latent_plane.png", paint)


def _draw_reconstructions(folder: Path, run: Run) -> None:
    """Whole lines of test images, each above what comes back from its code."""
    dataset = run.dataset
    assert dataset.image_shape is not None
    inputs = scaled(dataset.test[:N_RECONSTRUCTED])
    width = columns(dataset.image_shape, len(inputs))
    inputs = inputs[: len(inputs) // width * width]
    outputs = run.decode(run.encode(inputs))
    pairs = [rows.reshape(-1, width, dataset.width) for rows in (inputs, outputs)]
    stacked = np.stack(pairs, axis=1)  # (lines, 2, columns, D)
    tiles = tiled(stacked, dataset.image_shape, width, dataset.value_range)
    title = "Test rows, each above its reconstruction"
    paint = partial(plots.images, tiles=tiles, title=title)
    plots.picture(folder / "reconstructions.png", paint, tiles.shape)


def _draw_manifold(folder: Path, run: Run) -> None:
    """A grid of codes, decoded."""
    assert run.dataset.image_shape is not None
    quantiles = [NormalDist().inv_cdf((i + 0.5) / N_MANIFOLD) for i in range(N_MANIFOLD)]
    grid = np.array([(z1, z2) for z2 in reversed(quantiles) for z1 in quantiles], np.float32)
    rows = run.decode(grid)
    tiles = tiled(rows, run.dataset.image_shape, N_MANIFOLD, run.dataset.value_range)
    title = "Decoded from normal quantiles: z1 grows to the right, z2 upward"
    paint = partial(plots.images, tiles=tiles, title=title)
    plots.picture(folder / "manifold.png", paint, tiles.shape)
