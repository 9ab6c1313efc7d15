"""Which elements move together, over which steps, and how long: from sections to slopes.

A quick look takes eight steps from ⅛ of max(1, |x|) down, and three far finer ones. It is enough
where y is smooth on that scale and the verdict clear. What it leaves open is looked at thoroughly,
alone: 66 steps from ½ to 2·10⁻¹⁴, with noise measured and jumps looked for; and once more from
½ |x| down, for functions such as log near 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .differences import NODES, Bools, Fit, Float64, exact, fit, ladder, one_sided, power_of_2
from .evaluate import Indices, Rise, Section
from .probe import EPS32, EPS64, jump, noise_along

RUNGS = 66
_LARGEST = 0.5  # of max(1, |x|)
_QUICK = np.array([*range(3, 3 + NODES), 22, 38, 56])  # of the same ladder
_DECLARED = np.arange(2, 11)  # where the layer says that it is smooth on that scale
_CACHED = 2**18  # numbers that are fitted together, so that they stay in the cache
_COLUMNS = 2**13  # slopes of one y by one x that are sampled together
_ROUNDS = 5  # of raising the noise to a jump and fitting again
_JUMP = 1.5  # times its height, the noise that a jump stands for
_SUM_OF_JUMPS = 512  # times one jump, the most that the rounding of thousands of terms adds up to
_ROUNDING = 16  # units, below which a jump is rounding and not a step of the function itself
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
        weigh = {
            name: _product(size[0], getattr(self, name)) for name in ("scale", "reach", "floor")
        }
        weigh |= {name: _product(first, getattr(self, name)) for name in ("left", "right")}
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


Settled = Callable[[Slopes, Indices], Bools]


def blocks(section: Section, which: Indices) -> list[Indices]:
    """Return the coordinates in blocks of what is sampled together."""
    size = max(1, _COLUMNS // max(1, section.douts.shape[1]))
    if section.elementwise:  # a layer that takes any shape; others take all of x each time
        size = _COLUMNS if section.evaluator.scale is not None else len(which)
    return [which[start : start + size] for start in range(0, len(which), size)]


def slopes(section: Section, which: Indices, settled: Settled, passing: Settled) -> Slopes:
    """Return the slopes at a block of coordinates.

    Parameters
    ----------
    section : Section
        What is differentiated.
    which : ndarray of int
        The coordinates, as indices into the vector x.
    settled, passing : callable
        Say of slopes and their coordinates which need no thorough look, and none nearer to 0.
    """
    x, scale, unit = section.evaluator.x[which], section.evaluator.scale, section.unit(which)
    with np.errstate(all="ignore"):
        found = _slopes(_quick(section, which, unit))
        rest = ~settled(found, which) & (scale is None)
        if not rest.any():
            return found
        more = _thorough(section, which[rest], unit[rest])
        near = ~passing(more, which[rest]) & (np.abs(x[rest]) < unit[rest]) & (x[rest] != 0)
        if near.any():
            few, before = which[rest][near], more.at(near)
            after = _thorough(section, few, power_of_2(np.abs(x[rest][near])))
            smaller = ~(after.bound[0] >= before.bound[0]) & ~after.still
            more = more.replaced(near, after.widened(before).where(smaller, before.widened(after)))
        return found.replaced(rest, more)


@dataclass(frozen=True)
class Samples:
    """Rises along the rungs of a ladder at some coordinates; 0 at the rungs that are not `taken`.

    Attributes
    ----------
    up, down : Rise
        From x to x + h and to x − h.
    steps : ndarray of float64
        h, of shape (rungs, coordinates).
    taken : ndarray of int
        Which rungs hold values.
    """

    up: Rise
    down: Rise
    steps: Float64
    taken: Indices

    def noise(self, more: Float64 | float = 0.0) -> tuple[Float64, Float64]:
        """By how much the ends of the rises, and their start, may be off, `more` being known."""
        start = np.maximum(self.up.centre_noise, self.down.centre_noise).max(axis=0)
        start = np.maximum(start, more)  # of each y that moves at some step, if not at all
        return np.maximum(np.maximum(self.up.noise, self.down.noise), start), start


def sample(section: Section, which: Indices, unit: Float64, taken: Indices) -> Samples:
    """Sample the rungs that are `taken` of the ladder of `unit`, one for each coordinate."""
    x = section.evaluator.x[which]
    steps = ladder(_LARGEST * unit, RUNGS)
    h = exact(x, steps[taken])
    stretch = steps[taken] / h  # a step that rounding has moved is told by its own length

    def along(sign: int) -> Rise:
        rise = section.rise(x + sign * h, which)
        # Only what is odd in h is proportional to it, but so near to x there is nothing else.
        arrays = (rise.rise * stretch[..., np.newaxis], rise.noise, rise.centre_noise, rise.parts)
        return Rise(*(_at_rungs(array, taken) for array in arrays))

    return Samples(along(1), along(-1), steps, taken)


def _at_rungs(array: Float64, taken: Indices) -> Float64:
    if len(taken) == RUNGS:
        return array
    whole = np.zeros((RUNGS, *array.shape[1:]))
    whole[taken] = array
    return whole


def _quick(section: Section, which: Indices, unit: Float64) -> _Looked:
    rungs = _QUICK if section.evaluator.scale is None else _DECLARED
    samples = sample(section, which, unit, rungs)
    found = _fitted(samples, *samples.noise(), smooth=rungs is _DECLARED)
    return _Looked(section, which, samples, found, np.zeros(which.shape, bool))


def _thorough(section: Section, which: Indices, unit: Float64) -> Slopes:
    """Look at all rungs of a ladder, at noise, jumps and both sides."""
    section = replace(section, noise=np.zeros(section.noise.shape))
    samples = sample(section, which, unit, np.arange(RUNGS))
    noise = np.zeros(samples.up.rise.shape[1:])
    if not section.evaluator.declared:
        noise = noise_along(section, which, unit, EPS64)
    found, jumps = _above_jumps(section, which, unit, samples, noise)
    looked = _Looked(section, which, samples, found, jumps)
    return _with_kinks(_slopes(looked), samples, noise)


def _above_jumps(
    section: Section, which: Indices, unit: Float64, samples: Samples, noise: Float64
) -> tuple[Fit, Bools]:
    """Fit with a noise as large as the jumps that end the widest window.

    What ends a window may be curvature, a kink, or a jump. On one tread of a stair y looks smooth,
    and its slope there is not that of the stair: that is seen over many treads, with their height
    as noise. Where jumps may be the function's own and no rounding, the bound includes both.
    """
    found = _fitted(samples, *samples.noise(noise))
    jumps, own = np.zeros(which.shape, bool), _rounding(section, which)
    if section.evaluator.declared:
        return found, jumps
    weights = np.abs(section.douts).sum(axis=1) if not section.elementwise else np.ones(1)
    limited = found.widest[0] > 0
    for _ in range(_ROUNDS):
        at = np.flatnonzero(limited)
        if not at.size:
            break
        height = _jump_beyond(section, which[at], samples, at, found, samples.noise(noise))
        at, height = at[height > 0], height[height > 0]
        if not at.size:
            break
        by_rounding = height <= own[at]
        above = _JUMP * height
        first = at[by_rounding & (height > 8 * noise[at, 0])]
        if first.size:
            many = noise_along(section, which[first], unit[first], EPS32)[:, 0]
            place = np.searchsorted(at, first)
            many = np.where(many <= _SUM_OF_JUMPS * height[place], many, 0)
            above[place] = np.maximum(above[place], many)
        noise = noise.copy()
        noise[at] = np.maximum(noise[at], above[:, np.newaxis] * (weights / weights[0]))
        again = _fitted(_some(samples, at), *(n[..., at, :] for n in samples.noise(noise)))
        found = _hull(found, at, again, ~by_rounding)
        jumps[at] |= ~by_rounding
        limited = np.zeros(which.shape, bool)
        limited[at] = again.widest[0] > 0
    return found, jumps


def _jump_beyond(
    section: Section, which: Indices, samples: Samples, at: Indices, found: Fit, noise: Any
) -> Float64:
    """Return the height of the jump on the way to where y first departs from its slope.

    That is at the rung beyond the widest window, or at its own largest, where a polynomial of
    many terms goes through any single value.
    """
    widest = np.minimum(np.maximum(found.widest[0, at] - 1, 0), RUNGS - NODES)
    rungs, one = widest + np.arange(NODES)[:, np.newaxis], np.arange(at.size)
    slope, h = np.nan_to_num(found.value[0, at]), samples.steps[rungs, at]
    up = np.nan_to_num(np.abs(samples.up.rise[rungs, at, 0] - slope * h))
    down = np.nan_to_num(np.abs(samples.down.rise[rungs, at, 0] + slope * h))
    rung = np.argmax(np.maximum(up, down), axis=0)
    farther = np.where(down > up, -h, h)[rung, one]
    least = np.maximum(noise[0][rungs[rung, one], at, 0], noise[1][at, 0]) / 2
    return jump(section, which, section.evaluator.x[which] + farther, slope, least)


def _rounding(section: Section, which: Indices) -> Float64:
    """How high a jump may be that is rounding to y's own type, or to float32."""
    e = section.evaluator
    eps = _ROUNDING * max(EPS32, float(np.finfo(e.y.dtype).eps))
    x, y = np.abs(e.x[which]), np.nan_to_num(np.abs(e.y.reshape(-1).astype(np.float64)))
    if section.elementwise:
        return np.asarray(eps * np.maximum(np.maximum(1, x), y[which]))
    sizes = np.maximum(np.maximum(1, x)[:, np.newaxis], y)
    return np.asarray(eps * (sizes @ np.abs(section.douts[0])))


