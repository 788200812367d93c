"""Checkpoints: equal bytes for equal content, and the old file or the new one, never a part."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen import checkpoint


def test_what_is_saved_can_be_read_by_numpy_without_pickle(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, {"epoch": 3, "name": "é"}, {"a.b": np.arange(3), "t": 5})
    with np.load(path, allow_pickle=False) as archive:
        assert archive["a.b"].tolist() == [0, 1, 2]
        assert archive["t"] == 5
        assert json.loads(str(archive["header"])) == {"format": 1, "epoch": 3, "name": "é"}


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        checkpoint.save(tmp_path / name, {"x": 1, "y": 2}, {"p": np.ones(4, np.float32)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


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
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, {}, {"p": np.ones(2)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
