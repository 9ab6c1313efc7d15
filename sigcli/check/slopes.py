"""The numeric gradient, with what it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .differences import NODES, Bools, Fit, Float64, one_sided
from .evaluate import Indices, Section
from .samples import RUNGS, Samples

_KINK = 2  # times their bounds, from where slopes to both sides differ


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


def slopes_of(section: Section, which: Indices, samples: Samples, found: Fit) -> Slopes:
    """Return the slopes by a fit, and by how far each y moves within its window."""
    taken, window = samples.taken[:, np.newaxis], found.window[0]
    up, down = (rise.parts[samples.taken] for rise in (samples.up, samples.down))
    up, down = (np.where(np.isfinite(part), part, 0) for part in (up, down))
    h = samples.steps[samples.taken]
    inside = taken >= np.where(window < RUNGS, window, 0)
    change = np.abs(up - down).sum(axis=-1)
    both = np.minimum(np.abs(up), np.abs(down)).sum(axis=-1)
    moves = (up != 0) | (down != 0)
    nodes = inside & (taken < window + NODES)
    scale = np.min(np.where(nodes, change / (2 * h), np.inf), axis=0)
    size = np.nan_to_num(np.abs(found.value[0]))
    finite = np.isfinite((samples.up.rise + samples.down.rise)[samples.taken, :, 0])
    hidden, floor = section.of_what_stands_still(which, ~moves.any(axis=0), h[0])
    nans = np.full(window.shape, np.nan)
    return Slopes(
        numeric=found.value,
        bound=found.bound + hidden,
        scale=size if section.elementwise else np.fmax(size, np.where(scale < np.inf, scale, 0)),
        reach=np.max(np.where(inside, both / h, 0), axis=0),
        floor=floor,
        still=~(inside & moves.any(axis=-1)).any(axis=0),
        at_rest=~(inside & (change > 0)).any(axis=0),
        curvature=found.curvature[0],
        its_bound=found.its_bound[0],
        finite=np.asarray(finite.any(axis=0)),
        jump=np.zeros(window.shape, bool),
        step=samples.steps[np.minimum(found.widest[0], RUNGS - 1), np.arange(len(window))],
        left=nans,
        right=nans,
    )


def with_kinks(found: Slopes, samples: Samples, noise: Float64) -> Slopes:
    """Add the slopes to either side where they differ, and let the bound cover both."""
    ends, start = (array[..., 0] for array in samples.noise(noise))
    off, steps = ends + start, samples.steps
    right, its = one_sided(samples.up.rise[..., 0], off, steps, samples.taken)
    left, other = one_sided(-samples.down.rise[..., 0], off, steps, samples.taken)
    kink = np.abs(right - left) > _KINK * (its + other)
    numeric = np.where(kink & np.isnan(found.numeric), (left + right) / 2, found.numeric)
    farther = np.maximum(np.abs(left - numeric[0]), np.abs(right - numeric[0])) + its + other
    bound = found.bound.copy()
    bound[0] = np.where(kink, np.where(bound[0] < np.inf, np.fmax(bound[0], farther), farther),
                        bound[0])  # fmt: skip
    left, right = (np.where(kink, side, np.nan) for side in (left, right))
    scale = np.where(kink, np.fmax(found.scale, np.abs(numeric[0])), found.scale)
    return replace(found, numeric=numeric, bound=bound, scale=scale, left=left, right=right)
