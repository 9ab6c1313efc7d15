"""The computational graph of the layer, drawn with the numbers that flow there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import element
from ..layer.graph import remark
from .numbers import rounded, shortest

if TYPE_CHECKING:
    from ..layer.graph import GraphPass

    Line = tuple[str, str]

FORWARD, BACK = "cyan", "magenta"
_DIGITS = 6  # of the numbers in a table
_MOST_DRAWN = 3  # graphs; more values are a table
_NUMBERS = "①②③④"  # of the steps back
_ENDS = ("x ", " y"), ("dx", " dout")


def drawings(result: GraphPass) -> list[tuple[int, ...]]:
    """Return the index of each element that is drawn: all of a few, none of many."""
    return list(result.record.indices()) if result.x.size <= _MOST_DRAWN else []


def drawing(result: GraphPass, place: tuple[int, ...], width: int) -> list[Line]:
    """Return lines that show one element's way forward, above, and its gradient's way back.

    Each line comes with which of the two it shows, `FORWARD` or `BACK`.

    With as many digits as fit into `width` columns; one node a line where not even one does.
    """
    name = [] if result.x.size == 1 else [(element("x", place), "")]
    for digits in range(5, 1, -1):
        lines = _across(result, place, digits)
        if max(len(line) for line, _ in lines) <= width:
            return name + lines
    return name + _down(result, place)


def _flows(result: GraphPass, place: tuple[int, ...], digits: int) -> tuple[list[str], list[str]]:
    """Return what flows along each edge: values forward, gradients back."""
    nodes = result.nodes
    values = [nodes[0].input, *(node.output for node in nodes)]
    gradients = [*(node.outgoing for node in nodes), nodes[-1].incoming]
    return (
        [rounded(value[place].reshape(1), digits)[0] for value in values],
        [rounded(gradient[place].reshape(1), digits)[0] for gradient in gradients],
    )


def _across(result: GraphPass, place: tuple[int, ...], digits: int) -> list[Line]:
    values, gradients = _flows(result, place, digits)
    rows = [["  "], [_ENDS[0][0]], [_ENDS[1][0]], ["  "]]
    for edge, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        size = max(len(value), len(gradient)) + 2
        last = edge == len(result.nodes)
        rows[0].append(value.center(size))
        rows[1].append("─" * (size - 1) + "▶")
        rows[2].append("◀" + "─" * (size - 1))
        rows[3].append(gradient.center(size))
        if last:
            break
        name = result.nodes[edge].node.name
        rule = "─" * len(name)
        number = _NUMBERS[len(result.nodes) - 1 - edge].center(len(name))
        for row, box in zip(
            rows, (f"╭{rule}╮", f"│{name}│", f"│{number}│", f"╰{rule}╯"), strict=True
        ):
            row.append(box)
    rows[1].append(_ENDS[0][1])
    rows[2].append(_ENDS[1][1])
    shown = (FORWARD, FORWARD, BACK, BACK)
    return [("".join(row).rstrip(), kind) for row, kind in zip(rows, shown, strict=True)]


def _down(result: GraphPass, place: tuple[int, ...]) -> list[Line]:
    """Return the same from top to bottom, an edge and a node in turn."""
    values, gradients = _flows(result, place, _DIGITS)
    lines = [("x", "")]
    for edge, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        lines += [(f"  │ ▼ {value}", FORWARD), (f"  │ ▲ {gradient}", BACK)]
        if edge < len(result.nodes):
            lines.append((f"[{result.nodes[edge].node.name}] {_NUMBERS[3 - edge]}", ""))
    return [*lines, ("y", "")]


def lost(result: GraphPass) -> list[str]:
    """Say in how many elements the graph loses digits, and why in the first."""
    places = [tuple(map(int, place)) for place in np.argwhere(result.digits_lost)]
    said = [(place, remark(result, place)) for place in places]
    known = [(place, why) for place, why in said if why]
    if not known:
        return []
    first, why = known[0]
    name = f"{element('x', first)} = {result.x[first]:g}"
    return [f"The graph loses digits in {len(known)} of {result.x.size}; {name}: {why}."]


def steps(result: GraphPass, place: tuple[int, ...], digits: int | None) -> dict[str, list[str]]:
    """Return the columns of a table of the four steps back."""

    def number(array: Any) -> str:
        return rounded(array[place].reshape(1), digits or _DIGITS)[0]

    back = result.nodes[::-1]
    return {
        "step": list(_NUMBERS),
        "node": [step.node.name for step in back],
        "gradient in": [number(step.incoming) for step in back],
        "local derivative": [step.node.rule.removeprefix("· ") for step in back],
        "is": [number(step.local) for step in back],
        "gradient out": [number(step.outgoing) for step in back],
    }


def product(result: GraphPass, place: tuple[int, ...]) -> list[str]:
    """Say what the four steps come to, and where digits are lost on the way."""
    dx = shortest(result.dx[place].reshape(1))[0]
    said = remark(result, place)
    return [
        "dx = dout · (−y²) · 1 · exp(−x) · (−1) = dout · y² · exp(−x)",
        "   = dout · y · (1 − y), since y · exp(−x) = 1 − y",
        f"   = {dx}",
        "y alone gives dx, and so the layer keeps y and not x.",
        *([f"Here {said}."] if said else []),
    ]
