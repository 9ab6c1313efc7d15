"""Results for programs: plain numbers, CSV and JSON, every value in its shortest exact form."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from .numbers import shortest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ..check import GradientCheck
    from ..layer.graph import GraphPass, NodePass
    from ..layer.passes import BackwardPass, ForwardPass

    Result = ForwardPass | BackwardPass | GradientCheck | GraphPass

_FLOW = ("input", "output", "incoming", "local", "outgoing")  # of a node
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
    others : dict of str to ndarray
        Of other shapes.
    facts : dict
        What holds for all elements together.
    """

    result: str
    arrays: dict[str, NDArray[Any]]
    others: dict[str, NDArray[Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def record(result: Result) -> Record:
    """Return the names and arrays of `result`."""
    if result.command == "forward":
        answer = "y" if result.classes is None else "classes"
        return Record(answer, _arrays(result, "x", "y", "classes"))
    if result.command == "backward":
        return Record("dx", _arrays(result, "x", "y", "dout", "dx", "textbook", "digits_lost"))
    if result.command == "graph":
        return Record("dx", _arrays(result, "x", "y", "dout", "dx", "digits_lost"))
    arrays = _arrays(result, "x", "dout", "analytic", "unit", "numeric", "bound", "relative_error")
    arrays |= _arrays(result, "digits", "verdicts", "reasons", "reason_codes")
    others = {} if result.dout.shape == result.x.shape else {"dout": arrays.pop("dout")}
    return Record("verdicts", arrays, others, _facts(result))


def _facts(result: GradientCheck) -> dict[str, Any]:
    """Return what a check found as a whole; of what does not apply, nothing."""
    found = {
        "verdict": result.verdict,
        "rtol": result.rtol,
        "mistake": result.mistake,
        "would_catch": {
            "caught": result.would_catch.caught,
            "of": result.would_catch.total,
            "missed": [
                dict(zip(("mistake", "because", "instead"), missed, strict=True))
                for missed in result.would_catch.missed
            ],
        },
        "broken_promises": list(result.broken_promises),
        "advice": list(result.advice),
    }
    if result.indices is not None:
        found |= {"indices": result.indices.tolist(), "x_shape": list(result.shape)}
    if result.why is not None:
        from dataclasses import asdict

        steps = ("step", "value", "error_in_ulp")
        arithmetic = [dict(zip(steps, step, strict=True)) for step in result.why.arithmetic]
        found["why"] = asdict(result.why) | {"arithmetic": arithmetic}
    return {name: value for name, value in found.items() if value not in ("", [])}


def shape_of(result: Result) -> tuple[int, ...]:
    """Return the shape that the indices of elements are for: x's, or that of what replaces it."""
    if result.command == "gradcheck":
        return result.shape
    return next(iter(record(result).arrays.values())).shape


def place(result: Result, position: int) -> tuple[int, ...]:
    """Return the index of the element at a flat `position` of the result."""
    import numpy as np

    if result.command == "gradcheck" and result.indices is not None:
        position = int(result.indices[position])  # of all x, of which the result holds a few
    return tuple(map(int, np.unravel_index(position, shape_of(result))))


def indices_of(result: Result) -> Iterator[tuple[int, ...]]:
    """Return the index of each element, in C order."""
    if result.command == "gradcheck" and result.indices is not None:
        return (place(result, position) for position in range(result.x.size))
    return product(*map(range, shape_of(result)))


def flow(node: NodePass) -> dict[str, NDArray[Any]]:
    """Return what went through a node, by name."""
    return {name: getattr(node, name) for name in _FLOW}


def _arrays(result: Result, *names: str) -> dict[str, NDArray[Any]]:
    """Return those of the named arrays that `result` has."""
    return {name: getattr(result, name) for name in names if getattr(result, name) is not None}


def axes(ndim: int) -> list[str]:
    """Return what the indices of an array of so many dimensions are called."""
    if ndim == 1:
        return ["index"]
    return list("ijklmn"[:ndim]) if ndim <= 6 else [f"i{axis}" for axis in range(ndim)]


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
    out = io.StringIO()
    lines = writer(out, delimiter=delimiter, lineterminator="\n")
    shape = shape_of(result)
    if result.command == "graph":
        lines.writerow([*axes(len(shape)), "x", "node", *_FLOW])
        lines.writerows(_rows_of_nodes(result))
        return out.getvalue()
    lines.writerow([*axes(len(shape)), *arrays])
    columns = map(shortest, arrays.values())
    every = indices_of(result)
    lines.writerows((*index, *row) for index, *row in zip(every, *columns, strict=True))
    return out.getvalue()


def _rows_of_nodes(result: GraphPass) -> Iterator[tuple[object, ...]]:
    """Return, for each element, a row for each node."""
    columns = [list(map(shortest, flow(node).values())) for node in result.nodes]
    x = shortest(result.x)
    for at, index in enumerate(indices_of(result)):
        for node, values in zip(result.nodes, columns, strict=True):
            yield (*index, x[at], node.node.name, *(column[at] for column in values))


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

    found = record(result)
    return _saved(np.savez, **found.arrays, **found.others)


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
        **{name: nested(array) for name, array in (found.arrays | found.others).items()},
        **{name: _fact(fact) for name, fact in found.facts.items()},
    }
    if result.command == "graph":
        members["nodes"] = f"[{', '.join(map(_node, result.nodes))}]"
    return json_object(members) + "\n"


def json_object(members: dict[str, str]) -> str:
    """Return a JSON object of members that are JSON already."""
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"


def _node(found: NodePass) -> str:
    """Return what went through a node as JSON."""
    words = {"name": _fact(found.node.name), "rule": _fact(found.node.rule)}
    return json_object(words | {name: nested(array) for name, array in flow(found).items()})


def _fact(fact: Any) -> str:
    """Return what holds for all elements as JSON."""
    import json

    return json.dumps(_strict(fact), ensure_ascii=False, allow_nan=False)


def _strict(fact: Any) -> Any:
    """Return `fact` with strings for the numbers that JSON has not."""
    if isinstance(fact, dict):
        return {name: _strict(value) for name, value in fact.items()}
    if isinstance(fact, list | tuple):
        return [_strict(value) for value in fact]
    if isinstance(fact, float) and str(fact) in _STRICT:
        return _STRICT[str(fact)].strip('"')
    return fact


def nested(array: NDArray[Any]) -> str:
    """Return `array` as JSON lists in lists; what is empty as one, since `shape` says the rest."""
    if not array.size:
        return "[]"
    values = shortest(array)
    if array.dtype.kind == "f":
        values = [_STRICT.get(value, value) for value in values]
    elif array.dtype.kind == "U":
        quoted = {value: _fact(value) for value in set(values)}
        values = [quoted[value] for value in values]
    each = iter(values)

    def lists(shape: tuple[int, ...]) -> str:
        if not shape:
            return next(each)
        return "[" + ", ".join(lists(shape[1:]) for _ in range(shape[0])) + "]"

    return lists(array.shape)
