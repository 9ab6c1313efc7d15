"""What a gradient check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..record import Record, given
from .reasons import sentence
from .verdict import WORDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..arrays import Array
    from .differences import Float64
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
        dx by finite differences; the truth is within `bound` of it.
    relative_error : ndarray of float64
        The distance of analytic and numeric, over Σⱼ |dout[j] · ∂y[j]/∂x[i]|, which is the size
        of numeric unless terms cancel; 0 where they are equal.
    digits : ndarray of int
        How many decimal digits of the analytic gradient are confirmed.
    verdicts : ndarray of str
        ``pass``, ``wrong`` or ``unresolved``.
    reason_codes : ndarray of str
        Why a gradient is unresolved, in a word that `check.reasons` knows; empty otherwise.
    left, right : ndarray of float64
        The gradient by the slopes to either side of a kink; NaN where there is none.
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
    resolving_rtol : float or None
        The relative tolerance by which all gradients would be verified that only the rounding of
        y leaves unresolved; None if there is none.
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
    reason_codes: NDArray[np.str_]
    left: Float64
    right: Float64
    rtol: float
    mistake: str
    would_catch: Coverage
    broken_promises: tuple[str, ...]
    advice: tuple[str, ...]
    unit: Float64 | None
    indices: NDArray[np.int_] | None
    shape: tuple[int, ...]
    resolving_rtol: float | None = None
    why: Why | None = None
    command = "gradcheck"

    @cached_property
    def reasons(self) -> NDArray[np.str_]:
        """Why a gradient is unresolved, in a sentence; empty otherwise."""
        arrays = (self.reason_codes, self.analytic, self.left, self.right)
        flat = zip(*(array.reshape(-1).tolist() for array in arrays), strict=True)
        said = [sentence(code, str(self.analytic.dtype), *sides) for code, *sides in flat]
        return np.array(said, np.str_).reshape(self.x.shape)

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
