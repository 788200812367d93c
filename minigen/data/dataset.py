"""Dataset: rows to learn from and rows held back to judge, whatever their source."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from minigen.checks import check_whole
from minigen.data.mixture import Mixture
from minigen.data.rows import (
    Rows,
    as_labels,
    as_rows,
    check_finite,
    check_image_shape,
    image_shape_of,
    notes_on,
    scaled,
)
from minigen.errors import MinigenError

MOST_TEST_ROWS = 10_000


@dataclass(frozen=True, eq=False, repr=False)  # arrays do not compare to one bool
class Dataset:
    """Rows to learn from, and rows held back to judge. `Dataset.of` makes one of your own arrays.

    Args:
        name: what to call it in a log line, e.g. `mnist` or the path that was read.
        train: (N, D), finite. uint8 means pixels 0..255, to be divided by 255 batch by batch;
            float32 means values that are used as they are.
        test: (M, D), the same dtype.
        image_shape: (height, width) with height * width = D, where a row is a grey image.
        train_labels: (N,) int64, where the source has labels. Used to colour figures only.
        test_labels: (M,) int64.
        mixture: the density that the rows were drawn from, where it is known.
        notes: what was done to the data on the way in, a clause each, for the log.

    Raises:
        MinigenError: the arrays are not such rows.
    """

    name: str
    train: Rows
    test: Rows
    image_shape: tuple[int, int] | None = None
    train_labels: NDArray[np.int64] | None = None
    test_labels: NDArray[np.int64] | None = None
    mixture: Mixture | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for split, rows in {"train": self.train, "test": self.test}.items():
            where = f"{self.name}: {split}"
            fits = isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.size > 0
            if not fits or rows.dtype not in (np.uint8, np.float32):
                found = getattr(rows, "dtype", type(rows).__name__), getattr(rows, "shape", "")
                raise MinigenError(
                    f"{where}: expected rows (N, D) of uint8 or float32, at least one, got "
                    f"{found[0]} {found[1]}; Dataset.of(train, test) converts and checks them"
                )
            if rows.dtype == np.float32:
                check_finite(rows, where)
        if (self.train.dtype, self.width) != (self.test.dtype, self.test.shape[1]):
            raise self._unlike(self.name, self.train, self.test)
        if self.image_shape is not None:
            check_image_shape(self.name, self.image_shape, self.width)

    def __repr__(self) -> str:
        shape = "images of {}x{}".format(*self.image_shape) if self.image_shape else "rows"
        return (
            f"Dataset({self.name}: {len(self.train):,} {shape} to learn from, "
            f"{len(self.test):,} to test, {self.width} values each, {self.train.dtype})"
        )

    @property
    def width(self) -> int:
        """D, the number of values in one row."""
        return int(self.train.shape[1])

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """The least and the largest test value, as models see them."""
        low, high = scaled(np.stack([self.test.min(), self.test.max()]))
        return float(low), float(high)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all rows, their shapes and dtype: equal for equal data sets."""
        digest = hashlib.sha256()
        for rows in (self.train, self.test):
            digest.update(f"{rows.dtype.str} {rows.shape}".encode())
            digest.update(np.ascontiguousarray(rows).data)
        return digest.hexdigest()

    @classmethod
    def of(
        cls,
        train: Any,
        test: Any = None,
        *,
        image_shape: tuple[int, int] | None = None,
        labels: Any = None,
        test_labels: Any = None,
        name: str = "rows",
        seed: int = 0,
    ) -> Self:
        """Check and copy your own arrays; without test rows, a tenth is held back.

        Args:
            train: (N, D), (N, height, width) or (N, height, width, 1): bool, integers or floats.
                uint8 means pixels 0..255; other values are used as they are, in float32.
            test: the same for M rows.
            image_shape: (height, width), where rows are images and their shape does not say so.
            labels: (N,), a whole number for each row of train, to colour figures.
            test_labels: (M,).
            name: what to call the data.
            seed: chooses the rows that are held back.

        Raises:
            MinigenError: the arrays cannot be used; says which, and where.
        """
        train, labels = _copied(train, name), _copied(labels, name)
        if test is None:
            return cls.hold_back(name, train, seed, labels, image_shape)
        test, test_labels = _copied(test, name), _copied(test_labels, name)
        return cls.from_splits(name, train, test, labels, test_labels, image_shape=image_shape)

    @classmethod
    def from_splits(
        cls,
        name: str,
        train: NDArray[Any],
        test: NDArray[Any],
        train_labels: NDArray[Any] | None = None,
        test_labels: NDArray[Any] | None = None,
        *,
        image_shape: tuple[int, int] | None = None,
    ) -> Self:
        """Make one of two arrays as in `as_rows`, and whole numbers, one for each row.

        Raises:
            MinigenError: an array cannot be used, or two of them do not fit together.
        """
        train_rows, test_rows = as_rows(train, f"{name}: train"), as_rows(test, f"{name}: test")
        shape = image_shape_of(train.shape, train_rows)
        alike = (
            train_rows.dtype == test_rows.dtype
            and train_rows.shape[1] == test_rows.shape[1]
            and shape == image_shape_of(test.shape, train_rows)
        )
        if not alike:
            raise cls._unlike(name, train, test)
        return cls(
            name,
            train_rows,
            test_rows,
            image_shape or shape,
            as_labels(train_labels, len(train), f"{name}: train_labels"),
            as_labels(test_labels, len(test), f"{name}: test_labels"),
            notes=tuple(dict.fromkeys(notes_on(train) + notes_on(test))),  # each once, in order
        )

    @classmethod
    def hold_back(
        cls,
        name: str,
        array: NDArray[Any],
        seed: int,
        labels: NDArray[Any] | None = None,
        image_shape: tuple[int, int] | None = None,
    ) -> Self:
        """Make one of an array as in `as_rows`: a tenth of its rows, 1 to 10,000, is for test.

        `seed` chooses them. The array is handed over: its rows are rearranged in place, because
        there may be no room for them twice. Of a read-only array the last rows are for test.

        Raises:
            MinigenError: the array cannot be used, or has a single row.
        """
        rows = as_rows(array, name)
        all_labels = as_labels(labels, len(rows), f"{name}: labels")
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
        train, test = _split(rows, n_test, order)
        train_labels, test_labels = (
            (None, None) if all_labels is None else _split(all_labels, n_test, order)
        )
        shape = image_shape or image_shape_of(array.shape, rows)
        notes = (*notes_on(array), note)
        return cls(name, train, test, shape, train_labels, test_labels, notes=notes)

    def require_unit_interval(self) -> None:
        """Raise MinigenError unless every value is in [0, 1], as a Bernoulli likelihood asks.

        uint8 always passes: it is divided by 255 on the way to the model.
        """
        if self.train.dtype == np.uint8:
            return
        low = min(self.train.min(), self.test.min())
        high = max(self.train.max(), self.test.max())
        if low < 0 or high > 1:
            if self.mixture is not None:
                remedy = "a toy density is for gan, and for ae on squared error"
            elif low >= 0 and 127 < high <= 255:
                remedy = "divide them by 255 or save them as uint8"
            else:
                remedy = "rescale them to 0..1"
            raise MinigenError(
                f"{self.name}: values from {low!s} to {high!s}, not 0 to 1; {remedy}"
            )

    @staticmethod
    def _unlike(name: str, train: NDArray[Any], test: NDArray[Any]) -> MinigenError:
        return MinigenError(
            f"{name}: train is {train.dtype} {train.shape}, test is {test.dtype} {test.shape}; "
            "save both with rows of the same shape and dtype"
        )


def _copied(array: Any, name: str) -> Any:
    """A NumPy array of one's own with this content, if there is any."""
    if array is None:
        return None
    try:
        return np.array(array.get() if hasattr(array, "__cuda_array_interface__") else array)
    except ValueError as error:
        raise MinigenError(f"{name}: not an array of numbers: {error}; give (N, D)") from None


def _split(
    array: NDArray[Any], n_test: int, order: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """All but n_test rows, and these: the first ones of an order, or the last of the array."""
    kept = len(array) - n_test
    if order is None:
        return array[:kept], array[kept:].copy()
    test_places, train_places = order[:n_test], order[n_test:]
    test = array[test_places]
    array[test_places[test_places < kept]] = array[train_places[train_places >= kept]]  # fill gaps
    return array[:kept], test
