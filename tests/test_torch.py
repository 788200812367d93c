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
from minigen.models.gan import GAN, HINGE, LEAST_SQUARES, LOGISTIC, WASSERSTEIN, Game
from minigen.models.likelihoods import Bernoulli
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
from minigen.nn.losses import bce, bce_with_logits, hinge, length_error, mse, wasserstein
from minigen.nn.module import Composite, Module
from minigen.nn.optim import SGD, Adam, Optimizer
from minigen.nn.slopes import input_gradient
from minigen.nn.spectral import power_step, spectral

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
    if isinstance(module, Bernoulli):
        return torch.nn.Identity()  # it has no parameters, and its twin is in torch_elbo_terms
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
        lambda: mlp([5, 7, 6, 2], np.random.default_rng(0), activation=LeakyReLU, dtype="float64"),
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
    "hinge": (hinge, lambda a, t: F.relu(1 - (2 * t - 1) * a).sum(1)),
    "wasserstein": (wasserstein, lambda a, t: ((1 - 2 * t) * a).sum(1)),
    "length error": (lambda v: length_error(v, 1.0), lambda v: (v.norm(dim=1) - 1) ** 2),
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
    labels = (target > 0.5).astype("float64")
    known = {"mse": [a, target], "kl": [a, b], "hinge": [a, labels], "wasserstein": [a, labels]}
    return {**known, "length error": [a]}.get(name, [a, b, c])


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


def torch_slope(module: Any, x: Any) -> Any:
    """The slope of the sum of the outputs at x, which can be differentiated once more."""
    (slope,) = torch.autograd.grad(module(x).sum(), x, create_graph=True)
    return slope


def place(x: np.ndarray) -> Any:
    return torch.tensor(x, requires_grad=True)


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.__name__)
def test_slope(kind: Any, rng: Rng) -> None:
    """Value, dx and parameter gradients, by double backward."""
    network = mlp([4, 7, 6, 1], rng, activation=kind, dtype="float64")
    x = rng.standard_normal((6, 4))
    module, x_torch = twin(network), place(x)
    g, backward = input_gradient(network, x)
    g_torch = torch_slope(module, x_torch)
    agree(g, g_torch)
    u = rng.standard_normal(g.shape)
    dx, grads = backward(u)
    for tensor in (x_torch, *module.parameters()):  # no graph leads to the last bias
        tensor.grad = torch.zeros_like(tensor)
    g_torch.backward(torch.tensor(u))
    agree(dx, x_torch.grad)
    agree_on_gradients(grads, module)


def discriminator(rng: Rng, kind: Any) -> tuple[GAN, Any]:
    """A GAN with activations of this kind in D, and D in PyTorch."""
    model, _, _, _ = game(rng)
    model = GAN(model.generator, mlp([3, 6, 5, 1], rng, activation=kind, dtype="float64"))
    return model, twin(model.discriminator)


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_a_whole_step_with_a_penalty(slope: float, kind: Any, rng: Rng) -> None:
    """R1 with the logistic game, or a WGAN-GP's critic: loss and penalty, and their gradient."""
    model, d = discriminator(rng, kind)
    x, z, w = rng.standard_normal((5, 3)), rng.standard_normal((5, 2)), rng.random((5, 1))
    rules, points = (WASSERSTEIN, model.between(x, z, w)) if slope else (LOGISTIC, x)
    values, backward = model.discriminator_loss(x, z, game=rules)
    price, price_backward = model.slope_penalty(points, slope)
    real, fake = d(torch.tensor(x))[:, 0], d(torch.tensor(model.generator(z)[0]))[:, 0]
    loss = fake - real if slope else F.softplus(-real) + F.softplus(fake)
    norm = torch_slope(d, place(points)).norm(dim=1)
    paid = (norm - 1) ** 2 if slope else norm**2
    agree(values.loss, loss)
    agree(price, paid)
    (loss + 3 * paid).mean().backward()
    paid_grads = price_backward(np.full(5, 3 / 5))
    agree_on_gradients({k: v + paid_grads[k] for k, v in backward().items()}, d)


@pytest.mark.parametrize(
    ("rules", "theirs", "to_g"),
    [
        (LEAST_SQUARES, lambda r, f: (r - 1) ** 2 + f**2, lambda f: (f - 1) ** 2),
        (HINGE, lambda r, f: F.relu(1 - r) + F.relu(1 + f), lambda f: -f),
        (WASSERSTEIN, lambda r, f: f - r, lambda f: -f),
    ],
    ids=["least squares", "hinge", "wasserstein"],
)
def test_games(rules: Game, theirs: Any, to_g: Any, rng: Rng) -> None:
    model, module, x, z = game(rng)
    d, fake = module["discriminator"], module["generator"](torch.tensor(z))
    values, backward = model.discriminator_loss(x, z, game=rules)
    loss = theirs(d(torch.tensor(x))[:, 0], d(fake.detach())[:, 0])
    agree_on_loss((values.loss, backward), loss, d)
    agree_on_loss(model.generator_loss(z, game=rules), to_g(d(fake)[:, 0]), module["generator"])


def test_spectral_normalization(rng: Rng) -> None:
    """W / s with s = a^T W b, where PyTorch as well holds a and b fixed."""
    model, d = discriminator(rng, LeakyReLU)
    x, params = rng.standard_normal((5, 3)), dict(model.discriminator.params)
    vectors = power_step(params, {})
    flat, spectral_backward = spectral(params, vectors)
    tensors = {name: place(array) for name, array in params.items()}
    scaled = dict(tensors)
    for name, (a, b) in vectors.items():
        scaled[name] = tensors[name] / (torch.tensor(a) @ tensors[name] @ torch.tensor(b))
    y = torch.func.functional_call(d, {k: v.t() for k, v in scaled.items()}, (torch.tensor(x),))
    (y**2).sum().backward()
    ours, backward = model.discriminator.with_params(flat)(x)
    agree(ours, y)
    for name, gradient in spectral_backward(backward(2 * ours)[1]).items():
        agree(gradient, tensors[name].grad)


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
