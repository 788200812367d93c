"""Options as frozen dataclasses: one declaration for notebooks, the command line and checkpoints.

    @dataclass(frozen=True, kw_only=True)
    class VAEOptions(Options):
        latent_dim: int = option(20, "width of the code z", metavar="Z", least=1)

Every way in goes by the same rule: VAEOptions(latent_dim=0) says what the command line says.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Self, get_args, get_origin

from minigen.checks import as_whole
from minigen.errors import MinigenError

LEAST_RATE, MOST_RATE = 1e-30, 1e30  # beyond them, float32 makes steps 0 or infinite


def option(
    default: Any,
    help: str,
    *,
    metavar: str | None = None,
    choices: Sequence[str] = (),
    least: float | None = None,
    above: float | None = None,
    below: float = math.inf,
    derived: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a field of Options: a bool, int, float or str, or a tuple of ints or of floats.

    Args:
        default: its value where none is given.
        help: what it is, for the command line and for readers.
        metavar: what to call its value there.
        choices: all that a str may be.
        least: a number, or each in a tuple, is at least this, or ...
        above: ... greater than this,
        below: and less than this.
        derived: makes its value of the options declared above it, where it is None.
    """
    metadata = {"help": help, "metavar": metavar, "choices": choices, "derived": derived}
    return field(
        default=default, metadata=metadata | {"least": least, "above": above, "below": below}
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options that all models have. Numbers of NumPy and lists become plain ones and tuples.

    Raises:
        MinigenError: a value is out of its range, or the learning rates become so; an option is
            unknown.
    """

    model: ClassVar[str]  # its short name
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}  # options of whole experiments

    hidden: tuple[int, ...] = option(
        (400,),
        "hidden layers of the encoder, mirrored by the decoder; '' makes both linear",
        metavar="WIDTHS",
        least=1,
    )
    latent_dim: int = option(20, "width of the code z", metavar="Z", least=1)
    milestones: tuple[int, ...] = option(
        (),
        "epochs after which learning rates are multiplied by gamma, such as 50,75",
        metavar="EPOCHS",
        least=1,
    )
    gamma: float = option(
        0.1, "what learning rates are multiplied by at each milestone", metavar="FACTOR", above=0
    )
    epochs: int = option(10, "passes over the rows", metavar="N", least=1)
    batch_size: int = option(128, "rows in a batch", metavar="N", least=1)
    seed: int = option(0, "same seed, same run", metavar="N", least=0)
    threads: int = option(
        1, "of the matrix products; two pay from about 1000 rows or units", metavar="N", least=1
    )

    def __post_init__(self) -> None:
        for rule in fields(self):
            value = getattr(self, rule.name)
            if value is None and (derived := rule.metadata["derived"]):
                value = derived(self)
            try:
                object.__setattr__(self, rule.name, checked(rule, value))
            except ValueError as error:
                raise MinigenError(f"{rule.name} must be {error}, got {value!r}") from None
        self._check_rates()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Make options of a mapping that names some of them.

        Raises:
            MinigenError: a name is not one of them, or a value is out of its range.
        """
        unknown = sorted(values.keys() - {rule.name for rule in fields(cls)})
        if unknown:
            known = ", ".join(rule.name for rule in fields(cls))
            raise MinigenError(f"{cls.__name__} has no option {unknown[0]!r}; it has {known}")
        return cls(**values)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Make the options of a whole experiment, with these changes.

        Raises:
            MinigenError: there is no preset of this name; and as for `of`.
        """
        if name not in cls.presets:
            known = ", ".join(cls.presets) or "none"
            raise MinigenError(f"no preset {name!r} of {cls.__name__}; choose one of {known}")
        return cls.of({**cls.presets[name], **changes})

    def rate_factor(self, epoch: int) -> float:
        """The factor of the learning rates in this epoch: gamma for each milestone behind it."""
        return self.gamma ** sum(milestone < epoch for milestone in self.milestones)

    def _check_rates(self) -> None:
        names = [rule.name for rule in fields(self) if rule.name.endswith("lr")]
        for first in (getattr(self, name) for name in names):
            factors = [self.gamma] * len(self.milestones)
            last = math.prod(factors, start=first)  # infinite, where gamma**n would be an error
            if not (LEAST_RATE <= first <= MOST_RATE and LEAST_RATE <= last <= MOST_RATE):
                span = f"from {first:g} to {last:g}" if factors else f"of {first:g}"
                given = ", ".join([*names, "gamma", "milestones"] if factors else names)
                raise MinigenError(
                    f"{given}: a learning rate {span}; keep it between {LEAST_RATE:g} and "
                    f"{MOST_RATE:g}"
                )


def checked(rule: "Field[Any]", value: Any) -> Any:
    """Return value as the type that a field has.

    Raises:
        ValueError: it breaks the field's rule; the text is what it must be.
    """
    kind = rule.type
    if kind in (bool, str):
        return _chosen(rule, value)
    if get_origin(kind) is not tuple:
        return _number(rule, kind, value)
    item, *rest = get_args(kind)
    numbers = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    size = "" if rest == [...] else f"{len(rest) + 1} "
    if size and len(numbers) != len(rest) + 1:
        raise ValueError(f"{size}numbers")
    made = []
    for number in numbers:
        try:
            made.append(_number(rule, item, number))
        except ValueError as error:
            blame = f", and {number!r} is not" if len(numbers) > 1 else ""
            raise ValueError(f"{size}numbers, each {error}{blame}") from None
    return tuple(made)


def _chosen(rule: "Field[Any]", value: Any) -> Any:
    """A bool, or a str that is among a field's choices."""
    kind: Any = rule.type
    choices = (True, False) if kind is bool else rule.metadata["choices"]
    if not (isinstance(value, kind) and value in choices):
        raise ValueError(" or ".join(map(str, choices)))
    return value


def _number(rule: "Field[Any]", kind: Any, value: Any) -> int | float:
    """A number of this kind, within a field's bounds."""
    least, above, below = (rule.metadata[name] for name in ("least", "above", "below"))
    if kind is int:
        return as_whole(value, least)
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    low = number >= least if above is None else number > above
    if not (low and number < below):
        bound = f"of at least {least:g}" if above is None else f"greater than {above:g}"
        most = "" if below == math.inf else f" and less than {below:g}"
        raise ValueError(f"a finite number {bound}{most}")
    return number
