"""What a check found: every comparison, and every rule that was broken."""

from dataclasses import dataclass

from minigen.errors import MinigenError
from minigen.gradcheck.measures import DIFFERENCE_STEP

METHODS = COMPLEX, CENTRAL = "complex step", "central differences"

Indices = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Comparison:
    """One variable's gradient against one measure of it, and the entry where they differ most."""

    variable: str
    method: str
    error: float
    tolerance: float
    index: tuple[int, ...]
    backward: float
    measured: float
    kinks: Indices = ()
    curved: bool = False  # what differs is explained by the step, and the complex step agrees

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance and not self.kinks

    def __str__(self) -> str:
        line = f"{self.variable:24} {self.method:20} error {self.error:.1e}"
        if self.kinks:
            entry = list(self.kinks[0])
            return f"{line}  KINK within {DIFFERENCE_STEP} of entry {entry}; move the input"
        if self.curved:
            entry = list(self.index)
            return f"{line}  TOO CURVED for a step of {DIFFERENCE_STEP} at {entry}; trust the other"
        if not self.ok:
            return (
                f"{line}  WRONG (above {self.tolerance:.0e}), most at {list(self.index)}: "
                f"backward gives {self.backward!r}, the forward pass {self.measured!r}"
            )
        return f"{line}  ok"


@dataclass(frozen=True)
class Report:
    """Every comparison, and every rule of a backward pass that was broken. `print` it."""

    comparisons: tuple[Comparison, ...]
    broken: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.broken and all(comparison.ok for comparison in self.comparisons)

    def error(self, method: str) -> float:
        """The largest error by "complex step" or "central differences".

        Raises:
            MinigenError: it is neither, or nothing was compared, since a rule was broken.
        """
        if method not in METHODS:
            raise MinigenError(f"no method {method!r}; choose one of {', '.join(METHODS)}")
        if self.broken:
            raise MinigenError(f"nothing was compared: {'; '.join(self.broken)}")
        return max(c.error for c in self.comparisons if c.method == method)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.comparisons), *self.broken])
