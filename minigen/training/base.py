"""What every system gives the commands: networks, a step, samples, figures, an evaluation."""

import math
from abc import ABC, abstractmethod
from argparse import ArgumentError, ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from minigen.backend import Array, Generator, generator
from minigen.data import Dataset, scaled
from minigen.metrics.bounds import Progress
from minigen.metrics.finding import Finding
from minigen.nn.layers import Composite, Params, prefixed
from minigen.nn.optim import Optimizer
from minigen.training.loop import EpochRecord, Stream, Terms
from minigen.training.schedule import check_rates
from minigen.workshop import cli
from minigen.workshop.film import Snapshot

N_IMAGES = 100  # samples, where rows are images
N_POINTS = 1000  # of data and of samples, where rows are points
N_FIELD = 60  # points on a side of the discriminator's field

Add = Callable[..., object]  # argparse's add_argument


class System(ABC):
    """A model as the commands run it.

    Args:
        options: what `add_options` describes, by name.
        width: D, the number of values in a row.
        image_shape: where a row is a grey image, its (height, width).
        seed: of the initial parameters and of the noise behind the figures.
        xp: where the parameters live.

    Raises:
        MinigenError: the model does not fit in this machine's memory; options contradict each
            other; a learning rate becomes too small or too large.
    """

    title: ClassVar[str]
    samples_title: ClassVar[str]
    samples_name: ClassVar[str] = "samples"  # where they are points
    epochs: ClassVar[int] = 10  # by default
    batch_size: ClassVar[int] = 128

    def __init__(
        self,
        options: Mapping[str, Any],
        width: int,
        image_shape: tuple[int, int] | None,
        seed: int,
        xp: ModuleType,
    ) -> None:
        self.options, self.width, self.image_shape, self.xp = options, width, image_shape, xp
        networks = self.networks(options, width)
        self.description = ", ".join(
            f"{name} {'-'.join(map(str, sizes))}" for name, sizes in networks.items()
        )
        self.n_parameters = sum(
            (n_in + 1) * n_out for sizes in networks.values() for n_in, n_out in pairwise(sizes)
        )
        cli.check_memory(
            f"a model of {self.n_parameters:,} parameters",
            16 * self.n_parameters,  # float32: each has a gradient and two moments beside it
            "use smaller layers",
        )
        module = self.build(generator(np, seed, Stream.PARAMETERS))
        self.module = module.with_params({k: xp.asarray(v) for k, v in module.params.items()})
        self.optimizers = self.make_optimizers()
        self.rates = {name: optimizer.lr for name, optimizer in self.optimizers.items()}
        check_rates(self.rates, options)
        self.noise: np.ndarray = generator(np, seed, Stream.FIGURES).standard_normal(
            (N_IMAGES if image_shape else N_POINTS, options["latent_dim"]), dtype=np.float32
        )

    @property
    def points(self) -> bool:
        """Whether rows are points on a line or in a plane."""
        return self.image_shape is None and self.width <= 2

    @property
    @abstractmethod
    def terms(self) -> str:
        """What is logged, and its unit."""

    @property
    @abstractmethod
    def titles(self) -> Mapping[str, str]:
        """The title of each term's panel in the curves."""

    @property
    def levels(self) -> Mapping[str, tuple[float, str]]:
        """By term, a value that theory knows, and its name."""
        return {}

    @staticmethod
    @abstractmethod
    def add_options(add: Add) -> None:
        """Declare the options of `train` for this system, by argparse's add_argument."""

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every option of this system with its default."""
        parser = ArgumentParser()
        cls.add_options(parser.add_argument)
        return vars(parser.parse_args([]))

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> None:
        """Raises LookupError or ValueError unless the command line could have given these."""
        parser = ArgumentParser(exit_on_error=False)
        cls.add_options(parser.add_argument)
        names = cls.defaults().keys()
        given = [cli.spelled(name, options[name]) for name in names if options[name] is not False]
        line = [option.removesuffix(" True").replace(" ", "=", 1) for option in given]
        try:
            read = vars(parser.parse_args(line))
        except ArgumentError as error:
            raise ValueError(f"{error}") from None
        if wrong := [name for name in names if read[name] != options[name]]:
            raise ValueError(f"{wrong[0]} is {options[wrong[0]]!r}")

    @staticmethod
    @abstractmethod
    def networks(options: Mapping[str, Any], width: int) -> dict[str, list[int]]:
        """The widths of each network, known before anything is allocated."""

    @abstractmethod
    def build(self, rng: Generator) -> Composite:
        """The model, drawn by a NumPy generator.

        Raises:
            MinigenError: options contradict each other.
        """

    @abstractmethod
    def make_optimizers(self) -> dict[str, Optimizer]:
        """The optimizers over the parameters of `self.module`, by name."""

    def start(self, dataset: Dataset) -> None:  # noqa: B027
        """Take from the data what the initial parameters depend on, if anything."""

    def schedule(self, epoch: int) -> None:
        """Set the learning rates of this epoch: multiplied by gamma at each milestone behind it."""
        passed = sum(milestone < epoch for milestone in self.options["milestones"])
        for name, optimizer in self.optimizers.items():
            optimizer.lr = self.rates[name] * self.options["gamma"] ** passed

    @abstractmethod
    def check_data(self, dataset: Dataset) -> None:
        """Raises MinigenError where this model cannot mean anything on these values."""

    @abstractmethod
    def learn(self, x: Array, rng: Generator) -> Terms:
        """Update the parameters once; the terms are those before the update."""

    @abstractmethod
    def judge(self, x: Array, rng: Generator) -> Terms:
        """The same terms, without an update."""

    @abstractmethod
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Rows (M, D) from codes (M, Z)."""

    @abstractmethod
    def evaluate(
        self, dataset: Dataset, settings: Mapping[str, Any], progress: Progress
    ) -> list[Finding]:
        """Judge the trained model; see `minigen.evaluate` for the settings."""

    @property
    def arrays(self) -> Params:
        """All that the next step depends on, for the checkpoint."""
        arrays = prefixed("model", self.module.params)
        for name, optimizer in self.optimizers.items():
            arrays |= prefixed(name, optimizer.state)
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take parameters and optimizer state from arrays named as in `arrays`."""
        for name, array in self.module.params.items():
            array[...] = self.xp.asarray(arrays[f"model.{name}"])
        for name, optimizer in self.optimizers.items():
            optimizer.restore({key: arrays[f"{name}.{key}"] for key in optimizer.state})

    def draw_codes(self, count: int, rng: np.random.Generator, dataset: Dataset) -> np.ndarray:
        """Codes (count, Z) from the prior N(0, 1)."""
        shape = (count, self.options["latent_dim"])
        return rng.standard_normal(shape, dtype=np.float32)

    def snapshot_codes(self, dataset: Dataset) -> np.ndarray:
        """The codes (M, Z) behind every snapshot."""
        return self.noise

    def snapshot(self, dataset: Dataset) -> Snapshot:
        """What the model makes of the same input at every call: "rows" (M, D), if they are images
        or points; others cannot be drawn.
        """
        if not (self.image_shape or self.points):
            return {}
        return {"rows": self.decode(self.snapshot_codes(dataset))}

    def draw(
        self,
        folder: Path,
        dataset: Dataset,
        records: Sequence[EpochRecord],
        snapshots: Mapping[int, Snapshot],
    ) -> None:
        """Draw all figures of a finished run, from its records and its snapshots by epoch."""
        from minigen.workshop import plots  # not above: matplotlib is slow to import

        plots.curves(
            folder / "curves.png",
            {term: [record.train[term] for record in records] for term in self.titles},
            {term: [record.test[term] for record in records] for term in self.titles},
            self.titles,
            self.levels,
        )
        if self.image_shape or self.points:
            self._draw_samples(folder, dataset, snapshots)
        self.draw_more(folder, dataset)

    def draw_more(self, folder: Path, dataset: Dataset) -> None:  # noqa: B027
        """Draw what not every system has to show, if anything."""

    def _draw_samples(
        self, folder: Path, dataset: Dataset, snapshots: Mapping[int, Snapshot]
    ) -> None:
        """The last snapshot, and the animation of all."""
        from minigen.workshop import plots

        if self.image_shape:
            pictures = (snapshot["rows"] for snapshot in snapshots.values())
            tiles = [self.mosaic(rows, self.columns(len(rows)), dataset) for rows in pictures]
            shape = tiles[-1].shape
            painters = [partial(plots.images, tiles=picture) for picture in tiles]
        else:
            shape = 4, 5
            scatter = partial(self.scatter(dataset), name=self.samples_name)
            painters = [
                partial(scatter, samples=snapshot["rows"], field=snapshot.get("field"))
                for snapshot in snapshots.values()
            ]
        moments = (f"after epoch {epoch}" if epoch else "before training" for epoch in snapshots)
        titled = [
            partial(paint, title=f"{self.samples_title}, {moment}")
            for paint, moment in zip(painters, moments, strict=True)
        ]
        plots.picture(folder / "samples.png", titled[-1], shape)
        plots.animation(folder / "training.gif", titled, shape)

    def scatter(self, dataset: Dataset) -> Callable[..., None]:
        """Painter of points beside test points; their `samples` and a `title` are still to come."""
        from minigen.workshop import plots

        data = scaled(dataset.test[:N_POINTS])
        return partial(plots.density, frame=self.frame(dataset), data=data)

    def frame(self, dataset: Dataset) -> np.ndarray:
        """The part of the line or plane that figures show: around all test points."""
        from minigen.workshop.plots import frame_around

        return frame_around(scaled(dataset.test), N_FIELD)

    def columns(self, count: int, group: int = 1) -> int:
        """Images on a line of a mosaic, about as wide as high: of `count` groups, each on one line,
        in a picture with room for a hundred images at least.
        """
        height, width = self.image_shape or (1, 1)
        side = math.sqrt(max(count * group, N_IMAGES) * height / width)
        return group * min(count, math.ceil(side / group))

    def mosaic(self, rows: np.ndarray, columns: int, dataset: Dataset) -> np.ndarray:
        """Rows (..., D) that are images, as one picture: black is 0 and white 1, or as far as the
        data reach beyond.
        """
        from minigen.workshop import plots

        low, high = scaled(np.stack([dataset.test.min(), dataset.test.max()]))
        black, white = min(0, low), max(1, high)
        images = (rows - black) / (white - black)
        return plots.mosaic(images.reshape(-1, *(self.image_shape or ())), columns)
