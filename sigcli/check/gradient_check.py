"""The gradient check: what is asked of a layer, in which order, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ..arrays.convert import real
from ..errors import RangeError, SigcliError, UsageError, element, mismatch
from .contract import Passes, advice_on_order, ignores_dout, visit
from .mistakes import Coverage, Evidence, explained, planted
from .slopes import output
from .verdict import FEW, PASS, ULPS, UNRESOLVED, WORDS, WRONG, Judge, Layer, reasons

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from .slopes import Slopes
    from .why import Why

    Array = NDArray[np.floating[Any]]
    Float64 = NDArray[np.float64]

# Repeated to the size of y where no dout is given. None is 1 and none equals its neighbour, since
# a dout of ones hides that a backward pass forgot it.
DOUT = (1.5, -0.5, 3.0, -2.5, 0.7)


@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found.

    Attributes
    ----------
    x, analytic : ndarray
        The point and the layer's own dx, of one shape; 1-D if coordinates were drawn.
    dout : ndarray
        The upstream gradient, of the shape of y.
    numeric, bound : ndarray of float64
        dx by finite differences; the truth is within `bound` of it.
    relative_error : ndarray of float64
        The distance of analytic and numeric, over Σⱼ |dout[j] · ∂y[j]/∂x[i]|, which is the size
        of numeric unless terms cancel; 0 where they are equal.
    digits : ndarray of int
        How many decimal digits of the analytic gradient are confirmed.
    verdicts : ndarray of str
        ``pass``, ``wrong`` or ``unresolved``.
    reasons : ndarray of str
        Why a gradient is unresolved; empty otherwise.
    rtol : float
        The relative tolerance.
    mistake : str
        Every known wrong formula that explains a gradient that is wrong; empty if none does.
    would_catch : Coverage
        How many of the known mistakes these points would show.
    broken_promises : tuple of str
        What every layer must keep, and this one does not.
    advice : tuple of str
        What is no fault, but good to know.
    unit : ndarray of float64 or None
        By how much analytic may be off since it was given in digits; None if it was not.
    indices : ndarray of int or None
        The flat places in x that were drawn; None where all were checked.
    shape : tuple of int
        The shape of the whole x.
    why : Why or None
        The evidence of one element.
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
    mistake: str
    would_catch: Coverage
    broken_promises: tuple[str, ...]
    advice: tuple[str, ...]
    unit: Float64 | None
    indices: NDArray[np.int_] | None
    shape: tuple[int, ...]
    why: Why | None = None
    command: ClassVar[Literal["gradcheck"]] = "gradcheck"

    @property
    def verdict(self) -> str:
        """The worst of all verdicts."""
        return next(word for word in reversed(WORDS) if word in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0 if all pass, 1 if one is wrong or a promise broken, 3 if some are unresolved."""
        return 1 if self.broken_promises else {"pass": 0, "wrong": 1, "unresolved": 3}[self.verdict]


