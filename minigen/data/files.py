"""Reads NumPy files that nobody vouches for: any fault in them is one MinigenError.

`np.load` raises a dozen kinds of exception on bad files and allocates what a header claims.
Here every claim is held against the file's size first, and nothing is ever unpickled.
"""

import copy
import math
import reprlib
import stat
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple
from warnings import catch_warnings, simplefilter

from numpy import dtype, memmap, ndarray
from numpy.lib import format as npy
from numpy.typing import NDArray

from minigen.errors import MinigenError

ByteStream = IO[bytes] | BufferedIOBase  # gzip's and zipfile's have no narrower type in common
Reader = Callable[[], NDArray[Any]]

CHUNK = 2**20  # bytes that are asked for at once
MAPPED_SIZE = 2**30  # bytes of an .npy file that is mapped instead of read
LONGEST_HEADER = 10_240  # bytes; NumPy itself refuses .npy headers above 10,000
BELIEVED_SIZE = 2**30  # bytes; beyond this, compressed data must not expand more than ...
BELIEVED_RATIO = 250  # ... this much: zeros reach 1032-fold, MNIST 5-fold

ROLES = {  # the names that arrays have, by what they are
    "train": ("train", "x_train", "train_x", "train_images", "x", "data", "images"),
    "test": ("test", "x_test", "test_x", "test_images"),
    "train_labels": ("train_labels", "y_train", "train_y", "y", "labels", "target"),
    "test_labels": ("test_labels", "y_test", "test_y"),
}
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}


def read_npy(path: Path) -> NDArray[Any]:
    """Read the array in an `.npy` file: bool, integers or floats, any shape, byte order and layout.

    From MAPPED_SIZE on the array is a read-only map of the file, which may be larger than memory.

    Raises:
        MinigenError: it cannot be opened, is not an `.npy` file, is shorter or longer than its
            header declares, or holds anything but numbers.
    """
    with damage_refused(path), open_regular(path) as (stream, size):
        if size < MAPPED_SIZE:
            return _read_array(stream, size, f"{path}")
        shape, order, kind, offset, _ = _read_header(stream, size, f"{path}")
        return memmap(path, kind, "r", offset, shape, order)


