"""What a gradient check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array, Float64, Indices
from ..record import Record, given
from .verdict import WORDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .mistakes import Coverage
    from .why import Why


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
        dx by finite differences; the true dx is within `bound` of it.
    relative_error : ndarray of float64
        |analytic − numeric| / Σⱼ |dout[j] · ∂y[j]/∂x[i]|, which is |numeric| unless terms cancel;
        0 where analytic and numeric are equal.
    digits : ndarray of int
        How many decimal digits of the analytic gradient are confirmed.
    verdicts : ndarray of str
        ``pass``, ``wrong`` or ``unresolved``.
    reason_codes : ndarray of str
        Why a gradient is unresolved, in one word such as ``kink``; empty otherwise.
    left, right : ndarray of float64
        The gradient by the slopes to either side of a kink; NaN where there is none.
    rtol : float
        The relative tolerance.
    mistake : str
        All known wrong formulas that give the wrong dx, joined by "or"; empty if none does.
    would_catch : Coverage
        How many of the known mistakes these points would show.
    broken_promises : tuple of str
        What the layer does that no layer may, such as changing x, a sentence each.
    advice : tuple of str
        What is no fault, but good to know, a sentence each.
    unit : ndarray of float64 or None
        By how much analytic may be off since it was given in digits; None if it was not.
    indices : ndarray of int or None
        The flat indices into x of the elements that were drawn; None if all were checked.
    shape : tuple of int
        The shape of the whole x.
    resolving_rtol : float or None
        The rtol that would verify all gradients that only the rounding of y leaves unresolved;
        None if there are none.
    why : Why or None
        The differences of one element step by step, if they were asked for.
    """

    x: Array
    dout: Array
    analytic: Array
    numeric: Float64
    bound: Float64
    relative_error: Float64
    digits: Indices
    verdicts: NDArray[np.str_]
    reason_codes: NDArray[np.str_]
    left: Float64
    right: Float64
    rtol: float
    mistake: str
    would_catch: Coverage
    broken_promises: tuple[str, ...]
    advice: tuple[str, ...]
    unit: Float64 | None
    indices: Indices | None
    shape: tuple[int, ...]
    resolving_rtol: float | None = None
    why: Why | None = None
    command = "gradcheck"

    @cached_property
    def reasons(self) -> NDArray[np.str_]:
        """Why a gradient is unresolved, in a sentence; empty otherwise."""
        from ..show.reasons import reasons

        return reasons(self)

    @property
    def verdict(self) -> str:
        """The worst of all verdicts."""
        return next(word for word in reversed(WORDS) if word in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0 if all pass, 1 if one is wrong or a promise broken, 3 if some are unresolved."""
        return 1 if self.broken_promises else {"pass": 0, "wrong": 1, "unresolved": 3}[self.verdict]

    @cached_property
    def record(self) -> Record:
        """All of it by name; what does not apply is not there."""
        arrays = given(
            x=self.x, dout=self.dout, analytic=self.analytic, unit=self.unit,
            numeric=self.numeric, bound=self.bound, relative_error=self.relative_error,
            digits=self.digits, verdicts=self.verdicts, reasons=self.reasons,
            reason_codes=self.reason_codes,
        )  # fmt: skip
        others = {} if self.dout.shape == self.x.shape else {"dout": arrays.pop("dout")}
        facts = {
            "verdict": self.verdict,
            "rtol": self.rtol,
            "mistake": self.mistake,
            "would_catch": {
                "caught": self.would_catch.caught,
                "of": self.would_catch.total,
                "missed": [
                    dict(zip(("mistake", "because", "instead"), missed, strict=True))
                    for missed in self.would_catch.missed
                ],
            },
            "broken_promises": list(self.broken_promises),
            "advice": list(self.advice),
        }
        if self.indices is not None:
            facts |= {"indices": self.indices.tolist(), "x_shape": list(self.shape)}
        if self.why is not None:
            steps = ("step", "value", "error_in_ulp")
            arithmetic = [dict(zip(steps, step, strict=True)) for step in self.why.arithmetic]
            facts["why"] = asdict(self.why) | {"arithmetic": arithmetic}
        facts = {name: value for name, value in facts.items() if value not in ("", [])}
        return Record("verdicts", arrays, others, facts, drawn=self.indices, shape=self.shape)
