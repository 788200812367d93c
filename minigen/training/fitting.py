"""A run: a model in training, its data and its history. `fit` is all of it in one call."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from minigen.backend import computing, generator, select
from minigen.checks import check_whole
from minigen.data import Dataset, scaled
from minigen.data.dataset import check_dataset
from minigen.data.rows import Rows, as_rows
from minigen.errors import MinigenError
from minigen.training.autoencoder import AutoencoderOptions, AutoencoderTrainer
from minigen.training.gan import GANOptions, GANTrainer
from minigen.training.loop import EpochRecord, Means, Stream, train
from minigen.training.options import Options
from minigen.training.progress import progress_bar
from minigen.training.ranks import ALONE, Ranks
from minigen.training.trainer import Trainer
from minigen.training.vae import VAEOptions, VAETrainer

DECODED_AT_ONCE = 9_600  # rows; a multiple of 96, so that products round as in one piece

OPTIONS: dict[str, type[Options]] = {
    options.model: options for options in (AutoencoderOptions, VAEOptions, GANOptions)
}
TRAINERS: dict[type[Options], type[Trainer[Any, Any]]] = {
    AutoencoderOptions: AutoencoderTrainer,
    VAEOptions: VAETrainer,
    GANOptions: GANTrainer,
}


@dataclass(eq=False, repr=False)
class Run:
    """A model in training, the data that it learns from, and what was logged of it.

    Args:
        trainer: the model with its optimizers.
        history: a record for each epoch behind it.
        ranks: the processes that train it together: `meet` them.
    """

    trainer: Trainer[Any, Any]
    history: list[EpochRecord] = field(default_factory=list)
    ranks: Ranks = ALONE

    @property
    def options(self) -> Any:
        """The options, such as VAEOptions."""
        return self.trainer.options

    @property
    def dataset(self) -> Dataset:
        """The rows that it learns from, and those that are held back."""
        return self.trainer.dataset

    @property
    def model(self) -> Any:
        """The model, such as a VAE."""
        return self.trainer.model

    def __repr__(self) -> str:
        last = self.history[-1].test if self.history else {}
        losses = ", ".join(f"test {name} {mean:.2f}" for name, mean in last.items())
        return (
            f"Run({self.options.model} on {self.dataset.name}, "
            f"{len(self.history)} of {self.options.epochs} epochs{losses and ': '}{losses})"
        )

    def train(self, progress: bool = False) -> Iterator[EpochRecord]:
        """Train epoch by epoch, from where it stands up to `options.epochs`.

        Until the last, the process computes with `options.threads`.

        Args:
            progress: show a bar, where there is a terminal or a notebook.

        Raises:
            MinigenError: a loss is no longer finite; or ranks do not compute the same.
        """
        options, trainer, ranks = self.options, self.trainer, self.ranks
        hidden = not progress or ranks.rank > 0
        bar = progress_bar(options.epochs, "epoch", len(self.history), disable=hidden)

        def show(epoch: int, part: float, means: Means) -> None:
            bar.set_postfix({name: f"{mean:.2f}" for name, mean in means.items()}, refresh=False)
            bar.n = round(epoch - 1 + part, 2)
            bar.refresh()

        with bar, computing(options.threads):
            for record in train(
                trainer,
                self.dataset,
                epochs=options.epochs,
                batch_size=options.batch_size,
                seed=options.seed,
                done=len(self.history),
                xp=trainer.xp,
                ranks=ranks,
                schedule=trainer.schedule,
                progress=show,
            ):
                self.history.append(record)
                ranks.check_equal(f"after epoch {record.epoch}", trainer.live)
                bar.clear()
                yield record

    def meet(self, ranks: Ranks) -> None:
        """Train it together with these ranks from now on, of which each has called this.

        Raises:
            MinigenError: they do not have the same options, data, libraries and parameters, or
                there is not a row for each in a batch.
        """
        ranks.check(self._facts)  # before what may differ decides
        ranks.check_equal("to begin with", self.trainer.live)
        n = min(self.options.batch_size, len(self.dataset.train))
        if n < ranks.size:
            raise MinigenError(
                f"{ranks.size} ranks for batches of {n} rows, and each needs one; start fewer "
                "ranks, or take larger batches"
            )
        self.ranks = ranks

    def _facts(self) -> dict[str, object]:
        """All that must be the same on every rank."""
        libraries = {"NumPy": np.__version__, "chains by": self.trainer.chains}
        data = {"SHA-256 of the rows": self.dataset.fingerprint[:12]}
        return {**libraries, **asdict(self.options), **data, "epochs done": len(self.history)}

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw rows (count, D); an autoencoder, without a prior, draws from the Gaussian of its
        training codes.
        """
        rng = generator(np, check_whole("seed", seed, least=0), Stream.SAMPLES)
        codes = self.trainer.draw_codes(check_whole("count", count), rng)
        return _in_blocks(lambda block: self.trainer.draw(block, rng), codes, self.dataset.width)

    def encode(self, rows: Any) -> np.ndarray:
        """Compute codes (N, Z) of rows (N, D): integers as they were stored, to be scaled as the
        data were, or floats as the model has learnt.

        Raises:
            MinigenError: the model has no encoder; the rows are not as wide as its data; values
                are outside of [0, 1] where it has learnt pixels, or integers are where it has
                learnt unscaled values in [0, 1].
        """
        array, dataset = np.asarray(rows), self.dataset
        stored = array.dtype.kind in "iu"
        scale = 255 if dataset.pixels else dataset.reading.scale
        unscaled = stored and scale is None
        rows = as_rows(
            array.astype(np.float32) if unscaled else array, "rows", scale if stored else None
        )
        low, high = dataset.value_range
        if dataset.pixels or (unscaled and low >= 0 and high <= 1):
            _check_unit_interval(rows)
        if rows.shape[1] != dataset.width:
            raise MinigenError(
                f"expected rows of {dataset.width} values, got {rows.shape[1]}; give rows "
                "like those that the model has learnt"
            )
        n_latent = self.options.latent_dim
        return _in_blocks(lambda block: self.trainer.encode(scaled(block)), rows, n_latent)

    def reconstruct(self, rows: Any) -> np.ndarray:
        """Compute what comes back from the codes of rows: (N, D), as the model sees them.

        Raises:
            MinigenError: as for `encode`.
        """
        return self.decode(self.encode(rows))

    def walk(self, first: Any, last: Any, steps: int = 10) -> np.ndarray:
        """Walk straight from each code of `first` (N, Z) to that of `last`: rows (N, steps, D).

        Raises:
            MinigenError: they are not codes, or not as many; steps is no whole number above 1.
        """
        check_whole("steps", steps, least=2)
        first, last = (self._codes(codes)[:, None] for codes in (first, last))
        if first.shape != last.shape:
            raise MinigenError(
                f"a walk has two ends, got {len(first)} first and {len(last)} last codes"
            )
        part = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        walks = (1 - part) * first + part * last  # (N, steps, Z)
        rows = self.decode(walks.reshape(-1, self.options.latent_dim))
        return rows.reshape(-1, steps, self.dataset.width)

    def decode(self, codes: Any) -> np.ndarray:
        """Compute rows (N, D) of codes (N, Z).

        Raises:
            MinigenError: the codes are not (N, Z).
        """
        return _in_blocks(self.trainer.decode, self._codes(codes), self.dataset.width)

    def _codes(self, codes: Any) -> np.ndarray:
        """These codes as float32 (N, Z)."""
        try:
            array = np.asarray(codes, np.float32)
        except (TypeError, ValueError) as error:
            raise MinigenError(f"codes: not an array of numbers: {error}; give (N, Z)") from None
        n_latent = self.options.latent_dim
        if array.ndim != 2 or array.shape[1] != n_latent:
            one = "; one code is z[None]" if array.shape == (n_latent,) else ""
            raise MinigenError(f"expected codes of shape (N, {n_latent}), got {array.shape}{one}")
        return array


