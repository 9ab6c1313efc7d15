"""Steps in y, such as rounding to float32 or a table makes, taken as noise of their height.

A y that is computed in float32, or looked up in a table, is a stair with small steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Bools, Float64, Indices
from .differences import NODES, Fit
from .evaluate import Section
from .probe import EPS32, jump, noise_along
from .samples import Samples, fitted, some

_ROUNDS = 5  # how often noise is raised to a jump, and the fit repeated
_JUMP = 1.5  # times its height, the noise that a jump counts as
_SUM_OF_JUMPS = 512  # jumps, the most that rounding of thousands of terms adds up to
_SEEN_BY_NOISE = 8  # a jump of so many times the noise calls for the noise of float32 steps
_ROUNDING = 16  # a jump of fewer units in the last place is rounding, and not the function's own


def above_jumps(
    section: Section, which: Indices, unit: Float64, samples: Samples, noise: Float64
) -> tuple[Fit, Bools, Float64]:
    """Fit with a noise as large as the jumps that end the widest window.

    What ends a window may be curvature, a kink, or a jump. On one step of a stair y looks smooth,
    but its slope there is not that of the stair, which is seen over many steps, with their height
    as noise. Where jumps may be the function's own and no rounding, the bound includes both.

    Returns
    -------
    fit : Fit
        Of shape (number of dout, coordinates), as `fitted` gives it.
    own_jumps : ndarray of bool
        Where y jumps by more than rounding to its type does.
    noise : ndarray of float64
        The noise that it was fitted with, of shape (coordinates, number of dout).
    """
    fit = fitted(samples, *samples.noise(noise))
    own_jumps, largest_rounding = np.zeros(which.shape, bool), _largest_rounding(section, which)
    if section.evaluator.declared:
        return fit, own_jumps, noise
    weights = np.abs(section.douts).sum(axis=1) if not section.elementwise else np.ones(1)
    limited = np.flatnonzero(fit.widest[0] > 0)  # where something ends the widest window
    for _ in range(_ROUNDS):
        if not limited.size:
            break
        height = _jump_beyond(section, which, samples, limited, fit, samples.noise(noise))
        by_rounding = height <= largest_rounding[limited]
        raised = _JUMP * height
        steep = np.flatnonzero(by_rounding & (height > _SEEN_BY_NOISE * noise[limited, 0]))
        if steep.size:
            at = limited[steep]
            many = noise_along(section, which[at], unit[at], EPS32)[:, 0]
            many = np.where(many <= _SUM_OF_JUMPS * height[steep], many, 0)
            raised[steep] = np.maximum(raised[steep], many)
        higher = (height > 0) & (raised > noise[limited, 0])
        at, raised, own = limited[higher], raised[higher], ~by_rounding[higher]
        if not at.size:
            break
        noise = noise.copy()
        noise[at] = np.maximum(noise[at], raised[:, np.newaxis] * (weights / weights[0]))
        again = fitted(some(samples, at), *(n[..., at, :] for n in samples.noise(noise)))
        fit = _refitted(fit, at, again, own)
        own_jumps[at] |= own
        limited = at[again.widest[0] > 0]
    return fit, own_jumps, noise


def _jump_beyond(
    section: Section, which: Indices, samples: Samples, at: Indices, fit: Fit, noise: Any
) -> Float64:
    """Return the height of the jump, at which[at], on the way to where y departs from its slope.

    That is at the rung beyond the widest window, or within it, where a polynomial of many terms
    goes through any single value. 0 where the way is continuous.
    """
    without_gap = np.sum(samples.taken == np.arange(len(samples.taken)))  # rungs from the first on
    widest = np.clip(fit.widest[0, at] - 1, 0, without_gap - NODES)
    rungs, column = widest + np.arange(NODES)[:, np.newaxis], np.arange(at.size)
    slope, h = np.nan_to_num(fit.value[0, at]), samples.steps[rungs, at]
    up = np.nan_to_num(np.abs(samples.up.rise[rungs, at, 0] - slope * h))
    down = np.nan_to_num(np.abs(samples.down.rise[rungs, at, 0] + slope * h))
    rung = np.argmax(np.maximum(up, down), axis=0)
    farthest = np.where(down > up, -h, h)[rung, column]
    least = np.maximum(noise[0][rungs[rung, column], at, 0], noise[1][at, 0]) / 2
    x = section.evaluator.x[which[at]]
    return jump(section, which[at], x + farthest, slope, least)


def _largest_rounding(section: Section, which: Indices) -> Float64:
    """How high a jump may be that comes of rounding to y's own type, or to float32."""
    e = section.evaluator
    eps = _ROUNDING * max(EPS32, float(np.finfo(e.y.dtype).eps))
    x, y = np.abs(e.x[which]), np.nan_to_num(np.abs(e.y.reshape(-1).astype(np.float64)))
    if section.elementwise:
        return np.asarray(eps * np.maximum(np.maximum(1, x), y[which]))
    sizes = np.maximum(np.maximum(1, x)[:, np.newaxis], y)
    return np.asarray(eps * (sizes @ np.abs(section.douts[0])))


def _refitted(before: Fit, at: Indices, after: Fit, own_jump: Bools) -> Fit:
    """Return the fit `before` with that `after` at some coordinates.

    Beside a jump of the function's own, the bound includes both. It is inf where there was no fit
    before: x is nearer to the jump than the smallest steps.
    """
    to_before = np.abs(after.value - before.value[:, at]) + before.bound[:, at]
    both = np.maximum(after.bound, np.where(np.isnan(to_before), np.inf, to_before))
    return before.replaced(at, replace(after, bound=np.where(own_jump, both, after.bound)))
