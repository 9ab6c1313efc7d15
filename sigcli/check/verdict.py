"""Pass, wrong or unresolved: what a numeric gradient with an error bound says of an analytic one.

With d = |analytic − numeric| and tol = rtol · Σⱼ |dout[j] · ∂y[j]/∂x[i]|::

    wrong        d − bound > tol + the rounding of analytic to its type
    pass         d + bound ≤ tol
    unresolved   otherwise, or at a kink, or anything is NaN

A pass rests on the bound alone: no absolute tolerance lets a gradient pass that cannot be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from ..arrays.convert import real
from ..errors import RangeError, ShapeError, SigcliError, UsageError, element
from . import contract
from .mistakes import Coverage, Evidence, douts_to_plant, explained, planted
from .slopes import Forward, Slopes, slopes
from .why import Why, why_of

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
_ULPS = 4.0  # of rounding that a right gradient may have in its own type
_FEW_DIGITS = 0.01  # a number whose last digit is worth more of it proves nothing
_LOOKED_AT = 2**16  # elements, for known mistakes; more would not show more


class Layer(Protocol):
    """What can be checked: y = forward(x), then dx = backward(dout), which has the shape of x.

    It may also say

    - ``ulps``: how many units in the last place its values are good for;
    - ``smooth_scale``: that it is smooth and varies on this scale of x, and, if it acts element by
      element, takes arrays of any shape;

    and offer

    - ``complement(x)``, whose derivative is minus that of `forward`: where y is so near a constant
      that its differences are lost in rounding, those of the complement may not be;
    - ``at_complex(x)``: y at complex x, where `forward` does not take them;
    - ``arithmetic(x, dout)``: the formula, value and rounding error of each step of one dx.
    """

    def forward(self, x: Any) -> Any:
        """Return y."""

    def backward(self, dout: Any) -> Any:
        """Return dx at the last `forward`."""


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
        return next(word for word in reversed(_WORDS) if word in self.verdicts)

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
    contract.visit(layer, x)
    y = _steady(layer, x)
    if dout is not None:
        dout = real("dout", dout)
        if x.size == 1 < dout.size and dout.shape != y.shape == x.shape:
            x = np.full(dout.shape, x.reshape(()))  # a single number goes with any shape
            y = _steady(layer, x)
    dout, more = _upstream(layer, x, y, dout)
    passes = contract.Passes.of(layer, x, dout) if dx is None else None
    analytic, promises = _analytic(x, passes, dx)
    rtol = float(np.sqrt(_coarsest(x, y, analytic))) if rtol is None else rtol

    chosen = _drawn(x.size, samples, seed)
    units = np.broadcast_to(np.reshape(unit, ()) if np.size(unit) == 1 else unit, x.shape)
    found = _Check(layer, x, y, dout, analytic, units, rtol, method)
    slope, code = found.judged(chosen, done)
    mistakes = _Mistakes(found, passes, chosen, slope, code)
    if passes is not None:
        wrong = bool((code == _WRONG).any())
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
        advice=(*advice, *more, *found.advice),
        why=None if why is None else found.why(why),
    )


def _built(layer: Any, x: Array) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer, built if need be, and advice on it."""
    if isinstance(layer, type) or not hasattr(layer, "forward"):
        layer = layer()
        return layer, contract.advice_on_order(layer, x)
    return layer, ()


def _steady(layer: Layer, x: Array) -> Array:
    """Return y, the same in two passes."""
    y, again = (real("y", np.array(layer.forward(x.copy()))) for _ in range(2))
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
            raise ShapeError(
                f"dout has the shape {gradient.shape} where {where} has {y.shape}; "
                "the same shape is right, or a single number"
            )
        gradient = np.full(y.shape, gradient.reshape(()))
    gradient = gradient.astype(y.dtype)
    loss = y.ndim == 0 and x.ndim > 0 and dout is None
    if not (loss and contract.ignores_dout(layer, x, gradient)):
        return gradient, ()
    note = "backward ignores dout, as a loss at the end of a network may; it is checked for dout 1"
    return np.ones(y.shape, y.dtype), (note,)


