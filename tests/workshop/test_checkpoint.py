"""Checkpoints: equal bytes for equal content, and the old file or the new one, never a part."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen.errors import MinigenError
from minigen.workshop import checkpoint


def test_what_is_saved_can_be_read_by_numpy_without_pickle(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, {"epoch": 3, "name": "é"}, {"a.b": np.arange(3), "t": 5})
    with np.load(path, allow_pickle=False) as archive:
        assert archive["a.b"].tolist() == [0, 1, 2]
        assert archive["t"] == 5
        assert json.loads(archive["header"].tobytes()) == {
            "format": 3, "epoch": 3, "name": "é",
        }  # fmt: skip


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        checkpoint.save(tmp_path / name, {"x": 1, "y": 2}, {"p": np.ones(4, np.float32)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.fault("full disk")
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, {}, {"p": np.zeros(2)})
    before = path.read_bytes()

    def full_disk(file: Any, **arrays: Any) -> None:
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(MinigenError, match=r"checkpoint\.npz: cannot be written: No space left"):
        checkpoint.save(path, {}, {"p": np.ones(2)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


EXPECTED = {"w": np.zeros((2, 3), np.float32), "t": 0}


def load(path: Path, wanted: dict[str, Any] = EXPECTED) -> tuple[dict[str, Any], dict[str, Any]]:
    with checkpoint.opened(path) as (header, read):
        return header, read(wanted)


def written(path: Path, **changes: Any) -> Path:
    arrays = {"w": np.ones((2, 3), np.float32), "t": 7} | changes
    checkpoint.save(path, {"epoch": 3}, {k: v for k, v in arrays.items() if v is not None})
    return path


def test_load_gives_back_what_was_saved(tmp_path: Path) -> None:
    header, arrays = load(written(tmp_path / "c.npz"))
    assert header == {"format": 3, "epoch": 3}
    assert arrays["w"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert arrays["t"] == 7
    assert arrays.keys() == EXPECTED.keys()


@pytest.mark.fault("foreign checkpoint")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w": None}, "a checkpoint without w"),
        ({"u": np.ones(1)}, "a checkpoint with an unknown u"),
        ({"w": np.ones((3, 2), np.float32)}, r"w is float32 \(3, 2\), expected float32 \(2, 3\)"),
        ({"w": np.ones((2, 3))}, "w is float64"),
        ({"w": np.full((2, 3), np.nan, np.float32)}, "w holds NaN or infinity"),
    ],
    ids=["missing", "unknown", "transposed", "dtype", "nan"],
)
def test_a_foreign_checkpoint_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(MinigenError, match=message):
        load(written(tmp_path / "c.npz", **changes))


@pytest.mark.fault("foreign checkpoint")
def test_a_newer_format_and_a_foreign_header_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    for older in (
        {"config": {"versions": {"minigen": "0.1.0"}}},
        {"versions": {"minigen": "0.1.0"}},
    ):
        checkpoint.save(path, {**older, "format": 1}, {"t": 0})
        with pytest.raises(
            MinigenError,
            match="checkpoint format 1, and this minigen reads format 3; use the version that "
            r"wrote it, minigen 0\.1\.0, or train again",
        ):
            load(path, {"t": 0})
    for newer in ({}, {"versions": None}, {"config": 1}):
        checkpoint.save(path, {**newer, "format": 4}, {"t": 0})
        with pytest.raises(MinigenError, match=r"format 4, .* that wrote it, or train again"):
            load(path, {"t": 0})
    np.savez(path, header=np.zeros(3, np.uint8), t=np.asarray(0))
    with pytest.raises(MinigenError, match="the header is not one of a checkpoint"):
        load(path, {"t": 0})


@pytest.mark.fault("foreign checkpoint")
def test_a_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "c.npz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(MinigenError, match="damaged or incomplete"):
        load(path)


def test_a_bug_in_whoever_asks_is_no_damage(tmp_path: Path) -> None:
    path = written(tmp_path / "c.npz")
    with pytest.raises(ZeroDivisionError), checkpoint.opened(path):
        raise ZeroDivisionError


@pytest.mark.fault("NaN loss")
def test_nan_is_never_written(tmp_path: Path) -> None:
    path = written(tmp_path / "c.npz")
    before = path.read_bytes()
    with pytest.raises(MinigenError, match="w holds NaN or infinity; take a lower learning rate"):
        written(path, w=np.full((2, 3), np.inf, np.float32))
    assert path.read_bytes() == before


def test_one_bad_number_among_good_ones_is_enough(tmp_path: Path) -> None:
    good = {"w": np.ones((2, 3), np.float32)}
    bad = {"w": np.array([[1, 1, 1], [1, np.nan, 1]], np.float32)}
    with pytest.raises(MinigenError, match="w holds NaN or infinity; take a lower learning rate"):
        checkpoint.save(tmp_path / "a.npz", {}, bad)
    header = np.frombuffer(b'{"format": 3}', np.uint8)
    np.savez(tmp_path / "b.npz", header=header, w=bad["w"])
    with pytest.raises(MinigenError, match="w holds NaN or infinity; train again"):
        load(tmp_path / "b.npz", good)
