"""A gradient that was judged: what `gradcheck` makes its result of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Float64, Indices
from .evaluate import quiet
from .known_mistakes import douts_to_plant
from .measure import Measurement, measurement
from .result import GradientCheck
from .verdict import PASS, UNRESOLVED, WORDS, WRONG, Claim, reason_codes
from .why import Why, why_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .asked import Asked
    from .slopes import Slopes

_COARSE = ("rounding", "bend", "jump")  # the reasons that a larger rtol may do away with
_LARGEST_RTOL = 0.1  # that is suggested; a larger one verifies too little


@dataclass(frozen=True)
class Judged:
    """A layer's gradient with a verdict on each element that was chosen.

    Attributes
    ----------
    asked : Asked
        The layer, the point, and its gradient.
    claim : Claim
        That gradient, with all elements of x, as a vector.
    measured : Measurement
        How the numeric gradient was measured.
    dout_names : list of str
        The names of the dout, one for each row of ``slope.numeric``; ``dout`` itself first.
    chosen : ndarray of int
        The flat indices of the elements that were chosen.
    slope : Slopes
        The numeric gradient there.
    code : ndarray of int
        The verdicts there, as indices into `WORDS`.
    advice : tuple of str
        What to tell about the measurement.
    """

    asked: Asked
    claim: Claim
    measured: Measurement
    dout_names: list[str]
    chosen: Indices
    slope: Slopes
    code: Indices
    advice: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        """Whether some gradient is wrong."""
        return bool((self.code == WRONG).any())

    @property
    def loss_noise(self) -> float:
        """By how much rounding may move Σⱼ dout[j] · y[j]."""
        section = self.measured.sections[0]
        y, dout = section.evaluator.y.reshape(-1), np.abs(section.douts[0])
        off = section.evaluator.ulps * np.spacing(np.abs(y)).astype(np.float64) + section.noise
        return float(np.sum(dout * off))

    def broken_promises(self) -> tuple[str, ...]:
        """Return what the layer does that no layer may; nothing if its gradient was given."""
        passes, ignores_dout = self.asked.passes, self.asked.ignores_dout
        if passes is None:
            return ()
        return passes.broken(wrong=self.wrong, ignores_dout=ignores_dout, noise=self.loss_noise)

    def why(self, index: int) -> Why:
        """Return the differences of x[index], a flat index, with what the check made of them."""
        why = why_of(self.asked.layer, self.measured, self.claim, index)
        at = np.flatnonzero(self.chosen == index)
        if not at.size:
            return why
        numeric, bound = (rows[0, at[0]] for rows in (self.slope.numeric, self.slope.bound))
        return replace(why, numeric=float(numeric), bound=float(bound))

    def result(self, drawn: Indices | None, **more: Any) -> GradientCheck:
        """Return what the user sees; `drawn` is None if all elements were chosen."""
        asked, slope, chosen = self.asked, self.slope, self.chosen
        claim, dout = self.claim.at(chosen), asked.dout.reshape(-1)
        x, analytic = (array.reshape(-1)[chosen] for array in (asked.x, asked.analytic))
        aligned = asked.y.shape == asked.x.shape
        its_dout = dout[chosen] if aligned else np.array([np.abs(dout).sum()])
        at = x.astype(np.float64), its_dout.astype(np.float64)
        reasons = reason_codes(claim, slope, *at, asked.malformed)
        reasons = np.where(self.code == UNRESOLVED, reasons, "")
        error = np.abs(analytic - slope.numeric[0])
        per_element: dict[str, Any] = {
            "x": x,
            "analytic": analytic,
            "numeric": slope.numeric[0],
            "bound": slope.bound[0],
            "relative_error": np.where(error == 0, 0.0, error / slope.scale),
            "digits": _digits(claim, slope, self.code),
            "verdicts": np.array(WORDS)[self.code],
            "reason_codes": reasons,
            "left": slope.left,
            "right": slope.right,
            "unit": claim.unit,
        }
        shape = asked.x.shape if drawn is None else drawn.shape
        shaped = {name: array.reshape(shape) for name, array in per_element.items()}
        shaped["unit"] = shaped["unit"] if claim.unit.any() else None
        return GradientCheck(
            **shaped,
            dout=dout[drawn] if aligned and drawn is not None else asked.dout.copy(),
            rtol=claim.rtol,
            indices=drawn,
            shape=asked.x.shape,
            resolving_rtol=_resolving_rtol(claim, slope, reasons),
            **more,
        )


@quiet()
def judge(
    asked: Asked,
    rtol: float,
    unit: NDArray[Any],
    method: str,
    chosen: Indices,
    done: Callable[[int], None],
) -> Judged:
    """Measure the numeric gradient at the `chosen` elements, and judge the analytic one by it.

    The other parameters are those of `gradcheck`.
    """
    wide = asked.dout.astype(np.float64)
    names, douts = douts_to_plant(wide)
    measured, advice = measurement(asked.layer, asked.x, douts, method)
    size, x_size = np.abs(wide.reshape(-1)), asked.x.size
    unit = unit.reshape(()) if unit.size == 1 else unit
    claim = Claim(
        gradient=asked.analytic.astype(np.float64).reshape(-1),
        dtype=asked.analytic.dtype,
        unit=np.broadcast_to(unit, asked.x.shape).reshape(-1).astype(np.float64),
        weights=size if measured.sections[0].elementwise else np.full(x_size, size.sum()),
        rtol=rtol,
    )
    slope, code = measured.measured(claim, chosen, done)
    if measured.wrong_only_together(claim, chosen, code):
        measured = measured.one_by_one()
        slope, code = measured.measured(claim, chosen)
    return Judged(asked, claim, measured, names, chosen, slope, code, advice)


def _digits(claim: Claim, slope: Slopes, code: Indices) -> Indices:
    """How many decimal digits of each gradient are confirmed."""
    whole = np.finfo(claim.dtype).precision
    off = slope.error(claim.gradient) + slope.bound[0]
    # As in `verdicts`, a gradient of 0 is compared with how far y moves to both sides.
    size = np.where(slope.symmetric & (claim.gradient == 0), slope.reach, slope.scale)
    digits = np.where((off == 0) | (size == 0) & (code == PASS), whole, -np.log10(off / size))
    # Of a number that was given in digits, all that it has are confirmed.
    given = np.floor(np.log10(np.abs(claim.gradient) / claim.unit)) + 1
    digits = np.where((claim.unit > 0) & (code == PASS), np.minimum(given, whole), digits)
    return np.asarray(np.floor(np.clip(np.nan_to_num(digits), 0, whole)), np.int_)


def _resolving_rtol(claim: Claim, slope: Slopes, reasons: NDArray[np.str_]) -> float | None:
    """Return the rtol, of one digit, that verifies all that rounding leaves unresolved."""
    off: Float64 = (slope.error(claim.gradient) + slope.bound[0] - claim.unit) / slope.scale
    most = float(off[np.isin(reasons, _COARSE) & np.isfinite(off)].max(initial=0))
    if not 0 < most < _LARGEST_RTOL:
        return None
    last_digit = 10.0 ** floor(log10(most))
    return float(f"{ceil(1.001 * most / last_digit) * last_digit:.0e}")
