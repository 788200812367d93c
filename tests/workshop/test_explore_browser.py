"""The page of a run in a browser: its numbers are NumPy's, it is quick, and it asks for nothing.

python -m pytest -m browser tests/workshop                    # and Chromium
"""

from pathlib import Path

import numpy as np
import pytest

import minigen as mg
from minigen import data
from minigen.backend import to_numpy
from minigen.data import scaled
from minigen.training import Options
from tests.workshop.browser import Tab
from tests.workshop.visit import computed, opened, small

pytestmark = pytest.mark.browser

N = 100  # rows on which the page and NumPy are compared
DECODED, ENCODED = 1e-3, 4e-3  # the largest differences, of float16 weights
ALL: list[Options] = [mg.AutoencoderOptions(epochs=1), mg.VAEOptions(epochs=1)]
ALL += [mg.GANOptions(epochs=1), mg.VAEOptions(epochs=1, latent_dim=2, activation="tanh")]
DRAG_TIMES = """(async () => {
  const {code, content} = minigen, times = [];
  for (let i = 0; i < 100; i++) {
    const z = code.z.slice(); z[0] = Math.sin(i); z[content.nLatent - 1] = Math.cos(i);
    const start = performance.now();
    code.move(z); document.body.offsetHeight; // laid out, too
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[50];
})()"""


@pytest.fixture(scope="module", params=ALL, ids=["ae", "vae", "gan", "vae in a plane"])
def run(request: pytest.FixtureRequest) -> mg.Run:
    """A model of default size on 2,000 digits."""
    digits = data.load("mnist")
    assert digits.train_labels is not None
    assert digits.test_labels is not None
    rows = mg.Dataset.of(
        digits.train[:2000], digits.test[:1000], shape=(28, 28), name="digits",
        labels=digits.train_labels[:2000], test_labels=digits.test_labels[:1000],
    )  # fmt: skip
    return mg.fit(request.param, rows, progress=False)


def test_the_page_computes_what_numpy_computes(run: mg.Run, tab: Tab, tmp_path: Path) -> None:
    opened(tab, run, tmp_path)
    places = tab.evaluate("minigen.content.places")[:N]
    x = scaled(run.dataset.test[places])
    seen = computed(tab, f"minigen.examples.rows.slice(0, {N}).map(x => Array.from(x))")
    np.testing.assert_allclose(seen, x, atol=1e-7)

    z = np.random.default_rng(1).standard_normal((N, run.options.latent_dim)).astype(np.float32)
    decoded = computed(tab, f"{z.tolist()}.map(z => Array.from(minigen.model.decode(z)))")
    assert np.abs(decoded - run.decode(z)).max() < DECODED
    if run.trainer.has_encoder:
        encoded = computed(
            tab,
            f"minigen.examples.rows.slice(0, {N}).map(x => Array.from(minigen.model.encode(x).mu))",
        )
        assert np.abs(encoded - run.encode(x)).max() < ENCODED
    else:
        scores = computed(
            tab, f"minigen.examples.rows.slice(0, {N}).map(x => minigen.model.score(x))"
        )
        assert np.abs(scores - run.trainer.field(x)).max() < DECODED


def test_nats_are_those_of_the_model(tab: Tab, tmp_path: Path) -> None:
    run = small(np.random.default_rng(0).random((300, 64)))
    opened(tab, run, tmp_path)
    places = tab.evaluate("minigen.content.places")
    x = scaled(run.dataset.test[places])
    mu, _ = run.model.encode(x)
    terms, _ = run.model.loss(x, np.zeros_like(mu))
    page_terms = computed(
        tab,
        "(({ examples, model, klToStandardNormal }) => examples.rows.map(x => {"
        "const { mu, logvar } = model.encode(x);"
        "return [model.lossOf(model.outputAt(mu), x), klToStandardNormal(mu, logvar)] }))(minigen)",
    )
    np.testing.assert_allclose(page_terms[:, 0], to_numpy(terms.reconstruction), rtol=1e-3)
    np.testing.assert_allclose(page_terms[:, 1], to_numpy(terms.kl), rtol=2e-2, atol=1e-3)


def test_the_page_is_quick(run: mg.Run, tab: Tab, tmp_path: Path) -> None:
    """Ready in a second, the best of three, and redrawn within a frame."""
    ready = []
    for _ in range(3):
        opened(tab, run, tmp_path)
        ready.append(int(tab.evaluate("document.documentElement.dataset.ready")))
    assert min(ready) < 1000  # milliseconds
    assert tab.evaluate(DRAG_TIMES) < 16  # milliseconds, the median


