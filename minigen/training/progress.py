"""A progress bar, where there is a terminal or a notebook that can move its cursor."""

import os
import sys
from typing import Any


def progress_bar(total: float, unit: str, initial: float = 0, disable: bool = False) -> Any:
    """Make a bar of tqdm; elsewhere, and where `disable` asks for it, one that shows nothing.

    Args:
        total: units at its end.
        unit: what is counted.
        initial: units that were done before, which say nothing of the time left.
        disable: show nothing.
    """
    from tqdm.auto import tqdm

    plain = os.environ.get("TERM") == "dumb" or disable
    on_terminal = None  # lets tqdm look whether stderr is one
    shown = False if "ipykernel" in sys.modules else on_terminal
    return tqdm(total=total, unit=unit, initial=initial, leave=False, disable=plain or shown)
