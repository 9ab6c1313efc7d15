"""σ and σ′ over a range, drawn in the terminal in Braille dots, or in ASCII where it has none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.text import Text

from ..errors import in_ascii
from .axis import ticks
from .plot import HEIGHTS, SLOPE_NAME, Y_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..layer.curve import Plot
    from .sections import Style

    Dot = tuple[int, int]  # counted from the left, and from the top
    Cells = dict[tuple[int, int], tuple[str, str]]  # row, column: a character and its style

_LEAST_COLUMNS, _MOST_COLUMNS, _PIPE_COLUMNS = 16, 100, 80
_GUTTER = 5  # columns for "0.75" and the axis beside it
_MARGIN = 2  # columns for " x" at the end of the other
_COLUMNS_A_QUARTER = 18  # for each row of a quarter's height; about the shape of 80 by 24
_MOST_ROWS_A_QUARTER = 5
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # bits of a Braille pattern, U+2800
_APART = 4  # dots from one of a dotted curve to the next
# Readable on black and on white; the shapes alone tell the curves and marks apart.
_Y_STYLE, _SLOPE_STYLE, _MARK_STYLE = "green", "magenta", "bold"


@dataclass(frozen=True)
class _Glyphs:
    """The characters of a drawing."""

    corner: str
    across: str
    tick: str
    up: str
    height: str
    on_y: str
    on_slope: str
    on_both: str  # where the two are one
    y_sample: str
    slope_sample: str


_BRAILLE = _Glyphs("└", "─", "┬", "│", "┤", "●", "○", "◉", "⠒⠒⠒", "⠂ ⠂")
_ASCII = _Glyphs("+", "-", "+", "|", "+", "O", "o", "@", "***", "...")


@dataclass(frozen=True)
class Canvas:
    """Dots, two across and four down in each character, and where x and y are among them.

    The rows of 0, ¼, ½, ¾ and 1 are `quarter` characters apart, each in the same place within
    its character, so that their labels stand beside them.
    """

    start: float
    end: float
    columns: int
    quarter: int

    @property
    def rows(self) -> int:
        """Of characters."""
        return 4 * self.quarter + 1

    def dots(self, x: NDArray[Any], y: NDArray[Any]) -> list[Dot]:
        """Return the dot nearest to each point."""
        x = x.astype(np.float64)  # an end may be beyond their own type
        across = np.rint((x - self.start) / (self.end - self.start) * (2 * self.columns - 1))
        down = np.rint((1 - y) * 16 * self.quarter) + 2
        return list(zip(across.astype(int).tolist(), down.astype(int).tolist(), strict=True))


def chart(plot: Plot, style: Style) -> str:
    """Return `plot` drawn with characters, as wide as the terminal, or 80 columns in a pipe."""
    console = Console(
        color_system="auto" if style.color else None, highlight=False, markup=False, emoji=False
    )
    width, height = _size(console)
    glyphs = _BRAILLE if _has_braille(console) else _ASCII
    canvas = _canvas(plot, width, height - len(_legend(plot, glyphs, width, both=True)))
    cells = _cells(plot, canvas, glyphs)
    both = any(character == glyphs.on_both for character, _ in cells.values())
    lines = [*_rows(canvas, cells, glyphs), *_legend(plot, glyphs, width, both=both)]
    with console.capture() as captured:
        for line in lines:
            line.rstrip()
            console.print(line, soft_wrap=True)
    return captured.get()


def _canvas(plot: Plot, width: int, height: int) -> Canvas:
    """Return a canvas for so many columns and lines, its axes and the prompts around included."""
    columns = width - _GUTTER - _MARGIN
    quarter = min(round(columns / _COLUMNS_A_QUARTER), _MOST_ROWS_A_QUARTER, (height - 5) // 4)
    return Canvas(plot.start, plot.end, columns, max(1, quarter))


def _size(console: Console) -> tuple[int, int]:
    """Return how many columns and lines to draw on."""
    width, height = console.size
    if not console.file.isatty():
        height = 24
        if "COLUMNS" not in os.environ:
            width = _PIPE_COLUMNS
    return min(max(width, _LEAST_COLUMNS), _MOST_COLUMNS), height


def _has_braille(console: Console) -> bool:
    """Whether the encoding has the characters, and the terminal a font with them."""
    try:
        "⣿●".encode(console.encoding)
    except (UnicodeError, LookupError):
        return False
    return os.environ.get("TERM") != "linux" or not console.file.isatty()


def _cells(plot: Plot, canvas: Canvas, glyphs: _Glyphs) -> Cells:
    """Return the characters of the curves, and over them those of the points."""
    curve, points = plot.curve, plot.points.chosen(plot.within)
    y, slope = canvas.dots(curve.x, curve.y), canvas.dots(curve.x, curve.slope)
    cells: Cells = {}
    if glyphs is _ASCII:
        cells |= {_cell(dot): (".", _SLOPE_STYLE) for dot in joined(slope)}
        cells |= {_cell(dot): ("*", _Y_STYLE) for dot in joined(y)}
    else:
        dots = dict.fromkeys(list(joined(slope))[::_APART], _SLOPE_STYLE)
        cells |= _braille(dots | dict.fromkeys(joined(y), _Y_STYLE))
    on_y, on_slope = (
        {_cell(dot) for dot in canvas.dots(points.x, line)} for line in (points.y, points.slope)
    )
    cells |= dict.fromkeys(on_slope, (glyphs.on_slope, _MARK_STYLE))
    cells |= dict.fromkeys(on_y, (glyphs.on_y, _MARK_STYLE))
    return cells | dict.fromkeys(on_y & on_slope, (glyphs.on_both, _MARK_STYLE))


def _cell(dot: Dot) -> tuple[int, int]:
    """Return the row and column of the character that holds `dot`."""
    return dot[1] // 4, dot[0] // 2


def joined(dots: Sequence[Dot]) -> Iterator[Dot]:
    """Give `dots` in order, each once in a run, and those on a straight line between them."""
    across, down = dots[0]
    yield across, down
    for to_across, to_down in dots:
        steps = max(abs(to_across - across), abs(to_down - down))
        for step in range(1, steps + 1):
            yield (
                across + round((to_across - across) * step / steps),
                down + round((to_down - down) * step / steps),
            )
        across, down = to_across, to_down


def _braille(dots: dict[Dot, str]) -> Cells:
    """Return the characters of `dots`; the style of the last dot in one is that of all."""
    bits: dict[tuple[int, int], int] = {}
    styles: dict[tuple[int, int], str] = {}
    for dot, style in dots.items():
        cell = _cell(dot)
        bits[cell] = bits.get(cell, 0) | _DOTS[dot[0] % 2][dot[1] % 4]
        styles[cell] = style
    return {cell: (chr(0x2800 + pattern), styles[cell]) for cell, pattern in bits.items()}


def _rows(canvas: Canvas, cells: Cells, glyphs: _Glyphs) -> Iterator[Text]:
    """Give the lines of the drawing, the axes among them."""
    for row in range(canvas.rows):
        height, between = divmod(canvas.rows - 1 - row, canvas.quarter)
        label = f"{'' if between else HEIGHTS[height]:>{_GUTTER - 1}}"
        line = Text(label + (glyphs.up if between else glyphs.height))
        for column in range(canvas.columns):
            line.append(*cells.get((row, column), (" ", "")))
        yield line
    axis, labels, room = [glyphs.across] * canvas.columns, "", canvas.columns + _MARGIN
    for x, label in ticks(canvas.start, canvas.end, canvas.columns).items():
        at = _column(canvas, x)
        axis[at] = glyphs.tick
        begin = max(0, min(at - (len(label) - 1) // 2, room - len(label)))
        if len(labels) + bool(labels) <= begin <= room - len(label):
            labels = labels.ljust(begin) + label
    yield Text(" " * (_GUTTER - 1) + glyphs.corner + "".join(axis) + " x")
    yield Text(" " * _GUTTER + labels)


def _column(canvas: Canvas, x: float) -> int:
    """Return the column of characters that holds `x`."""
    at = np.array([min(max(x, canvas.start), canvas.end)])
    return _cell(canvas.dots(at, at * 0)[0])[1]


def _legend(plot: Plot, glyphs: _Glyphs, width: int, *, both: bool) -> list[Text]:
    """Return what the lines and marks are, in as many lines as it takes."""
    narrow = width < 40
    entries = [
        (glyphs.y_sample, _Y_STYLE, "σ" if narrow else Y_NAME),
        (glyphs.slope_sample, _SLOPE_STYLE, "σ′" if narrow else f"{SLOPE_NAME} ≤ 0.25"),
    ]
    if plot.within.any():
        marks = f"{glyphs.on_y} {glyphs.on_slope}"
        entries.append((marks, _MARK_STYLE, "X" if narrow else "at X"))
    if plot.within.any() and both:
        entries.append((glyphs.on_both, _MARK_STYLE, "both"))
    indent = 0 if narrow else _GUTTER
    lines = [Text(" " * indent)]
    for sample, style, words in entries:
        spelt = in_ascii(words) if glyphs is _ASCII else words
        entry = Text.assemble((sample, style), " ", spelt)
        gap = " " * (3 if len(lines[-1]) > indent else 0)
        if len(lines[-1]) + len(gap) + len(entry) > width and gap:
            lines.append(Text(" " * indent))
            gap = ""
        lines[-1].append(gap).append_text(entry)
    return lines
