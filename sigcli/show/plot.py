"""What a plot shows, and in which forms: the drawing in the terminal, or a picture."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import element
from ..layer.curve import curves
from .axis import check_span, covering, short
from .numbers import shortest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..layer.curve import Plot
    from .sections import Style

_NAMED = 3  # points that are not shown, and are said to be so by name
HEIGHTS = ("0", "0.25", "0.5", "0.75", "1")  # 0.25 is the largest slope
Y_NAME, SLOPE_NAME = "y = σ(x)", "dy/dx = y(1 − y)"


def plot(x: NDArray[Any] | None, start: float | None = None, end: float | None = None) -> Plot:
    """Return σ and σ′ from `start` to `end`, and at the points `x`.

    An end that is left out is that of `DEFAULT_SPAN`, or farther out where a point is.

    Raises
    ------
    RangeError
        If there is nothing between `start` and `end`, or too much.
    """
    points = np.empty(0) if x is None else x
    low, high = covering(points)
    start, end = low if start is None else start, high if end is None else end
    check_span(start, end)
    return curves(points, start, end)


def notes(plot: Plot, kind: str) -> list[str]:
    """Say which points the output of this kind leaves out."""
    x, finite = plot.points.x, np.isfinite(plot.points.x.reshape(-1))
    if kind in ("csv", "tsv") and x.size:
        return ["csv holds the curve alone; --format json has the points too"]
    if kind in ("csv", "tsv", "json"):
        return []
    span = f"{short(plot.start)} ≤ x ≤ {short(plot.end)}"
    reasons = {
        "not finite": np.flatnonzero(~finite),
        f"outside of {span}": np.flatnonzero(finite & ~plot.within),
    }
    return [f"not shown: {_named(x, at)}: {why}" for why, at in reasons.items() if at.size]


def _named(x: NDArray[Any], positions: NDArray[Any]) -> str:
    """Return the first few elements of `x` by name and value, and how many there are more."""
    first = positions[:_NAMED]
    names = [element("x", np.unravel_index(at, x.shape)) for at in first]
    values = shortest(x.reshape(-1)[first])
    some = ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
    more = positions.size - first.size
    return f"{some} and {more} more" if more else some


def _chart(result: Plot, style: Style) -> str:
    from .chart import chart

    return chart(result, style)


def _picture(result: Plot, style: Style, kind: str) -> bytes:
    from .slide import picture

    return picture(result, kind)


SHOWS: dict[str, Callable[[Any, Any], Any]] = {
    "table": _chart,
    **{kind: partial(_picture, kind=kind) for kind in ("svg", "png", "pdf")},
}
