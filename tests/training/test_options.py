"""Options: one rule for notebooks, the command line and checkpoints."""

import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pytest

from minigen.checks import check_whole
from minigen.errors import MinigenError
from minigen.train import main
from minigen.training import OPTIONS, AutoencoderOptions, GANOptions, VAEOptions

WRONG = [
    (VAEOptions, "latent_dim", 0, "0"),
    (VAEOptions, "latent_dim", 2.5, "2.5"),
    (VAEOptions, "latent_dim", 2**31, f"{2**31}"),
    (VAEOptions, "hidden", (400, 0), "400,0"),
    (VAEOptions, "lr", 0.0, "0"),
    (VAEOptions, "lr", float("nan"), "nan"),
    (VAEOptions, "beta", -1.0, "-1"),
    (VAEOptions, "adam_eps", 0.0, "0"),
    (VAEOptions, "epochs", 0, "0"),
    (VAEOptions, "seed", -1, "-1"),
    (GANOptions, "betas", (0.5,), "0.5"),
    (GANOptions, "betas", (0.5, 1.0), "0.5,1"),
    (GANOptions, "smoothing", 0.5, "0.5"),
    (GANOptions, "averaging", 1.0, "1"),
    (AutoencoderOptions, "noise", float("inf"), "inf"),
]


@pytest.mark.parametrize(("kind", "name", "value", "text"), WRONG)
def test_the_command_line_says_what_a_notebook_says(
    kind: Any, name: str, value: Any, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MinigenError) as raised:
        kind(**{name: value})
    sentence, _, got = f"{raised.value}".partition(", got ")
    assert sentence.startswith(f"{name} must be ")
    assert got == repr(value)
    with pytest.raises(SystemExit) as stopped:
        main([kind.model, f"--{name.replace('_', '-')}={text}"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    flag = name.replace("_", "-")
    assert f"argument --{flag}: {sentence.removeprefix(f'{name} ')}, got '{text}'" in said


@pytest.mark.parametrize(
    "value",
    [2**31, np.int64(2**31), np.uint64(2**63), 10**400],
    ids=["int", "int64", "uint64", "beyond floats"],
)
@pytest.mark.parametrize(
    "entrance",
    [
        lambda value: check_whole("value", value, least=0),
        lambda value: VAEOptions(epochs=value),
        lambda value: VAEOptions(hidden=(3, value)),
    ],
)
def test_too_large_a_number_hears_of_the_largest(entrance: Any, value: Any) -> None:
    """What it is above, not a least number that it is above too."""
    with pytest.raises(MinigenError, match="a whole number of at most 2147483647, ") as raised:
        entrance(value)
    assert "at least" not in f"{raised.value}"


def test_the_number_to_blame_is_named() -> None:
    with pytest.raises(MinigenError, match=r"^hidden must be numbers, each a whole number of at l"):
        VAEOptions(hidden=(3, 0))
    with pytest.raises(MinigenError, match=r", and 0 is not, got \(3, 0\)$"):
        VAEOptions(hidden=(3, 0))
    with pytest.raises(MinigenError, match=r"^betas must be 2 numbers, got \(0.5,\)$"):
        GANOptions(betas=(0.5,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [("latent_dim", True), ("latent_dim", "3"), ("hidden", "400"), ("binarize", 1), ("init", "x")],
)
def test_values_of_another_type_are_refused(name: str, value: Any) -> None:
    with pytest.raises(MinigenError, match=rf"^{name} must be .*, got {value!r}$"):
        VAEOptions(**{name: value})


def test_numbers_of_numpy_and_lists_become_plain() -> None:
    values = {"latent_dim": np.int64(3), "hidden": [4, 5], "lr": np.float32(0.5), "beta": 2}
    given = VAEOptions.of(values)
    assert given == VAEOptions(latent_dim=3, hidden=(4, 5), lr=0.5, beta=2.0)
    assert [type(given.latent_dim), type(given.lr), type(given.beta)] == [int, float, float]
    assert VAEOptions.of({"hidden": 7}).hidden == (7,)
    assert VAEOptions(hidden=()).hidden == ()


@pytest.mark.parametrize("kind", OPTIONS.values())
def test_options_come_back_from_json(kind: Any) -> None:
    changed = kind(hidden=(3, 2), milestones=(1, 5), lr=1 / 3)
    assert kind.of(json.loads(json.dumps(asdict(changed)))) == changed


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(MinigenError, match="VAEOptions has no option 'noise'; it has hidden"):
        VAEOptions.of({"noise": 1})


@pytest.mark.parametrize("kind", OPTIONS.values())
def test_every_option_says_what_it_is(kind: Any) -> None:
    assert all(rule.metadata["help"] for rule in fields(kind))


def test_a_preset_gives_way_to_what_stands_beside_it() -> None:
    preset = VAEOptions.preset("iwae-300")
    assert (preset.hidden, preset.epochs, preset.binarize) == ((200, 200), 300, True)
    assert VAEOptions.preset("iwae-300", epochs=2).epochs == 2
    with pytest.raises(MinigenError, match="no preset 'x' of GANOptions; choose one of modes"):
        GANOptions.preset("x")


def test_learning_rates_stay_within_float32() -> None:
    with pytest.raises(MinigenError, match=r"a learning rate of 1e-40; keep it between 1e-30"):
        VAEOptions(lr=1e-40)
    with pytest.raises(MinigenError, match=r"lr, gamma, milestones: .* from 0\.001 to 1e-63"):
        VAEOptions(milestones=(1, 2), gamma=1e-30)
    with pytest.raises(MinigenError, match="discriminator_lr"):
        GANOptions(discriminator_lr=1e31)


def test_draws_and_beta_contradict_each_other() -> None:
    with pytest.raises(MinigenError, match="beta 2 with 3 importance samples"):
        VAEOptions(beta=2, importance_samples=3)


def test_rates_fall_after_each_milestone() -> None:
    options = VAEOptions(milestones=(2, 4), gamma=0.5)
    assert [options.rate_factor(epoch) for epoch in range(1, 6)] == [1, 1, 0.5, 0.5, 0.25]
