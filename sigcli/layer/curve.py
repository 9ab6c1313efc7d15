"""The curves of σ and σ′, and the points on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..record import Record
from .sigmoid import Sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..arrays import Array

_SAMPLES = 401  # steps of 0.04 over the default range, and two for each dot of the widest drawing
_BEND = 20.0  # beyond it both curves are flat to 2e-9; a wide range is sampled twice within it


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
    command = "plot"
    exit_code = 0

    @cached_property
    def record(self) -> Record:
        """The curve by name, with the points beside it."""
        span = {"from": self.start, "to": self.end}
        return Record("y", vars(self.curve), head=span, facts={"points": vars(self.points)})

    @property
    def within(self) -> NDArray[np.bool_]:
        """Which points lie in the range, in C order; NaN does not."""
        x = self.points.x.reshape(-1).astype(np.float64)  # an end may be beyond their own type
        inside: NDArray[np.bool_] = (x >= self.start) & (x <= self.end)
        return inside


def curves(points: Array, start: float, end: float) -> Plot:
    """Return σ and σ′ from `start` to `end`, and at the `points`."""
    return Plot(start, end, Curves.at(_samples(start, end)), Curves.at(points))


def _samples(start: float, end: float) -> Array:
    x = np.linspace(start, end, _SAMPLES)
    low, high = max(start, -_BEND), min(end, _BEND)
    if end - start > high - low > 0:
        x = np.union1d(x, np.linspace(low, high, _SAMPLES))
    return x
