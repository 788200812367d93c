"""Manners of a command in the process that it runs in: one line for an error, an exit status, and
everything put back as it was, because the process may be a notebook's.
"""

import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import NoReturn

from minigen.backend import computing
from minigen.errors import MinigenError

FAILED, BAD_ARGUMENTS, INTERRUPTED, TERMINATED = 1, 2, 130, 143


class Terminated(BaseException):
    """SIGTERM has come; as KeyboardInterrupt, it may do so at any line."""


def run(command: Callable[[], None], debug: bool = False) -> int:
    """Run a command and return its exit status; an error that it raises is one line on stderr.

    Args:
        command: raises MinigenError, OSError or MemoryError where something is wrong. It may put
            a message into the KeyboardInterrupt or Terminated that stops it.
        debug: let the traceback of an error through.
    """
    with _stderr_open():
        try:
            with _termination_raised(), _output_written(), computing():
                command()
        except KeyboardInterrupt as stop:
            return say(f"{stop}" or "stopped", INTERRUPTED)
        except Terminated as stop:
            return say(f"{stop}" or "stopped", TERMINATED)
        except BrokenPipeError:  # the reader of our output, `head` perhaps, has seen enough
            return FAILED
        except (MinigenError, OSError, MemoryError) as error:
            if debug:
                raise
            return say(f"error: {_one_line(error)}", FAILED)
        return 0


ARGUMENT = r"(?<!\S)(scale|shape|likelihood|epochs)='?([\w.+-]+?)'?"  # of the library, in words
REMEDY = r"(?= brings | if | draws | keeps | in a vae|; give more)"  # in a file's name it has none


def with_flags(text: str) -> str:
    """A sentence of the library, with its arguments as options: where scale=255 brings values into
    [0, 1], --scale 255 does.
    """
    return re.sub(f"{ARGUMENT}{REMEDY}", r"--\1 \2", text)


def quoted(text: str, windows: bool = sys.platform == "win32") -> str:
    """A word as the user's shell takes it, to be typed again."""
    if not windows:
        return shlex.quote(text)
    return text if re.fullmatch(r"[\w\\/:.,-]+", text) else f'"{text}"'


def say(message: str, status: int) -> int:
    """Print a message of one line on stderr; return the status."""
    one_line = r"\n".join(with_flags(message).splitlines())  # a file's name may hold a newline
    print(f"minigen: {one_line}", file=sys.stderr)
    return status


@contextmanager
def backend_unread() -> Iterator[None]:
    """Let Matplotlib be imported within this block, whatever $MPLBACKEND says.

    Jupyter leaves the name of a backend there that may be missing in this environment. Figures go
    to files and need none; a notebook's own plots find theirs as before.
    """
    name = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if name is not None:
            os.environ["MPLBACKEND"] = name
    if name:
        import matplotlib as mpl

        with suppress(ValueError):
            mpl.rcParams["backend"] = name


@contextmanager
def _stderr_open() -> Iterator[None]:
    """Give stderr somewhere to go; a file that is opened later would take its place."""
    if sys.stderr is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as sys.stderr:
        yield
    sys.stderr = None


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
    would only say that it ignored one. Names that stdout cannot encode are escaped.
    """
    stdout = sys.stdout if isinstance(sys.stdout, TextIOWrapper) else None
    errors = stdout.errors if stdout else None
    try:
        if stdout:
            stdout.reconfigure(errors="backslashreplace")
        yield
    finally:
        try:
            print(end="", flush=True)
            if stdout and not stdout.closed:
                stdout.reconfigure(errors=errors)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left
            raise


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        return f"{error.filename or 'standard output'}: {what}; check the path and the disk"
    if isinstance(error, MemoryError):
        return f"out of memory: {error}; use smaller batches, fewer rows or a smaller model"
    return str(error)
