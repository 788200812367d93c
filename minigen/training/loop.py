"""The training loop: batches, epochs, means, and the moment at which a loss is no longer finite.

    for record in train(learner, dataset, epochs=10, batch_size=128):
        print(record.epoch, record.train["loss"], record.test["loss"])

A learner knows how one batch is learnt from and tested; the loop knows nothing of models. What an
epoch draws is a function of (seed, epoch, rank) alone.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from types import ModuleType
from typing import Protocol

import numpy as np

from minigen.backend import Array, Generator, array_module, generator, to_numpy
from minigen.checks import check_whole
from minigen.data import Dataset, batches
from minigen.errors import MinigenError
from minigen.training.ranks import ALONE, Ranks, Share

TEST_BATCH = 1000
POLL_SECONDS = 0.1  # how often the losses are read: each reading waits for the device

Logged = dict[str, Array]  # what a step logs: values of each example (N,), by name
Means = dict[str, float]
EpochProgress = Callable[[int, float, Means], None]  # (epoch, part of it done, means so far)


class Stream(IntEnum):
    """One random stream for each use, so that no use shifts the draws of another.

    None is 0: NumPy's generator of (seed, 0) repeats that of the seed alone, as that of rank 0
    repeats that of a process alone.
    """

    PARAMETERS = 1
    SHUFFLE = 2
    TRAIN = 3
    TEST = 4
    FIGURES = 5
    EVALUATION = 6
    SAMPLES = 7
    ROWS = 8


class Learner(Protocol):
    """A model in training: how one batch x (N, D) is learnt from and tested."""

    def train_step(self, x: Array, rng: Generator, share: Share) -> Logged:
        """Update the parameters once, x being this share of a batch; return the values from before
        the update.
        """

    def test_step(self, x: Array, rng: Generator) -> Logged:
        """Return the same values, without an update."""


@dataclass(frozen=True)
class EpochRecord:
    """Means over the examples of an epoch: while learning, and afterwards on the test rows."""

    epoch: int
    train: Means
    test: Means


def train(
    learner: Learner,
    dataset: Dataset,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    done: int = 0,
    xp: ModuleType = np,
    ranks: Ranks = ALONE,
    schedule: Callable[[int], None] = lambda epoch: None,
    progress: EpochProgress = lambda epoch, done, means: None,
) -> Iterator[EpochRecord]:
    """Train, one epoch for each record drawn from this iterator.

    The rows are shuffled every epoch; the last batch of an epoch may be smaller.

    Args:
        learner: what to do with a batch.
        dataset: rows of any N >= 1.
        epochs: how many, counted from 1.
        batch_size: rows in a batch.
        seed: equal seeds on equal backends, and equal models of GPU, give equal records and
            parameters.
        done: how many of the epochs the learner has behind it; the first is done + 1.
        xp: where the rows go and the noise is drawn; the learner's parameters must live there too.
        ranks: who learn together; each gives and gets the same rows, and draws its own noise.
        schedule: called with each epoch before it begins; may change learning rates.
        progress: called now and then during an epoch.

    Raises:
        MinigenError: a value is no longer finite, names the epoch and the step; a number is no
            whole one.
    """
    check_whole("epochs", epochs, least=0)
    check_whole("batch_size", batch_size)
    check_whole("seed", seed, least=0)
    rows, test = xp.asarray(dataset.train), xp.asarray(dataset.test)
    for epoch in range(done + 1, epochs + 1):
        schedule(epoch)
        order = generator(np, seed, Stream.SHUFFLE, epoch)
        noise = generator(xp, seed, Stream.TRAIN, epoch, ranks.rank)
        where, show = f"at epoch {epoch} step", partial(progress, epoch)
        means = _epoch_means(learner.train_step, rows, batch_size, order, noise, ranks, where, show)
        yield EpochRecord(epoch, means, evaluate(learner, test, seed, ranks))


def evaluate(learner: Learner, rows: Array, seed: int = 0, ranks: Ranks = ALONE) -> Means:
    """Average what a learner logs over these rows, with the same noise at each call of a seed and
    a number of ranks.

    Raises:
        MinigenError: a value is not finite.
    """
    noise = generator(array_module(rows), seed, Stream.TEST, ranks.rank)
    where = "on the test rows, batch"

    def step(x: Array, rng: Generator, share: Share) -> Logged:
        return learner.test_step(x, rng)

    return _epoch_means(step, rows, TEST_BATCH, None, noise, ranks, where)


def _epoch_means(
    step: Callable[[Array, Generator, Share], Logged],
    rows: Array,
    batch_size: int,
    shuffle: np.random.Generator | None,
    rng: Generator,
    ranks: Ranks,
    where: str,
    progress: Callable[[float, Means], None] = lambda done, means: None,
) -> Means:
    """Take a step with each batch, and average what is logged over the rows."""
    xp = array_module(rows)
    n_steps = -(-len(rows) // batch_size)
    names: list[str] = []
    total = np.zeros(0)
    read = 0
    read_at = time.monotonic()
    with np.errstate(over="ignore", invalid="ignore"):  # then one error says all there is to say
        for i, x in enumerate(batches(rows, batch_size, shuffle, ranks.rank, ranks.size)):
            share = ranks.share(min(batch_size, len(rows) - i * batch_size))
            logged = step(x, rng, share)
            if i == 0:
                names = list(logged)
                sums = xp.zeros((n_steps, len(names)), dtype=np.float64)
                total = np.zeros(len(names))
            for column, values in enumerate(logged.values()):
                sums[i, column] = share.own(values).sum()
            if i + 1 == n_steps or ranks.first(time.monotonic() - read_at > POLL_SECONDS):
                unread = ranks.sum(to_numpy(sums[read : i + 1]))
                _check_finite(unread, names, where, read + 1)
                total += unread.sum(axis=0)
                read = i + 1
                seen = min(read * batch_size, len(rows))
                means = dict(zip(names, (total / seen).tolist(), strict=True))
                progress(read / n_steps, means)
                read_at = time.monotonic()
    return means


def _check_finite(sums: np.ndarray, names: list[str], where: str, first_step: int) -> None:
    finite = np.isfinite(sums)
    if not finite.all():
        step, column = np.argwhere(~finite)[0]
        raise MinigenError(
            f"{names[column]} is {sums[step, column]} {where} {first_step + step}; start another "
            "run with a lower learning rate (at its first step: with rescaled data or milder "
            "options)"
        )
