"""The arithmetic of dx, step by step, and what rounding did to each."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from math import exp, isfinite, ulp

_TRUTH = Context(prec=60, Emin=-(10**6), Emax=10**6)


def arithmetic(x: float, dout: float) -> list[tuple[str, float, float]]:
    """Return the formula, value and error of each step from x and dout to dx.

    Parameters
    ----------
    x, dout : float
        One element of each.

    Returns
    -------
    list of tuple
        What is computed, its value in float64, and how far that is from the truth (to 60 digits),
        in units in its last place. Empty where x or dout is not finite.
    """
    if not (isfinite(x) and isfinite(dout)):
        return []
    e = exp(-abs(x))
    below = 1 + e
    s = e / below
    rest = 1 - s
    slope = s * rest
    with localcontext(_TRUTH):
        true_e = Decimal(-abs(x)).exp()
        true_s = true_e / (1 + true_e)
        true_slope = true_s * (1 - true_s)
        steps = [
            ("e = exp(−|x|)", e, true_e),
            ("1 + e", below, 1 + true_e),
            ("s = e / (1 + e), the smaller of y and 1 − y", s, true_s),
            ("1 − s", rest, 1 - true_s),
            ("s · (1 − s)", slope, true_slope),
            ("dx = dout · s · (1 − s)", dout * slope, Decimal(dout) * true_slope),
        ]
        return [(text, value, _ulps(value, truth)) for text, value, truth in steps]


def _ulps(value: float, truth: Decimal) -> float:
    return float(abs(Decimal(value) - truth) / Decimal(ulp(value)))
