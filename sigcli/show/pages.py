"""Pages of the manual in a terminal."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDEST = 100  # columns; longer lines of prose are hard to follow
_STYLES = {  # Rich's own have a black ground, which is a bar across a white terminal
    "markdown.code": "cyan",
    "markdown.code_block": "",
}


def contents(pages: Sequence[tuple[str, str]]) -> str:
    """Return one line a page: its name, and what it is about."""
    width = max(len(name) for name, _ in pages)
    return "".join(f"{name.ljust(width)}  {sentence}\n" for name, sentence in pages)


def rendered(text: str, *, color: bool) -> str:
    """Return a page of Markdown as this terminal shows it."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    console = Console(color_system="auto" if color else None, theme=Theme(_STYLES))
    page = Markdown(text, code_theme="ansi_dark", hyperlinks=False)
    with console.capture() as captured:
        console.print(page, width=min(console.width, _WIDEST))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def through_pager(text: str) -> bool:
    """Show `text` through the program that PAGER names, else through less.

    Returns
    -------
    bool
        False where there is no such program, or the terminal cannot move its cursor.
    """
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:  # a quote without its end
        return False
    if not command or os.environ.get("TERM", "dumb") == "dumb":
        return False
    # What git tells less: to pass colours on, and to end at once where a page fits the screen.
    settings = {"LESS": "FRX", **os.environ}
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=settings)
    except OSError:
        return False
    with _deaf_to(signal.SIGINT, signal.SIGPIPE):
        pager.communicate(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    return True


@contextmanager
def _deaf_to(*numbers: int) -> Iterator[None]:
    """Ignore these signals: Ctrl-C is for the pager, and its user may leave before the end."""
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
