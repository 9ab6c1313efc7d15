"""A bar for long work, on standard error where that is a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

_PATIENCE = 1.0  # seconds before a bar appears


@contextmanager
def progress(words: str, total: int | None, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """Give a function to be told of work done; it shows a bar once the work takes over a second.

    Parameters
    ----------
    words : str
        What is being done.
    total : int or None
        How much there is to do; None where that is not known.
    wanted : bool
        Whether to show anything at all.
    """
    start, done = monotonic(), 0
    bar: Progress | None = None

    def advance(amount: int) -> None:
        nonlocal bar, done
        done += amount
        if bar is None and wanted and monotonic() - start > _PATIENCE and _in_terminal():
            bar = _bar(words, total)
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _in_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _bar(words: str, total: int | None) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn(words),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task("", total=total)
    bar.start()
    return bar
