"""Which elements move together, over which steps, and how long: from sections to slopes.

A quick look takes eight steps from ⅛ of max(1, |x|) down, and three far finer ones. It is enough
where y is smooth on that scale and the verdict clear. What it leaves open is looked at thoroughly,
alone, with noise measured and jumps looked for: 32 steps from ½ to 2·10⁻⁷ and five finer ones; all
66 steps, down to 2·10⁻¹⁴, where that does not verify it; the means of several steps where only
noise is in the way; and all once more from ½ |x| down, for functions such as log near 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .differences import NODES, Bools, Float64, ladder, power_of_2
from .evaluate import Indices, Section
from .jumps import above_jumps
from .probe import EPS64, noise_along
from .samples import (
    LARGEST,
    NEARBY,
    RUNGS,
    Samples,
    averaged,
    fitted,
    sample,
    some,
    together,
)
from .slopes import Slopes, slopes_of, with_kinks

_QUICK = np.array([*range(3, 3 + NODES), 22, 38, 56])  # of the same ladder
_COARSE = np.array([*range(32), 38, 44, 50, 56, 62])  # ½ to 2e-7, and a few finer
_FINE = np.setdiff1d(np.arange(RUNGS), _COARSE)
_DECLARED = np.arange(2, 11)  # where the layer says that it is smooth on that scale
_TOGETHER = 2**18  # elements that move together; 66 steps of more take gigabytes
_COLUMNS = 2**13  # slopes of one y by one x that are sampled together
_STEADIER = 4  # times smaller, that averages may make a bound
_RAISED = 2  # times what was measured along x, from where noise is that of jumps

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
        found = _quick(section, which, unit)
        rest = ~settled(found, which) & (scale is None)
        if not rest.any():
            return found
        more = _thorough(section, which[rest], unit[rest], passing)
        near = ~passing(more, which[rest]) & (np.abs(x[rest]) < unit[rest]) & (x[rest] != 0)
        if near.any():
            few, before = which[rest][near], more.at(near)
            after = _thorough(section, few, power_of_2(np.abs(x[rest][near])), passing)
            smaller = ~(after.bound[0] >= before.bound[0]) & ~after.still
            more = more.replaced(near, after.widened(before).where(smaller, before.widened(after)))
        return found.replaced(rest, more)


def _quick(section: Section, which: Indices, unit: Float64) -> Slopes:
    rungs = _QUICK if section.evaluator.scale is None else _DECLARED
    samples = sample(section, which, unit, rungs)
    found = fitted(samples, *samples.noise(), smooth=rungs is _DECLARED)
    return slopes_of(section, which, samples, found)


def _thorough(section: Section, which: Indices, unit: Float64, passing: Settled) -> Slopes:
    """Look at many rungs of a ladder, at noise, jumps and both sides; at all where none pass."""
    section = replace(section, noise=np.zeros(section.noise.shape))
    noise = np.zeros((which.size, section.douts.shape[0] if not section.elementwise else 1))
    if not section.evaluator.declared:
        noise = noise_along(section, which, unit, EPS64)
    samples = sample(section, which, unit, _COARSE)
    found, above = _looked(section, which, unit, samples, noise)
    # A finer window has no smaller bound than noise over its largest step.
    useful = ~(found.bound[0] < above[:, 0] / samples.steps[_FINE[0] - NODES])
    rest = ~passing(found, which) & useful
    if rest.any():
        finer = sample(section, which[rest], unit[rest], _FINE)
        whole = together(some(samples, rest), finer)
        after, above[rest] = _looked(section, which[rest], unit[rest], whole, noise[rest])
        found = found.replaced(rest, after)
    steadier = replace(found, bound=found.bound / _STEADIER)
    noisy = (above[:, 0] > _RAISED * noise[:, 0]) & ~found.jump & np.isnan(found.left)
    noisy &= ~passing(found, which) & passing(steadier, which)
    if noisy.any():
        after = _averaged(section, which[noisy], found.at(noisy), above[noisy])
        found = found.replaced(noisy, after)
    return found


def _averaged(section: Section, which: Indices, before: Slopes, noise: Float64) -> Slopes:
    """Look once more where y is smooth but for its noise, at the means of several steps."""
    samples = averaged(section, which, before.step)
    found = fitted(samples, *samples.noise(noise / np.sqrt(len(NEARBY))))
    after = slopes_of(section, which, samples, found)
    return after.widened(before).where(after.bound[0] < before.bound[0], before)


def _looked(
    section: Section, which: Indices, unit: Float64, samples: Samples, noise: Float64
) -> tuple[Slopes, Float64]:
    """Return the slopes, and the noise that jumps raised it to."""
    found, jumps, above = above_jumps(section, which, unit, samples, noise)
    smooth = replace(slopes_of(section, which, samples, found), jump=jumps)
    return with_kinks(smooth, samples, noise), above


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
