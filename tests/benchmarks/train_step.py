"""Training steps per second, minigen against PyTorch, interleaved in one process.

    python -m pip install torch
    python -m tests.benchmarks.train_step --threads 2

Both sides train the same network on the same MNIST rows: gather a batch of uint8, scale it, draw
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


def minigen_vae(images: Any, batch: int) -> Step:
    """The step that `minigen.train vae` takes."""
    import numpy as np

    from minigen.models.vae import VAE
    from minigen.optim import Adam

    rng = np.random.default_rng(0)
    model = VAE.mlp(784, (400,), 20, rng)
    optimizer = Adam(model.params)

    def step() -> None:
        x = images.take(rng.integers(len(images), size=batch), axis=0).astype(np.float32)
        x /= 255
        eps = rng.standard_normal((batch, 20), dtype=np.float32)
        _, backward = model.loss(x, eps)
        optimizer.step(backward())

    return step


def torch_module() -> Any:
    """PyTorch, which is compared with and never depended on."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        sys.exit("this comparison needs PyTorch: python -m pip install torch")


def torch_vae(images: Any, batch: int) -> Step:
    """The same in PyTorch's eager mode, with its default Adam."""
    torch = torch_module()
    nn, functional = torch.nn, torch.nn.functional
    torch.manual_seed(0)
    data = torch.from_numpy(images)
    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

    def step() -> None:
        x = data[torch.randint(len(data), (batch,))].float() / 255
        mu, logvar = encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        reconstruction = functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        optimizer.zero_grad()
        ((reconstruction + kl) / batch).backward()
        optimizer.step()

    return step


def seconds_per_step(step: Step, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=40, help="steps in one block")
    parser.add_argument("--blocks", type=int, default=15, help="blocks of each side")
    options = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)

    import numpy as np

    from minigen import data

    torch = torch_module()
    torch.set_num_threads(options.threads)
    images = data.load("mnist").train
    ours, theirs = minigen_vae(images, options.batch_size), torch_vae(images, options.batch_size)
    for step in (ours, theirs):
        seconds_per_step(step, options.steps)
    pairs = [
        (seconds_per_step(ours, options.steps), seconds_per_step(theirs, options.steps))
        for _ in range(options.blocks)
    ]
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    print(f"numpy {np.__version__}, torch {torch.__version__}, {options.threads} threads")
    for side, name in enumerate(("minigen", "torch eager")):
        milliseconds = 1e3 * statistics.median(pair[side] for pair in pairs)
        print(f"vae  batch {options.batch_size}  {name:12} {milliseconds:7.2f} ms a step (median)")
    print(
        f"vae  batch {options.batch_size}  ratio {statistics.median(ratios):.2f} "
        f"(blocks from {ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
