"""What is to be checked: a layer, a point, and the gradient that backward gives there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, real
from ..errors import RangeError, SigcliError, UsageError, element, mismatch
from .evaluate import output
from .measure import Layer
from .promises import Passes, advice_on_order, ignores_dout, visit

# The dout where none is given, repeated to the size of y. None of them is 1, which would hide that
# backward forgot dout, and none equals its neighbour.
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
        What is wrong with the form of the gradient, such as its shape; what is good to know.
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
        """√eps of the narrowest type of x, y and dx."""
        types = (self.x.dtype, self.y.dtype, self.analytic.dtype)
        return float(np.sqrt(max(float(np.finfo(dtype).eps) for dtype in types)))

    @property
    def malformed(self) -> bool:
        """Whether backward gave nothing that can be judged, such as None."""
        return bool(self.promises) and not np.isfinite(self.analytic).any()


def ask(layer: Any, x: ArrayLike, dout: ArrayLike | None, dx: ArrayLike | None) -> Asked:
    """Run the layer at x, and raise what `gradcheck` says if its gradient cannot be judged."""
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
            x = _in_shape("x", x, "dout", dout.shape)
            y = _steady(layer, x)
    dout, advice_on_dout = _upstream(layer, x, y, dout)
    advice = (*advice, *advice_on_dout)
    if dx is None:
        passes = Passes.of(layer, x, dout)
        analytic, promises = passes.gradient()
        return Asked(layer, x, y, dout, analytic, passes, promises, advice, bool(advice_on_dout))
    analytic = _in_shape("dx", real("dx", np.asarray(dx)), "x", x.shape).astype(x.dtype)
    return Asked(layer, x, y, dout, analytic, None, (), advice, bool(advice_on_dout))


def _in_shape(name: str, array: Array, other: str, shape: tuple[int, ...]) -> Array:
    """Return the array, or an array of its single number, in a shape."""
    if array.shape == shape:
        return array
    if array.size != 1:
        raise mismatch(name, array.shape, other, shape)
    return np.full(shape, array.reshape(()))


def _built(layer: Any, x: Array) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer, built if it is a class or function that gives one, and advice on it."""
    if isinstance(layer, type) or not hasattr(layer, "forward"):
        layer = layer()
        return layer, advice_on_order(layer, x)
    return layer, ()


def _steady(layer: Layer, x: Array) -> Array:
    """Return y, and see that two passes give the same."""
    y, again = (output(layer.forward(x.copy())) for _ in range(2))
    if not y.size:
        raise RangeError("forward gives an empty y: there is no gradient to check")
    if y.shape != again.shape:
        raise SigcliError(f"forward gives y of shape {y.shape}, then of {again.shape}, for one x")
    differ = np.flatnonzero((y != again) & ~(np.isnan(y) & np.isnan(again)))
    if differ.size:
        index = np.unravel_index(differ[0], y.shape)
        name, two = element("y", index), f"{y[index]}, then {again[index]}"
        raise SigcliError(
            f"forward gives two different y for the same x: {name} is {two}; a gradient needs one "
            "function, so fix what is random (seed or mask)"
        )
    return y


def _upstream(
    layer: Layer, x: Array, y: Array, dout: Array | None
) -> tuple[Array, tuple[str, ...]]:
    """Return dout in the shape of y, and advice if the layer does not look at it."""
    gradient = np.resize(DOUT, y.shape) if dout is None else dout
    gradient = _in_shape("dout", gradient, "x" if y.shape == x.shape else "y", y.shape)
    gradient = gradient.astype(y.dtype)
    loss = y.ndim == 0 and x.ndim > 0 and dout is None
    if not (loss and ignores_dout(layer, x, gradient)):
        return gradient, ()
    note = "backward ignores dout, as a loss at the end of a network may; it is checked for dout 1"
    return np.ones(y.shape, y.dtype), (note,)
