"""The figures that answer, in a browser: they compute what Python does, and the hand moves them.

python -m pytest -m browser tests/tutorials/test_plays.py     # and Chromium
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.models.gan import GAN
from minigen.nn.layers import Linear, ReLU, Sequential, sigmoid
from minigen.nn.optim import Adam
from tests.tutorials.stage import agree, complaints, computed, opened
from tests.workshop.browser import Tab
from tutorials.scripts import plays

pytestmark = pytest.mark.browser

each_play = pytest.mark.parametrize("name", sorted(plays()))


@each_play
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_play_begins_with_a_picture(
    name: str, width: int, dark: bool, tab: Tab, tmp_path: Path
) -> None:
    opened(tab, name, tmp_path, width=width, dark=dark, still=dark)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    inked = tab.evaluate("all('canvas').map(inked)")
    assert inked
    assert min(inked) > 500
    assert tab.evaluate("all(':is(input, select, canvas, button)').filter(unnamed).length") == 0


@each_play
def test_every_control_changes_the_play(name: str, tab: Tab, tmp_path: Path) -> None:
    """Sliders, choices and buttons; the hand, a finger and the keys on a canvas that takes them."""
    opened(tab, name, tmp_path, still=True)
    before = tab.evaluate("state()")

    def changed() -> bool:
        nonlocal before
        past, before = before, tab.evaluate("settled().then(state)")
        return bool(past != before)

    for kind in ("input", "select", "button"):
        for i in range(tab.evaluate(f"all('{kind}').length")):
            tab.evaluate(f"change(all('{kind}')[{i}])")
            assert changed(), f"{kind} {i}"
    for hand in tab.evaluate("all('canvas[tabindex]').map(e => '.' + e.className)"):
        tab.drag(hand, [(0.5, 0.5), (0.7, 0.3)])
        assert changed()
        tab.touch(hand, [(0.3, 0.6), (0.4, 0.6)])
        assert changed()
        tab.evaluate(f"document.querySelector('{hand}').focus()")
        tab.press("ArrowRight")
        assert changed()
    assert complaints(tab) == []


def test_dirac_steps(tab: Tab, tmp_path: Path) -> None:
    """The steps are those of the page, and the factor is the modulus of their Jacobian."""
    opened(tab, "gan-dirac", tmp_path)
    rng = np.random.default_rng(0)

    def step(
        theta: Any, psi: Any, g_rate: float, d_rate: float, penalty: float, turn: float
    ) -> Any:
        after = psi - d_rate * (sigmoid(np.asarray(theta * psi)) * theta + penalty * psi)
        seen = after if turn else psi
        return theta + g_rate * sigmoid(np.asarray(theta * seen)) * seen, after

    for i in range(40):
        numbers = [float(number) for number in rng.uniform(0, 2, 3)]
        rules = (*numbers, i % 2)
        named = dict(zip(("gRate", "dRate", "penalty", "inTurn"), rules, strict=True))
        start = rng.uniform(-3, 3, 2)
        agree(computed(tab, "gan-dirac", "step", start.tolist(), named), step(*start, *rules))
        tiny = 1e-30
        jacobian = np.imag([step(tiny * 1j, 0j, *rules), step(0j, tiny * 1j, *rules)]).T / tiny
        modulus = np.abs(np.linalg.eigvals(jacobian)).max()
        agree(computed(tab, "gan-dirac", "factor", named), modulus)


def test_elbo_and_kl(tab: Tab, tmp_path: Path) -> None:
    """The sums of the page, which add up to log p(x)."""
    opened(tab, "elbo-helper", tmp_path)
    codes = np.linspace(-6, 6, 601)

    def log_normal(x: Any, mean: Any, sigma: float) -> Any:
        return -np.log(2 * np.pi) / 2 - np.log(sigma) - ((x - mean) / sigma) ** 2 / 2

    log_joint = log_normal(-0.85, np.cos(2 * codes), 0.25) + log_normal(codes, 0, 1)
    log_joint += log_normal(0.2, np.sin(2 * codes), 0.25)
    log_p = np.log(np.exp(log_joint).sum() * 0.02)
    for mu, sigma in np.random.default_rng(1).uniform([-3, 0.1], [3, 1], (20, 2)):
        log_q = log_normal(codes, mu, sigma)
        elbo, kl = 0.02 * np.exp(log_q) @ np.array([log_joint - log_q, log_q - log_joint + log_p]).T
        seen = computed(tab, "elbo-helper", "elboAndKl", mu, sigma)
        agree([seen[name] for name in ("elbo", "kl", "logP")], [elbo, kl, log_p])
        assert abs(seen["elbo"] + seen["kl"] - log_p) < 1e-2  # the codes end at 6


def test_two_ways(tab: Tab, tmp_path: Path) -> None:
    """The draws and weights of the page's figure."""
    opened(tab, "reparameterization-two-ways", tmp_path)
    noise = np.random.default_rng(169).standard_normal(10)
    for to in (0.0, 1.0, 2.5):
        weight = np.exp(noise * (to - 1) - (to - 1) ** 2 / 2)
        for way, z, w in (("path", to + noise, np.ones(10)), ("score", 1 + noise, weight)):
            draws = computed(tab, "reparameterization-two-ways", way, noise.tolist(), to)
            agree([[draw["z"], draw["weight"]] for draw in draws], np.transpose([z, w]))
            seen = computed(tab, "reparameterization-two-ways", "estimate", draws)
            agree(seen, (w * z**2).mean())


