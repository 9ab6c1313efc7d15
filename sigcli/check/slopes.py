"""The numeric gradient, with what it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .differences import Bools, Float64


@dataclass(frozen=True)
class Slopes:
    """The numeric gradient at n coordinates, by each of several dout; else by the first dout.

    Attributes
    ----------
    numeric, bound : ndarray of float64
        Of shape (number of dout, n): the truth is within `bound` of `numeric`.
    scale : ndarray of float64
        Σⱼ |dout[j] · ∂y[j]/∂x[i]|, what a gradient that cancels is judged by.
    reach : ndarray of float64
        The same of how y moves to both sides of x[i], or, where x[i] moves none, by the rest of
        x: what a gradient of 0 is judged by.
    floor : ndarray of float64
        What may be lost of the slope of each y that stands still, if it has the rounding of the
        largest: y may be a small difference, and its own last place far finer.
    still, at_rest : ndarray of bool
        Whether x[i] moves no y at all within the window of the fit; whether y moves by the same
        amount to both sides there.
    curvature, its_bound : ndarray of float64
        Σⱼ dout[j] · ∂²y[j]/∂x[i]², and how rough it is.
    finite : ndarray of bool
        Whether y is finite at x and at some steps to both sides.
    jump : ndarray of bool
        Whether y jumps beside x, by more than the rounding of its own type.
    step : ndarray of float64
        The largest step over which y is smooth but for its noise.
    left, right : ndarray of float64
        The gradient by the slopes to either side of a kink; NaN where there is none.
    """

    numeric: Float64
    bound: Float64
    scale: Float64
    reach: Float64
    floor: Float64
    still: Bools
    at_rest: Bools
    curvature: Float64
    its_bound: Float64
    finite: Bools
    jump: Bools
    step: Float64
    left: Float64
    right: Float64

    def error(self, gradient: Float64) -> Float64:
        """How far a `gradient` is from the numeric one."""
        return np.asarray(np.abs(gradient - self.numeric[0]))

    @property
    def kink(self) -> NDArray[np.bool_]:
        """Whether the slopes to the left and to the right differ."""
        return np.isfinite(self.left)

    def at(self, chosen: Any) -> Slopes:
        """Return the slopes at some of the coordinates."""
        return Slopes(*(getattr(self, field.name)[..., chosen] for field in fields(self)))

    def where(self, ours: Bools, other: Slopes) -> Slopes:
        """Return these slopes where `ours`, and the `other` ones elsewhere."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Slopes(*(np.where(ours, *pair) for pair in pairs))

    def replaced(self, chosen: Bools, other: Slopes) -> Slopes:
        """Return these slopes, but the `other` ones, of fewer coordinates, at those `chosen`."""
        arrays = []
        for field in fields(self):
            array = getattr(self, field.name).copy()
            array[..., chosen] = getattr(other, field.name)
            arrays.append(array)
        return Slopes(*arrays)

    def widened(self, other: Slopes) -> Slopes:
        """Return these slopes, with bounds that include the `other` ones where the two disagree.

        Neither bound can then be trusted alone.
        """
        with np.errstate(all="ignore"):
            apart, both = np.abs(self.numeric - other.numeric), self.bound + other.bound
            return replace(self, bound=np.where(apart > both, apart + both, self.bound))

    def weighed(self, douts: Float64) -> Slopes:
        """Return the slopes of Σ dout · y from those of y alone; `douts` has a column for each."""
        size, first = np.abs(douts), douts[0]
        return replace(
            self,
            numeric=_product(douts, self.numeric),
            bound=_product(size, self.bound + np.spacing(np.abs(self.numeric)))
            + np.where(size == 0, 0, np.spacing(np.abs(_product(douts, self.numeric)))),
            curvature=_product(first, self.curvature),
            its_bound=_product(size[0], self.its_bound),
            scale=_product(size[0], self.scale),
            reach=_product(size[0], self.reach),
            floor=_product(size[0], self.floor),
            left=_product(first, self.left),
            right=_product(first, self.right),
        )

    @classmethod
    def joined(cls, parts: Sequence[Slopes]) -> Slopes:
        """Return the slopes of several blocks of coordinates as one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(p, name) for p in parts], axis=-1) for name in names))


def _product(weight: Float64, value: Float64) -> Float64:
    """Weight · value, but that a weight of 0 makes 0 of what is not finite."""
    return np.where(weight == 0, 0.0, weight * value)
