"""Training: numbers at the edge, the caller's arrays, and output that goes nowhere or to a pipe."""

import contextlib
import json
import os
import shlex
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.backend import generator
from minigen.data import Dataset, batches
from minigen.models.gan import GAN
from minigen.training import OPTIONS, Trainer, prepare
from tests.faults.helpers import SMALL, environment, line, undrawn
from tests.helpers import pixels, squares, trained
from tests.test_properties import CASES, Case, Draw

ROOT = Path(__file__).parent.parent.parent
IMAGES = Dataset("images", pixels(0, 50, 64), pixels(1, 10, 64), (8, 8))


def built(name: str, **options: Any) -> Any:
    given = {"hidden": (9,), "latent_dim": 3, **options}
    return prepare(OPTIONS[name](**given), IMAGES).trainer


def last_bias(network: str, value: float) -> Callable[[Any], None]:
    """Makes this network's last layer perfectly sure."""

    def set_it(trainer: Trainer[Any, Any]) -> None:
        names = [name for name in trainer.model.params if name.startswith(network)]
        trainer.model.params[[n for n in names if n.endswith("bias")][-1]][...] = value

    return set_it


def as_drawn(trainer: Trainer[Any, Any]) -> None:
    pass


@pytest.mark.fault("saturated")
@pytest.mark.parametrize(
    ("name", "options", "change"),
    [
        ("ae", {}, as_drawn),
        ("ae", {"reconstruction": "bce"}, last_bias("decoder", 1000)),
        ("ae", {"reconstruction": "bce"}, last_bias("decoder", -1000)),
        ("vae", {}, as_drawn),
        ("vae", {}, last_bias("decoder", 1000)),
        ("vae", {"importance_samples": 3}, last_bias("decoder", -1000)),
        ("gan", {}, as_drawn),
        ("gan", {}, last_bias("discriminator", 1000)),
        ("gan", {}, last_bias("discriminator", -1000)),
        ("gan", {"generator_loss": "minimax"}, last_bias("discriminator", 1000)),
        ("gan", {"generator_loss": "minimax"}, last_bias("discriminator", -1000)),
        ("gan", {}, last_bias("generator", 1000)),
    ],
)
def test_no_step_divides_by_zero_or_overflows(
    name: str, options: dict[str, Any], change: Callable[[Any], None]
) -> None:
    """NumPy raises where it would warn; tiny numbers may round to zero."""
    system = built(name, **options)
    change(system)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for epoch in range(3):
            for x in batches(IMAGES.train, 16, generator(np, epoch)):
                for step in (system.train_step, system.test_step):
                    values = step(x, generator(np, epoch))
                    assert all(np.isfinite(value).all() for value in values.values())
    for array in system.model.params.values():
        assert np.isfinite(array).all()


