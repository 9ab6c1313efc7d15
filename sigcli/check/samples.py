"""Sections of y sampled at x ± h for the steps h of a ladder, and fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Float64, Indices
from .differences import NODES, Fit, fit
from .evaluate import Rise, Section
from .steps import exact, ladder

RUNGS = 66
LARGEST = 0.5  # the largest step, where y varies on a scale of 1
# What a step is multiplied with for a mean over several; their mean is 1, and no two are regular.
NEARBY = 1 + np.array([-0.203, -0.151, -0.089, -0.027, 0.031, 0.083, 0.149, 0.207])
_SHORT = np.array([*range(NODES + 4), 20])  # five windows, and one step so small that y is y(x)
_CACHED = 2**18  # how many numbers are fitted together, so that they stay in the cache


@dataclass(frozen=True)
class Samples:
    """Rises at the steps of a ladder, for some coordinates; 0 at the rungs that are not `taken`.

    Attributes
    ----------
    up, down : Rise
        From x to x + h and to x − h.
    steps : ndarray of float64
        h, of shape (rungs, coordinates).
    taken : ndarray of int
        The indices of the rungs that hold values, in rising order.
    """

    up: Rise
    down: Rise
    steps: Float64
    taken: Indices

    def noise(self, more: Float64 | float = 0.0) -> tuple[Float64, Float64]:
        """By how much y at each step, and y at x, may be off; by no less than `more`."""
        # A y that no step moves has none; the largest is that of all y that move at some step.
        start = np.maximum(self.up.centre_noise, self.down.centre_noise).max(axis=0)
        start = np.maximum(start, more)
        return np.maximum(np.maximum(self.up.noise, self.down.noise), start), start


def sample(section: Section, which: Indices, unit: Float64, taken: Indices) -> Samples:
    """Sample the steps h = LARGEST · unit / ratioᵏ for each rung k that is `taken`.

    Parameters
    ----------
    section : Section
        What is sampled.
    which : ndarray of int
        The coordinates.
    unit : ndarray of float64
        The scale on which y varies at each of them.
    taken : ndarray of int
        The rungs, in rising order.
    """
    x = section.evaluator.x[which]
    steps = ladder(LARGEST * unit, RUNGS)
    h = exact(x, steps[taken])
    # Where rounding has moved a step to h, its rise is scaled back. That is right for what is odd
    # in h, and so near to x there is nothing else.
    stretch = (steps[taken] / h)[..., np.newaxis]

    def at_its_rungs(array: Float64) -> Float64:
        whole = np.zeros((RUNGS, *array.shape[1:]))
        whole[taken] = array
        return whole

    def towards(sign: int) -> Rise:
        rise = section.rise(x + sign * h, which)
        rise = replace(rise, rise=rise.rise * stretch)
        return rise if len(taken) == RUNGS else Rise.each(at_its_rungs, rise)

    return Samples(towards(1), towards(-1), steps, taken)


def some(samples: Samples, chosen: Indices) -> Samples:
    """Return the samples at some of the coordinates."""
    up, down = (Rise.each(lambda a: a[:, chosen], rise) for rise in (samples.up, samples.down))
    return replace(samples, up=up, down=down, steps=samples.steps[:, chosen])


def averaged(section: Section, which: Indices, largest: Float64) -> Samples:
    """Sample a short ladder from `largest` down, each rung as the mean of eight steps near it.

    The mean of (h · near)ᵖ is a multiple of hᵖ, so that a polynomial stays one, and its slope is
    the same since the mean of all `near` is 1. Noise shrinks by √8.
    """
    parts = [sample(section, which, largest / LARGEST * near, _SHORT) for near in NEARBY]
    up, down = (
        Rise.each(lambda *arrays: np.mean(arrays, axis=0), *(getattr(part, side) for part in parts))
        for side in ("up", "down")
    )
    start = (up.rise[_SHORT[-1]] + down.rise[_SHORT[-1]]) / 2
    up, down = (replace(rise, rise=rise.rise - start) for rise in (up, down))
    return Samples(up, down, ladder(largest, RUNGS), _SHORT)


def together(coarse: Samples, fine: Samples) -> Samples:
    """Return the samples of the same coordinates at two sets of rungs as one."""
    up, down = Rise.each(np.add, coarse.up, fine.up), Rise.each(np.add, coarse.down, fine.down)
    taken = np.sort(np.concatenate([coarse.taken, fine.taken]))
    return replace(coarse, up=up, down=down, taken=taken)


def fitted(samples: Samples, noise: Float64, start: Float64, *, smooth: bool = False) -> Fit:
    """Fit each coordinate and dout, block by block; arrays of shape (number of dout, coordinates).

    `noise` and `start` are what `Samples.noise` gives.
    """
    _, size, douts = samples.up.rise.shape
    up, down, noise = (a.reshape(len(a), -1) for a in (samples.up.rise, samples.down.rise, noise))
    steps, start = np.repeat(samples.steps, douts, axis=1), start.reshape(-1)
    many = len(samples.taken)
    width = max(16, _CACHED // (many * max(1, many - NODES)))
    parts = []
    for first in range(0, up.shape[1], width):
        at = np.s_[..., first : first + width]
        block = up[at], down[at], noise[at], steps[at], start[at]
        parts.append(fit(*block, samples.taken, smooth=smooth))
    return Fit.each(lambda array: array.reshape(size, douts).T, Fit.joined(parts))
