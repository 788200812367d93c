"""The training loop: batches, epochs, means, and the moment at which a loss is no longer finite.

    for record in train(task, dataset, epochs=10, batch_size=128):
        print(record.epoch, record.train["loss"], record.test["loss"])

A task knows how one batch is learnt from and judged; the loop knows nothing of models. What an
epoch draws is a function of (seed, epoch) alone.
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
from minigen.data import Dataset, scaled
from minigen.errors import MinigenError

EVALUATION_BATCH = 1000
POLL_SECONDS = 0.1  # how often the losses are read: each reading waits for the device

Terms = dict[str, Array]  # per-example values (N,), by name
Means = dict[str, float]
Progress = Callable[[int, float, Means], None]  # (epoch, part of it that is done, means so far)


class Stream(IntEnum):
    """One random stream for each use, so that no use shifts the draws of another.

    None is 0: NumPy's generator of (seed, 0) repeats that of the seed alone.
    """

    PARAMETERS = 1
    SHUFFLE = 2
    TRAIN = 3
    TEST = 4
    FIGURES = 5
    EVALUATION = 6
    SAMPLES = 7
    ROWS = 8


class Task(Protocol):
    """How one batch x (N, D) is learnt from and judged."""

    def learn(self, x: Array, rng: Generator) -> Terms:
        """Update the parameters once; the terms are those before the update."""

    def judge(self, x: Array, rng: Generator) -> Terms:
        """The same terms, without an update."""


@dataclass(frozen=True)
class EpochRecord:
    """Mean terms per example over an epoch: while learning, and afterwards on the test rows."""

    epoch: int
    train: Means
    test: Means


def train(
    task: Task,
    dataset: Dataset,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    done: int = 0,
    xp: ModuleType = np,
    schedule: Callable[[int], None] = lambda epoch: None,
    progress: Progress = lambda epoch, done, means: None,
) -> Iterator[EpochRecord]:
    """Learn, one epoch for each record drawn from this iterator.

    The rows are shuffled every epoch; the last batch of an epoch may be smaller.

    Args:
        task: what to do with a batch.
        dataset: rows of any N >= 1.
        epochs: how many, counted from 1.
        batch_size: rows in a batch.
        seed: equal seeds on equal backends, and equal models of GPU, give equal records and
            parameters.
        done: how many of the epochs the task has behind it; the first is done + 1.
        xp: where the rows go and the noise is drawn; the task's parameters must live there too.
        schedule: called with each epoch before it begins; may change learning rates.
        progress: called now and then during an epoch.

    Raises:
        MinigenError: a term is no longer finite; names the epoch and the step.
    """
    rows = xp.asarray(dataset.train)
    held_back = xp.asarray(dataset.test)
    for epoch in range(done + 1, epochs + 1):
        schedule(epoch)
        order = generator(np, seed, Stream.SHUFFLE, epoch).permutation(len(rows))
        learnt = _epoch_means(
            task.learn,
            rows,
            xp.asarray(order),
            batch_size,
            generator(xp, seed, Stream.TRAIN, epoch),
            f"at epoch {epoch} step",
            partial(progress, epoch),
        )
        yield EpochRecord(epoch, learnt, evaluate(task, held_back, seed))


def evaluate(task: Task, rows: Array, seed: int = 0) -> Means:
    """Mean terms over these rows, with the same noise at every call of the same seed.

    Raises:
        MinigenError: a term is not finite.
    """
    xp = array_module(rows)
    noise = generator(xp, seed, Stream.TEST)
    order = xp.arange(len(rows))
    return _epoch_means(task.judge, rows, order, EVALUATION_BATCH, noise, "on the test rows, batch")


def _epoch_means(
    visit: Callable[[Array, Generator], Terms],
    rows: Array,
    order: Array,
    batch_size: int,
    rng: Generator,
    where: str,
    progress: Callable[[float, Means], None] = lambda done, means: None,
) -> Means:
    """Visit the rows in this order, batch by batch, and average the terms over the rows."""
    xp = array_module(rows)
    starts = range(0, len(order), batch_size)
    total = np.zeros(0)
    read = 0
    read_at = time.monotonic()
    for step, start in enumerate(starts):
        x = scaled(rows.take(order[start : start + batch_size], axis=0))
        terms = visit(x, rng)
        if step == 0:
            names = list(terms)
            sums = xp.zeros((len(starts), len(names)), dtype=np.float64)
            total = np.zeros(len(names))
        for column, term in enumerate(terms.values()):
            sums[step, column] = term.sum()
        last = step + 1 == len(starts)
        if last or time.monotonic() - read_at > POLL_SECONDS:
            unread = to_numpy(sums[read : step + 1])
            _check_finite(unread, names, where, read + 1)
            total += unread.sum(axis=0)
            read = step + 1
            seen = min(read * batch_size, len(order))
            means = dict(zip(names, (total / seen).tolist(), strict=True))
            progress(read / len(starts), means)
            read_at = time.monotonic()
    return means


def _check_finite(sums: np.ndarray, names: list[str], where: str, first_step: int) -> None:
    finite = np.isfinite(sums)
    if not finite.all():
        step, column = np.argwhere(~finite)[0]
        raise MinigenError(
            f"{names[column]} is {sums[step, column]} {where} {first_step + step}; start another "
            "run with a lower --lr (at its first step: with rescaled data or milder options)"
        )
