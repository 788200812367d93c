"""Losses: one number per example, in nats where they are likelihoods.

    loss, backward = bce_with_logits(logits, target)    # (N,)
    dlogits = backward()                                # of the batch mean
    dlogits = backward(dloss)                           # of sum_n dloss[n] loss[n]

A loss sums over the D columns and leaves the average over rows to the weights, so that means,
sums and importance weights need no second implementation. The target is data: it has no gradient.
"""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from minigen.backend import Array, array_module
from minigen.chains import elementwise
from minigen.checks import check_number, check_rows, check_shape, check_unit_interval
from minigen.errors import MinigenError
from minigen.nn.layers import relu

LossBackward = Callable[..., Array]  # (dloss=None) -> gradient of the first argument


def mse(prediction: Array, target: Array) -> tuple[Array, LossBackward]:
    """(L1) Squared error per example, summed over columns: sum_d (p_d - t_d)^2.

        d loss / dp = 2 (p - t)

    It is the negative log likelihood of t under N(p, 1/2), up to a constant. Despite the name it
    is a sum: a mean over columns would weigh the other terms of a loss by D.

    Args:
        prediction: (N, D).
        target: (N, D).

    Returns:
        (N,) and the backward pass to the prediction.

    Raises:
        MinigenError: the shapes differ, are not (N, D), or have no rows; the target is in pixels.
    """
    _, target = paired(prediction=prediction, target=target)
    error = prediction - target
    loss = (error * error).sum(axis=1)

    def backward(dloss: Array | None = None) -> Array:
        return (2 * upstream(dloss, loss))[:, None] * error

    return loss, backward


def bce(probability: Array, target: Array) -> tuple[Array, LossBackward]:
    """(L2) Cross-entropy of Bernoulli probabilities p: -sum_d [t log p + (1 - t) log(1 - p)].

        d loss / dp = (p - t) / (p (1 - p))

    For teaching. A probability that has been rounded to 0 or 1 leaves neither a finite loss nor a
    gradient, so it is refused; a float32 sigmoid gets there at logit 17. Train with
    `bce_with_logits`.

    Args:
        probability: (N, D), strictly between 0 and 1.
        target: (N, D), in [0, 1].

    Returns:
        (N,) in nats, and the backward pass to the probability.

    Raises:
        MinigenError: the shapes differ, are not (N, D), or have no rows; a target is not in [0, 1],
            or a probability not strictly between 0 and 1.
    """
    xp, target = paired(probability=probability, target=target)
    check_unit_interval("target", target)
    if not ((probability.real > 0) & (probability.real < 1)).all():
        raise MinigenError(
            "bce: probabilities must lie strictly between 0 and 1, and one does not; "
            "use bce_with_logits, which needs no probability"
        )
    p, t = probability, target
    loss = -(t * xp.log(p) + (1 - t) * xp.log1p(-p)).sum(axis=1)

    def backward(dloss: Array | None = None) -> Array:
        return upstream(dloss, loss)[:, None] * (p - t) / (p * (1 - p))

    return loss, backward


def bce_with_logits(logits: Array, target: Array) -> tuple[Array, LossBackward]:
    """(L3) Cross-entropy of p = sigmoid(l), computed from the logits l without overflow:

        sum_d [max(l, 0) - l t + log(1 + exp(-|l|))]        d loss / dl = sigmoid(l) - t

    Args:
        logits: (N, D), any finite values.
        target: (N, D), in [0, 1]. Grey values are allowed; the loss is then at least their own
            entropy.

    Returns:
        (N,) in nats, and the backward pass to the logits.

    Raises:
        MinigenError: the shapes differ, are not (N, D), or have no rows; a target is not in [0, 1].
    """
    xp, target = paired(logits=logits, target=target)
    check_unit_interval("target", target)
    e = xp.exp(xp.minimum(logits, -logits))  # exp(-|l|), which a complex step can pass
    loss = _cross_entropy(logits, target, xp.log1p(e)).sum(axis=1)

    def backward(dloss: Array | None = None) -> Array:
        return upstream(dloss, loss)[:, None] * _sigmoid_minus(target, logits, e)

    return loss, backward


@elementwise
def _cross_entropy(xp: ModuleType, logits: Array, target: Array, log1p_e: Array) -> Array:
    return xp.maximum(logits, 0) - logits * target + log1p_e