def _some(samples: Samples, at: Indices) -> Samples:
    def of(rise: Rise) -> Rise:
        return Rise(*(getattr(rise, field.name)[:, at] for field in fields(Rise)))

    return replace(samples, up=of(samples.up), down=of(samples.down), steps=samples.steps[:, at])


def _hull(before: Fit, at: Indices, after: Fit, both: Bools) -> Fit:
    """Return the fit `after` in place of that `before`, the bound including `both` where due."""
    apart = np.abs(after.value - before.value[:, at]) + before.bound[:, at]
    after = replace(after, bound=np.where(both, np.fmax(after.bound, apart), after.bound))
    arrays = []
    for field in fields(Fit):
        array = getattr(before, field.name).copy()
        array[:, at] = getattr(after, field.name)
        arrays.append(array)
    return Fit(*arrays)


def _fitted(samples: Samples, noise: Float64, start: Float64, *, smooth: bool = False) -> Fit:
    """Fit all columns, block by block; arrays of shape (number of dout, coordinates)."""
    _, size, douts = samples.up.rise.shape
    up, down, noise = (a.reshape(len(a), -1) for a in (samples.up.rise, samples.down.rise, noise))
    steps, start = np.repeat(samples.steps, douts, axis=1), start.reshape(-1)
    many = len(samples.taken)
    width = max(16, _CACHED // (many * max(1, many - NODES)))
    parts = []
    for first in range(0, up.shape[1], width):
        at = np.s_[..., first : first + width]
        its = up[at], down[at], noise[at], steps[at], start[at]
        parts.append(fit(*its, samples.taken, smooth=smooth))
    names = [field.name for field in fields(Fit)]
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Fit(*(array.reshape(size, douts).T for array in joined))


@dataclass(frozen=True)
class _Looked:
    """What was sampled at some coordinates, and what came of it."""

    section: Section
    which: Indices
    samples: Samples
    found: Fit
    jumps: Bools


def _slopes(looked: _Looked) -> Slopes:
    """Make slopes of a fit, and of how far each y moves within its window."""
    samples, found, section = looked.samples, looked.found, looked.section
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
    hidden, floor = section.of_what_stands_still(looked.which, ~moves.any(axis=0), h[0])
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
        jump=looked.jumps,
        step=samples.steps[np.minimum(found.widest[0], RUNGS - 1), np.arange(len(window))],
        left=nans,
        right=nans,
    )


