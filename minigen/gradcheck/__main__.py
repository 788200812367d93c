"""Checks every derivation: `python -m minigen.gradcheck`."""

import argparse
import json
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from minigen.gradcheck.derivation import Derivation, Draw
from minigen.gradcheck.derivations import DERIVATIONS
from minigen.gradcheck.report import METHODS, Report
from minigen.workshop import cli, process


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every derivation and print the table; exit status 1 if one fails."""
    parser = cli.Parser(
        prog="python -m minigen.gradcheck",
        description="Checks every derivation by complex steps and by central differences.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document, nothing else")
    cli.add_backend(parser)
    options = parser.parse_args(arguments)
    failed: list[str] = []
    status = process.run(lambda: failed.extend(_table(options)), debug=options.debug)
    return status or (process.FAILED if failed else 0)


def _checked(derivation: Derivation, xp: ModuleType) -> Report:
    """The report; a pass that raises, at a transposed product for one, has failed too."""
    try:
        return derivation.check(Draw(xp))
    except Exception as error:
        return Report((), (f"raised {type(error).__name__}: {error}",))


def _table(options: argparse.Namespace) -> list[str]:
    """Print the table; the tags that failed."""
    xp = cli.backend(options.backend)
    rows: list[dict[str, Any]] = []
    if not options.json:
        print(f"{'tag':4} {'derivation':48} {'complex':>8} {'central':>8}")
    for derivation in DERIVATIONS:
        report = _checked(derivation, xp)
        errors = {
            method: max((c.error for c in report.comparisons if c.method == method), default=None)
            for method in METHODS
        }
        rows.append({"tag": derivation.tag, "what": derivation.what, **errors, "ok": report.ok})
        if not options.json:
            columns = " ".join(f"{'-' if e is None else f'{e:.1e}':>8}" for e in errors.values())
            verdict = "ok" if report.ok else f"FAILED\n{report}"
            print(f"{derivation.tag:4} {derivation.what:48} {columns}  {verdict}")
    if options.json:
        print(json.dumps({"derivations": rows}, indent=1))
    else:
        good = sum(row["ok"] for row in rows)
        print(f"{good} of {len(rows)} derivations agree with their forward pass")
    return [row["tag"] for row in rows if not row["ok"]]


if __name__ == "__main__":
    sys.exit(main())
