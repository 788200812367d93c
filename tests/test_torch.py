"""PyTorch agrees, in float64 and to 1e-10, on every value, every gradient and every trajectory.

An independent implementation with automatic differentiation sees what a gradient check cannot: a
formula that is wrong in the forward pass and in the backward pass alike.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from minigen.models.autoencoder import Autoencoder
from minigen.models.gan import GAN
from minigen.models.vae import VAE
from minigen.nn.gaussian import kl_to_standard_normal, log_normal, reparameterize
from minigen.nn.layers import (
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    mlp,
)
from minigen.nn.losses import bce, bce_with_logits, mse
from minigen.nn.module import Composite, Module
from minigen.nn.optim import SGD, Adam, Optimizer

torch: Any = pytest.importorskip("torch", reason="PyTorch, a second opinion, is not installed")
F: Any = torch.nn.functional
Normal: Any = torch.distributions.Normal
Rng = np.random.Generator

ACTIVATIONS: dict[type[Module], Callable[[], Any]] = {
    ReLU: torch.nn.ReLU,
    LeakyReLU: lambda: torch.nn.LeakyReLU(0.2),
    Sigmoid: torch.nn.Sigmoid,
    Tanh: torch.nn.Tanh,
}


def agree(ours: np.ndarray, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def structure(module: Module) -> Any:
    """PyTorch's modules of these names, with parameters of their own."""
    if isinstance(module, Sequential):
        return torch.nn.Sequential(*map(structure, module.layers))
    if isinstance(module, Composite):
        return torch.nn.ModuleDict({name: structure(part) for name, part in module.parts.items()})
    if isinstance(module, Linear):
        return torch.nn.Linear(*module.params["weight"].shape, dtype=torch.float64)
    return ACTIVATIONS[type(module)]()


def twin(module: Module) -> Any:
    """The same module in PyTorch, where parameters have the same names and W is transposed."""
    copy = structure(module)
    copy.load_state_dict({name: torch.tensor(array.T) for name, array in module.params.items()})
    return copy


def agree_on_gradients(ours: Mapping[str, np.ndarray], theirs: Any) -> None:
    """Those that backward() has left in the PyTorch module."""
    tensors = dict(theirs.named_parameters())
    assert ours.keys() == tensors.keys()
    for name, gradient in ours.items():
        agree(gradient.T, tensors[name].grad)


def agree_on_loss(
    ours: tuple[np.ndarray, Callable[..., Mapping[str, np.ndarray]]], theirs: Any, module: Any
) -> None:
    """Per example, by value; then the gradient by the module of the mean and of a weighted sum."""
    loss, backward = ours
    agree(loss, theirs)
    weights = np.random.default_rng(1).standard_normal(len(loss))
    for scalar, gradients in (
        (theirs.mean(), backward()),
        ((theirs * torch.tensor(weights)).sum(), backward(weights)),
    ):
        module.zero_grad()
        scalar.backward(retain_graph=True)
        agree_on_gradients(gradients, module)


@pytest.mark.parametrize(
    "make",
    [
        ReLU,
        LeakyReLU,
        Sigmoid,
        Tanh,
        lambda: Linear(5, 3, np.random.default_rng(0), "float64"),
        lambda: mlp([5, 7, 6, 2], np.random.default_rng(0), LeakyReLU, "float64"),
    ],
    ids=["relu", "leaky relu", "sigmoid", "tanh", "linear", "mlp"],
)
def test_layer(make: Callable[[], Any], rng: Rng) -> None:
    """Value, dx and parameter gradients; kinks and saturation included."""
    layer, x = make(), rng.standard_normal((6, 5))
    x[0] = 0, -40, 40, -700, 700
    y, backward = layer(x)
    module, x_torch = twin(layer), torch.tensor(x, requires_grad=True)
    y_torch = module(x_torch)
    agree(y, y_torch)
    dy = rng.standard_normal(y.shape)
    dx, grads = backward(dy)
    y_torch.backward(torch.tensor(dy))
    agree(dx, x_torch.grad)
    agree_on_gradients(grads, module)


