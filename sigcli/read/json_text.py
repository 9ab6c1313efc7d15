"""JSON: an array, or members of an object such as sigcli prints."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import converted
from ..errors import FileError, quoted
from .lines import is_exact
from .members import ARRAYS, Loaded, shaped
from .numbers import loss
from .typed import MAX_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..arrays import Array
    from .members import Members

_WORDS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def read_json(members: Members, text: bytes) -> Loaded:
    """Read a JSON array, or members of a JSON object such as sigcli prints."""
    reference, where = members.reference, members.where
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise FileError(
            f"{where}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise FileError(f"{where} is not JSON: {error}") from None
    if not isinstance(value, dict):
        members.alone()
        array = _from_lists(reference.name, value, {}, [])
        return Loaded({reference.name: array}, _lost(reference.name, [array], text))
    names = [name for name, member in value.items() if _may_be_array(name, member)]
    notes: list[str] = []
    chosen = members.chosen(names).items()
    arrays = {n: _from_lists(n, value[m], value, notes) for n, m in chosen}
    return Loaded(arrays, _lost(reference.name, arrays.values(), text) + notes)


def _lost(name: str, arrays: Iterable[Array], text: bytes) -> list[str]:
    """Return notes on numbers that float64 does not hold, where there may be any."""
    if all(is_exact(array.astype(np.float64), text) for array in arrays):
        return []
    notes: list[str] = []

    def keep(word: str) -> float:
        value = float(word)
        if note := loss(word, value):
            notes.append(f"{name}: {note}")
        return value

    json.loads(text.decode("utf-8-sig"), parse_float=keep, parse_int=keep)
    return notes


def _count(sizes: Any) -> int:
    """Return how many elements an array of these sizes has; −1 if they are none."""
    return prod(sizes) if all(type(size) is int for size in sizes) else -1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object in which no name stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _may_be_array(name: str, member: Any) -> bool:
    """Whether a member of an object is numbers, or should be by its name."""
    if name in ("shape", "rtol") or isinstance(member, bool):
        return False
    return name in ARRAYS or isinstance(member, list | float | int) or _is_word(member)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value in _WORDS


def _from_lists(name: str, value: Any, record: dict[str, Any], notes: list[str]) -> Array:
    """Return nested lists as an array, of the type and empty shape that the `record` names."""
    flat: list[float] = []
    shape = _flatten(name, value, flat)
    whole = record.get("shape")
    if isinstance(whole, list) and len(shape) == 1 and (name == "x" or _count(whole) == len(flat)):
        shape = tuple(whole)
    array: Array = shaped(name, np.array(flat, np.float64), shape)
    if record.get("dtype") in ("float16", "float32"):
        array, lost = converted(name, array, record["dtype"])
        notes += lost
    return array


def _flatten(place: str, value: Any, flat: list[float], depth: int = 0) -> tuple[int, ...]:
    """Append the numbers of nested lists to `flat` and return their shape."""
    if not isinstance(value, list):
        flat.append(_json_number(place, value))
        return ()
    if depth >= MAX_DIMENSIONS:
        raise FileError(f"{place.partition('[')[0]}: more than {MAX_DIMENSIONS} brackets deep")
    first: tuple[int, ...] = ()
    for index, item in enumerate(value):
        if type(item) is float:  # the common case, kept short
            flat.append(item)
            shape: tuple[int, ...] = ()
        else:
            shape = _flatten(f"{place}[{index}]", item, flat, depth + 1)
        if not index:
            first = shape
        elif shape != first:
            raise FileError(f"{place}[{index}] has the shape {shape} where {place}[0] has {first}")
    return (len(value), *first)


def _json_number(place: str, value: Any) -> float:
    if _is_word(value):
        return float(_WORDS[value])
    if isinstance(value, dict):  # perhaps too deep to be shown
        raise FileError(f"{place}: an object is not a number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = quoted(json.dumps(value, ensure_ascii=False))
        raise FileError(f"{place}: {shown} is not a number")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
