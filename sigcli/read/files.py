"""``@FILE`` and standard input: what a word refers to, and how it is opened."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase, TextIOWrapper
from select import select
from typing import IO, TYPE_CHECKING, Any

from ..errors import FileError, os_reason
from .numbers import BOM

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json")
TEXTS = ("", ".csv", ".tsv", ".txt")  # what may hold lines of numbers
DELIMITERS = {".csv": ",", ".tsv": "\t"}
_START = 2**16  # bytes at most that are looked at to tell what a file holds
_NPY_MAGIC = b"\x93NUMPY"
_ZIP_MAGIC = b"PK"


@dataclass(frozen=True)
class Reference:
    """An array that is not typed but read from a file.

    Attributes
    ----------
    name : str
        What the array is for: ``x``, ``dout``, …
    path : str
        The file; ``-`` is standard input.
    member : str
        The array in it that is meant; empty where its name decides.
    """

    name: str
    path: str
    member: str = ""


def reference(name: str, token: str) -> Reference:
    """Return what ``@FILE``, ``@FILE:MEMBER`` or ``-`` refers to; the whole is a path first."""
    path, member = token.removeprefix("@"), ""
    if token != "-" and ":" in path and not os.path.lexists(path):
        path, _, member = path.rpartition(":")
    return Reference(name, path, member)


@contextmanager
def opened(reference: Reference) -> Iterator[IO[bytes]]:
    """Open what `reference` refers to; what cannot be sought in is read into memory first."""
    try:
        if reference.path == "-":
            file: IO[bytes] = BytesIO(standard_input(reference).read())
        else:
            file = open(reference.path, "rb")  # noqa: SIM115  # closed below
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                with file:
                    file = BytesIO(file.read())
    except OSError as error:
        raise FileError(f"{reference.name}: {shown(reference.path)}: {os_reason(error)}") from None
    with file:
        yield file


def standard_input(reference: Reference) -> IO[bytes]:
    """Return standard input, where there is one."""
    if sys.stdin is None:
        raise FileError(f"{reference.name}: standard input is closed")
    raw = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    if not isinstance(raw, _Patient):
        sys.stdin = TextIOWrapper(BufferedReader(_Patient(raw, sys.stdin)))
    return sys.stdin.buffer


class _Patient(RawIOBase):
    """Standard input, whose start can be looked at before it is read, and that waits for more.

    Where there is nothing yet, a descriptor that does not block says so, and Python takes that
    for the end.
    """

    def __init__(self, raw: Any, owner: object) -> None:
        self._raw, self._start = raw, b""
        self._owner = owner  # would close it if it were let go

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._start:
            count = min(len(buffer), len(self._start))
            buffer[:count], self._start = self._start[:count], self._start[count:]
            return count
        while True:
            got: int | None = self._raw.readinto(buffer)
            if got is not None:
                return got
            select([self._raw], [], [])

    def start(self) -> bytes:
        """Return the first bytes, as many as tell what follows, however late they come."""
        while not _tells(self._start) and len(self._start) < _START:
            start, piece, self._start = self._start, bytearray(_START), b""
            self._start = start + piece[: self.readinto(piece)]
            if self._start == start:
                break
        return self._start


def start_of(file: IO[bytes]) -> bytes:
    """Return the first bytes of a file that was just opened, without reading on from there."""
    raw = getattr(file, "raw", None)
    if isinstance(raw, _Patient):
        return raw.start()
    start = file.read(_START)
    file.seek(0)
    return start


def _tells(start: bytes) -> bool:
    """Whether these first bytes tell what follows: a magic number, or a line that is whole."""
    if _NPY_MAGIC.startswith(start[: len(_NPY_MAGIC)]):
        return len(start) >= len(_NPY_MAGIC)
    return first_line(start).endswith(b"\n")


def first_line(start: bytes) -> bytes:
    """Return the first line that is neither blank nor a comment; nothing if there is none."""
    lines = start.removeprefix(BOM).splitlines(keepends=True)
    return next((line for line in lines if line.strip() and not line.startswith(b"#")), b"")


def shown(path: str) -> str:
    """Return what errors call a file."""
    return "standard input" if path == "-" else f"'@{path}'"


def suffix(reference: Reference) -> str:
    """Return the suffix of a file if it says how to read it, else an empty string."""
    found = os.path.splitext(reference.path)[1].lower()
    return found if found in KINDS else ""


def sniffed(start: bytes) -> str:
    """Return the suffix that a file with these first bytes would deserve."""
    if start.startswith(_NPY_MAGIC):
        return ".npy"
    if start.startswith(_ZIP_MAGIC):
        return ".npz"
    start = start.removeprefix(BOM).lstrip()
    if start.startswith(b"{"):
        return ".json"
    return ".array" if start.startswith((b"[", b"array(", b"np.", b"numpy.")) else ".txt"
