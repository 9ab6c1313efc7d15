"""Known mistakes: planted, to tell what a check can see, and named where one explains dx."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Any

import numpy as np

from ..arrays import Float64
from .known_mistakes import Points, known_mistakes
from .verdict import ULPS, WRONG, verdicts

Gives = Callable[[Float64, Any], bool]  # whether a formula, known to a bound, gives dx

_STEPS = tuple(10.0**-k for k in range(1, 9))  # that people take
_LARGEST_STEP = 0.5  # of a one-sided difference that is named
_TELLING = 0.1  # only if bound / error is less than this can one formula be told from another


@dataclass(frozen=True)
class Coverage:
    """How many known mistakes the points of a check would show.

    Attributes
    ----------
    caught, total : int
        How many would be called wrong, of how many.
    missed : tuple of tuple of str
        The others: name, why not, and what would show it.
    """

    caught: int
    total: int
    missed: tuple[tuple[str, str, str], ...]


def coverage(points: Points) -> Coverage:
    """Return which known mistakes would be called wrong at these points."""
    caught, missed = 0, []
    for mistake in known_mistakes(points):
        # What overflows is wrong however little is known of it.
        slack = np.where(np.isinf(mistake.gradient), 0.0, mistake.bound)
        planted = replace(points.claim, gradient=mistake.gradient, slack=slack)
        if (verdicts(planted, points.slope) == WRONG).any():
            caught += 1
        else:
            missed.append((mistake.name, *mistake.why_missed(points)))
    return Coverage(caught, caught + len(missed), tuple(missed))


def explanations(points: Points) -> list[str]:
    """Return the names of all wrong formulas that give the analytic gradient at every element."""
    gradient, rounding = points.claim.gradient, ULPS * points.claim.ulp + points.claim.unit

    def gives(formula: Float64, bound: Any) -> bool:
        allowed = bound + points.claim.rtol * np.abs(formula) + rounding
        near = (np.abs(gradient - formula) <= allowed) & np.isfinite(formula)
        return bool(np.all(near[known]))

    known = np.isfinite(points.bound)
    if not np.any(known & (points.bound < _TELLING * np.abs(gradient - points.right))):
        return []  # almost any formula would give a gradient that is known so roughly
    mistakes = known_mistakes(points, naming=True)
    names = [mistake.name for mistake in mistakes if gives(mistake.gradient, mistake.bound)]
    if not np.any(gradient):
        return names
    return (names or _common_factor(points, rounding, gives)) + _one_sided(points, gives)


def _common_factor(points: Points, rounding: Float64, gives: Gives) -> list[str]:
    """Name the one factor that all elements have, if there are two to show it."""
    right, bound, rtol = np.abs(points.right), points.bound, points.claim.rtol
    sure = (right > 2 * bound) & np.isfinite(bound)
    if np.count_nonzero(sure) < 2:
        return []
    signed = (points.claim.gradient * np.sign(points.right))[sure]
    right, bound = right[sure], bound[sure]
    slack = rounding[sure] + rtol * np.abs(signed)
    low = (signed - slack) / np.where(signed > slack, right + bound, right - bound)
    high = (signed + slack) / np.where(signed > -slack, right - bound, right + bound)
    least, most = float(np.max(low)), float(np.min(high))
    if least > most or least <= 1 <= most:
        return []
    factor = (least + most) / 2
    allowed = abs(factor) * points.bound + 2 * rtol * abs(factor) * points.slope.scale
    if not gives(factor * points.right, allowed):
        return []
    step = next((h for h in _STEPS if least <= h * h <= most), None)
    hint = "" if step is None else f", as / 2 * h with h = {step:g} for / (2 * h) gives"
    digits = max(7, 1 - floor(log10(max(most - least, abs(factor - 1) / 10, 1e-15))))
    return [f"the right gradient times {factor:.{digits}g}{hint}"]


def _one_sided(points: Points, gives: Gives) -> list[str]:
    """Name the step of a one-sided difference, if all elements have the error of one."""
    curvature, rough, bound = points.slope.curvature, points.slope.curvature_bound, points.bound
    error = points.claim.gradient - points.right
    sure = (np.abs(curvature) > 4 * rough) & (np.abs(error) > 4 * bound)
    if np.count_nonzero(sure) < 2:
        return []
    step = 2 * float(np.median(error[sure] / curvature[sure]))
    if not 0 < abs(step) < _LARGEST_STEP:
        return []
    next_term = step * step * (points.slope.scale + np.abs(curvature))
    allowed = bound + 0.5 * abs(step) * rough + next_term
    small = bool(np.all(allowed[sure] < _TELLING * np.abs(error[sure])))
    if not (small and gives(points.right + step / 2 * curvature, allowed)):
        return []
    side = "" if step > 0 else ", taken backwards"
    return [f"a one-sided difference with h = {abs(step):.2g}{side}"]
