"""Training steps, minigen against PyTorch, interleaved in one process.

    python -m pip install torch
    python -m tests.benchmarks.train_step vae ae gan --threads 2

Both sides train the same networks on the same MNIST rows: gather a batch of uint8, scale it, draw
the noise, forward, backward, Adam. Blocks of steps alternate between the two, so that a machine
that slows down slows both; the ratio is taken block by block.
"""

import argparse
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

Step = Callable[[], None]


def minigen_step(name: str, images: Any, batch: int) -> Step:
    """The step that `minigen.train` takes, with its default options."""
    import numpy as np

    from minigen.systems import build
    from minigen.train import parser
    from minigen.training import scaled

    config = vars(parser().parse_args([name])) | {"width": 784, "image_shape": (28, 28)}
    system = build(config, np)
    rng = np.random.default_rng(0)

    def step() -> None:
        rows = images.take(rng.integers(len(images), size=batch), axis=0)
        system.learn(scaled(rows), rng)

    return step


def torch_step(name: str, images: Any, batch: int) -> Step:
    """The same in PyTorch's eager mode, with its default Adam."""
    torch = torch_module()
    torch.manual_seed(0)
    data = torch.from_numpy(images)
    learn = {"vae": torch_vae, "ae": torch_ae, "gan": torch_gan}[name](torch)

    def step() -> None:
        learn(data[torch.randint(len(data), (batch,))].float() / 255)

    return step


def torch_vae(torch: Any) -> Callable[[Any], None]:
    nn, functional = torch.nn, torch.nn.functional
    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

    def learn(x: Any) -> None:
        mu, logvar = encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        reconstruction = functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        optimizer.zero_grad()
        ((reconstruction + kl) / len(x)).backward()
        optimizer.step()

    return learn


def torch_ae(torch: Any) -> Callable[[Any], None]:
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 20),
        nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def learn(x: Any) -> None:
        loss = (model(x) - x).pow(2).sum() / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return learn


def torch_gan(torch: Any) -> Callable[[Any], None]:
    nn, bce = torch.nn, torch.nn.functional.binary_cross_entropy_with_logits
    generator = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 784),
        nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
    )  # fmt: skip
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=4e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-4, betas=(0.5, 0.999))

    def learn(x: Any) -> None:
        real, fake = torch.full((len(x), 1), 0.9), torch.zeros(len(x), 1)
        with torch.no_grad():
            generated = generator(torch.randn(len(x), 64))
        logits = discriminator(torch.cat([2 * x - 1, generated]))
        d_loss = 2 * bce(logits, torch.cat([real, fake]))
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        discriminator.requires_grad_(requires_grad=False)
        g_loss = bce(discriminator(generator(torch.randn(len(x), 64))), torch.ones(len(x), 1))
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        discriminator.requires_grad_(requires_grad=True)

    return learn


def torch_module() -> Any:
    """PyTorch, which is compared with and never depended on."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        sys.exit("this comparison needs PyTorch: python -m pip install torch")


def seconds_per_step(step: Step, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def compare(name: str, images: Any, batch: int, steps: int, blocks: int) -> None:
    """Print the medians of both sides and of their ratio."""
    ours, theirs = minigen_step(name, images, batch), torch_step(name, images, batch)
    for step in (ours, theirs):
        seconds_per_step(step, steps)
    pairs = [
        (seconds_per_step(ours, steps), seconds_per_step(theirs, steps)) for _ in range(blocks)
    ]
    ours_ms, theirs_ms = (1e3 * statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    print(
        f"{name:4} batch {batch}: minigen {ours_ms:.2f} ms, torch eager {theirs_ms:.2f} ms a step; "
        f"ratio {statistics.median(ratios):.2f} (blocks {ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", default=["vae"], metavar="vae|ae|gan")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=40, help="steps in one block")
    parser.add_argument("--blocks", type=int, default=15, help="blocks of each side")
    options = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # before NumPy is imported

    import numpy as np

    from minigen import data

    torch = torch_module()
    torch.set_num_threads(options.threads)
    print(f"numpy {np.__version__}, torch {torch.__version__}, {options.threads} threads")
    images = data.load("mnist").train
    for name in options.models:
        compare(name, images, options.batch_size, options.steps, options.blocks)


if __name__ == "__main__":
    main()
