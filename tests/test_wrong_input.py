"""Wrong input, at every entrance of the library: what is said says what was wrong."""

import functools
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigen as mg
from minigen.data import Mixture
from minigen.nn import LeakyReLU, Linear, ReLU, reparameterize

SMALL: dict[str, Any] = {"hidden": (5,), "latent_dim": 2, "epochs": 1, "batch_size": 20}
VAE, GAN = mg.VAEOptions(**SMALL), mg.GANOptions(**SMALL)


@functools.cache
def given() -> Any:
    """What the calls are made on; nothing is fitted before the first of them runs."""
    rng = np.random.default_rng(0)
    rows = rng.random((60, 16), dtype=np.float32)
    vae = mg.VAE.mlp(16, [5], 2, rng)
    eps = rng.standard_normal((60, 2), dtype=np.float32)
    y, layer_backward = Linear(16, 2, rng)(rows)
    data = mg.Dataset.of(rows, shape=(4, 4))
    return SimpleNamespace(
        rng=rng,
        rows=rows,
        data=data,
        vae=vae,
        eps=eps,
        y=y,
        layer_backward=layer_backward,
        loss_backward=vae.loss(rows, eps)[1],
        z_backward=reparameterize(eps, eps, eps)[1],
        run=mg.fit(VAE, data, progress=False),
        gan=mg.fit(GAN, data, progress=False),
    )


