"""Text: lines of numbers, a table with a header, or one array in brackets."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import converted
from ..errors import NumberError
from .files import sniffed
from .json_text import read_json
from .lines import Lines
from .members import Loaded
from .typed import read_text as read_typed

if TYPE_CHECKING:
    from ..arrays import Array
    from .members import Members

_AXES = ("i", "j", "k", "l", "m", "n")  # columns that say where a row belongs


def read_text(members: Members, text: bytes, delimiter: str | None) -> Loaded:
    """Read lines of numbers, or an array in brackets as NumPy or JSON writes it."""
    if sniffed(text[:64]) != ".array":
        return _read_lines(members, text, delimiter)
    members.alone()
    return read_json(members, text) if b'"' in text else _read_brackets(members, text)


def _read_brackets(members: Members, text: bytes) -> Loaded:
    name = members.reference.name
    typed = read_typed(name, text.decode("utf-8-sig", "replace"))
    array, notes = converted(name, typed.array(), typed.dtype)
    good_to = {name: typed.units()} if name in members.by_digits else {}
    return Loaded({name: array}, typed.notes + notes, good_to)


def _read_lines(members: Members, text: bytes, delimiter: str | None) -> Loaded:
    reference = members.reference
    lines = Lines(reference.name, delimiter, reference.member)
    rows = lines.read(text)
    if lines.header:
        lines.check_rows(len(rows), reference.member or reference.name)
        columns = _columns(lines.header, rows)
        chosen = members.chosen([name for name in lines.header if name in columns])
        for member in chosen.values():
            lines.check(member)
        arrays = {name: columns[member] for name, member in chosen.items()}
    else:
        members.alone()
        if not rows.size:
            raise NumberError(f"{members.where} holds no number")
        chosen = {reference.name: ""}
        arrays = {reference.name: rows.reshape(-1) if 1 in rows.shape else rows}
    units = {
        name: lines.units(text, member).reshape(arrays[name].shape)
        for name, member in chosen.items()
        if name in members.by_digits
    }
    return Loaded(arrays, lines.notes, units)


def _columns(header: list[str], rows: Array) -> dict[str, Array]:
    """Return the columns of a table by name, in the shape that index columns give them."""
    if header[0] == "index":
        return {name: rows[:, at] for at, name in enumerate(header) if at}
    count = 0
    while count < min(len(header), len(_AXES)) and header[count] == _AXES[count]:
        count += 1
    index, shape = rows[:, :count], None
    if count and rows.size and np.all(index >= 0) and np.all(index < len(rows)):
        shape = tuple(int(size) + 1 for size in index.max(axis=0))
        if prod(shape) != len(rows) or not np.array_equal(
            index, np.indices(shape).reshape(count, -1).T
        ):
            shape = None
    return {
        name: rows[:, at].reshape(shape or -1)
        for at, name in enumerate(header)
        if at >= count or not shape
    }
