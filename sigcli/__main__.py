"""The entry point of ``sigcli`` and of ``python -m sigcli``."""

from __future__ import annotations

import codecs
import os
import signal
import sys
from io import TextIOWrapper
from typing import NoReturn


def main() -> NoReturn:
    """Run the program.

    A closed pipe and Ctrl-C end it as they end any command, without a word: ``$?`` is then 141
    or 130. A shell that starts it in the background ignores Ctrl-C, and so does it. This stands
    apart from the commands, so that it holds while they are still being imported.
    """
    if sys.platform == "win32":
        print("sigcli: runs on Linux and macOS; on Windows, use it in WSL", file=sys.stderr)
        sys.exit(2)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
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