def test_the_hand_moves_the_code(run: mg.Run, tab: Tab, tmp_path: Path) -> None:
    opened(tab, run, tmp_path)
    picture = "document.querySelector('.decoded canvas').toDataURL()"
    before = tab.evaluate(picture)
    tab.drag(".plane", [(0.5, 0.5), (0.3, 0.2)])
    dragged = tab.evaluate(picture)
    assert dragged != before
    tab.evaluate("document.querySelector('.plane').focus()")
    tab.press("ArrowRight")
    assert tab.evaluate(picture) != dragged
    tab.drag(".plane", [(0.5, 0.5), (1.9, -0.4)])  # out of the plane
    assert np.isfinite(computed(tab, "Array.from(minigen.code.z)")).all()
    before = tab.evaluate(picture)
    tab.touch(".plane", [(0.5, 0.5), (0.6, 0.7)])
    assert tab.evaluate(picture) != before
    number = "document.querySelector('.sliders input[type=number]')"
    tab.evaluate(f"{number}.value = 1.25, {number}.dispatchEvent(new Event('input'))")
    assert 1.25 in tab.evaluate("Array.from(minigen.code.z)")
    for _ in range(2):
        tab.evaluate("document.querySelectorAll('select')[0].selectedIndex = 1")
        tab.evaluate("document.querySelectorAll('select')[0].dispatchEvent(new Event('change'))")
    assert "direction 1" in tab.evaluate("document.querySelector('.plane').ariaLabel")
    assert tab.console == []


def test_a_drawing_becomes_a_row(run: mg.Run, tab: Tab, tmp_path: Path) -> None:
    """A cross, by mouse and by keys, and nothing at all."""
    opened(tab, run, tmp_path)
    says = "document.querySelector('.sources + div p').textContent"
    tab.drag(".pad", [(0.2, 0.2), (0.8, 0.8)])
    tab.drag(".pad", [(0.8, 0.2), (0.2, 0.8)])
    assert tab.evaluate(says) == "x is your drawing."
    tab.evaluate("document.querySelector('.pad').focus()")
    for shift in (False, True, True):
        tab.press("ArrowLeft", shift=shift)
    tab.evaluate("document.querySelector('.source button').click()")
    assert tab.evaluate(says).startswith("Nothing is drawn")
    assert tab.console == []


def test_a_drawing_is_prepared_as_mnist_was(tab: Tab, tmp_path: Path) -> None:
    """The box is 20 pixels long and the centre of mass in one pixel, wherever it was drawn."""
    digits = data.load("mnist").train[:1000]
    opened(tab, small(digits, shape=(28, 28)), tmp_path)
    drawn = computed(
        tab,
        "(() => { const ink = new Uint8Array(280 * 280);"
        "for (let y = 10; y < 130; y++)"
        "  for (let x = 5; x < (y < 40 ? 65 : 25); x++) ink[280 * y + x] = 1;"
        "return Array.from(minigen.imageOf(ink, [28, 28])) })()",
    )
    assert (drawn.min(), drawn.max()) == (0, 1)
    for image in (drawn, *digits):
        where = np.nonzero(image.reshape(28, 28))
        assert max(np.ptp(place) for place in where) + 1 in (19, 20)  # 13 of MNIST's are 19
        image = image.reshape(28, 28) / image.sum(dtype=np.float64)
        for side in (0, 1):
            centre = image.sum(axis=side) @ (np.arange(28) + 0.5)
            assert -0.02 < centre - 14 < 1.001


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_the_window(
    run: mg.Run, width: int, dark: bool, tab: Tab, tmp_path: Path
) -> None:
    opened(tab, run, tmp_path, width=width, dark=dark)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    unnamed = "input, select, canvas[tabindex], button"
    assert (
        tab.evaluate(
            f"[...document.querySelectorAll({unnamed!r})].filter(e => "
            "!e.ariaLabel && !e.textContent && !e.closest('label')).length"
        )
        == 0
    )


def test_who_wants_no_motion_gets_none(tab: Tab, tmp_path: Path) -> None:
    run = small(np.random.default_rng(0).random((300, 64)))
    shown = (
        "[...document.querySelectorAll('button')].some(b => b.textContent === 'Play' && !b.hidden)"
    )
    for still in (False, True):
        opened(tab, run, tmp_path, still=still)
        assert tab.evaluate(shown) is not still


def test_a_walk_arrives(tab: Tab, tmp_path: Path) -> None:
    opened(tab, small(np.random.default_rng(0).random((300, 64))), tmp_path)
    part = "document.querySelector('input[aria-label=\"Part of the way\"]')"
    tab.evaluate(f"{part}.value = 1, {part}.dispatchEvent(new Event('input'))")
    end = computed(tab, "Array.from(minigen.code.z)")
    codes = computed(tab, "minigen.examples.rows.map(x => Array.from(minigen.model.encode(x).mu))")
    assert np.abs(codes - end).max(axis=1).min() < 1e-6
