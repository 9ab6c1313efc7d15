"""The array grammar: what people type, or paste from a Python prompt, as numbers and a shape.

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
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NumberError, element, quoted
from .numbers import is_number, loss, refusal, unit, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..arrays import Array

MAX_DIMENSIONS = 64  # NumPy's own limit

_TOKEN = re.compile(r"[\[\](),=]|[^\s\[\](),=]+")

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

    def array(self) -> Array:
        """Return the numbers as float64, in their shape."""
        import numpy as np

        return np.array(self.values, np.float64).reshape(self.shape)

    def units(self) -> Array:
        """Return the unit of the last digit of each number, as float64; see `numbers.unit`."""
        import numpy as np

        return np.array([unit(word) for word in self.words], np.float64).reshape(self.shape)


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
            raise self.error(
                f"{quoted(word)} cannot be used; expected float16, float32 or float64", self.at - 1
            )
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
        if not is_number(word):
            raise self.error(refusal(place, word), start, named=True)
        if scalar and self.take() != ")":
            raise self.error(f"{place}: '(' is never closed", start - 1, named=True)
        value = value_of(word)
        self.values.append(_rounded(value, scalar))
        self.words.append(word)
        self.types.add(_TYPES[scalar] if scalar else "float64")
        if note := loss(word, value):
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


def _extent(shape: tuple[int, ...], other_place: str, other: tuple[int, ...]) -> str:
    """Say how an item of `shape` differs from an `other` one."""
    if bool(shape) != bool(other):
        kinds = ("a number", "a bracket")
        return f"is {kinds[bool(shape)]} where {other_place} is {kinds[bool(other)]}"
    if len(shape) == len(other) == 1:
        many = "number" if shape[0] == 1 else "numbers"
        return f"has {shape[0]} {many} where {other_place} has {other[0]}"
    return f"has the shape {shape} where {other_place} has {other}"