@np.errstate(all="ignore")
def gradcheck(
    layer: Layer | Callable[[], Layer],
    x: ArrayLike,
    dout: ArrayLike | None = None,
    *,
    dx: ArrayLike | None = None,
    unit: ArrayLike = 0.0,
    rtol: float | None = None,
    method: Literal["central", "complex"] = "central",
    samples: int | None = None,
    seed: int = 0,
    why: int | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> GradientCheck:
    """Check the backward pass of a `layer` against differences of its forward pass.

    Parameters
    ----------
    layer : Layer or callable
        An object with ``forward(x)`` and ``backward(dout)``, or what gives one when it is called.
    x : array_like
        Where to check; real numbers of any shape that the layer takes, but not none.
    dout : array_like, optional
        The upstream gradient, of y's shape or a single number; 1.5, −0.5, 3, −2.5, 0.7, repeated,
        if left out.
    dx : array_like, optional
        A gradient computed elsewhere, of x's shape, to be checked in place of the layer's own.
    unit : array_like
        By how much `dx` may be off since it was rounded: one unit of the last digit given.
    rtol : float, optional
        The relative tolerance, 0 < rtol < 1; the square root of the type's epsilon if left out,
        the type being the narrowest of x, y and dx.
    method : {'central', 'complex'}
        Whether to take steps along the imaginary axis too, where `forward` allows it.
    samples : int, optional
        How many coordinates of x to draw and check; all if left out.
    seed : int
        For the drawing.
    why : int, optional
        The flat index of an element whose evidence is wanted.
    done : callable
        Is told, as the check goes on, how many more coordinates are finished.

    Returns
    -------
    GradientCheck
        With one verdict an element.

    Raises
    ------
    RangeError
        If rtol or why is out of range, or x is empty.
    ShapeError
        If shapes do not fit.
    DtypeError
        If x, y or dout are not real numbers.
    SigcliError
        If `forward` gives two different y for one x.
    """
    x = real("x", x)
    if not x.size:
        raise RangeError("x is empty: there is no gradient to check")
    if dx is not None and dout is None:
        raise UsageError("dx comes without the dout that it was computed with; give --dout")
    if rtol is not None and not 0 < rtol < 1:
        raise RangeError(f"rtol: {rtol} is out of range; 0 < rtol < 1 is right")
    layer, advice = _built(layer, x)
    visit(layer, x)
    y = _steady(layer, x)
    if dout is not None:
        dout = real("dout", dout)
        if x.size == 1 < dout.size and dout.shape != y.shape == x.shape:
            x = np.full(dout.shape, x.reshape(()))  # a single number goes with any shape
            y = _steady(layer, x)
    dout, more = _upstream(layer, x, y, dout)
    passes = Passes.of(layer, x, dout) if dx is None else None
    analytic, promises = _analytic(x, passes, dx)
    rtol = float(np.sqrt(_coarsest(x, y, analytic))) if rtol is None else rtol

    chosen = _drawn(x.size, samples, seed)
    units = np.broadcast_to(np.reshape(unit, ()) if np.size(unit) == 1 else unit, x.shape)
    malformed = bool(promises) and not np.isfinite(analytic).any()
    found = Judge(layer, x, y, dout, analytic, units, rtol, method, malformed)
    slope, code = found.judged(chosen, done)
    mistakes = _Mistakes(found, passes, chosen, slope, code)
    if passes is not None:
        wrong = bool((code == WRONG).any())
        noise = found.forward.loss_noise(dout)
        promises += passes.broken(wrong=wrong, ignores_dout=bool(more), noise=noise)
    return _result(
        found,
        slope,
        code,
        chosen if samples is not None and samples < x.size else None,
        mistake=mistakes.named(),
        would_catch=mistakes.coverage(),
        broken_promises=promises,
        advice=(*advice, *more, *found.advice, *_remarks(layer, x)),
        why=None if why is None else found.why(why),
    )


def _built(layer: Any, x: Array) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer, built if need be, and advice on it."""
    if isinstance(layer, type) or not hasattr(layer, "forward"):
        layer = layer()
        return layer, advice_on_order(layer, x)
    return layer, ()


def _remarks(layer: Any, x: Array) -> tuple[str, ...]:
    """Return what the layer has to say of x, if it says anything."""
    remarks = getattr(layer, "remarks", None)
    return tuple(map(str, remarks(x))) if callable(remarks) else ()


def _steady(layer: Layer, x: Array) -> Array:
    """Return y, the same in two passes."""
    y, again = (output(layer.forward(x.copy())) for _ in range(2))
    if not y.size:
        raise RangeError("forward gives an empty y: there is no gradient to check")
    if y.shape != again.shape:
        raise SigcliError(f"forward gives y of shape {y.shape}, then of {again.shape}, for one x")
    differ = np.flatnonzero((y != again) & ~(np.isnan(y) & np.isnan(again)))
    if differ.size:
        at = np.unravel_index(differ[0], y.shape)
        raise SigcliError(
            f"forward gives two different y for the same x: {element('y', at)} is {y[at]}, then "
            f"{again[at]}; a gradient needs one function, so fix what is random (seed or mask)"
        )
    return y


def _upstream(
    layer: Layer, x: Array, y: Array, dout: Array | None
) -> tuple[Array, tuple[str, ...]]:
    """Return dout in the shape of y, and advice if the layer does not look at it."""
    gradient = np.resize(DOUT, y.shape) if dout is None else dout
    if gradient.shape != y.shape:
        if gradient.size != 1:
            where = "x" if y.shape == x.shape else "y"
            raise mismatch("dout", gradient.shape, where, y.shape)
        gradient = np.full(y.shape, gradient.reshape(()))
    gradient = gradient.astype(y.dtype)
    loss = y.ndim == 0 and x.ndim > 0 and dout is None
    if not (loss and ignores_dout(layer, x, gradient)):
        return gradient, ()
    note = "backward ignores dout, as a loss at the end of a network may; it is checked for dout 1"
    return np.ones(y.shape, y.dtype), (note,)


def _analytic(
    x: Array, passes: Passes | None, dx: ArrayLike | None
) -> tuple[Array, tuple[str, ...]]:
    """Return the gradient to be checked, and what is wrong with its form."""
    if passes is not None:
        return passes.gradient()
    analytic = real("dx", np.asarray(dx))
    if analytic.shape != x.shape and analytic.size != 1:
        raise mismatch("dx", analytic.shape, "x", x.shape)
    same = analytic if analytic.shape == x.shape else np.full(x.shape, analytic.reshape(()))
    return same.astype(x.dtype), ()


def _coarsest(*arrays: Array) -> float:
    return max(float(np.finfo(array.dtype).eps) for array in arrays)


def _drawn(size: int, samples: int | None, seed: int) -> NDArray[np.int_]:
    """Return the flat indices of the coordinates to check."""
    if samples is None or samples >= size:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, samples, replace=False))


class _Mistakes:
    """What known mistakes say of a check, looked for in some of its elements."""

    def __init__(
        self,
        check: Judge,
        passes: Passes | None,
        chosen: NDArray[np.int_],
        slope: Slopes,
        code: NDArray[np.int_],
    ) -> None:
        self.wrong = bool((code == WRONG).any())
        if len(chosen) > FEW:
            first = np.concatenate([np.flatnonzero(code == WRONG), np.arange(len(chosen))])
            chosen = chosen[np.unique(first[:FEW])]
            slope, _ = check.judged(chosen)
        self.check, self.chosen, self.slope = check, chosen, slope
        beside = check.y.shape == check.x.shape
        noise = check.forward.loss_noise(check.dout)
        earlier = None if passes is None else passes.earlier_gradient()
        self.evidence = Evidence(
            x=check.x.astype(np.float64).reshape(-1)[chosen],
            y=check.y.reshape(-1)[chosen] if beside else None,
            dout=check.dout.reshape(-1)[chosen] if beside else None,
            total=check.x.size,
            batch=check.x.shape[0] if check.x.ndim > 1 else check.x.size,
            numeric=dict(zip(check.names, slope.numeric, strict=True)),
            bound=dict(zip(check.names, slope.bound, strict=True)),
            scale=slope.scale,
            curvature=(slope.curvature, slope.its_bound),
            earlier=None if earlier is None else earlier.reshape(-1)[chosen],
            depends_on_x=passes is not None and passes.depends_on_x(noise),
            complement=bool(check.complement),
            in_digits=bool(check.unit.any()),
            earlier_is_right=passes is not None and passes.earlier_is_right(noise),
            rtol=check.rtol,
        )

    def named(self) -> str:
        """Return what explains a gradient that is wrong."""
        if not self.wrong:
            return ""
        gradient = self.check.analytic.astype(np.float64).reshape(-1)[self.chosen]
        own = np.spacing(np.abs(self.check.analytic.reshape(-1)[self.chosen])).astype(np.float64)
        found = explained(self.evidence, gradient, ULPS * own + self.check.unit[self.chosen])
        return " or ".join(found)

    def coverage(self) -> Coverage:
        """Return which mistakes these points would show."""

        def caught(gradient: Float64, slack: Float64) -> bool:
            code = self.check.code(gradient, self.slope, self.chosen, slack)
            return bool((code == WRONG).any())

        return planted(self.evidence, caught)


def _result(
    check: Judge, slope: Slopes, code: NDArray[np.int_], drawn: Any, **more: Any
) -> GradientCheck:
    chosen = np.arange(check.x.size) if drawn is None else drawn
    shape = check.x.shape if drawn is None else drawn.shape
    x, analytic = (array.reshape(-1)[chosen] for array in (check.x, check.analytic))
    numeric, bound = slope.numeric[0], slope.bound[0]
    error = np.abs(analytic - numeric)
    off, unit = error + bound, check.unit[chosen]
    whole = np.finfo(analytic.dtype).precision
    # What is seen to be 0 is so beside how y moves else; see `verdict.Judge.code`.
    size = np.where(slope.at_rest & (analytic == 0), slope.reach, slope.scale)
    digits = np.where((off == 0) | (size == 0) & (code == PASS), whole, -np.log10(off / size))
    # Of a number that was given in digits, all are confirmed that it has.
    given = np.floor(np.log10(np.abs(analytic) / unit)) + 1
    digits = np.where((unit > 0) & (code == PASS), np.minimum(given, whole), digits)
    aligned = check.y.shape == check.x.shape and drawn is not None
    unresolved = code == UNRESOLVED
    why_not = reasons(check, slope.at(unresolved), chosen[unresolved])
    said = np.full(code.shape, "", why_not.dtype)
    said[unresolved] = why_not
    return GradientCheck(
        x=x.reshape(shape),
        dout=check.dout.reshape(-1)[drawn] if aligned else check.dout.copy(),
        analytic=analytic.reshape(shape),
        numeric=numeric.reshape(shape),
        bound=bound.reshape(shape),
        relative_error=np.where(error == 0, 0.0, error / slope.scale).reshape(shape),
        digits=np.floor(np.clip(np.nan_to_num(digits), 0, whole)).astype(int).reshape(shape),
        verdicts=np.array(WORDS)[code].reshape(shape),
        reasons=said.reshape(shape),
        rtol=check.rtol,
        unit=unit.reshape(shape) if unit.any() else None,
        indices=drawn,
        shape=check.x.shape,
        **more,
    )
