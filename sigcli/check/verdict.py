"""Pass, wrong or unresolved: what a numeric gradient with an error bound says of an analytic one.

With d = |analytic − numeric| and tol = rtol · Σⱼ |dout[j] · ∂y[j]/∂x[i]|::

    wrong        d − bound > tol + the rounding of analytic to its type
    pass         d + bound ≤ tol
    unresolved   otherwise, or at a kink, or anything is NaN

A pass rests on the bound alone: no absolute tolerance lets a gradient pass that cannot be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import RangeError
from .mistakes import douts_to_plant
from .slopes import Forward, Slopes, slopes
from .why import Why, why_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]
    Float64 = NDArray[np.float64]

WORDS = ("pass", "unresolved", "wrong")  # from the best to the worst
PASS, UNRESOLVED, WRONG = range(3)
ULPS = 4.0  # of rounding that a right gradient may have in its own type
FEW = 2**16  # elements; of more, known mistakes are looked for in so many

_FEW_DIGITS = 0.01  # a number whose last digit is worth more of it proves nothing


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
    - ``remarks(x)``: sentences that are good to know at x;
    - ``arithmetic(x, dout)``: the formula, value and rounding error of each step of one dx.
    """

    def forward(self, x: Any) -> Any:
        """Return y."""

    def backward(self, dout: Any) -> Any:
        """Return dx at the last `forward`."""


class Judge:
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
        malformed: bool = False,
    ) -> None:
        self.layer, self.x, self.y, self.dout, self.rtol = layer, x, y, dout, rtol
        self.analytic, self.malformed = analytic, malformed
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
        """Return the index in `WORDS` of the verdict on each element of `gradient`.

        `slack` is by how much `gradient` itself is known no better.
        """
        numeric, bound, unit = slope.numeric[0], slope.bound[0], self.unit[chosen]
        limits = np.finfo(self.analytic.dtype)
        own = np.spacing(np.abs(gradient.astype(self.analytic.dtype))).astype(np.float64)
        smallest = float(limits.smallest_subnormal) * self.weights(chosen)
        rounding = ULPS * (np.where(np.isfinite(own), own, 0) + smallest)
        error, tol = np.abs(gradient - numeric), self.rtol * slope.scale + unit
        # A gradient of 0 is seen to be 0 beside how y moves on both sides of x, or by the rest of
        # x; and where y is exactly 0, as on ReLU's dead side, it is smaller than normal numbers.
        at_rest = slope.at_rest & (gradient == 0)
        tol = np.where(at_rest, np.maximum(tol, self.rtol * slope.reach), tol)
        dead = slope.zero & (gradient == 0) & (bound < float(limits.smallest_normal))
        few = unit > _FEW_DIGITS * np.abs(gradient)
        seen = ((error + bound <= tol) | dead) & ~few
        off = (error - bound - slack > tol + rounding + slope.floor) & ~slope.kink
        return np.where(off, WRONG, np.where(seen, PASS, UNRESOLVED))

    def judged(
        self, chosen: NDArray[np.int_], done: Callable[[int], None] = lambda _: None
    ) -> tuple[Slopes, NDArray[np.int_]]:
        """Return the numeric gradient and the verdicts; for few elements by every planted dout too.

        Wrong by differences of forward or of the complement is wrong; else the better resolved
        one of the two counts.
        """
        upstream = self.douts if len(chosen) <= FEW else self.douts[:1]
        gradient = self.analytic.astype(np.float64).reshape(-1)

        def settled(slope: Slopes, which: NDArray[np.int_]) -> NDArray[np.bool_]:
            passing: NDArray[np.bool_] = self.code(gradient[which], slope, which) == PASS
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
                wrong = (other == WRONG).astype(int) - (code == WRONG)
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


def reasons(check: Judge, slope: Slopes, chosen: NDArray[np.int_]) -> NDArray[np.str_]:
    """Return why each gradient would be unresolved."""
    x, analytic = check.x.reshape(-1)[chosen], check.analytic.reshape(-1)[chosen]
    dout = check.dout.reshape(-1)
    dout = dout[chosen] if check.forward.elementwise else np.array([np.abs(dout).sum()])
    normal = np.finfo(analytic.dtype).smallest_normal
    size = np.maximum(np.abs(analytic), np.abs(slope.numeric[0]) + slope.bound[0])
    cases = {
        "x is not finite; take a finite x": ~np.isfinite(x),
        "dout is not finite; take a finite dout": ~np.isfinite(dout),
        "backward gave no dx to check; see the broken promise": np.full(x.shape, check.malformed),
        "backward gave a dx that is not finite": ~np.isfinite(analytic),
        "forward is not finite near x; take x inside of its domain": np.isnan(slope.numeric[0]),
        "too few digits: the last digit of dx is worth more than 1 % of it; write more, as 0.250": (
            check.unit[chosen] > _FEW_DIGITS * np.abs(analytic)
        ),
        "plateau: y moves at no step; take x where y still moves": ~slope.moved,
        "noise: y jumps or bends within the smallest steps, 1e-8 of x; compute it in float64": (
            np.isinf(slope.bound[0])
        ),
        f"underflow: dx is below the normal range of {analytic.dtype}; take x nearer to 0": (
            size < np.abs(dout) * normal
        ),
        f"underflow: dx is below the normal range of {analytic.dtype}; take a larger dout": (
            size < normal
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
