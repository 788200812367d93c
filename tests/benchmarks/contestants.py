"""Who is compared: minigen, the same step in PyTorch, and the bare matrix products of that step.

Every contestant trains the same networks on the same MNIST rows: gather a batch of uint8, scale it,
draw the noise, forward, backward, Adam. minigen's GAN also keeps the running mean of its generator,
as it does by default.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, pairwise
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minigen.backend import generator
from minigen.data import Dataset, scaled
from minigen.training import OPTIONS, Stream, prepare

N_DATA = 784
N_LATENT = {"vae": 20, "ae": 20, "gan": 64}

Step = Callable[[], object]

SLOPES: dict[str, dict[str, Any]] = {  # options of the GAN: the plain one, and what holds D's slope
    "plain": {},
    "R1": {"r1": 1.0},
    "WGAN-GP": {"game": "wasserstein", "gradient_penalty": 1.0, "smoothing": 0.0},
    "spectral normalization": {"spectral": True},
}


@dataclass(frozen=True)
class Size:
    """One training step: which model, rows in a batch, width of its hidden layers."""

    model: str
    batch: int
    width: int

    @property
    def hidden(self) -> list[int]:
        """Hidden widths: one layer, or two for the GAN."""
        return [self.width] * (2 if self.model == "gan" else 1)


def minigen(size: Size, images: np.ndarray, xp: ModuleType = np, **options: Any) -> Step:
    """The step that `minigen.train` takes, with its default options but for these."""
    options = {"hidden": tuple(size.hidden), **options}
    dataset = Dataset("images", images, images[:1], (28, 28))
    trainer = prepare(OPTIONS[size.model](**options), dataset, xp).trainer
    rng = generator(xp, 0, Stream.TRAIN)
    rows = xp.asarray(images)
    order = xp.asarray(np.random.default_rng(0).permutation(len(images)))
    starts = cycle(range(0, len(images) - size.batch + 1, size.batch))

    def step() -> object:
        start = next(starts)
        batch = rows.take(order[start : start + size.batch], axis=0)
        return trainer.train_step(scaled(batch), rng)

    return step


def floor(size: Size, images: np.ndarray, xp: ModuleType = np) -> Step:
    """The matrix products of that step alone, on arrays that are there already."""
    rng = np.random.default_rng(0)

    def filled(*shape: int) -> Any:
        return xp.asarray(rng.standard_normal(shape, dtype=np.float32))

    jobs = []
    for left, right in _products(size):
        a, b = (filled(*shape).T if flip else filled(*shape) for shape, flip in (left, right))
        jobs.append((a, b, xp.empty((a.shape[0], b.shape[1]), dtype=np.float32)))

    def step() -> None:
        for a, b, out in jobs:
            xp.matmul(a, b, out=out)

    return step


Operand = tuple[tuple[int, int], bool]  # shape, transposed


def _products(size: Size) -> Iterator[tuple[Operand, Operand]]:
    """Both operands of every matrix product of a step."""
    n, n_latent = size.batch, N_LATENT[size.model]
    if size.model == "gan":
        generator = [n_latent, *size.hidden, N_DATA]
        discriminator = [N_DATA, *size.hidden, 1]
        yield from _forward(n, generator)
        yield from _forward(2 * n, discriminator)
        yield from _backward(2 * n, discriminator, inputs=False)
        yield from _forward(n, generator)
        yield from _forward(n, discriminator)
        yield from _backward(n, discriminator, params=False)
        yield from _backward(n, generator, inputs=False)
    else:
        encoder = [N_DATA, *size.hidden, (2 if size.model == "vae" else 1) * n_latent]
        decoder = [n_latent, *size.hidden, N_DATA]
        yield from _forward(n, encoder)
        yield from _forward(n, decoder)
        yield from _backward(n, decoder)
        yield from _backward(n, encoder, inputs=False)


def _forward(n: int, sizes: list[int]) -> Iterator[tuple[Operand, Operand]]:
    for n_in, n_out in pairwise(sizes):
        yield ((n, n_in), False), ((n_in, n_out), False)  # x W


def _backward(
    n: int, sizes: list[int], inputs: bool = True, params: bool = True
) -> Iterator[tuple[Operand, Operand]]:
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        if params:
            yield ((n, n_in), True), ((n, n_out), False)  # x^T dy
        if inputs or i > 0:
            yield ((n, n_out), False), ((n_in, n_out), True)  # dy W^T


def torch_module() -> Any:
    """PyTorch, which is compared with and never depended on."""
    return importlib.import_module("torch")


def torch(
    size: Size,
    images: np.ndarray,
    device: str = "cpu",
    fused: bool | None = None,
    compiled: str | None = None,
) -> Step:
    """The same in PyTorch.

    Args:
        size: the step.
        images: uint8 rows.
        device: cpu or cuda.
        fused: Adam in one pass; None is PyTorch's own choice.
        compiled: the mode of torch.compile, or None for eager mode.
    """
    module = torch_module()
    module.compiler.reset()  # or it would make graphs for all the sizes that it has seen
    module.manual_seed(0)
    build = {"vae": _torch_vae, "ae": _torch_ae, "gan": _torch_gan}[size.model]
    with module.device(device):
        plays = build(module, size, fused)
    data = module.from_numpy(images).to(device)

    def gather() -> Any:
        rows = module.randint(len(images), (size.batch,), device=device)
        return data[rows].float() / 255

    if compiled:
        plays = [
            play._replace(loss=module.compile(play.loss, mode=compiled, dynamic=False))
            for play in plays
        ]

    def step() -> None:
        x = gather()
        for play in plays:
            play.prepare()
            play.optimizer.zero_grad()
            play.loss(x).backward()
            play.optimizer.step()

    return step


class Play(NamedTuple):
    """One loss of a batch, its optimizer, and what is done before, outside of what is compiled."""

    loss: Callable[[Any], Any]
    optimizer: Any
    prepare: Callable[[], object] = lambda: None


def _torch_mlp(nn: Any, sizes: list[int], activation: Callable[[], Any]) -> Any:
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


def _torch_vae(torch: Any, size: Size, fused: bool | None) -> list[Play]:
    nn, functional, n_latent = torch.nn, torch.nn.functional, N_LATENT["vae"]
    encoder = _torch_mlp(nn, [N_DATA, *size.hidden, 2 * n_latent], nn.ReLU)
    decoder = _torch_mlp(nn, [n_latent, *size.hidden, N_DATA], nn.ReLU)

    def loss(x: Any) -> Any:
        mu, logvar = encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        reconstruction = functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return (reconstruction + kl) / len(x)

    params = [*encoder.parameters(), *decoder.parameters()]
    return [Play(loss, torch.optim.Adam(params, lr=1e-3, fused=fused))]


def _torch_ae(torch: Any, size: Size, fused: bool | None) -> list[Play]:
    nn, n_latent = torch.nn, N_LATENT["ae"]
    encoder = _torch_mlp(nn, [N_DATA, *size.hidden, n_latent], nn.ReLU)
    decoder = _torch_mlp(nn, [n_latent, *size.hidden, N_DATA], nn.ReLU)

    def loss(x: Any) -> Any:
        return (decoder(encoder(x)) - x).pow(2).sum() / len(x)

    params = [*encoder.parameters(), *decoder.parameters()]
    return [Play(loss, torch.optim.Adam(params, lr=1e-3, fused=fused))]


def _torch_gan(torch: Any, size: Size, fused: bool | None) -> list[Play]:
    nn, n_latent = torch.nn, N_LATENT["gan"]
    bce = nn.functional.binary_cross_entropy_with_logits
    generator = nn.Sequential(_torch_mlp(nn, [n_latent, *size.hidden, N_DATA], nn.ReLU), nn.Tanh())
    discriminator = _torch_mlp(nn, [N_DATA, *size.hidden, 1], lambda: nn.LeakyReLU(0.2))

    def codes(x: Any) -> Any:
        return torch.randn(len(x), n_latent, device=x.device)

    def d_loss(x: Any) -> Any:
        with torch.no_grad():
            fake = generator(codes(x))
        logits = discriminator(torch.cat([2 * x - 1, fake]))
        labels = torch.zeros_like(logits)
        labels[: len(x)] = 0.9
        return 2 * bce(logits, labels)

    def g_loss(x: Any) -> Any:
        logits = discriminator(generator(codes(x)))
        return bce(logits, torch.ones_like(logits))

    def adam(player: Any, lr: float) -> Any:
        return torch.optim.Adam(player.parameters(), lr=lr, betas=(0.5, 0.999), fused=fused)

    def learning(learns: bool) -> Callable[[], object]:
        return lambda: discriminator.requires_grad_(learns)

    return [
        Play(d_loss, adam(discriminator, 1e-4), learning(True)),
        Play(g_loss, adam(generator, 4e-4), learning(False)),
    ]
