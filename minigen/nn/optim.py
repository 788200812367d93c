"""Optimizers, which update the parameter arrays in place, and the mean of where they have been.

    optimizer = Adam(model.params, lr=1e-3)
    optimizer.step(grads)       # grads: one array for every name in params

`optimizer.state` is all that the next step depends on, beside the parameters.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import ModuleType

from minigen.backend import Array, array_module
from minigen.chains import fused
from minigen.checks import check_fraction, check_positive
from minigen.errors import MinigenError
from minigen.nn.module import Params, prefixed

SWEEP = 100  # steps
LEAST_EPS = 1e-30


class Stateful(ABC):
    """Something that takes steps: a count t of them, and buffers beside the parameters."""

    def __init__(self, params: Mapping[str, Array]) -> None:
        self.params = params
        self.t = 0  # steps taken

    @property
    @abstractmethod
    def buffers(self) -> Params:
        """The arrays that steps change, by name, without the parameters."""

    @property
    def live(self) -> Params:
        """All that the next step depends on, beside the parameters: t and the buffers themselves,
        which the next step changes.
        """
        return {"t": self.t, **self.buffers}

    @property
    def state(self) -> Params:
        """A copy of `live`, to `restore` later."""
        return copied(self.live)

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from where `state` was taken; its arrays, here or in NumPy, are copied."""
        self.t = int(state["t"])
        for name, array in self.buffers.items():
            array[...] = array_module(array).asarray(state[name])


def copied(state: Mapping[str, Array]) -> Params:
    """Copies of these arrays, and numbers as they are, by name."""
    return {name: v if isinstance(v, int) else v.copy() for name, v in state.items()}


class Optimizer(Stateful):
    """The base of SGD and Adam: the parameters, the learning rate, the check of the gradients."""

    def __init__(self, params: Mapping[str, Array], lr: float) -> None:
        super().__init__(params)
        self.lr = check_positive("learning rate", lr)

    def step(self, grads: Mapping[str, Array]) -> None:
        """Update every parameter once.

        Raises:
            MinigenError: a gradient is missing, unknown or of another shape.
        """
        shapes = {name: array.shape for name, array in self.params.items()}
        given = {name: array.shape for name, array in grads.items()}
        if given != shapes:
            wrong = sorted(dict(given.items() ^ shapes.items()))
            raise MinigenError(
                f"gradients do not fit the parameters, at {', '.join(wrong)}; "
                "pass one array of the parameter's shape for every name in params"
            )
        self.t += 1
        self._update(grads)
        if self.t % SWEEP == 0:
            self._sweep()

    @abstractmethod
    def _update(self, grads: Mapping[str, Array]) -> None:
        """One step along these gradients, which fit the parameters."""

    def _sweep(self) -> None:
        """Put 0 for values that have faded below the least normal number, such as the means of a
        gradient that has ended: a processor computes with them many times more slowly.
        """
        for buffer in self.buffers.values():
            xp = array_module(buffer)
            buffer *= abs(buffer) >= xp.finfo(buffer.dtype).smallest_normal

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lr {self.lr:g}, {len(self.params)} arrays, step {self.t})"


class SGD(Optimizer):
    """v <- momentum * v + g;  p <- p - lr * v  (Sutskever et al. 2013, lr outside the velocity).

    Args:
        params: the arrays to update, by name.
        lr: learning rate, positive.
        momentum: in [0, 1).

    Raises:
        MinigenError: an argument is out of its range.
    """

    def __init__(self, params: Mapping[str, Array], lr: float, momentum: float = 0.0) -> None:
        super().__init__(params, lr)
        self.momentum = check_fraction("momentum", momentum)
        self.velocity = {name: _zeros_like(p) for name, p in params.items()}

    @property
    def buffers(self) -> Params:
        return prefixed("velocity", self.velocity)

    def _update(self, grads: Mapping[str, Array]) -> None:
        _sgd([self.params, self.velocity, grads], self.lr, self.momentum)