def _with_kinks(found: Slopes, samples: Samples, noise: Float64) -> Slopes:
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


def imaginary(section: Section, which: Indices, real: Slopes) -> Slopes:
    """Return the slopes by steps along the imaginary axis, where those by real steps allow for it.

    Im f(x + ih) = f′(x) h − c₃ h³ + … subtracts nothing, and so loses no digits (W. Squire and
    G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
    (1998), 110–112). Code that takes absolute values, compares, or drops imaginary parts gives
    another function of complex numbers, and so other slopes, than of real ones.
    """
    x = section.evaluator.x[which]
    steps = ladder(_LARGEST * section.unit(which), RUNGS)
    with np.errstate(all="ignore"):
        up = section.rise(x + 1j * steps, which)
        down = replace(up, rise=-up.rise)
        samples = Samples(up, down, steps, np.arange(RUNGS))
        found = _fitted(samples, *samples.noise())
        agree = np.abs(found.value - real.numeric) <= found.bound + real.bound
        better = (agree | np.isnan(real.numeric)) & (found.bound < real.bound)
        return replace(
            real,
            numeric=np.where(better, found.value, real.numeric),
            bound=np.where(better, found.bound, real.bound),
            scale=np.where(better[0], np.fmax(real.scale, np.abs(found.value[0])), real.scale),
            floor=np.where(better[0], 0, real.floor),
            still=real.still & ~(better[0] & (found.value[0] != 0)),
        )


def _product(weight: Float64, value: Float64) -> Float64:
    """Weight · value, but that a weight of 0 makes 0 of what is not finite."""
    return np.where(weight == 0, 0.0, weight * value)
