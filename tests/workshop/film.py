"""A film of the page of a run, for README: a hand drags the code, and the picture follows.

python -m minigen.train vae --latent-dim 2 --hidden 400,200 --epochs 20 --out runs/plane
python -m tests.workshop.film runs/plane tutorials/figures/explore.gif     # and Chromium
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import minigen as mg
from tests.workshop.browser import READY, browser

N_FRAMES, MILLISECONDS = 72, 80
BOX = """(() => {
  const [plane, picture] = [".planebox", ".decoded .gallery"]
    .map(selector => document.querySelector(selector).getBoundingClientRect());
  const [left, top] = [plane.left + scrollX - 4, plane.top + scrollY - 4];
  return [left, top, picture.right + scrollX + 4 - left, plane.bottom + scrollY + 4 - top];
})()"""


def film(page: Path) -> list[Image.Image]:
    """Frames of a drag around the latent plane that ends where it begins."""
    turn = np.linspace(0, 2 * np.pi, N_FRAMES)
    way = 0.5 + np.stack([0.22 * np.sin(turn), 0.24 * np.sin(2 * turn + 0.6)], axis=1)
    frames: list[Image.Image] = []
    with browser() as tab:
        tab.open(page, width=1100)
        tab.wait(READY)
        tab.evaluate("document.querySelector('.plane').scrollIntoView({ block: 'center' })")
        box = tab.evaluate(BOX)

        def shoot() -> None:
            frames.append(Image.open(io.BytesIO(tab.picture(box))).convert("RGB"))

        tab.drag(".plane", way.tolist(), shoot)
    return frames[: N_FRAMES - 1]  # the last place is the first


def save(frames: list[Image.Image], path: Path) -> None:
    """Write a GIF that begins again without end, in 64 greys and the commonest colours of a frame;
    and beside it a PNG of the first, for those who want no motion.
    """
    colours, counts = np.unique(np.asarray(frames[0]).reshape(-1, 3), axis=0, return_counts=True)
    colourful = np.ptp(colours, axis=1) > 8
    commonest = np.argsort(-counts[colourful], kind="stable")[:192]
    greys = np.repeat(np.append(np.arange(0, 252, 4), 255), 3).reshape(-1, 3)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.vstack([greys, colours[colourful][commonest]]).astype(np.uint8).tobytes())
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    first.save(path.with_suffix(".png"))
    first.save(
        path, save_all=True, append_images=rest, duration=MILLISECONDS, loop=0, optimize=True
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        page = mg.explore(mg.load(sys.argv[1]), Path(folder) / "page.html")
        save(film(page), Path(sys.argv[2]))
    print(f"{sys.argv[2]}: {Path(sys.argv[2]).stat().st_size:,} bytes")
