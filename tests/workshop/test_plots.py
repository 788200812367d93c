"""Figures: that pictures hold what was given, where it was given."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from minigen.errors import MinigenError
from minigen.workshop import layout, plots


def test_mosaic_places_images_row_by_row() -> None:
    images = np.arange(5.0).reshape(5, 1, 1) * np.ones((5, 2, 3)) / 10
    tiles = layout.mosaic(images, columns=3, gap=1)
    assert tiles.shape == (2 * 2 + 1, 3 * 3 + 2)
    assert (tiles[0, 0], tiles[0, 4], tiles[0, 8]) == (0.0, 0.1, 0.2)
    assert (tiles[3, 0], tiles[4, 6]) == (0.3, 0.4)
    assert (tiles[2] == 1).all()  # a gap is white
    assert (tiles[3:, 8:] == 1).all()  # and so is the place of the sixth
    assert layout.mosaic(images, columns=3, gap=0).shape == (4, 9)


def test_image_grid_draws_zero_black_and_one_white(tmp_path: Path) -> None:
    images = np.stack([np.zeros((8, 8)), np.ones((8, 8))])
    paint = partial(plots.images, tiles=layout.mosaic(images, 2), title="title")
    plots.picture(tmp_path / "grid.png", paint, (8, 18))
    with Image.open(tmp_path / "grid.png") as picture:
        grey = np.asarray(picture.convert("L"))
    middle = grey[grey.shape[0] // 2 + 10]
    assert middle[grey.shape[1] // 4] == 0
    assert middle[3 * grey.shape[1] // 4] == 255


def test_animation_shows_every_frame(tmp_path: Path) -> None:
    painters = [partial(plots.images, tiles=np.full((8, 8), i / 3), title=f"{i}") for i in range(4)]
    plots.animation(tmp_path / "a.gif", painters)
    greys, durations = [], []
    with Image.open(tmp_path / "a.gif") as picture:
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            grey = np.asarray(picture.convert("L"))
            greys.append(int(grey[grey.shape[0] * 3 // 4, grey.shape[1] // 4]))
            durations.append(picture.info["duration"])
    assert greys == [0, 85, 170, 255]
    assert durations == [330, 330, 330, 2330]


def test_nothing_jumps_from_frame_to_frame(tmp_path: Path) -> None:
    seen: list[Axes] = []

    def paint(axes: Axes, top: float) -> None:
        seen.append(axes)
        axes.plot([0, top])  # whose ticks have wider names

    plots.animation(tmp_path / "a.gif", [partial(paint, top=top) for top in (1, 1e6 + 1)])
    first, second = (axes.get_position().bounds for axes in seen)
    assert first == second
    assert first[0] < 0.12  # laid out, where the margin would be 0.125


def test_the_field_is_sampled_around_the_data() -> None:
    data = np.array([[0.0, 10.0], [10.0, 20.0]])
    grid = layout.frame_around(data, 3)
    assert grid.shape == (3, 3, 2)
    assert grid[0, :, 0].tolist() == [-2, 5, 12]
    assert grid[:, 0, 1].tolist() == [8, 15, 22]
    assert layout.frame_around(data[:, :1], 3)[:, 0].tolist() == [-2, 5, 12]


@pytest.mark.parametrize("row", [[1e5], [-1e5], [-1e5, 0], [1e30]], ids=str)
def test_constant_data_far_from_zero_have_a_frame(row: list[float], tmp_path: Path) -> None:
    """In float32, and a warning would be an error."""
    data = np.tile(np.array(row, np.float32), (50, 1))
    frame = layout.frame_around(data, 80)
    ticks = [frame[0, :, 0], frame[:, 0, 1]] if len(row) == 2 else [frame[:, 0]]
    assert all((np.diff(line) > 0).all() for line in ticks)
    field = np.full(frame.shape[: len(row)], 0.5)
    paint = partial(plots.density, frame=frame, data=data, samples=data, title="t", field=field)
    plots.picture(tmp_path / "density.png", paint)


def drawn(paint: plots.Painter) -> Axes:
    axes = Figure().subplots()
    paint(axes)
    return axes


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


def n_colours(axes: Axes) -> int:
    (scatter,) = axes.collections
    values = scatter.get_array()
    assert values is not None
    return len(np.unique(scatter.to_rgba(values), axis=0))


def test_a_narrow_picture_is_as_wide_as_its_title(tmp_path: Path) -> None:
    tiles = np.zeros((500, 5))
    plots.picture(tmp_path / "a.png", partial(plots.images, tiles=tiles, title="t"), tiles.shape)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (720, 792)


@pytest.mark.parametrize("width", [1, 2])
def test_samples_outside_the_frame_are_counted(width: int) -> None:
    data = np.tile([[0.0], [1.0]], width)
    samples = np.tile([[0.5], [9.0], [-9.0]], width)
    paint = partial(plots.density, frame=layout.frame_around(data, 60), data=data, title="t")
    assert legend(drawn(partial(paint, samples=samples))) == ["data", "samples (2 of 3 outside)"]
    samples[:, 0] = 0.5
    outside = {1: "walks", 2: "walks (2 of 3 outside)"}[width]
    assert legend(drawn(partial(paint, samples=samples, name="walks"))) == ["data", outside]


@pytest.mark.parametrize("width", [1, 2])
def test_the_discriminator_is_named_only_where_it_is_drawn(width: int) -> None:
    data = np.tile([[0.0], [1.0]], width)
    frame = layout.frame_around(data, 60)
    paint = partial(plots.density, frame=frame, data=data, samples=data, title="t")
    field = np.full(frame.shape[:width], 0.5)
    for shown, painter in {False: paint, True: partial(paint, field=field)}.items():
        axes = drawn(painter)
        labels = [other.get_ylabel() for other in axes.figure.axes]
        assert any("D(x)" in label for label in labels) == shown


def test_one_epoch_is_one_tick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[float] = []

    def save(figure: Figure, *arguments: object, **options: object) -> None:
        ticks.extend(figure.axes[0].get_xticks())

    monkeypatch.setattr(Figure, "savefig", save)
    plots.curves(tmp_path / "a.png", {"loss": [2.0]}, {"loss": [3.0]}, {"loss": "loss"}, {})
    assert all(tick == round(tick) for tick in ticks)
    assert 1 in ticks


def test_up_to_ten_labels_have_a_colour_and_a_name_each() -> None:
    for labels in (np.arange(10), np.array([*range(9), 1000]), np.arange(1, 11)):
        axes = drawn(partial(plots.codes, points=np.zeros((10, 2)), labels=labels, title="t"))
        assert legend(axes) == [f"{label}" for label in labels]
        assert n_colours(axes) == 10


def test_more_labels_have_a_colour_bar() -> None:
    axes = drawn(partial(plots.codes, points=np.zeros((25, 2)), labels=np.arange(25), title="t"))
    assert legend(axes) == []
    assert axes.figure.axes[1].get_ylim() == (0, 24)
    assert n_colours(axes) == 25


def test_codes_without_labels() -> None:
    axes = drawn(partial(plots.codes, points=np.zeros((25, 2)), labels=None, title="t"))
    assert legend(axes) == []


@pytest.mark.fault("full disk")
@pytest.mark.parametrize(
    "draw",
    [
        lambda path: plots.picture(path, lambda axes: None),
        lambda path: plots.animation(path, [lambda axes: None]),
        lambda path: plots.curves(path, {"loss": [2.0]}, {"loss": [3.0]}, {"loss": "loss"}, {}),
    ],
    ids=["picture", "animation", "curves"],
)
def test_a_picture_that_cannot_be_written_leaves_the_one_before(
    draw: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"of an earlier run")

    def full_disk(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(MinigenError, match=r"a\.png: cannot be written: No space left on device"):
        draw(path)
    assert path.read_bytes() == b"of an earlier run"
    assert list(tmp_path.iterdir()) == [path]
