"""The page of a run in a browser: rows of every kind, and texts that are no friends.

python -m pytest -m browser tests/workshop                    # and Chromium
"""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigen as mg
from minigen.metrics import Finding
from minigen.training import Options, prepare
from minigen.workshop.explore.content import content
from minigen.workshop.explore.page import page
from tests.workshop.browser import CHROMIUM, READY, Tab
from tests.workshop.film import film
from tests.workshop.visit import opened, small

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=document.title='so'>"


def test_a_single_row_walks_to_the_origin(tab: Tab, tmp_path: Path) -> None:
    opened(tab, small(np.random.default_rng(0).random((3, 64))), tmp_path)
    text = tab.evaluate("document.body.innerText")
    assert "From row 0 of the test set to the origin, z = 0." in text
    assert "of 1 test row in this page" in text
    assert "Another" not in text


def test_rulers_have_round_numbers(tab: Tab, tmp_path: Path) -> None:
    """Of the codes' plane and of the data's: 1, 2 or 5 times a power of ten, with room between."""
    opened(tab, small(np.random.default_rng(0).random((60, 2))), tmp_path)
    for size in (3e-4, 0.7, 1.0, 4.4, 99.0, 2e5):
        for pixels in (260, 420):
            ticks = tab.evaluate(f"minigen.ticks({{ low: -{size} / 3, size: {size} }}, {pixels})")
            values = np.array([value for value, _ in ticks])
            (step,) = set(np.round(np.diff(values) / size, 9))
            assert 42 <= step * pixels <= 106
            assert values[0] >= -size / 3
            assert values[-1] <= size * 2 / 3
            words = [float(word.replace("\u2212", "-")) for _, word in ticks]
            np.testing.assert_allclose(words, values, atol=1e-9 * size)
            assert len(set(words)) == len(words)


@pytest.mark.parametrize("options", [mg.AutoencoderOptions, mg.VAEOptions, mg.GANOptions])
@pytest.mark.parametrize("shape", [(60, 1), (60, 2), (60, 9), (3, 64)])
def test_rows_of_every_kind_have_a_page(
    options: type[Options], shape: tuple[int, int], tab: Tab, tmp_path: Path
) -> None:
    """On a line, in the plane, as bars, and three images of which one is for test."""
    made = small(np.random.default_rng(0).random(shape), options)
    opened(tab, made, tmp_path)
    for name in ("Another", "Draw again", "To the origin", "Other ends"):
        tab.evaluate(
            f"[...document.querySelectorAll('button')].filter(b => b.textContent === '{name}')"
            ".forEach(b => b.click())"
        )
    tab.evaluate(
        "document.querySelectorAll('input').forEach(e => e.dispatchEvent(new Event('input')))"
    )
    assert tab.console == []


def test_fifty_dimensions_and_no_epoch(tab: Tab, tmp_path: Path) -> None:
    run = prepare(mg.VAEOptions(latent_dim=50), mg.Dataset.of(np.eye(64)))
    opened(tab, run, tmp_path)
    assert (
        len(tab.evaluate("[...document.querySelectorAll('.sliders label')].map(e => e.title)"))
        == 50
    )
    assert "How it learnt" not in tab.evaluate("document.body.innerText")


def test_drawings_follow_the_scheme(tab: Tab, tmp_path: Path) -> None:
    """A page that turns dark is that of a reader who opened it in the dark."""
    run = small(np.random.default_rng(0).random((60, 2)))
    drawn = "[...document.querySelectorAll('canvas')].map(e => e.toDataURL())"
    opened(tab, run, tmp_path)
    tab.evaluate(f"globalThis.light = {drawn}, 0")
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    tab.call("Emulation.setEmulatedMedia", features=[dark])
    tab.wait(f"{drawn}.every((one, i) => one !== light[i])")
    turned = tab.evaluate(drawn)
    opened(tab, run, tmp_path, dark=True)
    assert turned == tab.evaluate(drawn)


def poisoned(value: Any) -> Any:
    """A content whose every text is hostile, but for the words by which the page chooses."""
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    if isinstance(value, dict):
        chosen = {"model", "output", "kind"}
        return {k: v if k in chosen else poisoned(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("options", [mg.AutoencoderOptions, mg.VAEOptions, mg.GANOptions])
def test_hostile_texts_stay_text(options: type[Options], tab: Tab, tmp_path: Path) -> None:
    """Wherever text enters: name, labels, facts, titles, options, findings, words for axes."""
    rows = np.random.default_rng(0).random((300, 64))
    run = small(rows, options, labels=np.arange(300) % 3)
    found = poisoned(content(run, [Finding("", 1.0, "", "", "")]))
    found["options"] = {HOSTILE: HOSTILE}
    for name in ("labels", "codeLabels"):
        found[name] = found[name] and [HOSTILE for _ in found[name]]
    path = tmp_path / "page.html"
    path.write_text(page(found), "utf-8")
    tab.open(path)
    tab.wait(READY)
    for _ in range(2):
        tab.evaluate("document.querySelectorAll('button').forEach(b => b.click())")
        tab.evaluate(
            "document.querySelectorAll('input, select').forEach(e => { e.selectedIndex = 1;"
            "['input', 'change'].forEach(kind => e.dispatchEvent(new Event(kind))) })"
        )
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.console == []
    assert tab.evaluate("document.title").endswith(HOSTILE)
    assert tab.evaluate("document.querySelectorAll('script').length") == 2
    assert tab.evaluate("document.querySelectorAll('img').length") == 0
    text = tab.evaluate("document.body.innerText")
    assert text.count(HOSTILE) >= 12  # each seen as it is written


def test_the_policy_runs_no_other_script(tab: Tab, tmp_path: Path) -> None:
    """Even where a tag got into the page."""
    text = page(content(small(np.random.default_rng(0).random((300, 64)))))
    path = tmp_path / "page.html"
    path.write_text(re.sub("<main>", f"<main>{HOSTILE}", text, count=1))
    tab.open(path)
    assert tab.evaluate("document.title") == "VAE on rows"
    assert any("Content Security Policy" in line for line in tab.console)


def test_the_film_moves_and_ends_where_it_begins(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH")
    run = small(np.random.default_rng(0).random((300, 64)), shape=(8, 8))
    frames = [np.asarray(frame, int) for frame in film(mg.explore(run, tmp_path / "page.html"))]
    steps = [np.abs(a - b).mean() for a, b in pairwise([*frames, frames[0]])]
    assert min(steps) > 0
    assert steps[-1] < 2 * np.median(steps)
