"""The gradient check of a layer at a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import RangeError
from .asked import ask
from .judged import judge
from .known_mistakes import Points
from .mistakes import coverage, explanations
from .result import GradientCheck

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from ..arrays import Array, Indices
    from .measure import Layer


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
        Where to check; real numbers of any shape that the layer takes, at least one.
    dout : array_like, optional
        The upstream gradient, of y's shape or a single number; 1.5, −0.5, 3, −2.5, 0.7, repeated,
        if left out.
    dx : array_like, optional
        A gradient computed elsewhere, of x's shape or a single number, to be checked in place of
        the layer's own; `dout` must be given too.
    unit : array_like
        By how much `dx` may be off since it was rounded, of x's shape or a single number: one unit
        of the last digit given, 0.01 for 0.25.
    rtol : float, optional
        The relative tolerance, 0 < rtol < 1; √eps of the narrowest type of x, y and dx if left
        out.
    method : {'central', 'complex'}
        Whether to take steps along the imaginary axis too, where `forward` allows it.
    samples : int, optional
        How many elements of x to draw and check; all if left out.
    seed : int
        For the drawing.
    why : int, optional
        The flat index of an element whose differences are wanted step by step.
    done : callable
        Is told, as the check goes on, how many more elements are finished.

    Returns
    -------
    GradientCheck
        With a verdict for each element.

    Raises
    ------
    RangeError
        If rtol or why is out of range, or x or y is empty.
    UsageError
        If dx is given without dout.
    ShapeError
        If the shape of dout or dx does not fit, or y is no array.
    DtypeError
        If x, y, dout or dx are not real numbers.
    SigcliError
        If `forward` gives two different y for one x.
    """
    if rtol is not None and not 0 < rtol < 1:
        raise RangeError(f"rtol: {rtol} is out of range; expected 0 < rtol < 1")
    asked = ask(layer, x, dout, dx)
    size = asked.x.size
    drawn = _drawn(size, samples, seed)
    chosen = np.arange(size) if drawn is None else drawn
    if why is not None and not 0 <= why < size:
        raise RangeError(f"why: x has no element {why}; 0 to {size - 1} are there")
    judged = judge(asked, rtol or asked.default_rtol, np.asarray(unit), method, chosen, done)
    points = Points(judged)
    return judged.result(
        drawn,
        mistake=" or ".join(explanations(points)) if judged.wrong else "",
        would_catch=coverage(points),
        broken_promises=asked.promises + judged.broken_promises(),
        advice=(*asked.advice, *judged.advice, *_remarks(asked.layer, asked.x)),
        why=None if why is None else judged.why(why),
    )


def _drawn(size: int, samples: int | None, seed: int) -> Indices | None:
    """Return the flat indices of the elements that are drawn; None if all are to be checked."""
    if samples is None or samples >= size:
        return None
    return np.sort(np.random.default_rng(seed).choice(size, samples, replace=False))


def _remarks(layer: Any, x: Array) -> tuple[str, ...]:
    """Return what the layer itself remarks on x."""
    remarks = getattr(layer, "remarks", None)
    return tuple(map(str, remarks(x))) if callable(remarks) else ()
