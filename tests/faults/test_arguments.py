"""Arguments: refused before any file or folder is made, in one line that says what to do."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minigen.sample import main as sample
from tests.faults.helpers import SMALL, said, train
from tests.helpers import squares
from tests.strict import standin


@pytest.mark.fault("unknown name")
@pytest.mark.parametrize(
    ("source", "hint"),
    [("minst", "(did you mean mnist?)"), ("rings", "(did you mean ring?)"), ("zzz", "'zzz'; give")],
)
def test_an_unknown_data_set(
    source: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        train(["vae", "--data", source, "--out", str(tmp_path / "run")])
    assert stop.value.code == 2
    error = said(capsys)
    assert hint in error
    assert "give mnist, ring, grid, mixture or the path" in error
    assert not any(tmp_path.iterdir())


@pytest.mark.fault("unknown name")
@pytest.mark.parametrize("arguments", [["gam"], ["gan", "--generator-loss", "minmax"]])
def test_unknown_choices_are_listed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        train(arguments)
    assert stop.value.code == 2
    error = said(capsys)
    nearest = {"gam": "gan", "minmax": "minimax"}[arguments[-1]]
    assert error.endswith(f"did you mean {nearest}?\n")
    assert error.count(nearest) == 2


@pytest.mark.fault("latent-dim of a billion")
@pytest.mark.parametrize(
    "arguments",
    [["vae", "--hidden", "2000000000"], ["gan", "--latent-dim", "1000000000"], ["ae", "--hidden",
     "1000000,1000000,1000000"]],
    ids=["vae", "gan", "ae"],
)  # fmt: skip
def test_models_that_no_machine_holds(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(squares(tmp_path / "x.npy", 20))
    assert train([*arguments, "--data", data, "--out", str(tmp_path / "run")]) == 1
    assert " parameters needs about " in said(capsys)
    assert not (tmp_path / "run").exists()


def no_driver(seed: object) -> None:
    raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")


NO_GPU = SimpleNamespace(random=SimpleNamespace(default_rng=no_driver))


@pytest.mark.fault("no CuPy")
@pytest.mark.parametrize(
    ("cupy", "which"),
    [(None, "ModuleNotFoundError: "), (NO_GPU, "RuntimeError: cudaErrorNoDevice: no CUDA-capable")],
    ids=["no CuPy", "no GPU"],
)
@pytest.mark.parametrize("command", [train, sample])
def test_cupy_that_cannot_work(
    cupy: object,
    which: str,
    command: object,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    out = str(tmp_path / "run")
    if command is train:
        assert train(["vae", "--backend", "cupy", "--out", out]) == 1
    else:
        assert sample([out, "--backend", "cupy"]) == 1
    error = said(capsys)
    assert f"CuPy does not work here: {which}" in error
    assert error.endswith("; use the backend numpy\n")
    assert not any(tmp_path.iterdir())


class OutOfMemoryError(MemoryError):
    """As CuPy has it."""


@pytest.mark.fault("GPU memory")
def test_gpu_memory_runs_out_in_the_second_epoch(
    strict: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, exp, left = tmp_path / "run", standin.__getattr__("exp"), iter(range(4))

    def short_of_memory(x: object, **out: object) -> object:
        logged = run / "metrics.jsonl"  # of an epoch, once it is not empty
        if logged.exists() and logged.stat().st_size and next(left, None) is None:
            raise OutOfMemoryError("Out of memory allocating 9,437,184 bytes (allocated so far: 9)")
        return exp(x, **out)

    data = str(squares(tmp_path / "x.npy", 100))
    command = ["vae", "--data", data, *SMALL, "--epochs", "2"]
    assert train([*command, "--out", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(standin, "exp", short_of_memory, raising=False)
        assert train([*command, "--out", str(run), "--backend", "cupy"]) == 1
    error = said(capsys)
    assert "Out of memory allocating 9,437,184 bytes" in error
    assert "use smaller batches" in error
    with np.load(run / "checkpoint.npz") as kept:
        assert len(json.loads(kept["header"].tobytes())["history"]) == 1
    assert train(["vae", "--resume", str(run), "--backend", "numpy"]) == 0
    assert (run / "metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()
