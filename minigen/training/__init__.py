"""How a model learns: options, a trainer for each model, the loop, and `fit`."""

from minigen.training.autoencoder import AutoencoderOptions, AutoencoderTrainer
from minigen.training.fitting import OPTIONS, TRAINERS, Run, check_run, fit, prepare
from minigen.training.gan import GANOptions, GANTrainer
from minigen.training.loop import EpochRecord, Stream, evaluate, train
from minigen.training.options import Options
from minigen.training.ranks import ALONE, Ranks, join
from minigen.training.trainer import Trainer
from minigen.training.vae import VAEOptions, VAETrainer

__all__ = [
    "ALONE",
    "OPTIONS",
    "TRAINERS",
    "AutoencoderOptions",
    "AutoencoderTrainer",
    "EpochRecord",
    "GANOptions",
    "GANTrainer",
    "Options",
    "Ranks",
    "Run",
    "Stream",
    "Trainer",
    "VAEOptions",
    "VAETrainer",
    "check_run",
    "evaluate",
    "fit",
    "join",
    "prepare",
    "train",
]
