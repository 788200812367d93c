"""Judges a trained model: `python -m minigen.evaluate RUN`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from minigen.metrics import judge
from minigen.training.progress import progress_bar
from minigen.workshop import cli, process
from minigen.workshop.folder import RunFolder
from minigen.workshop.runs import read_run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _parser().parse_args(arguments)
    return process.run(lambda: _evaluate(options), debug=options.debug)


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
    cli.add_backend(parser)
    return parser


def _evaluate(options: argparse.Namespace) -> None:
    xp = cli.backend(options.backend)
    folder = RunFolder.existing(options.run)
    run, _ = read_run(folder, xp)
    epoch = len(run.history)
    with progress_bar(100, "%") as bar:

        def progress(done: float) -> None:
            bar.n = round(100 * done)
            bar.refresh()

        findings = judge(run, draws=options.draws, rows=options.rows, progress=progress)
    if options.json:
        found = [asdict(finding) for finding in findings]
        print(json.dumps({"run": str(folder.path), "epoch": epoch, "findings": found}))
    else:
        moment = f"after epoch {epoch}" if epoch else "untrained, before epoch 1"
        print(f"{folder.path}: {run.model.outline}, on {run.dataset.name}, {moment}")
        print(*(f"\n{finding}" for finding in findings), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
