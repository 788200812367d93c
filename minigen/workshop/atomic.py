"""Files that are replaced whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from minigen.errors import MinigenError


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write, which takes the place of `path` when the block ends without an error.

    Whoever opens `path`, at any moment and after any crash, finds the old content or the new one.
    A process that is killed leaves its temporary file behind; `remove_leftovers` takes it away.

    Raises:
        MinigenError: as for `writing`; `path` is as it was.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with writing(path):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what processes left that were killed while they replaced `path`."""
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):
        leftover.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of every failure to write in this block that it was `path`, which the system forgets.

    Raises:
        MinigenError: the disk is full, the path is a folder, or its folder is missing, is none,
            or cannot be written.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            remedy = "make the folder that is missing"
        elif isinstance(error, IsADirectoryError | NotADirectoryError):
            remedy = "give the path of a file in a folder"
        else:
            remedy = "make room on the disk, or see to the permissions of the folder"
        raise MinigenError(
            f"{path}: cannot be written: {error.strerror or error}; {remedy}"
        ) from error
