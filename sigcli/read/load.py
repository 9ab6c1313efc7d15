"""Reads a file, or standard input, of any kind.

The suffix decides how; for a file with none that is known, and for standard input, the first bytes.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from .files import DELIMITERS, opened, sniffed, start_of, suffix
from .json_text import read_json
from .members import Loaded, Members
from .npy import read_npy, read_npz
from .text import read_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from .files import Reference


def load(
    reference: Reference, companions: Collection[str] = (), by_digits: Collection[str] = ()
) -> Loaded:
    """Read the array that `reference` means, and those of `companions` that lie beside it.

    Returns
    -------
    Loaded
        The array by the name of what it is for, and the companions by theirs; for those of
        `by_digits` that are text, also what their digits are good to.

    Raises
    ------
    FileError
        If the file cannot be read, is not what it should be, or has no such array.
    NumberError
        If it is text that holds something else than numbers.
    """
    members = Members(reference, companions, by_digits)
    with opened(reference) as file:
        kind = suffix(reference)
        if kind in ("", ".txt"):
            kind = sniffed(start_of(file))
        if kind == ".npy":
            members.alone()
            notes: list[str] = []
            array = read_npy(reference, file, _size(file), notes)
            return Loaded({reference.name: array}, notes)
        if kind == ".npz":
            return read_npz(members, file)
        text = file.read()
    if kind == ".json":
        return read_json(members, text)
    return read_text(members, text, DELIMITERS.get(kind))


def _size(file: IO[bytes]) -> int:
    """Return how many bytes are left in `file`."""
    here = file.tell()
    size = file.seek(0, os.SEEK_END) - here
    file.seek(here)
    return size
