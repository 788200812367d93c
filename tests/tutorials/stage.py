"""A page with one play in Chromium, and what the tests ask of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.workshop.browser import Tab
from tutorials.scripts import FOLDER, plays, script

PAGE = """<!doctype html><meta name="viewport" content="width=device-width">
<meta charset="utf-8"><link rel="stylesheet" href="{css}"><body data-theme="auto">
<article><p><img class="{kind}" src="figures/{name}.{ending}" alt="still"></p></article>
<script src="{name}.js"></script>"""

# What the tests ask of a play.
HELP = """
globalThis.all = selector => [...document.querySelectorAll(".play " + selector)];
globalThis.inked = canvas => canvas.getContext("2d")
  .getImageData(0, 0, canvas.width, canvas.height).data
  .filter((value, i) => i % 4 == 3 && value > 0).length;
globalThis.unnamed = e => !e.ariaLabel && !e.textContent && !e.closest("label");
globalThis.state = () =>
  all("canvas").map(e => e.toDataURL()).join() + document.querySelector(".play").textContent;
globalThis.change = e => {
  if (e.matches("button")) return e.click();
  if (e.matches("input")) e.value = +e.value === +e.max ? e.min : e.max;
  if (e.matches("select")) e.selectedIndex = (e.selectedIndex + 1) % e.length;
  e.dispatchEvent(new Event("input"));
};
globalThis.settled = () => new Promise(done => setTimeout(done, 100));
settled()
"""


def opened(tab: Tab, name: str, folder: Path, **how: Any) -> None:
    """Open a page with this play, which asks for nothing else and says nothing."""
    moving = (FOLDER / "figures" / f"{name}.gif").exists()
    (folder / f"{name}.js").write_text(script(plays()[name]), "utf-8")
    (folder / "page.html").write_text(
        PAGE.format(
            css=(FOLDER / "site.css").as_uri(), name=name,
            kind="moving" if moving else "", ending="gif" if moving else "png",
        ),
        "utf-8",
    )  # fmt: skip
    tab.open(folder / "page.html", **how)
    tab.evaluate(HELP)
    assert complaints(tab) == []
    assert all(url.startswith("file:") for url in tab.requests)


def complaints(tab: Tab) -> list[str]:
    """The lines of the console, but for the picture that the page has not."""
    return [line for line in tab.console if "ERR_FILE_NOT_FOUND" not in line]


def computed(tab: Tab, name: str, function: str, *arguments: Any) -> Any:
    """What an exported function of a play returns."""
    words = ", ".join(json.dumps(argument) for argument in arguments)
    return tab.evaluate(f"plays['{name}'].{function}({words})")


def agree(seen: Any, expected: Any) -> None:
    np.testing.assert_allclose(seen, expected, rtol=1e-12, atol=1e-12)
