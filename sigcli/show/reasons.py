"""Why a gradient is unresolved, in sentences: what is so, and what would resolve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..check import GradientCheck

_SENTENCES = {
    "": "",
    "x_not_finite": "x is not finite; take a finite x",
    "dout_not_finite": "dout is not finite; take a finite dout",
    "no_dx": "backward gave no dx to check; see the broken promise",
    "dx_not_finite": "backward gave a dx that is not finite",
    "forward_not_finite": "forward is not finite near x; take x inside of its domain",
    "noise": (
        "noise: y is smooth over no step, however small; take x elsewhere, or compute it in float64"
    ),
    "few_digits": (
        "too few digits: the last digit of dx is worth more than 1 % of it; write more, as 0.250"
    ),
    "plateau": "plateau: y stands still around x; take x where y still moves",
    "jump": "jump: y leaps beside x, by more than rounding does; take x farther from it",
    "underflow_at_x": "underflow: dx is below the normal range of {dtype}; take x nearer to 0",
    "underflow_by_dout": "underflow: dx is below the normal range of {dtype}; take a larger dout",
    "bend": (
        "bend: y bends so near to x that steps between have few digits left; take x elsewhere"
    ),
    "rounding": "rounding: y is too coarse to show dx to rtol; take a larger rtol, or x elsewhere",
    "kink": (
        "kink: dx is {left:.6g} to the left of x and {right:.6g} to the right, and backward took "
        "{side}; take x elsewhere"
    ),
}
_SIDE = 1e-6  # part of their difference within which a gradient is that of one side


def reasons(check: GradientCheck) -> NDArray[Any]:
    """Return a sentence for each code of ``check.reason_codes``, in an array of the same shape."""
    import numpy as np

    arrays = (check.reason_codes, check.analytic, check.left, check.right)
    elements = zip(*(array.reshape(-1).tolist() for array in arrays), strict=True)
    sentences = [_sentence(str(check.analytic.dtype), *element) for element in elements]
    return np.array(sentences, np.str_).reshape(check.x.shape)


def _sentence(dtype: str, code: str, analytic: float, left: float, right: float) -> str:
    near = _SIDE * abs(right - left)
    sides = {abs(analytic - right) <= near: "the right", abs(analytic - left) <= near: "the left"}
    side = sides.get(True, "neither")
    left, right = left + 0.0, right + 0.0  # −0 becomes 0
    return _SENTENCES[code].format(dtype=dtype, left=left, right=right, side=side)
