"""Results for people: tables, and what they say in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from ..errors import element, in_ascii
from .record import axes, record, shortest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..check import GradientCheck
    from .record import Result

_CHECK_DIGITS = 6  # of the numbers in a gradient check
_ROUGH_DIGITS = 2  # of an error or its bound, where only the size matters
_UNLIMITED = 10**6  # columns
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
    columns, words = _content(result, style)
    if not console.encoding.lower().startswith("utf"):
        columns = {in_ascii(name): list(map(in_ascii, cells)) for name, cells in columns.items()}
        words = list(map(in_ascii, words))
    with console.capture() as captured:
        _print(console, columns, words)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def picture(result: Result, style: Style) -> str:
    """Return the same table as an SVG image, at its natural width."""
    import io

    from rich.console import Console

    console = Console(file=io.StringIO(), record=True, highlight=False, markup=False, emoji=False)
    columns, words = _content(result, style)
    _print(console, columns, words)
    return console.export_svg(title=f"sigcli {result.command}", code_format=_SVG)


def _content(result: Result, style: Style) -> tuple[dict[str, list[str]], list[str]]:
    """Return the cells of each column by its header, and the words below the table."""
    shape = next(iter(record(result).arrays.values())).shape
    view = _View.of(prod(shape), style)
    columns = _index(shape, view) | _columns(result, view)
    return columns, view.words() + (_words(result) if result.command == "gradcheck" else [])


@dataclass(frozen=True)
class _View:
    """Which elements are shown, and with how many digits."""

    positions: list[int]  # in C order
    left_out: int  # in the middle
    digits: int | None

    @classmethod
    def of(cls, size: int, style: Style) -> _View:
        """Return the view of `size` elements that `style` asks for."""
        rows = size if style.rows is None else min(size, style.rows)
        head = (rows + 1) // 2
        positions = [*range(head), *range(size - rows + head, size)]
        return cls(positions, size - rows, style.digits)

    def cells(self, of: NDArray[Any], show: Callable[[NDArray[Any]], list[str]]) -> list[str]:
        """Return the cells of one column, with a mark where elements are left out."""
        cells = show(of.reshape(-1)[self.positions])
        if self.left_out:
            cells.insert((len(cells) + 1) // 2, "⋮")
        return cells

    def numbers(self, of: NDArray[Any], digits: int | None = None) -> list[str]:
        """Return numbers with the digits asked for, else `digits`, else all that they have."""
        wanted = self.digits or digits
        return self.cells(of, partial(_rounded, digits=wanted) if wanted else shortest)

    def words(self) -> list[str]:
        """Say what is left out."""
        if not self.left_out:
            return []
        shown = len(self.positions)
        rows = "row" if shown == 1 else "rows"
        return [f"{shown} {rows} shown, {self.left_out} left out; --rows all shows all"]


def _columns(result: Result, view: _View) -> dict[str, list[str]]:
    """Return the cells of each column, by its header."""
    if result.command == "gradcheck":
        return _check_columns(result, view)
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
    rough = partial(_significant, digits=_ROUGH_DIGITS)
    exact = partial(_significant, digits=view.digits or _CHECK_DIGITS)
    numeric, bound = view.cells(result.numeric, exact), view.cells(result.bound, rough)
    return {
        "x": view.numbers(result.x, _CHECK_DIGITS),
        "dout": view.numbers(result.dout, _CHECK_DIGITS),
        "analytic": view.cells(result.analytic, exact),
        "numeric ± bound": [
            n if n == "⋮" else f"{n} ± {b}" for n, b in zip(numeric, bound, strict=True)
        ],
        "rel. error": view.cells(result.relative_error, rough),
        "verdict": view.cells(result.verdicts, shortest),
    }


def _index(shape: tuple[int, ...], view: _View) -> dict[str, list[str]]:
    """Return the column that says which element a row is; none where there is only one."""
    if not shape:
        return {}
    import numpy as np

    def show(positions: NDArray[Any]) -> list[str]:
        index = zip(*(axis.tolist() for axis in np.unravel_index(positions, shape)), strict=True)
        return [", ".join(map(str, place)) for place in index]

    return {", ".join(axes(len(shape))): view.cells(np.arange(prod(shape)), show)}


def _words(result: GradientCheck) -> list[str]:
    """Return what a check comes to, a sentence a line."""
    counts = Counter(result.verdicts.reshape(-1).tolist())
    total = result.x.size
    if counts["pass"] == total:
        return [
            f"{'The gradient is' if total == 1 else f'All {total} gradients are'} verified, "
            f"to {result.digits.min()} digits or more (rtol {result.rtol:.3g})."
        ]
    words = []
    if counts["wrong"]:
        words.append(_worst(result, counts["wrong"]))
    if counts["unresolved"]:
        start = "" if counts["wrong"] else "Nothing wrong found, but "
        words.append(f"{start}{counts['unresolved']} of {total} could not be resolved:")
        reasons = Counter(result.reasons[result.reasons != ""].tolist())
        for reason, many in reasons.most_common():
            more = f" and {many - 1} more" if many > 1 else ""
            words.append(f"  {_named(result.x, result.reasons == reason)}{more}: {reason}")
    return words


def _worst(result: GradientCheck, wrong: int) -> str:
    """Say how many gradients are wrong, and which is worst."""
    import numpy as np

    error = np.where(result.verdicts == "wrong", result.relative_error, -1)
    place = np.unravel_index(np.argmax(error), error.shape)
    found = [result.analytic[place].reshape(1), result.numeric[place].reshape(1)]
    for digits in (_CHECK_DIGITS, 10, 17):  # as many as it takes to see them differ
        analytic, numeric = (_rounded(number, digits)[0] for number in found)
        if analytic != numeric:
            break
    return (
        f"{wrong} of {error.size} {'is' if wrong == 1 else 'are'} wrong; the worst is "
        f"{_named(result.x, error == error[place])}: backward gives {analytic}, "
        f"finite differences {numeric}."
    )


def _named(x: NDArray[Any], chosen: NDArray[Any]) -> str:
    """Return the first of the chosen elements as in ``x[1] = 32``."""
    import numpy as np

    place = np.unravel_index(np.argmax(chosen), x.shape)
    return f"{element('x', place)} = {_rounded(x[place].reshape(1), _CHECK_DIGITS)[0]}"


def _rounded(array: NDArray[Any], digits: int) -> list[str]:
    """Return numbers with at most so many significant digits, for what was given."""
    return [f"{value:.{digits}g}" for value in array.tolist()]


def _significant(array: NDArray[Any], digits: int) -> list[str]:
    """Return numbers with just so many significant digits, for what was computed."""
    return [f"{value:#.{digits}g}" for value in array.tolist()]


def _print(console: Console, columns: dict[str, list[str]], words: list[str]) -> None:
    """Print a table, or blocks where the terminal is too narrow, and the words below."""
    drawn = _draw(columns)
    options = console.options.update(width=_UNLIMITED)
    width = console.measure(drawn, options=options).maximum
    in_terminal = console.file.isatty()
    blocks = in_terminal and width > console.width
    if not in_terminal:
        console.width = max(width, *map(len, words), 1)
    console.print(_blocks(columns, console.width) if blocks else drawn, soft_wrap=blocks)
    if blocks and words:
        console.print()
    for sentence in words:
        console.print(sentence)


def _draw(columns: dict[str, list[str]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        drawn.add_column(name, justify="left" if name == "verdict" else "right", no_wrap=True)
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
            Text.assemble(name if gap else name.ljust(indent), gap, _colored(cell))
            for name, cell in zip(columns, row, strict=True)
        )
        blocks.append(Text("\n").join(lines))
    return Text("\n\n").join(blocks)


def _colored(cell: str) -> Text:
    from rich.text import Text

    return Text(cell, style=_COLORS.get(cell, ""))
