"""The autoencoder: its gradient, its wiring, and PCA as its linear optimum."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigen.gradcheck import check_params
from minigen.metrics.bounds import pca_error
from minigen.models.autoencoder import Autoencoder
from minigen.nn.losses import bce_with_logits, mse

Rng = np.random.Generator


@pytest.mark.parametrize("distance", [mse, bce_with_logits])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
def test_gradient(distance: Callable[..., Any], hidden: tuple[int, ...], rng: Rng) -> None:
    model = Autoencoder.mlp(6, hidden, 2, rng, dtype="float64")
    x, noise = rng.random((4, 6)), rng.standard_normal((4, 6))
    report = check_params(lambda ae: ae.loss(x + noise, x, distance), model)
    assert report.ok, report
    assert len(report.comparisons) == 2 * 2 * 2 * (len(hidden) + 1)


def test_the_encoder_sees_x_and_the_loss_the_target(rng: Rng) -> None:
    model = Autoencoder.mlp(6, (5,), 2, rng, dtype="float64")
    x, target = rng.random((4, 6)), rng.random((4, 6))
    output, _ = model.decoder(model.encoder(x)[0])
    np.testing.assert_array_equal(model.loss(x, target)[0], ((output - target) ** 2).sum(axis=1))


def test_no_linear_autoencoder_beats_pca_and_pca_is_one(rng: Rng) -> None:
    """At PCA's own weights the error is the discarded variance, and the gradient vanishes."""
    x = rng.standard_normal((200, 6)) @ rng.standard_normal((6, 6))
    mean = x.mean(axis=0)
    axes = np.linalg.svd(x - mean, full_matrices=False)[2][:2].T  # (6, 2)
    model = Autoencoder.mlp(6, (), 2, rng, dtype="float64")
    floor, _ = pca_error(x, x, 2)
    assert model.loss(x, x)[0].mean() > floor
    pca = model.with_params(
        {
            "encoder.0.weight": axes,
            "encoder.0.bias": -mean @ axes,
            "decoder.0.weight": axes.T,
            "decoder.0.bias": mean,
        }
    )
    loss, backward = pca.loss(x, x)
    assert loss.mean() == pytest.approx(floor, rel=1e-12)
    for gradient in backward().values():
        assert np.abs(gradient).max() < 1e-10
