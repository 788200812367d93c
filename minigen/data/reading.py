"""Reading: how stored arrays become rows of values, so that nothing has to be guessed."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigen.checks import check_positive
from minigen.data.rows import Shape, as_image_shape, check_image_shape, stored_shape
from minigen.errors import MinigenError

TABLE = "table"
SMALLEST_SIDE = 8  # pixels: a row of 64 values is drawn as an image, a row of 4 or 9 is not


@dataclass(frozen=True)
class Reading:
    """All that is said of arrays beside what they say themselves.

    Args:
        scale: values are divided by it. Without it uint8 are pixels, to be divided by 255, and
            others are used as they are.
        shape: of the image in a row, (height, width) or (height, width, 3), or as text, "28x28";
            "table" where rows are no images. Without it, as arrays are stored.

    Raises:
        MinigenError: it is something else.
    """

    scale: float | None = None
    shape: Any = None

    def __post_init__(self) -> None:
        if self.scale is not None:
            object.__setattr__(self, "scale", check_positive("scale", self.scale))
        if self.shape is not None:
            object.__setattr__(self, "shape", _parsed(self.shape))

    @property
    def coloured(self) -> bool:
        """Whether images are said to have colours."""
        return isinstance(self.shape, tuple) and len(self.shape) == 3

    def image_shape(
        self, name: str, stored: Shape | None, width: int, grey: bool
    ) -> tuple[Shape | None, list[str]]:
        """Find the shape of the image in a row: as said; as stored; or a square of at least 8x8
        pixels, where values can be grey, and then a note says so.

        Raises:
            MinigenError: rows are not so wide.
        """
        if self.shape == TABLE:
            return None, []
        if self.shape or stored:
            return check_image_shape(name, self.shape or stored, width), []
        side = math.isqrt(width)
        if side * side != width or side < SMALLEST_SIDE or not grey:
            return None, []
        note = (
            f"rows of {width} values are drawn as images of {side}x{side}, and learnt as any other "
            f"rows; shape={TABLE!r} draws none"
        )
        return (side, side), [note]

    def notes(self, array: NDArray[Any]) -> list[str]:
        """Notes for the log: what becomes of an array, and what is still to be done."""
        notes = []
        if shape := stored_shape(array):
            size = math.prod(shape)
            notes.append(f"images of {spelled(shape)} pixels are flattened to rows of {size}")
        if array.dtype == np.uint8 and self.scale in (None, 255):
            return [*notes, "pixels 0..255 will be scaled to 0..1"]
        if array.dtype != np.float32:
            notes.append(f"{array.dtype} values are converted to float32")
        if self.scale is not None:
            notes.append(f"values are divided by {self.scale:g}")
        return notes


AS_STORED = Reading()


def spelled(shape: Shape) -> str:
    """A shape in words, such as 28x28."""
    return "x".join(map(str, shape))


def _parsed(shape: Any) -> Shape | str:
    if isinstance(shape, str) and shape == TABLE:
        return TABLE
    text = isinstance(shape, str) and re.fullmatch(r"\d{1,9}(x\d{1,9})+", shape)
    sides = as_image_shape(tuple(map(int, shape.split("x"))) if text else shape)
    if sides is None:
        raise MinigenError(
            f"shape must be 28x28 (height, width), 32x32x3 in colour, or {TABLE}, got {shape!r}"
        )
    return sides
