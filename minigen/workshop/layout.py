"""Where rows stand in a picture: images in a mosaic, points in a frame. NumPy alone."""

import math

import numpy as np

from minigen.data import Dataset, scaled
from minigen.data.rows import Shape

N_IMAGES = 100  # samples, where rows are images
N_FIELD = 60  # points on a side of a field
MOST_DIMENSIONS = 2  # of points that can be drawn


def drawable(dataset: Dataset) -> bool:
    """Whether rows are images, or points on a line or in a plane."""
    return dataset.image_shape is not None or dataset.width <= MOST_DIMENSIONS


def frame(dataset: Dataset) -> np.ndarray:
    """The part of the line or plane that figures show: around all test points."""
    return frame_around(scaled(dataset.test), N_FIELD)


def frame_around(data: np.ndarray, count: int) -> np.ndarray:
    """Points (count, 1), or a grid (count, count, 2), over the data's range and a fifth more."""
    low, high = data.min(axis=0), data.max(axis=0)
    least = 1e-3 * np.maximum(1, np.abs(high))  # constant data have a place too, also far from 0
    margin = np.maximum((high - low) / 5, least)
    ticks = np.linspace(low - margin, high + margin, count, dtype=np.float32)  # (count, D)
    if data.shape[1] == 1:
        return ticks
    return np.stack(np.meshgrid(ticks[:, 0], ticks[:, 1]), axis=-1)


def columns(image_shape: Shape, count: int, group: int = 1) -> int:
    """The number of images on a line of a mosaic, about as wide as high: of `count` groups, each on
    one line, in a picture with room for a hundred images at least.
    """
    height, width, *_ = image_shape
    side = math.sqrt(max(count * group, N_IMAGES) * height / width)
    return group * min(count, math.ceil(side / group))


def mosaic(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Put images (M, height, width), or with 3 colours behind, side by side, white between and
    where the last row ends.
    """
    count, height, width, *colours = images.shape
    lines = -(-count // columns)
    tiles = np.ones((lines * columns, height + gap, width + gap, *colours), dtype=images.dtype)
    tiles[:count, :height, :width] = images
    tiles = tiles.reshape(lines, columns, height + gap, width + gap, *colours).swapaxes(1, 2)
    bottom, right = lines * (height + gap), columns * (width + gap)
    return tiles.reshape(bottom, right, *colours)[: bottom - gap, : right - gap]


def tiled(
    rows: np.ndarray,
    image_shape: Shape,
    columns: int,
    value_range: tuple[float, float] = (0, 1),
) -> np.ndarray:
    """Put rows (..., D) that are images into one picture: black is 0 and white 1, or as far as the
    range of the data reaches beyond.
    """
    black, white = min(0, value_range[0]), max(1, value_range[1])
    return mosaic(((rows - black) / (white - black)).reshape(-1, *image_shape), columns)
