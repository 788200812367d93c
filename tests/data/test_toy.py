"""Toy densities: samples and density are of one mixture, and that mixture is the published one."""

import math
from pathlib import Path

import numpy as np
import pytest

from minigen.backend import generator
from minigen.data import load
from minigen.data.mixture import Mixture, log_mixture
from minigen.data.toy import MIXTURES, toy_dataset
from minigen.errors import MinigenError
from minigen.training.loop import Stream

PUBLISHED = [("ring", 8, 2, 0.01), ("grid", 25, 2, 0.05), ("mixture", 3, 1, 0.4)]
every_mixture = pytest.mark.parametrize("name", MIXTURES)


class TestDefinitions:
    @pytest.mark.parametrize(("name", "n_modes", "width", "std"), PUBLISHED)
    def test_sizes(self, name: str, n_modes: int, width: int, std: float) -> None:
        assert MIXTURES[name].centres.shape == (n_modes, width)
        assert MIXTURES[name].width == width
        assert MIXTURES[name].std == std

    def test_ring_is_even(self) -> None:
        """Each centre on the unit circle, and an eighth of a turn from the next."""
        points = MIXTURES["ring"].centres @ [1, 1j]
        np.testing.assert_allclose(abs(points), 1, rtol=1e-15)
        turns = np.roll(points, -1) / points
        np.testing.assert_allclose(turns, np.exp(2j * np.pi / 8), rtol=1e-15)
        assert points[0] == 1

    def test_grid(self) -> None:
        expected = {(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
        assert {tuple(centre) for centre in MIXTURES["grid"].centres.tolist()} == expected

    @every_mixture
    def test_modes_are_apart(self, name: str) -> None:
        """6 std, so that "within 3 std" means one mode."""
        distances = np.sqrt(MIXTURES[name].squared_distances(MIXTURES[name].centres))
        np.fill_diagonal(distances, np.inf)
        assert distances.min() > 6 * MIXTURES[name].std

    @pytest.mark.parametrize(
        ("centres", "std"),
        [(np.zeros(3), 1), (np.zeros((0, 2)), 1), (np.zeros((3, 0)), 1), (np.zeros((3, 2)), 0)]
        + [(np.zeros((3, 2)), std) for std in (-1, math.nan)],
    )
    def test_no_mixture(self, centres: np.ndarray, std: float) -> None:
        with pytest.raises(MinigenError, match=r"expected centres of shape \(K, D\) and std > 0"):
            Mixture(centres, std)


class TestSample:
    @every_mixture
    def test_moments(self, name: str) -> None:
        """Of each component: its share, mean and covariance, within five standard errors."""
        mixture, n = MIXTURES[name], 40_000
        rows, component = mixture.sample(n, np.random.default_rng(0))
        n_modes = len(mixture.centres)
        assert rows.shape == (n, mixture.width)
        counts = np.bincount(component, minlength=n_modes)
        assert len(counts) == n_modes
        assert abs(counts - n / n_modes).max() < 5 * math.sqrt(n / n_modes)
        for k in range(n_modes):
            unit = (rows[component == k] - mixture.centres[k]) / mixture.std
            error = 1 / math.sqrt(counts[k])
            assert abs(unit.mean(axis=0)).max() < 5 * error
            second = unit.T @ unit / counts[k] - np.eye(mixture.width)
            assert abs(second).max() < 5 * math.sqrt(2) * error

    def test_is_a_function_of_the_generator(self) -> None:
        first, second, other = (
            MIXTURES["grid"].sample(9, np.random.default_rng(s)) for s in (0, 0, 1)
        )
        np.testing.assert_array_equal(first[0], second[0])
        assert not np.array_equal(first[0], other[0])


class TestDensity:
    @every_mixture
    def test_integral_is_one(self, name: str) -> None:
        """A sum over a lattice is exact for Gaussians, to 1e-13 at steps of 0.8 std."""
        mixture = MIXTURES[name]
        step, reach = 0.8 * mixture.std, abs(mixture.centres).max() + 9 * mixture.std
        ticks = np.arange(-reach, reach, step)
        axes = np.meshgrid(*[ticks] * mixture.width)
        lattice = np.stack([axis.ravel() for axis in axes], axis=1)
        integral = np.exp(mixture.log_density(lattice)).sum() * step**mixture.width
        assert integral == pytest.approx(1, abs=1e-11)

    @every_mixture
    def test_entropy_of_its_own_samples(self, name: str) -> None:
        """Of modes far apart: log K + D/2 log(2 pi e std^2); the variance of log p is D/2."""
        mixture, n = MIXTURES[name], 20_000
        rows, _ = mixture.sample(n, np.random.default_rng(1))
        scale = math.log(2 * math.pi * math.e * mixture.std**2)
        entropy = math.log(len(mixture.centres)) + mixture.width / 2 * scale
        error = math.sqrt(mixture.width / 2 / n)
        assert mixture.log_density(rows).mean() == pytest.approx(-entropy, abs=5 * error)

    def test_by_hand(self) -> None:
        mixture = Mixture(np.array([[0.0, 0.0], [3.0, 4.0]]), std=2.0)
        at_first = 0.5 / (2 * math.pi * 4) * (1 + math.exp(-25 / 8))
        density = np.exp(mixture.log_density(np.array([[0.0, 0.0], [3.0, 4.0]])))
        np.testing.assert_allclose(density, at_first, rtol=1e-14)

    def test_far_away(self) -> None:
        """Where every term underflows: -d^2 / (2 std^2) - log(std sqrt(2 pi)), at d = 1000."""
        x = np.array([[1000.0]], dtype=np.float32)
        log_density = Mixture(np.zeros((4, 1)), std=0.01).log_density(x)
        expected = -(1000**2) / (2 * 0.01**2) - math.log(0.01 * math.sqrt(2 * math.pi))
        np.testing.assert_allclose(log_density, expected, rtol=1e-15)
        assert log_density.dtype == np.float64

    @pytest.mark.parametrize("shape", [(5, 1), (5, 3), (2,), (5, 2, 2)])
    def test_other_shapes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(MinigenError, match=r"expected rows of shape \(N, 2\), got"):
            MIXTURES["ring"].log_density(np.zeros(shape))

    def test_log_mixture_leaves_its_argument(self) -> None:
        squared = np.arange(6.0).reshape(2, 3)
        log_mixture(squared, 2, 1.0)
        np.testing.assert_array_equal(squared, np.arange(6.0).reshape(2, 3))


class TestLoad:
    @pytest.mark.parametrize(("name", "n_modes", "width", "std"), PUBLISHED)
    def test_rows_and_labels(self, name: str, n_modes: int, width: int, std: float) -> None:
        data = load(name, seed=3)
        assert data.name == name
        assert data.image_shape is None
        assert data.notes == (f"drawn from {n_modes} Gaussians of std {std} by seed 3",)
        for rows, labels, n in [
            (data.train, data.train_labels, 50_000),
            (data.test, data.test_labels, 10_000),
        ]:
            assert rows.shape == (n, width)
            assert rows.dtype == np.float32
            assert labels is not None
            assert labels.dtype == np.int64
            assert labels.shape == (n,)
            assert set(labels) == set(range(n_modes))
            farthest = abs(rows - MIXTURES[name].centres[labels]).max()
            assert 3 * std < farthest < 6 * std

    def test_seed(self) -> None:
        first, second, other = load("grid", seed=0), load("grid"), load("grid", seed=1)
        np.testing.assert_array_equal(first.train, second.train)
        np.testing.assert_array_equal(first.test, second.test)
        assert not np.array_equal(first.train, other.train)

    def test_test_rows_are_others(self) -> None:
        data = load("ring")
        assert not set(map(bytes, data.train)) & set(map(bytes, data.test))
        assert data.train_labels is not None
        assert data.test_labels is not None
        assert not np.array_equal(data.train_labels[:10_000], data.test_labels)

    @pytest.mark.parametrize("stream", Stream)
    def test_numbers_of_their_own(self, stream: Stream) -> None:
        """SeedSequence(seed) and SeedSequence((seed, 0)) are the same stream: a trap."""
        data = toy_dataset("ring", seed=5)
        rows, _ = MIXTURES["ring"].sample(len(data.train), generator(np, 5, stream))
        assert not np.array_equal(data.train, rows.astype(np.float32))

    def test_a_file_of_that_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("ring").mkdir()
        assert load("ring").train.shape == (50_000, 2)

    def test_error_names_them(self) -> None:
        with pytest.raises(MinigenError, match=r"or name a toy density: ring, grid, mixture$"):
            load("rings")
