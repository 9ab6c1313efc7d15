"""Pass, wrong or unresolved: what a numeric gradient with an error bound says of an analytic one.

With d = |analytic − numeric| and tol = rtol · Σⱼ |dout[j] · ∂y[j]/∂x[i]|::

    wrong        d − 1.5 · bound > tol + the rounding of analytic to its type
    pass         d + bound ≤ tol
    unresolved   otherwise, or anything is NaN

A pass rests on the bound alone: no absolute tolerance lets a gradient pass that cannot be seen.
An alarm asks for half as much again: where thousands of kinks lie within the noise of float32, the
bound for one kink was up to 1.25 times too small, at one of some 4,000 gradients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .differences import Bools, Float64
from .evaluate import Indices
from .slopes import Slopes

WORDS = ("pass", "unresolved", "wrong")  # from the best to the worst
PASS, UNRESOLVED, WRONG = range(3)
ALARM = 1.5  # times the bound, beyond which a gradient is called wrong
ULPS = 4.0  # of rounding that a right gradient may have in its own type
FEW_DIGITS = 0.01  # a number whose last digit is worth more of it proves nothing


@dataclass(frozen=True)
class Claim:
    """An analytic gradient, and how closely it is held to the numeric one.

    Attributes
    ----------
    gradient : ndarray of float64
        What is claimed, for each coordinate.
    dtype : dtype
        To which type the claim was rounded.
    unit : ndarray of float64
        By how much it may be off since it was given in digits.
    weights : ndarray of float64
        Σ |dout| over the y that a coordinate can reach.
    rtol : float
        The relative tolerance.
    slack : ndarray of float64 or float
        By how much the claim itself is known no better.
    """

    gradient: Float64
    dtype: Any
    unit: Float64
    weights: Float64
    rtol: float
    slack: Float64 | float = 0.0

    def at(self, chosen: Indices) -> Claim:
        """Return the claim at some of the coordinates."""
        return replace(
            self,
            gradient=self.gradient[chosen],
            unit=self.unit[chosen],
            weights=self.weights[chosen],
        )

    @property
    def rounding(self) -> Float64:
        """What rounding to its own type does to a right gradient."""
        own = np.spacing(np.abs(self.gradient.astype(self.dtype))).astype(np.float64)
        smallest = float(np.finfo(self.dtype).smallest_subnormal) * self.weights
        return np.asarray(ULPS * (np.where(np.isfinite(own), own, 0) + smallest))

    @property
    def has_few_digits(self) -> Bools:
        """Whether the last digit given is worth too much of it."""
        return np.asarray(self.unit > FEW_DIGITS * np.abs(self.gradient))


def tolerance(claim: Claim, slope: Slopes) -> Float64:
    """How far a gradient may be from the true one.

    A gradient of 0 is seen to be 0 beside how y moves on both sides of x, or by the rest of x.
    """
    at_rest = slope.at_rest & (claim.gradient == 0)
    scale = np.where(at_rest, np.maximum(slope.scale, slope.reach), slope.scale)
    return np.asarray(claim.rtol * scale + claim.unit)


def verdicts(
    claim: Claim, slope: Slopes, left_continuously: NDArray[Any] | bool = False
) -> Indices:
    """Return the index in `WORDS` of the verdict on each coordinate.

    `left_continuously` says where y is shown to stand still for good, as on ReLU's dead side; a
    gradient of 0 is right there.
    """
    tol, bound, error = tolerance(claim, slope), slope.bound[0], slope.error(claim.gradient)
    constant = left_continuously & (claim.gradient == 0)
    seen = ((error + bound <= tol) | constant) & ~claim.has_few_digits
    off = error - ALARM * bound - claim.slack > tol + claim.rounding + slope.floor
    return np.where(off, WRONG, np.where(seen, PASS, UNRESOLVED))


_NEAR = 1e-4  # of max(1, |x|), within which a bend is called near


def reason_codes(
    claim: Claim, slope: Slopes, x: Float64, dout: Float64, malformed: bool
) -> NDArray[np.str_]:
    """Return why each gradient would be unresolved; `check.reasons` has the sentences."""
    analytic, bound, numeric = claim.gradient, slope.bound[0], slope.numeric[0]
    normal = np.finfo(claim.dtype).smallest_normal
    size = np.fmax(np.abs(analytic), np.abs(numeric) + bound)
    cases = {
        "x_not_finite": ~np.isfinite(x),
        "dout_not_finite": ~np.isfinite(dout),
        "no_dx": np.full(x.shape, malformed),
        "dx_not_finite": ~np.isfinite(analytic),
        "kink": slope.kink,
        "forward_not_finite": ~slope.finite,
        "noise": ~(bound < np.inf),
        "few_digits": claim.has_few_digits,
        "plateau": slope.still,
        "underflow_at_x": size < np.abs(dout) * normal,
        "underflow_by_dout": size < normal,
        "jump": slope.jump,
        "bend": slope.step < _NEAR * np.maximum(1, np.abs(x)),
    }
    found = np.select(
        [np.broadcast_to(case, x.shape) for case in cases.values()], list(cases), "rounding"
    )
    return found.astype(np.str_)
