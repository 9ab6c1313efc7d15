"""The number grammar: what people type, or paste from a Python prompt, as numbers and a shape.

::

    array   = call | bracket | run
    run     = number {sep number}                           1-D
    bracket = "[" [item {sep item}] "]"                     one dimension more than its items
    item    = bracket | number
    call    = array "(" item {"," option} ")"               NumPy's printed form
    option  = "dtype" "=" name | "shape" "=" "(" {integer ","} ")"
    number  = [sign] decimal | [sign] ("inf" | "nan") | scalar "(" number ")"
    sep     = white space | "," | both

``array`` and ``scalar`` are NumPy's names, with or without ``np.`` before them.
The minus is ASCII's or U+2212. Numbers are read without NumPy, so that a mistake costs no import.

A number in text is good to one unit of its last digit, trailing zeros counting: see `unit`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from ..errors import NumberError, element, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

BOM = b"\xef\xbb\xbf"  # of UTF-8, as some programs write it before a text
MAX_DIMENSIONS = 64  # NumPy's own limit
BY_DIGITS = ("dx",)  # the arrays that are only as good as the digits they are written with

_TOKEN = re.compile(r"[\[\](),=]|[^\s\[\](),=]+")
_DECIMAL = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_NUMBER = re.compile(
    rf"[+\-−]?(?:{_DECIMAL}(?:e[+\-−]?[0-9]+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE
)
_FORTRAN = rf"(?ai)([+\-−]?{_DECIMAL})d([+\-−]?[0-9]+)"
_BASED = r"(?ai)[+\-]?0(?:x[0-9a-f]+|o[0-7]+|b[01]+)"
# Hyphens and dashes that are none of the two minus signs.
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-"))
_EXACT_DIGITS = 15  # a whole number of so many digits is a float64
_LONGEST_INTEGER = 4000  # digits; Python reads no integer beyond 4300

# The types that NumPy's printed form may name, widest last; integers become float64.
_FLOATS = ("float16", "float32", "float64")
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_TYPES = {name: name for name in _FLOATS} | dict.fromkeys(_INTEGERS, "float64")


@dataclass(frozen=True)
class Typed:
    """Numbers as they were typed.

    Attributes
    ----------
    values : list of float
        The numbers in C order.
    shape : tuple of int
        Their shape.
    dtype : str
        ``float64`` unless the text names a narrower type.
    notes : list of str
        What could not be kept, such as ``1e400``, which is ``inf``.
    words : list of str
        The numbers as they were written.
    """

    values: list[float]
    shape: tuple[int, ...]
    dtype: str
    notes: list[str]
    words: list[str]


def read_tokens(name: str, tokens: Sequence[str]) -> Typed:
    """Read the words of a command line that belong to the array `name`.

    Raises
    ------
    NumberError
        If they are no numbers, or numbers of no shape.
    """
    for index, token in enumerate(tokens):
        if not token.strip():
            place = name if len(tokens) == 1 else f"{name}[{index}]"
            raise NumberError(f"{place}: {quoted(token)} holds no number; '[]' is an empty array")
    return read_text(name, " ".join(tokens))


def read_text(name: str, source: str) -> Typed:
    """Read one array from `source`; `name` is what errors call it.

    Raises
    ------
    NumberError
        If it does not follow the grammar; the error points at the place.
    """
    return _Reader(name, source).array()


def read_number(name: str, text: str) -> float:
    """Read a single number that is no array, such as a tolerance."""
    if not _NUMBER.fullmatch(text):
        raise NumberError(_refusal(name, text))
    return _value(text)


def is_number(word: str) -> bool:
    """Whether `word` is a number on its own."""
    return bool(_NUMBER.fullmatch(word))


def unit(word: str) -> float:
    """Return one unit of the last digit of a number, which is what it is good to.

    Trailing zeros count: ``0.50`` is good to 0.01, ``100`` to 1, ``1e-3`` to 0.001. What has no
    digits to go by is exact, with the unit 0: zero, ``inf``, ``nan``, and what is beyond float64.

    Parameters
    ----------
    word : str
        A number on its own, as `is_number` says.
    """
    value = _value(word)
    if value == 0 or not isfinite(value):
        return 0.0
    mantissa, _, exponent = word.lower().replace("−", "-").partition("e")
    decimals = len(mantissa.partition(".")[2])
    # The value is finite, so the exponent is no longer than float64 holds, but int() alone would
    # refuse one of 5000 leading zeros.
    return float(f"1e{int(float(exponent or 0)) - decimals}")


def read_word(place: str, word: str, line: str) -> tuple[float, str]:
    """Read one `word` of a `line`; return its value and a note, or an empty string.

    Raises
    ------
    NumberError
        If it is not a number; the error points at it.
    """
    if not word:
        raise NumberError(f"{place}: an empty field; write nan for a missing number")
    if not is_number(word):
        found = re.search(rf"(?<![^\s,\"]){re.escape(word)}(?![^\s,\"])", line)
        start = found.start() if found else 0
        end = found.end() if found else len(line)
        raise NumberError(_refusal(place, word), line, start, end)
    value = _value(word)
    note = _loss(word, value)
    return value, f"{place}: {note}" if note else ""


class _Reader:
    """Reads the tokens of one source from left to right."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.tokens = [(m.group(), m.start()) for m in _TOKEN.finditer(source)]
        self.at = 0
        self.values: list[float] = []
        self.words: list[str] = []
        self.types: set[str] = set()
        self.notes: list[str] = []

    def array(self) -> Typed:
        if not self.tokens:
            raise NumberError(f"{self.name}: {quoted(self.source)} holds no number")
        if self.is_call("array"):
            shape, dtype = self.call()
        else:
            shape, dtype = self.run(), max(self.types, default="float64")
        if self.peek() in ("]", ")"):
            raise self.error(f"{quoted(self.peek())} closes nothing", self.at)
        if self.peek():
            raise self.error("one array ends before this; [[1, 2], [3, 4]] holds two rows", self.at)
        return Typed(self.values, shape, dtype, self.notes, self.words)

    def run(self) -> tuple[int, ...]:
        """Read numbers side by side, or a single bracket."""
        if self.peek() == "[":
            return self.item((), 0)
        return self.items("", ())

    def call(self) -> tuple[tuple[int, ...], str]:
        """Read ``array(…)`` as NumPy prints it."""
        opener = self.at + 1
        self.at += 2
        shape = self.item((), opener)
        dtype = max(self.types, default="float64")
        while self.peek() == ",":
            self.at += 1
            option = self.take()
            if option not in ("dtype", "shape") or self.take() != "=":
                raise self.error("array(…) takes dtype= and shape= only", self.at - 1)
            if option == "dtype":
                dtype = self.dtype()
            else:
                shape = self.shape(shape)
        if self.take() != ")":
            raise self.error("'(' is never closed", opener)
        return shape, dtype

    def dtype(self) -> str:
        word = self.take()
        plain = word.strip("'\"").removeprefix("np.").removeprefix("numpy.")
        if plain not in _TYPES:
            raise self.error(f"{quoted(word)} is not taken; float16, 32 and 64 are", self.at - 1)
        return _TYPES[plain]

    def shape(self, seen: tuple[int, ...]) -> tuple[int, ...]:
        """Read the shape that NumPy prints with an empty array."""
        start = self.at
        while self.take() not in (")", ""):
            pass
        words = [text for text, _ in self.tokens[start + 1 : self.at - 1] if text != ","]
        sizes = tuple(int(word) for word in words if word.isdecimal() and len(word) < 10)
        if self.values or seen != (0,) or 0 not in sizes or len(sizes) != len(words):
            raise self.error("shape= goes with an empty array only, as in shape=(0, 3)", start)
        return sizes

    def items(self, closer: str, path: tuple[int, ...]) -> tuple[int, ...]:
        """Read items up to `closer` and return their shape together."""
        opener = self.at - 1
        inner: tuple[int, ...] = ()
        count, comma = 0, False
        while (token := self.peek()) != closer:
            if not token:
                raise self.error(f"{quoted(self.tokens[opener][0])} is never closed", opener)
            if token == ",":
                if comma or not count:
                    raise self.error("a number is missing before this comma", self.at)
                comma = True
                self.at += 1
                continue
            start = self.at
            shape = self.item((*path, count), start)
            inner = shape if not count else self.fitting(shape, inner, (*path, count), start)
            count, comma = count + 1, False
        if comma:
            raise self.error("a number is missing after the last comma", self.at - 1)
        self.at += bool(closer)
        return (count, *inner)

    def item(self, path: tuple[int, ...], start: int) -> tuple[int, ...]:
        """Read a bracket or a number and return its shape."""
        if self.peek() != "[":
            self.number(path)
            return ()
        if len(path) >= MAX_DIMENSIONS:
            raise self.error(f"more than {MAX_DIMENSIONS} brackets deep", start)
        self.at += 1
        return self.items("]", path)

    def fitting(
        self, shape: tuple[int, ...], first: tuple[int, ...], path: tuple[int, ...], start: int
    ) -> tuple[int, ...]:
        """Return `shape` if it is that of the first item."""
        if shape == first:
            return shape
        here, there = element(self.name, path), element(self.name, (*path[:-1], 0))
        raise self.error(f"{here} {_extent(shape, there, first)}", start, self.at, named=True)

    def number(self, path: tuple[int, ...]) -> None:
        place = element(self.name, path)
        if scalar := self.is_call(*_TYPES):
            self.at += 2
        word, start = self.take(), self.at - 1
        if word in ("", "]", ")", "="):
            raise self.error(_misplaced(word, scalar), start)
        if not _NUMBER.fullmatch(word):
            raise self.error(_refusal(place, word), start, named=True)
        if scalar and self.take() != ")":
            raise self.error(f"{place}: '(' is never closed", start - 1, named=True)
        value = _value(word)
        self.values.append(_rounded(value, scalar))
        self.words.append(word)
        self.types.add(_TYPES[scalar] if scalar else "float64")
        if note := _loss(word, value):
            self.notes.append(f"{place}: {note}")

    def is_call(self, *names: str) -> str:
        """Return which of `names` the next tokens call, or an empty string."""
        word = self.peek().removeprefix("np.").removeprefix("numpy.")
        return word if word in names and self.peek(1) == "(" else ""

    def peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.tokens[at][0] if at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.peek(-1)

    def error(
        self, message: str, first: int, after: int | None = None, *, named: bool = False
    ) -> NumberError:
        """Return an error that points at the tokens from `first` to before `after`."""
        first = min(first, len(self.tokens) - 1)  # past the end: the last one
        text, start = self.tokens[first]
        if after is not None:
            text, last = self.tokens[after - 1]
        else:
            last = start
        message = message if named else f"{self.name}: {message}"
        return NumberError(message, self.source, start, last + len(text))


