"""The comparison counts the products that a step really makes, takes turns, and draws."""

import math
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import busy, contestants, measure
from tests.benchmarks.contestants import Size
from tests.benchmarks.figure import draw
from tests.strict import standin

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 784), dtype=np.uint8)


@pytest.mark.parametrize("model", ["vae", "ae", "gan"])
def test_the_floor_makes_the_products_of_the_step(
    model: str, strict: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the stand-in for CuPy, whose products can be watched; a GPU's step is the same."""
    size = Size(model, 7, 5)
    seen: list[tuple[Any, Any]] = []
    plain, product = standin.ndarray.__matmul__, standin.__getattr__("matmul")

    def watched(a: Any, b: Any) -> Any:
        seen.append((a.shape, b.shape))
        return plain(a, b)

    def watched_product(a: Any, b: Any, out: Any) -> Any:
        seen.append((a.shape, b.shape))
        return product(a, b, out=out)

    monkeypatch.setattr(standin.ndarray, "__matmul__", watched)
    contestants.minigen(size, IMAGES, strict)()
    of_the_step, seen = seen, []
    monkeypatch.setattr(standin, "matmul", watched_product, raising=False)
    contestants.floor(size, IMAGES, strict)()
    assert sorted(seen) == sorted(of_the_step)


@pytest.mark.parametrize(
    ("name", "passes_of_d", "passes_of_g"), [("plain", 0, 0), ("R1", 4, 0), ("WGAN-GP", 4, 1)]
)
def test_a_price_on_slope_costs_the_passes_that_are_counted(
    name: str,
    passes_of_d: int,
    passes_of_g: int,
    strict: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In units of multiplications: values up, slopes down, moves up, and the weights' gradients."""
    size = Size("gan", 7, 5)
    plain, counted = standin.ndarray.__matmul__, [0]

    def watched(a: Any, b: Any) -> Any:
        counted[0] += math.prod(a.shape) * b.shape[1]
        return plain(a, b)

    monkeypatch.setattr(standin.ndarray, "__matmul__", watched)
    totals = []
    for options in (contestants.SLOPES["plain"], contestants.SLOPES[name]):
        counted[0] = 0
        contestants.minigen(size, IMAGES, strict, **options)()
        totals.append(counted[0])
    d, g = (7 * (widths[0] * 5 + 5 * 5 + 5 * widths[1]) for widths in ((784, 1), (64, 784)))
    assert totals[1] - totals[0] == passes_of_d * d + passes_of_g * g


def test_torch_takes_the_same_steps() -> None:
    """As many parameters move, and no more."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    before = torch.get_num_threads()
    for model in ("vae", "ae", "gan"):
        contestants.torch(Size(model, 7, 5), IMAGES)()
    assert torch.get_num_threads() == before


def test_contestants_take_turns_and_are_compared_with_the_first() -> None:
    calls = []

    def step(name: str, seconds: float) -> contestants.Step:
        def wait() -> None:
            calls.append(name)
            time.sleep(seconds)

        return wait

    steps = {"a": step("a", 0.02), "b": step("b", 0.06)}
    table = measure.compare(steps, blocks=3)
    turns = "".join(calls).replace("aa", "a")
    assert "ab" in turns
    assert table["a"]["ratio"] == 1
    assert 2 < table["b"]["ratio"] < 4
    assert table["b"]["least"] <= table["b"]["ratio"] <= table["b"]["most"]
    assert table["a"]["ms"] >= 20


@pytest.mark.parametrize("power", [1.0, 1.2])
def test_the_exponent_of_a_power_law(power: float) -> None:
    results = [{"batch": n, "times": {"x": {"ms": 3 * n**power}}} for n in (128, 512, 4096)]
    assert measure.exponent(results, "x") == pytest.approx(power)


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    times = {"minigen": {"ms": 2.0}, "floor": {"ms": 1.0}, "PyTorch": {"ms": 3.0}}
    sizes = [Size("vae", 128, 400), Size("vae", 512, 400), Size("ae", 128, 400)]
    results = [measure.as_result(size, 1, times) for size in sizes]
    ms = dict.fromkeys(busy.NEIGHBOURS, 5.0)
    found = [{"contestant": "minigen", "threads": threads, "ms": ms} for threads in (1, 2)]
    draw(tmp_path / "x.png", {"floor": "floor", "results": results, "busy": found})
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_neighbours_run_within_the_block() -> None:
    (found,) = busy.busy(IMAGES.repeat(3, axis=0), [1], 1)[:1]
    assert found["contestant"] == "minigen"
    assert set(found["ms"]) == set(busy.NEIGHBOURS)
    assert all(ms > 0 for ms in found["ms"].values())
