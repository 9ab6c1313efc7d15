"""What is larger than memory, block by block: ``.npy`` files, and text as its lines come."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..arrays import inexact, real
from ..errors import FileError, NumberError, os_reason
from .files import (
    DELIMITERS,
    TEXTS,
    Reference,
    first_line,
    opened,
    shown,
    sniffed,
    standard_input,
    start_of,
    suffix,
)
from .lines import Lines
from .members import Members
from .npy import Header, npy_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..arrays import Array

_VALUES = 2**16  # of one block of numbers, so that it stays in the cache
_BYTES = 2**18  # of one block of text


def size(reference: Reference) -> int | None:
    """Return how many bytes a file holds; None for standard input."""
    return None if reference.path == "-" else os.path.getsize(reference.path)


@dataclass(frozen=True)
class NpyBlocks:
    """Open ``.npy`` files of one shape, type and order, to be read block by block.

    Attributes
    ----------
    headers : dict of str to Header
        That of each file; they differ in byte order at most.
    dtype : dtype
        The type to compute in: that of the files, in this machine's byte order.
    notes : list of str
        After all blocks are read, what could not be kept.
    """

    headers: Mapping[str, Header]
    dtype: np.dtype[Any]
    files: Mapping[str, IO[bytes]]
    references: Mapping[str, Reference]
    notes: list[str]

    @property
    def header(self) -> Header:
        """That of the first file."""
        return next(iter(self.headers.values()))

    def __iter__(self) -> Iterator[dict[str, Array]]:
        """Yield a block of each array, 1-D, in the files' order."""
        for start in range(0, self.header.count, _VALUES):
            count = min(_VALUES, self.header.count - start)
            yield {name: self._block(name, count) for name in self.files}

    def _block(self, name: str, count: int) -> Array:
        values = np.fromfile(self.files[name], self.headers[name].dtype, count)
        if len(values) < count:
            raise FileError(f"{name}: {shown(self.references[name].path)} was cut off")
        if not any(note.startswith(f"{name}: ") for note in self.notes):
            self.notes.extend(inexact(name, values))
        return real(name, values)


@contextmanager
def npy_blocks(references: Mapping[str, Reference], least: int) -> Iterator[NpyBlocks | None]:
    """Open regular ``.npy`` files that hold more than `least` values each, in the same layout.

    Gives None where these are no such files.
    """
    regular = all(os.path.isfile(r.path) for r in references.values())
    if not regular or any(suffix(r) != ".npy" for r in references.values()):
        yield None
        return
    with ExitStack() as stack:
        files = {name: stack.enter_context(opened(r)) for name, r in references.items()}
        headers = {
            name: npy_header(references[name], file, os.fstat(file.fileno()).st_size)
            for name, file in files.items()
        }
        layouts = {(h.shape, h.fortran, h.dtype.name) for h in headers.values()}
        first = next(iter(headers.values()))
        if len(layouts) > 1 or first.count <= least:
            yield None
            return
        dtype = real("x", np.empty(0, first.dtype)).dtype
        yield NpyBlocks(headers, dtype, files, references, [])


def is_text(reference: Reference) -> bool:
    """Whether it is standard input or a regular file, and holds lines of numbers to go through."""
    if suffix(reference) not in TEXTS or not (
        reference.path == "-" or os.path.isfile(reference.path)
    ):
        return False
    with _text(reference) as file:
        start = start_of(file)
    cells = first_line(start).replace(b"\t", b",").split(b",")
    places = len(cells) > 1 and cells[0].strip(b' "') == b"i"  # rows in the order of their indices
    return sniffed(start) == ".txt" and not places


@contextmanager
def _text(reference: Reference) -> Iterator[IO[bytes]]:
    if reference.path == "-":
        yield standard_input(reference)
    else:
        with opened(reference) as file:
            yield file


def rows_of_text(
    reference: Reference, done: Callable[[int], None], notes: list[str]
) -> Iterator[Array]:
    """Yield the numbers of a text as its lines come.

    Parameters
    ----------
    reference : Reference
        A source for which `is_text` holds.
    done : callable
        Is told how many bytes a finished block had.
    notes : list of str
        Is given what could not be kept.

    Yields
    ------
    ndarray of float64
        1-D where a line holds one number, where there is only one line, and where a header names
        the column that is meant; 2-D else.

    Raises
    ------
    NumberError
        If a line does not hold what it should, or there is none.
    """
    lines = Lines(reference.name, DELIMITERS.get(suffix(reference)), reference.member)
    lines.notes = notes
    total, first = 0, None
    with _text(reference) as file:
        for block in _named(reference, line_blocks(file)):
            rows = lines.read(block)
            done(len(block))
            if not len(rows):
                continue
            total += len(rows)
            if total == len(rows) == 1 and rows.shape[1] > 1 and not lines.header:
                first = rows  # perhaps the only one
                continue
            if first is not None:
                rows, first = np.concatenate([first, rows]), None
            yield _meant(rows, lines, reference)
    if lines.header:
        lines.check_rows(total, reference.name)
    if first is not None:
        yield first[0]
    elif not total and not lines.header:
        raise NumberError(f"{reference.name}: {shown(reference.path)} holds no number")


def _named(reference: Reference, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks; an error of reading names the file."""
    try:
        yield from blocks
    except OSError as error:
        raise FileError(f"{reference.name}: {shown(reference.path)}: {os_reason(error)}") from None


def _meant(rows: Array, lines: Lines, reference: Reference) -> Array:
    """Return of `rows` the column that `reference` means, or all where there is no header."""
    if not lines.header:
        return rows[:, 0] if rows.shape[1] == 1 else rows
    names = lines.header[lines.header[0] == "index" :]
    column = Members(reference).chosen(names)[reference.name]
    lines.check(column)
    return rows[:, lines.header.index(column)]


def line_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what `file` holds as it comes, in blocks of whole lines and whole quoted fields."""
    pieces: list[bytes] = []
    quotes = 0  # in the pieces
    while piece := file.read1(_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
        cut = piece.rfind(b"\n") + 1
        while cut and (quotes + piece.count(b'"', 0, cut)) % 2:
            cut = piece.rfind(b"\n", 0, cut - 1) + 1
        if cut:
            yield b"".join([*pieces, piece[:cut]])
            pieces, quotes = [], 0
        pieces.append(piece[cut:])
        quotes += pieces[-1].count(b'"')
    yield b"".join(pieces)
