"""Results for people: tables, and what they say in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import in_ascii
from .numbers import aligned, rounded, shortest, significant
from .record import axes, flow, place, record, shape_of
from .words import evidence, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..check import GradientCheck, Why
    from ..layer.graph import GraphPass
    from ..layer.passes import BackwardPass, ForwardPass
    from .record import Result

_CHECK_DIGITS = 6  # of the numbers in a gradient check
_ROUGH_DIGITS = 2  # of an error or its bound, where only the size matters
_UNLIMITED = 10**6  # columns
_PIPE = 80  # columns of a drawing where there is no terminal
# Rich's picture of a terminal, without the fonts that its own would load from the network.
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
_LEFT = ("verdict", "computed", "node", "local derivative")  # columns of words
_COLORS = {"pass": "green", "wrong": "bold red", "unresolved": "yellow"}


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


def table(result: Result, style: Style) -> str:
    """Return `result` as a table that fits the terminal, or at its natural width in a pipe.

    Where a terminal is too narrow for the table, each element is a block of lines instead: a
    number is never split or shortened.
    """
    from rich.console import Console

    console = Console(
        color_system="auto" if style.color else None, highlight=False, markup=False, emoji=False
    )
    width = console.width if console.file.isatty() else _PIPE
    sections = _content(result, style, width)
    if not console.encoding.lower().startswith("utf"):
        sections = [section.in_ascii() for section in sections]
    with console.capture() as captured:
        _print(console, sections)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def picture(result: Result, style: Style) -> str:
    """Return the same table as an SVG image, at its natural width."""
    import io

    from rich.console import Console

    console = Console(file=io.StringIO(), record=True, highlight=False, markup=False, emoji=False)
    _print(console, _content(result, style, _PIPE))
    return console.export_svg(title=f"sigcli {result.command}", code_format=_SVG)


@dataclass(frozen=True)
class _Section:
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

    def in_ascii(self) -> _Section:
        """Return the same with what an old encoding lacks spelt in ASCII."""
        columns = {in_ascii(name): list(map(in_ascii, c)) for name, c in self.columns.items()}
        above = [(in_ascii(line), color) for line, color in self.above]
        return _Section(columns, list(map(in_ascii, self.below)), above)


def _content(result: Result, style: Style, width: int) -> list[_Section]:
    """Return what there is to show of `result`, drawings within `width` columns."""
    if result.command == "graph":
        return _graph(result, style, width)
    if result.command == "gradcheck":
        view = _View.worst_first(result, style)
        columns = _index(result, view) | _check_columns(result, view)
        return [
            _Section(columns, view.words() + words(result)),
            *([] if result.why is None else _evidence(result.why)),
        ]
    view = _View.of(next(iter(record(result).arrays.values())).size, style)
    remarks = result.remarks if result.command == "backward" else ()
    sentences = [*view.words(), *(f"{remark}." for remark in remarks)]
    return [_Section(_index(result, view) | _columns(result, view), sentences)]


def _graph(result: GraphPass, style: Style, width: int) -> list[_Section]:
    """Return a drawing and the steps back for each of a few elements, a table of many."""
    from . import graph

    places = graph.drawings(result)
    if not places:
        return [_nodes(result, style, graph.lost(result))]
    return [
        _Section(
            graph.steps(result, place, style.digits),
            graph.product(result, place),
            graph.drawing(result, place, width),
        )
        for place in places
    ]


def _nodes(result: GraphPass, style: Style, below: list[str]) -> _Section:
    """Return a table of all nodes, those of one element after the other."""
    view = _View.of(result.x.size, style)
    columns = [
        _index(result, view)
        | {"x": view.numbers(result.x, _CHECK_DIGITS)}
        | {"node": view.marked([found.node.name] * len(view.positions))}
        | {name: view.numbers(array, _CHECK_DIGITS) for name, array in flow(found).items()}
        for found in result.nodes
    ]
    return _Section(
        {
            name: [cell for row in zip(*(c[name] for c in columns), strict=True) for cell in row]
            for name in columns[0]
        },
        view.words() + below,
    )


def _evidence(why: Why) -> list[_Section]:
    """Return the ladder of one element, and the arithmetic of its dx."""
    ladder = {
        "step h": [f"{rung.step:.2e}" for rung in why.rungs],
        "difference": [f"{rung.difference:#.16g}" for rung in why.rungs],
        "truncation": [f"{rung.truncation:.1e}" for rung in why.rungs],
        "rounding": [f"{rung.rounding:.1e}" for rung in why.rungs],
    }
    sections = [_Section(ladder, evidence(why))]
    if why.arithmetic:
        steps, values, errors = zip(*why.arithmetic, strict=True)
        arithmetic = {
            "computed": list(steps),
            "value": list(map(str, values)),
            "error in ULP": [f"{error:.2f}" for error in errors],
        }
        sections.append(_Section(arithmetic))
    return sections


@dataclass(frozen=True)
class _View:
    """Which elements are shown, and with how many digits."""

    positions: list[int]  # in C order
    left_out: int  # in the middle, or below
    digits: int | None
    below: bool = False

    @classmethod
    def of(cls, size: int, style: Style) -> _View:
        """Return the view of `size` elements that `style` asks for."""
        rows = size if style.rows is None else min(size, style.rows)
        head = (rows + 1) // 2
        positions = [*range(head), *range(size - rows + head, size)]
        return cls(positions, size - rows, style.digits)

    @classmethod
    def worst_first(cls, result: GradientCheck, style: Style) -> _View:
        """Return the view of a check: what is wrong, then what is unresolved, then the rest."""
        import numpy as np

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


def _columns(result: ForwardPass | BackwardPass, view: _View) -> dict[str, list[str]]:
    """Return the cells of each column, by its header."""
    given: dict[str, NDArray[Any] | None]
    if result.command == "forward":
        given = {"x": result.x, "y": result.y, "1 − y": result.complement}
    else:
        given = {"x": result.x, "y": result.y, "dout": result.dout, "dx": result.dx}
        given |= {"textbook dx": result.textbook}
    cells = {name: view.numbers(array) for name, array in given.items() if array is not None}
    if result.command == "forward" and result.classes is not None:
        cells["class"] = view.numbers(result.classes, 1)
    if result.command == "backward" and result.digits_lost is not None:
        cells["digits lost"] = view.cells(result.digits_lost, shortest)
    return cells


def _check_columns(result: GradientCheck, view: _View) -> dict[str, list[str]]:
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


def _index(result: Result, view: _View) -> dict[str, list[str]]:
    """Return the column that says which element a row is; none where there is only one."""
    dimensions = len(shape_of(result))
    if not dimensions:
        return {}
    cells = [", ".join(map(str, place(result, position))) for position in view.positions]
    return {", ".join(axes(dimensions)): view.marked(cells)}


def _print(console: Console, sections: Sequence[_Section]) -> None:
    """Print drawings, tables, or blocks where the terminal is too narrow, and sentences."""
    from rich.padding import Padding

    drawn = [_draw(section.columns) for section in sections]
    options = console.options.update(width=_UNLIMITED)
    widths = [console.measure(table, options=options).maximum for table in drawn]
    in_terminal = console.file.isatty()
    narrow = console.width
    if not in_terminal:
        lines = [line for section in sections for line in section.below]
        lines += [line for section in sections for line, _ in section.above]
        console.width = max(*widths, *map(len, lines), 1)
    for section, table, width in zip(sections, drawn, widths, strict=True):
        if section is not sections[0]:
            console.print()
        for line, color in section.above:
            console.print(line, style=color, soft_wrap=True)
        if section.above:
            console.print()
        blocks = in_terminal and width > narrow
        console.print(_blocks(section.columns, narrow) if blocks else table, soft_wrap=blocks)
        if blocks and section.below:
            console.print()
        for sentence in section.below:
            text = sentence.lstrip()
            console.print(Padding(text, (0, 0, 0, len(sentence) - len(text))))


def _draw(columns: dict[str, list[str]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        drawn.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        drawn.add_row(*map(_colored, row))
    return drawn


def _blocks(columns: dict[str, list[str]], width: int) -> Text:
    """Return one block of lines an element; a number that does not fit has a line of its own."""
    from rich.text import Text

    indent = max(map(len, columns)) + 2
    longest = max(len(cell) for cells in columns.values() for cell in cells)
    gap = "\n" if indent + longest > width else ""
    blocks = []
    for row in zip(*columns.values(), strict=True):
        lines = (
            Text.assemble(name if gap else name.ljust(indent), gap, _colored(cell.strip()))
            for name, cell in zip(columns, row, strict=True)
        )
        blocks.append(Text("\n").join(lines))
    return Text("\n\n").join(blocks)


def _colored(cell: str) -> Text:
    from rich.text import Text

    # Rich would take the blanks off that stand behind a number for its point to be in place.
    justify: Any = "left" if cell.endswith(" ") else None
    return Text(cell, style=_COLORS.get(cell, ""), justify=justify)