@pytest.mark.fault("saturated")
@pytest.mark.parametrize("logit", [1000, -1000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_a_perfectly_sure_discriminator(
    logit: float, dtype: str, rng: np.random.Generator
) -> None:
    """By its last bias: the sum of D(x) - 1 on data and D(G(z)) on samples, 0 - 0 or 0 - 1."""
    model = GAN.mlp(4, [5], 3, rng, dtype=dtype)
    model.discriminator.params["2.weight"][...] = 0
    model.discriminator.params["2.bias"][...] = logit
    x, z = rng.standard_normal((6, 4)).astype(dtype), rng.standard_normal((6, 3)).astype(dtype)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        terms, backward = model.discriminator_loss(x, z)
        gradient = backward()["2.bias"]
        g_loss, g_backward = model.generator_loss(z)
        g_backward()
    assert terms.loss.tolist() == [1000] * 6
    assert gradient.tolist() == pytest.approx([np.sign(logit)])
    assert g_loss.tolist() == [max(-logit, 0)] * 6


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fortran": np.asfortranarray,
    "reversed rows": lambda x: x[::-1].copy()[::-1],
    "reversed columns": lambda x: x[..., ::-1].copy()[..., ::-1],
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}


@pytest.mark.fault("caller's arrays")
@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_no_layout_changes_the_result_and_no_array_is_written(make: Callable[[Draw], Case]) -> None:
    """Of losses, Gaussians, layers and models: arguments and the upstream gradient."""
    run, rows, params = make(Draw(5, 4, 3, "float64", seed=7))
    before = {name: array.copy() for name, array in {**rows, **params}.items()}
    plain = {name: np.ascontiguousarray(array) for name, array in rows.items()}
    value, backward = run(plain)
    upstream = np.random.default_rng(0).standard_normal(value.shape)
    gradients = backward(upstream)
    for laid_out in LAYOUTS.values():
        other = {name: laid_out(array) for name, array in plain.items()}
        dy = laid_out(upstream)
        for array in (dy, *other.values()):
            array.flags.writeable = False
        found, found_backward = run(other)
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-13)
        for name, gradient in found_backward(dy).items():
            np.testing.assert_allclose(gradient, gradients[name], rtol=1e-11, atol=1e-12)
        for name, array in other.items():
            np.testing.assert_array_equal(array, before[name])
    for name, array in params.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs of a VAE, with its data beside it."""
    folder = tmp_path_factory.mktemp("trained")
    return trained("vae", squares(folder / "x.npy", 100), folder / "run")


@pytest.mark.fault("full output")
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "vae", "--data", "../x.npy", *SMALL, "--out", "../full"],
        ["train", "--help"],
        ["sample", ".", "--count", "2", "--out", "../two.npy"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_full_disk_behind_stdout(arguments: list[str], run: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            line(*arguments),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=run,
            env=environment(PYTHONPATH=str(ROOT)),
        )
    assert done.stderr == (
        "minigen: error: standard output: No space left on device; check the path and the disk\n"
    )
    assert done.returncode == 1


@pytest.mark.fault("plain output")
def test_output_closed_by_head(run: Path) -> None:
    """It has seen enough: no word about that, and what was trained is there."""
    new = run.parent / "head"
    data = run.parent / "x.npy"
    command = undrawn("--data", data, *SMALL, "--epochs", "100000", "--out", new)
    done = subprocess.run(
        f"{shlex.join(command)} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.stdout == "note   images of 8x8 pixels are flattened to rows of 64\n"
    assert done.stderr == ""
    with np.load(new / "checkpoint.npz") as archive:
        assert "history" in json.loads(archive["header"].tobytes())


@pytest.mark.fault("plain output")
def test_a_reader_that_is_gone_before_the_first_line(run: Path) -> None:
    """The output of a short command waits in a buffer until the end."""
    command = line("sample", run, "--count", "2", "--out", run.parent / "rows.npy")
    done = subprocess.run(
        f"{shlex.join(command)} | true",
        shell=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.stdout == done.stderr == ""
    assert len(np.load(run.parent / "rows.npy")) == 2


def on_a_terminal(command: list[str], term: str) -> str:
    """What a terminal of this kind is sent."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment(TERM=term)) as it:
        os.close(theirs)
        sent = b""
        with contextlib.suppress(OSError):  # how Linux says that the last writer is gone
            while part := os.read(ours, 4096):
                sent += part
        os.close(ours)
    assert it.returncode == 0
    return sent.decode().replace("\r\n", "\n")  # as terminals end lines


@pytest.mark.fault("plain output")
def test_only_a_terminal_that_can_move_its_cursor_gets_a_progress_bar(run: Path) -> None:
    data, outs = run.parent / "x.npy", (run.parent / name for name in ("dumb", "able", "none"))
    dumb, able, none = (
        undrawn("--data", data, *SMALL, "--epochs", "2", "--out", out) for out in outs
    )
    piped = subprocess.run(none, capture_output=True, text=True, env=environment(), check=True)
    on_dumb, on_able = on_a_terminal(dumb, "dumb"), on_a_terminal(able, "xterm")
    assert piped.stderr == ""
    for plain in (piped.stdout, on_dumb):
        starts = [printed[:6].strip() for printed in plain.splitlines()]
        assert starts == [*["note"] * 3, "data", "model", "units", "epoch", "epoch", "run", "next"]
        assert plain.replace("\n", "").isprintable()
    assert "\r" in on_able