WRONG: dict[str, tuple[Callable[[Any], object], str]] = {
    "standardised rows": (
        lambda a: a.vae.loss((a.rows - 0.5) / a.rows.std(), a.eps),
        "in [0, 1]; rescale them, or take a squared error",
    ),
    "rows of NaN": (
        lambda a: a.vae.loss(a.rows * np.nan, a.eps),
        "target: values from nan to nan",
    ),
    "pixels as uint8": (
        lambda a: a.vae.loss((a.rows * 255).astype(np.uint8), a.eps),
        "in uint8; convert it, pixels by minigen.data.scaled",
    ),
    "float64 rows": (
        lambda a: a.vae.loss(a.rows.astype(np.float64), a.eps),
        "in float64; convert it",
    ),
    "an array for beta": (
        lambda a: a.vae.loss(a.rows, a.eps, np.ones(60)),
        "beta must be a number, got array(",
    ),
    "rows of another width": (
        lambda a: a.vae.loss(a.rows[:, :3], a.eps),
        "Linear expects x of shape (N, 16), got (60, 3)",
    ),
    "a list of rows": (
        lambda a: a.vae.loss(a.rows.tolist(), a.eps),
        "arrays, got list, ndarray; convert with numpy.asarray",
    ),
    "a number as weights": (
        lambda a: a.loss_backward(1.0),
        "an array of shape (60,), got 1.0",
    ),
    "weights of another shape": (
        lambda a: a.loss_backward(np.ones(3)),
        "an array of shape (60,), got one of shape (3,)",
    ),
    "a number as dy": (
        lambda a: a.layer_backward(1.0),
        "dy: expected an array of shape (60, 2), got 1.0",
    ),
    "dy of another shape": (
        lambda a: a.layer_backward(a.y[:3]),
        "dy: expected an array of shape (60, 2), got one of shape (3, 2)",
    ),
    "a number as dz": (
        lambda a: a.z_backward(1.0),
        "dz: expected an array of shape (60, 2), got 1.0",
    ),
    "a relu's dy": (
        lambda a: ReLU()(a.rows)[1](a.rows[:2]),
        "dy: expected an array of shape (60, 16), got one of shape (2, 16)",
    ),
    "a seed for a generator": (
        lambda a: mg.VAE.mlp(16, [5], 2, 0),
        "got 0; make one by numpy.random.default_rng(seed)",
    ),
    "a seed for a mixture": (
        lambda a: Mixture(np.zeros((1, 2)), 1.0).sample(3, 0),  # type: ignore[arg-type]
        "got 0; make one by numpy.random.default_rng(seed)",
    ),
    "a width of 0": (
        lambda a: mg.VAE.mlp(16, [0], 2, a.rng),
        "n_out of Linear must be a whole number of at least 1, got 0",
    ),
    "a width of 2.5": (
        lambda a: Linear(16, 2.5, a.rng),  # type: ignore[arg-type]
        "n_out of Linear must be a whole number of at least 1, got 2.5",
    ),
    "a learning rate of 0": (
        lambda a: mg.Adam(a.vae.params, lr=0),
        "learning rate must be a positive number, got 0",
    ),
    "a rate that is text": (
        lambda a: mg.Adam(a.vae.params, lr="1e-3"),  # type: ignore[arg-type]
        "learning rate must be a positive number, got '1e-3'",
    ),
    "three betas": (
        lambda a: mg.Adam(a.vae.params, betas=(0.5, 0.5, 0.5)),
        "betas must be two numbers in [0, 1), got (0.5, 0.5, 0.5)",
    ),
    "momentum of 1": (
        lambda a: mg.SGD(a.vae.params, 0.1, momentum=1.0),
        "momentum must be a number in [0, 1), got 1.0",
    ),
    "a slope of 2": (
        lambda a: LeakyReLU(2.0),
        "slope of LeakyReLU must be a number in [0, 1), got 2.0",
    ),
    "gradients of another model": (
        lambda a: mg.Adam(a.vae.params).step({}),
        "do not fit the parameters, at decoder.0.bias",
    ),
    "an array for a Dataset": (
        lambda a: mg.fit(VAE, a.rows),
        "expected a Dataset, got ndarray; make one by Dataset.of(rows)",
    ),
    "a dict for options": (
        lambda a: mg.fit({"epochs": 1}, a.data),  # type: ignore[arg-type]
        "VAEOptions, GANOptions), got {'epochs': 1}",
    ),
    "an unknown backend": (
        lambda a: mg.fit(VAE, a.data, backend="torch"),
        "unknown backend 'torch'; choose one of numpy, cupy, auto",
    ),
    "values beyond 1 for a VAE": (
        lambda a: mg.fit(VAE, mg.Dataset.of(a.rows * 2)),
        "not 0 to 1, in 54 of 54 train rows",
    ),
    "samples of no number": (
        lambda a: a.run.sample(0),
        "count must be a whole number of at least 1, got 0",
    ),
    "samples of a half": (
        lambda a: a.run.sample(1.5),
        "count must be a whole number of at least 1, got 1.5",
    ),
    "a negative seed": (
        lambda a: a.run.sample(1, seed=-1),
        "seed must be a whole number of at least 0, got -1",
    ),
    "rows to encode of another width": (
        lambda a: a.run.encode(a.rows[:, :3]),
        "expected rows of 16 values, got 3",
    ),
    "a row to encode": (
        lambda a: a.run.encode(a.rows[0]),
        "has shape (16,), expected (rows, values)",
    ),
    "codes of another width": (
        lambda a: a.run.decode(np.zeros((1, 3))),
        "expected codes of shape (N, 2), got (1, 3)",
    ),
    "codes of a GAN": (
        lambda a: a.gan.encode(a.rows),
        "a gan has no encoder, so its rows have no codes",
    ),
    "a walk of codes of another width": (
        lambda a: a.run.walk(np.zeros((1, 3)), np.zeros((1, 3))),
        "expected codes of shape (N, 2), got",
    ),
    "a walk to more codes": (
        lambda a: a.run.walk(np.zeros((1, 2)), np.zeros((3, 2))),
        "a walk has two ends, got 1 first and 3 last codes",
    ),
    "a walk between codes of two widths": (
        lambda a: a.run.walk(np.zeros((1, 2)), np.zeros((1, 3))),
        "expected codes of shape (N, 2), got (1, 3)",
    ),
    "a walk of one code": (
        lambda a: a.run.walk(np.zeros(2), np.zeros(2)),
        "expected codes of shape (N, 2), got (2,)",
    ),
    "a walk of numbers": (
        lambda a: a.run.walk(0, 1),
        "expected codes of shape (N, 2), got ()",
    ),
    "codes of two widths": (
        lambda a: a.run.decode([[1, 2], [3]]),
        "codes: not an array of numbers",
    ),
    "a path for a Dataset": (
        lambda a: mg.load("/nonexistent", data="x.npy"),  # type: ignore[arg-type]
        "expected a Dataset, got str; make one by Dataset.of(rows), or by load_data(path)",
    ),
    "a negative seed of a density": (
        lambda a: mg.load_data("ring", seed=-1),
        "seed must be a whole number of at least 0, got -1",
    ),
    "a seed that is text": (
        lambda a: mg.load_data("grid", seed="a"),  # type: ignore[arg-type]
        "seed must be a whole number of at least 0, got 'a'",
    ),
    "a seed beyond the largest": (
        lambda a: mg.load_data("mixture", seed=2**40),
        "seed must be a whole number of at most 2147483647, got 1099511627776",
    ),
    "a walk in one step": (
        lambda a: a.run.walk(np.zeros((1, 2)), np.zeros((1, 2)), 1),
        "steps must be a whole number of at least 2, got 1",
    ),
    "no draws": (
        lambda a: mg.judge(a.run, draws=0),
        "draws must be a whole number of at least 1, got 0",
    ),
    "a number to judge": (
        lambda a: mg.judge(3),  # type: ignore[arg-type]
        "expected a Run, got int; make one by fit or load",
    ),
    "a number to save": (
        lambda a: mg.save(3, "/nonexistent/run"),  # type: ignore[arg-type]
        "expected a Run, got int; make one by fit or load",
    ),
    "an array for a run's Dataset": (
        lambda a: mg.load("/nonexistent/run", data=a.rows),
        "expected a Dataset, got ndarray; make one by Dataset.of(rows)",
    ),
    "no run to explore": (
        lambda a: mg.explore(3),  # type: ignore[arg-type]
        "expected a Run, got int; make one by fit or load",
    ),
    "rows that are no images": (
        lambda a: mg.show(a.rows),
        "rows of 16 values are neither images nor points",
    ),
    "images of another shape": (
        lambda a: mg.show(a.rows, (3, 3)),
        "images of shape (3, 3) do not fit rows of 16 values",
    ),
    "a run that is not there": (
        lambda a: mg.load("/nonexistent/run"),
        "/nonexistent/run is no run folder",
    ),
    "a data set that is not there": (
        lambda a: mg.load_data("/nonexistent.npy"),
        "/nonexistent.npy: cannot be opened: No such file",
    ),
    "batches of 0": (
        lambda a: mg.batches(a.rows, 0),
        "batch_size must be a whole number of at least 1, got 0",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_input_is_answered_with_a_sentence_about_it(what: str) -> None:
    call, words = WRONG[what]
    with pytest.raises(mg.MinigenError, match=re.escape(words)):
        call(given())
