"""The known mistakes: wrong formulas for dx, made of x, y, dout and the right gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Float64
from .verdict import WRONG

if TYPE_CHECKING:
    from .judged import Judged

MAX_ELEMENTS_FOR_MISTAKES = 2**16  # of more elements, mistakes are looked for in so many
_NOTHING_SEEN = "no gradient is resolved here"
_TOO_NEAR = "it differs by less than can be told here"
_OTHER_DOUT = "take a dout of different numbers, none of them 0 or 1"
_POINT = "add x = 0.7"  # where no two of the formulas agree
_POINT_AND_DOUT = f"{_POINT} with another dout"
_SMALLER_RTOL = "take a smaller rtol"
_STEP = 1e-4  # of the book's numerical gradient
_BY_DOUT = {  # what the right gradient would be with another dout
    "forgotten": "what it would be without dout",
    "twice": "what it would be with dout applied twice",
    "reversed": "what it would be with dout reversed",
    "transposed": "what it would be with dout transposed",
}
_FOR_SLOPE: dict[
    str, Callable[[Float64, Float64], Float64]
] = {  # what people write, in place of y · (1 − y)
    "x · (1 − x)": lambda x, y: x * (1 - x),
    "y · y": lambda x, y: y * y,
    "(1 − y) · (1 − y)": lambda x, y: (1 - y) * (1 - y),
    "y alone": lambda x, y: y,
    "1 − y alone": lambda x, y: 1 - y,
    "1 + y": lambda x, y: 1 + y,
    "y · (1 + y)": lambda x, y: y * (1 + y),
    "1 − y · y, as of tanh,": lambda x, y: 1 - y * y,
}


class Points:
    """The elements of x that mistakes are looked for in, and what formulas are made of there.

    Of a large check they are some of those chosen, the wrong ones first.

    Attributes
    ----------
    x : ndarray of float64
        Of shape (n,), as all arrays that follow.
    y, dout : ndarray or None
        y[i] and dout[i], in the type of the layer; None where y has another shape than x.
    x_size, rows : int
        The number of elements of the whole x, and of its rows.
    claim : Claim
        The analytic gradient.
    slope : Slopes
        The right gradient by several dout.
    right, bound : ndarray of float64
        That by the dout of the claim, and by how much it may be off.
    resolved : bool
        Whether some right gradient is seen not to be 0.
    dout_names : list of str
        Which dout these are: ``dout``, ``forgotten``, and so on.
    earlier : ndarray or None
        What backward gave in an earlier pass, at another x.
    earlier_is_right, depends_on_x : bool
        Whether that is the right gradient there, as far as was looked; whether the right gradient
        there is another than here.
    complement : bool
        Whether differences of the layer's complement show the digits that 1 − y loses.
    in_digits : bool
        Whether the analytic gradient was given in digits.
    """

    def __init__(self, judged: Judged) -> None:
        asked, chosen, self.slope = judged.asked, judged.chosen, judged.slope
        if len(chosen) > MAX_ELEMENTS_FOR_MISTAKES:
            wrong_first = [np.flatnonzero(judged.code == WRONG), np.arange(len(chosen))]
            some = np.unique(np.concatenate(wrong_first)[:MAX_ELEMENTS_FOR_MISTAKES])
            chosen, self.slope = chosen[some], self.slope.at(some)
        aligned, noise, passes = asked.y.shape == asked.x.shape, judged.loss_noise, asked.passes
        earlier = None if passes is None else passes.earlier_gradient()
        self.x: Float64 = asked.x.astype(np.float64).reshape(-1)[chosen]
        self.y = asked.y.reshape(-1)[chosen] if aligned else None
        self.dout = asked.dout.reshape(-1)[chosen] if aligned else None
        self.x_size = asked.x.size
        self.rows = asked.x.shape[0] if asked.x.ndim > 1 else asked.x.size
        self.right, self.bound = self.slope.numeric[0], self.slope.bound[0]
        self.resolved = bool(np.any(np.abs(self.right) > self.bound))
        self.claim, self.dout_names = judged.claim.at(chosen), judged.dout_names
        self.earlier = None if earlier is None else earlier.reshape(-1)[chosen]
        self.earlier_is_right = passes is not None and passes.earlier_is_right(noise)
        self.depends_on_x = passes is not None and passes.depends_on_x(noise)
        self.complement = len(judged.measured.sections) > 1
        self.in_digits = bool(judged.claim.unit.any())

    @cached_property
    def is_sigmoid(self) -> bool:
        """Whether y(1 − y) is the derivative here, as far as y has the digits for it."""
        if self.y is None or self.dout is None:
            return False
        y, size = self.y.astype(np.float64), np.abs(self.dout.astype(np.float64))
        rounding = 4 * np.finfo(self.y.dtype).eps * y * size
        error = np.abs(self.dout * y * (1 - y) - self.right)
        seen = np.isfinite(error + self.bound)
        near = error <= self.bound + np.sqrt(self.claim.rtol) * np.abs(self.right) + rounding
        return bool(np.all(near[seen])) and bool(np.any(self.slope.scale[seen] > 0))


@dataclass(frozen=True)
class Mistake:
    """A wrong gradient.

    Attributes
    ----------
    name : str
        Completes "dx is …".
    gradient : ndarray of float64
        What the formula gives.
    bound : ndarray or float
        By how much `gradient` may be off, since the right one that it is made of may be.
    because, instead : str
        Why some points cannot show the mistake, and what would.
    """

    name: str
    gradient: Float64
    bound: Any = 0.0
    because: str = _NOTHING_SEEN
    instead: str = _POINT

    def why_missed(self, points: Points) -> tuple[str, str]:
        """Return why the points do not show the mistake, and what would."""
        if not points.resolved:
            if points.dout is not None and not np.any(points.dout):
                return "every dout is 0", _OTHER_DOUT
            by_dout = self.instead in (_OTHER_DOUT, _POINT_AND_DOUT)
            return _NOTHING_SEEN, _POINT_AND_DOUT if by_dout else self.instead
        off = np.abs(self.gradient - points.right)
        near = off <= self.bound + points.bound + points.claim.rtol * points.slope.scale
        because = self.because if np.all(near | ~np.isfinite(off)) else _TOO_NEAR
        return because, self.instead


def douts_to_plant(dout: Float64) -> tuple[list[str], Float64]:
    """Return dout and what mistakes make of it: the names, and an array (number, size of y).

    A scalar loss has no other dout to plant.
    """
    flat = dout.reshape(-1)
    made = {"dout": flat}
    if dout.ndim:
        made |= {"forgotten": np.ones(flat.shape), "twice": flat * flat, "reversed": flat[::-1]}
    if dout.ndim > 1:
        made["transposed"] = np.swapaxes(dout, -1, -2).reshape(-1)
    return list(made), np.array(list(made.values()))


def known_mistakes(points: Points, *, naming: bool = False) -> Iterator[Mistake]:
    """Yield the known mistakes that can be told from the right gradient by some points.

    With `naming`, to explain a gradient that is wrong, also the formulas of the sigmoid that are no
    use to plant in another layer, but no difference formulas, which have a name of their own.
    """
    yield from _multiples(points)
    yield from _by_dout(points)
    yield from _of_earlier_pass(points, naming=naming)
    yield from _of_neighbours(points)
    if not naming:
        yield from _by_differences(points)
    yield from _of_y(points, naming=naming)


def _multiples(points: Points) -> Iterator[Mistake]:
    """Yield the right gradient times what people forget, or put in twice."""
    multiples = [("with the wrong sign", -1, 1)]
    multiples += [("times 2.000000", 2, 1), ("times 0.5000000", 1, 2)]
    sizes = {points.x_size: "the number of elements"}
    sizes.setdefault(points.rows, "the number of rows")
    for size, what in sizes.items():
        if size > 2:
            multiples.append((f"times {size}, {what}", size, 1))
            multiples.append((f"divided by {size}, {what}", 1, size))
    for text, times, over in multiples:
        gradient, bound = times * points.right / over, abs(times) * points.bound / over
        yield Mistake(f"the right gradient {text}", gradient, bound)
    yield Mistake("0 everywhere", np.zeros(points.right.shape))


def _by_dout(points: Points) -> Iterator[Mistake]:
    """Yield what comes of a dout that is not used as it is."""
    rows = zip(points.dout_names, points.slope.numeric, points.slope.bound, strict=True)
    for name, gradient, bound in rows:
        if name in _BY_DOUT:
            hint = "this dout gives the same", _OTHER_DOUT
            if name == "reversed" and points.x_size == 1:
                hint = "there is one element", _POINT_AND_DOUT
            yield Mistake(_BY_DOUT[name], gradient, bound, *hint)


def _of_earlier_pass(points: Points, *, naming: bool) -> Iterator[Mistake]:
    """Yield what comes of an earlier pass."""
    earlier = points.earlier
    # What a wrong layer gave earlier explains what it gives now, but a right one would not add it.
    # Where nothing is known, as with a gradient given in numbers, it is a pass with the same x.
    if earlier is None or not (naming or points.earlier_is_right):
        earlier = points.right
    if points.resolved or not naming:
        added = "the right gradient plus that of an earlier pass"
        yield Mistake(added, points.right + earlier, points.bound)
    if points.earlier is not None and points.depends_on_x and points.earlier_is_right:
        same = "another x has the same gradient"
        yield Mistake("the gradient of an earlier pass", points.earlier, 0.0, same)


def _of_neighbours(points: Points) -> Iterator[Mistake]:
    """Yield the gradient of another element."""
    hint = "equal elements have equal gradients", _OTHER_DOUT
    if points.x_size == 1:
        hint = "there is one element", _POINT_AND_DOUT
    for shift, which in ((1, "before"), (-1, "after")):
        gradient, bound = np.roll(points.right, shift), np.roll(points.bound, shift)
        yield Mistake(f"that of the element {which}", gradient, bound, *hint)


def _by_differences(points: Points) -> Iterator[Mistake]:
    """Yield what careless finite differences give."""
    curvature, rough = points.slope.curvature, points.slope.curvature_bound
    bends = bool(np.any(np.abs(curvature) > rough))
    fine = points.claim.rtol < _STEP / 10  # as large as the error of the difference at 0.7
    hint = "y does not bend here", _POINT if fine else f"{_POINT} and {_SMALLER_RTOL}"
    if bends:
        narrow = points.y is not None and np.finfo(points.y.dtype).eps > _STEP
        hint = _TOO_NEAR, "take x in float64" if narrow else _SMALLER_RTOL
    if bends and points.in_digits:
        hint = _TOO_NEAR, "give more digits of dx"
    if bends or points.is_sigmoid:
        gradient = points.right + _STEP / 2 * curvature
        bound = _STEP / 2 * rough + points.bound
        yield Mistake(f"a one-sided difference with h = {_STEP:g}", gradient, bound, *hint)
    yield Mistake(
        "divided by 2 and multiplied by h, in place of / (2 * h)", _STEP**2 * points.right
    )


def _of_y(points: Points, *, naming: bool) -> Iterator[Mistake]:
    """Yield other functions of x and y, in place of y · (1 − y), and that with 1 − y rounded.

    To name one, y counts as rounded by a unit, since it differs so from one way of computing it to
    another.
    """
    if points.y is None or points.dout is None:
        return
    x, y, dout = points.x, points.y.astype(np.float64), points.dout.astype(np.float64)
    unit = float(np.finfo(points.y.dtype).eps) if naming else 0.0
    one_x = len(set(x.tolist())) == 1
    because = f"x = {x[0]:g} gives the same" if one_x else "these x give the same"
    for name, function in _FOR_SLOPE.items() if points.is_sigmoid or naming else ():
        text = f"dout times {name.rstrip(',')}"
        if points.is_sigmoid:
            text = f"dout times {name.rstrip(',')}, in place of y · (1 − y)"
        gradient = dout * function(x, y)
        rough = np.abs(dout * function(x, y * (1 + 2 * unit)) - gradient)
        yield Mistake(text, gradient, rough, because)
    if points.is_sigmoid and (naming or points.complement):
        # At 32 it is off by 6e-4, at 40 by all; in float16, dx is no normal number at either.
        point = "add x = 9"
        if points.y.dtype != np.float16:
            point = "add x = 32" if points.claim.rtol < 4e-4 else "add x = 40"
        yield Mistake(
            "dout · y · (1 − y) with 1 − y rounded",
            (points.dout * (1 - points.y) * points.y).astype(np.float64),
            unit * np.abs(dout) * y,
            "1 − y loses too few digits here to matter",
            point,
        )
