"""The numeric gradient, and the sizes that an analytic one is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Bools, Float64, Indices
from .differences import NODES, Fit, one_sided
from .evaluate import Section
from .records import Arrays
from .samples import RUNGS, Samples

_KINK = 2  # slopes to both sides that differ by so many times their bounds make a kink


@dataclass(frozen=True)
class Slopes(Arrays):
    """The numeric gradient at n coordinates: arrays of shape (n,), by the first dout, unless noted.

    Attributes
    ----------
    numeric, bound : ndarray of float64
        The truth is within `bound` of `numeric`, for each dout; of shape (number of dout, n).
    scale : ndarray of float64
        Σⱼ |dout[j] · ∂y[j]/∂x[i]|. The tolerance is relative to it: the gradient of softmax for
        a dout of ones is 0, the sum of terms that are not.
    reach : ndarray of float64
        Σⱼ |dout[j] · (y[j] at x[i] ± h − y[j] at x[i])| / h, the smaller of both sides. A
        gradient of 0 is judged by it, as for x² at 0. If x[i] alone moves no y, it is measured
        with all of x moving.
    floor : ndarray of float64
        The largest slope that rounding of y can hide: 1 − tanh(x) at 25 is 0, and its slope may
        be 1e-16.
    still : ndarray of bool
        Whether x[i] moves no y at all within the window of the fit.
    symmetric : ndarray of bool
        Whether all y at x[i] + h and x[i] − h are equal there, as for x² at 0.
    curvature, curvature_bound : ndarray of float64
        Σⱼ dout[j] · ∂²y[j]/∂x[i]², and about how far off it may be.
    finite : ndarray of bool
        Whether y is finite at x and at some steps to both sides.
    jump : ndarray of bool
        Whether y jumps beside x[i] by more than rounding to its type does.
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
    symmetric: Bools
    curvature: Float64
    curvature_bound: Float64
    finite: Bools
    jump: Bools
    step: Float64
    left: Float64
    right: Float64

    def error(self, gradient: Float64) -> Float64:
        """How far a `gradient` is from the numeric one."""
        return np.asarray(np.abs(gradient - self.numeric[0]))

    def widened(self, other: Slopes) -> Slopes:
        """Return these slopes, with bounds that include the `other` ones where the two disagree.

        Neither bound can then be trusted alone.
        """
        with np.errstate(all="ignore"):
            gap, both = np.abs(self.numeric - other.numeric), self.bound + other.bound
            return replace(self, bound=np.where(gap > both, gap + both, self.bound))

    def weighed(self, douts: Float64) -> Slopes:
        """Return the slopes of Σ dout · y from those of y alone; `douts` has a column for each."""
        size, numeric = np.abs(douts), _product(douts, self.numeric)
        rounding = np.where(size == 0, 0, np.spacing(np.abs(numeric)))
        weights: dict[str, Any] = dict.fromkeys(("curvature", "left", "right"), douts[0])
        weights |= dict.fromkeys(("curvature_bound", "scale", "reach", "floor"), size[0])
        weighed: dict[str, Any] = {
            name: _product(weight, getattr(self, name)) for name, weight in weights.items()
        }
        return replace(
            self,
            numeric=numeric,
            bound=_product(size, self.bound + np.spacing(np.abs(self.numeric))) + rounding,
            **weighed,
        )


def _product(weight: Float64, value: Float64) -> Float64:
    """Return weight · value, in which 0 · inf and 0 · NaN are 0."""
    return np.where(weight == 0, 0.0, weight * value)


def slopes_of(section: Section, which: Indices, samples: Samples, fit: Fit) -> Slopes:
    """Return the slopes by a `fit` to `samples`, and by how far each y moves within its window."""
    taken, window = samples.taken[:, np.newaxis], fit.window[0]
    up, down = (rise.parts[samples.taken] for rise in (samples.up, samples.down))
    up, down = (np.where(np.isfinite(part), part, 0) for part in (up, down))
    h = samples.steps[samples.taken]
    inside = taken >= np.where(window < RUNGS, window, 0)
    change = np.abs(up - down).sum(axis=-1)
    # x² at 1e-100 is symmetric to all steps that are far larger than x.
    x = np.abs(section.evaluator.x[which])
    seen = (x == 0) | (x >= h[-1])
    both = np.minimum(np.abs(up), np.abs(down)).sum(axis=-1)
    moves = (up != 0) | (down != 0)
    nodes = inside & (taken < window + NODES)
    scale = np.min(np.where(nodes, change / (2 * h), np.inf), axis=0)
    size = np.nan_to_num(np.abs(fit.value[0]))
    finite = np.isfinite((samples.up.rise + samples.down.rise)[samples.taken, :, 0])
    if section.elementwise:
        finite &= np.isfinite(section.evaluator.y.reshape(-1)[which])
    hidden, floor = section.unseen_slopes(which, ~moves.any(axis=0), h[0])
    nans = np.full(window.shape, np.nan)
    return Slopes(
        numeric=fit.value,
        bound=fit.bound + hidden,
        scale=size if section.elementwise else np.fmax(size, np.where(scale < np.inf, scale, 0)),
        reach=np.max(np.where(inside, both / h, 0), axis=0),
        floor=floor,
        still=~(inside & moves.any(axis=-1)).any(axis=0),
        symmetric=~(inside & (change > 0)).any(axis=0) & seen,
        curvature=fit.curvature[0],
        curvature_bound=fit.curvature_bound[0],
        finite=np.asarray(finite.any(axis=0)),
        jump=np.zeros(window.shape, bool),
        step=samples.steps[np.minimum(fit.widest[0], RUNGS - 1), np.arange(len(window))],
        left=nans,
        right=nans,
    )


def with_kinks(slopes: Slopes, samples: Samples, noise: Float64) -> Slopes:
    """Add the slopes to either side where they differ, and let the bound cover both."""
    ends, start = (array[..., 0] for array in samples.noise(noise))
    off, steps = ends + start, samples.steps
    right, right_bound = one_sided(samples.up.rise[..., 0], off, steps, samples.taken)
    left, left_bound = one_sided(-samples.down.rise[..., 0], off, steps, samples.taken)
    kink = np.abs(right - left) > _KINK * (right_bound + left_bound)
    numeric = np.where(kink & np.isnan(slopes.numeric), (left + right) / 2, slopes.numeric)
    farther = np.maximum(np.abs(left - numeric[0]), np.abs(right - numeric[0]))
    farther = farther + right_bound + left_bound
    bound = slopes.bound.copy()
    covering = np.where(bound[0] < np.inf, np.fmax(bound[0], farther), farther)
    bound[0] = np.where(kink, covering, bound[0])
    left, right = (np.where(kink, side, np.nan) for side in (left, right))
    scale = np.where(kink, np.fmax(slopes.scale, np.abs(numeric[0])), slopes.scale)
    return replace(slopes, numeric=numeric, bound=bound, scale=scale, left=left, right=right)
