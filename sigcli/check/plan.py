"""Which elements move together, over which steps, and how long: from sections to slopes.

A quick look takes eight steps from ⅛ of max(1, |x|) down, and three far finer ones. It is enough
where y is smooth on that scale and the verdict clear. What it leaves open is looked at thoroughly,
alone: 66 steps from ½ to 2·10⁻¹⁴, with noise measured and jumps looked for; and once more from
½ |x| down, for functions such as log near 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .differences import NODES, Bools, Fit, Float64, ladder, one_sided, power_of_2
from .evaluate import Indices, Section
from .probe import EPS32, EPS64, jump, noise_along
from .samples import LARGEST, RUNGS, Samples, fitted, sample, some
from .slopes import Slopes

_QUICK = np.array([*range(3, 3 + NODES), 22, 38, 56])  # of the same ladder
_DECLARED = np.arange(2, 11)  # where the layer says that it is smooth on that scale
_TOGETHER = 2**18  # elements that move together; 66 steps of more take gigabytes
_COLUMNS = 2**13  # slopes of one y by one x that are sampled together
_ROUNDS = 5  # of raising the noise to a jump and fitting again
_JUMP = 1.5  # times its height, the noise that a jump stands for
_SUM_OF_JUMPS = 512  # times one jump, the most that the rounding of thousands of terms adds up to
_ROUNDING = 16  # units, below which a jump is rounding and not a step of the function itself
_KINK = 2  # times their bounds, from where slopes to both sides differ


Settled = Callable[[Slopes, Indices], Bools]


def blocks(section: Section, which: Indices) -> list[Indices]:
    """Return the coordinates in blocks of what is sampled together."""
    size = max(1, _COLUMNS // max(1, section.douts.shape[1]))
    if section.elementwise:  # a layer that takes any shape; others take all of x each time
        size = _COLUMNS if section.evaluator.scale is not None else _TOGETHER
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


def _quick(section: Section, which: Indices, unit: Float64) -> _Looked:
    rungs = _QUICK if section.evaluator.scale is None else _DECLARED
    samples = sample(section, which, unit, rungs)
    found = fitted(samples, *samples.noise(), smooth=rungs is _DECLARED)
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
    found = fitted(samples, *samples.noise(noise))
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
        again = fitted(some(samples, at), *(n[..., at, :] for n in samples.noise(noise)))
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
    steps = ladder(LARGEST * section.unit(which), RUNGS)
    with np.errstate(all="ignore"):
        up = section.rise(x + 1j * steps, which)
        down = replace(up, rise=-up.rise)
        samples = Samples(up, down, steps, np.arange(RUNGS))
        found = fitted(samples, *samples.noise())
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