def _misplaced(word: str, scalar: str) -> str:
    """Say what is wrong with a sign that stands where a number should."""
    if not word:
        return "the text ends where a number should stand"
    return f"{quoted(word)} closes nothing" if word != "=" and not scalar else "a number is missing"


def _rounded(value: float, dtype: str) -> float:
    """Return `value` as a scalar of a narrower type would have it."""
    form = {"float16": "e", "float32": "f"}.get(dtype)
    if form is None:
        return value
    from struct import pack, unpack

    try:
        narrow: float = unpack(form, pack(form, value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return narrow


def _value(word: str) -> float:
    return float(word.replace("−", "-"))


def _extent(shape: tuple[int, ...], other_place: str, other: tuple[int, ...]) -> str:
    """Say how an item of `shape` differs from an `other` one."""
    if bool(shape) != bool(other):
        kinds = ("a number", "a bracket")
        return f"is {kinds[bool(shape)]} where {other_place} is {kinds[bool(other)]}"
    if len(shape) == len(other) == 1:
        many = "number" if shape[0] == 1 else "numbers"
        return f"has {shape[0]} {many} where {other_place} has {other[0]}"
    return f"has the shape {shape} where {other_place} has {other}"


def _loss(word: str, value: float) -> str:
    """Say what a float64 cannot keep of the number `word`, if it is worth a note."""
    mantissa = word.lower().partition("e")[0]
    if value in (float("inf"), float("-inf")) and any(c.isdigit() for c in word):
        return f"{quoted(word)} is beyond float64 and becomes {value}"
    if value == 0 and any(c in "123456789" for c in mantissa):
        return f"{quoted(word)} is too small for float64 and becomes {value}"
    digits = word.lstrip("+-−")
    if digits.isdecimal() and _EXACT_DIGITS < len(digits) < _LONGEST_INTEGER:
        exact = int(word.replace("−", "-"))
        return "" if exact == value else f"{quoted(word)} becomes {int(value)}, the nearest float64"
    return ""


def _refusal(place: str, word: str) -> str:
    """Say that `word` is not a number, and how to write it if it means one."""
    hint = _hint(word)
    return f"{place}: {quoted(word)} is not a number" + (f"; {hint}" if hint else "")


def _hint(word: str) -> str:
    """Say how to write what `word` seems to mean."""
    lower = word.lower()
    if lower in ("true", "false"):
        return "write 1 or 0"
    if word == "(":
        return "write [1, 2], in square brackets"
    if lower in ("null", "none", "na"):
        return "write nan for a missing number"
    if word in ("...", "…"):
        return (
            "NumPy left numbers out when it printed this; see numpy.set_printoptions(threshold=…)"
        )
    if re.fullmatch(_BASED, word):
        return f"write {int(word, 0)}" if len(word) < 100 else "write it in decimal"
    if match := re.fullmatch(_FORTRAN, word):
        return f"write {match[1]}e{match[2]}"
    import unicodedata

    plain = unicodedata.normalize("NFKC", word).translate(_DASHES)
    plain = (
        re.sub("[_'\u2019]", "", plain).replace("--", "-").replace("-−", "-").replace("∞", "inf")
    )
    if plain != word and all(map(_NUMBER.fullmatch, plain.split(","))):
        return f"write {plain}"
    if lower.endswith("j") and any(c.isdigit() for c in word):
        return "complex numbers are not taken"
    if word.startswith("@") or word == "-":
        return "a file or - stands alone, not among numbers"
    if ";" in word:
        return "put a space or a comma between numbers"
    return ""
