"""minigen: generative models from scratch, every gradient by hand.

    import minigen as mg

    data = mg.Dataset.of(x)                           # (N, D), or (N, height, width)
    run = mg.fit(mg.VAEOptions(latent_dim=2, epochs=5), data)
    mg.show(run.sample(64), data.image_shape)

Read `minigen.nn` and `minigen.models` for the mathematics, `minigen.gradcheck` for its proof.
"""

__version__ = "0.2.0"

from minigen.data import Dataset, batches
from minigen.data import load as load_data
from minigen.errors import MinigenError
from minigen.metrics import Finding, judge
from minigen.models import GAN, VAE, Autoencoder
from minigen.nn import SGD, Adam
from minigen.training import AutoencoderOptions, GANOptions, Run, VAEOptions, fit
from minigen.workshop.explore import explore
from minigen.workshop.runs import load, save
from minigen.workshop.show import show

__all__ = [
    "GAN",
    "SGD",
    "VAE",
    "Adam",
    "Autoencoder",
    "AutoencoderOptions",
    "Dataset",
    "Finding",
    "GANOptions",
    "MinigenError",
    "Run",
    "VAEOptions",
    "batches",
    "explore",
    "fit",
    "judge",
    "load",
    "load_data",
    "save",
    "show",
]
