"""Options of whole experiments, by model and name.

tutorials/results.md says what comes out, and how the experiments differ from the published ones.
"""

from collections.abc import Mapping
from typing import Any

Preset = Mapping[str, Any]

_IWAE: Preset = {
    "hidden": (200, 200),
    "latent_dim": 50,
    "activation": "tanh",
    "init": "glorot",
    "binarize": True,
    "adam_eps": 1e-4,
}


def _falling(epochs: int) -> Preset:
    """A high learning rate, and from 4/15 of the epochs on ten steps down to 1 % of it."""
    milestones = tuple((40 + 11 * i) * epochs // 150 for i in range(10))
    return {"lr": 3e-3, "epochs": epochs, "milestones": milestones, "gamma": 10**-0.2}


VAE_PRESETS: Mapping[str, Preset] = {
    # Burda et al. 2015, section 5: 3^i passes at 10^(-i/7) of the first rate, i = 0..7
    "iwae-2015": {
        **_IWAE,
        "batch_size": 20,
        "lr": 1e-3,
        "epochs": 3280,
        "milestones": (1, 4, 13, 40, 121, 364, 1093),
        "gamma": 10 ** (-1 / 7),
    },
    "iwae-30": {**_IWAE, "batch_size": 100, **_falling(30)},
    "iwae-300": {**_IWAE, "batch_size": 100, **_falling(300)},
    "iwae-900": {**_IWAE, "batch_size": 100, **_falling(900)},
    "modes": {
        "likelihood": "gaussian",
        "hidden": (128, 128, 128),
        "latent_dim": 1,
        "lr": 3e-3,
        "epochs": 60,
        "milestones": (36, 44, 52),
        "gamma": 0.3,
    },
}

GAN_PRESETS: Mapping[str, Preset] = {
    "modes": {
        "latent_dim": 2,
        "batch_size": 256,
        "lr": 1e-3,
        "discriminator_lr": 1e-3,
        "smoothing": 0.0,
        "averaging": 0.999,
        "epochs": 60,
        "milestones": (48, 52, 56),
        "gamma": 0.3,
    },
}
