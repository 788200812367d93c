"""Judges a trained model: `python -m minigen.evaluate RUN`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from minigen.backend import NAMES
from minigen.metrics.finding import Finding
from minigen.workshop import cli
from minigen.workshop.runs import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _parser().parse_args(arguments)
    return cli.run(lambda: _evaluate(options), debug=options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m minigen.evaluate", description=__doc__)
    add = parser.add_argument
    add("run", type=cli.folder, metavar="RUN", help="a run folder that minigen.train left")
    add(
        "--draws",
        type=cli.whole(1),
        default=1000,
        metavar="K",
        help="of z for each row, in a VAE's importance-weighted bound",
    )
    add(
        "--rows",
        type=cli.whole(2),
        default=500,
        metavar="N",
        help="test rows for that bound, drawn from all",
    )
    add("--json", action="store_true", help="print one JSON document and nothing else")
    add("--backend", choices=NAMES, default="numpy", help="where to compute")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _evaluate(options: argparse.Namespace) -> None:
    xp = cli.backend(options.backend)
    run = Run.existing(options.run)
    system, dataset, epoch = run.load(xp)
    with cli.bar(100, "%") as bar:

        def progress(done: float) -> None:
            bar.n = round(100 * done)
            bar.refresh()

        findings = system.evaluate(dataset, vars(options), progress)
    if options.json:
        found = [asdict(finding) for finding in findings]
        print(json.dumps({"run": str(run.path), "epoch": epoch, "findings": found}))
    else:
        moment = f"after epoch {epoch}" if epoch else "untrained, before epoch 1"
        print(f"{run.path}: {system.description}, on {dataset.name}, {moment}")
        print("\n".join(map(_lines, findings)))


def _lines(finding: Finding) -> str:
    value = f"{finding.value:.4f}" if isinstance(finding.value, float) else f"{finding.value}"
    if finding.standard_error is not None:
        value += f" +- {finding.standard_error:.4f}"
    return (
        f"\n{finding.name}: {value} {finding.unit}\n"
        f"    beside it: {finding.limit}\n"
        f"    mind: {finding.caveat}"
    )


if __name__ == "__main__":
    sys.exit(main())
