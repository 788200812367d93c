"""The mathematics (1): layers, losses, Gaussians and optimizers, each with its backward pass.

Read `module`, `layers`, `losses`, `gaussian` and `optim`, in this order; then `minigen.models`; and
`slopes` and `spectral` for what a discriminator may pay for its slope.
"""

from minigen.nn.gaussian import kl_to_standard_normal, log_normal, reparameterize
from minigen.nn.layers import (
    Activation,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    mlp,
)
from minigen.nn.losses import bce, bce_with_logits, hinge, length_error, mse, wasserstein
from minigen.nn.module import Composite, Module
from minigen.nn.optim import SGD, Adam, Average
from minigen.nn.slopes import input_gradient
from minigen.nn.spectral import power_step, spectral

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "Average",
    "Composite",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Module",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "bce",
    "bce_with_logits",
    "hinge",
    "input_gradient",
    "kl_to_standard_normal",
    "length_error",
    "log_normal",
    "mlp",
    "mse",
    "power_step",
    "reparameterize",
    "spectral",
    "wasserstein",
]
