"""From a user's array to a Dataset: dtypes, layouts, shapes, values, and the rows held back."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minigen.data import Dataset, load, read_rows, scaled, subsample
from minigen.errors import MinigenError

RNG = np.random.default_rng(0)
VALUES = RNG.integers(0, 2, (40, 70))  # fit every dtype


def saved(folder: Path, array: NDArray[Any]) -> str:
    np.save(folder / "x.npy", array)
    return str(folder / "x.npy")


def saved_splits(folder: Path, **arrays: NDArray[Any]) -> str:
    np.savez(folder / "x.npz", **arrays)  # type: ignore[arg-type]
    return str(folder / "x.npz")


def test_some_rows_are_of_all_parts_of_a_sorted_file() -> None:
    rows = np.arange(1000)
    few = subsample(rows, 100, np.random.default_rng(0))
    assert len(set(few.tolist())) == 100
    assert (np.diff(few) > 0).all()
    assert abs(few.mean() - rows.mean()) < 100
    assert subsample(rows, 1000, np.random.default_rng(0)) is rows


class TestSource:
    @pytest.mark.parametrize("source", ["", "minst", "x.txt", "no/such/folder", "a\0b"])
    def test_unknown(self, source: str) -> None:
        accepted = "give mnist, an existing .npy, .npz or .csv file, or a folder of IDX files or of"
        with pytest.raises(MinigenError, match=re.escape(f"{source!r}: not a data set")) as caught:
            load(source)
        assert accepted in str(caught.value)

    @pytest.mark.parametrize(
        "source", [None, 3, b"x.npy", VALUES], ids=["no", "3", "bytes", "rows"]
    )
    @pytest.mark.parametrize("read", [load, read_rows])
    def test_no_text_and_no_path(self, read: Any, source: Any) -> None:
        with pytest.raises(MinigenError, match=r"expected the name of a data set or a path, got"):
            read(source)

    @pytest.mark.parametrize("kind", [str, Path])
    def test_a_path_is_one_from_any_folder(
        self, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored = saved(tmp_path, VALUES)
        monkeypatch.chdir(tmp_path)
        assert load(kind("x.npy")).name == stored
        np.testing.assert_array_equal(read_rows(kind("x.npy")), VALUES)

    def test_a_known_name_is_no_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "ring").mkdir()
        monkeypatch.chdir(tmp_path)
        assert load(Path("ring")).name == "ring"

    def test_suffix_in_capitals(self, tmp_path: Path) -> None:
        Path(saved(tmp_path, VALUES)).rename(tmp_path / "X.NPY")
        assert load(str(tmp_path / "X.NPY")).train.shape == (36, 70)


@pytest.mark.fault("dtype")
class TestDtypeAndLayout:
    """float64, float16, big-endian, Fortran order, bool, int: as the converted float array."""

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", "?bhHiIlLefdg")
    @pytest.mark.parametrize("byteorder", "<>")
    @pytest.mark.parametrize("trailing", [(), (1,)], ids=["rows", "images"])
    def test_same_as_converted(
        self, tmp_path: Path, order: Any, dtype: str, byteorder: Any, trailing: tuple[int, ...]
    ) -> None:
        rows = VALUES if dtype == "?" else VALUES * RNG.uniform(0, 100, VALUES.shape)
        rows = rows.astype(np.dtype(dtype).newbyteorder(byteorder))
        stored = np.asarray(rows.reshape(40, 7, 10, *trailing) if trailing else rows, order=order)
        data = load(saved_splits(tmp_path, train=stored, test=stored[:3]))
        np.testing.assert_array_equal(data.train, rows.astype(np.float32), strict=True)
        assert data.train.dtype.isnative
        assert data.train.flags.c_contiguous
        expected = rows.dtype != np.float32
        assert (f"{rows.dtype} values are converted to float32" in data.notes) == expected

    @pytest.mark.fault("uint8")
    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("shape", [(10, 30), (10, 5, 6)])
    def test_uint8_stays(self, tmp_path: Path, order: Any, shape: tuple[int, ...]) -> None:
        pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
        stored = np.asarray(pixels, order=order)
        data = load(saved_splits(tmp_path, train=stored, test=stored))
        np.testing.assert_array_equal(data.train, pixels.reshape(10, 30), strict=True)
        assert data.train.flags.c_contiguous
        assert "pixels 0..255 will be scaled to 0..1" in data.notes

    @pytest.mark.parametrize(
        "array",
        [VALUES * 1j, VALUES.astype("S1"), VALUES.astype("U1"), VALUES.astype("m8[s]")],
        ids=["complex", "bytes", "text", "time"],
    )
    def test_not_numbers(self, tmp_path: Path, array: NDArray[Any]) -> None:
        message = re.escape(f"holds {array.dtype.name} values; save bool, integers or floats")
        with pytest.raises(MinigenError, match=message):
            load(saved(tmp_path, array))

    def test_splits_of_two_dtypes(self, tmp_path: Path) -> None:
        source = saved_splits(tmp_path, train=VALUES.astype(np.uint8), test=VALUES)
        with pytest.raises(MinigenError, match=r"train is uint8 .*test is int64 .*same shape and"):
            load(source)


@pytest.mark.fault("shape")
class TestShape:
    @pytest.mark.parametrize(
        ("shape", "image_shape"),
        [
            ((20, 28, 28), (28, 28)),
            ((20, 3, 5, 1), (3, 5)),
            ((20, 1, 9, 5), (9, 5)),
            ((20, 3, 5, 3), (3, 5, 3)),
            ((20, 3, 9, 5), (9, 5, 3)),
            ((20, 784), (28, 28)),
            ((20, 64), (8, 8)),
            ((20, 49), None),
            ((20, 65), None),
            ((20, 2), None),
        ],
    )
    def test_images(
        self, tmp_path: Path, shape: tuple[int, ...], image_shape: tuple[int, int] | None
    ) -> None:
        array = RNG.random(shape, dtype=np.float32)
        data = load(saved_splits(tmp_path, train=array, test=array[:2]))
        last = np.moveaxis(array, 1, -1) if shape in ((20, 1, 9, 5), (20, 3, 9, 5)) else array
        np.testing.assert_array_equal(data.train, last.reshape(20, -1), strict=True)
        assert data.image_shape == image_shape
        assert data.width == array[0].size
        flattened = any("flattened to rows of" in note for note in data.notes)
        assert flattened == (len(shape) > 2)

    @pytest.mark.parametrize("shape", [(), (5,), (5, 2, 8, 8), (5, 8, 8, 4), (1, 1, 1, 1, 1)])
    def test_other_shapes(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        message = re.escape(f"has shape {shape}, expected (rows, values), (rows, height, width) or")
        with pytest.raises(MinigenError, match=message):
            load(saved(tmp_path, np.zeros(shape)))

    @pytest.mark.fault("few rows")
    @pytest.mark.parametrize("shape", [(0, 784), (0, 28, 28), (5, 0)])
    def test_no_rows(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        with pytest.raises(MinigenError, match=re.escape(f"is empty, its shape is {shape}")):
            load(saved(tmp_path, np.zeros(shape)))

    def test_splits_of_two_widths(self, tmp_path: Path) -> None:
        source = saved_splits(tmp_path, train=VALUES, test=VALUES[:, :60])
        with pytest.raises(MinigenError, match=r"train is .* \(40, 70\), test is .* \(40, 60\)"):
            load(source)

    def test_flat_and_square_images_fit_together(self, tmp_path: Path) -> None:
        array = np.zeros((10, 8, 8))
        data = load(saved_splits(tmp_path, train=array, test=array.reshape(10, 64)))
        assert data.image_shape == (8, 8)


class TestValues:
    @pytest.mark.fault("NaN")
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8", "g"])
    def test_not_finite(self, tmp_path: Path, bad: float, dtype: str) -> None:
        array = np.asfortranarray(VALUES, dtype)
        array[3, 7] = array[30, 2] = bad
        with pytest.raises(
            MinigenError, match=r": NaN, .* in 2 of 2800 places, .* row 3, column 7 \("
        ):
            load(saved(tmp_path, array))

    def test_too_large_for_float32(self, tmp_path: Path) -> None:
        array = VALUES.astype(np.float64)
        array[1, 0] = 1e39
        with pytest.raises(MinigenError, match=r"too large for float32 in 1 of .* row 1, column 0"):
            load(saved(tmp_path, array))

    def test_split_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(MinigenError, match=r"x\.npz: test: NaN, .* in 2800 of 2800"):
            load(saved_splits(tmp_path, train=VALUES, test=VALUES * np.nan))

    def test_largest_finite_values_pass(self, tmp_path: Path) -> None:
        """Their sum would overflow."""
        array = np.full((10, 10), np.finfo(np.float32).max)
        assert load(saved(tmp_path, array)).train.max() == np.finfo(np.float32).max

    @pytest.mark.fault("few rows")
    @pytest.mark.parametrize("value", [0, 7])
    def test_constant(self, tmp_path: Path, value: int) -> None:
        assert np.all(load(saved(tmp_path, np.full((10, 10), value))).train == value)


class TestLabels:
    @pytest.mark.parametrize("dtype", ["u1", "<i4", ">i8", "u8"])
    def test_become_int64(self, tmp_path: Path, dtype: str) -> None:
        labels = np.arange(40).astype(dtype)
        data = load(saved_splits(tmp_path, train=VALUES, test=VALUES, train_labels=labels))
        np.testing.assert_array_equal(data.train_labels, np.arange(40), strict=True)
        assert data.test_labels is None

    @pytest.mark.parametrize(
        "labels", [np.arange(39), np.eye(40), np.zeros(40)], ids=["39", "one-hot", "float"]
    )
    def test_that_do_not_fit_are_left_out(self, tmp_path: Path, labels: NDArray[Any]) -> None:
        data = load(saved_splits(tmp_path, x_train=VALUES, x_test=VALUES, y_test=labels))
        assert data.test_labels is None
        said = f"test_labels: {labels.dtype} {labels.shape} for 40 rows are left out, since they"
        assert said in data.notes[-1]

    def test_a_column_of_labels(self, tmp_path: Path) -> None:
        """As MedMNIST has it."""
        labels = np.arange(40)[:, None]
        data = load(saved_splits(tmp_path, x_train=VALUES, x_test=VALUES, y_test=labels))
        np.testing.assert_array_equal(data.test_labels, np.arange(40), strict=True)


class TestHoldBack:
    @pytest.mark.parametrize(("n", "n_test"), [(2, 1), (9, 1), (19, 1), (20, 2), (1000, 100)])
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_a_tenth(self, tmp_path: Path, n: int, n_test: int, seed: int) -> None:
        """Every row lands on one side, once, and the permutation says on which."""
        array = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
        data = load(saved(tmp_path, array), seed=seed)
        chosen = np.random.default_rng(seed).permutation(n)[:n_test]
        np.testing.assert_array_equal(data.test, array[chosen], strict=True)
        everything = np.concatenate([data.train, data.test])
        np.testing.assert_array_equal(everything[everything[:, 0].argsort()], array, strict=True)
        assert f"{n_test} of {n} rows are held back as test, chosen by seed {seed}" in data.notes
        assert data.train_labels is None

    def test_one_array_in_an_archive(self, tmp_path: Path) -> None:
        from_npy = load(saved(tmp_path, VALUES), seed=5)
        from_npz = load(saved_splits(tmp_path, anything=VALUES), seed=5)
        np.testing.assert_array_equal(from_npy.train, from_npz.train, strict=True)
        np.testing.assert_array_equal(from_npy.test, from_npz.test, strict=True)

    @pytest.mark.fault("few rows")
    def test_one_row(self, tmp_path: Path) -> None:
        with pytest.raises(MinigenError, match="has 1 row; give at least 2"):
            load(saved(tmp_path, VALUES[:1]))


@pytest.mark.fault("range")
class TestUnitInterval:
    @staticmethod
    def data(train: float, test: float) -> Dataset:
        rows = np.full((2, 3), 0.5, np.float32)
        return Dataset("x", np.where([1, 0, 0], train, rows), np.where([1, 0, 0], test, rows))

    @pytest.mark.parametrize("value", [0, 0.25, 1])
    def test_inside(self, value: float) -> None:
        self.data(value, value).require_unit_interval()

    @pytest.mark.parametrize(
        ("train", "test", "message"),
        [
            (
                255,
                0,
                "values from 0 to 255, not 0 to 1, in 2 of 2 train rows, first 255.0 in row",
            ),
            (0, 130, "values from 0 to 130, not 0 to 1, in 2 of 2 test rows, first 130.0 in row 0"),
            (
                200,
                0,
                "first 200.0 in row 0, column 0 (counted from 0); scale=200 brings",
            ),
            (-1, 3, "values from -1 to 3, not 0 to 1"),
            (-1, 3, "first -1.0 in row 0, column 0 and in 2 of 2 test rows, first 3.0 in row 0"),
            (
                0,
                -0.5,
                "first -0.5 in row 0, column 0 (counted from 0); (x +0.5) / 1 brings",
            ),
            (1.0000001, 0, "values from 0 to 1.00000012, not 0 to 1"),
        ],
    )
    def test_outside(self, train: float, test: float, message: str) -> None:
        with pytest.raises(MinigenError, match=re.escape(message)):
            self.data(train, test).require_unit_interval()

    def test_nobody_can_rescale_a_toy_density(self) -> None:
        with pytest.raises(MinigenError, match="not 0 to 1; a toy density is for gan, for ae"):
            load("ring").require_unit_interval()

    def test_uint8_always_passes(self) -> None:
        pixels = np.full((2, 3), 255, np.uint8)
        Dataset("x", pixels, pixels).require_unit_interval()


def test_a_table_whose_width_is_a_square_is_no_image(tmp_path: Path) -> None:
    """100 standardized columns are a table; 100 grey values are taken for a picture."""
    rng = np.random.default_rng(0)
    for name, rows, shape in (
        ("table", rng.standard_normal((20, 100)), None),
        ("grey", rng.random((20, 100)), (10, 10)),
    ):
        np.save(tmp_path / f"{name}.npy", rows)
        assert load(str(tmp_path / f"{name}.npy")).image_shape == shape


@pytest.mark.fault("uint8")
def test_pixels_are_scaled_exactly_and_floats_kept() -> None:
    pixels = scaled(np.array([[0, 51, 255]], np.uint8))
    assert pixels.dtype == np.float32
    assert pixels.tolist() == [[0.0, np.float32(0.2), 1.0]]
    floats = np.array([[0.25, 3.0]], np.float32)
    np.testing.assert_array_equal(scaled(floats), floats)
    assert scaled(floats) is not floats
