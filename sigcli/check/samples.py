"""Sections sampled along the rungs of a ladder, and fitted."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from .differences import NODES, Fit, Float64, exact, fit, ladder
from .evaluate import Indices, Rise, Section

RUNGS = 66
LARGEST = 0.5  # of max(1, |x|)
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

    def of(rise: Rise) -> Rise:
        return Rise(*(getattr(rise, field.name)[:, at] for field in fields(Rise)))

    return replace(samples, up=of(samples.up), down=of(samples.down), steps=samples.steps[:, at])


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
