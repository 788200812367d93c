"""The battery once more through the loops that Numba compiles, for arrays of any size.

It must give NumPy's values to rounding, and in float64 the gradients of what it computes.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pytest

from minigen import chains
from minigen.data import Dataset
from minigen.gradcheck.derivation import Derivation, Draw
from minigen.gradcheck.derivations import DERIVATIONS
from minigen.training import AutoencoderOptions, GANOptions, VAEOptions, prepare
from minigen.training.options import Options
from tests.test_backends import CASES, TOLERANCE, Draws

T = TypeVar("T")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The arrays that Numba took."""
    numba = pytest.importorskip("numba")
    assert chains.compiler() == f"numba {numba.__version__}"
    arrays: list[np.ndarray] = []

    def take(array: np.ndarray) -> bool:
        if type(array) is np.ndarray and array.dtype.kind == "f" and array.flags.c_contiguous:
            arrays.append(array)
            return True
        return False

    monkeypatch.setattr(chains, "LARGE", 0)
    monkeypatch.setattr(chains, "_is_for_numba", take)
    return arrays


def by_numpy(compute: Callable[[], T]) -> T:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "compiler", lambda: "numpy")
        return compute()


def test_mathematics(taken: list[np.ndarray]) -> None:
    for name, case in CASES.items():
        found = case(Draws(np, "float32"))
        expected = by_numpy(lambda case=case: case(Draws(np, "float32")))  # type: ignore[misc]
        assert found.keys() == expected.keys(), name
        for key, reference in expected.items():
            tolerance = TOLERANCE[reference.dtype] * max(1.0, float(np.abs(reference).max()))
            np.testing.assert_allclose(
                found[key], reference, rtol=0, atol=tolerance, err_msg=f"{name}: {key}"
            )
            assert found[key].dtype == reference.dtype, name
    assert taken


@pytest.mark.parametrize(
    "derivation", [d for d in DERIVATIONS if d.tag in {"L3", "V4"}], ids=lambda d: d.what
)
def test_derivations(derivation: Derivation, taken: list[np.ndarray]) -> None:
    report = derivation.check(Draw(np))
    assert report.ok, str(report)
    assert taken


@pytest.mark.parametrize(
    "options",
    [
        VAEOptions(hidden=(5,), batch_size=350),
        VAEOptions(hidden=(5,), importance_samples=50, batch_size=10),
        AutoencoderOptions(hidden=(5,), reconstruction="bce", batch_size=350),
        GANOptions(hidden=(256, 256)),
        GANOptions(hidden=(128, 128)),
        VAEOptions(hidden=(100,), batch_size=10),
        VAEOptions(hidden=(5,), batch_size=10),
    ],
    ids=repr,
)
def test_a_trainer_says_what_computed_its_chains(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small parameters too: a batch of rows is as large as many weights."""
    numba = pytest.importorskip("numba")
    took: list[bool] = []
    decide = chains._are_for_numba

    def record(together: Sequence[Sequence[np.ndarray]]) -> bool:
        took.append(decide(together))
        return took[-1]

    monkeypatch.setattr(chains, "_are_for_numba", record)
    rows = np.random.default_rng(0).random((400, 100), dtype=np.float32)
    dataset = Dataset.of(rows[:360], rows[360:])
    trainer = prepare(options, dataset).trainer
    x, rng = rows[: options.batch_size], np.random.default_rng(0)
    trainer.train_step(x, rng)
    trainer.test_step(rows[360:], rng)
    assert trainer.chains == (f"numba {numba.__version__}" if any(took) else "numpy")
