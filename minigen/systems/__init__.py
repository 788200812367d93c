"""The systems that the commands run, by name: how each is built, learns, is judged and drawn."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from minigen.systems.autoencoder import AutoencoderSystem
from minigen.systems.base import System
from minigen.systems.gan import GANSystem
from minigen.systems.vae import VAESystem

SYSTEMS: dict[str, type[System]] = {
    "ae": AutoencoderSystem,
    "vae": VAESystem,
    "gan": GANSystem,
}


def build(config: Mapping[str, Any], xp: ModuleType) -> System:
    """The system that a run's config.json describes, with its initial parameters.

    Raises:
        MinigenError: options contradict each other, or the model does not fit in memory.
        LookupError, TypeError, ValueError: the config is not one that `train` has written.
    """
    system, width, image_shape = SYSTEMS[config["system"]], config["width"], None
    if config["image_shape"] is not None:
        height, breadth = config["image_shape"]
        if height * breadth != width:
            raise ValueError(f"{height}x{breadth} images in rows of {width}")
        image_shape = height, breadth
    for name, default in {"data": "", "seed": 0, **system.defaults()}.items():
        if not isinstance(config[name], type(default)):
            raise TypeError(f"{name} is {config[name]!r}")
    return system(config, width, image_shape, config["seed"], xp)
