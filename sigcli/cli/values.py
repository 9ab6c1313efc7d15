"""Numbers and choices in options, read as strictly as the numbers of an array."""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING

from ..errors import NumberError, RangeError, UsageError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 10**8  # rows, elements, and seeds


def finite(name: str, text: str) -> float:
    """Read a finite number."""
    value = _number(name, text)
    if not isfinite(value):
        raise RangeError(f"{name}: {quoted(text)} is not finite; expected a number such as -8")
    return value


def fraction(name: str, text: str, *, inclusive: bool) -> float:
    """Read a number from 0 to 1, the ends included or not."""
    value = _number(name, text)
    if 0 < value < 1 or (inclusive and value in (0, 1)):
        return value
    span = "0 ≤ value ≤ 1" if inclusive else "0 < value < 1"
    raise RangeError(f"{name}: {quoted(text)} is out of range; expected {span}")


def _number(name: str, text: str) -> float:
    from ..read.numbers import read_number

    try:
        return read_number(name, text)
    except NumberError as error:
        raise UsageError(str(error)) from None


def sizes(text: str) -> tuple[int, ...]:
    """Read the shape of an array, such as 4,3."""
    words = text.strip("()[] ").replace(",", " ").split()
    if not words:
        raise UsageError("--shape needs whole numbers, such as --shape 4,3")
    found = tuple(whole("--shape", word, MOST) for word in words)
    if prod(found) > MOST:
        raise UsageError(f"--shape: {quoted(text)} holds more than {MOST} numbers")
    return found


def whole(name: str, text: str, most: int, otherwise: str = "", least: int = 1) -> int:
    """Read a whole number from `least` to `most`."""
    if text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    span = f"from {least} to {most}{otherwise}"
    raise UsageError(f"{name}: {quoted(text)} is not a whole number {span}")


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """Read one of `choices`."""
    if text in choices:
        return text
    raise UsageError(
        f"{name}: no {quoted(text)}; choose {', '.join(choices[:-1])} or {choices[-1]}"
    )
