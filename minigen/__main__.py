"""Generative models from scratch: one command for all of them, `minigen COMMAND ...`."""

import sys
from collections.abc import Sequence
from importlib import import_module

from minigen.workshop import cli

COMMANDS = {
    "train": ("minigen.train", "train a model, and leave a run folder behind"),
    "sample": ("minigen.sample", "draw new rows from a trained model"),
    "evaluate": ("minigen.evaluate", "judge a trained model: each number with its unit"),
    "explore": ("minigen.explore", "make a page to play with a trained model"),
    "gradcheck": ("minigen.gradcheck.__main__", "check every derivation"),
    "practice": ("minigen.practice.__main__", "write backward passes, and have them checked"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first word names with the rest; returns its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = cli.Parser(
        prog="minigen",
        description=__doc__,
        epilog="minigen COMMAND --help tells more; python -m minigen.COMMAND does the same.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what)
    module, _ = COMMANDS[parser.parse_args(words[:1] or ["--help"]).command]
    status: int = import_module(module).main(words[1:])
    return status


if __name__ == "__main__":
    sys.exit(main())