def normal(mu: Any, logvar: Any) -> Any:
    return Normal(mu, torch.exp(logvar).sqrt())


FUNCTIONS: dict[str, tuple[Any, Any]] = {  # ours, theirs
    "mse": (mse, lambda p, t: F.mse_loss(p, t, reduction="none").sum(1)),
    "bce": (bce, lambda p, t: F.binary_cross_entropy(p, t, reduction="none").sum(1)),
    "bce with logits": (
        bce_with_logits,
        lambda a, t: F.binary_cross_entropy_with_logits(a, t, reduction="none").sum(1),
    ),
    "reparameterize": (reparameterize, lambda m, s, eps: m + torch.exp(s).sqrt() * eps),
    "kl": (
        kl_to_standard_normal,
        lambda m, s: torch.distributions.kl_divergence(normal(m, s), Normal(0.0, 1.0)).sum(1),
    ),
    "log density": (log_normal, lambda x, m, s: normal(m, s).log_prob(x).sum(1)),
}


def arguments(name: str, rng: Rng) -> list[np.ndarray]:
    """Of the function of that name, five rows of four."""
    a, b, c = rng.standard_normal((3, 5, 4))
    target = rng.random((5, 4))
    target[0] = 0, 1, 0, 1
    if name == "bce":
        return [rng.uniform(0.01, 0.99, (5, 4)), target]
    if name == "bce with logits":
        a[0] = -700, -40, 0, 700
        return [a, target]
    return {"mse": [a, target], "kl": [a, b]}.get(name, [a, b, c])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name: str, rng: Rng) -> None:
    """Losses, divergence, density and reparameterization, by every argument with a gradient."""
    ours, theirs = FUNCTIONS[name]
    arrays = arguments(name, rng)
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    value, backward = ours(*arrays)
    value_torch = theirs(*tensors)
    agree(value, value_torch)
    upstream = rng.standard_normal(value.shape)
    gradients = backward(upstream)
    value_torch.backward(torch.tensor(upstream))
    if not isinstance(gradients, tuple):
        gradients = (gradients,)
    for gradient, argument in zip(gradients, tensors, strict=False):  # data have none
        agree(gradient, argument.grad)


@pytest.mark.parametrize("distance", ["mse", "bce with logits"])
def test_autoencoder(distance: str, rng: Rng) -> None:
    ours, theirs = FUNCTIONS[distance]
    model = Autoencoder.mlp(6, (5,), 2, rng, dtype="float64")
    x, target = rng.standard_normal((4, 6)), rng.random((4, 6))
    module = twin(model)
    output = module["decoder"](module["encoder"](torch.tensor(x)))
    agree_on_loss(model.loss(x, target, ours), theirs(output, torch.tensor(target)), module)


def torch_elbo_terms(module: Any, x: Any, eps: Any) -> tuple[Any, ...]:
    """mu, logvar, z and log p(x | z)."""
    mu, logvar = module["encoder"](x).chunk(2, dim=1)
    z = mu + torch.exp(logvar).sqrt() * eps
    log_p = torch.distributions.Bernoulli(logits=module["decoder"](z), validate_args=False)
    return mu, logvar, z, log_p.log_prob(x).sum(1)


def torch_vae_loss(module: Any, x: Any, eps: Any, beta: float = 1.0) -> Any:
    mu, logvar, _, log_p = torch_elbo_terms(module, x, eps)
    return beta * FUNCTIONS["kl"][1](mu, logvar) - log_p


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_vae(beta: float, rng: Rng) -> None:
    model = VAE.mlp(6, (5,), 2, rng, dtype="float64")
    x, eps = rng.random((4, 6)), rng.standard_normal((4, 2))
    module = twin(model)
    terms, backward = model.loss(x, eps, beta)
    theirs = torch_vae_loss(module, torch.tensor(x), torch.tensor(eps), beta)
    agree_on_loss((terms.loss, backward), theirs, module)