def _check_unit_interval(rows: Rows) -> None:
    """Refuse rows that are not as a model has learnt them, in [0, 1]; uint8 will be."""
    if rows.dtype != np.uint8 and not (rows.min() >= 0 and rows.max() <= 1):
        raise MinigenError(
            f"rows: values from {rows.min():g} to {rows.max():g}, where the model has learnt "
            "values from 0 to 1; divide them by their largest possible value"
        )


def _in_blocks(
    compute: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, width: int
) -> np.ndarray:
    """compute(rows), (M, width), a block of rows at a time: hidden layers are wider than rows."""
    made = np.empty((len(rows), width), np.float32)
    for start in range(0, len(rows), DECODED_AT_ONCE):
        block = slice(start, start + DECODED_AT_ONCE)
        made[block] = compute(rows[block])
    return made


def prepare(options: Options, dataset: Dataset, xp: ModuleType = np) -> Run:
    """Make a model that these options describe, ready to learn from these data.

    Raises:
        MinigenError: the options or the data are of no known kind, or the model cannot mean
            anything on these data, or does not fit in this machine's memory.
    """
    if type(options) not in TRAINERS:
        known = ", ".join(kind.__name__ for kind in TRAINERS)
        raise MinigenError(f"expected options of a model ({known}), got {options!r}")
    check_dataset(dataset)
    trainer = TRAINERS[type(options)](options, dataset, xp)
    trainer.start()
    return Run(trainer)


def fit(
    options: Options,
    dataset: Dataset,
    *,
    backend: str = "numpy",
    progress: bool = True,
    ranks: Ranks = ALONE,
) -> Run:
    """Train a model; nothing is written, and nothing printed but a progress bar.

        run = fit(VAEOptions(latent_dim=2, epochs=5), Dataset.of(x))

    Args:
        options: VAEOptions, GANOptions or AutoencoderOptions.
        dataset: what to learn from.
        backend: numpy, cupy, or auto, which takes CuPy if it works.
        progress: show a bar, where there is a terminal or a notebook.
        ranks: the processes that train together, each with the same options and data: `join()`.

    Raises:
        MinigenError: the data do not suit the model, a loss is no longer finite, the backend does
            not work, or ranks differ.
    """
    xp, _ = select(backend)
    run = prepare(options, dataset, xp)
    run.meet(ranks)
    for _ in run.train(progress):
        pass
    return run


def check_run(run: object) -> None:
    """Raise MinigenError unless this is a Run."""
    if not isinstance(run, Run):
        raise MinigenError(f"expected a Run, got {type(run).__name__}; make one by fit or load")
