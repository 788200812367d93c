"""The front door: fit, judge, show, save and load, as a notebook uses them."""

import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

import minigen as mg
from minigen.backend import generator
from minigen.data import Mixture
from minigen.evaluate import main as evaluate
from minigen.nn import Adam, Composite, LeakyReLU, Linear, ReLU, Sequential, mlp, reparameterize
from minigen.nn.optim import Average
from minigen.train import main as train
from minigen.training import prepare
from minigen.workshop.process import backend_unread

RNG = np.random.default_rng(0)
ROWS = RNG.random((60, 16), dtype=np.float32)
DATA = mg.Dataset.of(ROWS, shape=(4, 4))
SMALL: dict[str, Any] = {"hidden": (5,), "latent_dim": 2, "epochs": 2, "batch_size": 20}
ALL = [mg.AutoencoderOptions(**SMALL), mg.VAEOptions(**SMALL), mg.GANOptions(**SMALL)]

each_model = pytest.mark.parametrize("options", ALL, ids=lambda options: options.model)


def fitted(options: Any) -> mg.Run:
    return mg.fit(options, DATA, progress=False)


@each_model
def test_fit_learns_and_says_nothing(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run = mg.fit(options, DATA)
    assert [record.epoch for record in run.history] == [1, 2]
    assert run.sample(7).shape == (7, 16)
    np.testing.assert_array_equal(run.sample(3, seed=1), run.sample(3, seed=1))
    assert capsys.readouterr() == ("", "")  # a bar is for terminals and notebooks


@each_model
def test_a_run_comes_back_as_it_was_and_goes_on(options: Any, tmp_path: Path) -> None:
    run = fitted(options)
    mg.save(run, tmp_path / "run")
    loaded = mg.load(tmp_path / "run", data=DATA, epochs=3)
    assert loaded.history == run.history
    np.testing.assert_array_equal(loaded.decode(np.zeros((1, 2))), run.decode(np.zeros((1, 2))))
    (third,) = loaded.train()
    whole = mg.fit(type(options)(**{**SMALL, "epochs": 3}), DATA, progress=False)
    assert third == whole.history[-1]
    for name, array in whole.trainer.state.items():
        np.testing.assert_array_equal(loaded.trainer.state[name], array)


@each_model
def test_judge_prints_findings(options: Any) -> None:
    run = fitted(options)
    findings = mg.judge(run, draws=5, rows=4)
    assert all(isinstance(finding, mg.Finding) for finding in findings)
    assert all(f"{f.name}: " in str(f) and "beside it: " in str(f) for f in findings)


def test_a_mixture_is_judged_by_its_modes_whatever_the_name() -> None:
    mixture = Mixture(np.array([[-1.0, 0.0], [1.0, 0.0]]), std=0.1)
    rows = mixture.sample(60, generator(np, 0))[0].astype(np.float32)
    data = mg.Dataset("mine", rows[:50], rows[50:], mixture=mixture)
    findings = mg.judge(mg.fit(mg.GANOptions(**SMALL), data, progress=False))
    assert [finding.name for finding in findings] == ["modes covered", "high quality", "reverse KL"]


def test_data_of_a_loaded_run_are_asked_for_when_they_are_needed(tmp_path: Path) -> None:
    mg.save(fitted(ALL[1]), tmp_path / "run")
    run = mg.load(tmp_path / "run")
    assert run.sample(2).shape == (2, 16)
    with pytest.raises(mg.MinigenError, match="was trained on arrays, 'rows', that no file"):
        mg.judge(run)
    other = mg.Dataset.of(ROWS + 1)
    with pytest.raises(mg.MinigenError, match="trained on other data"):
        mg.judge(mg.load(tmp_path / "run", data=other))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"epochs": 0}, r"^epochs must be a whole number of at least 1, got 0$"),
        ({"epochs": 2.5}, r"^epochs must be a whole number of at least 1, got 2\.5$"),
        ({"epochs": 1}, r"run has 2 epochs behind it, more than epochs=1; give more$"),
        ({"data": ROWS}, r"^expected a Dataset, got ndarray; make one by Dataset\.of"),
    ],
    ids=["no epochs", "half an epoch", "fewer epochs", "an array"],
)
def test_load_blames_what_is_asked_for_and_not_the_file(
    asked: dict[str, Any], message: str, tmp_path: Path
) -> None:
    mg.save(fitted(ALL[1]), tmp_path / "run")
    with pytest.raises(mg.MinigenError, match=message):
        mg.load(tmp_path / "run", **asked)


