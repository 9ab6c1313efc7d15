"""Numbers in lines: text files, CSV, and what comes through a pipe, block by block.

A line holds one row of numbers, apart by white space, commas or both. ``#`` starts a comment, blank
lines are skipped, and a first line without any number is a header. NumPy reads a block of clean
numbers at once; whatever it refuses is read again word by word, by the grammar of `text`, which
knows more spellings and can say what is wrong and where.
"""

from __future__ import annotations

import csv
import re
from io import BytesIO

import numpy as np

from ..arrays import Float64
from ..errors import NumberError
from .numbers import BOM, is_number, read_word, unit

_MOST_NOTES = 20  # of a whole file
_EMPTY_FIELD = re.compile(rb",[ \t\r]*(?:,|$)|^[ \t]*,", re.MULTILINE)
_BLANK_IN_FIELD = re.compile(rb"[^\s,][ \t]+[^\s,]")
_TINY_EXPONENT = re.compile(rb"[eE]-\d{3}")
_LIKE_NUMBER = re.compile(r"[-+−.]?\d")  # so no column is named
_BREAKS_FAST = (b"#", b'"', b"(")  # NumPy reads (…) after nan; a comment must be cut


class Lines:
    """Reads blocks of whole lines into rows of numbers.

    Parameters
    ----------
    name : str
        What errors call the array.
    delimiter : str or None
        A comma or a tab where only that parts numbers; None where white space does too. A header
        with a comma or a tab in it decides.

    Attributes
    ----------
    header : list of str
        The names of the columns; empty without a header.
    columns : int or None
        How many numbers a row has; None before the first row.
    faulty : dict of int to NumberError
        The columns below a header that hold words, which is an error once they are asked for.
    notes : list of str
        What could not be kept.
    """

    def __init__(self, name: str, delimiter: str | None = None) -> None:
        self.name = name
        self.delimiter = delimiter
        self.header: list[str] = []
        self.columns: int | None = None
        self.faulty: dict[int, NumberError] = {}
        self.notes: list[str] = []
        self._line = 0  # lines read so far
        self._above = 0  # of them, those before the first row
        self._started = False  # whether a header or a row has been seen
        self._first = (0, "")  # the number and the text of the header's line

    def read(self, block: bytes) -> Float64:
        """Return the rows of `block`, of shape (rows, columns).

        Raises
        ------
        NumberError
            If a word is not a number, or a row has another length than the first.
        """
        if self._line == 0:
            block = block.removeprefix(BOM)
        if not self._started:
            block = self._skip_header(block)
            self._above = self._line
        values = self._quickly(block)
        if values is None:
            return self._slowly(block)
        self._line += block.count(b"\n")
        return values

    def units(self, text: bytes, column: str = "") -> Float64:
        """Return the units of the last digits in a `text` that `read` has read as a whole.

        Parameters
        ----------
        text : bytes
            What `read` was given, in one block.
        column : str
            The column that is meant, below a header.

        Returns
        -------
        ndarray of float64
            1-D, row by row.
        """
        words = self._words(text)
        if self.header:
            words = words[self.header.index(column) :: len(self.header)]
        return np.array([unit(word) for word in words], np.float64)

    def _words(self, text: bytes) -> list[str]:
        """Return the words that were read as numbers, apart as they were for that."""
        block = b"".join(text.removeprefix(BOM).split(b"\n", self._above)[self._above :])
        if self._quickly(block) is not None:
            return block.replace(b",", b" ").decode().split()
        return [word for line in block.decode().split("\n") for word in self._split(line)]

    def check(self, column: str) -> None:
        """Raise the error that it is to ask for a `column` with words in it."""
        if error := self.faulty.get(self.header.index(column)):
            raise error

    def check_rows(self, count: int, wanted: str) -> None:
        """Raise an error if there are no rows and the header does not name what is wanted.

        A header alone is then no header, but words where numbers should be.
        """
        if not count and wanted not in self.header:
            number, line = self._first
            read_word(f"{self.name}: line {number}", self.header[0], line)

    def _skip_header(self, block: bytes) -> bytes:
        """Return `block` without what stands before the first row."""
        start = 0
        while start < len(block):
            end = block.find(b"\n", start) + 1 or len(block)
            line = _decoded(self.name, block[start:end], self._line + 1)
            words = self._split(line)
            self._started = bool(words)
            if any(map(_LIKE_NUMBER.match, words)) or any(map(is_number, words)):
                break
            self._line += 1
            start = end
            if words:
                self._first = (self._line, line.rstrip())
                self.delimiter = next((mark for mark in ",\t" if mark in line), None)
                words = self._split(line)
                self.header = words
                self.columns = len(self.header)
                break
        return block[start:]

    def _quickly(self, block: bytes) -> Float64 | None:
        """Return the rows as NumPy reads them, or None where that cannot be relied on."""
        if any(mark in block for mark in _BREAKS_FAST):
            return None
        if self.delimiter == "\t":
            block = block.replace(b"\t", b",")
        if self.delimiter and _BLANK_IN_FIELD.search(block):
            return None
        if b"," in block:
            if _EMPTY_FIELD.search(block):
                return None
            block = block.replace(b",", b" ")
        if not block.strip():
            return np.empty((0, self.columns or 0))
        try:
            values = np.loadtxt(BytesIO(block), comments=None, ndmin=2, encoding="utf-8")
        except ValueError:
            return None
        if self.columns not in (None, values.shape[1]) or not _is_exact(values, block):
            return None
        self.columns = values.shape[1]
        return values

    def _slowly(self, block: bytes) -> Float64:
        """Return the rows, read word by word."""
        rows: list[list[float]] = []
        for line in _decoded(self.name, block, self._line + 1).removesuffix("\n").split("\n"):
            self._line += 1
            if words := self._split(line):
                rows.append([self._number(word, line, at) for at, word in enumerate(words)])
                self._check_length(rows[-1])
        return np.array(rows, np.float64).reshape(len(rows), self.columns or 0)

    def _number(self, word: str, line: str, column: int) -> float:
        try:
            value, note = read_word(f"{self.name}: line {self._line}", word, line)
        except NumberError as error:
            if not self.header:
                raise
            self.faulty.setdefault(column, error)
            return float("nan")
        if note and len(self.notes) < _MOST_NOTES:
            self.notes.append(note)
        return value

    def _check_length(self, row: list[float]) -> None:
        if self.columns is None:
            self.columns = len(row)
        if len(row) != self.columns:
            many = "number" if len(row) == 1 else "numbers"
            other = "header" if self.header else "first row"
            raise NumberError(
                f"{self.name}: line {self._line} has {len(row)} {many} where the {other} has "
                f"{self.columns}"
            )

    def _split(self, line: str) -> list[str]:
        """Return the words of one line, none of a comment; below a header words may hold ``#``."""
        line = (line if self.header else line.partition("#")[0]).rstrip("\r\n")
        words = self._apart(line) if line.strip() else []
        if not (self.header and words):
            return words
        if line.lstrip().startswith("#") and len(words) != self.columns:
            return []
        number, comment, _ = words[-1].partition("#")
        return [*words[:-1], number.strip()] if comment and is_number(number.strip()) else words

    def _apart(self, line: str) -> list[str]:
        """Return what stands between delimiters, or white space and commas."""
        if self.delimiter:
            try:
                fields = next(csv.reader([line], delimiter=self.delimiter))
            except csv.Error:
                raise NumberError(f"{self.name}: {_unparted(line)}") from None
            return [field.strip() for field in fields]
        if "," in line and not self.header:
            return [word for field in line.split(",") for word in (field.split() or [""])]
        return line.split()


def _decoded(name: str, block: bytes, line: int) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
        raise NumberError(f"{name}: line {line} is not UTF-8 text") from None


def _unparted(line: str) -> str:
    """Say why the fields of `line` cannot be told apart."""
    if "\r" in line:
        return "a line ends with \\r alone; \\n or \\r\\n is right"
    return f"a field is longer than {csv.field_size_limit()} characters"


def _is_exact(values: Float64, block: bytes) -> bool:
    """Whether nothing is lost in `values` that a note would have to say."""
    largest = np.max(np.abs(values), initial=0.0, where=~np.isnan(values))
    if largest >= 2.0**53:
        return False
    return not (np.any(values == 0) and _TINY_EXPONENT.search(block))
