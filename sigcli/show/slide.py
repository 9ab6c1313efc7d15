"""A plot as a picture for a slide, by matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FileError
from .numbers import rounded
from .plot import HEIGHTS, SLOPE_NAME, Y_NAME

if TYPE_CHECKING:
    from ..layer.curve import Curves, Plot

_Y_COLOR, _SLOPE_COLOR = "#0072b2", "#d55e00"  # told apart by all eyes (Okabe and Ito, 2008)
_MOST_VALUES = 8  # points whose values a picture has room for
_MOST_MARKS = 2000  # places along the x axis that a picture can tell apart


def picture(plot: Plot, kind: str) -> bytes:
    """Return `plot` as an ``svg``, ``png`` or ``pdf`` file, drawn by matplotlib.

    The same plot gives the same file, whatever settings matplotlib has; text is part of an SVG
    as outlines, so that it needs no fonts.

    Raises
    ------
    FileError
        If there is no matplotlib, or it cannot be loaded.
    """
    style, figure_of = _matplotlib(kind)
    metadata = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}
    file = io.BytesIO()
    with style.context(["default", {"font.size": 13, "svg.hashsalt": "sigcli"}]):
        figure = figure_of(figsize=(10, 5.625), dpi=192, layout="constrained")
        _draw(plot, figure)
        figure.savefig(file, format=kind, metadata=metadata[kind])
    return file.getvalue()


def _matplotlib(kind: str) -> tuple[Any, Any]:
    """Return matplotlib's styles and its figure, without pyplot and so without a display."""
    try:
        from matplotlib import style
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise FileError(f"--output: matplotlib cannot be loaded: {error}") from error
        raise FileError(f"--output: .{kind} needs matplotlib; pip install matplotlib") from None
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
    axes.plot(plot.curve.x, plot.curve.y, color=_Y_COLOR, linewidth=2.5, label=Y_NAME)
    axes.plot(
        plot.curve.x, plot.curve.slope, "--", color=_SLOPE_COLOR, linewidth=2.5, label=SLOPE_NAME
    )
    if points.x.size:
        axes.vlines(points.x, points.slope, points.y, color="0.6", linestyle=":", zorder=1)
        round_marks = {"markersize": 9, "linestyle": "", "marker": "o", "clip_on": False}
        on_slope = {"markerfacecolor": "white", "markeredgewidth": 2}
        axes.plot(points.x, points.y, color=_Y_COLOR, zorder=4, **round_marks)
        axes.plot(points.x, points.slope, color=_SLOPE_COLOR, zorder=3, **round_marks, **on_slope)
    axes.set(xlim=(plot.start, plot.end), ylim=(-0.03, 1.03), xlabel="x", ylabel="y,  dy/dx")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], HEIGHTS)
    axes.grid(alpha=0.35)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for side in beside:
        side.axis("off")
        side.text(0, 1, _values(points), family="monospace", fontsize=12, va="top")


def _distinct(plot: Plot) -> Curves:
    """Return the points in the range in ascending order, each once."""
    points = plot.points.chosen(plot.within)
    return points.chosen(np.unique(points.x, return_index=True)[1])


def _thinned(points: Curves, plot: Plot) -> Curves:
    """Return one of each place that the x axis can tell apart."""
    x = points.x.astype(np.float64)  # an end may be beyond their own type
    places = np.rint((x - plot.start) / (plot.end - plot.start) * _MOST_MARKS)
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