def _analytic(
    x: Array, passes: contract.Passes | None, dx: ArrayLike | None
) -> tuple[Array, tuple[str, ...]]:
    """Return the gradient to be checked, and what is wrong with its form."""
    if passes is not None:
        return passes.gradient()
    analytic = real("dx", np.asarray(dx))
    if analytic.shape != x.shape and analytic.size != 1:
        raise ShapeError(
            f"dx has the shape {analytic.shape} where x has {x.shape}; "
            "the same shape is right, or a single number"
        )
    same = analytic if analytic.shape == x.shape else np.full(x.shape, analytic.reshape(()))
    return same.astype(x.dtype), ()


def _coarsest(*arrays: Array) -> float:
    return max(float(np.finfo(array.dtype).eps) for array in arrays)


def _drawn(size: int, samples: int | None, seed: int) -> NDArray[np.int_]:
    """Return the flat indices of the coordinates to check."""
    if samples is None or samples >= size:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, samples, replace=False))


class _Check:
    """One gradient, and the ways to judge it."""

    def __init__(
        self,
        layer: Layer,
        x: Array,
        y: Array,
        dout: Array,
        analytic: Array,
        unit: NDArray[Any],
        rtol: float,
        method: str,
    ) -> None:
        self.layer, self.x, self.y, self.dout, self.rtol = layer, x, y, dout, rtol
        self.analytic = analytic
        self.unit = unit.reshape(-1).astype(np.float64)
        self.names, self.douts = douts_to_plant(dout.astype(np.float64))
        self.forward = Forward(layer, x)
        no_advice: tuple[str, ...] = ()
        self.imaginary, self.advice = False, no_advice
        if method == "complex":
            self.imaginary, self.advice = self.forward.takes_complex(layer)
        other = _complement(layer) if self.forward.elementwise else None
        self.complement = other and Forward(layer, x, other, like=self.forward)

    def weights(self, chosen: NDArray[np.int_]) -> Float64:
        """Return how much dout there is on each coordinate."""
        size = np.abs(self.dout.astype(np.float64).reshape(-1))
        return size[chosen] if self.forward.elementwise else np.full(len(chosen), size.sum())

    def code(
        self, gradient: Float64, slope: Slopes, chosen: NDArray[np.int_], slack: Any = 0.0
    ) -> NDArray[np.int_]:
        """Return the index in `_WORDS` of the verdict on each element of `gradient`.

        `slack` is by how much `gradient` itself is known no better.
        """
        numeric, bound, unit = slope.numeric[0], slope.bound[0], self.unit[chosen]
        limits = np.finfo(self.analytic.dtype)
        own = np.spacing(np.abs(gradient.astype(self.analytic.dtype))).astype(np.float64)
        smallest = float(limits.smallest_subnormal) * self.weights(chosen)
        rounding = _ULPS * (np.where(np.isfinite(own), own, 0) + smallest)
        error, tol = np.abs(gradient - numeric), self.rtol * slope.scale + unit
        # A gradient of 0 is seen to be 0 beside how y moves on both sides of x, or by the rest of
        # x; and where y is exactly 0, as on ReLU's dead side, it is smaller than normal numbers.
        at_rest = (slope.scale <= bound) & (slope.moved | (gradient == 0))
        tol = np.where(at_rest, np.maximum(tol, self.rtol * slope.reach), tol)
        dead = slope.zero & (gradient == 0) & (bound < float(limits.smallest_normal))
        few = unit > _FEW_DIGITS * np.abs(gradient)
        seen = ((error + bound <= tol) | dead) & ~few & ~slope.kink
        off = (error - bound - slack > tol + rounding) & ~slope.kink
        return np.where(off, _WRONG, np.where(seen, _PASS, _UNRESOLVED))

    def judged(
        self, chosen: NDArray[np.int_], done: Callable[[int], None] = lambda _: None
    ) -> tuple[Slopes, NDArray[np.int_]]:
        """Return the numeric gradient and the verdicts; for few elements by every planted dout too.

        Wrong by differences of forward or of the complement is wrong; else the better resolved
        one of the two counts.
        """
        upstream = self.douts if len(chosen) <= _LOOKED_AT else self.douts[:1]
        gradient = self.analytic.astype(np.float64).reshape(-1)

        def settled(slope: Slopes, which: NDArray[np.int_]) -> NDArray[np.bool_]:
            passing: NDArray[np.bool_] = self.code(gradient[which], slope, which) == _PASS
            return passing

        def by(
            forward: Forward, sign: int, block: NDArray[np.int_]
        ) -> tuple[Slopes, NDArray[np.int_]]:
            imaginary = self.imaginary and forward is self.forward
            slope = slopes(forward, block, sign * upstream, settled, imaginary_steps=imaginary)
            return slope, self.code(gradient[block], slope, block)

        found = []
        for block in self.forward.blocks(chosen):
            first, code = by(self.forward, 1, block)
            if self.complement:
                second, other = by(self.complement, -1, block)
                wrong = (other == _WRONG).astype(int) - (code == _WRONG)
                better = (wrong > 0) | ((wrong == 0) & (second.bound[0] < first.bound[0]))
                first, code = first.where(~better, second), np.where(better, other, code)
            found.append((first, code))
            done(len(block))
        all_slopes, codes = zip(*found, strict=True)
        return Slopes.joined(all_slopes), np.concatenate(codes)

    def why(self, place: int) -> Why:
        """Return the evidence of one element."""
        if not 0 <= place < self.x.size:
            raise RangeError(f"--why: x has no element {place}; 0 to {self.x.size - 1} are there")
        return why_of(self.layer, self.forward, self.complement or None, self.dout, place)


