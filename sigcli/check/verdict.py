"""Pass, wrong or unresolved: what a numeric derivative with an error bound says of a gradient.

With d = |analytic − numeric| and tol = rtol · |dout| · |∂y/∂x|::

    wrong        d − bound > tol + the rounding of analytic to its type
    pass         d + bound ≤ tol
    unresolved   otherwise, or anything is NaN

A pass rests on the bound alone: no absolute tolerance lets a gradient pass that cannot be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from ..arrays.convert import real, together
from ..errors import RangeError, ShapeError, SigcliError, UsageError
from .differences import Derivative, derivative

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.floating[Any]]
    Float64 = NDArray[np.float64]

# Repeated to the size of y where no dout is given. None is 1 and none equals its neighbour, since
# a dout of ones hides that a backward pass forgot it.
DOUT = (1.5, -0.5, 3.0, -2.5, 0.7)

_WORDS = ("pass", "unresolved", "wrong")  # from the best to the worst
_PASS, _UNRESOLVED, _WRONG = range(3)
_ULPS = 4.0  # what a function's values are taken to be good for unless the layer says otherwise


class Layer(Protocol):
    """What can be checked: y = forward(x), then dx = backward(dout), all of one shape.

    It may also say ``ulps``, how many units in the last place its values are good for, and offer
    ``complement(x)``, whose derivative is minus that of `forward`: where y is so near a constant
    that its differences are lost in rounding, those of the complement may not be.
    """

    def forward(self, x: Any) -> Any:
        """Return y."""

    def backward(self, dout: Any) -> Any:
        """Return dx at the last `forward`."""


@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found; all arrays have the shape of `x`.

    Attributes
    ----------
    x, dout, analytic : ndarray
        The point, the upstream gradient, and the layer's own dx.
    numeric, bound : ndarray of float64
        dx by finite differences; the truth is within `bound` of it.
    relative_error : ndarray of float64
        The distance of analytic and numeric, over the size of numeric; 0 where they are equal.
    digits : ndarray of int
        How many decimal digits of the analytic gradient are confirmed.
    verdicts : ndarray of str
        ``pass``, ``wrong`` or ``unresolved``.
    reasons : ndarray of str
        Why a gradient is unresolved; empty otherwise.
    rtol : float
        The relative tolerance.
    """

    x: Array
    dout: Array
    analytic: Array
    numeric: Float64
    bound: Float64
    relative_error: Float64
    digits: NDArray[np.int_]
    verdicts: NDArray[np.str_]
    reasons: NDArray[np.str_]
    rtol: float
    command: ClassVar[Literal["gradcheck"]] = "gradcheck"

    @property
    def verdict(self) -> str:
        """The worst of all verdicts."""
        return next(word for word in reversed(_WORDS) if word in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0 if all pass, 1 if one is wrong, 3 if none is but some are unresolved."""
        return {"pass": 0, "wrong": 1, "unresolved": 3}[self.verdict]


def gradcheck(
    layer: Layer,
    x: ArrayLike,
    dout: ArrayLike | None = None,
    *,
    dx: ArrayLike | None = None,
    rtol: float | None = None,
) -> GradientCheck:
    """Check the backward pass of an elementwise `layer` against differences of its forward pass.

    Parameters
    ----------
    layer : Layer
        An object with ``forward(x)`` and ``backward(dout)``, where y[i] depends on x[i] alone.
    x : array_like
        Where to check; real numbers of any shape, but not none.
    dout : array_like, optional
        The upstream gradient, of x's shape or a single number; 1.5, −0.5, 3, −2.5, 0.7, repeated,
        if left out.
    dx : array_like, optional
        A gradient computed elsewhere, of x's shape, to be checked in place of the layer's own.
    rtol : float, optional
        The relative tolerance, 0 < rtol < 1; the square root of the type's epsilon if left out.

    Returns
    -------
    GradientCheck
        With one verdict an element.

    Raises
    ------
    RangeError
        If rtol is out of range, or x is empty.
    ShapeError
        If shapes do not fit.
    DtypeError
        If x or dout are not real numbers.
    """
    x = real("x", x)
    if not x.size:
        raise RangeError("x is empty: there is no gradient to check")
    if dx is not None and dout is None:
        raise UsageError("dx comes without the dout that it was computed with; give --dout")
    rtol = float(np.sqrt(np.finfo(x.dtype).eps)) if rtol is None else rtol
    if not 0 < rtol < 1:
        raise RangeError(f"rtol: {rtol} is out of range; 0 < rtol < 1 is right")
    dout = np.resize(DOUT, x.shape) if dout is None else real("dout", dout)
    x, dout = together({"x": x, "dout": dout})
    analytic = _analytic(layer, x, dout, dx)
    found = _judge(layer, x, dout, analytic, rtol)
    numeric, bound, code = found.numeric, found.bound, found.code
    with np.errstate(all="ignore"):
        error = np.abs(analytic - numeric)
        relative = np.where(error == 0, 0.0, error / np.abs(numeric))
        digits = np.where(error + bound == 0, np.inf, -np.log10((error + bound) / np.abs(numeric)))
    whole = np.finfo(x.dtype).precision
    return GradientCheck(
        x=x.copy(),
        dout=dout.copy(),
        analytic=analytic,
        numeric=numeric,
        bound=bound,
        relative_error=relative,
        digits=np.floor(np.clip(np.nan_to_num(digits, posinf=whole), 0, whole)).astype(int),
        verdicts=np.array(_WORDS)[code],
        reasons=np.where(code == _UNRESOLVED, _reasons(x, dout, analytic, found.moved), ""),
        rtol=rtol,
    )


def _analytic(layer: Layer, x: Array, dout: Array, dx: ArrayLike | None) -> Array:
    """Return the gradient to be checked: the layer's own unless it is given."""
    y = np.asarray(layer.forward(x.copy()))
    if y.shape != x.shape:
        raise SigcliError(f"forward gave the shape {y.shape} for an x of {x.shape}; equal is right")
    analytic = real("dx", layer.backward(dout.copy()) if dx is None else dx)
    if analytic.shape != x.shape:
        source = "dx has" if dx is not None else "backward gave"
        raise ShapeError(f"{source} the shape {analytic.shape} where x has {x.shape}")
    return analytic.copy()


@dataclass(frozen=True)
class _Evidence:
    """What one kind of differences says: numeric and its bound, whether y moved, the verdicts."""

    numeric: Float64
    bound: Float64
    moved: NDArray[np.bool_]
    code: NDArray[np.int_]


def _judge(layer: Layer, x: Array, dout: Array, analytic: Array, rtol: float) -> _Evidence:
    """Return the evidence of `forward`, or of `complement` where the layer has it and it is better.

    Wrong by either is wrong; else the better resolved one counts.
    """
    ulps = getattr(layer, "ulps", _ULPS)
    upstream = dout.astype(np.float64)
    evidence = _evidence(layer.forward, x, upstream, analytic, rtol, ulps)
    if complement := _complement(layer):
        other = _evidence(complement, x, -upstream, analytic, rtol, ulps)
        evidence = _stronger(evidence, other)
    return evidence


def _complement(layer: Layer) -> Callable[[Float64], Array] | None:
    """Return the layer's `complement`, unless a subclass replaced the `forward` that it fits."""
    for base in type(layer).__mro__:
        if "complement" in vars(base):
            found = getattr(layer, "complement", None)
            return found if callable(found) else None
        if "forward" in vars(base):
            return None
    return None


def _evidence(
    function: Callable[[Float64], Array],
    x: Array,
    dout: Float64,
    analytic: Array,
    rtol: float,
    ulps: float,
) -> _Evidence:
    slope = derivative(function, x.astype(np.float64).reshape(-1), ulps=ulps)
    numeric, bound = _times(slope, dout)
    code = _verdicts(analytic, numeric, bound, _rounding(analytic, dout), rtol)
    return _Evidence(numeric, bound, slope.moved.reshape(x.shape), code)


def _stronger(first: _Evidence, other: _Evidence) -> _Evidence:
    """Return, element by element, the evidence that counts."""
    wrong = (other.code == _WRONG).astype(int) - (first.code == _WRONG)
    better = (wrong > 0) | ((wrong == 0) & (other.bound < first.bound))
    return _Evidence(
        numeric=np.where(better, other.numeric, first.numeric),
        bound=np.where(better, other.bound, first.bound),
        moved=np.where(better, other.moved, first.moved),
        code=np.where(better, other.code, first.code),
    )


def _times(slope: Derivative, dout: Float64) -> tuple[Float64, Float64]:
    """Return dout · slope and its bound."""
    with np.errstate(all="ignore"):
        numeric = dout * slope.value.reshape(dout.shape)
        bound = np.abs(dout) * slope.bound.reshape(dout.shape)
        return numeric, np.where(dout == 0, 0.0, bound + np.spacing(np.abs(numeric)))


def _rounding(analytic: Array, dout: Float64) -> Float64:
    """Return by how much a right gradient may be off since its type is no finer.

    It is rounded itself; and a slope below the normal range was rounded to a multiple of the
    smallest number, before dout made that larger.
    """
    smallest = float(np.finfo(analytic.dtype).smallest_subnormal)
    with np.errstate(all="ignore"):
        own = np.spacing(np.abs(analytic)).astype(np.float64)
        return _ULPS * (np.where(np.isfinite(own), own, 0.0) + smallest * np.abs(dout))


def _verdicts(
    analytic: Array, numeric: Float64, bound: Float64, rounding: Float64, rtol: float
) -> NDArray[np.int_]:
    """Return the index in `_WORDS` of each element's verdict."""
    with np.errstate(all="ignore"):
        error = np.abs(analytic - numeric)
        tol = rtol * np.abs(numeric)
        verdict = np.where(error + bound <= tol, _PASS, _UNRESOLVED)
        return np.where(error - bound > tol + rounding, _WRONG, verdict)


def _reasons(x: Array, dout: Array, analytic: Array, moved: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Return why each gradient would be unresolved."""
    limits = np.finfo(analytic.dtype)
    with np.errstate(all="ignore"):
        return np.select(
            [
                ~np.isfinite(x),
                ~np.isfinite(dout),
                ~np.isfinite(analytic),
                ~moved,
                np.abs(analytic) < np.abs(dout) * limits.smallest_normal,
                np.abs(analytic) < limits.smallest_normal,
            ],
            [
                "x is not finite; take a finite x",
                "dout is not finite; take a finite dout",
                "backward gave a dx that is not finite",
                "plateau: y moves at no step; take x where y still moves",
                f"underflow: dx is below the normal range of {analytic.dtype}; take x nearer to 0",
                f"underflow: dx is below the normal range of {analytic.dtype}; take a larger dout",
            ],
            "rounding: y is too coarse to show dx to rtol; take a larger rtol, or x elsewhere",
        )
