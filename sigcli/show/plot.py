"""σ and σ′ over a range: drawn in the terminal, as a picture, or as numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import FileError, RangeError, element, in_ascii
from .numbers import rounded, shortest
from .record import _nested as nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console
    from rich.text import Text

    Array = NDArray[np.floating[Any]]
    Dot = tuple[int, int]  # counted from the left, and from the top
    Cells = dict[tuple[int, int], tuple[str, str]]  # row, column: a character and its style

DEFAULT_SPAN = (-8.0, 8.0)  # at ±8 the curves are within 0.0004 of where they go
_SAMPLES = 401  # steps of 0.04 over the default range, and two for each dot of the widest drawing
_BEND = 20.0  # beyond it both curves are flat to 2e-9; a wide range is sampled twice within it
_NARROWEST = 1e-9  # of max(1, |x|); the labels of the axis need digits to tell its ends apart
_FARTHEST = 4e307  # the range grows to hold points up to here; beyond, its width would overflow
_NAMED = 3  # points that are not shown, and are said to be so by name

_LEAST_COLUMNS, _MOST_COLUMNS, _PIPE_COLUMNS = 16, 100, 80
_GUTTER = 5  # columns for "0.75" and the axis beside it
_MARGIN = 2  # columns for " x" at the end of the other
_HEIGHTS = ("0", "0.25", "0.5", "0.75", "1")  # 0.25 is the largest slope
_COLUMNS_A_QUARTER = 18  # for each row of a quarter's height; about the shape of 80 by 24
_MOST_ROWS_A_QUARTER = 5
_MOST_TICKS = 10
_LARGE = 1e6  # where an axis goes beyond, its labels have exponents
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # bits of a Braille pattern, U+2800
_APART = 4  # dots from one of a dotted curve to the next
# Readable on black and on white; the shapes alone tell the curves and marks apart.
_Y_STYLE, _SLOPE_STYLE, _MARK_STYLE = "green", "magenta", "bold"

_Y, _SLOPE = "y = σ(x)", "dy/dx = y(1 − y)"
_Y_COLOR, _SLOPE_COLOR = "#0072b2", "#d55e00"  # told apart by all eyes (Okabe and Ito, 2008)
_MOST_VALUES = 8  # points whose values a picture has room for
_MOST_MARKS = 2000  # places along the x axis that a picture can tell apart


@dataclass(frozen=True)
class Curves:
    """σ and its derivative; all arrays have the shape of `x`.

    Attributes
    ----------
    x, y, slope : ndarray
        Where, σ(x), and dy/dx = y(1 − y).
    """

    x: Array
    y: Array
    slope: Array

    @classmethod
    def at(cls, x: Array) -> Curves:
        """Return both at `x`."""
        from ..layer import Sigmoid

        layer = Sigmoid()
        return cls(x, layer.forward(x), layer.backward(1.0))

    def chosen(self, which: NDArray[Any]) -> Curves:
        """Return a few of them, 1-D, by a mask or by positions in C order."""
        return Curves(*(array.reshape(-1)[which] for array in (self.x, self.y, self.slope)))


@dataclass(frozen=True)
class Plot:
    """What `plot` gives.

    Attributes
    ----------
    start, end : float
        The range of x.
    curve : Curves
        Samples of the range in ascending order, both ends among them.
    points : Curves
        At the points that were given.
    """

    start: float
    end: float
    curve: Curves
    points: Curves
    command: ClassVar = "plot"
    exit_code = 0

    @property
    def within(self) -> NDArray[np.bool_]:
        """Which points lie in the range, in C order; NaN does not."""
        x = self.points.x.reshape(-1)
        inside: NDArray[np.bool_] = (x >= self.start) & (x <= self.end)
        return inside


def plot(x: Array | None, start: float | None = None, end: float | None = None) -> Plot:
    """Return σ and σ′ from `start` to `end`, and at the points `x`.

    An end that is left out is that of `DEFAULT_SPAN`, or farther out where a point is.

    Raises
    ------
    RangeError
        If there is nothing between `start` and `end`, or too much.
    """
    import numpy as np

    points = np.empty(0) if x is None else x
    low, high = _covering(points)
    start, end = low if start is None else start, high if end is None else end
    check_span(start, end)
    return Plot(start, end, Curves.at(_samples(start, end)), Curves.at(points))


def check_span(start: float, end: float) -> None:
    """Refuse a range that cannot be drawn."""
    ends = f"from {_short(start)} to {_short(end)}"
    if not start < end:
        raise RangeError(f"no range goes {ends}; --from below --to is right")
    if not isfinite(end - start):
        raise RangeError(f"the range {ends} is too wide to be drawn")
    if end - start < _NARROWEST * max(1, abs(start), abs(end)):
        raise RangeError(f"the range {ends} is too narrow to be drawn")


def _short(value: float) -> str:
    return repr(value).removesuffix(".0")


def _covering(x: Array) -> tuple[float, float]:
    """Return the default range, or a wider one that holds all finite `x` with a margin."""
    import numpy as np

    finite = x[np.isfinite(x)].astype(np.float64).clip(-_FARTHEST, _FARTHEST)
    low, high = DEFAULT_SPAN
    first, last = finite.min(initial=low), finite.max(initial=high)
    step = _round_step((last - first) / 20)
    if (finite <= low).any():
        low = float(step * floor(first / step - 0.5))
    if (finite >= high).any():
        high = float(step * ceil(last / step + 0.5))
    return low, high


def _samples(start: float, end: float) -> Array:
    import numpy as np

    x = np.linspace(start, end, _SAMPLES)
    low, high = max(start, -_BEND), min(end, _BEND)
    if end - start > high - low > 0:
        x = np.union1d(x, np.linspace(low, high, _SAMPLES))
    return x


def notes(plot: Plot, kind: str) -> list[str]:
    """Say which points the output of this kind leaves out."""
    import numpy as np

    x, finite = plot.points.x, np.isfinite(plot.points.x.reshape(-1))
    if kind in ("csv", "tsv") and x.size:
        return ["csv holds the curve alone; --format json has the points too"]
    if kind in ("csv", "tsv", "json"):
        return []
    span = f"{_short(plot.start)} ≤ x ≤ {_short(plot.end)}"
    reasons = {
        "not finite": np.flatnonzero(~finite),
        f"outside of {span}": np.flatnonzero(finite & ~plot.within),
    }
    return [f"not shown: {_named(x, at)}: {why}" for why, at in reasons.items() if at.size]


def _named(x: Array, positions: NDArray[Any]) -> str:
    """Return the first few elements of `x` by name and value, and how many there are more."""
    import numpy as np

    first = positions[:_NAMED]
    names = [element("x", np.unravel_index(at, x.shape)) for at in first]
    values = shortest(x.reshape(-1)[first])
    some = ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
    more = positions.size - first.size
    return f"{some} and {more} more" if more else some


# Numbers


def json(plot: Plot) -> str:
    """Return one strict JSON object on one line."""
    members = {
        "command": f'"{plot.command}"',
        "from": repr(plot.start),
        "to": repr(plot.end),
        **_members(plot.curve),
        "points": _object(_members(plot.points)),
    }
    return _object(members) + "\n"


def _members(curves: Curves) -> dict[str, str]:
    return {name: nested(getattr(curves, name)) for name in ("x", "y", "slope")}


def _object(members: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}"


def csv(plot: Plot, delimiter: str = ",") -> str:
    """Return a header and one line a sample of the curve."""
    curve = plot.curve
    columns = map(shortest, (curve.x, curve.y, curve.slope))
    rows = zip(map(str, range(curve.x.size)), *columns, strict=True)
    return "".join(f"{delimiter.join(row)}\n" for row in (("index", "x", "y", "slope"), *rows))


def tsv(plot: Plot) -> str:
    """Return the same as `csv` with tabs."""
    return csv(plot, "\t")


# Axes


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = floor(log10(least))
    steps = (float(f"{digit}e{power}") for digit in (1, 2, 5, 10))
    return next(step for step in steps if step >= least * (1 - 1e-12))


def ticks(start: float, end: float, columns: int) -> dict[float, str]:
    """Return round numbers in the range with their labels, as many as have room.

    A label is moved by up to half of its length where it would stick out.
    """
    large = max(abs(start), abs(end)) >= _LARGE
    found: dict[float, str] = {}
    step = _round_step((end - start) / _MOST_TICKS)
    while step <= end - start:
        first, last = ceil(start / step - 1e-9), floor(end / step + 1e-9)
        found = {k * step: _label(k * step, step, large) for k in range(first, last + 1)} or found
        if 1.5 * max(map(len, found.values())) + 1 <= step / (end - start) * columns:
            break
        step = _round_step(step * 1.5)
    return found


def _label(value: float, step: float, large: bool) -> str:
    """Return a multiple of `step` with the digits that tell it from the next one."""
    if value == 0:
        return "0"
    power = floor(log10(step) + 1e-9)
    if not large:
        return f"{value:.{max(0, -power)}f}"
    digits = max(0, floor(log10(abs(value)) + 1e-9) - power)
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


# In the terminal


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

    def dots(self, x: Array, y: Array) -> list[Dot]:
        """Return the dot nearest to each point."""
        import numpy as np

        across = np.rint((x - self.start) / (self.end - self.start) * (2 * self.columns - 1))
        down = np.rint((1 - y) * 16 * self.quarter) + 2
        return list(zip(across.astype(int).tolist(), down.astype(int).tolist(), strict=True))


def chart(plot: Plot, *, color: bool) -> str:
    """Return `plot` drawn with characters, as wide as the terminal, or 80 columns in a pipe."""
    from rich.console import Console

    console = Console(
        color_system="auto" if color else None, highlight=False, markup=False, emoji=False
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
    from rich.text import Text

    for row in range(canvas.rows):
        height, between = divmod(canvas.rows - 1 - row, canvas.quarter)
        label = f"{'' if between else _HEIGHTS[height]:>{_GUTTER - 1}}"
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
    import numpy as np

    at = np.array([min(max(x, canvas.start), canvas.end)])
    return _cell(canvas.dots(at, at * 0)[0])[1]


def _legend(plot: Plot, glyphs: _Glyphs, width: int, *, both: bool) -> list[Text]:
    """Return what the lines and marks are, in as many lines as it takes."""
    from rich.text import Text

    narrow = width < 40
    entries = [
        (glyphs.y_sample, _Y_STYLE, "σ" if narrow else _Y),
        (glyphs.slope_sample, _SLOPE_STYLE, "σ′" if narrow else f"{_SLOPE} ≤ 0.25"),
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


# As a picture


def picture(plot: Plot, kind: str) -> bytes:
    """Return `plot` as an ``svg``, ``png`` or ``pdf`` file, drawn by matplotlib.

    The same plot gives the same file, whatever settings matplotlib has; text is part of an SVG
    as outlines, so that it needs no fonts.

    Raises
    ------
    FileError
        If there is no matplotlib, or it cannot be loaded.
    """
    import io

    style, figure_of = _matplotlib(kind)
    metadata = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}
    file = io.BytesIO()
    with style.context(["default", {"font.size": 13, "svg.hashsalt": "sigcli"}]):
        figure = figure_of(figsize=(10, 5.625), dpi=192, layout="constrained")
        _draw(plot, figure)
        figure.savefig(file, format=kind, metadata=metadata[kind])
    return file.getvalue()


svg, png, pdf = (partial(picture, kind=kind) for kind in ("svg", "png", "pdf"))


def _matplotlib(kind: str) -> tuple[Any, Any]:
    """Return matplotlib's styles and its figure, without pyplot and so without a display."""
    try:
        from matplotlib import style
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise FileError(f"--output: matplotlib cannot be loaded: {error}") from error
        raise FileError(f"--output: .{kind} needs matplotlib; pip install 'sigcli[plot]'") from None
    except Exception as error:  # whatever its own settings, or a broken installation, raise
        raise FileError(f"--output: matplotlib cannot be loaded: {error}") from error
    return style, Figure


