"""What is to be checked: a layer at a point, and the gradient that its backward gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import real
from ..errors import RangeError, SigcliError, UsageError, element, mismatch
from .evaluate import output
from .promises import Passes, advice_on_order, ignores_dout, visit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .measure import Layer

    Array = NDArray[np.floating[Any]]

# Repeated to the size of y where no dout is given. None is 1 and none equals its neighbour, since
# a dout of ones hides that a backward pass forgot it.
DOUT = (1.5, -0.5, 3.0, -2.5, 0.7)


@dataclass(frozen=True)
class Asked:
    """A layer, and the gradient of it that is to be judged.

    Attributes
    ----------
    layer : Layer
        Built.
    x, y, dout, analytic : ndarray
        The point, the output, and the upstream and the analytic gradient.
    passes : Passes or None
        The passes that gave the gradient; None if it came from elsewhere.
    promises, advice : tuple of str
        What is wrong with the form of the gradient; what is good to know.
    ignores_dout : bool
        Whether backward does not look at dout.
    """

    layer: Layer
    x: Array
    y: Array
    dout: Array
    analytic: Array
    passes: Passes | None
    promises: tuple[str, ...]
    advice: tuple[str, ...]
    ignores_dout: bool

    @property
    def default_rtol(self) -> float:
        """The square root of the coarsest type's epsilon."""
        types = (self.x.dtype, self.y.dtype, self.analytic.dtype)
        return float(np.sqrt(max(float(np.finfo(dtype).eps) for dtype in types)))

    @property
    def malformed(self) -> bool:
        """Whether backward gave nothing that could be judged."""
        return bool(self.promises) and not np.isfinite(self.analytic).any()


def ask(layer: Any, x: ArrayLike, dout: ArrayLike | None, dx: ArrayLike | None) -> Asked:
    """Run the layer, and see that what is asked can be judged."""
    x = real("x", x)
    if not x.size:
        raise RangeError("x is empty: there is no gradient to check")
    if dx is not None and dout is None:
        raise UsageError("dx comes without the dout that it was computed with; give dout too")
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
    return Asked(layer, x, y, dout, analytic, passes, promises, (*advice, *more), bool(more))


def _built(layer: Any, x: Array) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer, built if need be, and advice on it."""
    if isinstance(layer, type) or not hasattr(layer, "forward"):
        layer = layer()
        return layer, advice_on_order(layer, x)
    return layer, ()


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
