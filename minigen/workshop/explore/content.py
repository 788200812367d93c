"""The content of a run's page: its networks, test rows, codes and curves, as JSON with arrays."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from minigen.backend import generator, to_numpy
from minigen.metrics import Finding
from minigen.nn.layers import Layer, LeakyReLU, Linear, Sequential
from minigen.training import AutoencoderTrainer, GANTrainer, Run, Stream, VAETrainer

N_CODES, CODE_VALUES = 1_000, 100_000  # codes in the latent plane and their values, at most
ROW_BYTES = 80_000  # of test rows, so that a page of default options stays below 2 MB
LEAST_ROWS = 20
N_PROBES = 16  # codes at which a generator's response is measured
N_EXACT = 4_096  # values of an array that stays float32: biases, and layers next to a small code
N_DIRECTIONS = 8  # principal directions, at most

VARIANCE = "variance: of the codes of the test rows along this axis"
RESPONSE = "response: the mean squared change of the row when z moves by 1 along this axis"

Content = dict[str, Any]


def content(run: Run, findings: Sequence[Finding] = ()) -> Content:
    """Collect all that the page knows of a run.

    Args:
        run: the model and its data.
        findings: of `judge`, if they were computed.

    Raises:
        MinigenError: the data of a loaded run are missing or are other ones.
    """
    trainer, dataset = run.trainer, run.dataset
    return {
        "model": run.options.model,
        "data": dataset.name,
        "facts": _facts(run),
        "nLatent": run.options.latent_dim,
        "width": dataset.width,
        "shape": dataset.image_shape,
        "range": dataset.value_range,
        "networks": {name: _layers(network) for name, network in _networks(run).items()},
        "output": _output(run),
        "logvar": _logvar(run),
        "beta": getattr(run.options, "beta", None),
        "undecided": trainer.references.get("d_real", (None,))[0],
        **_examples(run),
        "curves": [
            {
                "title": title,
                "train": [record.train[name] for record in run.history],
                "test": [record.test[name] for record in run.history],
                "reference": trainer.references.get(name),
            }
            for name, title in trainer.titles.items()
        ],
        "options": {name: f"{value}" for name, value in asdict(run.options).items()},
        "findings": [f"{finding}".splitlines() for finding in findings],
    }


def _facts(run: Run) -> list[str]:
    """Facts of the run, a line each."""
    epochs = len(run.history)
    return [
        run.trainer.title,
        f"{run.model.outline}: {run.model.n_parameters:,} parameters",
        f"after epoch {epochs}" if epochs else "untrained, before epoch 1",
    ]


def _networks(run: Run) -> dict[str, Layer]:
    """The networks by their part: a generator is a decoder, of the mean of its last steps, and a
    discriminator is one that says a probability.
    """
    trainer, model = run.trainer, run.model
    if isinstance(trainer, GANTrainer):
        decoder = model.generator.with_params(trainer.average.mean)
        asked = {"discriminator": trainer.discriminator} if trainer.rules.probability else {}
        return {"decoder": decoder, **asked}
    return {"encoder": model.encoder, "decoder": model.decoder}


def _layers(network: Layer) -> list[Content]:
    """The layers of a perceptron in their order."""
    assert isinstance(network, Sequential)
    return [_layer(layer) for layer in network.layers]


def _layer(layer: Layer) -> Content:
    if isinstance(layer, Linear):
        weight, bias = (to_numpy(array) for array in layer.params.values())
        return {"kind": "Linear", "weight": halved(weight), "bias": halved(bias)}
    slope = {"slope": layer.slope} if isinstance(layer, LeakyReLU) else {}
    return {"kind": type(layer).__name__, **slope}


def _output(run: Run) -> str:
    """How the decoder's output becomes a row: as logits, from [-1, 1], as the mean of a Gaussian,
    or as it is.
    """
    trainer = run.trainer
    if isinstance(trainer, GANTrainer):
        return "shifted" if trainer.bounded else "values"
    if isinstance(trainer, VAETrainer) and trainer.is_gaussian:
        return "gaussian"
    on_logits = not isinstance(trainer, AutoencoderTrainer) or trainer.on_logits
    return "logits" if on_logits else "values"


def _logvar(run: Run) -> float | None:
    """log s^2 of a Gaussian likelihood."""
    params = run.model.params
    name = "likelihood.logvar"
    return float(to_numpy(params[name])[0]) if name in params else None


def _examples(run: Run) -> Content:
    """Test rows with their labels and codes, and how much each latent dimension matters.

    A model without an encoder has codes from its prior.
    """
    trainer, test, labels = run.trainer, run.dataset.test, run.dataset.test_labels
    n_codes = min(N_CODES, max(LEAST_ROWS, CODE_VALUES // run.options.latent_dim))
    order = generator(np, run.options.seed, Stream.ROWS).permutation(len(test))[:n_codes]
    count = max(LEAST_ROWS, ROW_BYTES // test[0].nbytes)
    of_rows = trainer.has_encoder
    if of_rows:
        codes = run.encode(test[order])
        spread = np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False, ddof=0))
    else:
        rng = generator(np, run.options.seed, Stream.FIGURES)
        codes = trainer.draw_codes(n_codes, rng)
        spread = _response(run, codes[:N_PROBES])
    variances, directions = np.linalg.eigh(spread)
    first = np.argsort(-variances, kind="stable")[:N_DIRECTIONS]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(len(directions))])
    return {
        "rows": halved(test[order[:count]]),
        "places": order[:count].tolist(),
        "labels": None if labels is None else labels[order[:count]].tolist(),
        "codeLabels": labels[order].tolist() if of_rows and labels is not None else None,
        "codes": halved(codes),
        "importanceName": "variance" if of_rows else "response",
        "importanceText": VARIANCE if of_rows else RESPONSE,
        "activity": np.diag(spread).tolist(),
        "directions": halved(directions[:, first].T.astype(np.float32)),
        "variances": variances[first].tolist(),
    }


def _response(run: Run, codes: np.ndarray) -> np.ndarray:
    """The mean product (Z, Z) of what the row does when z_i, and when z_j, grows by 1."""
    before = run.decode(codes)
    units = np.eye(codes.shape[1], dtype=np.float32)
    changes = np.stack([(run.decode(codes + unit) - before).ravel() for unit in units])
    mean: np.ndarray = changes.astype(np.float64) @ changes.T / len(codes)
    return mean


def halved(array: np.ndarray) -> np.ndarray:
    """A large array of float32 as float16, if that rounds by little of its spread; others as they
    are.
    """
    if array.dtype != np.float32 or array.size <= N_EXACT:
        return array
    with np.errstate(over="ignore"):  # to infinity, which is far off
        half = array.astype(np.float16)
    return half if abs(half - array).max() <= 0.05 * array.std() else array