def _draw(plot: Plot, figure: Any) -> None:
    """Draw both curves, the points, and where there are few of them their values."""
    points = _distinct(plot)
    few = 0 < points.x.size <= _MOST_VALUES
    points = points if few else _thinned(points, plot)
    axes, *beside = figure.subplots(1, 1 + few, squeeze=False, width_ratios=[3, 1][: 1 + few])[0]
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
    axes.plot(plot.curve.x, plot.curve.y, color=_Y_COLOR, linewidth=2.5, label=_Y)
    axes.plot(plot.curve.x, plot.curve.slope, "--", color=_SLOPE_COLOR, linewidth=2.5, label=_SLOPE)
    if points.x.size:
        axes.vlines(points.x, points.slope, points.y, color="0.6", linestyle=":", zorder=1)
        round_marks = {"markersize": 9, "linestyle": "", "marker": "o", "clip_on": False}
        on_slope = {"markerfacecolor": "white", "markeredgewidth": 2}
        axes.plot(points.x, points.y, color=_Y_COLOR, zorder=4, **round_marks)
        axes.plot(points.x, points.slope, color=_SLOPE_COLOR, zorder=3, **round_marks, **on_slope)
    axes.set(xlim=(plot.start, plot.end), ylim=(-0.03, 1.03), xlabel="x", ylabel="y,  dy/dx")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], _HEIGHTS)
    axes.grid(alpha=0.35)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for side in beside:
        side.axis("off")
        side.text(0, 1, _values(points), family="monospace", fontsize=12, va="top")


def _distinct(plot: Plot) -> Curves:
    """Return the points in the range in ascending order, each once."""
    import numpy as np

    points = plot.points.chosen(plot.within)
    return points.chosen(np.unique(points.x, return_index=True)[1])


def _thinned(points: Curves, plot: Plot) -> Curves:
    """Return one of each place that the x axis can tell apart."""
    import numpy as np

    places = np.rint((points.x - plot.start) / (plot.end - plot.start) * _MOST_MARKS)
    return points.chosen(np.unique(places, return_index=True)[1])


def _values(points: Curves) -> str:
    """Return the points as lines of text."""
    columns = {"x": points.x, "y": points.y, "dy/dx": points.slope}
    cells = [[name, *rounded(array, 6)] for name, array in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    rows = zip(*cells, strict=True)
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
