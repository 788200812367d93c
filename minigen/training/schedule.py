"""The learning rates' schedule: its options, and how far it may go."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from minigen.errors import MinigenError
from minigen.workshop import cli

LEAST, MOST = 1e-30, 1e30  # beyond them, float32 makes steps 0 or infinite


def add_schedule(add: Callable[..., object]) -> None:
    """Declare the options of the learning rate's schedule, by argparse's add_argument."""
    add(
        "--milestones",
        type=cli.wholes,
        default="",
        metavar="EPOCHS",
        help="epochs after which learning rates are multiplied by --gamma, such as 50,75",
    )
    add(
        "--gamma",
        type=cli.real(above=0),
        default=0.1,
        metavar="FACTOR",
        help="what learning rates are multiplied by at each milestone",
    )


def check_rates(rates: Mapping[str, float], options: Mapping[str, Any]) -> None:
    """Raises MinigenError where a learning rate is out of bounds, at first or at last."""
    factors = [options["gamma"]] * len(options["milestones"])
    for first in rates.values():
        last = math.prod(factors, start=first)  # infinite, where gamma**n would be an error
        if not (LEAST <= first <= MOST and LEAST <= last <= MOST):
            names = [name for name in options if name.endswith("lr")]
            names += ["gamma", "milestones"] if factors else []
            given = ", ".join(cli.spelled(name, options[name]) for name in names)
            span = f"from {first:g} to {last:g}" if factors else f"of {first:g}"
            raise MinigenError(
                f"{given}: a learning rate {span}; keep it between {LEAST:g} and {MOST:g}"
            )
