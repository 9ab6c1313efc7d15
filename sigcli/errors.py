"""The errors people see: one line each, and where there is a place to point at, the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDTH = 66  # columns of an excerpt, where the terminal has no fewer
_LONGEST = 60  # characters of a quoted value before its middle is left out


class SigcliError(ValueError):
    """The base of all errors; the command could not be done (exit code 2)."""

    exit_code = 2

    def lines(self, width: int = _WIDTH) -> list[str]:
        """Return what to print, one string a line, safe for a terminal of `width` columns."""
        return [printable(str(self))]


class UsageError(SigcliError):
    """The command line does not say what to do."""


class NumberError(SigcliError):
    """What was given as numbers cannot be read as numbers.

    Parameters
    ----------
    message : str
        What is wrong and what would be right.
    source : str
        The text that was read.
    start, end : int
        The part of `source` that is wrong; nothing is pointed at where ``start == end``.
    """

    def __init__(self, message: str, source: str = "", start: int = 0, end: int = 0) -> None:
        super().__init__(message)
        self.source = source
        self.start = start
        self.end = end

    def lines(self, width: int = _WIDTH) -> list[str]:
        """Return the message, the line of the source that is wrong, and ``^`` below the place."""
        if self.start == self.end:
            return super().lines(width)
        first = self.source.rfind("\n", 0, self.start) + 1
        last = self.source.find("\n", self.start)
        last = len(self.source) if last < 0 else last
        around = max(4, (min(width, _WIDTH) - 6) // 2)  # characters on either side of the place
        left = max(first, self.start - around)
        right = min(last, self.end + around, self.start + around)
        before = ("…" if left > first else "") + printable(self.source[left : self.start])
        wrong = printable(self.source[self.start : min(self.end, right)])
        after = printable(self.source[min(self.end, right) : right])
        after += "…" if right < last else ""
        return [
            *super().lines(width),
            f"  {before}{wrong}{after}",
            f"  {' ' * _columns(before)}{'^' * max(1, _columns(wrong))}",
        ]


class FileError(SigcliError):
    """A file cannot be read or written, or is not what it should be."""


class MemoryFileError(SigcliError):
    """The last forward pass cannot be told from the file that should hold it."""


class ShapeError(SigcliError):
    """Two arrays that must go together do not."""


class OrderError(SigcliError):
    """`backward` was called before there was a forward pass."""


class RangeError(SigcliError):
    """A value lies outside of what it may be."""


class DtypeError(SigcliError):
    """An array holds something else than real numbers of at most 64 bits."""


class LayerError(SigcliError):
    """The layer that --layer names cannot be loaded, or raises."""


def printable(text: str) -> str:
    r"""Return `text` with all that could steer a terminal written out, as in ``\x1b``."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


# What to write where an old encoding has no such character.
ASCII = {
    **{"−": "-", "±": "+/-", "⋮": ":", "…": "...", "·": "*", "×": "x", "σ": "sigma", "′": "'"},
    **{"≤": "<=", "≥": ">=", "√": "sqrt ", "ε": "eps", "∂": "d", "—": "-", "–": "-"},
    **{"²": "^2", "①": "1", "②": "2", "③": "3", "④": "4", "│": "|", "─": "-"},
    **dict.fromkeys("╭╮╰╯", "+"),
    **{"▶": ">", "◀": "<", "▲": "^", "▼": "v"},
}


def in_ascii(text: str) -> str:
    """Return `text` with what an old encoding lacks spelt in ASCII."""
    return "".join(ASCII.get(c, c) for c in text)


def os_reason(error: OSError) -> str:
    """Say why a file cannot be read or written."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "expected a file, this is a folder"
    return error.strerror or str(error)


def mismatch(
    name: str, shape: tuple[int, ...], other: str, expected: tuple[int, ...]
) -> ShapeError:
    """Return the error for an array whose shape is not that of the `other`."""
    return ShapeError(
        f"{name} has the shape {shape} where {other} has {expected}; "
        "expected the same shape, or a single number"
    )


def element(name: str, index: Sequence[object]) -> str:
    """Return what messages call an element, as in ``x[1, 0]``; a 0-d array is its own."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def suggestion(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Ask whether one of the `known` words was meant, or say something else if none is near."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else otherwise


def quoted(text: str) -> str:
    """Return `text` in quotes, without its middle if it is long."""
    if len(text) > _LONGEST:
        return f"'{text[:20]}…{text[-20:]}' ({len(text)} characters)"
    return f"'{text}'"


def _columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    import unicodedata

    return sum(
        2 if unicodedata.east_asian_width(c) in "FW" else 0 if unicodedata.combining(c) else 1
        for c in text
    )
