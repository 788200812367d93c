"""Folders of images: PNG and JPEG files that nobody vouches for, of one size."""

from collections.abc import Sequence
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from minigen.checks import check_memory
from minigen.data.files import damage_refused, open_regular
from minigen.errors import MinigenError

SUFFIXES = (".png", ".jpg", ".jpeg")
MOST_PIXELS = 2**24  # of one image; a file of a few bytes may claim many more
GREY, TRANSPARENT = ("1", "L", "LA"), ("LA", "PA", "RGBA")  # modes of Pillow
MODES = (*GREY, "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # of 8 bits a channel at most


def find_images(folder: Path) -> list[Path]:
    """The PNG and JPEG files in a folder, by name: paths have another order on Windows."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return sorted(found, key=lambda path: path.name)


def read_images(paths: Sequence[Path], coloured: bool) -> tuple[NDArray[np.uint8], list[str]]:
    """Read images of one size, grey as (N, height, width), or coloured as (N, height, width, 3).

    A note says what is lost of them: colours, where grey ones are asked for, and transparency.

    Raises:
        MinigenError: a file cannot be opened, is no such image, is damaged, is larger than
            MOST_PIXELS, has more than 8 bits a channel, or differs from the first one in size.
    """
    first, lost = _read(paths[0], coloured)
    check_memory(f"{len(paths)} images", len(paths) * first.size, "give fewer of them")
    images = np.empty((len(paths), *first.shape), np.uint8)
    for i, path in enumerate(paths):
        pixels, more = _read(path, coloured)
        if pixels.shape != first.shape:
            raise MinigenError(
                f"{path}: has {_size(pixels)} pixels, and {paths[0].name} has {_size(first)} "
                "(height x width); give images of one size"
            )
        images[i] = pixels
        lost |= more
    height, width, *_ = first.shape
    notes = {
        "colours": f"colours are read as grey; shape='{height}x{width}x3' keeps them",
        "transparency": "transparency is left out",
    }
    return images, [notes[name] for name in sorted(lost)]


def _size(pixels: NDArray[np.uint8]) -> str:
    return "{}x{}".format(*pixels.shape[:2])


def _read(path: Path, coloured: bool) -> tuple[NDArray[np.uint8], set[str]]:
    """The pixels of an image, and what is lost of it."""
    from PIL import Image  # not above: it is slow to import

    with open_regular(path) as (stream, _), damage_refused(path), catch_warnings():
        simplefilter("ignore")  # about odd palettes, and sizes that are refused below
        image = Image.open(stream, formats=("PNG", "JPEG"))
        if image.width * image.height > MOST_PIXELS:
            raise MinigenError(
                f"{path}: claims {image.height}x{image.width} pixels (height x width), where "
                f"{MOST_PIXELS:,} are the most; make it smaller"
            )
        if image.mode not in MODES:
            raise MinigenError(
                f"{path}: has pixels of Pillow's mode {image.mode}; save it with 8 bits a channel"
            )
        image.verify()  # the checksums of a PNG
        stream.seek(0)
        image = Image.open(stream, formats=("PNG", "JPEG"))
        lost = set() if coloured or image.mode in GREY else {"colours"}
        if image.mode in TRANSPARENT or "transparency" in image.info:
            lost.add("transparency")
        return np.asarray(image.convert("RGB" if coloured else "L")), lost
