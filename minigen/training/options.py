"""Options as frozen dataclasses: one declaration for notebooks, the command line and checkpoints.

    @dataclass(frozen=True, kw_only=True)
    class VAEOptions(Options):
        latent_dim: int = option(20, "width of the code z", metavar="Z", least=1)

Every way in goes by the same rule: VAEOptions(latent_dim=0) says what the command line says.
"""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Self, get_args, get_origin

from minigen.checks import LARGEST
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
    """
    metadata = {"help": help, "metavar": metavar, "choices": choices}
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
            try:
                object.__setattr__(self, rule.name, checked(rule, value))
            except ValueError as error:
                raise MinigenError(f"{rule.name} {error}, got {value!r}") from None
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
        ValueError: it breaks the field's rule; says what it must be.
    """
    kind, choices = rule.type, rule.metadata["choices"]
    if kind is bool and isinstance(value, bool):
        return value
    if kind is bool or (kind is str and value not in choices):
        raise ValueError(f"must be {'True or False' if kind is bool else ' or '.join(choices)}")
    if kind is str:
        return value
    item, *rest = get_args(kind) or (kind,)
    numbers = tuple(value) if rest and isinstance(value, Sequence) else (value,)
    wrong = [number for number in numbers if not _inside(rule, item, number)]
    count = len(rest) + 1 if rest and rest != [...] else len(numbers)
    if wrong or len(numbers) != count:
        raise ValueError(_demand(rule, item, wrong, numbers))
    numbers = tuple(item(number) for number in numbers)
    return numbers if rest else numbers[0]


def _demand(rule: "Field[Any]", item: type, wrong: Sequence[Any], numbers: Sequence[Any]) -> str:
    """The rule that the numbers of a field break, in words."""
    least, above, below = (rule.metadata[name] for name in ("least", "above", "below"))
    bound = f"of at least {least:g}" if above is None else f"greater than {above:g}"
    bound += "" if below == math.inf else f" and less than {below:g}"
    what = "whole number" if item is int else "finite number"
    if item is int and any(type(number) is int and number > LARGEST for number in wrong):
        bound = f"of at most {LARGEST}"
    if get_origin(rule.type) is tuple:
        size = "" if get_args(rule.type)[-1] is ... else f"{len(get_args(rule.type))} "
        blame = f", and {wrong[0]!r} is not" if wrong and len(numbers) > 1 else ""
        return f"must be {size}{what}s {bound}{blame}"
    return f"must be a {what} {bound}"


def _inside(rule: "Field[Any]", kind: type, number: Any) -> bool:
    """Whether a number is of a field's kind, and within its bounds."""
    if isinstance(number, bool | str):
        return False
    try:
        number = operator.index(number) if kind is int else float(number)
    except (TypeError, ValueError, OverflowError):
        return False
    least, above, below = (rule.metadata[name] for name in ("least", "above", "below"))
    low = number >= least if above is None else number > above
    return bool(low and number < below and (kind is float or number <= LARGEST))
