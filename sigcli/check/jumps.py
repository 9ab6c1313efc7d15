"""Noise raised to the height of the jumps that y makes beside x: the treads of a stair.

Numbers that are rounded on the way, to float32 or to a table's entries, make a stair of y.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from .differences import NODES, Bools, Fit, Float64
from .evaluate import Indices, Section
from .probe import EPS32, jump, noise_along
from .samples import Samples, fitted, some

_ROUNDS = 5  # of raising the noise to a jump and fitting again
_JUMP = 1.5  # times its height, the noise that a jump stands for
_SUM_OF_JUMPS = 512  # times one jump, the most that the rounding of thousands of terms adds up to
_ROUNDING = 16  # units, below which a jump is rounding and not a step of the function itself


def above_jumps(
    section: Section, which: Indices, unit: Float64, samples: Samples, noise: Float64
) -> tuple[Fit, Bools, Float64]:
    """Fit with a noise as large as the jumps that end the widest window.

    What ends a window may be curvature, a kink, or a jump. On one tread of a stair y looks smooth,
    and its slope there is not that of the stair: that is seen over many treads, with their height
    as noise. Where jumps may be the function's own and no rounding, the bound includes both.
    """
    found = fitted(samples, *samples.noise(noise))
    jumps, own = np.zeros(which.shape, bool), _rounding(section, which)
    if section.evaluator.declared:
        return found, jumps, noise
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
        higher = above > noise[at, 0]
        at, above, by_rounding = at[higher], above[higher], by_rounding[higher]
        if not at.size:
            break
        noise = noise.copy()
        noise[at] = np.maximum(noise[at], above[:, np.newaxis] * (weights / weights[0]))
        again = fitted(some(samples, at), *(n[..., at, :] for n in samples.noise(noise)))
        found = _hull(found, at, again, ~by_rounding)
        jumps[at] |= ~by_rounding
        limited = np.zeros(which.shape, bool)
        limited[at] = again.widest[0] > 0
    return found, jumps, noise


def _jump_beyond(
    section: Section, which: Indices, samples: Samples, at: Indices, found: Fit, noise: Any
) -> Float64:
    """Return the height of the jump on the way to where y first departs from its slope.

    That is at the rung beyond the widest window, or at its own largest, where a polynomial of
    many terms goes through any single value.
    """
    widest = np.clip(found.widest[0, at] - 1, 0, samples.without_gap - NODES)
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
    """Return the fit `after` in place of that `before`, the bound including `both` where due.

    It has none where there is no fit before: x is nearer to a jump than the smallest steps.
    """
    apart = np.abs(after.value - before.value[:, at]) + before.bound[:, at]
    widened = np.maximum(after.bound, np.where(np.isnan(apart), np.inf, apart))
    after = replace(after, bound=np.where(both, widened, after.bound))
    arrays = []
    for field in fields(Fit):
        array = getattr(before, field.name).copy()
        array[:, at] = getattr(after, field.name)
        arrays.append(array)
    return Fit(*arrays)
