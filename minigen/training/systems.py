"""The systems that the commands run, by name: how each is built, learns, is judged and drawn."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from minigen.training.autoencoder import AutoencoderSystem
from minigen.training.base import System
from minigen.training.gan import GANSystem
from minigen.training.vae import VAESystem

SYSTEMS: dict[str, type[System]] = {
    "ae": AutoencoderSystem,
    "vae": VAESystem,
    "gan": GANSystem,
}


def build(config: Mapping[str, Any], xp: ModuleType) -> System:
    """The system that a run's config.json describes, with its initial parameters.

    Raises:
        MinigenError: options contradict each other, or the model does not fit in memory.
    """
    shape = config["image_shape"]
    return SYSTEMS[config["system"]](
        config, config["width"], shape and (shape[0], shape[1]), config["seed"], xp
    )


def check(config: Mapping[str, Any]) -> None:
    """Raises LookupError, TypeError or ValueError unless `train` can have written this config."""
    for name, least in {"epochs": 1, "batch_size": 1, "seed": 0, "width": 1}.items():
        if type(config[name]) is not int or config[name] < least:
            raise ValueError(f"{name} is {config[name]!r}")
    if not isinstance(config["data"], str):
        raise TypeError(f"data is {config['data']!r}")
    if config["image_shape"] is not None:
        height, breadth = config["image_shape"]
        sides = type(height) is type(breadth) is int and height >= 1
        if not sides or height * breadth != config["width"]:
            raise ValueError(f"{height}x{breadth} images in rows of {config['width']}")
    SYSTEMS[config["system"]].check_options(config)
