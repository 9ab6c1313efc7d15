"""``@FILE`` and standard input: what a word refers to, and how it is opened."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING

from ..errors import FileError, os_reason
from .numbers import BOM

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json")
TEXTS = ("", ".csv", ".tsv", ".txt")  # what may hold lines of numbers
DELIMITERS = {".csv": ",", ".tsv": "\t"}
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
    return sys.stdin.buffer


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
