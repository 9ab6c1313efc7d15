"""The gradient check: what is asked of a layer, in which order, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import RangeError
from .asked import Asked, ask
from .measure import Layer, Measurement, measurement
from .mistakes import Coverage, Evidence, douts_to_plant, explained, planted
from .promises import Passes
from .result import GradientCheck
from .verdict import PASS, ULPS, UNRESOLVED, WORDS, WRONG, Claim, reason_codes, verdicts
from .why import Why, why_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from .slopes import Slopes

    Array = NDArray[np.floating[Any]]
    Float64 = NDArray[np.float64]
    Indices = NDArray[np.int_]

MAX_ELEMENTS_FOR_MISTAKES = 2**16  # of more, known mistakes are looked for in so many


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
    if rtol is not None and not 0 < rtol < 1:
        raise RangeError(f"rtol: {rtol} is out of range; 0 < rtol < 1 is right")
    asked = ask(layer, x, dout, dx)
    rtol = asked.default_rtol if rtol is None else rtol
    size = asked.x.size
    chosen = _drawn(size, samples, seed)
    if why is not None and not 0 <= why < size:
        raise RangeError(f"why: x has no element {why}; 0 to {size - 1} are there")
    judged = _judged(asked, rtol, np.asarray(unit), method, chosen, done)
    mistakes = _Mistakes(judged, asked.passes)
    return judged.result(
        drawn=chosen if samples is not None and samples < size else None,
        mistake=mistakes.named(),
        would_catch=mistakes.coverage(),
        broken_promises=asked.promises + judged.broken(),
        advice=(*asked.advice, *judged.advice, *_remarks(asked.layer, asked.x)),
        why=None if why is None else judged.why(why),
    )


def _remarks(layer: Any, x: Array) -> tuple[str, ...]:
    """Return what the layer has to say of x, if it says anything."""
    remarks = getattr(layer, "remarks", None)
    return tuple(map(str, remarks(x))) if callable(remarks) else ()


def _drawn(size: int, samples: int | None, seed: int) -> NDArray[np.int_]:
    """Return the flat indices of the coordinates to check."""
    if samples is None or samples >= size:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, samples, replace=False))


@dataclass(frozen=True)
class _Judged:
    """A claim, and what the measurement says of it at the coordinates that were chosen."""

    asked: Asked
    claim: Claim
    measured: Measurement
    names: list[str]
    chosen: Indices
    slope: Slopes
    code: Indices
    advice: tuple[str, ...]

    @property
    def loss_noise(self) -> float:
        """By how much rounding may move Σⱼ dout[j] · y[j]."""
        section = self.measured.section
        y, dout = section.evaluator.y.reshape(-1), np.abs(section.douts[0])
        off = section.evaluator.ulps * np.spacing(np.abs(y)).astype(np.float64) + section.noise
        return float(np.sum(dout * off))

    def broken(self) -> tuple[str, ...]:
        """Return the promises that the layer breaks."""
        if self.asked.passes is None:
            return ()
        return self.asked.passes.broken(
            wrong=bool((self.code == WRONG).any()),
            ignores_dout=self.asked.ignores_dout,
            noise=self.loss_noise,
        )

    def why(self, place: int) -> Why:
        """Return the evidence of one element, with what the check came to if it was chosen."""
        found = why_of(self.asked.layer, self.measured, self.claim, place)
        at = np.flatnonzero(self.chosen == place)
        if not at.size:
            return found
        numeric, bound = (a[0, at[0]] for a in (self.slope.numeric, self.slope.bound))
        return replace(found, numeric=float(numeric), bound=float(bound))

    def result(self, drawn: Indices | None, **more: Any) -> GradientCheck:
        """Return what the user sees."""
        asked, slope, code = self.asked, self.slope, self.code
        shape = asked.x.shape if drawn is None else drawn.shape
        x, analytic = (array.reshape(-1)[self.chosen] for array in (asked.x, asked.analytic))
        claim = self.claim.at(self.chosen)
        numeric, bound, unit = slope.numeric[0], slope.bound[0], claim.unit
        error = np.abs(analytic - numeric)
        aligned = asked.y.shape == asked.x.shape
        dout = asked.dout.reshape(-1)
        its_dout = dout[self.chosen] if aligned else np.array([np.abs(dout).sum()])
        at = x.astype(np.float64), its_dout.astype(np.float64)
        codes = reason_codes(claim, slope, *at, asked.malformed)
        codes = np.where(code == UNRESOLVED, codes, "")
        return GradientCheck(
            x=x.reshape(shape),
            dout=dout[drawn] if aligned and drawn is not None else asked.dout.copy(),
            analytic=analytic.reshape(shape),
            numeric=numeric.reshape(shape),
            bound=bound.reshape(shape),
            relative_error=np.where(error == 0, 0.0, error / slope.scale).reshape(shape),
            digits=_digits(claim, slope, code, np.finfo(analytic.dtype).precision).reshape(shape),
            verdicts=np.array(WORDS)[code].reshape(shape),
            reason_codes=codes.reshape(shape),
            left=slope.left.reshape(shape),
            right=slope.right.reshape(shape),
            rtol=claim.rtol,
            unit=unit.reshape(shape) if unit.any() else None,
            indices=drawn,
            shape=asked.x.shape,
            resolving_rtol=_resolving(claim, slope, codes),
            **more,
        )


def _judged(
    asked: Asked,
    rtol: float,
    unit: NDArray[Any],
    method: str,
    chosen: Indices,
    done: Callable[[int], None],
) -> _Judged:
    names, douts = douts_to_plant(asked.dout.astype(np.float64))
    measured, advice = measurement(asked.layer, asked.x, douts, method)
    size = np.abs(asked.dout.astype(np.float64).reshape(-1))
    claim = Claim(
        gradient=asked.analytic.astype(np.float64).reshape(-1),
        dtype=asked.analytic.dtype,
        unit=np.broadcast_to(unit.reshape(()) if unit.size == 1 else unit, asked.x.shape)
        .reshape(-1)
        .astype(np.float64),
        weights=size if measured.section.elementwise else np.full(asked.x.size, size.sum()),
        rtol=rtol,
    )
    slope, code = measured.measured(claim, chosen, done)
    if measured.needs_alone(claim, chosen, code):
        measured = measured.alone()
        slope, code = measured.measured(claim, chosen)
    return _Judged(asked, claim, measured, names, chosen, slope, code, advice)


def _digits(claim: Claim, slope: Slopes, code: Indices, whole: int) -> NDArray[np.int_]:
    """How many decimal digits of each gradient are confirmed, of the `whole` that its type has."""
    off = slope.error(claim.gradient) + slope.bound[0]
    # What is seen to be 0 is so beside how y moves else.
    size = np.where(slope.at_rest & (claim.gradient == 0), slope.reach, slope.scale)
    digits = np.where((off == 0) | (size == 0) & (code == PASS), whole, -np.log10(off / size))
    # Of a number that was given in digits, all are confirmed that it has.
    given = np.floor(np.log10(np.abs(claim.gradient) / claim.unit)) + 1
    digits = np.where((claim.unit > 0) & (code == PASS), np.minimum(given, whole), digits)
    return np.asarray(np.floor(np.clip(np.nan_to_num(digits), 0, whole)), np.int_)


def _resolving(claim: Claim, slope: Slopes, codes: NDArray[np.str_]) -> float | None:
    """Return the rtol, of one digit, that verifies all that rounding leaves unresolved."""
    off = (slope.error(claim.gradient) + slope.bound[0] - claim.unit) / slope.scale
    needed = off[np.isin(codes, ("rounding", "bend", "jump")) & np.isfinite(off)]
    most = float(needed.max(initial=0))
    if not 0 < most < 0.1:
        return None
    unit = 10.0 ** floor(log10(most))
    return float(f"{ceil(1.001 * most / unit) * unit:.0e}")


class _Mistakes:
    """What known mistakes say of a check, looked for in some of its elements."""

    def __init__(self, judged: _Judged, passes: Passes | None) -> None:
        asked, chosen, slope, code = judged.asked, judged.chosen, judged.slope, judged.code
        self.wrong = bool((code == WRONG).any())
        if len(chosen) > MAX_ELEMENTS_FOR_MISTAKES:
            first = np.concatenate([np.flatnonzero(code == WRONG), np.arange(len(chosen))])
            few = np.unique(first[:MAX_ELEMENTS_FOR_MISTAKES])
            chosen, slope = chosen[few], slope.at(few)
        self.claim, self.slope = judged.claim.at(chosen), slope
        beside = asked.y.shape == asked.x.shape
        noise = judged.loss_noise
        earlier = None if passes is None else passes.earlier_gradient()
        self.evidence = Evidence(
            x=asked.x.astype(np.float64).reshape(-1)[chosen],
            y=asked.y.reshape(-1)[chosen] if beside else None,
            dout=asked.dout.reshape(-1)[chosen] if beside else None,
            total=asked.x.size,
            batch=asked.x.shape[0] if asked.x.ndim > 1 else asked.x.size,
            numeric=dict(zip(judged.names, slope.numeric, strict=True)),
            bound=dict(zip(judged.names, slope.bound, strict=True)),
            scale=slope.scale,
            curvature=(slope.curvature, slope.its_bound),
            earlier=None if earlier is None else earlier.reshape(-1)[chosen],
            depends_on_x=passes is not None and passes.depends_on_x(noise),
            complement=judged.measured.complement is not None,
            in_digits=bool(judged.claim.unit.any()),
            earlier_is_right=passes is not None and passes.earlier_is_right(noise),
            rtol=judged.claim.rtol,
        )

    def named(self) -> str:
        """Return what explains a gradient that is wrong."""
        if not self.wrong:
            return ""
        own = np.spacing(np.abs(self.claim.gradient.astype(self.claim.dtype))).astype(np.float64)
        found = explained(self.evidence, self.claim.gradient, ULPS * own + self.claim.unit)
        return " or ".join(found)

    def coverage(self) -> Coverage:
        """Return which mistakes these points would show."""

        def caught(gradient: Float64, slack: Float64) -> bool:
            planted_claim = replace(self.claim, gradient=gradient, slack=slack)
            return bool((verdicts(planted_claim, self.slope) == WRONG).any())

        return planted(self.evidence, caught)
