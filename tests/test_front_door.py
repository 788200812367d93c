"""The front door: fit, judge, show, save and load, as a notebook uses them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

import minigen as mg
from minigen.backend import generator
from minigen.data import Mixture
from minigen.evaluate import main as evaluate
from minigen.nn import Adam, Composite, LeakyReLU, Linear, Sequential, mlp
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


@pytest.mark.parametrize("given", ["x.npy", Path("x.npy"), mg.Dataset.of(ROWS, name=Path("x"))])  # type: ignore[arg-type]
def test_a_run_is_saved_whatever_named_its_data_and_judged_from_any_folder(
    given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", ROWS)
    dataset = given if isinstance(given, mg.Dataset) else mg.load_data(given)
    mg.save(mg.fit(ALL[0], dataset, progress=False), tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    mg.judge(mg.load(tmp_path / "run", data=given if given is dataset else None))


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


@pytest.mark.parametrize(
    "build",
    [mg.VAE.mlp, mg.GAN.mlp, mg.Autoencoder.mlp, lambda d, hidden, n, *rest: mlp([d, n], *rest)],
)
def test_what_follows_the_generator_has_a_name(build: Any, rng: np.random.Generator) -> None:
    """It means a dtype in one model, an activation in another, and a bound in the third."""
    with pytest.raises(TypeError, match="positional argument"):
        build(4, [3], 2, rng, "float64")
    built = build(4, [3], 2, rng).params.values()
    assert {array.dtype for array in built} == {np.dtype("float32")}


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
