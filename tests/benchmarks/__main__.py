"""Training steps, minigen against PyTorch and against the bare matrix products.

    python -m pip install torch
    python -m tests.benchmarks                                    # the standard VAE, AE and GAN
    python -m tests.benchmarks --sweep --json benchmark.json      # batch sizes and widths too
    python -m tests.benchmarks --threads 1 2 --busy               # on a machine that others use
    python -m tests.benchmarks --slopes                           # what a price on D's slope costs
    python -m tests.benchmarks --device cuda
    python -m tests.benchmarks --draw benchmark.json --figure tutorials/figures/benchmark.png

The contestants take turns in one process, so that a machine that slows down slows them alike; each
ratio is taken within a turn.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

BATCHES = (32, 64, 128, 256, 512, 1024, 2048, 4096)
WIDTHS = (100, 200, 400, 800, 1600)
STANDARD = (("vae", 128, 400), ("ae", 128, 400), ("gan", 64, 256))
MODELS = [model for model, *_ in STANDARD]
FLOOR = "matrix products"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _options(arguments)
    if options.draw:
        from tests.benchmarks.figure import draw

        draw(options.figure, json.loads(options.draw.read_text()))
        return 0
    document = (measure_slopes if options.slopes else measure)(options)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("models", nargs="*", metavar="MODEL", help=f"{', '.join(MODELS)}; default: all")
    add("--sweep", action="store_true", help=f"the VAE at batches {BATCHES} and widths {WIDTHS}")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="cuda compares CuPy")
    add("--threads", type=int, nargs="+", default=[1], metavar="N", help="one report for each")
    add("--busy", action="store_true", help="then the VAE's step beside other processes")
    add("--slopes", action="store_true", help="the GAN's steps that hold D's slope, and no others")
    add("--blocks", type=int, default=15, help="turns of each contestant")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    add("--draw", type=Path, metavar="FILE", help="measure nothing, draw what FILE holds")
    add("--figure", type=Path, metavar="PNG", default=Path("benchmark.png"))
    options = parser.parse_args(arguments)
    if unknown := [model for model in options.models if model not in MODELS]:
        parser.error(f"no model {unknown[0]}; there are {', '.join(MODELS)}")
    options.models = options.models or MODELS
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Time everything that was asked for, and print it."""
    from minigen import data
    from minigen.backend import computing
    from tests.benchmarks.busy import busy
    from tests.benchmarks.contestants import Size
    from tests.benchmarks.measure import as_result, compare, exponent

    images = data.load("mnist").train
    sizes = [Size(*size) for size in STANDARD if size[0] in options.models]
    if options.sweep:
        sizes += [Size("vae", batch, 400) for batch in BATCHES if batch != 128]
        sizes += [Size("vae", 128, width) for width in WIDTHS if width != 400]
    document: dict[str, Any] = {"floor": FLOOR, "results": []}
    for threads in options.threads:
        makers, document["versions"], wait = contestants(options.device, threads)
        print(", ".join(f"{name} {version}" for name, version in document["versions"].items()))
        with computing(threads):
            for size in sizes:
                steps = {name: make(size, images) for name, make in makers.items()}
                result = as_result(size, threads, compare(steps, options.blocks, wait))
                document["results"].append(result)
                _print(result)
    for threads in options.threads if options.sweep else ():
        many = [r for r in document["results"] if r["model"] == "vae" and r["width"] == 400]
        many = [r for r in many if r["batch"] >= 128 and r["threads"] == threads]
        print(
            f"{threads} threads: cost grows as batch size to the power "
            f"{exponent(many, 'minigen'):.3f} from 128 to {BATCHES[-1]}"
        )
    if options.busy:
        document["busy"] = busy(images, options.threads, options.blocks)
    return document


def measure_slopes(options: argparse.Namespace) -> dict[str, Any]:
    """Time the GAN's plain step beside those that hold D's slope, and print it."""
    from minigen import data
    from minigen.backend import computing
    from tests.benchmarks.contestants import SLOPES, Size, minigen
    from tests.benchmarks.measure import as_result, compare

    images, size = data.load("mnist").train, Size("gan", 64, 256)
    document: dict[str, Any] = {"results": []}
    for threads in options.threads:
        with computing(threads):
            steps = {name: minigen(size, images, **given) for name, given in SLOPES.items()}
            times = compare(steps, options.blocks)
        document["results"].append(as_result(size, threads, times))
        for name, time in times.items():
            span = f"({time['least']:.2f} to {time['most']:.2f})"
            print(f"{name:26} {time['ms']:7.2f} ms  {time['ratio']:5.2f} x plain {span}")
    return document


def contestants(
    device: str, threads: int
) -> tuple[dict[str, Callable[..., Any]], dict[str, str], Callable[[], object]]:
    """How each contestant is made, the versions of all, and how to wait for the device."""
    import numpy as np

    from minigen.backend import select
    from minigen.chains import compiler
    from tests.benchmarks.contestants import floor, minigen, torch, torch_module

    xp, _ = select("numpy" if device == "cpu" else "cupy")
    versions = {"python": platform.python_version(), "numpy": np.__version__, "Adam": compiler()}
    try:
        module = torch_module()
        versions["torch"] = module.__version__
    except ModuleNotFoundError:
        module = None
        print("PyTorch is not installed, so minigen meets the matrix products alone")
    if device == "cpu":
        makers: dict[str, Callable[..., Any]] = {"minigen": minigen, FLOOR: floor}
        if module:
            module.set_num_threads(threads)
            makers |= {
                "PyTorch eager": torch,
                "PyTorch eager, fused Adam": partial(torch, fused=True),
                "torch.compile, fused Adam": partial(torch, fused=True, compiled="default"),
            }
        return makers, versions, lambda: None

    versions |= {"cupy": xp.__version__, "device": _device_name(xp)}
    makers = {"minigen": partial(minigen, xp=xp), FLOOR: partial(floor, xp=xp)}
    if module:
        on_gpu = partial(torch, device="cuda")
        makers |= {
            "PyTorch eager": on_gpu,
            "PyTorch eager, fused Adam": partial(on_gpu, fused=True),
            "torch.compile": partial(on_gpu, fused=True, compiled="default"),
            "torch.compile, CUDA graphs": partial(on_gpu, fused=True, compiled="reduce-overhead"),
        }
    return makers, versions, xp.cuda.Device().synchronize


def _device_name(xp: Any) -> str:
    return str(xp.cuda.runtime.getDeviceProperties(0)["name"].decode())


def _print(result: dict[str, Any]) -> None:
    print(
        f"\n{result['model']}, {result['batch']} rows, hidden width {result['width']}, "
        f"threads {result['threads']}"
    )
    floor = result["times"][FLOOR]["ms"]
    for name, time in result["times"].items():
        print(
            f"  {name:28} {time['ms']:9.3f} ms  {time['ms'] / floor:5.2f} x the products  "
            f"{time['ratio']:5.2f} x minigen ({time['least']:.2f} to {time['most']:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
