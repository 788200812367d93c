"""The mathematics (2): three models, each loss with its whole gradient."""

from minigen.models.autoencoder import Autoencoder
from minigen.models.gan import GAN
from minigen.models.vae import VAE

__all__ = ["GAN", "VAE", "Autoencoder"]
