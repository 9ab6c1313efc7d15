"""Results for programs: plain numbers, CSV and JSON, every value in its shortest exact form."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ..check import GradientCheck
    from ..layer.passes import BackwardPass, ForwardPass

    Result = ForwardPass | BackwardPass | GradientCheck

_STRICT = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}  # JSON has no such numbers


@dataclass(frozen=True)
class Record:
    """A result by the names that programs see.

    Attributes
    ----------
    result : str
        The one of `arrays` that is the answer.
    arrays : dict of str to ndarray
        All of one shape.
    facts : dict of str to str or float
        What holds for all elements together.
    """

    result: str
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, str | float] = field(default_factory=dict)


def record(result: Result) -> Record:
    """Return the names and arrays of `result`."""
    if result.command == "forward":
        answer = "y" if result.classes is None else "classes"
        return Record(answer, _arrays(result, "x", "y", "classes"))
    if result.command == "backward":
        return Record("dx", _arrays(result, "x", "y", "dout", "dx", "textbook", "digits_lost"))
    numbers = _arrays(result, "x", "dout", "analytic", "numeric", "bound", "relative_error")
    words = _arrays(result, "digits", "verdicts", "reasons")
    return Record("verdicts", numbers | words, {"verdict": result.verdict, "rtol": result.rtol})


def _arrays(result: Result, *names: str) -> dict[str, NDArray[Any]]:
    """Return those of the named arrays that `result` has."""
    return {name: getattr(result, name) for name in names if getattr(result, name) is not None}


def shortest(array: NDArray[Any]) -> list[str]:
    """Return each value, in C order, in the shortest form that reads back as the same value."""
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return [str(value) for value in array.reshape(-1)]  # as its own type, not as float64
    return list(map(str, array.reshape(-1).tolist()))


def axes(ndim: int) -> list[str]:
    """Return what the indices of an array of so many dimensions are called."""
    if ndim == 1:
        return ["index"]
    return list("ijklmn"[:ndim]) if ndim <= 6 else [f"i{axis}" for axis in range(ndim)]


def indices(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Return the index of each element, in C order."""
    return product(*map(range, shape))


def plain(result: Result) -> str:
    """Return the answer's values alone: one a line, or a row a line from two dimensions on."""
    found = record(result)
    return rows(found.arrays[found.result])


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
    """Return a header and one line an element."""
    import io
    from csv import writer

    arrays = record(result).arrays
    shape = next(iter(arrays.values())).shape
    out = io.StringIO()
    lines = writer(out, delimiter=delimiter, lineterminator="\n")
    lines.writerow([*axes(len(shape)), *arrays])
    columns = map(shortest, arrays.values())
    lines.writerows((*index, *row) for index, *row in zip(indices(shape), *columns, strict=True))
    return out.getvalue()


def tsv(result: Result) -> str:
    """Return the same as `csv` with tabs."""
    return csv(result, "\t")


def npy(result: Result) -> bytes:
    """Return the answer as a NumPy array file."""
    import numpy as np

    found = record(result)
    return _saved(np.save, found.arrays[found.result])


def npz(result: Result) -> bytes:
    """Return all arrays, by name, as a NumPy archive."""
    import numpy as np

    return _saved(np.savez, **record(result).arrays)


def _saved(save: Callable[..., None], *arrays: NDArray[Any], **named: NDArray[Any]) -> bytes:
    import io

    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def json(result: Result) -> str:
    """Return one strict JSON object on one line."""
    found = record(result)
    first = next(iter(found.arrays.values()))
    members = {
        "command": f'"{result.command}"',
        "shape": f"[{', '.join(map(str, first.shape))}]",
        "dtype": f'"{first.dtype.name}"',
        **{name: _nested(array) for name, array in found.arrays.items()},
        **{n: f'"{f}"' if isinstance(f, str) else repr(f) for n, f in found.facts.items()},
    }
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}\n"


def _nested(array: NDArray[Any]) -> str:
    """Return `array` as JSON lists in lists; what is empty as one, since `shape` says the rest."""
    if not array.size:
        return "[]"
    values = shortest(array)
    if array.dtype.kind == "f":
        values = [_STRICT.get(value, value) for value in values]
    elif array.dtype.kind == "U":
        values = [f'"{value}"' for value in values]  # our own words, with nothing to escape
    each = iter(values)

    def lists(shape: tuple[int, ...]) -> str:
        if not shape:
            return next(each)
        return "[" + ", ".join(lists(shape[1:]) for _ in range(shape[0])) + "]"

    return lists(array.shape)
