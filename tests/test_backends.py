"""One battery on three backends: NumPy, a strict stand-in for CuPy, and CuPy where it works.

The stand-in must give NumPy's results bit for bit and cross to the host never within a step; CuPy
must give them to rounding. Then the stand-in itself: which habits of NumPy code it catches.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import pytest

from minigen import backend
from minigen.data import Dataset
from minigen.data.toy import MIXTURES
from minigen.errors import MinigenError
from minigen.gradcheck.derivation import Derivation, Draw
from minigen.gradcheck.derivations import DERIVATIONS
from minigen.metrics import bounds as metrics
from minigen.metrics import findings
from minigen.metrics import samples as sample_metrics
from minigen.models.autoencoder import Autoencoder
from minigen.models.gan import GAN, HINGE, LEAST_SQUARES, WASSERSTEIN
from minigen.models.likelihoods import Bernoulli, Gaussian
from minigen.models.vae import VAE
from minigen.nn.gaussian import kl_to_standard_normal, log_normal, reparameterize
from minigen.nn.layers import Layer, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Tanh, mlp
from minigen.nn.losses import bce, bce_with_logits, hinge, length_error, mse, wasserstein
from minigen.nn.module import Module
from minigen.nn.optim import SGD, Adam, Average, Optimizer
from minigen.nn.slopes import input_gradient
from minigen.nn.spectral import PowerIteration, spectral
from minigen.train import main as train_command
from minigen.training import OPTIONS, Run, Trainer, prepare
from minigen.training import loop as training
from minigen.workshop import checkpoint
from tests.helpers import pixels, squares
from tests.strict import standin

Array = backend.Array
Results = Mapping[str, Array]
M = TypeVar("M", bound=Module)


class Draws:
    """Equal random inputs on any backend and in any dtype: drawn by NumPy, then moved."""

    def __init__(self, xp: ModuleType, dtype: str) -> None:
        self.xp, self.dtype = xp, dtype
        self.rng = np.random.default_rng(7)

    def normal(self, *shape: int) -> Array:
        return self.xp.asarray(self.rng.standard_normal(shape).astype(self.dtype))

    def unit(self, *shape: int) -> Array:
        return self.xp.asarray(self.rng.uniform(0.05, 0.95, shape).astype(self.dtype))

    def like(self, params: Mapping[str, Array]) -> dict[str, Array]:
        return {name: self.normal(*array.shape) for name, array in params.items()}

    def move(self, module: M) -> M:
        return module.with_params({k: self.xp.asarray(v) for k, v in module.params.items()})


Case = Callable[[Draws], Results]


def layer(make: Callable[[Draws], Layer]) -> Case:
    def case(draw: Draws) -> Results:
        y, backward = draw.move(make(draw))(draw.normal(5, 4))
        dx, grads = backward(draw.normal(*y.shape))
        return {"y": y, "dx": dx, **grads}

    return case


def loss(function: Callable[..., Any], *inputs: str, columns: int = 9) -> Case:
    """Under equal weights and under given ones."""

    def case(draw: Draws) -> Results:
        value, backward = function(*(getattr(draw, kind)(6, columns) for kind in inputs))
        gradients = {"mean": backward(), "weighted": backward(draw.normal(6))}
        flat = {
            f"{name} {i}": part
            for name, found in gradients.items()
            for i, part in enumerate(found if isinstance(found, tuple) else (found,))
        }
        return {"value": value, **flat}

    return case


def reparameterized(draw: Draws) -> Results:
    z, backward = reparameterize(draw.normal(5, 3), draw.normal(5, 3), draw.normal(5, 3))
    dmu, dlogvar = backward(draw.normal(5, 3))
    return {"z": z, "dmu": dmu, "dlogvar": dlogvar}


def optimizer(make: Callable[[dict[str, Array]], Optimizer]) -> Case:
    def case(draw: Draws) -> Results:
        params = {"weight": draw.normal(4, 3), "bias": draw.normal(3)}
        stepper = make(params)
        for _ in range(3):
            stepper.step(draw.like(params))
        return params | {name: array for name, array in stepper.state.items() if name != "t"}

    return case


def averaged(draw: Draws) -> Results:
    params = {"weight": draw.normal(4, 3), "bias": draw.normal(3)}
    average = Average(params, decay=0.999)
    for _ in range(3):
        for name, array in draw.like(params).items():
            params[name][...] = array
        average.update()
    return average.mean


def terms(value: Any) -> dict[str, Array]:
    return dict(value._asdict()) if hasattr(value, "_asdict") else {"loss": value}


def autoencoder(distance: Callable[..., Any]) -> Case:
    def case(draw: Draws) -> Results:
        model = draw.move(Autoencoder.mlp(12, (7,), 3, draw.rng, dtype=draw.dtype))
        value, backward = model.loss(draw.unit(6, 12), draw.unit(6, 12), distance)
        return terms(value) | backward()

    return case


def vae(k: int = 0, beta: float = 1.0, gaussian: bool = False) -> Case:
    """On the importance-weighted bound of k draws, if there are any."""

    def case(draw: Draws) -> Results:
        likelihood = Gaussian(-1.0, draw.dtype) if gaussian else Bernoulli()
        built = VAE.mlp(12, (7,), 3, draw.rng, dtype=draw.dtype, likelihood=likelihood)
        model, x = draw.move(built), draw.unit(6, 12)
        value, backward = (
            model.importance_weighted_loss(x, draw.normal(6, k, 3))
            if k
            else model.loss(x, draw.normal(6, 3), beta)
        )
        mu, logvar = model.encode(x)
        return terms(value) | backward() | {"mu": mu, "logvar": logvar, "means": model.decode(mu)}

    return case


def gan(loss: Callable[[GAN, Draws], Any]) -> Case:
    def case(draw: Draws) -> Results:
        value, backward = loss(
            draw.move(GAN.mlp(5, (7, 6), 3, draw.rng, bounded=True, dtype=draw.dtype)), draw
        )
        grads: dict[str, Array] = backward()
        return terms(value) | grads

    return case


def slope(activation: Callable[[], Layer]) -> Case:
    def case(draw: Draws) -> Results:
        network = draw.move(mlp([4, 6, 5, 1], draw.rng, activation=activation, dtype=draw.dtype))
        g, backward = input_gradient(network, draw.normal(5, 4))
        dx, grads = backward(draw.normal(5, 4))
        return {"g": g, "dx": dx, **grads}

    return case


def normalized(draw: Draws) -> Results:
    params = draw.move(mlp([4, 6, 3], draw.rng, activation=LeakyReLU, dtype=draw.dtype)).params
    iteration = PowerIteration(params)
    for _ in range(3):
        iteration.update()
    flat, backward = spectral(params, iteration.vectors)
    back = {f"d{name}": array for name, array in backward(draw.like(params)).items()}
    return {**iteration.buffers, **flat, **back}


CASES: dict[str, Case] = {
    "Linear": layer(lambda draw: Linear(4, 3, draw.rng, draw.dtype)),
    "ReLU": layer(lambda draw: ReLU()),
    "LeakyReLU": layer(lambda draw: LeakyReLU()),
    "Sigmoid": layer(lambda draw: Sigmoid()),
    "Tanh": layer(lambda draw: Tanh()),
    "Sequential": layer(
        lambda draw: Sequential(
            *mlp([4, 6, 5], draw.rng, activation=Tanh, dtype=draw.dtype).layers, LeakyReLU()
        )
    ),
    "mse": loss(mse, "normal", "normal"),
    "bce": loss(bce, "unit", "unit"),
    "bce_with_logits": loss(bce_with_logits, "normal", "unit", columns=131),
    "bce_with_logits, one column": loss(bce_with_logits, "normal", "unit", columns=1),
    "kl": loss(kl_to_standard_normal, "normal", "normal"),
    "log_normal": loss(log_normal, "normal", "normal", "normal"),
    "reparameterize": reparameterized,
    "SGD": optimizer(lambda params: SGD(params, lr=0.1)),
    "momentum": optimizer(lambda params: SGD(params, lr=0.1, momentum=0.9)),
    "Adam": optimizer(lambda params: Adam(params, lr=0.1)),
    "Average": averaged,
    "autoencoder, mse": autoencoder(mse),
    "autoencoder, bce": autoencoder(bce_with_logits),
    "VAE": vae(),
    "VAE, beta": vae(beta=4.0),
    "VAE, importance-weighted": vae(k=5),
    "VAE, Gaussian": vae(gaussian=True),
    "VAE, Gaussian, importance-weighted": vae(k=5, gaussian=True),
    "discriminator": gan(
        lambda model, draw: model.discriminator_loss(draw.normal(6, 5), draw.normal(6, 3))
    ),
    "discriminator, smoothed": gan(
        lambda model, draw: model.discriminator_loss(draw.normal(6, 5), draw.normal(6, 3), 0.1)
    ),
    "generator": gan(lambda model, draw: model.generator_loss(draw.normal(6, 3))),
    "generator, minimax": gan(lambda model, draw: model.generator_loss(draw.normal(6, 3), True)),
    "hinge": loss(hinge, "normal", "unit"),
    "wasserstein": loss(wasserstein, "normal", "unit"),
    "length_error": loss(partial(length_error, length=1.0), "normal"),
    "slope, leaky": slope(LeakyReLU),
    "slope, ReLU": slope(ReLU),
    "slope, tanh": slope(Tanh),
    "slope, sigmoid": slope(Sigmoid),
    "spectral": normalized,
    "R1": gan(lambda model, draw: model.slope_penalty(draw.normal(6, 5))),
    "slope 1 between": gan(
        lambda model, draw: model.slope_penalty(
            model.between(draw.normal(6, 5), draw.normal(6, 3), draw.unit(6, 1)), 1.0
        )
    ),
    "critic": gan(
        lambda model, draw: model.discriminator_loss(
            draw.normal(6, 5), draw.normal(6, 3), game=WASSERSTEIN
        )
    ),
    "generator, hinge": gan(
        lambda model, draw: model.generator_loss(draw.normal(6, 3), game=HINGE)
    ),
    "generator, least squares": gan(
        lambda model, draw: model.generator_loss(draw.normal(6, 3), game=LEAST_SQUARES)
    ),
}

EXACT = (np, standin)
TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-10}


def assert_numpys(found: Results, expected: Results, xp: ModuleType) -> None:
    """The same arrays on xp: the same bits, or on a GPU the same to rounding."""
    assert found.keys() == expected.keys()
    for name, array in found.items():
        assert backend.array_module(array) is xp, name
        host, reference = backend.to_numpy(array), expected[name]
        assert (host.dtype, host.shape) == (reference.dtype, reference.shape), name
        if xp in EXACT:
            assert host.tobytes() == reference.tobytes(), name
        else:
            tolerance = TOLERANCE[reference.dtype] * max(1.0, float(np.abs(reference).max()))
            np.testing.assert_allclose(host, reference, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_mathematics(case: Case, dtype: str, xp: ModuleType) -> None:
    found = case(Draws(xp, dtype))
    assert {array.dtype for array in found.values()} == {np.dtype(dtype)}
    assert_numpys(found, case(Draws(np, dtype)), xp)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_mathematics_never_leaves_the_device(case: Case, strict: ModuleType) -> None:
    case(Draws(strict, "float32"))
    moved_out = [what for what in standin.transfers if not what.startswith("asarray")]
    assert moved_out == (["bool ()"] if case is CASES["bce"] else [])  # which checks its domain


QUICK = ["B2", "B3", "B4", "B5", "L1", "L2", "L3", "L4", "L5", "L6", "S1", "V1", "V2", "V3"]
CHECKED = [
    pytest.param(d, id=d.what, marks=[] if d.tag in QUICK else pytest.mark.slow)
    for d in DERIVATIONS
    if d.tag in QUICK or d.tag[0] in "GS"  # games and slopes
]


@pytest.mark.parametrize("derivation", CHECKED)
def test_complex_steps(derivation: Derivation, xp: ModuleType) -> None:
    report = derivation.check(Draw(xp))
    assert report.ok, str(report)
    assert xp not in EXACT or report == derivation.check(Draw(np))


# Trainers: the same steps, epochs and commands.

TRAINED: list[tuple[str, dict[str, Any]]] = [
    ("ae", {}),
    ("ae", {"reconstruction": "bce", "noise": 0.3}),
    ("vae", {}),
    ("vae", {"beta": 2, "binarize": True}),
    ("vae", {"importance_samples": 3}),
    ("vae", {"likelihood": "gaussian"}),
    ("gan", {}),
    ("gan", {"generator_loss": "minimax", "simultaneous": True, "discriminator_steps": 2}),
    ("gan", {"r1": 2.0}),
    ("gan", {"game": "wasserstein", "gradient_penalty": 2.0, "smoothing": 0.0}),
    ("gan", {"game": "hinge", "spectral": True, "smoothing": 0.0}),
]
IMAGES = Dataset("images", pixels(1, 40, 64), pixels(2, 12, 64), (8, 8))

each_trained = pytest.mark.parametrize(
    "line", TRAINED, ids=lambda line: " ".join([line[0], *map(str, line[1].values())])
)


def trainer(line: tuple[str, dict[str, Any]], xp: ModuleType, seed: int = 3) -> Any:
    name, options = line
    given = {"hidden": (9,), "latent_dim": 2, "seed": seed, **options}
    return prepare(OPTIONS[name].of(given), IMAGES, xp).trainer


class DrawnByNumPy:
    """Equal noise on the GPU: its own generator draws other numbers than NumPy's."""

    def __init__(self, xp: ModuleType, *seed: int) -> None:
        self.xp, self.rng = xp, np.random.default_rng(np.random.SeedSequence(seed))

    def standard_normal(self, size: tuple[int, ...], dtype: Any) -> Array:
        return self.xp.asarray(self.rng.standard_normal(size, dtype=dtype))

    def random(self, size: tuple[int, ...], dtype: Any) -> Array:
        return self.xp.asarray(self.rng.random(size, dtype=dtype))


