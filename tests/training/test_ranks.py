"""Ranks: the gradient of a batch is the sum over its shares, and a run is one run on all ranks."""

import os
import sys
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from minigen.backend import generator
from minigen.data import Dataset, batches
from minigen.errors import MinigenError
from minigen.training import ALONE, OPTIONS, Run, fit, join, prepare
from minigen.training.ranks import DEVICES, LAUNCHERS, Ranks, World, _choose_device, launched
from tests.helpers import pixels
from tests.strict import standin
from tests.threads import on_ranks

IMAGES = Dataset("images", pixels(0, 41, 64), pixels(1, 11, 64), (8, 8))
SMALL: Mapping[str, Any] = {"hidden": (7,), "latent_dim": 3}

LINES: list[tuple[str, dict[str, Any]]] = [
    ("ae", {"noise": 0.3}),
    ("ae", {"reconstruction": "bce"}),
    ("vae", {"beta": 2, "binarize": True}),
    ("vae", {"importance_samples": 3}),
    ("vae", {"likelihood": "gaussian", "init": "glorot"}),
    ("gan", {"r1": 2}),
    ("gan", {"game": "wasserstein", "smoothing": 0, "gradient_penalty": 10, "averaging": 0.9}),
    ("gan", {"game": "hinge", "smoothing": 0, "spectral": True, "simultaneous": True}),
]
each_line = pytest.mark.parametrize(
    "line", LINES, ids=lambda line: " ".join([line[0], *map(str, line[1])])
)


