"""Sections sampled along the rungs of a ladder, and fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from .differences import NODES, Fit, Float64, exact, fit, ladder
from .evaluate import Indices, Rise, Section

RUNGS = 66
LARGEST = 0.5  # of max(1, |x|)
NEARBY = 1 + np.array([-0.203, -0.151, -0.089, -0.027, 0.031, 0.083, 0.149, 0.207])
_SHORT = np.array([*range(NODES + 4), 20])  # five windows, and one rung so near that y is y(x)
_CACHED = 2**18  # numbers that are fitted together, so that they stay in the cache


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

    @property
    def without_gap(self) -> int:
        """How many rungs are taken from the first on."""
        return int(np.sum(self.taken == np.arange(len(self.taken))))

    def noise(self, more: Float64 | float = 0.0) -> tuple[Float64, Float64]:
        """By how much the ends of the rises, and their start, may be off, `more` being known."""
        start = np.maximum(self.up.centre_noise, self.down.centre_noise).max(axis=0)
        start = np.maximum(start, more)  # of each y that moves at some step, if not at all
        return np.maximum(np.maximum(self.up.noise, self.down.noise), start), start


def sample(section: Section, which: Indices, unit: Float64, taken: Indices) -> Samples:
    """Sample the rungs that are `taken` of the ladder of `unit`, one for each coordinate."""
    x = section.evaluator.x[which]
    steps = ladder(LARGEST * unit, RUNGS)
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


def some(samples: Samples, at: Indices) -> Samples:
    """Return the samples at some of the coordinates."""
    up, down = (_of_rises(lambda array: array[:, at], r) for r in (samples.up, samples.down))
    return replace(samples, up=up, down=down, steps=samples.steps[:, at])


def _of_rises(function: Callable[..., Float64], *rises: Rise) -> Rise:
    """Return the rise whose arrays are a function of those of one or more."""
    return Rise(*(function(*(getattr(r, field.name) for r in rises)) for field in fields(Rise)))


def averaged(section: Section, which: Indices, largest: Float64) -> Samples:
    """Sample a short ladder, each rung as the mean of several near it; so is y at x.

    The mean of (h · near)ᵖ is a multiple of hᵖ, so that a polynomial stays one, and its slope is
    the same since the mean of all `near` is 1. Of noise only 1/√(number of them) is left.
    """
    parts = [sample(section, which, largest / LARGEST * near, _SHORT) for near in NEARBY]
    up, down = (
        _of_rises(lambda *its: np.mean(its, axis=0), *(getattr(part, side) for part in parts))
        for side in ("up", "down")
    )
    start = (up.rise[_SHORT[-1]] + down.rise[_SHORT[-1]]) / 2
    up, down = (replace(rise, rise=rise.rise - start) for rise in (up, down))
    return Samples(up, down, ladder(largest, RUNGS), _SHORT)


def together(coarse: Samples, fine: Samples) -> Samples:
    """Return the samples of the same coordinates at two sets of rungs as one."""
    up, down = _of_rises(np.add, coarse.up, fine.up), _of_rises(np.add, coarse.down, fine.down)
    return replace(
        coarse, up=up, down=down, taken=np.sort(np.concatenate([coarse.taken, fine.taken]))
    )


def fitted(samples: Samples, noise: Float64, start: Float64, *, smooth: bool = False) -> Fit:
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
