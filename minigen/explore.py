"""Makes a page to play with a trained model: `python -m minigen.explore RUN`."""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from minigen.metrics import judge
from minigen.workshop import cli, process
from minigen.workshop.explore import explore
from minigen.workshop.folder import RunFolder
from minigen.workshop.runs import read_run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns its exit status."""
    options = _parser().parse_args(arguments)
    return process.run(lambda: _explore(options), debug=options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m minigen.explore", description=__doc__)
    add = parser.add_argument
    add("run", type=cli.folder, metavar="RUN", help="a run folder that minigen.train left")
    add(
        "--out",
        type=cli.file(".html"),
        metavar="FILE",
        help="the page, an .html file, which is replaced; without it, explore.html in RUN",
    )
    add(
        "--judge",
        action="store_true",
        help="judge the model first, which can take minutes, and show the findings too",
    )
    cli.add_backend(parser)
    return parser


def _explore(options: argparse.Namespace) -> None:
    xp = cli.backend(options.backend)
    folder = RunFolder.existing(options.run)
    run, _ = read_run(folder, xp)
    findings = judge(run) if options.judge else []
    path = explore(run, options.out or folder.page, findings=findings)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser")


class _Command(ModuleType):
    """This module: `minigen.explore` is a function, and stays one when this module is imported."""

    __call__ = staticmethod(explore)


sys.modules[__name__].__class__ = _Command

if __name__ == "__main__":
    sys.exit(main())