class Part:
    """A rank's rows of what a generator draws for the whole batch of n rows."""

    def __init__(self, n: int, ranks: Ranks) -> None:
        self.rng, self.n, self.ranks = generator(np, 5), n, ranks

    def _part(self, draw: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        drawn = draw((self.n, *shape[1:]), dtype=dtype)
        start = self.ranks.rank * shape[0]
        return np.resize(drawn, (self.ranks.size * shape[0], *shape[1:]))[start : start + shape[0]]

    def standard_normal(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return self._part(self.rng.standard_normal, shape, dtype)

    def random(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return self._part(self.rng.random, shape, dtype)


def gradients(line: tuple[str, dict[str, Any]], n: int, ranks: Ranks) -> dict[str, np.ndarray]:
    """All gradients that one step of n rows takes in float64, by optimizer and parameter."""
    name, options = line
    trainer = prepare(OPTIONS[name](**SMALL, **options), IMAGES).trainer
    exact = {k: v.astype(np.float64) for k, v in trainer.model.params.items()}
    trainer.model = trainer.model.with_params(exact)
    found = {}
    trainer.optimizers = trainer.make_optimizers()
    optimizers: Mapping[str, Any] = trainer.optimizers
    for key, optimizer in optimizers.items():

        def step(grads: Any, key: str = key, taken: Any = optimizer.step) -> None:
            found.update({f"{key}.{k}": v.copy() for k, v in grads.items()})
            taken(grads)

        optimizer.step = step
    (x, *_) = batches(IMAGES.train, n, None, ranks.rank, ranks.size)
    trainer.train_step(x.astype(np.float64), Part(n, ranks), ranks.share(n))
    return found


@each_line
@pytest.mark.parametrize(("size", "n"), [(2, 10), (4, 10), (3, 1)])
def test_the_gradient_is_the_sum_over_the_shares(
    line: tuple[str, dict[str, Any]], size: int, n: int
) -> None:
    """Of 10 rows, four ranks have 3, 3, 3 and 1; of one row, the last two ranks have copies."""
    expected = gradients(line, n, ALONE)
    for found in on_ranks(size, lambda ranks: gradients(line, n, ranks)):
        assert found.keys() == expected.keys()
        for name, gradient in found.items():
            scale = np.abs(expected[name]).max()
            np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=1e-12 * scale + 1e-15)


def trained(line: tuple[str, dict[str, Any]], ranks: Ranks = ALONE) -> Run:
    name, options = line
    given = {"epochs": 2, "batch_size": 10, **SMALL, **options}
    return fit(OPTIONS[name](**given), IMAGES, ranks=ranks)


@each_line
def test_a_run_is_the_same_on_all_ranks(line: tuple[str, dict[str, Any]]) -> None:
    """To the bit, though each draws its own noise; its last batch has one row for three ranks."""
    first, *others = on_ranks(3, lambda ranks: trained(line, ranks))
    for other in others:
        assert other.history == first.history
        for name, array in other.trainer.state.items():
            assert np.array_equal(array, first.trainer.state[name]), name


def test_without_noise_a_run_is_that_of_one_process_to_rounding() -> None:
    expected = trained(("ae", {}))
    for size in (2, 4):
        first, *_ = on_ranks(size, lambda ranks: trained(("ae", {}), ranks))
        for record, alone in zip(first.history, expected.history, strict=True):
            assert record.train == pytest.approx(alone.train, rel=1e-5)
            assert record.test == pytest.approx(alone.test, rel=1e-5)
        for name, array in first.model.params.items():
            np.testing.assert_allclose(array, expected.model.params[name], atol=2e-5)


def test_each_rank_draws_noise_of_its_own() -> None:
    """Equal noise for all would be right on average, and as noisy as a batch of fewer rows."""
    line = ("vae", {"binarize": True})
    drawn: list[bytes] = []

    def noise(ranks: World) -> bytes:
        run = prepare(OPTIONS["vae"](**SMALL, epochs=1, batch_size=41), IMAGES)
        trainer: Any = run.trainer
        taken = trainer.train_step

        def step(x: Any, rng: Any, share: Any) -> Any:
            drawn.append(rng.standard_normal(5).tobytes())
            return taken(x, rng, share)

        trainer.train_step = step
        run.meet(ranks)
        list(run.train())
        return drawn[0]

    on_ranks(4, noise)
    assert len(set(drawn)) == 4
    one, two = (on_ranks(size, lambda ranks: trained(line, ranks))[0] for size in (1, 2))
    assert one.history == trained(line).history
    assert one.history != two.history
    assert one.history[-1].test["loss"] == pytest.approx(two.history[-1].test["loss"], rel=0.02)


@pytest.mark.parametrize("shapes", [[(3, 2), (4,)], [(300, 400), (1,), (70_000,)], [(5,)]])
def test_arrays_of_any_size_are_summed(shapes: list[tuple[int, ...]]) -> None:
    """In Fortran order too; they travel together."""

    def summed(ranks: World) -> dict[str, np.ndarray]:
        arrays = {f"{shape}": np.asfortranarray(np.ones(shape)) for shape in shapes}
        for array in arrays.values():
            array[...] = np.arange(array.size).reshape(array.shape) * 2**ranks.rank
        return ranks.sum_all(arrays)

    for found in on_ranks(3, summed):
        assert found.keys() == {f"{shape}" for shape in shapes}
        for shape in shapes:
            expected = 7.0 * np.arange(np.prod(shape)).reshape(shape)
            np.testing.assert_array_equal(found[f"{shape}"], expected)


def test_every_row_falls_to_one_rank() -> None:
    rows = np.arange(23, dtype=np.float32)[:, None]
    for size in (1, 2, 4, 7):
        seen = []
        for rank in range(size):
            shares = list(batches(rows, 10, generator(np, 1), rank, size))
            for n, x in zip((10, 10, 3), shares, strict=True):
                assert len(x) == -(-n // size)
                share = World(SimpleNamespace(COMM_WORLD=SimpleNamespace(rank=rank, size=size)))
                seen += share.share(n).own(x)[:, 0].tolist()
        assert sorted(seen) == rows[:, 0].tolist()


@pytest.mark.fault("ranks differ")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lr": 0.1}, "lr: 0.001 on rank 0, and 0.1 on rank 1; give all ranks the same"),
        ({"seed": 1}, "seed: 0 on rank 0, and 1 on rank 1"),
    ],
)
def test_ranks_with_other_options_are_refused(change: dict[str, Any], said: str) -> None:
    def met(ranks: World) -> None:
        given = change if ranks.rank == 1 else {}
        with pytest.raises(MinigenError, match=said):
            prepare(OPTIONS["vae"](**SMALL, **given), IMAGES).meet(ranks)

    on_ranks(3, met)


@pytest.mark.fault("ranks differ")
def test_ranks_with_other_data_are_refused() -> None:
    def met(ranks: World) -> None:
        data = Dataset("images", pixels(ranks.rank, 41, 64), IMAGES.test, (8, 8))
        with pytest.raises(MinigenError, match=r"SHA-256 of the rows: .* on rank 0, and .* rank 1"):
            prepare(OPTIONS["vae"](**SMALL), data).meet(ranks)

    on_ranks(2, met)


@pytest.mark.fault("ranks differ")
def test_ranks_that_compute_otherwise_are_noticed_after_the_epoch() -> None:
    """As on processors of two kinds: one parameter, in its last digits."""

    def drifting(ranks: World) -> None:
        run = prepare(OPTIONS["ae"](**SMALL, epochs=2), IMAGES)
        run.meet(ranks)
        run.model.encoder.params["0.bias"][0] += 1e-6 * ranks.rank
        with pytest.raises(MinigenError, match=r"parameters after epoch 1: .* on rank 0, and"):
            list(run.train())

    on_ranks(2, drifting)


@pytest.mark.fault("fewer rows than ranks")
def test_fewer_rows_than_ranks() -> None:
    def met(ranks: World) -> None:
        with pytest.raises(MinigenError, match="3 ranks for batches of 2 rows, and each needs one"):
            prepare(OPTIONS["ae"](**SMALL, batch_size=2), IMAGES).meet(ranks)

    on_ranks(3, met)


# Who has been started with whom


@pytest.fixture
def unlaunched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (name for pair in LAUNCHERS for name in pair):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_alone_nothing_is_imported(unlaunched: pytest.MonkeyPatch) -> None:
    unlaunched.setitem(sys.modules, "mpi4py", None)
    assert join() is ALONE
    unlaunched.setenv("PMI_RANK", "0")
    unlaunched.setenv("PMI_SIZE", "1")
    assert join() is ALONE


@pytest.mark.parametrize("names", LAUNCHERS, ids=lambda names: names[0])
def test_launchers(names: tuple[str, str], unlaunched: pytest.MonkeyPatch) -> None:
    assert launched() == (0, 1)
    for name, number in zip(names, "34", strict=True):
        unlaunched.setenv(name, number)
    assert launched() == (3, 4)


@pytest.mark.fault("no MPI")
def test_a_launcher_without_mpi4py_and_one_of_another_mpi(unlaunched: pytest.MonkeyPatch) -> None:
    unlaunched.setenv("PMI_RANK", "0")
    unlaunched.setenv("PMI_SIZE", "2")
    unlaunched.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MinigenError, match="2 processes were started together, and mpi4py"):
        join()
    alone = SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=SimpleNamespace(rank=0, size=1)))
    unlaunched.setitem(sys.modules, "mpi4py", alone)
    with pytest.raises(MinigenError, match="mpi4py sees 1: it runs on another MPI"):
        join()


