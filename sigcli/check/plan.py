"""Which elements are differentiated together, and over which steps.

1. A quick look: eight steps from ⅛ of max(1, |x|) down, and three far finer ones. It is enough
   where y is smooth on that scale and the verdict clear.
2. A thorough look at what that leaves open, with noise measured and jumps looked for: 32 steps from
   ½ to 2·10⁻⁷ and five finer ones; all 66 steps, down to 2·10⁻¹⁴, where these do not verify the
   gradient; the means of several steps where only noise is in the way.
3. The same from ½ |x| down, for functions such as log near 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..arrays import Bools, Float64, Indices
from .differences import NODES
from .evaluate import Section
from .jumps import above_jumps
from .probe import EPS64, noise_along
from .samples import LARGEST, NEARBY, RUNGS, Samples, averaged, fitted, sample, some, together
from .slopes import Slopes, slopes_of, with_kinks
from .steps import ladder, power_of_2

# Rungs of the ladder of 66 steps:
_QUICK = np.array([*range(3, 3 + NODES), 22, 38, 56])
_COARSE = np.array([*range(32), 38, 44, 50, 56, 62])  # ½ to 2e-7, and a few finer
_FINE = np.delete(np.arange(RUNGS), _COARSE)
_DECLARED = np.arange(2, 11)  # for a layer that states the scale on which it is smooth
_TOGETHER = 2**18  # elements that move together; 66 steps of more take gigabytes
_COLUMNS = 2**13  # slopes of one y by one x that are sampled together
_STEADIER = 4  # averages are tried where a bound so many times smaller would verify a gradient
_RAISED = 2  # noise of so many times what was measured along x is that of jumps

Judge = Callable[[Slopes, Indices], Bools]  # says something of the slopes at some coordinates


def blocks(section: Section, which: Indices) -> list[Indices]:
    """Return the coordinates in blocks, each of which is sampled at a time."""
    size = max(1, _COLUMNS // max(1, section.douts.shape[1]))
    if section.elementwise:  # a layer that takes any shape; others take all of x each time
        size = _COLUMNS if section.evaluator.scale is not None else _TOGETHER
    return [which[start : start + size] for start in range(0, len(which), size)]


def slopes(section: Section, which: Indices, settled: Judge, passing: Judge) -> Slopes:
    """Return the slopes at a block of coordinates.

    Parameters
    ----------
    section : Section
        What is differentiated.
    which : ndarray of int
        The coordinates, as indices into the vector x.
    settled : callable
        Which coordinates need no thorough look.
    passing : callable
        At which the gradient passes by these slopes, so that no finer steps are taken.
    """
    x, unit = section.evaluator.x[which], section.unit(which)
    with np.errstate(all="ignore"):
        quick = _quick(section, which, unit)
        if section.evaluator.scale is not None:
            return quick
        rest = ~settled(quick, which)
        if not rest.any():
            return quick
        which, x, unit = which[rest], x[rest], unit[rest]
        thorough = _thorough(section, which, unit, passing)
        near_0 = ~passing(thorough, which) & (np.abs(x) < unit) & (x != 0)
        if near_0.any():
            before = thorough.at(near_0)
            after = _thorough(section, which[near_0], power_of_2(np.abs(x[near_0])), passing)
            better = ~(after.bound[0] >= before.bound[0])
            better &= ~after.still | np.isnan(before.numeric[0])
            widened = after.widened(before).where(better, before.widened(after))
            thorough = thorough.replaced(near_0, widened)
        return quick.replaced(rest, thorough)


def _quick(section: Section, which: Indices, unit: Float64) -> Slopes:
    rungs = _QUICK if section.evaluator.scale is None else _DECLARED
    samples = sample(section, which, unit, rungs)
    fit = fitted(samples, *samples.noise(), smooth=rungs is _DECLARED)
    return slopes_of(section, which, samples, fit)


def _thorough(section: Section, which: Indices, unit: Float64, passing: Judge) -> Slopes:
    """Look at many rungs, at noise, jumps and both sides; if that is not enough, at all rungs."""
    section = replace(section, noise=np.zeros(section.noise.shape))
    noise = np.zeros((which.size, section.douts.shape[0] if not section.elementwise else 1))
    if not section.evaluator.declared:
        noise = noise_along(section, which, unit, EPS64)
    samples = sample(section, which, unit, _COARSE)
    slopes, raised = _with_jumps_and_kinks(section, which, unit, samples, noise)
    # A finer window has no smaller bound than noise over its largest step.
    useful = ~(slopes.bound[0] < raised[:, 0] / samples.steps[_FINE[0] - NODES])
    rest = ~passing(slopes, which) & useful
    if rest.any():
        finer = sample(section, which[rest], unit[rest], _FINE)
        whole = together(some(samples, rest), finer)
        by_all, raised[rest] = _with_jumps_and_kinks(
            section, which[rest], unit[rest], whole, noise[rest]
        )
        slopes = slopes.replaced(rest, by_all)
    steadier = replace(slopes, bound=slopes.bound / _STEADIER)
    noisy = (raised[:, 0] > _RAISED * noise[:, 0]) & ~slopes.jump & np.isnan(slopes.left)
    noisy &= ~passing(slopes, which) & passing(steadier, which)
    if noisy.any():
        by_means = _averaged(section, which[noisy], slopes.at(noisy), raised[noisy])
        slopes = slopes.replaced(noisy, by_means)
    return slopes


def _averaged(section: Section, which: Indices, before: Slopes, noise: Float64) -> Slopes:
    """Look once more where y is smooth but for its noise, at the means of several steps."""
    samples = averaged(section, which, before.step)
    fit = fitted(samples, *samples.noise(noise / np.sqrt(len(NEARBY))))
    after = slopes_of(section, which, samples, fit)
    return after.widened(before).where(after.bound[0] < before.bound[0], before)


def _with_jumps_and_kinks(
    section: Section, which: Indices, unit: Float64, samples: Samples, noise: Float64
) -> tuple[Slopes, Float64]:
    """Return the slopes, and the noise raised to the height of jumps."""
    fit, own_jumps, raised = above_jumps(section, which, unit, samples, noise)
    slopes = replace(slopes_of(section, which, samples, fit), jump=own_jumps)
    return with_kinks(slopes, samples, noise), raised


def imaginary(section: Section, which: Indices, real: Slopes) -> Slopes:
    """Return the slopes by imaginary steps where they agree with the `real` ones and are finer.

    Im f(x + ih) = f′(x) h − c₃ h³ + … subtracts nothing, and so loses no digits (W. Squire and
    G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
    (1998), 110–112). Code that takes absolute values, compares, or drops imaginary parts computes
    another function for complex x than for real x; its slopes do not agree.
    """
    x = section.evaluator.x[which]
    steps = ladder(LARGEST * section.unit(which), RUNGS)
    with np.errstate(all="ignore"):
        up = section.rise(x + 1j * steps, which)
        down = replace(up, rise=-up.rise)
        samples = Samples(up, down, steps, np.arange(RUNGS))
        fit = fitted(samples, *samples.noise())
        agree = np.abs(fit.value - real.numeric) <= fit.bound + real.bound
        better = (agree | np.isnan(real.numeric)) & (fit.bound < real.bound)
        return replace(
            real,
            numeric=np.where(better, fit.value, real.numeric),
            bound=np.where(better, fit.bound, real.bound),
            scale=np.where(better[0], np.fmax(real.scale, np.abs(fit.value[0])), real.scale),
            floor=np.where(better[0], 0, real.floor),
            still=real.still & ~(better[0] & (fit.value[0] != 0)),
        )
