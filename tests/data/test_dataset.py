"""Dataset: the one entrance for rows of one's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.data import Dataset, batches, scaled
from minigen.errors import MinigenError

RNG = np.random.default_rng(0)
ROWS = RNG.random((50, 6))


@pytest.mark.parametrize("what", [None, "rows.npy", Path("rows")])
def test_of_takes_no_file(what: Any) -> None:
    with pytest.raises(MinigenError, match=r"got .*; a file .* by minigen\.load_data"):
        Dataset.of(what)


def test_a_tenth_is_held_back_and_nothing_is_lost() -> None:
    data = Dataset.of(ROWS, seed=1)
    assert (data.train.shape, data.test.shape) == ((45, 6), (5, 6))
    together = np.concatenate([data.train, data.test])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(ROWS.astype("f4"), axis=0))
    assert "5 of 50 rows are held back as test, chosen by seed 1" in data.notes
    assert not np.array_equal(data.test, Dataset.of(ROWS, seed=2).test)


def test_the_callers_array_is_copied() -> None:
    rows = ROWS.astype("f4")
    before = rows.copy()
    data = Dataset.of(rows, rows[:5])
    data.train[...] = 7
    np.testing.assert_array_equal(rows, before)
    Dataset.of(rows)
    np.testing.assert_array_equal(rows, before)


def test_labels_go_with_their_rows() -> None:
    rows = np.arange(40, dtype=np.float32)[:, None]
    data = Dataset.of(rows, labels=np.arange(40))
    for part, labels in ((data.train, data.train_labels), (data.test, data.test_labels)):
        np.testing.assert_array_equal(part[:, 0], labels)


def test_an_image_shape_is_given_or_taken_from_the_array() -> None:
    assert Dataset.of(ROWS, shape=(2, 3)).image_shape == (2, 3)
    assert Dataset.of(RNG.random((9, 4, 5))).image_shape == (4, 5)
    assert Dataset.of(ROWS, ROWS, shape=(3, 2)).image_shape == (3, 2)
    with pytest.raises(MinigenError, match=r"images of shape \(2, 2\) do not fit rows of 6"):
        Dataset.of(ROWS, shape=(2, 2))


def test_lists_and_every_dtype_come_in() -> None:
    assert Dataset.of(ROWS.tolist()).train.dtype == np.float32
    assert Dataset.of((ROWS * 255).astype(np.uint8)).train.dtype == np.uint8
    assert Dataset.of(ROWS > 0.5).train.max() == 1


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (ROWS.astype("f4"), ROWS[:0].astype("f4"), r"x: test: expected rows .* got float32 \(0, 6"),
        (ROWS, ROWS, r"x: train: expected rows .* got float64 \(50, 6\); Dataset\.of"),
        ([[1.0]], ROWS, r"x: train: expected rows .* got list"),
        (ROWS[0].astype("f4"), ROWS, r"x: train: .* got float32 \(6,\)"),
        (ROWS.astype("f4"), ROWS[:, :3].astype("f4"), r"train is float32 \(50, 6\), test is"),
        (np.full((3, 2), np.nan, "f4"), ROWS, r"x: train: NaN, .* row 0, column 0"),
    ],
)
def test_the_constructor_refuses_what_is_no_rows(train: Any, test: Any, message: str) -> None:
    with pytest.raises(MinigenError, match=message):
        Dataset("x", train, test)


def test_of_refuses_with_the_place() -> None:
    with pytest.raises(MinigenError, match="rows: has 1 row"):
        Dataset.of(ROWS[:1])
    with pytest.raises(MinigenError, match="rows: not an array of numbers"):
        Dataset.of([[1.0, 2.0], [3.0]])
    with pytest.raises(MinigenError, match="rows: holds str"):
        Dataset.of(np.array([["a"]]))
    with pytest.raises(MinigenError, match=r"has shape \(6,\), .*; one row is x\[None\], one col"):
        Dataset.of(ROWS[0])
    with pytest.raises(MinigenError, match=r"test is .*; give both with rows of the same shape"):
        Dataset.of(ROWS, ROWS[:, :3])
    with pytest.raises(MinigenError, match="seed must be a whole number of at least 0, got -1"):
        Dataset.of(ROWS, seed=-1)


def test_batches_walk_all_rows_once() -> None:
    rows = np.arange(20, dtype=np.uint8).reshape(10, 2)
    plain = list(batches(rows, 4))
    assert [len(x) for x in plain] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(plain), scaled(rows))
    shuffled = np.concatenate(list(batches(rows, 4, np.random.default_rng(0))))
    assert not np.array_equal(shuffled, scaled(rows))
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), scaled(rows))


@pytest.mark.parametrize("size", [0, -1, 2.5, "8"])
def test_batches_refuse_other_sizes(size: Any) -> None:
    with pytest.raises(MinigenError, match="batch_size must be a whole number of at least 1"):
        batches(ROWS, size)


def test_repr_says_what_it_is() -> None:
    assert repr(Dataset.of(ROWS)) == (
        "Dataset(rows: 45 rows to learn from, 5 to test, 6 values each, float32)"
    )
    assert "images of 4x5" in repr(Dataset.of(RNG.random((9, 4, 5))))