def _complement(layer: Layer) -> Callable[[Float64], Array] | None:
    """Return the layer's `complement`, unless a subclass replaced the `forward` that it fits."""
    if "forward" in getattr(layer, "__dict__", {}):
        return None
    for base in type(layer).__mro__:
        if "complement" in vars(base):
            found = getattr(layer, "complement", None)
            return found if callable(found) else None
        if "forward" in vars(base):
            return None
    return None


class _Mistakes:
    """What known mistakes say of a check, looked for in some of its elements."""

    def __init__(
        self,
        check: _Check,
        passes: contract.Passes | None,
        chosen: NDArray[np.int_],
        slope: Slopes,
        code: NDArray[np.int_],
    ) -> None:
        self.wrong = bool((code == _WRONG).any())
        if len(chosen) > _LOOKED_AT:
            first = np.concatenate([np.flatnonzero(code == _WRONG), np.arange(len(chosen))])
            chosen = chosen[np.unique(first[:_LOOKED_AT])]
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
            earlier_is_right=passes is not None and passes.earlier_is_right(noise),
            rtol=check.rtol,
        )

    def named(self) -> str:
        """Return what explains a gradient that is wrong."""
        if not self.wrong:
            return ""
        gradient = self.check.analytic.astype(np.float64).reshape(-1)[self.chosen]
        own = np.spacing(np.abs(self.check.analytic.reshape(-1)[self.chosen])).astype(np.float64)
        found = explained(self.evidence, gradient, _ULPS * own + self.check.unit[self.chosen])
        return " or ".join(found)

    def coverage(self) -> Coverage:
        """Return which mistakes these points would show."""

        def caught(gradient: Float64, slack: Float64) -> bool:
            code = self.check.code(gradient, self.slope, self.chosen, slack)
            return bool((code == _WRONG).any())

        return planted(self.evidence, caught)


