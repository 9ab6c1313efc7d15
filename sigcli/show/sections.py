"""What a table of each result holds: its columns, the drawing above, the sentences below."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import in_ascii
from .numbers import aligned, rounded, shortest, significant
from .words import evidence, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..check import GradientCheck, Why
    from ..layer.graph import GraphPass
    from ..layer.passes import BackwardPass, ForwardPass
    from ..record import Record

_CHECK_DIGITS = 6  # of the numbers in a gradient check
_ROUGH_DIGITS = 2  # of an error or its bound, where only the size matters


@dataclass(frozen=True)
class Style:
    """How a table is to look.

    Attributes
    ----------
    digits : int or None
        Significant digits; None leaves it to the table.
    rows : int or None
        Show at most so many rows; None shows all.
    color : bool
        Use colour where the terminal has it.
    """

    digits: int | None = None
    rows: int | None = 40
    color: bool = True


@dataclass(frozen=True)
class Section:
    """A table, with what stands above and below it.

    Attributes
    ----------
    columns : dict of str to list of str
        The cells of each column by its header.
    below : list of str
        Sentences.
    above : list of tuple of str
        The lines of a drawing, each with its colour.
    """

    columns: dict[str, list[str]]
    below: list[str] = field(default_factory=list)
    above: list[tuple[str, str]] = field(default_factory=list)

    def in_ascii(self) -> Section:
        """Return the same with what an old encoding lacks spelt in ASCII."""
        columns = {in_ascii(name): list(map(in_ascii, c)) for name, c in self.columns.items()}
        above = [(in_ascii(line), color) for line, color in self.above]
        return Section(columns, list(map(in_ascii, self.below)), above)


@dataclass(frozen=True)
class View:
    """Which elements are shown, and with how many digits."""

    positions: list[int]  # in C order
    left_out: int  # in the middle, or below
    digits: int | None
    below: bool = False

    @classmethod
    def of(cls, size: int, style: Style) -> View:
        """Return the view of `size` elements that `style` asks for."""
        rows = size if style.rows is None else min(size, style.rows)
        head = (rows + 1) // 2
        positions = [*range(head), *range(size - rows + head, size)]
        return cls(positions, size - rows, style.digits)

    @classmethod
    def worst_first(cls, result: GradientCheck, style: Style) -> View:
        """Return the view of a check: what is wrong, then what is unresolved, then the rest."""
        verdicts = result.verdicts.reshape(-1)
        rank = np.select([verdicts == "wrong", verdicts == "unresolved"], [0, 1], 2)
        error = np.where(rank == 0, -np.nan_to_num(result.relative_error.reshape(-1)), 0.0)
        order = np.lexsort((np.arange(rank.size), error, rank))
        rows = rank.size if style.rows is None else min(rank.size, style.rows)
        if rank.min() == 2 and rows < rank.size:
            return cls.of(rank.size, style)
        return cls(order[:rows].tolist(), rank.size - rows, style.digits, below=True)

    def cells(self, of: NDArray[Any], show: Callable[[NDArray[Any]], list[str]]) -> list[str]:
        """Return the cells of one column."""
        return self.marked(show(of.reshape(-1)[self.positions]))

    def marked(self, cells: list[str]) -> list[str]:
        """Return `cells` with a mark where elements are left out."""
        if self.left_out:
            cells.insert(len(cells) if self.below else (len(cells) + 1) // 2, "⋮")
        return cells

    def numbers(self, of: NDArray[Any], digits: int | None = None) -> list[str]:
        """Return numbers with the digits asked for, else `digits`, else all that they have."""
        wanted = self.digits or digits
        return aligned(self.cells(of, partial(rounded, digits=wanted) if wanted else shortest))

    def words(self) -> list[str]:
        """Say what is left out."""
        if not self.left_out:
            return []
        shown = len(self.positions)
        rows = "row" if shown == 1 else "rows"
        return [f"{shown} {rows} shown, {self.left_out} left out; --rows all shows all"]


def _index(record: Record, view: View) -> dict[str, list[str]]:
    """Return the column that says which element a row is; none where there is only one."""
    if not record.axes:
        return {}
    cells = [", ".join(map(str, record.index(position))) for position in view.positions]
    return {", ".join(record.axes): view.marked(cells)}


def _forward(result: ForwardPass, style: Style, width: int) -> list[Section]:
    view = View.of(result.x.size, style)
    arrays = {"x": result.x, "y": result.y, "1 − y": result.complement}
    columns = {name: view.numbers(array) for name, array in arrays.items()}
    if result.classes is not None:
        columns["class"] = view.numbers(result.classes, 1)
    return [Section(_index(result.record, view) | columns, view.words())]


def _backward(result: BackwardPass, style: Style, width: int) -> list[Section]:
    view = View.of(result.y.size, style)
    arrays = {"x": result.x, "y": result.y, "dout": result.dout, "dx": result.dx}
    arrays |= {"textbook dx": result.textbook}
    columns = {name: view.numbers(array) for name, array in arrays.items() if array is not None}
    if result.digits_lost is not None:
        columns["digits lost"] = view.cells(result.digits_lost, shortest)
    sentences = [*view.words(), *(f"{remark}." for remark in result.remarks)]
    return [Section(_index(result.record, view) | columns, sentences)]


def _check(result: GradientCheck, style: Style, width: int) -> list[Section]:
    view = View.worst_first(result, style)
    columns = _index(result.record, view) | _check_columns(result, view)
    found = [Section(columns, view.words() + words(result))]
    return found if result.why is None else found + _evidence(result.why)


def _check_columns(result: GradientCheck, view: View) -> dict[str, list[str]]:
    rough = partial(significant, digits=_ROUGH_DIGITS)
    exact = partial(significant, digits=view.digits or _CHECK_DIGITS)
    numeric = aligned(view.cells(result.numeric, exact))
    bound = view.cells(result.bound, rough)
    columns = {"x": view.numbers(result.x, _CHECK_DIGITS)}
    if result.dout.shape == result.x.shape:
        columns["dout"] = view.numbers(result.dout, _CHECK_DIGITS)
    return columns | {
        "analytic": aligned(view.cells(result.analytic, exact)),
        "numeric ± bound": [
            n if "⋮" in n else f"{n} ± {b}" for n, b in zip(numeric, bound, strict=True)
        ],
        "digits": view.cells(result.digits, shortest),
        "verdict": view.cells(result.verdicts, shortest),
    }


def _evidence(why: Why) -> list[Section]:
    """Return the ladder of one element, and the arithmetic of its dx."""
    ladder = {
        "step h": [f"{rung.step:.2e}" for rung in why.rungs],
        "difference": [f"{rung.difference:#.16g}" for rung in why.rungs],
        "truncation": [f"{rung.truncation:.1e}" for rung in why.rungs],
        "rounding": [f"{rung.rounding:.1e}" for rung in why.rungs],
    }
    sections = [Section(ladder, evidence(why))]
    if why.arithmetic:
        steps, values, errors = zip(*why.arithmetic, strict=True)
        arithmetic = {
            "computed": list(steps),
            "value": list(map(str, values)),
            "error in ULP": [f"{error:.2f}" for error in errors],
        }
        sections.append(Section(arithmetic))
    return sections


def _graph(result: GraphPass, style: Style, width: int) -> list[Section]:
    """Return a drawing and the steps back for each of a few elements, a table of many."""
    from . import graph

    places = graph.drawings(result)
    if not places:
        return [_nodes(result, style, graph.lost(result))]
    return [
        Section(
            graph.steps(result, place, style.digits),
            graph.product(result, place),
            graph.drawing(result, place, width),
        )
        for place in places
    ]


def _nodes(result: GraphPass, style: Style, below: list[str]) -> Section:
    """Return a table of all nodes, those of one element after the other."""
    view = View.of(result.x.size, style)
    columns = [
        _index(result.record, view)
        | {"x": view.numbers(result.x, _CHECK_DIGITS)}
        | {"node": view.marked([found.node.name] * len(view.positions))}
        | {name: view.numbers(array, _CHECK_DIGITS) for name, array in found.flow.items()}
        for found in result.nodes
    ]
    return Section(
        {
            name: [cell for row in zip(*(c[name] for c in columns), strict=True) for cell in row]
            for name in columns[0]
        },
        view.words() + below,
    )


# For each command: its sections, with drawings within so many columns.
SECTIONS: dict[str, Callable[[Any, Style, int], list[Section]]] = {
    "forward": _forward,
    "backward": _backward,
    "gradcheck": _check,
    "graph": _graph,
}
