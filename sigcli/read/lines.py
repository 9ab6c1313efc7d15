"""Numbers in lines: text files, CSV, and what comes through a pipe, block by block.

A line holds one row of numbers, apart by white space, commas or both. ``#`` starts a comment, blank
lines are skipped, and a first line that cannot be a number gone wrong is a header. NumPy reads a
block of clean numbers at once; whatever it refuses is read again word by word, by `numbers`, which
knows more spellings and can say what is wrong and where.
"""

from __future__ import annotations

import csv
import re
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Float64
from ..errors import NumberError
from .members import ARRAYS
from .numbers import BOM, is_number, read_word, unit

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_NOTES = 20  # of a whole file
_EMPTY_FIELD = re.compile(rb",[^\S\n]*(?:,|$)|^[^\S\n]*,", re.MULTILINE)
_BLANK_IN_FIELD = re.compile(rb"[^\s,][ \t]+[^\s,]")
_TINY = re.compile(rb"[eE]-\d{3}|0{300}")
_LONE_RETURN = re.compile(rb"\r(?!\r*\n|$)")
# So no column is named: as a number, one in quotes or of money, or one with a letter for its digit.
_LIKE_NUMBER = re.compile(r"[-+−–—.]|[\"'(<$€£¥]*\d|[A-Za-z]\.\d|<|\$|€|£|¥|\(")
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
    member : str
        The column that is asked for by its name, if any.

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

    def __init__(self, name: str, delimiter: str | None = None, member: str = "") -> None:
        self.name = name
        self.member = member
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
        if b"\r" in block and (lone := _LONE_RETURN.search(block)):
            line = self._line + 1 + block.count(b"\n", 0, lone.start())
            raise NumberError(
                f"{self.name}: line {line} ends with \\r alone; expected \\n or \\r\\n"
            )
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
        return [word for line in self._logical_lines(block.decode()) for word in self._split(line)]

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
            words = self._named_columns(line) or self._split(line)
            self._started = bool(words)
            if words and not self._is_header(words):
                break
            self._line += 1
            start = end
            if words:
                self._first = (self._line, line.rstrip())
                self.delimiter = next((mark for mark in ",\t" if mark in line), None)
                self.header = self._named_columns(line) or self._split(line)
                self.columns = len(self.header)
                if self.name not in self.header and not self.member:
                    self.notes.append(f"{self.name}: line {self._line} is taken for a header")
                break
        return block[start:]

    def _named_columns(self, line: str) -> list[str]:
        """Return the cells of a header such as ``#,x``, which else would be a comment."""
        mark = next((mark for mark in ",\t" if mark in line), "")
        if not mark or "#" not in line:
            return []
        cells = [cell.strip(' "') for cell in line.strip().split(mark)]
        return cells if {self.name, self.member} & {*cells} - {""} else []

    def _is_header(self, words: list[str]) -> bool:
        """Whether the first line names columns; a single one must have a name that is known."""
        if len(words) == 1:
            return words[0].strip('"') in (*ARRAYS, self.name, self.member)
        return not any(_LIKE_NUMBER.match(word) or is_number(word) for word in words)

    def _quickly(self, block: bytes) -> Float64 | None:
        """Return the rows as NumPy reads them, or None where that cannot be relied on."""
        if any(mark in block for mark in _BREAKS_FAST):
            return None
        if self.delimiter == "\t":
            if b"," in block:
                return None
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
        if self.columns not in (None, values.shape[1]) or not is_exact(values, block):
            return None
        self.columns = values.shape[1]
        return values

    def _slowly(self, block: bytes) -> Float64:
        """Return the rows, read word by word."""
        rows: list[list[float]] = []
        for line in self._logical_lines(_decoded(self.name, block, self._line + 1)):
            self._line += 1 + line.count("\n")
            if words := self._split(line):
                rows.append([self._number(word, line, at) for at, word in enumerate(words)])
                self._check_length(rows[-1])
        return np.array(rows, np.float64).reshape(len(rows), self.columns or 0)

    def _logical_lines(self, text: str) -> Iterator[str]:
        """Yield lines, those of a table together that a quoted field goes over."""
        whole = ""
        for line in text.removesuffix("\n").split("\n"):
            whole = f"{whole}\n{line}" if whole else line
            if '"' in whole and self.delimiter and _is_open(whole, self.delimiter):
                continue
            yield whole
            whole = ""
        if whole:
            raise NumberError(f"{self.name}: line {self._line + 1}: a quote is never closed")

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
                most = csv.field_size_limit()
                raise NumberError(
                    f"{self.name}: a field is longer than {most} characters"
                ) from None
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


def _is_open(line: str, delimiter: str) -> bool:
    """Whether a quoted field begins in `line` and does not end there; quotes within are literal."""
    inside, before = False, delimiter
    for character in line:
        if inside:
            inside = character != '"'
        elif character == '"' and before in (delimiter, '"'):
            inside = True
        before = character
    return inside and not line.lstrip().startswith("#")


def is_exact(values: Float64, block: bytes) -> bool:
    """Whether nothing is lost in `values` that a note would have to say."""
    largest = np.max(np.abs(values), initial=0.0, where=~np.isnan(values))
    if largest >= 2.0**53:
        return False
    return not (np.any(values == 0) and _TINY.search(block))
