"""Pass, wrong or unresolved: what a numeric gradient with an error bound says of an analytic one.

With d = |analytic − numeric| and tol = rtol · Σⱼ |dout[j] · ∂y[j]/∂x[i]|::

    wrong        d − 1.5 · bound > tol + the rounding of analytic to its type
    pass         d + bound ≤ tol
    unresolved   otherwise, or anything is NaN

There is no absolute tolerance, so a gradient that is too small to be measured cannot pass.
`measure` combines the verdicts by forward and by its complement, where a layer has one.
For a wrong the bound counts 1.5 times: where thousands of kinks lie within the noise of float32, it
was up to 1.25 times too small, at one of some 4,000 gradients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bools, Float64, Indices
from .slopes import Slopes

WORDS = ("pass", "unresolved", "wrong")  # from the best to the worst
PASS, UNRESOLVED, WRONG = range(3)
ALARM = 1.5  # beyond so many times the bound a gradient is called wrong
ULPS = 4.0  # units in the last place of its own type by which a right gradient may be off
FEW_DIGITS = 0.01  # of a number: one whose last digit is worth more is too rough to be judged
_NEAR = 1e-4  # part of max(1, |x|) within which a bend is called near


@dataclass(frozen=True)
class Claim:
    """An analytic gradient, and how closely it is held to the numeric one.

    Attributes
    ----------
    gradient : ndarray of float64
        What is claimed, for each coordinate.
    dtype : dtype
        The type that the gradient was rounded to.
    unit : ndarray of float64
        One unit of the last digit that was typed, 0.01 for 0.25; 0 for what was computed.
    weights : ndarray of float64
        Σ |dout| over the y that x[i] can reach.
    rtol : float
        The relative tolerance.
    slack : ndarray of float64 or float
        By how much `gradient` may be off where it was made wrong on purpose from numeric ones.
    """

    gradient: Float64
    dtype: Any
    unit: Float64
    weights: Float64
    rtol: float
    slack: Float64 | float = 0.0

    def at(self, chosen: Indices) -> Claim:
        """Return the claim at some of the coordinates."""
        arrays = {name: getattr(self, name)[chosen] for name in ("gradient", "unit", "weights")}
        return replace(self, **arrays)

    @property
    def rounding(self) -> Float64:
        """By how much rounding to its own type may move a right gradient."""
        smallest = float(np.finfo(self.dtype).smallest_subnormal) * self.weights
        return np.asarray(ULPS * (np.where(np.isfinite(self.ulp), self.ulp, 0) + smallest))

    @property
    def ulp(self) -> Float64:
        """The unit in the last place of the gradient, in its own type."""
        return np.asarray(np.spacing(np.abs(self.gradient.astype(self.dtype))), np.float64)

    @property
    def has_few_digits(self) -> Bools:
        """Whether the gradient was given in so few digits that it proves nothing."""
        return np.asarray(self.unit > FEW_DIGITS * np.abs(self.gradient))


def verdicts(claim: Claim, slope: Slopes, constant: Bools | bool = False) -> Indices:
    """Return the index in `WORDS` of the verdict on each coordinate.

    `constant` says where y is shown to be constant around x[i], as on ReLU's dead side; a gradient
    of 0 is right there.
    """
    # 0 has no relative tolerance of its own. Where y moves by the same to both sides of x, as x² at
    # 0, that is what a gradient of 0 is held to.
    zero = slope.symmetric & (claim.gradient == 0)
    scale = np.where(zero, np.maximum(slope.scale, slope.reach), slope.scale)
    tol = claim.rtol * scale + claim.unit
    bound, error = slope.bound[0], slope.error(claim.gradient)
    right_0 = constant & (claim.gradient == 0)
    right = ((error + bound <= tol) | right_0) & ~claim.has_few_digits
    wrong = error - ALARM * bound - claim.slack > tol + claim.rounding + slope.floor
    return np.where(wrong, WRONG, np.where(right, PASS, UNRESOLVED))


def reason_codes(
    claim: Claim, slope: Slopes, x: Float64, dout: Float64, malformed: bool
) -> NDArray[np.str_]:
    """Return why each gradient would be unresolved, in a word that `sigcli.show.reasons` explains.

    `dout` is that of y[i], or Σ |dout| where y has another shape; `malformed` says that backward
    gave no gradient at all. The first reason that holds is given.
    """
    analytic, bound, numeric = claim.gradient, slope.bound[0], slope.numeric[0]
    normal = np.finfo(claim.dtype).smallest_normal
    size = np.fmax(np.abs(analytic), np.abs(numeric) + bound)
    cases = {
        "x_not_finite": ~np.isfinite(x),
        "dout_not_finite": ~np.isfinite(dout),
        "no_dx": np.full(x.shape, malformed),
        "dx_not_finite": ~np.isfinite(analytic),
        "kink": np.isfinite(slope.left),
        "forward_not_finite": ~slope.finite,
        "noise": ~(bound < np.inf),
        "few_digits": claim.has_few_digits,
        "plateau": slope.still,
        "underflow_at_x": size < np.abs(dout) * normal,
        "underflow_by_dout": size < normal,
        "jump": slope.jump,
        "bend": slope.step < _NEAR * np.maximum(1, np.abs(x)),
    }
    conditions = [np.broadcast_to(case, x.shape) for case in cases.values()]
    return np.select(conditions, list(cases), "rounding").astype(np.str_)
