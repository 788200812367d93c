"""Data as users bring them: from file to figures by the shortest command, or one line that says
which command works. A test is named after its row in the table of tries, U1 to U26.
"""

import gzip
import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minigen as mg
from minigen.data import load
from minigen.errors import MinigenError
from minigen.evaluate import main as evaluate
from minigen.gradcheck.__main__ import main as gradcheck
from minigen.sample import main as sample
from minigen.train import main
from minigen.workshop.process import quoted
from tests.data.test_idx import idx_bytes
from tests.helpers import pixels

RNG = np.random.default_rng(0)
QUICK = ["--epochs", "1", "--hidden", "6", "--latent-dim", "2"]
DIGITS = np.clip(RNG.normal(6, 5, (300, 8, 8)), 0, 16).round()  # as scikit-learn has them
DIGITS[0, 0, 0] = 16
MASKS = (pixels(0, 200, 8, 8) > 127).astype(np.uint8)
UNIT = RNG.random((200, 30), dtype=np.float32)

Say = Callable[..., str]


@pytest.fixture
def train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Train on this array or path; what the command says."""

    def say(data: Any, *options: str, model: str = "vae", status: int = 0) -> str:
        if isinstance(data, np.ndarray):
            np.save(tmp_path / "x.npy", data)
            data = tmp_path / "x.npy"
        out = ["--out", str(tmp_path / "run"), "--overwrite"]
        command = [model, "--data", str(data), *out, *QUICK, "--no-figures", *options]
        capsys.readouterr()
        assert main(command) == status
        printed = capsys.readouterr()
        if status:
            assert re.fullmatch(r"minigen: error: [^\n]+; [^\n]+\n", printed.err)
        return printed.err if status else printed.out

    return say


def folder_of(path: Path, count: int, shape: tuple[int, ...] = (9, 8), suffix: str = "png") -> Path:
    path.mkdir()
    for i, image in enumerate(pixels(0, count, *shape)):
        Image.fromarray(image).save(path / f"{i:03}.{suffix}")
    return path


@pytest.mark.fault("small uint8")
class TestU1:
    @pytest.mark.parametrize("model", ["vae", "gan", "ae"])
    def test_masks_as_uint8_are_no_pixels(self, model: str, train: Say) -> None:
        said = train(MASKS, model=model, status=1)
        assert "whole numbers 0 to 1 in uint8, where pixels are 0 to 255; " in said
        assert "--scale 1 if 1 is the most, --scale 255 if the images are dark" in said

    def test_said_what_they_are_they_learn_as_bool_does(self, train: Say) -> None:
        losses = []
        for array, options in ((MASKS, ["--scale", "1"]), (MASKS == 1, []), (255 * MASKS, [])):
            losses.append(re.findall("loss ([0-9.]+)", train(array, *options)))
        assert losses[0] == losses[1] == losses[2]

    def test_every_door(self) -> None:
        for enter in (mg.Dataset.of, lambda x: mg.Dataset("x", x, x), mg.show):
            with pytest.raises(MinigenError, match="scale=1 if 1 is the most, scale=255"):
                enter(MASKS.reshape(200, 64))
        dark = mg.Dataset.of(MASKS, scale=255)
        assert dark.pixels
        assert dark.value_range == (0, 1)

    def test_codes_of_rows_as_they_were_stored(self) -> None:
        data = mg.Dataset.of(DIGITS.astype(np.uint8), scale=16, seed=0)
        run = mg.fit(mg.VAEOptions(hidden=(6,), latent_dim=2, epochs=1), data, progress=False)
        stored = (data.test * 16).astype(np.uint8)
        np.testing.assert_array_equal(run.encode(stored), run.encode(data.test))
        plain = mg.fit(mg.VAEOptions(hidden=(6,), epochs=1), mg.Dataset.of(UNIT), progress=False)
        with pytest.raises(MinigenError, match="from 0 to 255, where the model has learnt values"):
            plain.encode(255 * MASKS.reshape(200, 64)[:, :30])

    @pytest.mark.parametrize("dtype", [np.uint8, np.int64])
    @pytest.mark.parametrize("scale", [None, 255])
    def test_codes_of_integers_where_floats_were_stored(
        self, dtype: Any, scale: int | None
    ) -> None:
        """The type of the rows to encode says no more of a unit than that of those to learn."""
        data = mg.Dataset.of(DIGITS.astype(np.float32), scale=scale)
        run = mg.fit(mg.AutoencoderOptions(hidden=(6,), epochs=1), data, progress=False)
        learnt = DIGITS.astype(np.float32) / np.float32(scale or 1)
        np.testing.assert_array_equal(run.encode(DIGITS.astype(dtype)), run.encode(learnt))

    def test_the_command_that_is_offered_works_to_the_end(
        self, tmp_path: Path, train: Say, capsys: pytest.CaptureFixture[str]
    ) -> None:
        train(DIGITS.astype(np.uint8), "--scale", "16", "--shape", "table")
        run = str(tmp_path / "run")
        assert main(["vae", "--resume", run, "--epochs", "2", "--no-figures"]) == 0
        assert evaluate([run, "--draws", "1"]) == 0
        assert sample([run, "--out", str(tmp_path / "rows.npy"), "--reconstruct"]) == 0
        restored = mg.load(run).dataset
        assert restored.image_shape is None
        assert restored.train.max() == 1
        with pytest.raises(SystemExit):
            main(["vae", "--resume", run, "--scale", "1"])


class TestU5:
    def test_advice_for_a_table_loses_nothing(self, train: Say) -> None:
        table = RNG.uniform(0, 200, (50, 5))
        said = train(table, status=1)
        assert "uint8" not in said
        scale = re.findall(r"--scale ([0-9.]+) brings them there", said)[0]
        assert "epoch   1/1" in train(table, "--scale", scale)

    def test_a_scale_that_is_too_small_is_counted_in(self, train: Say) -> None:
        table = np.full((50, 5), 20.0)
        assert "; --scale 20 brings them there" in train(table, "--scale", "16", status=1)

    def test_pixels_as_floats_may_be_pixels(self, train: Say) -> None:
        said = train(np.full((9, 5), 200.0), status=1)
        assert "--scale 255 if they are pixels 0..255, else --scale 200 brings" in said


class TestU6:
    @pytest.mark.parametrize("sign", [-1, 1])
    @pytest.mark.parametrize("size", [1e-38, 1e-30, 1e20, 1e38])
    def test_the_advice_is_good_to_the_ends_of_float32(self, size: float, sign: int) -> None:
        rows = size * RNG.uniform(min(sign, 0), 1, (20, 5))
        with pytest.raises(MinigenError, match="networks begin with values near 1") as raised:
            mg.Dataset.of(rows).require_size_near_one()
        scale = float(re.findall(r"scale=(\S+) brings", f"{raised.value}")[0])
        mg.Dataset.of(rows, scale=scale).require_size_near_one()

    @pytest.mark.parametrize(
        ("array", "scale"),
        [(pixels(0, 99, 8, 8).astype(float), "255"), (DIGITS, "16"), (UNIT / 1e3, "0.00099")],
    )
    def test_values_far_from_1_are_refused_with_the_scale(
        self, array: Any, scale: str, train: Say
    ) -> None:
        said = train(array, model="gan", status=1)
        found = re.findall(r"networks begin with values near 1; --scale (\S+) brings", said)
        assert found[0].startswith(scale)
        assert "G ends in tanh" in train(array, "--scale", found[0], model="gan")

    def test_real_values_keep_their_sign(self, train: Say) -> None:
        said = train(1e-3 * RNG.standard_normal((200, 5)), model="gan", status=1)
        scale = float(re.findall(r"--scale (\S+) brings", said)[0])
        assert scale == pytest.approx(1e-3, rel=0.1)

    def test_an_estimate_at_the_edge_of_its_grid_says_so(
        self, tmp_path: Path, train: Say, capsys: pytest.CaptureFixture[str]
    ) -> None:
        train(3 + 0.01 * RNG.standard_normal((300, 2)), model="gan")  # samples are near 0
        assert evaluate([str(tmp_path / "run"), "--json"]) == 0
        score = json.loads(capsys.readouterr().out.splitlines()[-1])["findings"][0]
        assert "sigma is at the edge of its grid, and another may fit" in score["caveat"]


class TestU7:
    @pytest.mark.parametrize("width", [63, 64])
    def test_a_shape_changes_no_model(self, width: int, train: Say) -> None:
        rows = RNG.random((100, width))
        said = train(rows, model="gan")
        assert "rows are in 0 to 1, so they are shifted to -1 to 1 and G ends in tanh" in said
        note = "rows of 64 values are drawn as images of 8x8, and learnt as any other rows; --shape"
        assert (note in said) == (width == 64)
        losses = re.findall(" [dg]_loss ([0-9.]+)", said)
        table = train(rows, "--shape", "table", model="gan")
        assert re.findall(" [dg]_loss ([0-9.]+)", table) == losses
        assert "drawn as" not in table

    def test_the_shape_that_is_given(self, train: Say) -> None:
        assert load("mnist", shape="14x56").image_shape == (14, 56)
        assert "images of shape (9, 9) do not fit rows of 30" in train(
            UNIT, "--shape", "9x9", status=1
        )
        for text in ("8", "8x", "0x8", "8x8x4", "axb", ""):
            with pytest.raises(SystemExit):
                main(["vae", "--shape", text])


class TestU10:
    def test_rounding_is_clipped_and_said(self, train: Say) -> None:
        rows = UNIT.copy()
        rows[3, 4], rows[5, 6] = 1.0000002, -1e-7
        assert "note   values up to 2e-07 outside 0 to 1 are clipped, as rounding" in train(rows)
        assert mg.Dataset.of(rows).value_range == (0, 1)

    def test_small_values_are_not_rounding(self) -> None:
        rows = 1e-6 * RNG.standard_normal((50, 3))
        assert mg.Dataset.of(rows).value_range[0] < 0


def test_u11_the_split_and_the_first_row_are_named(tmp_path: Path, train: Say) -> None:
    test = UNIT[:30].copy()
    test[4, 7], test[9, 1] = 1.04, 1.02
    np.savez(tmp_path / "x.npz", train=UNIT, test=test)
    said = train(tmp_path / "x.npz", status=1)
    assert "not 0 to 1, in 2 of 30 test rows, first 1.04 in row 4, column 7 (counted from" in said


def test_u13_active_units_need_rows_to_compare(
    tmp_path: Path, train: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    for count, seen in ((19, False), (40, True)):
        train(UNIT[:count])
        assert evaluate([str(tmp_path / "run"), "--draws", "1"]) == 0
        said = capsys.readouterr().out
        assert ("\nactive units: " in said) == seen
        assert ("active units are left out, since a single test row has no" in said) != seen


class TestU14:
    @pytest.mark.parametrize("word", ["--verbose", "--overwrit", "--force"])
    def test_no_hint_that_destroys_or_is_far(
        self, word: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            main(["vae", word])
        said = capsys.readouterr().err
        assert "did you mean" not in said
        assert "; its options are --activation, --adam-eps, " in said

    @pytest.mark.parametrize(
        ("command", "arguments"), [(main, []), (main, ["vae"]), (sample, []), (evaluate, []),
        (gradcheck, [])],
    )  # fmt: skip
    def test_version(
        self, command: Any, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stop:
            command([*arguments, "--version"])
        assert stop.value.code == 0
        assert capsys.readouterr().out == f"minigen {mg.__version__}\n"


@pytest.mark.parametrize("labels", [np.linspace(0, 1, 40), np.eye(40), np.arange(39)])
def test_u15_labels_that_cannot_colour_are_left_out(
    labels: np.ndarray, tmp_path: Path, train: Say
) -> None:
    np.savez(tmp_path / "x.npz", train=UNIT[:40], test=UNIT[:9], train_labels=labels)
    said = train(tmp_path / "x.npz")
    assert f"train_labels: {labels.dtype} {labels.shape} for 40 rows are left out" in said


@pytest.mark.fault("images")
class TestU16:
    def test_fifty_files(self, tmp_path: Path, train: Say) -> None:
        folder = folder_of(tmp_path / "faces", 50)
        (folder / "README.txt").write_text("faces")
        assert "images of 9x8 pixels" in train(folder)
        data = load(str(folder))
        together = np.concatenate([data.train, data.test]).reshape(-1, 9, 8)
        assert {image.tobytes() for image in together} == {
            image.tobytes() for image in pixels(0, 50, 9, 8)
        }

    def test_colours_are_kept_where_they_are_asked_for(self, tmp_path: Path, train: Say) -> None:
        folder = folder_of(tmp_path / "faces", 9, (9, 8, 3))
        assert "colours are read as grey; --shape 9x8x3 keeps them" in train(folder)
        assert load(str(folder)).image_shape == (9, 8)
        data = load(str(folder), shape=(9, 8, 3))
        assert (data.image_shape, data.width) == ((9, 8, 3), 216)

    def test_jpeg_and_transparency(self, tmp_path: Path) -> None:
        assert load(str(folder_of(tmp_path / "a", 5, suffix="JPG"))).image_shape == (9, 8)
        data = load(str(folder_of(tmp_path / "b", 5, (9, 8, 4))), shape="9x8x3")
        assert "transparency is left out" in data.notes

    def test_sizes_that_differ_are_named(self, tmp_path: Path, train: Say) -> None:
        folder = folder_of(tmp_path / "faces", 5)
        Image.fromarray(pixels(0, 7, 8)).save(folder / "x.png")
        said = train(folder, status=1)
        assert "x.png: has 7x8 pixels, and 000.png has 9x8 (height x width); give images" in said

    def test_what_is_no_image_of_bytes(self, tmp_path: Path, train: Say) -> None:
        folder = folder_of(tmp_path / "faces", 2)
        Image.fromarray(RNG.integers(0, 60_000, (9, 8), dtype=np.uint16)).save(folder / "d.png")
        assert "d.png: has pixels of Pillow's mode I;16; save it" in train(folder, status=1)
        (folder / "c.png").write_bytes(b"<!DOCTYPE html>")
        assert "c.png: damaged or incomplete (UnidentifiedImageError" in train(folder, status=1)
        Image.new("1", (5000, 5000)).save(folder / "b.png")
        assert "b.png: claims 5000x5000 pixels (height x width), where" in train(folder, status=1)

    def test_another_folder_says_what_is_in_it(self, tmp_path: Path, train: Say) -> None:
        folder = tmp_path / "notes"
        (folder / "cats").mkdir(parents=True)
        assert "it holds cats/; give a folder of these" in train(folder, status=1)
        for i in range(7):
            (folder / f"{i}.txt").touch()
        said = train(folder, status=1)
        assert "neither PNG or JPEG images nor IDX files, it holds 0.txt, 1.txt, 2.txt," in said
        assert "and 3 more; give" in said
        (tmp_path / "empty").mkdir()
        assert "nor IDX files, it is empty; give" in train(tmp_path / "empty", status=1)


@pytest.mark.fault("table")
class TestU17:
    TABLE = RNG.random((40, 5)).astype(np.float32)

    @pytest.mark.parametrize("separator", [",", ";", "\t", " , "])
    @pytest.mark.parametrize("header", ["", "a b,c,d,e,f"])
    def test_numbers(self, separator: str, header: str, tmp_path: Path, train: Say) -> None:
        lines = [separator.join(map(str, row)) for row in self.TABLE]
        text = "\n".join([header.replace(",", separator), *lines, ""])
        (tmp_path / "T.CSV").write_text(text, encoding="utf-8-sig")
        data = load(str(tmp_path / "T.CSV"))
        rows = np.concatenate([data.train, data.test])
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(self.TABLE, axis=0))
        assert ("the first line is a header: a b, c, d, e, f" in data.notes) == bool(header)
        train(tmp_path / "T.CSV")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty, its shape is"),
            ("a,b\n", "is empty, its shape is"),
            ("a,b\n1,2\n3,x\n", "line 3: column 'b' holds 'x', no number; give numbers"),
            ("1,2\n\n3,x\n", "line 3: column 2 holds 'x', no number"),
            ("1,2\n3\n", "line 2: has 1 values, and the first line has 2; give"),
            ("a,1\n2,3\n", "line 1: column 1 holds 'a', no number"),
            ("1,\n2,3\n", "line 1: column 2 holds '', no number"),
            ("1,nan\n2,3\n", "NaN, infinite or too large for float32 in 1 of 4 places"),
        ],
    )
    def test_anything_else(self, text: str, message: str, tmp_path: Path, train: Say) -> None:
        (tmp_path / "t.csv").write_text(text)
        assert message in train(tmp_path / "t.csv", status=1)

    def test_a_line_without_end(self, tmp_path: Path, train: Say) -> None:
        with (tmp_path / "t.csv").open("wb") as file:
            file.truncate(2**30)
        tracemalloc.start()
        said = train(tmp_path / "t.csv", status=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "line 1 has 4,194,304 characters or more; give a row a line" in said
        assert peak < 30e6

    def test_text_of_another_kind(self, tmp_path: Path, train: Say) -> None:
        (tmp_path / "t.csv").write_bytes(b"1,2\n\xff\xfe,3\n")
        assert "damaged or incomplete (UnicodeDecodeError" in train(tmp_path / "t.csv", status=1)


def test_u18_colour_is_read_and_drawn_in_colour(tmp_path: Path) -> None:
    images = np.zeros((300, 32, 32, 3), np.uint8)
    images[..., 0] = pixels(0, 300, 1, 1)  # red alone
    np.save(tmp_path / "x.npy", images)
    run = tmp_path / "run"
    command = ["ae", "--data", str(tmp_path / "x.npy"), "--out", str(run), *QUICK]
    assert main(command) == 0
    assert sample([str(run), "--count", "3"]) == 0
    assert mg.load(run).dataset.image_shape == (32, 32, 3)
    for name in ("figures/samples.png", "figures/reconstructions.png", "samples.png"):
        with Image.open(run / name) as picture:
            red, green, _ = np.moveaxis(np.asarray(picture.convert("RGB"), int), -1, 0)
        assert (red - green).max() > 50


@pytest.mark.fault("several sets")
class TestU19:
    @staticmethod
    def write(folder: Path, name: str, count: int, zipped: bool = True) -> None:
        content = idx_bytes(pixels(count, count, 8, 8))
        path = folder / f"{name}-idx3-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(content) if zipped else content)

    def test_other_names(self, tmp_path: Path, train: Say) -> None:
        self.write(tmp_path, "EMNIST-Letters-TRAIN-images", 30)
        self.write(tmp_path, "EMNIST-Letters-test-images", 9)
        assert "30 rows to learn from, 9 to test" in train(tmp_path)

    def test_two_sets_in_one_folder_are_named(self, tmp_path: Path, train: Say) -> None:
        for name, count in (("emnist-letters", 30), ("emnist-digits", 20)):
            self.write(tmp_path, f"{name}-train-images", count)
            self.write(tmp_path, f"{name}-test-images", 9)
        said = train(tmp_path, status=1)
        assert "holds more than one data set, emnist-digits-test-images-idx3-ubyte.gz, emni" in said
        file = said.split("such as ")[1].strip()
        assert "20 rows to learn from, 9 to test" in train(file)
        with pytest.raises(MinigenError, match="not a data set that can be read"):
            load(str(tmp_path / "qmnist-train-images-idx3-ubyte"))

    def test_images_beside_them(self, tmp_path: Path, train: Say) -> None:
        self.write(tmp_path, "train-images", 9)
        Image.fromarray(pixels(0, 8, 8)).save(tmp_path / "preview.png")
        assert "train-images-idx3-ubyte.gz, preview.png are of diff" in train(tmp_path, status=1)

    def test_u22_raw_and_gz_must_be_the_same(self, tmp_path: Path, train: Say) -> None:
        """As they are where the one was unpacked from the other."""
        for name, count in (("train-images", 30), ("t10k-images", 9)):
            self.write(tmp_path, name, count)
            self.write(tmp_path, name, count, zipped=False)
        assert "30 rows to learn from, 9 to test" in train(tmp_path)
        self.write(tmp_path, "t10k-images", 8)
        said = train(tmp_path, status=1)
        assert f"{tmp_path}/t10k-images-idx3-ubyte.gz differ; remove one of them" in said


@pytest.mark.parametrize(
    "keys", [("X_train", "X_test"), ("train_images", "test_images"), ("arr_0",), ("images",)]
)
def test_u20_keys_of_others(keys: tuple[str, ...], tmp_path: Path, train: Say) -> None:
    arrays: dict[str, Any] = dict.fromkeys(keys, pixels(0, 30, 8, 8))
    np.savez(tmp_path / "x.npz", **arrays)
    train(tmp_path / "x.npz")


def test_u21_channels_first(train: Say) -> None:
    assert "images of 9x7 pixels are flattened" in train(pixels(0, 30, 1, 9, 7))


def test_u24_suffixes_in_capitals(tmp_path: Path, train: Say) -> None:
    train(pixels(0, 30, 8, 8))
    for name in ("P.PNG", "X.NPY"):
        assert sample([str(tmp_path / "run"), "--count", "4", "--out", str(tmp_path / name)]) == 0
    assert np.load(tmp_path / "X.NPY").shape == (4, 64)
    with Image.open(tmp_path / "P.PNG") as picture:
        assert picture.format == "PNG"


def test_u25_a_large_run_says_so_before_it_is_written(
    train: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "replaced after each epoch" not in train(UNIT)
    monkeypatch.setattr("minigen.train.LARGE", 1e3)
    said = train(UNIT)
    assert re.match(r"note   a checkpoint of about 0\.0 GB is replaced after each epoch, and", said)


@pytest.mark.parametrize(
    ("text", "posix", "windows"),
    [
        ("runs/a", "runs/a", "runs/a"),
        (r"C:\runs\a", r"'C:\runs\a'", r"C:\runs\a"),
        ("my runs", "'my runs'", '"my runs"'),
        ("a&b", "'a&b'", '"a&b"'),
        ("", "''", '""'),
    ],
)
def test_u26_a_word_is_quoted_for_the_users_shell(text: str, posix: str, windows: str) -> None:
    assert (quoted(text, windows=False), quoted(text, windows=True)) == (posix, windows)


@pytest.mark.fault("run exists")
def test_a_run_cut_short_can_be_replaced(
    tmp_path: Path, train: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    train(UNIT)
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    (tmp_path / "run" / "thesis.txt").touch()
    assert "holds no run, thesis.txt is not of one; choose" in train(UNIT, status=1)
    (tmp_path / "run" / "thesis.txt").unlink()
    train(UNIT)
    assert mg.load(tmp_path / "run").history
