"""One number: how it is written, what a float64 keeps of it, and what a word that is none means.

Numbers are read without NumPy, so that a mistake on the command line is said at once. The minus is
ASCII's or U+2212.
"""

from __future__ import annotations

import re
from math import isfinite

from ..errors import NumberError, quoted

BOM = b"\xef\xbb\xbf"  # of UTF-8, as some programs write it before a text

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


def read_number(name: str, text: str) -> float:
    """Read a single number that is no array, such as a tolerance."""
    if not _NUMBER.fullmatch(text):
        raise NumberError(refusal(name, text))
    return value_of(text)


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
    value = value_of(word)
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
        raise NumberError(refusal(place, word), line, start, end)
    value = value_of(word)
    note = loss(word, value)
    return value, f"{place}: {note}" if note else ""


def value_of(word: str) -> float:
    """Return the number that `word` is."""
    return float(word.replace("−", "-"))


def loss(word: str, value: float) -> str:
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


def refusal(place: str, word: str) -> str:
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
    if re.fullmatch(r"[+\-−]?[0-9]+,[0-9]+", word):
        return f"write {word.replace(',', '.')}, with a decimal point"
    if lower.endswith("j") and any(c.isdigit() for c in word):
        return "complex numbers cannot be used"
    if word.startswith("@") or word == "-":
        return "a file or - stands alone, not among numbers"
    if ";" in word:
        return "put a space or a comma between numbers"
    return ""
