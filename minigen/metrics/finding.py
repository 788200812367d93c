"""What an evaluation finds: a number, and what it takes to read it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One number of an evaluation.

    Args:
        name: what was measured.
        value: the number.
        unit: its unit.
        limit: its floor or ceiling, or the value that something known has.
        caveat: what it does not mean.
        standard_error: of the value, where it was estimated.
    """

    name: str
    value: float
    unit: str
    limit: str
    caveat: str
    standard_error: float | None = None
