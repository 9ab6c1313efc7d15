"""Results for programs: plain numbers, CSV, JSON and NumPy's files, every value exactly."""

from __future__ import annotations

import csv as python_csv
import io
import json as python_json
from functools import partial
from itertools import repeat
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..show.numbers import shortest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..record import Result

_STRICT = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # JSON has no such numbers


def plain(result: Result) -> str:
    """Return the answer's values alone; see `rows`."""
    found = result.record
    return rows(found.arrays[found.answer])


def rows(array: NDArray[Any]) -> str:
    """Return the values of `array`, one a line, or a row a line from two dimensions on."""
    if not array.size:
        return ""
    if array.ndim < 2 and array.dtype == float:
        return repr(array.reshape(-1).tolist())[1:-1].replace(", ", "\n") + "\n"  # the fastest way
    values, width = shortest(array), array.shape[-1] if array.ndim > 1 else 1
    starts = range(0, len(values), width)
    return "".join(" ".join(values[start : start + width]) + "\n" for start in starts)


def csv(result: Result, delimiter: str = ",") -> str:
    """Return a header and one line an element, or several where a `Record` says so."""
    found = result.record
    table = found.arrays if found.table is None else found.table
    out = io.StringIO()
    lines = python_csv.writer(out, delimiter=delimiter, lineterminator="\n")
    lines.writerow([*found.axes, *table])
    columns = zip(*map(shortest, table.values()), strict=True)
    each = next(iter(table.values())).size // max(1, found.first.size)
    for index in found.indices():
        for _ in repeat(None, each):
            lines.writerow((*index, *next(columns)))
    return out.getvalue()


def json(result: Result) -> str:
    """Return one strict JSON object on one line."""
    found, first = result.record, result.record.first
    head = {"shape": first.shape, "dtype": first.dtype.name} if found.head is None else found.head
    members = {"command": result.command, **head, **found.arrays, **found.others, **found.facts}
    return python_json.dumps(_strict(members), ensure_ascii=False, allow_nan=False) + "\n"


def _strict(value: Any) -> Any:
    """Return `value` of lists, numbers and strings alone, NaN and the infinities as strings."""
    if isinstance(value, np.ndarray):
        return _lists(value)
    if isinstance(value, dict):
        return {name: _strict(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_strict, value))
    return _STRICT.get(str(value), value) if isinstance(value, float) else value


def _lists(array: NDArray[Any]) -> Any:
    """Return `array` as lists in lists; what is empty as one, since its shape is said beside."""
    values = array.reshape(-1).tolist()
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        values = [float(text) for text in shortest(array)]  # in its own type's shortest form
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        values = list(map(_strict, values))
    if array.ndim == 1 or not array.size:
        return values
    nested = np.empty(array.size, object)
    nested[:] = values
    return nested.reshape(array.shape).tolist()


def _saved(save: Callable[..., None], *arrays: NDArray[Any], **named: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def npy(result: Result) -> bytes:
    """Return the answer as a NumPy array file."""
    return _saved(np.save, result.record.arrays[result.record.answer])


def npz(result: Result) -> bytes:
    """Return all arrays, by name, as a NumPy archive."""
    return _saved(np.savez, **result.record.arrays, **result.record.others)


def npy_header(file: IO[bytes], dtype: Any, shape: tuple[int, ...], fortran: bool) -> None:
    """Write what stands before the values of an ``.npy`` file."""
    header = {"descr": np.dtype(dtype).str, "fortran_order": fortran, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


WRITERS: dict[str, Callable[[Any], str | bytes]] = {
    "plain": plain,
    "csv": csv,
    "tsv": partial(csv, delimiter="\t"),
    "json": json,
    "npy": npy,
    "npz": npz,
}
