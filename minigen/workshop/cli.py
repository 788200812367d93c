"""What the commands share: arguments that are checked as they are read, and errors in one line."""

import argparse
import difflib
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from types import ModuleType
from typing import Any, NoReturn

from tqdm import tqdm

from minigen.backend import select
from minigen.errors import MinigenError

LR_HELP = "learning rate of Adam"
LARGEST = 2**31 - 1
FAILED, BAD_ARGUMENTS, INTERRUPTED, TERMINATED = 1, 2, 130, 143


class Terminated(BaseException):
    """SIGTERM has come; as KeyboardInterrupt, it may do so at any line."""


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
        self.siblings = siblings or {}
        super().__init__(
            allow_abbrev=False,
            formatter_class=HelpFormatter,
            **kwargs,  # type: ignore[arg-type]
        )

    def error(self, message: str) -> NoReturn:
        message = " ".join(message.split())
        self.exit(BAD_ARGUMENTS, f"minigen: error: {message}; {self._hint(message)}\n")

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Knows all: a subparser refuses what argparse would hand on to the parser above it."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """After --help too, whose text may have nowhere to go."""
        sys.exit(run(lambda: argparse.ArgumentParser.exit(self, status, message)))

    def _hint(self, message: str) -> str:
        """What to do about an unknown word in this message: whose option it is, or what known one
        it resembles most.
        """
        found = re.search(r"(?:invalid choice: '|unrecognized arguments: )([^\s'=]+)", message)
        word = found[1] if found else ""
        owners = [name for name, other in self.siblings.items() if word in other._options]
        if owners:
            return f"{word} is an option of {' and '.join(owners)}"
        choices = [str(choice) for action in self._actions for choice in action.choices or ()]
        near = difflib.get_close_matches(word, [*self._options, *choices], 1)
        return f"did you mean {near[0]}?" if near else f"see {self.prog} --help"

    @property
    def _options(self) -> list[str]:
        return [option for action in self._actions for option in action.option_strings]


def whole(minimum: int) -> Callable[[str], int]:
    """An argument type: a whole number from `minimum` up to LARGEST."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= LARGEST:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of at least {minimum}, got {text!r}"
                + (f" (and at most {LARGEST})" if number > LARGEST else "")
            )
        return number

    return parse


def real(
    *, above: float | None = None, least: float = 0, below: float = math.inf
) -> Callable[[str], float]:
    """An argument type: a finite number, greater than `above` or of at least `least`, and less
    than `below`.
    """
    bound = f"of at least {least:g}" if above is None else f"greater than {above:g}"
    bound += "" if below == math.inf else f" and less than {below:g}"

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        inside = number >= least if above is None else number > above
        if not (inside and number < below):
            raise argparse.ArgumentTypeError(f"must be a finite number {bound}, got {text!r}")
        return number

    return parse


def wholes(text: str) -> list[int]:
    """An argument type: whole numbers of at least 1, such as 400,200; empty text means none."""
    items = text.split(",") if text else []
    for item in items:
        if not (item.strip().isdecimal() and int(item) >= 1):
            raise argparse.ArgumentTypeError(
                f"must be whole numbers of at least 1 with commas between them, "
                f"and {item!r} in {text!r} is not"
            )
    return [int(item) for item in items]


def betas(text: str) -> list[float]:
    """An argument type: Adam's two decay rates, such as 0.5,0.999."""
    try:
        first, second = (float(item) for item in text.split(","))
    except ValueError:
        first = second = math.nan
    if not (0 <= first < 1 and 0 <= second < 1):
        raise argparse.ArgumentTypeError(
            f"must be two numbers in [0, 1) with a comma between them, got {text!r}"
        )
    return [first, second]


def folder(text: str) -> str:
    """An argument type: the name of a folder, which a forgotten shell variable is not."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a folder")
    return text


def spelled(name: str, value: object) -> str:
    """An option as on the command line."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"--{name.replace('_', '-')} {text}"


def check_memory(what: str, size: int, remedy: str) -> None:
    """Refuse, before anything is allocated, what this machine cannot hold.

    Args:
        what: needs the memory.
        size: of it, in bytes.
        remedy: what to do instead.

    Raises:
        MinigenError: the size is more than the machine's memory.
    """
    if not hasattr(os, "sysconf"):  # not on Windows
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise MinigenError(
            f"{what} needs about {size / 1e9:,.0f} GB, and this machine has {memory / 1e9:,.0f}; "
            f"{remedy}"
        )


def backend(name: str) -> ModuleType:
    """The backend of this name; what `auto` chose, and why, goes to stderr.

    Raises:
        MinigenError: as for `minigen.backend.select`.
    """
    xp, line = select(name)
    if name == "auto":
        print(f"minigen: --backend auto: {line}", file=sys.stderr)
    return xp


def run(command: Callable[[], None], debug: bool = False) -> int:
    """The exit status of a command; what it raises becomes one line on stderr.

    Args:
        command: raises MinigenError, OSError or MemoryError where something is wrong. It may put
            a message into the KeyboardInterrupt or Terminated that stops it.
        debug: let the traceback of an error through.
    """
    try:
        with _termination_raised(), _output_written():
            _settle()
            command()
    except KeyboardInterrupt as stop:
        return _say(f"{stop}" or "stopped", INTERRUPTED)
    except Terminated as stop:
        return _say(f"{stop}" or "stopped", TERMINATED)
    except BrokenPipeError:  # the reader of our output, `head` perhaps, has seen enough
        return FAILED
    except (MinigenError, OSError, MemoryError) as error:
        if debug:
            raise
        return _say(f"error: {_one_line(error)}", FAILED)
    return 0


def _settle() -> None:
    """Make the best of what the shell, or Jupyter, has left to this process."""
    os.environ["MPLBACKEND"] = "agg"  # for files; Jupyter's own may be missing in this environment
    if sys.stderr is None:  # closed; a file that is opened later would take its place
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that it cannot encode


@contextmanager
def _termination_raised() -> Iterator[None]:
    """SIGTERM raises Terminated, where signals are heard at all: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(signum: int, frame: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _output_written() -> Iterator[None]:
    """Write what was printed while an error can still be told; the interpreter, as it shuts down,
    would only say that it ignored one.
    """
    try:
        yield
    finally:
        try:
            print(end="", flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left
            raise


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        return f"{error.filename or 'standard output'}: {what}; check the path and the disk"
    if isinstance(error, MemoryError):
        return f"out of memory: {error}; use a smaller --batch-size, --count or model"
    return str(error)


def _say(message: str, status: int) -> int:
    one_line = r"\n".join(message.splitlines())  # a file's name may hold a newline
    print(f"minigen: {one_line}", file=sys.stderr)
    return status


def bar(total: float, unit: str, initial: float = 0) -> "tqdm[NoReturn]":
    """A progress bar on stderr, where that is a terminal that can move its cursor.

    Args:
        total: units at its end.
        unit: what is counted.
        initial: units that were done before, which say nothing of the time left.
    """
    plain = os.environ.get("TERM") == "dumb"
    return tqdm(total=total, unit=unit, initial=initial, disable=plain or None, leave=False)