@pytest.mark.parametrize("source", ["x.npy", "ring"])
def test_the_seed_of_the_data_may_be_another_than_that_of_the_training(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", ROWS)
    run = prepare(ALL[0], mg.load_data(source, seed=3))
    mg.save(run, "run")
    np.testing.assert_array_equal(mg.load("run").dataset.test, run.dataset.test)


def test_save_replaces_nothing_unasked(tmp_path: Path) -> None:
    run = fitted(ALL[1])
    mg.save(run, tmp_path / "run")
    with pytest.raises(mg.MinigenError, match="already holds a run"):
        mg.save(run, tmp_path / "run")
    mg.save(run, tmp_path / "run", overwrite=True)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    with pytest.raises(mg.MinigenError, match="holds no run"):
        mg.save(run, tmp_path / "notes", overwrite=True)
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("rows", "shape"), [(ROWS, (4, 4)), (RNG.random((9, 1)), None), (RNG.random((9, 2)), None)]
)
def test_show_draws_into_a_figure(rows: np.ndarray, shape: tuple[int, int] | None) -> None:
    pyplot.switch_backend("agg")
    mg.show(rows, shape, title="rows")
    (number,) = pyplot.get_fignums()
    assert pyplot.figure(number).axes[0].get_title() == "rows"
    pyplot.close("all")
    axes = pyplot.figure().subplots()
    mg.show(rows, shape, axes=axes, title="here")
    assert axes.get_title() == "here"
    pyplot.close("all")


