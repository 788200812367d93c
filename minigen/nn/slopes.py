"""Gradients of gradients: the slope of a network as a forward pass, with its own backward pass.

    slope, backward = input_gradient(network, x)    # (N, D): how the output rises with x
    dx, grads = backward(dslope)                    # as those of a layer

Four passes, each once over the layers: values up, slopes down; and for the way back up and down
again, with how both change when x moves along dslope. Where no layer bends, the fourth is empty.
"""

from collections.abc import Callable

from minigen.backend import Array, array_module
from minigen.errors import MinigenError
from minigen.nn.layers import (
    Backward,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)
from minigen.nn.module import Params, prefixed

Curvature = Callable[[Array], Array]  # f'' from y = f(x)

CURVATURES: dict[type[Layer], Curvature | None] = {  # None: straight, but for kinks
    ReLU: None,
    LeakyReLU: None,
    Sigmoid: lambda y: y * (1 - y) * (1 - 2 * y),
    Tanh: lambda y: -2 * y * (1 - y * y),
}


def curvature(layer: Layer) -> Curvature | None:
    """(S3) f'' of an activation, from y = f(x); None for a layer that is straight.

        sigmoid  y (1 - y) (1 - 2 y)        tanh  -2 y (1 - y^2)        ReLU, LeakyReLU, Linear  0

    An activation of your own goes into CURVATURES, by its class.

    Raises:
        MinigenError: nobody has said how this layer bends.
    """
    kinds: dict[type[Layer], Curvature | None] = {Linear: None, **CURVATURES}
    if type(layer) not in kinds:
        known = ", ".join(kind.__name__ for kind in kinds)
        raise MinigenError(
            f"input_gradient knows the layers {known}, in one Sequential; got {layer!r}; put the "
            "f'' of an activation into minigen.nn.slopes.CURVATURES, from y = f(x)"
        )
    return kinds[type(layer)]


def input_gradient(network: Layer, x: Array) -> tuple[Array, Backward]:
    """(S1) g = d/dx of the sum of the outputs: of a single logit, its slope at each row of x.

        up    x_k = f_k(x_(k-1)),  x_0 = x      down  d_(k-1) = J_k^T d_k,  d_n = 1;    g = d_0

    (S2) Its backward pass. For an upstream u, the sum of u * g is how fast the output rises when x
    moves along u. So every line of the ordinary pass is differentiated along u, by the product
    rule; a tick is the rate of change (Pearlmutter 1994):

        up    x_k' = J_k x_(k-1)',  x_0' = u
        down  d_(k-1)' = J_k^T d_k' + (J_k^T)' d_k,  d_n' = 0;      dx = d_0'
        dW = x_(k-1)'^T d_k + x_(k-1)^T d_k'        db = sum over rows of d_k'

    where (J^T)' is 0 for y = x W + b, and f''(x) x' for y = f(x).

    Args:
        network: a Sequential of Linear layers and of activations that `curvature` knows.
        x: (N, D).

    Returns:
        g (N, D), and the backward pass (dy, inputs=True, params=True) -> (dx, grads).

    Raises:
        MinigenError: it is no Sequential, or one of none; a layer is of another kind, or x does
            not fit.
    """
    if not (isinstance(network, Sequential) and network.layers):
        raise MinigenError(
            "input_gradient takes a Sequential of layers, at least one; Sequential(layer) is that "
            f"of a single one; got {network!r}"
        )
    layers = network.layers
    bends = [curvature(layer) for layer in layers]
    top = max((i for i, bend in enumerate(bends) if bend), default=-1)
    xp = array_module(x)
    xs: list[Array] = [x]
    ds: list[Array] = []
    backwards: list[Backward] = []
    for layer in layers:  # up: values
        y, layer_backward = layer(xs[-1])
        xs.append(y)
        backwards.append(layer_backward)
    d = xp.ones_like(y)
    for layer_backward in reversed(backwards):  # down: slopes
        ds.insert(0, d)
        d, _ = layer_backward(d, params=False)

    def backward(dy: Array, inputs: bool = True, params: bool = True) -> tuple[Array, Params]:
        grads: Params = {}
        turns, move = {}, dy
        for i, layer in enumerate(layers):  # up: how the values move
            if isinstance(layer, Linear):
                if params:
                    grads[f"{i}.weight"] = move.T @ ds[i]
                    grads[f"{i}.bias"] = xp.zeros_like(layer.params["bias"])
                move = move @ layer.params["weight"]
            else:
                if bend := bends[i]:
                    turns[i] = bend(xs[i + 1]) * move * ds[i]
                move, _ = backwards[i](move)  # J is diagonal: its own transpose
        turn = xp.zeros_like(xs[top + 1])
        for i in reversed(range(top + 1)):  # down: how the slopes turn, from the last bend on
            wanted = inputs or i > 0
            turn, layer_grads = backwards[i](turn, wanted, params)
            for name, array in prefixed(str(i), layer_grads).items():
                grads[name] += array
            if wanted and i in turns:
                turn = turn + turns[i]
        return (turn if inputs else None), grads

    return d, backward
