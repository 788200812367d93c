"""A trainer: a model with its optimizers, and what one batch does to them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from minigen.backend import Array, Generator, generator
from minigen.chains import LARGE, compiler
from minigen.checks import check_memory
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.nn.module import Composite, Params, prefixed
from minigen.nn.optim import Optimizer, Stateful, copied
from minigen.training.loop import TEST_BATCH, Logged, Stream
from minigen.training.options import Options
from minigen.training.ranks import WHOLE, Share

OptionsT = TypeVar("OptionsT", bound=Options)
ModelT = TypeVar("ModelT", bound=Composite)


class Trainer(ABC, Generic[OptionsT, ModelT]):
    """A model in training, on rows of one width and on one backend.

    It draws no figure, prints nothing and knows no file.

    Args:
        options: of the model and its training.
        dataset: rows that the model learns from; only their width is read here.
        xp: where the parameters live.

    Raises:
        MinigenError: the model does not fit in this machine's memory.
    """

    title: ClassVar[str]
    samples_title: ClassVar[str]
    has_encoder: ClassVar[bool]  # rows have codes
    has_prior: ClassVar[bool]  # codes have a density to draw from, N(0, 1)

    def __init__(self, options: OptionsT, dataset: Dataset, xp: ModuleType = np) -> None:
        self.options, self.dataset, self.xp = options, dataset, xp
        self.width = dataset.width
        sizes = [pair for widths in self.networks.values() for pair in pairwise(widths)]
        n_parameters = sum((n_in + 1) * n_out for n_in, n_out in sizes)
        check_memory(
            f"a model of {n_parameters:,} parameters",
            16 * n_parameters,  # float32: each has a gradient and two moments beside it
            "use smaller layers",
        )
        model = self.build(generator(np, options.seed, Stream.PARAMETERS))
        self.model = model.with_params({k: xp.asarray(v) for k, v in model.params.items()})
        self.optimizers = self.make_optimizers()
        self.rates = {name: optimizer.lr for name, optimizer in self.optimizers.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"

    @property
    @abstractmethod
    def networks(self) -> Mapping[str, list[int]]:
        """The widths of each network, known before anything is allocated."""

    @property
    @abstractmethod
    def titles(self) -> Mapping[str, str]:
        """The values that are logged, and the title of each in figures."""

    @property
    @abstractmethod
    def units(self) -> str:
        """A line on what is logged, with its unit."""

    @property
    def references(self) -> Mapping[str, tuple[float, str]]:
        """By logged value, what theory knows of it, and the name of that."""
        return {}

    @abstractmethod
    def start(self) -> None:
        """Look at the data: take from them what the initial parameters depend on, if anything.

        Raises:
            MinigenError: the model cannot mean anything on these values.
        """

    @abstractmethod
    def build(self, rng: Generator) -> ModelT:
        """Build the model, drawn by a NumPy generator."""

    @abstractmethod
    def make_optimizers(self) -> Mapping[str, Optimizer]:
        """Make the optimizers of the parameters of `self.model`, by name."""

    @abstractmethod
    def train_step(self, x: Array, rng: Generator, share: Share = WHOLE) -> Logged:
        """Update the parameters once, x being this share of a batch; return the values from before
        the update.
        """

    @abstractmethod
    def test_step(self, x: Array, rng: Generator) -> Logged:
        """Return the same values, without an update."""

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Compute codes (N, Z) of rows (N, D) in float32.

        Raises:
            MinigenError: the model has no encoder.
        """
        raise MinigenError(f"a {self.options.model} has no encoder, so its rows have no codes")

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Compute rows (M, D) from codes (M, Z)."""

    def draw(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw rows (M, D) from codes (M, Z); `decode` gives their means."""
        return self.decode(codes)

    def draw_codes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw codes (count, Z) from the prior N(0, 1)."""
        return rng.standard_normal((count, self.options.latent_dim), dtype=np.float32)

    def field(self, points: np.ndarray) -> np.ndarray | None:
        """Compute what the model says of each of these points (..., D), if it says anything."""
        return None

    def schedule(self, epoch: int) -> None:
        """Set the learning rates of this epoch."""
        for name, optimizer in self.optimizers.items():
            optimizer.lr = self.rates[name] * self.options.rate_factor(epoch)

    @property
    def chains(self) -> str:
        """The compiler of elementwise chains, of optimizers and of losses, at the size of this
        training: numpy, numba with its version, or cupy.
        """
        if self.xp is not np:
            return self.xp.__name__
        parameters = (optimizer.params.values() for optimizer in self.optimizers.values())
        sizes = [sum(array.size for array in arrays) for arrays in parameters]
        large = max(*sizes, self.rows_at_once * self.width) >= LARGE
        return compiler() if large else "numpy"

    @property
    def rows_at_once(self) -> int:
        """The most rows of which a loss is computed together."""
        train, test = len(self.dataset.train), len(self.dataset.test)
        return max(min(train, self.options.batch_size), min(test, TEST_BATCH))

    @property
    def stateful(self) -> Mapping[str, Stateful]:
        """All that takes steps, by name."""
        return self.optimizers

    @property
    def live(self) -> Params:
        """All that the next step depends on, and changes: the parameters themselves, and what is
        live in all that takes steps.
        """
        parts = (prefixed(name, part.live) for name, part in self.stateful.items())
        return prefixed("model", self.model.params) | {k: v for p in parts for k, v in p.items()}

    @property
    def state(self) -> Params:
        """A copy of `live`, to `restore` later; to write or to compare it, nothing is copied."""
        return copied(self.live)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` was taken."""
        for name, array in self.model.params.items():
            array[...] = self.xp.asarray(state[f"model.{name}"])
        for name, part in self.stateful.items():
            part.restore({key: state[f"{name}.{key}"] for key in part.live})
