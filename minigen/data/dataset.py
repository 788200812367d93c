"""Dataset: rows to learn from and rows held back to judge, whatever their source."""

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from minigen.checks import check_whole
from minigen.data.mixture import Mixture
from minigen.data.reading import AS_STORED, Reading, spelled
from minigen.data.rows import (
    BRIGHT,
    Rows,
    Shape,
    as_labels,
    as_rows,
    batches,
    check_finite,
    check_image_shape,
    check_pixels,
    stored_shape,
)
from minigen.data.splits import Splits, held_back, rounded, value_range
from minigen.errors import MinigenError

SMALLEST, LARGEST = 0.1, 5.0  # of the largest value; of the root mean square of all


@dataclass(frozen=True, eq=False, repr=False)  # arrays do not compare to one bool
class Dataset:
    """Rows to learn from, and rows held back to judge. `Dataset.of` makes one of your own arrays.

    Args:
        name: what to call it in a log line, e.g. `mnist` or the path that was read.
        train: (N, D), finite. uint8 means pixels 0..255, to be divided by 255 batch by batch;
            float32 means values that are used as they are.
        test: (M, D), the same dtype.
        image_shape: (height, width) or (height, width, 3), where a row is an image.
        train_labels: (N,) int64, where the source has labels. Used to colour figures only.
        test_labels: (M,) int64.
        mixture: the density that the rows were drawn from, where it is known.
        notes: what was done to the data on the way in, a clause each, for the log.
        reading: how they were made of what is stored.
        seed: chose the test rows, or drew them all.

    Raises:
        MinigenError: the arrays are not such rows, or uint8 that need not be pixels.
    """

    name: str
    train: Rows
    test: Rows
    image_shape: Shape | None = None
    train_labels: NDArray[np.int64] | None = None
    test_labels: NDArray[np.int64] | None = None
    mixture: Mixture | None = None
    notes: tuple[str, ...] = ()
    reading: Reading = AS_STORED
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.name}")  # of a Path, for checkpoints
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
        if self.reading.scale is None:
            check_pixels(self.name, self.train, self.test)
        if self.image_shape is not None:
            check_image_shape(self.name, self.image_shape, self.width)
        object.__setattr__(self, "seed", check_whole("seed", self.seed, least=0))

    def __repr__(self) -> str:
        shape = f"images of {spelled(self.image_shape)}" if self.image_shape else "rows"
        return (
            f"Dataset({self.name}: {len(self.train):,} {shape} to learn from, "
            f"{len(self.test):,} to test, {self.width} values each, {self.train.dtype})"
        )

    @property
    def width(self) -> int:
        """D, the number of values in one row."""
        return int(self.train.shape[1])

    @property
    def pixels(self) -> bool:
        """Whether the rows are uint8, to be divided by 255."""
        return self.train.dtype == np.uint8

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """The least and the largest value, as models see them; of pixels, 0 and 1."""
        return value_range({"train": self.train, "test": self.test})

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
        scale: float | None = None,
        shape: Any = None,
        labels: Any = None,
        test_labels: Any = None,
        name: str = "rows",
        seed: int = 0,
    ) -> Self:
        """Check and copy your own arrays; without test rows, a tenth is held back.

        Args:
            train: (N, D), (N, height, width), or images with a channel or three, last or first:
                bool, integers or floats. uint8 means pixels 0..255; other values are used as they
                are, in float32.
            test: the same for M rows.
            scale: values are divided by it instead.
            shape: (height, width) or (height, width, 3), where rows are images and arrays do not
                say so; "table" where they look like images and are none.
            labels: (N,), a whole number for each row of train, to colour figures.
            test_labels: (M,).
            name: what to call the data.
            seed: chooses the rows that are held back.

        Raises:
            MinigenError: the arrays cannot be used; says which, and where.
        """
        if train is None or isinstance(train, str | os.PathLike):
            raise MinigenError(
                f"{name}: expected an array, got {train!r}; a file or a folder is read by "
                "minigen.load_data(path)"
            )
        arrays = (_copied(array, name) for array in (train, test, labels, test_labels))
        return cls.from_arrays(name, *arrays, reading=Reading(scale, shape), seed=seed)

    @classmethod
    def from_arrays(
        cls,
        name: str,
        train: NDArray[Any],
        test: NDArray[Any] | None = None,
        train_labels: NDArray[Any] | None = None,
        test_labels: NDArray[Any] | None = None,
        *,
        reading: Reading,
        seed: int = 0,
        notes: Sequence[str] = (),
    ) -> Self:
        """Make one of arrays as in `of`. Without test rows, a tenth of train, 1 to 10,000, is.

        `seed` chooses them. Then the array is handed over: its rows are rearranged in place,
        because there may be no room for them twice. Of a read-only array the last rows are for
        test.

        Raises:
            MinigenError: an array cannot be used, two of them do not fit together, or there is a
                single row.
        """
        arrays = {"train": train} if test is None else {"train": train, "test": test}
        where = {split: name if test is None else f"{name}: {split}" for split in arrays}
        rows: Splits = {k: as_rows(array, where[k], reading.scale) for k, array in arrays.items()}
        shapes = {shape for array in arrays.values() if (shape := stored_shape(array))}
        kinds = {(part.dtype, part.shape[1]) for part in rows.values()}
        if test is not None and max(len(shapes), len(kinds)) > 1:
            raise cls._unlike(name, train, test)
        said = [*notes, *(note for array in arrays.values() for note in reading.notes(array))]
        labels: dict[str, Any] = {}
        lost = []
        for split, given in {"train": train_labels, "test": test_labels}.items():
            n = len(arrays.get(split, ()))
            labels[split], without = as_labels(given, n, f"{name}: {split}_labels")
            lost += without
        if test is None:
            rows, labels, held = held_back(name, rows["train"], labels["train"], seed)
            said.append(held)
        rows, clipped = rounded(rows)
        low, high = value_range(rows)
        shape, drawn = reading.image_shape(
            name, next(iter(shapes), None), rows["train"].shape[1], low >= 0 and high <= 1
        )
        return cls(
            name,
            rows["train"],
            rows["test"],
            shape,
            labels["train"],
            labels["test"],
            notes=tuple(dict.fromkeys([*said, *clipped, *drawn, *lost])),  # each once, in order
            reading=reading,
            seed=seed,
        )

    def require_unit_interval(self) -> None:
        """Raise MinigenError unless every value is in [0, 1], as a Bernoulli likelihood asks."""
        low, high = self.value_range
        if low >= 0 and high <= 1:
            return
        found = f"{self.name}: values from {low:.9g} to {high:.9g}, not 0 to 1"
        if self.mixture is not None:
            raise MinigenError(
                f"{found}; a toy density is for gan, for ae on squared error, and for "
                "likelihood=gaussian in a vae"
            )
        places = []
        for split, rows in {"train": self.train, "test": self.test}.items():
            outside = (rows < 0) | (rows > 1)
            if n := np.count_nonzero(outside.any(axis=1)):
                row, column = divmod(int(outside.argmax()), self.width)
                first = f"{rows[row, column]!s} in row {row}, column {column}"
                places.append(f"in {n} of {len(rows)} {split} rows, first {first}")
        raise MinigenError(
            f"{found}, {' and '.join(places)} (counted from 0); {self._remedy(low, high)}; "
            "or take what is for any values: likelihood=gaussian in a vae, ae with squared error"
        )

    def require_size_near_one(self) -> None:
        """Raise MinigenError where values are far larger or smaller than a network's first ones."""
        low, high = self.value_range
        largest = max(-low, high)
        blocks = () if self.pixels else batches(self.train, 250)
        total = sum(float(np.square(x, dtype=np.float64).sum()) for x in blocks)
        size = math.sqrt(total / self.train.size)
        if largest == 0 or (largest >= SMALLEST and size <= LARGEST):
            return
        unit = self.reading.scale or 1
        scale = f"{unit * high:.9g}" if low >= 0 else f"{unit * size:.3g}"
        raise MinigenError(
            f"{self.name}: values from {low:g} to {high:g}, where networks begin with values near "
            f"1; scale={scale} brings them there, if columns are of one size"
        )

    def _remedy(self, low: float, high: float) -> str:
        """How these values come into [0, 1]."""
        if low < 0:
            return f"(x {-low:+.9g}) / {high - low or 1:.9g} brings them there"
        whole = not any((rows % 1).any() for rows in (self.train, self.test))
        pixels = (
            "scale=255 if they are pixels 0..255, else " if whole and BRIGHT < high < 255 else ""
        )
        return f"{pixels}scale={high * (self.reading.scale or 1):.9g} brings them there"

    @staticmethod
    def _unlike(name: str, train: NDArray[Any], test: NDArray[Any]) -> MinigenError:
        return MinigenError(
            f"{name}: train is {train.dtype} {train.shape}, test is {test.dtype} {test.shape}; "
            "give both with rows of the same shape and dtype"
        )


def check_dataset(dataset: object) -> None:
    """Raise MinigenError unless this is a Dataset."""
    if not isinstance(dataset, Dataset):
        raise MinigenError(
            f"expected a Dataset, got {type(dataset).__name__}; make one by Dataset.of(rows), or "
            "by load_data(path)"
        )


def _copied(array: Any, name: str) -> Any:
    """A NumPy array of one's own with this content, if there is any."""
    if array is None:
        return None
    try:
        return np.array(array.get() if hasattr(array, "__cuda_array_interface__") else array)
    except ValueError as error:
        raise MinigenError(f"{name}: not an array of numbers: {error}; give (N, D)") from None
