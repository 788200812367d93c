"""The proof: a checker of backward passes, and the list of all derivations in the package.

`python -m minigen.gradcheck` prints the table.
"""

from minigen.gradcheck.checker import (
    Comparison,
    Report,
    check_function,
    check_layer,
    check_params,
)

__all__ = ["Comparison", "Report", "check_function", "check_layer", "check_params"]