class Adam(Optimizer):
    """Adam: a step along the mean gradient, in units of its root mean square.

        m <- b1 m + (1 - b1) g                v <- b2 v + (1 - b2) g^2
        p <- p - lr * (m / c1) / (sqrt(v / c2) + eps),    c = 1 - b^t

    m and v begin at 0; dividing by c takes the weight of these zeros out (Kingma and Ba 2015,
    algorithm 1). eps stands outside the root.

    Args:
        params: the arrays to update, by name.
        lr: learning rate, positive.
        betas: (b1, b2), both in [0, 1).
        eps: at least 1e-30: less may be 0 in float32, and 0 / 0 where a gradient is 0.

    Raises:
        MinigenError: an argument is out of its range.
    """

    def __init__(
        self,
        params: Mapping[str, Array],
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        if len(betas) != 2:
            raise MinigenError(f"betas must be two numbers in [0, 1), got {betas}")
        self.betas = check_fraction("beta 1", betas[0]), check_fraction("beta 2", betas[1])
        self.eps = check_positive("eps", eps, LEAST_EPS)
        self.m = {name: _zeros_like(p) for name, p in params.items()}
        self.v = {name: _zeros_like(p) for name, p in params.items()}

    @property
    def buffers(self) -> Params:
        return {**prefixed("m", self.m), **prefixed("v", self.v)}

    def _update(self, grads: Mapping[str, Array]) -> None:
        b1, b2 = self.betas
        c1, c2 = 1 - b1**self.t, 1 - b2**self.t
        rate = self.lr / c1
        _adam([self.params, self.m, self.v, grads], 1 - b1, 1 - b2, rate, c2, self.eps)


class Average(Stateful):
    """The mean of where parameters have been, with weights that fade:

        a = (p_n + d p_(n-1) + d^2 p_(n-2) + ... + d^(n-1) p_1) / (1 + d + ... + d^(n-1))

    Where parameters circle around a point, as those of two players do, their mean is nearer to it
    (Polyak and Juditsky 1992; for GANs, Yazici et al. 2019).

    Args:
        params: the arrays p, by name; until the first update the mean equals them.
        decay: d in [0, 1): the mean reaches back over about 1 / (1 - d) steps; at 0 it is p_n.

    Raises:
        MinigenError: decay is out of its range.
    """

    def __init__(self, params: Mapping[str, Array], decay: float) -> None:
        super().__init__(params)
        self.decay = check_fraction("decay", decay)
        self.mean = {name: p.copy() for name, p in params.items()}

    def update(self) -> None:
        """Take in the parameters as they are now."""
        self.t += 1
        weight = (1 - self.decay) / (1 - self.decay**self.t)
        _average([self.mean, self.params], 1 - weight)

    @property
    def buffers(self) -> Params:
        return prefixed("mean", self.mean)

    def __repr__(self) -> str:
        return f"Average(decay {self.decay:g}, {len(self.mean)} arrays, step {self.t})"


@fused
def _average(xp: ModuleType, mean: Array, p: Array, keep: float) -> Array:
    mean -= p  # keep * mean + (1 - keep) * p would round both weights, and their sum is not 1
    mean *= keep
    mean += p
    return mean


@fused
def _sgd(
    xp: ModuleType, p: Array, velocity: Array, g: Array, lr: float, momentum: float
) -> tuple[Array, Array]:
    velocity *= momentum
    velocity += g
    p -= lr * velocity
    return p, velocity


@fused
def _adam(
    xp: ModuleType,
    p: Array,
    m: Array,
    v: Array,
    g: Array,
    w1: float,
    w2: float,
    rate: float,
    c2: float,
    eps: float,
) -> tuple[Array, Array, Array]:
    m += w1 * (g - m)
    v += w2 * (g * g - v)
    p -= rate * m / (xp.sqrt(v / c2) + eps)  # rate = lr / c1
    return p, m, v


def _zeros_like(array: Array) -> Array:
    return array_module(array).zeros_like(array)
