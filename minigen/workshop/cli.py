"""The command line: options declared from dataclasses, checked as they are read."""

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, fields
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, get_args

import minigen
from minigen.backend import NAMES, select
from minigen.checks import as_whole
from minigen.errors import MinigenError
from minigen.training.options import Options, checked
from minigen.workshop.process import BAD_ARGUMENTS, quoted, run

LAST = {rule.name for rule in fields(Options)} - {"hidden", "latent_dim"}  # after the model's own

DESTROYS = "--overwrite"  # never a suggestion


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Adds to each option's help the default, where there is one that says something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        plain = action.default in (None, "") or action.default is False
        return action.help if plain else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """argparse, with errors in one line and without guessing at abbreviated options.

    Args:
        siblings: by name, the parsers beside it, whose options a user may have meant.
        kwargs: of argparse.
    """

    def __init__(self, siblings: Mapping[str, "Parser"] | None = None, **kwargs: object) -> None:
        self.siblings = {} if siblings is None else siblings  # which may be added later
        super().__init__(
            allow_abbrev=False,
            formatter_class=HelpFormatter,
            **kwargs,  # type: ignore[arg-type]
        )
        self.add_argument("--version", action="version", version=f"minigen {minigen.__version__}")

    def error(self, message: str) -> NoReturn:
        message = " ".join(message.split())
        self.exit(BAD_ARGUMENTS, f"minigen: error: {message}; {self._hint(message)}\n")

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Parse; a subparser refuses what argparse would hand on to the parser above it."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit, after --help too, whose text may have nowhere to go."""
        sys.exit(run(lambda: argparse.ArgumentParser.exit(self, status, message)))

    def _hint(self, message: str) -> str:
        """The remedy for an unknown word in this message: whose option it is, what known one it
        resembles, unless that destroys something, or what options there are.
        """
        found = re.search(r"(?:invalid choice: '|unrecognized arguments: )([^\s'=]+)", message)
        word = found[1] if found else ""
        owners = [name for name, other in self.siblings.items() if word in other._flags]
        if owners:
            return f"{word} is an option of {' and '.join(owners)}"
        choices = [str(choice) for action in self._actions for choice in action.choices or ()]
        known = {name.lstrip("-"): name for name in (*choices, *self._flags) if name != DESTROYS}
        near = difflib.get_close_matches(word.lstrip("-"), known, 1)
        if near:
            return f"did you mean {known[near[0]]}?"
        if word.startswith("-"):
            return f"its options are {', '.join(sorted(self._flags))}"
        return f"see {self.prog} --help"

    @property
    def _flags(self) -> list[str]:
        return [option for action in self._actions for option in action.option_strings]


def add_options(parser: argparse.ArgumentParser, kind: type[Options]) -> None:
    """Declare a flag for each field of these options. Who does not give it leaves no trace."""
    for rule in sorted(fields(kind), key=lambda rule: rule.name in LAST):
        flag, facts = flag_of(rule.name), rule.metadata
        default = "" if rule.default is None else spelled(rule.default)
        shown = f" (default: {default})" if default and rule.type is not bool else ""
        if rule.type is bool:
            parser.add_argument(
                flag, action="store_true", default=argparse.SUPPRESS, help=facts["help"]
            )
        else:
            parser.add_argument(
                flag,
                type=_reader(rule),
                default=argparse.SUPPRESS,
                choices=facts["choices"] or None,
                metavar=facts["metavar"],
                help=facts["help"] + shown,
            )


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Declare what all commands have: where to compute, and tracebacks."""
    parser.add_argument("--backend", choices=NAMES, help="where to compute (default: numpy)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def flag_of(name: str) -> str:
    """The flag of an option: --latent-dim of latent_dim."""
    return f"--{name.replace('_', '-')}"


def spelled(value: object) -> str:
    """A value as on the command line."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def with_option(name: str, value: object) -> str:
    """Say with which option, or without which, a run is made."""
    if isinstance(value, bool):
        return f"{'with' if value else 'without'} {flag_of(name)}"
    return f"with {flag_of(name)} {quoted(spelled(value))}"


def whole(least: int) -> Callable[[str], int]:
    """Make an argument type: a whole number of at least `least`."""

    def read(text: str) -> int:
        try:
            return as_whole(_number(int, text), least)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be {error}, got {text!r}") from None

    return read


def folder(text: str) -> str:
    """Read the name of a folder, which a forgotten shell variable is not."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a folder")
    return text


def file(*suffixes: str) -> Callable[[str], Path]:
    """Make an argument type: the path of a file, whose name ends in one of these."""

    def read(text: str) -> Path:
        if Path(text).suffix.lower() not in suffixes:
            raise argparse.ArgumentTypeError(f"must end in {' or '.join(suffixes)}, got {text!r}")
        return Path(text)

    return read


def backend(name: str | None) -> ModuleType:
    """Select this backend, NumPy if none is given; what `auto` chose, and why, goes to stderr.

    Raises:
        MinigenError: as for `minigen.backend.select`.
    """
    xp, line = select(name or NAMES[0])
    if name == "auto":
        print(f"minigen: --backend auto: {line}", file=sys.stderr)
    return xp


def _reader(rule: "Field[Any]") -> Callable[[str], Any]:
    """An argument type: the value in a text, or what is wrong with it."""
    if rule.type is str:
        return str  # argparse itself knows the choices
    item, *rest = get_args(rule.type) or (rule.type,)

    def read(text: str) -> Any:
        parts = text.split(",") if text else []
        value = [_number(item, part) for part in parts] if rest else _number(item, text)
        try:
            return checked(rule, value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be {error}, got {text!r}") from None

    return read


def _number(kind: type, text: str) -> Any:
    """The number in a text; the text itself, for others to refuse, where it is none."""
    try:
        return kind(text)
    except ValueError:
        return text


def refuse(parser: argparse.ArgumentParser, kind: type[Options], error: MinigenError) -> NoReturn:
    """Exit as from bad arguments, because these options refuse one another: their names, where they
    stand for options, become flags.
    """
    names = "|".join(rule.name for rule in fields(kind))
    place = r"(^|\bwith |\bgive |, | or )"  # and not in "the game hinge"
    text = re.sub(rf"{place}({names})\b", lambda found: found[1] + flag_of(found[2]), f"{error}")
    parser.exit(BAD_ARGUMENTS, f"minigen: error: {text}\n")