@elementwise
def _sigmoid_minus(xp: ModuleType, target: Array, logits: Array, e: Array) -> Array:
    return (e + (logits > 0) * (1 - e)) / (1 + e) - target  # 1 / (1 + e) - t where l > 0


def hinge(logits: Array, target: Array) -> tuple[Array, LossBackward]:
    """(L4) sum_d max(0, 1 - s l), with the sign s = 2 t - 1: 0 beyond the margin, where s l > 1.

        d loss / dl = -s where s l < 1,  0 elsewhere

    Args:
        logits: (N, D), any finite values.
        target: (N, D), each 0 or 1.

    Returns:
        (N,) in units of the margin, and the backward pass to the logits.

    Raises:
        MinigenError: the shapes differ, are not (N, D), or have no rows; a target is not in [0, 1].
    """
    _, target = paired(logits=logits, target=target)
    check_unit_interval("target", target)
    sign = 2 * target - 1
    short = relu(1 - sign * logits)
    loss = short.sum(axis=1)

    def backward(dloss: Array | None = None) -> Array:
        return upstream(dloss, loss)[:, None] * -sign * (short.real > 0)

    return loss, backward


def wasserstein(score: Array, target: Array) -> tuple[Array, LossBackward]:
    """(L5) -sum_d s c, with the sign s = 2 t - 1: a critic's score c is to rise where t is 1, and
    to fall where t is 0.

        d loss / dc = -s

    Args:
        score: (N, D), any finite values.
        target: (N, D), each 0 or 1.

    Returns:
        (N,) in units of the score, and the backward pass to it.

    Raises:
        MinigenError: the shapes differ, are not (N, D), or have no rows; a target is not in [0, 1].
    """
    _, target = paired(score=score, target=target)
    check_unit_interval("target", target)
    sign = 2 * target - 1
    loss = -(sign * score).sum(axis=1)

    def backward(dloss: Array | None = None) -> Array:
        return -upstream(dloss, loss)[:, None] * sign

    return loss, backward


def length_error(vector: Array, length: float) -> tuple[Array, LossBackward]:
    """(L6) (|v| - k)^2: how far the length of each row is from k, squared; |v|^2 where k = 0.

        d loss / dv = 2 (|v| - k) v / |v|,    0 at v = 0, which has no direction

    Args:
        vector: v (N, D).
        length: k.

    Returns:
        (N,) and the backward pass to the vector.

    Raises:
        MinigenError: the vector is not (N, D), or has no rows; or k is no number.
    """
    xp = check_rows(vector=vector)
    length = check_number("length", length)
    norm = xp.sqrt((vector * vector).sum(axis=1))  # no abs, which would stop a complex step
    loss = (norm - length) ** 2

    def backward(dloss: Array | None = None) -> Array:
        along = 2 * (norm - length) / (norm + (norm == 0))
        return (upstream(dloss, loss) * along)[:, None] * vector

    return loss, backward


def paired(**arrays: Array) -> tuple[ModuleType, Array]:
    """The module of what is compared and its target, and the target in the other's dtype.

    Raises:
        MinigenError: the shapes differ, are not (N, D), or have no rows; what is compared is in
            integers, or the target in pixels. A GPU is not asked for these: a step would wait.
    """
    xp = check_rows(**arrays)
    (name, compared), (target_name, target) = arrays.items()
    if compared.dtype.kind not in "fc":
        raise MinigenError(f"{name} in {compared.dtype}: it has no gradient; convert it to floats")
    if xp is np and target.dtype == np.uint8 and target.max() > 1:
        raise MinigenError(
            f"{target_name} in uint8, up to {target.max()}: pixels are learnt as 0 to 1; convert "
            f"them by minigen.data.scaled({target_name})"
        )
    return xp, target.astype(compared.dtype, copy=False)


def upstream(dloss: Array | None, loss: Array) -> Array:
    """The weight of each example in the final scalar: dloss (N,), or 1/N each, for the mean.

    Raises:
        MinigenError: dloss is no array of the shape of loss.
    """
    if dloss is None:
        return array_module(loss).full_like(loss, 1 / loss.shape[0])
    check_shape("backward, one weight for each example", dloss, loss.shape)
    return dloss
