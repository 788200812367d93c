"""Shows rows in a notebook, or in a window where there is a screen."""

from typing import Any

import numpy as np

from minigen.data import scaled
from minigen.data.rows import Shape, as_rows, check_image_shape, check_pixels
from minigen.errors import MinigenError
from minigen.workshop.layout import MOST_DIMENSIONS, N_FIELD, columns, frame_around, tiled


def show(
    rows: Any,
    image_shape: Shape | None = None,
    *,
    scale: float | None = None,
    title: str = "",
    axes: Any = None,
) -> None:
    """Show rows with Matplotlib: as a mosaic of images, or as points on a line or in a plane.

    Args:
        rows: (N, D), uint8 pixels or values.
        image_shape: (height, width), or (height, width, 3) in colour, where rows are images.
        scale: what values are divided by, as in `Dataset.of`.
        title: of the picture.
        axes: of Matplotlib, to draw into; without them, a new figure is drawn and shown.

    Raises:
        MinigenError: the rows are neither images of this shape nor points, or uint8 that need not
            be pixels.
    """
    rows = as_rows(np.asarray(rows), "rows", scale)
    if scale is None:
        check_pixels("rows", rows)
    rows = scaled(rows)
    width = rows.shape[1]
    if image_shape is not None:
        image_shape = check_image_shape("rows", image_shape, width)
    elif width > MOST_DIMENSIONS:
        raise MinigenError(
            f"rows of {width} values are neither images nor points; print them, or give "
            "image_shape, (height, width), if they are images"
        )
    from minigen.workshop import plots

    own_figure = axes is None
    if own_figure:
        from matplotlib import pyplot

        axes = pyplot.figure(layout="constrained").subplots()
    if image_shape is None:
        plots.density(axes, frame_around(rows, N_FIELD), None, rows, title, "rows")
    else:
        value_range = float(rows.min()), float(rows.max())
        tiles = tiled(rows, image_shape, columns(image_shape, len(rows)), value_range)
        plots.images(axes, tiles, title)
    if own_figure:
        pyplot.show()