def noise(xp: ModuleType, *seed: int) -> Any:
    return (backend.generator if xp in EXACT else DrawnByNumPy)(xp, *seed)


def numbers(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The optimizers' counters, which are no arrays."""
    return {name: value for name, value in arrays.items() if isinstance(value, int)}


def assert_same_state(
    found: Trainer[Any, Any], expected: Trainer[Any, Any], xp: ModuleType
) -> None:
    counters = numbers(found.state)
    assert counters == numbers(expected.state)
    arrays, reference = (
        {name: value for name, value in each.state.items() if name not in counters}
        for each in (found, expected)
    )
    assert_numpys(arrays, reference, xp)


@each_trained
def test_equal_seeds_start_from_equal_parameters(line: Any, xp: ModuleType) -> None:
    found = trainer(line, xp)
    assert_numpys(found.model.params, trainer(line, np).model.params, xp)
    twin, other = trainer(line, xp), trainer(line, xp, seed=4)
    name = next(name for name in found.model.params if name.endswith("weight"))
    first, same, different = (each.model.params[name] for each in (found, twin, other))
    assert (first == same).all()
    assert not (first == different).any()


@each_trained
def test_steps(line: Any, xp: ModuleType) -> None:
    found, expected = trainer(line, xp), trainer(line, np)
    x = IMAGES.train[:10].astype(np.float32) / 255
    for step in range(3):
        ours, numpys = (
            each.train_step(place.asarray(x), noise(place, 10 + step))
            for each, place in ((found, xp), (expected, np))
        )
        assert_numpys(ours, numpys, xp)
    assert_same_state(found, expected, xp)
    judged, numpys = (
        each.test_step(place.asarray(x), noise(place, 9))
        for each, place in ((found, xp), (expected, np))
    )
    assert_numpys(judged, numpys, xp)


@each_trained
def test_a_step_transfers_nothing(line: Any, strict: ModuleType) -> None:
    task, rng = trainer(line, strict), backend.generator(strict, 0)
    x = strict.asarray(IMAGES.train[:10].astype(np.float32) / 255)
    standin.transfers.clear()
    for _ in range(2):
        task.train_step(x, rng)
    task.test_step(x, rng)
    assert standin.transfers == []


@pytest.mark.parametrize(
    ("line", "most"), [(("vae", {}), 80), (("ae", {}), 50), (("gan", {}), 122)]
)
def test_the_launches_of_a_step(line: Any, most: int, strict: ModuleType) -> None:
    """Each costs the host some microseconds, whatever the device does meanwhile."""
    task, rng = trainer(line, strict), backend.generator(strict, 0)
    x = strict.asarray(IMAGES.train[:10].astype(np.float32) / 255)
    task.train_step(x, rng)
    standin.launches.clear()
    task.train_step(x, rng)
    assert len(standin.launches) <= most
    arrays = sum(len(optimizer.params) for optimizer in task.optimizers.values())
    assert standin.launches.count("_adam") == arrays


@each_trained
def test_an_epoch(line: Any, xp: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "generator", noise)
    found, expected = trainer(line, xp), trainer(line, np)
    ours, numpys = (
        list(training.train(each, IMAGES, epochs=2, batch_size=16, xp=place))
        for each, place in ((found, xp), (expected, np))
    )
    for record, reference in zip(ours, numpys, strict=True):
        assert record.train == pytest.approx(reference.train, rel=0 if xp in EXACT else 1e-4)
        assert record.test == pytest.approx(reference.test, rel=0 if xp in EXACT else 1e-4)
    assert_same_state(found, expected, xp)


@each_trained
def test_the_transfers_of_an_epoch(
    line: Any, strict: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows once; then for each epoch its order, and a reading each of learning and judging,
    however many its steps.
    """
    monkeypatch.setattr(training, "POLL_SECONDS", math.inf)
    task = trainer(line, strict)
    k = len(task.titles)
    standin.transfers.clear()
    list(training.train(task, IMAGES, epochs=2, batch_size=16, xp=strict))
    epoch = ["asarray (40,)", f"get (3, {k})", f"get (1, {k})"]
    assert standin.transfers == ["asarray (40, 64)", "asarray (12, 64)", *epoch, *epoch]


@each_trained
def test_codes_and_rows_cross_once_each_way(line: Any, xp: ModuleType) -> None:
    found, expected = trainer(line, xp), trainer(line, np)
    codes = np.random.default_rng(0).standard_normal((5, 2), dtype=np.float32)
    standin.transfers.clear()
    rows = found.decode(codes)
    assert standin.transfers == (["asarray (5, 2)", "get (5, 64)"] if xp is standin else [])
    np.testing.assert_allclose(rows, expected.decode(codes), atol=0 if xp in EXACT else 1e-5)


@pytest.mark.parametrize("line", [(name, {}) for name in OPTIONS], ids=lambda line: line[0])
def test_a_checkpoint_goes_from_any_backend_to_any(
    line: Any, xp: ModuleType, tmp_path: Path
) -> None:
    task, x = trainer(line, xp), xp.asarray(IMAGES.train[:10].astype(np.float32) / 255)
    task.train_step(x, noise(xp, 1))
    checkpoint.save(tmp_path / "c.npz", {}, task.state)
    for place in (np, xp):
        other = trainer(line, place)
        with checkpoint.opened(tmp_path / "c.npz") as (_, read):
            other.restore(read(other.state))
        moved = {k: backend.to_numpy(v) for k, v in task.model.params.items()}
        kept = {k: backend.to_numpy(v) for k, v in other.model.params.items()}
        assert all((moved[name] == kept[name]).all() for name in moved)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_command(name: str, strict: ModuleType, tmp_path: Path) -> None:
    """Training by `--backend cupy` ends at the parameters of `--backend numpy`."""
    data = squares(tmp_path / "x.npy", 60)
    small = ["--hidden", "9", "--latent-dim", "2", "--epochs", "1", "--batch-size", "32"]
    runs = [tmp_path / place for place in ("numpy", "cupy")]
    for run in runs:
        command = [name, "--data", str(data), "--out", str(run), "--backend", run.name]
        assert train_command([*command, *small, "--no-figures"]) == 0
    (a, b) = (np.load(run / "checkpoint.npz") for run in runs)
    assert a.files == b.files
    assert all((a[key] == b[key]).all() for key in a.files if key != "header")
    lines = [(run / "metrics.jsonl").read_text() for run in runs]
    assert lines[0] == lines[1] != ""


@each_trained
def test_an_evaluation(line: Any, xp: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "N_PARZEN", 30)
    for module in (training, findings):
        monkeypatch.setattr(module, "generator", noise)
    ours, numpys = (
        findings.judge(Run(trainer(line, place)), draws=3, rows=5) for place in (xp, np)
    )
    tolerance = 0 if xp in EXACT else 1e-5
    assert [finding.name for finding in ours] == [finding.name for finding in numpys]
    assert [finding.value for finding in ours] == pytest.approx(
        [finding.value for finding in numpys], rel=tolerance
    )


# What judges models and samples.


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = tuple(value.values())
    return [part for each in value for part in flat(each)] if isinstance(value, tuple) else [value]


A, B, C = (pixels(seed, 20, 16) for seed in (3, 4, 5))

JUDGES: dict[str, Callable[[ModuleType], Any]] = {
    "pca_error": lambda xp: metrics.pca_error(xp.asarray(A), xp.asarray(B), 3),
    "active_units": lambda xp: metrics.active_units(xp.asarray(A.astype(np.float32))),
    "importance_bound": lambda xp: metrics.importance_bound(
        trainer(("vae", {}), xp).model,
        xp.asarray(IMAGES.test),
        [1, 4],
        noise(xp, 0),
    ),
    "parzen_score": lambda xp: tuple(sample_metrics.parzen_score(*map(xp.asarray, (A, B, C)))),
    "nearest_neighbour_distances": lambda xp: sample_metrics.nearest_neighbour_distances(
        xp.asarray(A), xp.asarray(np.concatenate([B, A[:3]]))
    ),
    "mode_report": lambda xp: tuple(
        vars(
            sample_metrics.mode_report(
                xp.asarray(MIXTURES["ring"].sample(200, np.random.default_rng(0))[0]),
                MIXTURES["ring"],
            )
        ).values()
    ),
}


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.usefixtures("small_blocks")
def test_metrics(judge: Callable[[ModuleType], Any], xp: ModuleType) -> None:
    """Plain numbers or NumPy arrays, the same ones."""
    for found, expected in zip(flat(judge(xp)), flat(judge(np)), strict=True):
        assert type(found) in {np.ndarray, np.float64, float, int}
        tolerance = 0 if xp in EXACT else 1e-6
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# The stand-in: habits of NumPy code that CuPy refuses, or that would wait for the device.

HABITS: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    # what runs with (xp, a float32 device array of shape (3, 4)), and how it is refused
    "np.exp": (lambda xp, x: np.exp(x), "does not support ufuncs"),
    "np.sum": (lambda xp, x: np.sum(x), "numpy.sum of a device array"),
    "np.concatenate": (lambda xp, x: np.concatenate([x, x]), "numpy.concatenate of a device"),
    "np.zeros_like": (lambda xp, x: np.zeros_like(x), "numpy.zeros_like of a device array"),
    "np.isfinite": (lambda xp, x: np.isfinite(x).all(), "does not support ufuncs"),
    "np.asarray": (lambda xp, x: np.asarray(x), "Implicit conversion to a NumPy array is not"),
    "np.array of a list": (lambda xp, x: np.array([x, x]), "Implicit conversion to a NumPy"),
    "array + ndarray": (lambda xp, x: x + np.ones(4), "Unsupported type <class 'numpy.ndarray'>"),
    "ndarray * array": (lambda xp, x: np.ones(4) * x, "Unsupported type <class 'numpy.ndarray'>"),
    "ndarray += array": (lambda xp, x: np.ones((3, 4)).__iadd__(x), "__array_ufunc__=None"),
    "array @ ndarray": (lambda xp, x: x @ np.ones((4, 2)), "matmul takes device arrays"),
    "ndarray @ array": (lambda xp, x: np.ones((2, 3)) @ x, "matmul takes device arrays"),
    "array > ndarray": (lambda xp, x: x > np.zeros(4), "Unsupported type <class 'numpy.ndarray'>"),
    "array * list": (lambda xp, x: x * [1.0, 2.0, 3.0, 4.0], "Unsupported type <class 'list'>"),
    "xp.exp(ndarray)": (lambda xp, x: xp.exp(np.ones(3)), "Unsupported type <class 'numpy.nd"),
    "xp.sum(list)": (lambda xp, x: xp.sum([1.0, 2.0]), "sum takes device arrays"),
    "xp.where(.., ndarray)": (lambda xp, x: xp.where(x > 0, x, np.ones(4)), "Unsupported type"),
    "xp.concatenate, mixed": (lambda xp, x: xp.concatenate([x, np.ones((3, 4))]), "Unsupported"),
    "x[:] = ndarray": (lambda xp, x: x.__setitem__(slice(None), np.ones(4)), "Unsupported type"),
    "x[list]": (lambda xp, x: x[[0, 1]], "Unsupported type <class 'list'> as an index"),
    "x[ndarray]": (lambda xp, x: x[np.array([0, 1])], "as an index: a hidden transfer"),
    "out=ndarray": (lambda xp, x: xp.sqrt(x, out=np.ones((3, 4))), "Argument 'out' has incorrect"),
    "ufunc where=": (lambda xp, x: xp.log(x, where=x > 0), "Wrong arguments"),
    "sum where=": (lambda xp, x: x.sum(where=x > 0), "unexpected keyword argument 'where'"),
    "max initial=": (lambda xp, x: x.max(initial=0), "unexpected keyword argument 'initial'"),
    "take mode=": (lambda xp, x: x.take(x > 0, mode="clip"), "unexpected keyword argument 'mode'"),
    "one-sided clip": (lambda xp, x: xp.clip(x, 0), "missing a required argument: 'a_max'"),
    "astype without dtype": (lambda xp, x: x.astype(), "missing a required argument: 'dtype'"),
    "errstate": (lambda xp, x: xp.errstate(over="ignore"), "no attribute 'errstate'"),
    "insert": (lambda xp, x: xp.insert(x, 0, 1.0), "no attribute 'insert'"),
    "block": (lambda xp, x: xp.block([x, x]), "no attribute 'block'"),
    "geomspace": (lambda xp, x: xp.geomspace(1, 10), "no attribute 'geomspace'"),
    "longdouble": (lambda xp, x: x.astype(np.longdouble), "Unsupported dtype"),
    "strings": (lambda xp, x: xp.asarray(["a"]), "Unsupported dtype"),
    "x.ctypes": (lambda xp, x: x.ctypes, "no attribute 'ctypes'"),
    "rng.normal": (lambda xp, x: xp.random.default_rng(0).normal(size=3), "no attribute 'normal'"),
    "rng.permutation": (lambda xp, x: xp.random.default_rng(0).permutation(3), "'permutation'"),
    "rng.shuffle": (lambda xp, x: xp.random.default_rng(0).shuffle(x), "'shuffle'"),
    "rng.spawn": (lambda xp, x: xp.random.default_rng(0).spawn(2), "no attribute 'spawn'"),
    "rng.bit_generator": (lambda xp, x: xp.random.default_rng(0).bit_generator, "'bit_generator'"),
    "a NumPy generator": (lambda xp, x: xp.random.default_rng(np.random.default_rng(0)), "Seed"),
    "in place to another kind": (lambda xp, x: xp.arange(3).__iadd__(0.5), "same_kind"),
    "logaddexp of complex": (lambda xp, x: xp.logaddexp(x * 1j, x * 1j), "no loop"),
    "a bool array + 1": (lambda xp, x: (x > 0) + 1, "cast first"),
    "range(array)": (lambda xp, x: range(xp.arange(3).sum()), "cannot be interpreted as an int"),
    "shape from an array": (lambda xp, x: xp.zeros(xp.arange(3).sum()), "integer"),
    "as a key": (lambda xp, x: {x: 1}, "unhashable"),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_refused(habit: str, strict: ModuleType) -> None:
    do, message = HABITS[habit]
    x = strict.ones((3, 4), dtype=np.float32)
    with pytest.raises((TypeError, AttributeError, ValueError), match=message):
        do(strict, x)


WAITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "float(loss)": (lambda x: float(x.sum()), "float ()"),
    "int(count)": (lambda x: int((x > 0).sum()), "int ()"),
    "if x.any()": (lambda x: 1 if (x > 0).any() else 0, "bool ()"),
    "complex(x)": (lambda x: complex(x.sum()), "complex ()"),
    "math.exp(x)": (lambda x: math.exp(x.sum()), "float ()"),
    "print(x)": (lambda x: str(x), "str (3, 4)"),
    "repr(x)": (lambda x: repr(x), "repr (3, 4)"),
    "f'{loss:.2f}'": (lambda x: f"{x.sum():.2f}", "format ()"),
    "x.item()": (lambda x: x.sum().item(), "item ()"),
    "x.tolist()": (lambda x: x.tolist(), "tolist (3, 4)"),
    "x.get()": (lambda x: x.get(), "get (3, 4)"),
    "x[mask]": (lambda x: x[x > 0], "boolean index (3, 4)"),
    "x.nonzero()": (lambda x: x.nonzero(), "nonzero (3, 4)"),
    "x == y in if": (lambda x: 1 if (x == x)[0, 0] else 0, "bool ()"),
}


@pytest.mark.parametrize("habit", WAITS)
def test_waiting_is_counted(habit: str, strict: ModuleType) -> None:
    do, transfer = WAITS[habit]
    do(strict.ones((3, 4), dtype=np.float32))
    assert standin.transfers == [transfer]


@pytest.mark.parametrize(
    "habit", [lambda x: x.sum(axis=1), lambda x: x[:2], lambda x: x.T @ x, lambda x: x.reshape(-1)]
)
def test_only_elementwise_operations_are_fused(habit: Any, strict: Any) -> None:
    x = strict.ones((3, 4))
    with pytest.raises(TypeError):
        strict.fuse(kernel_name="habit")(habit)(x)
    assert (x.sum(axis=1) == 4).all()  # and afterwards all is as before


@pytest.mark.parametrize(
    "habit", [lambda xp, x, a: (1 - a) * x, lambda xp, x, a: xp.subtract(1, a) * x]
)
def test_numbers_meet_no_numbers_in_a_fused_chain(habit: Any, strict: Any) -> None:
    x = strict.ones((3, 4), dtype=np.float32)
    with pytest.raises(TypeError):
        strict.fuse(kernel_name="habit")(partial(habit, strict))(x, 0.001)


class TestRightWays:
    """What CuPy allows, the stand-in allows; results are arrays, and nothing crosses."""

    def test_scalars_are_weak_and_zero_dimensional_arrays_are_not(self, strict: Any) -> None:
        x = strict.ones(3, dtype=np.float32)
        assert (2.0 * x + 1).dtype == np.float32
        assert (x * strict.ones(3, dtype=np.float64).sum()).dtype == np.float64
        assert (x * np.float64(2)).dtype == np.float64
        assert (np.float64(2) * x).dtype == np.float64
        assert (x * (x > 0)).dtype == np.float32

    def test_reductions_give_arrays(self, strict: Any) -> None:
        x = strict.ones((3, 4))
        for value in (x.sum(), x.max(axis=0).mean(), x[0, 0], strict.array_equal(x, x)):
            assert (type(value), value.shape) == (standin.ndarray, ())
        assert standin.transfers == []

    def test_out_is_filled_and_returned(self, strict: Any) -> None:
        x, out = strict.full((2, 2), 4.0), strict.zeros((2, 2))
        assert strict.sqrt(x, out=out) is out
        assert (out == 2).all()
        assert x.sum(axis=0, out=out[0])[0] == 8

    def test_views_share_memory_and_copies_do_not(self, strict: Any) -> None:
        x = strict.zeros((2, 3))
        x.T[0, 1] = 5
        x.reshape(-1)[0] = 6
        x.real[0, 2] = 7
        strict.array(x)[1, 1] = strict.asarray(x).copy()[1, 1] = 9
        assert x.get().tolist() == [[6, 0, 7], [5, 0, 0]]

    def test_in_place_is_in_place(self, strict: Any) -> None:
        x = same = strict.ones(2, dtype=np.float32)
        x += strict.ones(2)
        x *= 3
        assert same is x
        assert x.dtype == np.float32
        assert x.get().tolist() == [6, 6]

    def test_moving_in_and_out_is_counted(self, strict: Any) -> None:
        x = strict.asarray(np.eye(2), dtype="float32")
        assert strict.asarray(x) is not None
        assert (x.get() == np.eye(2, dtype=np.float32)).all()
        assert standin.transfers == ["asarray (2, 2)", "get (2, 2)"]

    def test_device_indices(self, strict: Any) -> None:
        x, order = strict.arange(6).reshape(3, 2), strict.asarray(np.array([2, 0]))
        assert x[order].get().tolist() == x.take(order, axis=0).get().tolist() == [[4, 5], [0, 1]]
        assert [int(row.sum()) for row in x] == [1, 5, 9]

    def test_eigh(self, strict: Any) -> None:
        values, axes = strict.linalg.eigh(strict.eye(3))
        assert type(values) is type(axes) is standin.ndarray

    def test_the_generator_draws_what_numpy_draws(self, strict: Any) -> None:
        seed = np.random.SeedSequence((1, 2))
        ours, numpys = strict.random.default_rng(seed), np.random.default_rng(seed)
        drawn = ours.standard_normal((2, 3), dtype=np.float32)
        assert (drawn.get() == numpys.standard_normal((2, 3), dtype=np.float32)).all()
        assert (ours.random(4).get() == numpys.random(4)).all()
        assert ours.random().shape == ()

    def test_it_is_chosen_as_cupy_and_mixes_with_nothing(self, strict: Any) -> None:
        assert backend.select("cupy") == (standin, "cupy")
        with pytest.raises(MinigenError, match="NumPy and CuPy arrays in one call"):
            Linear(2, 1, np.random.default_rng(0))(strict.ones((1, 2)))


def need_cupy() -> None:
    """Skip where the CuPy that the stand-in stands in for is not installed; a GPU is not needed."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if cupy.__version__ != standin.CONTRACT["version"]:
        pytest.skip(f"CuPy {cupy.__version__} is installed, the contract is another version's")


def test_the_contract_is_that_of_the_installed_cupy() -> None:
    need_cupy()
    from tests.strict.generate import contract

    assert contract() == standin.CONTRACT


@pytest.mark.parametrize(("dtype", "ctype"), [("float32", "float"), ("float64", "double")])
def test_cupy_records_each_chain_in_the_precision_of_its_arrays(dtype: str, ctype: str) -> None:
    need_cupy()
    from tests.strict.recorder import recorded

    standin.kernels.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", standin)
        for case in CASES.values():
            case(Draws(standin, dtype))
    types = {
        chain.func.__name__: set(
            re.findall(r"\b(?:float\d*|double)\b", recorded(chain.func, kinds))
        )
        for chain, kinds in standin.kernels
    }
    chains = ["_adam", "_average", "_cross_entropy", "_sgd", "_sigmoid_minus"]
    assert types == {chain: {ctype} for chain in chains}