class OwnInit(Composite):
    """A composite with an __init__ of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.first = Linear(width, 3, np.random.default_rng(0))
        self.second = Linear(3, width, np.random.default_rng(1))


def test_a_composite_may_have_an_init_of_its_own() -> None:
    own = OwnInit(4)
    twin = own.with_params({name: array + 1 for name, array in own.params.items()})
    assert twin.width == 4
    np.testing.assert_array_equal(twin.second.params["bias"], own.second.params["bias"] + 1)
    assert list(own.params) == ["first.weight", "first.bias", "second.weight", "second.bias"]


def test_parameters_change_in_place_or_not_at_all() -> None:
    vae = mg.VAE.mlp(4, [3], 2, np.random.default_rng(0))
    before = vae.encoder.params["0.bias"].copy()
    vae.params["encoder.0.bias"] -= 1
    np.testing.assert_array_equal(vae.encoder.params["0.bias"], before - 1)
    with pytest.raises(mg.MinigenError, match="with_params"):
        vae.params["encoder.0.bias"] = vae.params["encoder.0.bias"] - 1
    with pytest.raises(mg.MinigenError, match="with_params"):
        vae.params["new"] = before


def test_every_class_says_what_it_is() -> None:
    rng = np.random.default_rng(0)
    vae = mg.VAE.mlp(784, [400], 20, rng)
    assert repr(vae) == "VAE(encoder 784-400-40, decoder 20-400-784; 652,824 parameters)"
    assert repr(mg.Autoencoder.mlp(4, [], 2, rng)) == (
        "Autoencoder(encoder 4-2, decoder 2-4; 22 parameters)"
    )
    assert repr(mg.GAN.mlp(2, [3], 2, rng, bounded=True)) == (
        "GAN(generator 2-3-2, discriminator 2-3-1; 30 parameters)"
    )
    assert repr(mlp([4, 3, 2], rng)) == "Sequential(Linear(4, 3), ReLU(), Linear(3, 2))"
    assert repr(Sequential(LeakyReLU(0.1))) == "Sequential(LeakyReLU(0.1))"
    assert repr(Adam(vae.params)) == "Adam(lr 0.001, 8 arrays, step 0)"
    assert repr(Average(vae.params, 0.5)) == "Average(decay 0.5, 8 arrays, step 0)"
    run = fitted(ALL[1])
    assert repr(run).startswith("Run(vae on rows, 2 of 2 epochs: test loss ")
    assert repr(run.trainer).startswith("VAETrainer(VAE(encoder 16-5-4, ")
    assert repr(prepare(ALL[2], DATA)) == "Run(gan on rows, 0 of 2 epochs)"


@functools.cache
def made() -> SimpleNamespace:
    """What wrong calls are made of."""
    rng = np.random.default_rng(0)
    vae, x = mg.VAE.mlp(16, [5], 2, rng), DATA.train
    eps = rng.standard_normal((54, 2), dtype=np.float32)
    _, backward = vae.loss(x, eps)
    y, layer_backward = Linear(16, 2, rng)(x)
    _, z_backward = reparameterize(eps, eps, eps)
    return SimpleNamespace(
        rng=rng, vae=vae, x=x, eps=eps, backward=backward, y=y, layer_backward=layer_backward,
        z_backward=z_backward, run=fitted(ALL[1]), gan=fitted(ALL[2]),
    )  # fmt: skip


IN_FLOAT32 = "Linear computes in float32, got x in {}; convert it, pixels by minigen.data.scaled(x)"
EACH = "one weight for each example: expected an array of shape (54,), got "
UNIT = "this loss is for values in [0, 1]; rescale them, or take a squared error"
A_RUN = "expected a Run, got int; make one by fit or load"
A_GENERATOR = "a random generator, got 0; make one by numpy.random.default_rng(seed)"
WHOLE = "must be a whole number of at least "
WRONG: dict[str, tuple[Callable[[Any], object], str]] = {  # a call, and words of what it answers
    "standardised rows": (lambda m: m.vae.loss((m.x - m.x.mean()) / m.x.std(), m.eps), UNIT),
    "rows of NaN": (lambda m: m.vae.loss(m.x * np.nan, m.eps), f"from nan to nan, and {UNIT}"),
    "pixels as uint8": (
        lambda m: m.vae.loss((m.x * 255).astype(np.uint8), m.eps),
        IN_FLOAT32.format("uint8"),
    ),
    "float64 rows": (
        lambda m: m.vae.loss(m.x.astype(np.float64), m.eps),
        IN_FLOAT32.format("float64"),
    ),
    "float64 noise": (
        lambda m: m.vae.loss(m.x, m.eps.astype(np.float64)),
        IN_FLOAT32.format("float64"),
    ),
    "rows of another width": (
        lambda m: m.vae.loss(m.x[:, :3], m.eps),
        "Linear expects x of shape (N, 16), got (54, 3)",
    ),
    "a number as weights": (lambda m: m.backward(1.0), f"{EACH}1.0"),
    "weights of another shape": (lambda m: m.backward(np.ones(3)), f"{EACH}one of shape (3,)"),
    "a number as dy": (lambda m: m.layer_backward(1.0), "dy: expected an array of shape (54, 2)"),
    "dy of another shape": (lambda m: m.layer_backward(m.y[:3]), "got one of shape (3, 2)"),
    "a number as dz": (lambda m: m.z_backward(1.0), "dz: expected an array of shape (54, 2)"),
    "a relu's dy": (lambda m: ReLU()(m.x)[1](m.x[:2]), "dy: expected an array of shape (54, 16)"),
    "a seed for a generator": (lambda m: mg.VAE.mlp(16, [5], 2, 0), A_GENERATOR),
    "a seed for a mixture": (lambda m: Mixture(np.zeros((1, 2)), 1).sample(3, 0), A_GENERATOR),  # type: ignore[arg-type]
    "a width of 0": (lambda m: mg.VAE.mlp(16, [0], 2, m.rng), f"n_out of Linear {WHOLE}1, got 0"),
    "a width of 2.5": (lambda m: Linear(16, 2.5, m.rng), f"n_out of Linear {WHOLE}1, got 2.5"),  # type: ignore[arg-type]
    "a learning rate of 0": (
        lambda m: mg.Adam(m.vae.params, lr=0),
        "learning rate must be a positive number, got 0",
    ),
    "a rate that is text": (
        lambda m: mg.Adam(m.vae.params, lr="1e-3"),  # type: ignore[arg-type]
        "learning rate must be a positive number, got '1e-3'",
    ),
    "three betas": (
        lambda m: mg.Adam(m.vae.params, betas=(0.5, 0.5, 0.5)),
        "betas must be two numbers in [0, 1)",
    ),
    "momentum of 1": (
        lambda m: mg.SGD(m.vae.params, 0.1, momentum=1.0),
        "momentum must be a number in [0, 1)",
    ),
    "a slope of 2": (lambda m: LeakyReLU(2.0), "slope of LeakyReLU must be a number in [0, 1)"),
    "gradients of another model": (
        lambda m: mg.Adam(m.vae.params).step({}),
        "gradients do not fit the parameters, at decoder.0.bias, decoder.0.weight",
    ),
    "a list of rows": (
        lambda m: m.vae.loss(m.x.tolist(), m.eps),
        "expected NumPy or CuPy arrays, got list, ndarray; convert with numpy.asarray",
    ),
    "an array for a Dataset": (
        lambda m: mg.fit(ALL[0], ROWS),  # type: ignore[arg-type]
        "expected a Dataset, got ndarray; make one by Dataset.of(rows)",
    ),
    "an array for a run's Dataset": (
        lambda m: mg.load("/nonexistent/run", data=ROWS),  # type: ignore[arg-type]
        "expected a Dataset, got ndarray; make one by Dataset.of(rows)",
    ),
    "a dict for options": (
        lambda m: mg.fit({"epochs": 1}, DATA),  # type: ignore[arg-type]
        "expected options of a model (AutoencoderOptions, VAEOptions, GANOptions), got {'epochs'",
    ),
    "an unknown backend": (
        lambda m: mg.fit(ALL[0], DATA, backend="torch"),
        "unknown backend 'torch'; choose one of numpy, cupy, auto",
    ),
    "values beyond 1 for a VAE": (
        lambda m: mg.fit(ALL[1], mg.Dataset.of(ROWS * 2)),
        "not 0 to 1, in 54 of 54 train rows",
    ),
    "samples of no number": (lambda m: m.run.sample(0), f"count {WHOLE}1, got 0"),
    "samples of a half": (lambda m: m.run.sample(1.5), f"count {WHOLE}1, got 1.5"),
    "a negative seed": (lambda m: m.run.sample(1, seed=-1), f"seed {WHOLE}0, got -1"),
    "rows to encode of another width": (
        lambda m: m.run.encode(ROWS[:, :3]),
        "expected rows of 16 values, got 3",
    ),
    "a row to encode": (lambda m: m.run.encode(ROWS[0]), "rows: has shape (16,), expected (rows, "),
    "codes of another width": (
        lambda m: m.run.decode(np.zeros((1, 3))),
        "expected codes of shape (N, 2), got (1, 3)",
    ),
    "codes of a GAN": (lambda m: m.gan.encode(ROWS), "a gan has no encoder"),
    "a walk with one end more": (
        lambda m: m.run.walk(np.zeros((1, 2)), np.zeros((2, 2))),
        "a walk has two ends, got 1 first and 2 last codes",
    ),
    "a walk of one step": (
        lambda m: m.run.walk(np.zeros((1, 2)), np.zeros((1, 2)), steps=1),
        f"steps {WHOLE}2, got 1",
    ),
    "no draws": (lambda m: mg.judge(m.run, draws=0), f"draws {WHOLE}1, got 0"),
    "a number to judge": (lambda m: mg.judge(3), A_RUN),  # type: ignore[arg-type]
    "a number to save": (lambda m: mg.save(3, "/nonexistent/run"), A_RUN),  # type: ignore[arg-type]
    "a number to explore": (lambda m: mg.explore(3), A_RUN),  # type: ignore[arg-type]
    "rows that are no images": (
        lambda m: mg.show(ROWS),
        "rows of 16 values are neither images nor points",
    ),
    "images of another shape": (
        lambda m: mg.show(ROWS, (3, 3)),
        "images of shape (3, 3) do not fit rows of 16 values",
    ),
    "a run that is not there": (
        lambda m: mg.load("/nonexistent/run"),
        "/nonexistent/run is no run folder, checkpoint.npz is missing",
    ),
    "a data set that is not there": (
        lambda m: mg.load_data("/nonexistent.npy"),
        "/nonexistent.npy: cannot be opened: No such file or directory",
    ),
    "batches of 0": (lambda m: mg.batches(ROWS, 0), f"batch_size {WHOLE}1, got 0"),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG)
def test_every_entrance_answers_wrong_input_with_a_sentence(
    call: Callable[[Any], object], words: str
) -> None:
    with pytest.raises(mg.MinigenError, match=re.escape(words)):
        call(made())


NOTEBOOK = """
import os, signal, sys
import numpy as np
before = dict(os.environ), signal.getsignal(signal.SIGTERM), sys.stderr, sys.stdout.errors
before += (np.geterr(),)
from minigen.train import main
np.save("x.npy", np.random.default_rng(0).random((40, 9), dtype=np.float32))
small = ["--data", "x.npy", "--hidden", "3", "--epochs", "1"]
assert main(["ae", "--out", "a", *small]) == 0
assert main(["vae", "--out", "a", *small]) == 1
after = dict(os.environ), signal.getsignal(signal.SIGTERM), sys.stderr, sys.stdout.errors
after += (np.geterr(),)
assert before == after, (before, after)
import matplotlib
assert matplotlib.rcParams["backend"] == "module://minigen_test_backend", matplotlib.rcParams
"""


def test_a_command_in_a_notebook_changes_nothing_of_its_process(tmp_path: Path) -> None:
    """Environment, signal handlers, streams, floating-point state, and the plots' backend."""
    (tmp_path / "minigen_test_backend.py").write_text("")
    environment = {
        **os.environ,
        "MPLBACKEND": "module://minigen_test_backend",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(mg.__file__).parent.parent}",
    }
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], cwd=tmp_path, env=environment, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_call_puts_back_the_signal_handler(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert evaluate([str(tmp_path / "nothing")]) == 1
    assert train(["vae", "--resume", str(tmp_path / "nothing")]) == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_environment_is_unread_only_while_matplotlib_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MPLBACKEND", "no such backend")
    with backend_unread():
        pass
    assert os.environ["MPLBACKEND"] == "no such backend"