@pytest.mark.parametrize("k", [1, 5])
def test_importance_weighted_vae(k: int, rng: Rng) -> None:
    """Differentiated through the weights, which minigen's backward pass holds as v_j."""
    model = VAE.mlp(6, (5,), 2, rng, dtype="float64")
    x, eps = rng.random((4, 6)), rng.standard_normal((4, k, 2))
    module = twin(model)
    log_w = []
    for draw in torch.tensor(eps).unbind(1):
        mu, logvar, z, log_p = torch_elbo_terms(module, torch.tensor(x), draw)
        log_prior = Normal(0.0, 1.0).log_prob(z).sum(1)
        log_w.append(log_p + log_prior - normal(mu, logvar).log_prob(z).sum(1))
    theirs = math.log(k) - torch.logsumexp(torch.stack(log_w), dim=0)
    terms, backward = model.importance_weighted_loss(x, eps)
    agree_on_loss((terms.loss, backward), theirs, module)


def game(rng: Rng) -> tuple[GAN, Any, np.ndarray, np.ndarray]:
    model = GAN.mlp(3, (6, 5), 2, rng, bounded=True, dtype="float64")
    return model, twin(model), rng.random((5, 3)), rng.standard_normal((5, 2))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_discriminator(smoothing: float, rng: Rng) -> None:
    model, module, x, z = game(rng)
    bce_of = FUNCTIONS["bce with logits"][1]
    d, fake = module["discriminator"], module["generator"](torch.tensor(z)).detach()
    real = d(torch.tensor(x))
    theirs = bce_of(real, torch.full_like(real, 1 - smoothing))
    theirs = theirs + bce_of(d(fake), torch.zeros_like(real))
    terms, backward = model.discriminator_loss(x, z, smoothing)
    agree_on_loss((terms.loss, backward), theirs, d)
    agree(terms.d_real, torch.sigmoid(real)[:, 0])
    agree(terms.d_fake, torch.sigmoid(d(fake))[:, 0])


@pytest.mark.parametrize("saturating", [False, True])
def test_generator(saturating: bool, rng: Rng) -> None:
    """log(1 - D(G(z))) or -log D(G(z)), through D."""
    model, module, _, z = game(rng)
    logits = module["discriminator"](module["generator"](torch.tensor(z)))[:, 0]
    theirs = F.logsigmoid(-logits) if saturating else -F.logsigmoid(logits)
    agree_on_loss(model.generator_loss(z, saturating), theirs, module["generator"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda p: SGD(p, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
        (lambda p: SGD(p, 0.05, 0.9), lambda p: torch.optim.SGD(p, 0.05, 0.9)),
        (Adam, torch.optim.Adam),
        (
            lambda p: Adam(p, 0.05, (0.5, 0.9), 0.01),
            lambda p: torch.optim.Adam(p, 0.05, (0.5, 0.9), 0.01),
        ),
    ],
    ids=["sgd", "momentum", "adam", "adam with other constants"],
)
def test_trajectory(
    ours: Callable[[Any], Optimizer], theirs: Callable[[Any], Any], rng: Rng
) -> None:
    """Twenty steps of a VAE, each side by its own gradients."""
    model = VAE.mlp(6, (5,), 2, rng, dtype="float64")
    module = twin(model)
    optimizer, optimizer_torch = ours(model.params), theirs(module.parameters())
    x = rng.random((8, 6))
    for _ in range(20):
        eps = rng.standard_normal((8, 2))
        optimizer.step(model.loss(x, eps)[1]())
        optimizer_torch.zero_grad()
        torch_vae_loss(module, torch.tensor(x), torch.tensor(eps)).mean().backward()
        optimizer_torch.step()
    for name, array in module.named_parameters():
        agree(model.params[name].T, array)
