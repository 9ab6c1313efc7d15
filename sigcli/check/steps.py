"""The steps of differences: a ladder of them, each a fixed part of the one before."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..arrays import Float64

RATIO = Fraction(8, 5)  # of a step to the next; with 2, all steps of a ladder may be whole waves


def ladder(largest: Float64, rungs: int) -> Float64:
    """Return the steps largest, largest / ratio, …, of shape (rungs, n).

    For a power of 2, the first 22 are exact: 5ᵏ · 2⁻³ᵏ times it. Where they have fewer digits than
    x, x ± h are exact too; a rounded point would move the even part as a kink does.
    """
    shrinking = np.full(rungs, float(1 / RATIO))
    shrinking[0] = 1
    return np.outer(np.multiply.accumulate(shrinking), largest)


def power_of_2(size: Float64) -> Float64:
    """Return the largest power of 2 that is no larger than each `size`."""
    return np.asarray(np.ldexp(0.5, np.frexp(size)[1]))


def exact(x: Float64, steps: Float64) -> Float64:
    """Return the `steps` such that x + h and x − h are floats, and no less than four apart."""
    size = np.abs(x)
    return np.asarray(np.maximum((size + steps) - size, 4 * np.spacing(size)))
