"""The entry point of ``sigcli`` and of ``python -m sigcli``."""

from __future__ import annotations

import signal
import sys

# A closed pipe and Ctrl-C end the program as they end any command, without a word: ``$?`` is then
# 141 or 130. A shell that starts it in the background ignores Ctrl-C, and so does it. This comes
# before all other imports, which take a quarter of a second.
if sys.platform != "win32":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

import codecs
import os
from io import TextIOWrapper
from typing import NoReturn

_SIZES = ("COLUMNS", "LINES", "TERMINAL_WIDTH")  # of a terminal, as Rich and Typer read them


def main() -> NoReturn:
    """Run the program."""
    if sys.platform == "win32":
        print("sigcli: runs on Linux and macOS; on Windows, use it in WSL", file=sys.stderr)
        sys.exit(2)
    for name in _SIZES:  # they would fail at what is no number, or make a line of a gigabyte
        size = os.environ.get(name, "")
        if size and not (size.isascii() and size.isdecimal() and len(size) < 5):
            del os.environ[name]
    codecs.register_error("sigcli", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="sigcli")

    from .cli import run

    os._exit(run(sys.argv[1:]))  # all is flushed; taking NumPy and Typer apart costs 20 ms


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """Spell what an old encoding lacks in ASCII, where it cannot be encoded."""
    from .errors import ASCII

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(c, "?") for c in error.object[error.start : error.end]), error.end


if __name__ == "__main__":
    main()