# GPUs, as far as it can be told without two of them


@pytest.mark.parametrize(
    ("given", "place", "left"),
    [(None, 1, "1"), ("4,6", 0, "4"), ("4,6", 1, "6"), ("4,6", 2, ""), ("5", 1, "5")],
)
def test_each_rank_of_a_machine_takes_a_gpu(
    given: str | None, place: int, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of one is what a scheduler has given to this rank alone."""
    monkeypatch.setenv(DEVICES, given or "")
    if given is None:
        monkeypatch.delenv(DEVICES)
    world = SimpleNamespace(Split_type=lambda kind: SimpleNamespace(rank=place))
    _choose_device(SimpleNamespace(COMM_WORLD=world, COMM_TYPE_SHARED=None))
    assert os.environ[DEVICES] == left


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_on_gpus_are_summed_there(
    name: str, strict: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By NCCL, as CuPy's documentation has it; here, of two ranks with equal rows and noise."""
    started = []

    class Both:
        def all_reduce(self, given: Any, received: Any) -> None:
            received[...] = given * 2

    def init_process_group(n_devices: int, rank: int, *, use_mpi: bool) -> Both:
        started.append((n_devices, rank, use_mpi))
        return Both()

    fake = SimpleNamespace(init_process_group=init_process_group)
    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(distributed=fake))
    monkeypatch.setitem(sys.modules, "cupyx.distributed", fake)
    ranks = World(SimpleNamespace(COMM_WORLD=SimpleNamespace(rank=0, size=2)))
    trainer = prepare(OPTIONS[name](**SMALL), IMAGES, strict).trainer
    alone = prepare(OPTIONS[name](**SMALL), IMAGES, strict).trainer
    (x, *_) = batches(strict.asarray(IMAGES.train[:10]), 10)
    standin.transfers.clear()
    trainer.train_step(x, generator(strict, 1), ranks.share(20))
    assert standin.transfers == []
    alone.train_step(x, generator(strict, 1))
    assert started == [(2, 0, True)]
    for key, array in trainer.model.params.items():
        np.testing.assert_allclose(array.get(), alone.model.params[key].get(), atol=1e-5)
