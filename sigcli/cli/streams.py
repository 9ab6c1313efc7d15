"""Standard output for results, and standard error for what is said beside them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from select import select
from typing import TYPE_CHECKING

from ..errors import UsageError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_NOTES = 3  # of a kind; a file of them would bury the result
_UNLIMITED = 1000  # columns


def write_out(text: str) -> None:
    """Write to standard output, all of it."""
    if sys.stdout is None:
        raise UsageError("standard output is closed; the result has nowhere to go")
    sys.stdout.flush()
    data = memoryview(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    # A raw write may take less than all and say so; a text stream without a buffer forgets that.
    out = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    while data:
        written = out.write(data)
        if written is None:  # a pipe that does not wait for its reader
            select([], [out], [])
        data = data[written or 0 :]


def say(lines: Sequence[str]) -> None:
    """Write to standard error, as far as it takes it."""
    if sys.stderr is not None and lines:
        with suppress(OSError):
            print("\n".join(lines), file=sys.stderr, flush=True)


def say_notes(notes: Sequence[str], *, quiet: bool) -> None:
    """Say what is good to know, unless told to be quiet."""
    if not quiet:
        say([f"sigcli: note: {printable(note)}" for note in notes[:_MOST_NOTES]])
        if len(notes) > _MOST_NOTES:
            say([f"sigcli: note: {len(notes) - _MOST_NOTES} more like these"])


def error_width() -> int:
    """Return how many columns standard error has; many if it is no terminal."""
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return _UNLIMITED