def _result(
    check: _Check, slope: Slopes, code: NDArray[np.int_], drawn: Any, **more: Any
) -> GradientCheck:
    chosen = np.arange(check.x.size) if drawn is None else drawn
    shape = check.x.shape if drawn is None else drawn.shape
    x, analytic = (array.reshape(-1)[chosen] for array in (check.x, check.analytic))
    numeric, bound = slope.numeric[0], slope.bound[0]
    error = np.abs(analytic - numeric)
    off = error + bound + check.unit[chosen]
    whole = np.finfo(analytic.dtype).precision
    # What is seen to be 0 is so beside how y moves else; see `_Check.code`.
    size = np.where(slope.scale <= bound, np.maximum(slope.scale, slope.reach), slope.scale)
    digits = np.where((off == 0) | (size == 0) & (code == _PASS), whole, -np.log10(off / size))
    aligned = check.y.shape == check.x.shape and drawn is not None
    unresolved = code == _UNRESOLVED
    found = _reasons(check, slope.at(unresolved), chosen[unresolved])
    reasons = np.full(code.shape, "", found.dtype)
    reasons[unresolved] = found
    return GradientCheck(
        x=x.reshape(shape),
        dout=check.dout.reshape(-1)[drawn] if aligned else check.dout.copy(),
        analytic=analytic.reshape(shape),
        numeric=numeric.reshape(shape),
        bound=bound.reshape(shape),
        relative_error=np.where(error == 0, 0.0, error / slope.scale).reshape(shape),
        digits=np.floor(np.clip(np.nan_to_num(digits), 0, whole)).astype(int).reshape(shape),
        verdicts=np.array(_WORDS)[code].reshape(shape),
        reasons=reasons.reshape(shape),
        rtol=check.rtol,
        unit=check.unit[chosen].reshape(shape) if check.unit.any() else None,
        indices=drawn,
        shape=check.x.shape,
        **more,
    )


def _reasons(check: _Check, slope: Slopes, chosen: NDArray[np.int_]) -> NDArray[np.str_]:
    """Return why each gradient would be unresolved."""
    x, analytic = check.x.reshape(-1)[chosen], check.analytic.reshape(-1)[chosen]
    dout = check.dout.reshape(-1)
    dout = dout[chosen] if check.forward.elementwise else np.array([np.abs(dout).sum()])
    normal = np.finfo(analytic.dtype).smallest_normal
    cases = {
        "x is not finite; take a finite x": ~np.isfinite(x),
        "dout is not finite; take a finite dout": ~np.isfinite(dout),
        "backward gave a dx that is not finite": ~np.isfinite(analytic),
        "forward is not finite near x; take x inside of its domain": np.isnan(slope.numeric[0]),
        "too few digits: the last digit of dx is worth more than 1 % of it; give more digits": (
            check.unit[chosen] > _FEW_DIGITS * np.abs(analytic)
        ),
        "plateau: y moves at no step; take x where y still moves": ~slope.moved,
        "steps too large: y bends or jumps within the smallest, 1e-8 of x; take x elsewhere": (
            np.isinf(slope.bound[0])
        ),
        f"underflow: dx is below the normal range of {analytic.dtype}; take x nearer to 0": (
            np.abs(analytic) < np.abs(dout) * normal
        ),
        f"underflow: dx is below the normal range of {analytic.dtype}; take a larger dout": (
            np.abs(analytic) < normal
        ),
    }
    rest = "rounding: y is too coarse to show dx to rtol; take a larger rtol, or x elsewhere"
    found = np.select(
        [np.broadcast_to(case, x.shape) for case in cases.values()], list(cases), rest
    )
    words = found.astype(object)
    for at in np.flatnonzero(slope.kink & np.isfinite(analytic)):
        words[at] = _kink(analytic[at], slope.left[at], slope.right[at])
    return words.astype(np.str_)


def _kink(analytic: float, left: float, right: float) -> str:
    """Say what the slopes at a kink are, and which of them backward took."""
    near = 1e-6 * abs(right - left)
    side = {abs(analytic - right) <= near: "the right", abs(analytic - left) <= near: "the left"}
    return (
        f"kink: dx is {left:.6g} to the left of x and {right:.6g} to the right, and backward took "
        f"{side.get(True, 'neither')}; take x elsewhere"
    )
