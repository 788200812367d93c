"""The loop: every row once an epoch, means over rows, draws that depend on seed and epoch alone."""

from typing import Any

import numpy as np
import pytest

from minigen.backend import generator
from minigen.data import Dataset
from minigen.errors import MinigenError
from minigen.training.loop import Stream, evaluate, train


class Recorder:
    """A task that learns nothing and remembers what it was given."""

    def __init__(self, fail_at: int = 0) -> None:
        self.seen: list[np.ndarray] = []
        self.noise: list[float] = []
        self.fail_at = fail_at

    def train_step(self, x: Any, rng: Any, share: Any = None) -> dict[str, Any]:
        self.seen.append(x)
        self.noise.append(rng.random())
        first = x[:, 0].copy()
        if len(self.seen) == self.fail_at:
            first[0] = np.nan
        return {"first": first, "ones": np.ones(len(x))}

    test_step = train_step


def rows(n: int = 10) -> Dataset:
    data = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return Dataset("rows", data, data[:3])


def run(
    task: Recorder, dataset: Dataset, epochs: int = 1, batch_size: int = 4, seed: int = 0
) -> Any:
    return list(train(task, dataset, epochs=epochs, batch_size=batch_size, seed=seed))


@pytest.mark.fault("last batch")
def test_every_row_is_seen_once_an_epoch_in_another_order() -> None:
    task = Recorder()
    run(task, rows(), epochs=2)
    sizes = [len(x) for x in task.seen]
    assert sizes == [4, 4, 2, 3, 4, 4, 2, 3]  # the last batch is smaller; then the test rows
    first, second = (np.vstack(task.seen[i : i + 3])[:, 0].tolist() for i in (0, 4))
    assert sorted(first) == sorted(second) == rows().train[:, 0].tolist()
    assert first != second


@pytest.mark.fault("last batch")
@pytest.mark.parametrize("seed", range(3))
def test_means_are_over_rows_not_over_batches(seed: int) -> None:
    (record,) = run(Recorder(), rows(), batch_size=3, seed=seed)  # the last batch has one row
    assert record.epoch == 1
    assert record.train == {"first": pytest.approx(9.0), "ones": 1.0}
    assert record.test == {"first": pytest.approx(2.0), "ones": 1.0}


def test_draws_depend_on_seed_and_epoch_alone() -> None:
    def noise(seed: int) -> list[float]:
        task = Recorder()
        run(task, rows(), epochs=2, seed=seed)
        return task.noise

    assert noise(1) == noise(1)
    assert not set(noise(1)) & set(noise(2))
    learnt = noise(1)
    assert learnt[0] != learnt[4]  # two epochs differ
    assert learnt[3] == learnt[7]  # the test rows get the same noise each time


def test_judging_in_the_middle_changes_nothing() -> None:
    def learnt(judge: bool) -> list[float]:
        task, dataset, noise = Recorder(), rows(), []
        for _ in train(task, dataset, epochs=3, batch_size=4):
            noise += task.noise
            if judge:
                evaluate(task, dataset.test, seed=9)
            task.noise = []
        return noise

    assert learnt(judge=True) == learnt(judge=False)


@pytest.mark.fault("batch above the data")
def test_a_batch_size_above_the_rows_gives_one_batch() -> None:
    task = Recorder()
    run(task, rows(), batch_size=100)
    assert [len(x) for x in task.seen] == [10, 3]


@pytest.mark.fault("NaN loss")
def test_nan_stops_with_epoch_step_and_term() -> None:
    with pytest.raises(
        MinigenError,
        match="first is nan at epoch 2 step 3; start another run with a lower learning rate",
    ):
        run(Recorder(fail_at=7), rows(), epochs=2)


@pytest.mark.fault("NaN loss")
def test_nan_on_the_test_rows_stops_too() -> None:
    with pytest.raises(MinigenError, match="first is nan on the test rows, batch 1"):
        run(Recorder(fail_at=4), rows())


def test_progress_ends_at_the_whole_epoch_with_its_means() -> None:
    calls: list[Any] = []
    records = train(
        Recorder(), rows(), epochs=2, batch_size=4, progress=lambda *call: calls.append(call)
    )
    for record in records:
        assert calls[-1] == (record.epoch, 1.0, record.train)


def test_every_use_has_a_stream_of_its_own() -> None:
    streams = Stream.__members__.values()
    assert len({generator(np, 0, stream).random() for stream in streams}) == len(streams)


def test_the_schedule_is_told_each_epoch_before_its_first_step() -> None:
    task, told = Recorder(), []

    def schedule(epoch: int) -> None:
        told.append((epoch, len(task.seen)))

    records = train(task, rows(), epochs=4, batch_size=4, done=1, schedule=schedule)
    assert [record.epoch for record in records] == [2, 3, 4]
    assert told == [(2, 0), (3, 4), (4, 8)]  # three steps and one batch of test rows an epoch