def read_npz(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Read the arrays in an `.npz` file, and note which ones are left out: one array of any name;
    or train, with test, train_labels and test_labels or not, under the names in ROLES. Beside both
    train and test there may be others, which are left out.

    Raises:
        MinigenError: as for `open_archive`; or the file holds other arrays.
    """
    with open_archive(path) as members:
        roles = [ROLE_OF.get(name.lower(), "") for name in members]
        if len(members) == 1:
            roles = ["train"]
        named = {role: name for role, name in zip(roles, members, strict=True) if role}
        left = [name for role, name in zip(roles, members, strict=True) if not role]
        once = len(named) + len(left) == len(members)
        if not (once and "train" in named and ("test" in named or not left)):
            raise MinigenError(
                f"{path}: holds {reprlib.repr([*members])}; save one array, or each once: train "
                "and test (x_train and x_test), if there are labels train_labels and test_labels "
                "(y_train and y_test)"
            )
        notes = [f"{', '.join(left)} in the file are left out"] if left else []
        return {role: members[name]() for role, name in named.items()}, notes


@contextmanager
def open_archive(path: Path) -> Iterator[dict[str, Reader]]:
    """Open an `.npz` file: by name, a function that reads the array.

    Raises:
        MinigenError: as for `read_npy`; or the file fails its checksums, holds a name twice, or
            expands beyond what it declares or what can be believed.
    """
    with open_regular(path) as (stream, packed):
        with damage_refused(path):
            if (begin := stream.read(12))[:2] != b"PK":
                raise MinigenError(
                    f"{path}: not a NumPy .npz file, it begins with {begin!r}; save one with "
                    "np.savez"
                )
            archive = zipfile.ZipFile(stream)
            members = archive.infolist()
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(set(names)) < len(names) or any(member.comment for member in members):
                # NumPy writes none: a damaged length has made the next member look like a comment.
                raise MinigenError(
                    f"{path}: damaged or incomplete: a member is lost; copy the file again"
                )
        yield {
            name: partial(_read_member, archive, member, packed, path)
            for name, member in zip(names, members, strict=True)
        }


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, packed: int, path: Path
) -> NDArray[Any]:
    """One array of an archive of `packed` bytes."""
    where = f"{path}: {reprlib.repr(member.filename)}"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MinigenError(f"{where}: unknown compression; save the file with np.savez")
    size = member.file_size
    refuse_bomb(size, packed, where)
    whole = copy.copy(member)
    whole.file_size += 1  # room for a byte too many, which zipfile would cut off unseen
    with damage_refused(where), archive.open(whole) as content:
        return _read_array(content, size, where)


class Layout(NamedTuple):
    """How an `.npy` file lays out its data, which begin at `offset`; what was read, to find out."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: dtype[Any]
    offset: int
    begin: bytes


def _read_header(stream: ByteStream, size: int, where: str) -> Layout:
    """The header of a stream of `size` bytes in the `.npy` format, once it is credible."""
    head = BytesIO(stream.read(LONGEST_HEADER))
    if not (begin := head.getvalue()).startswith(npy.MAGIC_PREFIX):
        raise MinigenError(
            f"{where}: not a NumPy .npy file, it begins with {begin[:12]!r}; save one with np.save"
        )
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with catch_warnings():
        simplefilter("ignore")  # remarks about Python 2, or about odd text in a damaged header
        try:
            shape, fortran, kind = readers[npy.read_magic(head)](head)
        except MemoryError:  # what Python's parser says of ten thousand brackets
            raise ValueError("the header is nested too deep") from None
    if kind.hasobject:
        raise MinigenError(f"{where}: pickled objects are refused; save an array of numbers")
    if kind.kind not in "biuf":
        raise MinigenError(f"{where}: holds {kind.name} values; save bool, integers or floats")
    declared = math.prod(shape) * kind.itemsize
    if declared != size - head.tell():
        raise _wrong_size(where, declared, size - head.tell())
    return Layout(shape, "F" if fortran else "C", kind, head.tell(), begin)


def _read_array(stream: ByteStream, size: int, where: str) -> NDArray[Any]:
    """The array in a stream of `size` bytes in the `.npy` format."""
    shape, order, kind, offset, begin = _read_header(stream, size, where)
    data = read_exactly(stream, size - offset, where, begin[offset:])
    return ndarray(shape, kind, data, order=order)


def read_exactly(stream: ByteStream, size: int, where: str, start: bytes = b"") -> bytearray:
    """Read the rest of a stream after `start`: `size` bytes together, no fewer and no more.

    Block by block, so that memory grows with what is there. The one byte too many that is asked
    for also makes gzip and zip verify their checksums.
    """
    data = bytearray(start)
    while len(data) <= size and (block := stream.read(min(CHUNK, size + 1 - len(data)))):
        data += block
    if len(data) != size:
        raise _wrong_size(where, size, "more" if len(data) > size else len(data))
    return data


def refuse_bomb(size: int, packed: int, where: str) -> None:
    """Raises MinigenError where a file of `packed` bytes claims to expand to absurd `size`."""
    if size > max(BELIEVED_SIZE, BELIEVED_RATIO * packed):
        raise MinigenError(
            f"{where}: {packed} compressed bytes claim to expand to {size}; "
            "if they truly do, save the data uncompressed"
        )


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """Open a regular file to be read; yield it, and its size in bytes. Else MinigenError."""
    try:
        status = path.stat()
        regular = stat.S_ISREG(status.st_mode)  # asked before opening: a FIFO waits for a writer
        stream = path.open("rb") if regular else None
    except (OSError, ValueError) as error:  # a ValueError of a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise MinigenError(
            f"{path}: cannot be opened: {reason}; check the path and its permissions"
        ) from error
    if stream is None:
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise MinigenError(f"{path}: is {kind}; give the path of a file")
    with stream:
        yield stream, status.st_size


@contextmanager
def damage_refused(where: Path | str) -> Iterator[None]:
    """Turns whatever a decoder raises on bad bytes into one MinigenError."""
    try:
        yield
    except (MinigenError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy between them raise a dozen kinds
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 120, placeholder="...")
        raise MinigenError(
            f"{where}: damaged or incomplete ({reason}); copy the file again"
        ) from error


def _wrong_size(where: str, declared: int, found: int | str) -> MinigenError:
    return MinigenError(
        f"{where}: damaged or incomplete: its header declares {declared} bytes of data, "
        f"the file has {found}; copy the file again"
    )


def contents(folder: Path) -> str:
    """Say what a folder holds, as far as a line has room."""
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"it holds {', '.join(names[:5])}{more}" if names else "it is empty"
