"""Splits: rows to learn from and rows to test, looked at together or made of one array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigen.checks import check_whole
from minigen.errors import MinigenError

MOST_TEST_ROWS = 10_000
ROUNDING = 1e-5  # of the largest value; float32 rounds by 1e-7 of it, a scaler a few times more

Splits = dict[str, NDArray[Any]]  # by "train" and "test"


def value_range(splits: Splits) -> tuple[float, float]:
    """The least and the largest value of all, as models see them; of pixels, 0 and 1."""
    parts = splits.values()
    if all(part.dtype == np.uint8 for part in parts):
        return 0.0, 1.0
    return float(min(part.min() for part in parts)), float(max(part.max() for part in parts))


def rounded(rows: Splits) -> tuple[Splits, list[str]]:
    """The rows, clipped to [0, 1] where they leave it by rounding alone; and a note of it."""
    low, high = value_range(rows)
    if (low >= 0 and high <= 1) or low < -ROUNDING * high or high > 1 + ROUNDING:
        return rows, []
    outside = max(-low, high - 1)
    note = f"values up to {outside:.1g} outside 0 to 1 are clipped, as rounding"
    return {split: np.clip(part, 0, 1) for split, part in rows.items()}, [note]


def held_back(
    name: str, rows: NDArray[Any], labels: NDArray[Any] | None, seed: int
) -> tuple[Splits, dict[str, Any], str]:
    """A tenth of these rows as test and the others as train, their labels, and a note of it."""
    n = len(rows)
    if n == 1:
        raise MinigenError(f"{name}: has 1 row; give at least 2, one to train and one to test")
    n_test = min(max(1, n // 10), MOST_TEST_ROWS)
    if rows.flags.writeable:
        order = np.random.default_rng(check_whole("seed", seed, least=0)).permutation(n)
        note = f"{n_test} of {n} rows are held back as test, chosen by seed {seed}"
    else:
        order = None
        note = (
            f"the last {n_test} of {n} rows are held back as test, because the file is too "
            "large to shuffle; shuffle it before, if its order means something"
        )
    labels_of = (
        dict.fromkeys(["train", "test"]) if labels is None else _split(labels, n_test, order)
    )
    return _split(rows, n_test, order), labels_of, note


def _split(array: NDArray[Any], n_test: int, order: NDArray[Any] | None) -> Splits:
    """All but n_test rows, and these: the first ones of an order, or the last of the array."""
    kept = len(array) - n_test
    if order is None:
        return {"train": array[:kept], "test": array[kept:].copy()}
    test_places, train_places = order[:n_test], order[n_test:]
    test = array[test_places]
    array[test_places[test_places < kept]] = array[train_places[train_places >= kept]]  # fill gaps
    return {"train": array[:kept], "test": test}
