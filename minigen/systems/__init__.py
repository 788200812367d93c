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
    """
    shape = config["image_shape"]
    image_shape = None if shape is None else (shape[0], shape[1])
    return SYSTEMS[config["system"]](config, config["width"], image_shape, config["seed"], xp)
