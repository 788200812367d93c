"""The proof: a checker of backward passes, and the list of all derivations in the package.

`python -m minigen.gradcheck` prints the table.
"""

from minigen.gradcheck.checker import check_function, check_layer, check_params
from minigen.gradcheck.report import Comparison, Report

__all__ = ["Comparison", "Report", "check_function", "check_layer", "check_params"]
