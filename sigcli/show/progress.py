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
def progress(
    total: int | None, *, wanted: bool, what: str = "bytes"
) -> Iterator[Callable[[int], None]]:
    """Give a function to be told of work done; it shows a bar once that takes over a second.

    Parameters
    ----------
    total : int or None
        How much there is to do; None where that is not known.
    wanted : bool
        Whether to show anything at all.
    what : str
        What is counted.
    """
    start, done = monotonic(), 0
    bar: Progress | None = None

    def advance(amount: int) -> None:
        nonlocal bar, done
        done += amount
        if bar is None and wanted and monotonic() - start > _PATIENCE and _in_terminal():
            bar = _bar(total, what)
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _in_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _bar(total: int | None, what: str) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counted: list[ProgressColumn] = [MofNCompleteColumn(), TextColumn(what)]
    bar = Progress(
        BarColumn(),
        *([DownloadColumn(), TransferSpeedColumn()] if what == "bytes" else counted),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # the result is written there meanwhile
        redirect_stderr=False,
    )
    bar.add_task("", total=total)
    bar.start()
    return bar
