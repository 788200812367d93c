"""The autoencoder: a bottleneck between an encoder and a decoder, and no density.

    z = encoder(x)      x' = decoder(z)      loss = distance from x' to x

With squared error and without activations its optimum is PCA (Baldi and Hornik 1989).
"""

from collections.abc import Callable, Sequence
from typing import Self

from minigen.backend import Array, Generator
from minigen.nn.layers import Layer, mlp
from minigen.nn.losses import LossBackward, mse
from minigen.nn.module import Composite, Params, prefixed


class Autoencoder(Composite):
    """An encoder from x (N, D) to z (N, Z), and a decoder back to (N, D): values where the loss is
    `mse`, logits where it is `bce_with_logits`.
    """

    def __init__(self, encoder: Layer, decoder: Layer) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    @classmethod
    def mlp(
        cls,
        n_data: int,
        hidden: Sequence[int],
        n_latent: int,
        rng: Generator,
        *,
        dtype: str = "float32",
    ) -> Self:
        """ReLU perceptrons through D, *hidden, Z and back; linear maps where hidden is empty."""
        widths = [n_data, *hidden, n_latent]
        return cls(mlp(widths, rng, dtype=dtype), mlp(reversed(widths), rng, dtype=dtype))

    def loss(
        self,
        x: Array,
        target: Array,
        distance: Callable[[Array, Array], tuple[Array, LossBackward]] = mse,
    ) -> tuple[Array, Callable[..., Params]]:
        """(A1) distance(decoder(encoder(x)), target) per example.

        The target is x itself, or the clean x behind a noisy one: then this is a denoising
        autoencoder (Vincent et al. 2008).

        Args:
            x: (N, D), what the encoder sees.
            target: (N, D), what the decoder should give.
            distance: `mse` or `bce_with_logits`.

        Returns:
            (N,) in the unit of the distance, and the backward pass (dloss=None) -> grads.

        Raises:
            MinigenError: the shapes do not fit.
        """
        z, encoder_backward = self.encoder(x)
        output, decoder_backward = self.decoder(z)
        loss, distance_backward = distance(output, target)

        def backward(dloss: Array | None = None) -> Params:
            doutput = distance_backward(dloss)
            dz, decoder_grads = decoder_backward(doutput)
            _, encoder_grads = encoder_backward(dz, inputs=False)
            return prefixed("encoder", encoder_grads) | prefixed("decoder", decoder_grads)

        return loss, backward