def test_game_of_two_gaussians(tab: Tab, tmp_path: Path) -> None:
    """What the play shows is what minigen's GAN computes, where D is the best one."""
    opened(tab, "minimax-divergence", tmp_path)
    noise, step = np.linspace(-12, 12, 481, retstep=True)
    z, weights = noise[:, None], np.exp(-(noise**2) / 2) / math.sqrt(2 * math.pi) * step

    def linear(weight: float, bias: float) -> Linear:
        params = {"weight": np.array([[weight]]), "bias": np.array([bias])}
        return Linear(1, 1, np.random.default_rng(0)).with_params(params)

    for m in (-3.0, -0.5, 0.0, 1.0, 5.0):
        gan = GAN(linear(1, m), linear(-m, m**2 / 2))
        expected = [-(gan.discriminator_loss(z, z)[0].loss @ weights)]
        for saturating in (True, False):
            _, backward = gan.generator_loss(z, saturating=saturating)
            expected.append(backward(weights)["bias"].item())
        seen = computed(tab, "minimax-divergence", "game", m)
        agree([seen[name] for name in ("value", "minimax", "nonSaturating")], expected)


def test_small_network(tab: Tab, tmp_path: Path) -> None:
    """The values and gradients of minigen's layers; a unit at rest passes nothing on."""
    opened(tab, "backprop-network", tmp_path)
    rng = np.random.default_rng(3)
    off = 0
    for _ in range(20):
        u, b, w, c = (rng.normal(size=shape) for shape in ((2, 2), 2, (2, 1), 1))
        first, last = (Linear(2, n, rng, "float64") for n in (2, 1))
        layers = Sequential(
            first.with_params({"weight": u, "bias": b}), ReLU(),
            last.with_params({"weight": w, "bias": c}),
        )  # fmt: skip
        x, target = rng.normal(size=(1, 2)), rng.normal()
        y, backward = layers(x)
        dx, grads = backward(2 * (y - target))
        names = ["x1", "x2", "u11", "u12", "u21", "u22", "b1", "b2", "w1", "w2", "c"]
        numbers = dict(
            zip(names, np.concatenate([part.ravel() for part in (x, u, b, w, c)]), strict=True)
        )
        numbers["target"] = target
        values = computed(tab, "backprop-network", "forward", numbers)
        agree([values["y"], values["S"]], [y.item(), (y.item() - target) ** 2])
        seen = computed(tab, "backprop-network", "backward", numbers, values)
        agree(
            [seen[name] for name in names],
            np.concatenate([part.ravel() for part in (dx, *map(grads.get, layers.params))]),
        )
        agree(seen["target"], -seen["y"])
        off += seen["h1"] == 0
    assert 0 < off < 20


def test_steps_on_the_ring(tab: Tab, tmp_path: Path) -> None:
    """Three steps of each player, in float64, are those of minigen's GAN and Adam."""
    opened(tab, "gan-ring", tmp_path, still=True)
    rng = np.random.default_rng(4)
    gan = GAN.mlp(2, [16, 16], 2, rng, dtype="float64")
    start = {
        name: [array.ravel().tolist() for array in part.params.values()]
        for name, part in (("G", gan.generator), ("D", gan.discriminator))
    }
    of_d = Adam(gan.discriminator.params, 2e-3, betas=(0.5, 0.999))
    of_g = Adam(gan.generator.params, 5e-4, betas=(0.5, 0.999))
    batches = rng.standard_normal((3, 3, 32, 2))
    expected = []
    for x, z_d, z_g in batches:
        values, backward = gan.discriminator_loss(x, z_d)
        of_d.step(backward())
        loss, backward = gan.generator_loss(z_g)
        of_g.step(backward())
        expected.append([float(value.mean()) for value in (*values, loss)])
    seen = tab.evaluate(
        """((start, batches) => {
          const { GAN } = plays["gan-ring"];
          const layers = arrays => [0, 2, 4].map(i => ({
            weight: Float64Array.from(arrays[i]), bias: Float64Array.from(arrays[i + 1]) }));
          const gan = new GAN(layers(start.G), layers(start.D));
          const values = batches.map(batch => {
            const [x, zD, zG] = batch.map(rows => Float64Array.from(rows.flat()));
            const { loss, dReal, dFake } = gan.discriminatorStep(x, zD, 2e-3);
            return [loss, dReal, dFake, gan.generatorStep(zG, 5e-4).loss];
          });
          const params = player => player.flatMap(({ weight, bias }) => [...weight, ...bias]);
          return { values, G: params(gan.generator), D: params(gan.discriminator) };
        })"""
        f"({json.dumps(start)}, {json.dumps(batches.tolist())})"
    )
    agree(seen["values"], expected)
    for name, part in (("G", gan.generator), ("D", gan.discriminator)):
        agree(seen[name], np.concatenate([array.ravel() for array in part.params.values()]))
