"""Block by block through what is larger than memory.

``.npy`` files go through several threads: each reads a block at its place, computes, and writes the
result at its place, so that memory holds a few blocks whatever the size of the file. Text goes
through line by line, as it comes.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ..errors import FileError, NumberError
from .files import Reference, opened, shown, standard_input
from .formats import DELIMITERS, TEXTS, Header, Members, npy_header, sniffed, suffix
from .lines import Lines
from .memory import MOST_VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

_VALUES = 2**18  # of one block of numbers: two megabytes of float64
_BYTES = 2**18  # of one block of text


@dataclass(frozen=True)
class _Input:
    """An open ``.npy`` file."""

    reference: Reference
    descriptor: int
    header: Header
    start: int
    notes: list[str]

    def block(self, first: int, count: int) -> Array:
        """Return `count` values from the `first` on, in the file's order."""
        import numpy as np

        from .convert import inexact, real

        width = self.header.dtype.itemsize
        data = os.pread(self.descriptor, count * width, self.start + first * width)
        if len(data) < count * width:
            raise FileError(f"{self.reference.name}: {shown(self.reference.path)} was cut off")
        values = np.frombuffer(data, self.header.dtype)
        if not self.notes:
            self.notes.extend(inexact(self.reference.name, values))
        return real(self.reference.name, values)


def size(reference: Reference) -> int | None:
    """Return how many bytes a file holds; None for standard input."""
    return None if reference.path == "-" else os.path.getsize(reference.path)


def large_dtype(references: Mapping[str, Reference], output: str) -> str | None:
    """Return the type to compute in if these files should go through in blocks, else None.

    They should if they are regular ``.npy`` files of one type whose values lie in the same order,
    too many to be remembered, and `output` is, or will be, a regular file.
    """
    regular = all(os.path.isfile(r.path) for r in references.values())
    if not regular or any(suffix(r) != ".npy" for r in references.values()):
        return None
    if os.path.lexists(output) and not os.path.isfile(output):
        return None
    with ExitStack() as stack:
        inputs = list(_opened(references, stack).values())
        layouts = {(i.header.shape, i.header.fortran, i.header.dtype.name) for i in inputs}
        if len(layouts) > 1 or inputs[0].header.count <= MOST_VALUES:
            return None
        return inputs[0].block(0, 0).dtype.name


def through_npy(
    references: Mapping[str, Reference],
    target: IO[bytes],
    compute: Callable[..., Array],
    *,
    threads: int,
    done: Callable[[int], None],
) -> list[str]:
    """Write what `compute` makes of the arrays in some ``.npy`` files as another ``.npy`` file.

    Parameters
    ----------
    references : mapping of str to Reference
        Files for which `large_dtype` gives a type, or smaller ones of the same kind.
    target : binary file
        A regular file, empty.
    compute : callable
        Takes a block of each array by name and returns one of the type of the first.
    threads : int
        How many blocks to work on at once.
    done : callable
        Is told how many bytes of the first file a finished block had.

    Returns
    -------
    list of str
        Notes on what could not be kept.
    """
    import numpy as np
    from numpy.lib import format as npy

    with ExitStack() as stack:
        inputs = _opened(references, stack)
        first = next(iter(inputs.values()))
        dtype = first.block(0, 0).dtype
        shape, fortran = first.header.shape, first.header.fortran
        npy.write_array_header_1_0(
            target, {"descr": dtype.str, "fortran_order": fortran, "shape": shape}
        )
        target.flush()
        start = target.tell()

        def work(at: int) -> int:
            count = min(_VALUES, first.header.count - at)
            result = compute(**{name: i.block(at, count) for name, i in inputs.items()})
            data = np.ascontiguousarray(result).data.cast("B")
            place = start + at * dtype.itemsize
            while data:
                written = os.pwrite(target.fileno(), data, place)
                data, place = data[written:], place + written
            return count * first.header.dtype.itemsize

        _in_threads(work, range(0, first.header.count, _VALUES), threads, done)
        return list(dict.fromkeys(note for i in inputs.values() for note in i.notes))


def _in_threads(
    work: Callable[[int], int], items: range, threads: int, done: Callable[[int], None]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        try:
            for count in pool.map(work, items):
                done(count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _opened(references: Mapping[str, Reference], stack: ExitStack) -> dict[str, _Input]:
    inputs = {}
    for name, reference in references.items():
        file = stack.enter_context(opened(reference))
        header = npy_header(reference, file, os.fstat(file.fileno()).st_size)
        inputs[name] = _Input(reference, file.fileno(), header, file.tell(), [])
    return inputs


def is_text(reference: Reference) -> bool:
    """Whether it is standard input or a regular file, and holds lines of numbers to go through."""
    if suffix(reference) not in TEXTS or not (
        reference.path == "-" or os.path.isfile(reference.path)
    ):
        return False
    with _text(reference) as file:
        start = file.peek(64)  # type: ignore[attr-defined]  # a BufferedReader
    return sniffed(start) == ".txt" and not start.startswith((b"i,", b"i\t"))


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
    import numpy as np

    lines = Lines(reference.name, DELIMITERS.get(suffix(reference)))
    lines.notes = notes
    total, first = 0, None
    with _text(reference) as file:
        for block in line_blocks(file):
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


def _meant(rows: Array, lines: Lines, reference: Reference) -> Array:
    """Return of `rows` the column that `reference` means, or all where there is no header."""
    if not lines.header:
        return rows[:, 0] if rows.shape[1] == 1 else rows
    names = lines.header[lines.header[0] == "index" :]
    column = Members(reference).chosen(names)[reference.name]
    lines.check(column)
    return rows[:, lines.header.index(column)]


def line_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what `file` holds as it comes, in blocks of whole lines."""
    pieces: list[bytes] = []
    while piece := file.read1(_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join([*pieces, piece[:cut]])
            pieces = []
        pieces.append(piece[cut:])
    yield b"".join(pieces)
