"""Known wrong gradients: planted, to tell what a check can see, and named where one is found.

Each is a formula for dx made of x, y, dout, and the right gradient by some dout; none needs the
layer to be called again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Float64 = NDArray[np.float64]

_RIGHT = "dout"  # the name of the upstream gradient that is the right one
_STEP = 1e-4  # of the book's numerical gradient
_STEPS = tuple(10.0**-k for k in range(1, 9))  # that people take
_POINT = "add x = 0.7"  # where no two of the formulas agree
_OTHER_DOUT = "take a dout of different numbers, none of them 0 or 1"
_POINT_AND_DOUT = f"{_POINT} with another dout"
_SMALLER_RTOL = "take a smaller rtol"
_TELLING = 0.1  # of how far the gradient is off, that the right one has to be known to
_NOTHING_SEEN = "no gradient is resolved here"
_TOO_NEAR = "it differs by less than can be told here"


@dataclass(frozen=True)
class Evidence:
    """What is known at n elements of x.

    Attributes
    ----------
    x : ndarray of float64
        Of shape (n,), as all that follow.
    y, dout : ndarray or None
        Beside x, in the type of the layer; None where y has another shape.
    total, batch : int
        The number of elements of x, and of its rows.
    numeric, bound : dict of str to ndarray
        The right gradient by `dout`, and by what `douts_to_plant` makes of it.
    scale : ndarray
        What the tolerance is relative to.
    curvature : tuple of ndarray
        The second derivative by x[i], weighed with dout, and how rough it is.
    earlier : ndarray or None
        What backward gave in an earlier pass, at another x.
    depends_on_x : bool
        Whether the right gradient there is another.
    complement : bool
        Whether differences of the layer's complement show what 1 − y loses.
    in_digits : bool
        Whether the gradient was given in digits.
    earlier_is_right : bool
        Whether `earlier` is the right gradient there, as far as was looked.
    rtol : float
        The relative tolerance.
    """

    x: Float64
    y: NDArray[Any] | None
    dout: NDArray[Any] | None
    total: int
    batch: int
    numeric: dict[str, Float64]
    bound: dict[str, Float64]
    scale: Float64
    curvature: tuple[Float64, Float64]
    earlier: Float64 | None
    depends_on_x: bool
    earlier_is_right: bool
    complement: bool
    in_digits: bool
    rtol: float

    @property
    def right(self) -> Float64:
        """The numeric gradient."""
        return self.numeric[_RIGHT]

    @cached_property
    def is_sigmoid(self) -> bool:
        """Whether y(1 − y) is the derivative here, as far as y has the digits for it."""
        if self.y is None or self.dout is None:
            return False
        y, size = self.y.astype(np.float64), np.abs(self.dout.astype(np.float64))
        rounding = 4 * np.finfo(self.y.dtype).eps * y * size
        error = np.abs(self.dout * y * (1 - y) - self.right)
        seen = np.isfinite(error + self.bound[_RIGHT])
        near = error <= self.bound[_RIGHT] + np.sqrt(self.rtol) * np.abs(self.right) + rounding
        return bool(np.all(near[seen])) and bool(np.any(self.scale[seen] > 0))


@dataclass(frozen=True)
class Mistake:
    """A wrong gradient.

    Attributes
    ----------
    name : str
        Completes "dx is …".
    gradient, bound : ndarray or float
        What it gives, and how well that is known.
    because, instead : str
        Why some points cannot show it, and what would.
    """

    name: str
    gradient: Float64
    bound: Any = 0.0
    because: str = _NOTHING_SEEN
    instead: str = _POINT


@dataclass(frozen=True)
class Coverage:
    """How many known mistakes the points of a check would show.

    Attributes
    ----------
    caught, total : int
        How many would be called wrong, of how many.
    missed : tuple of tuple of str
        The others: name, why not, and what would show it.
    """

    caught: int
    total: int
    missed: tuple[tuple[str, str, str], ...]


def douts_to_plant(dout: Float64) -> tuple[list[str], Float64]:
    """Return names and values, of shape (number, size of y), of dout and what is made of it.

    The single dout of a loss, which may ignore it, makes nothing.
    """
    flat = dout.reshape(-1)
    made = {_RIGHT: flat}
    if dout.ndim:
        made |= {"forgotten": np.ones(flat.shape), "twice": flat * flat, "reversed": flat[::-1]}
    if dout.ndim > 1:
        made["transposed"] = np.swapaxes(dout, -1, -2).reshape(-1)
    return list(made), np.array(list(made.values()))


def planted(evidence: Evidence, caught: Callable[[Float64, Any], bool]) -> Coverage:
    """Return which known mistakes `caught` says would be called wrong."""
    found, missed = 0, []
    for mistake in _known(evidence):
        # What overflows is wrong however little is known of it.
        bound = np.where(np.isinf(mistake.gradient), 0.0, mistake.bound)
        if caught(mistake.gradient, bound):
            found += 1
        else:
            missed.append((mistake.name, *_why_missed(evidence, mistake)))
    return Coverage(found, found + len(missed), tuple(missed))


def _why_missed(e: Evidence, mistake: Mistake) -> tuple[str, str]:
    """Return why some points cannot show a mistake, and what would."""
    if not np.any(np.abs(e.right) > e.bound[_RIGHT]):
        if e.dout is not None and not np.any(e.dout):
            return "every dout is 0", _OTHER_DOUT
        by_dout = mistake.instead in (_OTHER_DOUT, _POINT_AND_DOUT)
        return _NOTHING_SEEN, _POINT_AND_DOUT if by_dout else mistake.instead
    apart = np.abs(mistake.gradient - e.right)
    near = apart <= mistake.bound + e.bound[_RIGHT] + e.rtol * e.scale
    because = mistake.because if np.all(near | ~np.isfinite(apart)) else _TOO_NEAR
    return because, mistake.instead


def explained(evidence: Evidence, gradient: Float64, rounding: Float64) -> list[str]:
    """Return the names of all wrong formulas that give `gradient` at every element.

    `rounding` is by how much it may be off in its own type.
    """

    def gives(candidate: Float64, bound: Any) -> bool:
        off = np.abs(gradient - candidate)
        near = off <= bound + evidence.rtol * np.abs(candidate) + rounding
        return bool(np.all((near & np.isfinite(candidate))[known]))

    known = np.isfinite(evidence.bound[_RIGHT])
    apart = np.abs(gradient - evidence.right)
    if not np.any(known & (evidence.bound[_RIGHT] < _TELLING * apart)):
        return []  # almost any formula would give a gradient that is known so roughly
    named = [m.name for m in _known(evidence, naming=True) if gives(m.gradient, m.bound)]
    if not np.any(gradient):
        return named
    named = named or list(_multiple(evidence, gradient, rounding, gives))
    return named + list(_one_sided(evidence, gradient, gives))


def _known(evidence: Evidence, *, naming: bool = False) -> Iterator[Mistake]:
    """Return the known mistakes that can be told from the right gradient by some points.

    For `naming` also the formulas of the sigmoid that are no use to plant in another layer.
    """
    yield from _multiples(evidence)
    yield from _by_dout(evidence)
    yield from _by_pass(evidence, naming=naming)
    yield from _by_place(evidence)
    if not naming:
        yield from _numerical(evidence)
    sigmoid = evidence.is_sigmoid
    if evidence.y is not None and (sigmoid or naming):
        yield from _formulas(evidence, naming=naming)
    if sigmoid and (naming or evidence.complement):
        yield _rounded(evidence, naming=naming)


def _multiples(e: Evidence) -> Iterator[Mistake]:
    """Yield the right gradient times what people forget, or put in twice."""
    right, bound = e.right, e.bound[_RIGHT]
    factors = {"2.000000": 2.0, "0.5000000": 0.5}
    sizes = {e.total: "the number of elements", e.batch: "the number of rows"}
    if e.batch == e.total:
        sizes = {e.total: "the number of elements"}
    yield Mistake("the right gradient with the wrong sign", -right, bound)
    for text, factor in factors.items():
        yield Mistake(f"the right gradient times {text}", factor * right, factor * bound)
    for size, what in sizes.items():
        if size > 2:
            times = f"the right gradient times {size}, {what}"
            yield Mistake(times, size * right, size * bound)
            yield Mistake(f"the right gradient divided by {size}, {what}", right / size, bound)
    yield Mistake("0 everywhere", np.zeros(right.shape))


def _by_dout(e: Evidence) -> Iterator[Mistake]:
    """Yield what comes of a dout that is not used as it is."""
    cases = {
        "forgotten": "what it would be without dout",
        "twice": "what it would be with dout applied twice",
        "reversed": "what it would be with dout reversed",
        "transposed": "what it would be with dout transposed",
    }
    for name, text in cases.items():
        hint = "this dout gives the same", _OTHER_DOUT
        if name == "reversed" and e.total == 1:
            hint = "there is one element", _POINT_AND_DOUT
        if name in e.numeric:
            yield Mistake(text, e.numeric[name], e.bound[name], *hint)


def _by_pass(e: Evidence, *, naming: bool) -> Iterator[Mistake]:
    """Yield what comes of an earlier pass."""
    # Where none is known, as with a gradient given in numbers, one for the same x and dout. That
    # of a wrong layer explains what the layer gives, but is not what a right one would add.
    known = e.earlier is not None and (naming or e.earlier_is_right)
    earlier = e.earlier if known and e.earlier is not None else e.right
    if not naming or np.any(np.abs(e.right) > e.bound[_RIGHT]):
        yield Mistake(
            "the right gradient plus that of an earlier pass", e.right + earlier, e.bound[_RIGHT]
        )
    if e.earlier is not None and e.depends_on_x and e.earlier_is_right:
        same = "another x has the same gradient"
        yield Mistake("the gradient of an earlier pass", e.earlier, 0.0, same)


def _by_place(e: Evidence) -> Iterator[Mistake]:
    """Yield the gradient of another element."""
    hint = "equal elements have equal gradients", _OTHER_DOUT
    if e.total == 1:
        hint = "there is one element", _POINT_AND_DOUT
    for shift, which in ((1, "before"), (-1, "after")):
        yield Mistake(
            f"that of the element {which}",
            np.roll(e.right, shift),
            np.roll(e.bound[_RIGHT], shift),
            *hint,
        )


def _numerical(e: Evidence) -> Iterator[Mistake]:
    """Yield what careless finite differences give."""
    curvature, rough = e.curvature
    bends = bool(np.any(np.abs(curvature) > rough))
    fine = e.rtol < _STEP / 10  # as large as the error of the difference at 0.7
    hint = "y does not bend here", _POINT if fine else f"{_POINT} and {_SMALLER_RTOL}"
    if bends:
        narrow = e.y is not None and np.finfo(e.y.dtype).eps > _STEP
        hint = _TOO_NEAR, "take x in float64" if narrow else _SMALLER_RTOL
    if bends and e.in_digits:
        hint = _TOO_NEAR, "give more digits of dx"
    if bends or e.is_sigmoid:
        yield Mistake(
            f"a one-sided difference with h = {_STEP:g}",
            e.right + _STEP / 2 * curvature,
            _STEP / 2 * rough + e.bound[_RIGHT],
            *hint,
        )
    yield Mistake("divided by 2 and multiplied by h, for / (2 * h)", _STEP**2 * e.right)


def _formulas(e: Evidence, *, naming: bool) -> Iterator[Mistake]:
    """Yield other functions of x and y in the place of y(1 − y)."""
    assert e.y is not None and e.dout is not None  # noqa: PT018
    x, y, dout = e.x, e.y.astype(np.float64), e.dout.astype(np.float64)
    same = {float(v) for v in x}
    where = f"x = {same.pop():g} gives" if len(same) == 1 else "these x give"
    unit = float(np.finfo(e.y.dtype).eps) if naming else 0.0
    functions: dict[str, Callable[[Float64], Float64]] = {
        "x · (1 − x)": lambda _: x * (1 - x),
        "y · y": lambda y: y * y,
        "(1 − y) · (1 − y)": lambda y: (1 - y) * (1 - y),
        "y alone": lambda y: y,
        "1 − y alone": lambda y: 1 - y,
        "1 + y": lambda y: 1 + y,
        "y · (1 + y)": lambda y: y * (1 + y),
        "1 − y · y, as of tanh,": lambda y: 1 - y * y,
    }
    for name, function in functions.items():
        text = f"dout times {name.rstrip(',')}"
        if e.is_sigmoid:
            text = f"dout times {name} for y · (1 − y)"
        gradient = dout * function(y)
        # To name it: y is rounded, and may differ by a unit from one way of computing it to
        # another.
        rough = np.abs(dout * function(y * (1 + 2 * unit)) - gradient)
        yield Mistake(text, gradient, rough, f"{where} the same")


def _rounded(e: Evidence, *, naming: bool) -> Mistake:
    """Return the textbook formula, with what digits 1 − y has left of a rounded y.

    At 32 it is off by 6 · 10⁻⁴, at 40 by all; in float16, dx is no normal number at either.
    To be named, a gradient may be that of a y that differs by a unit in its last place, as it does
    from one way of computing it to another.
    """
    assert e.y is not None and e.dout is not None  # noqa: PT018
    gradient = (e.dout * (1 - e.y) * e.y).astype(np.float64)
    unit = float(np.finfo(e.y.dtype).eps) if naming else 0.0
    rough = unit * np.abs(e.dout.astype(np.float64)) * e.y
    lost = "1 − y loses too few digits here to matter"
    point = "add x = 9" if e.y.dtype == np.float16 else f"add x = {32 if e.rtol < 4e-4 else 40}"
    return Mistake("dout · y · (1 − y) with 1 − y rounded", gradient, rough, lost, point)


def _multiple(
    e: Evidence, gradient: Float64, rounding: Float64, gives: Callable[[Float64, Any], bool]
) -> Iterator[str]:
    """Yield the one factor that all elements have, if there are two to show it."""
    right, bound = np.abs(e.right), e.bound[_RIGHT]
    sure = (right > 2 * bound) & np.isfinite(bound)
    if np.count_nonzero(sure) < 2:
        return
    right, bound, signed = right[sure], bound[sure], (gradient * np.sign(e.right))[sure]
    slack = rounding[sure] + e.rtol * np.abs(signed)
    low = (signed - slack) / np.where(signed > slack, right + bound, right - bound)
    high = (signed + slack) / np.where(signed > -slack, right - bound, right + bound)
    least, most = float(np.max(low)), float(np.min(high))
    if least > most or least <= 1 <= most:
        return
    factor = (least + most) / 2
    if gives(factor * e.right, abs(factor) * e.bound[_RIGHT] + _slack_of(e, factor)):
        step = next((h for h in _STEPS if least <= h * h <= most), None)
        hint = "" if step is None else f", as / 2 * h with h = {step:g} for / (2 * h) gives"
        digits = max(7, 1 - floor(log10(max(most - least, abs(factor - 1) / 10, 1e-15))))
        yield f"the right gradient times {factor:.{digits}g}{hint}"


def _slack_of(e: Evidence, factor: float) -> Float64:
    """Return what the tolerance allows in a gradient `factor` times as large."""
    return 2 * e.rtol * abs(factor) * e.scale


def _one_sided(
    e: Evidence, gradient: Float64, gives: Callable[[Float64, Any], bool]
) -> Iterator[str]:
    """Yield the step of a one-sided difference, if all elements have the error of one."""
    (curvature, rough), bound = e.curvature, e.bound[_RIGHT]
    error = gradient - e.right
    sure = (np.abs(curvature) > 4 * rough) & (np.abs(error) > 4 * bound)
    if np.count_nonzero(sure) < 2:
        return
    step = 2 * float(np.median(error[sure] / curvature[sure]))
    if not 0 < abs(step) < 0.5:
        return
    allowed = bound + 0.5 * abs(step) * rough + step * step * (e.scale + np.abs(curvature))
    small = bool(np.all(allowed[sure] < 0.1 * np.abs(error[sure])))
    if small and gives(e.right + step / 2 * curvature, allowed):
        side = "" if step > 0 else ", taken backwards"
        yield f"a one-sided difference with h = {abs(step):.2g}{side}"
