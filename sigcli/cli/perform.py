"""What every command does: read its arrays, compute, say what is good to know, show or write."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..write.atomic import replacing
from .streams import say_notes, write_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..arrays import Array
    from ..read.given import Given
    from ..record import Result
    from .display import Display

    Shows = Mapping[str, Callable[[Any, Any], Any]]

_WRITTEN = ("plain", "csv", "tsv", "json", "npy", "npz")  # for programs; the rest is for people


@dataclass(frozen=True)
class ByBlock:
    """How a command computes what is larger than memory.

    Attributes
    ----------
    compute : callable
        Takes a block of each array by name and returns one, of the type of x.
    begin : callable
        Is called once it is sure that blocks are what there will be.
    of_text : bool
        Whether lines of text may go through as they come. Only for what needs x alone: other
        arrays in a file are found only after all of it is read.
    """

    compute: Callable[..., Array]
    begin: Callable[[], None] = lambda: None
    of_text: bool = False


def _tables() -> Shows:
    from ..show.table import SHOWS

    return SHOWS


def perform(
    given: Given,
    compute: Callable[[], Result],
    display: Display,
    *,
    by_block: ByBlock | None = None,
    beside: Callable[[Any], None] = lambda _: None,
    after: Callable[[Any], None] = lambda _: None,
    shows: Callable[[], Shows] = _tables,
) -> int:
    """Carry a command out and return its exit code.

    Parameters
    ----------
    given : Given
        Where the arrays come from.
    compute : callable
        Loads the arrays and makes the result of them.
    display : Display
        Where the result goes, and how.
    by_block : ByBlock, optional
        How to go through what is larger than memory, where the command can.
    beside : callable
        Is given the result, and says on standard error what is to be said of it.
    after : callable
        Is given the result once its file is written, or before it is printed.
    shows : callable
        Gives what shows a result to people, by kind.
    """
    if by_block is not None and (_npy_files(given, by_block, display)
                                 or _lines(given, by_block, display)):  # fmt: skip
        say_notes(given.notes, quiet=display.quiet)
        return 0
    result = compute()
    beside(result)
    content = _content(result, display, shows)
    if display.output is None:
        after(result)  # a reader that leaves ends the program
        write_out(content)
    else:
        with replacing(display.output) as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        after(result)
    return result.exit_code


def loaded(given: Given, display: Display, **others: Array) -> dict[str, Array]:
    """Return the arrays that were given, with `others`, and say what could not be kept."""
    arrays = given.load(**others)
    say_notes(given.notes, quiet=display.quiet)
    return arrays


def _content(result: Result, display: Display, shows: Callable[[], Shows]) -> Any:
    if display.kind in _WRITTEN:
        from ..write.results import WRITERS

        return WRITERS[display.kind](result)
    from ..show.sections import Style

    return shows()[display.kind](result, Style(display.digits, display.rows, display.color))


def threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _npy_files(given: Given, by_block: ByBlock, display: Display) -> bool:
    """Go block by block from large ``.npy`` files to another; return whether it was done."""
    references, output = given.references, str(display.output)
    single = {name: typed for name, typed in given.typed.items() if len(typed.values) == 1}
    if display.kind != "npy" or given.dtype or "x" not in references:
        return False
    if len(single) < len(given.typed) or (os.path.lexists(output) and not os.path.isfile(output)):
        return False
    from ..read.blocks import npy_blocks, size
    from ..show.progress import progress
    from ..write.last_pass import MOST_VALUES
    from ..write.results import npy_header

    with npy_blocks(references, least=MOST_VALUES) as blocks:
        if blocks is None:
            return False
        by_block.begin()
        fixed = {n: given.narrowed(n, [t.values[0]], blocks.dtype.name) for n, t in single.items()}
        total = size(references["x"])
        with replacing(output) as file, progress(total, wanted=not display.quiet) as done:
            npy_header(file, blocks.dtype, blocks.header.shape, blocks.header.fortran)
            for block in blocks:
                file.write(by_block.compute(**block, **fixed).data)
                done(block["x"].size * blocks.header.dtype.itemsize)
        given.notes += blocks.notes
    return True


def _lines(given: Given, by_block: ByBlock, display: Display) -> bool:
    """Go from lines of text to lines of text as they come; return whether it was done."""
    source = given.references.get("x")
    if not by_block.of_text or display.kind != "plain" or given.dtype or source is None:
        return False
    from ..read.blocks import is_text, rows_of_text, size
    from ..show.progress import progress
    from ..write.results import rows

    if not is_text(source):
        return False
    by_block.begin()
    shown = display.output is None and sys.stdout is not None and sys.stdout.isatty()
    with (
        nullcontext() if display.output is None else replacing(display.output) as file,
        progress(size(source), wanted=not (display.quiet or shown)) as done,
    ):
        for numbers in rows_of_text(source, done, given.notes):
            text = rows(by_block.compute(numbers))
            write_out(text) if file is None else file.write(text.encode())
    return True
