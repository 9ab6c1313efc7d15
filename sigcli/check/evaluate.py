"""A layer's outputs at many points at once; nothing else in the check calls forward.

A *section* is y along some coordinates of x, such as y at x[3] ± h for several h. All coordinates
of a layer that acts element by element move together, those of any other one at a time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, Bools, Float64, Indices, real
from ..errors import DtypeError, ShapeError
from .records import Arrays
from .steps import power_of_2
from .variables import Variable

ULPS = 4.0  # units in the last place by which y may be off, unless the layer says otherwise


def output(y: Any) -> Array:
    """Return a copy of what a forward pass gave; the layer may write to its own later.

    Raises
    ------
    ShapeError
        If it is no array, such as a list of rows of unequal lengths.
    DtypeError
        If it is None, or holds no numbers.
    """
    if y is None:
        raise DtypeError("forward returns nothing; expected y")
    try:
        array = np.array(y)
    except ValueError as error:
        raise ShapeError(f"y: no array: {error}") from None
    return array if array.dtype.kind == "c" else real("y", array)


@contextmanager
def quiet() -> Iterator[None]:
    """Let no warning out: far from x, where differences go, a right layer may overflow."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class Evaluator:
    """A layer's forward pass as a function of the vector x, NaN where it raises.

    Parameters
    ----------
    layer : object
        With ``forward(x)``; see `check.measure.Layer` for what it may say of itself.
    variable : Variable
        What is differentiated, and where.
    function : callable, optional
        What to differentiate in place of ``layer.forward``.

    Attributes
    ----------
    x : ndarray of float64
        The point as a vector.
    y : ndarray
        The output at `x`, in the layer's own shape and type.
    ulps : float
        By how many units in the last place y may be off.
    declared : bool
        Whether the layer itself states its `ulps`, so that its noise need not be measured.
    scale : float or None
        A layer that states it is smooth, varies on this scale of x, and takes any shape.
    """

    def __init__(
        self, layer: Any, variable: Variable, function: Callable[[Any], Any] | None = None
    ) -> None:
        self.function: Callable[[Any], Any] = layer.forward if function is None else function
        self.at_complex = self.function
        if function is None:
            self.at_complex = getattr(layer, "at_complex", self.function)
        self.variable, self.x = variable, variable.flat
        self.scale = _positive(getattr(layer, "smooth_scale", None))
        declared = _positive(getattr(layer, "ulps", None))
        self.ulps, self.declared = declared or ULPS, declared is not None
        self.y = self._pass(self.x)

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Y at the vector x, as a vector; NaN where forward raises or changes its shape."""
        try:
            y = self._pass(x)
        except Exception:  # a step may leave the domain, where math.log raises
            return np.full(self.y.size, np.nan, self.y.dtype)
        return y.reshape(-1) if y.shape == self.y.shape else np.full(self.y.size, np.nan)

    def moved_together(self, points: NDArray[Any], which: Indices) -> NDArray[Any]:
        """y[which] where x[which] is each row of `points`: one pass a row."""
        if self.scale is not None:  # it takes any shape, so the elements that stay are left out
            y = [self._pass_of_some(row) for row in points]
        else:
            y = [self._where(which, row)[which] for row in points]
        return np.array(y).reshape(points.shape)

    def moved_one_by_one(self, points: NDArray[Any], which: Indices) -> NDArray[Any]:
        """All y where only x[which[j]] is moved, to points[i, j], at [i, j]: one pass each."""
        y = [self._where(i, point) for row in points for i, point in zip(which, row, strict=True)]
        return np.array(y).reshape(*points.shape, self.y.size)

    def _where(self, which: Indices, values: NDArray[Any]) -> NDArray[Any]:
        """Y, as a vector, where x[which] are `values`."""
        x = self.x.astype(values.dtype)
        x[which] = values
        return self(x)

    def takes_complex(self) -> tuple[bool, tuple[str, ...]]:
        """Return whether x may be complex, and advice if not."""
        try:
            if np.iscomplexobj(self._pass(self.x.astype(np.complex128))):
                return True, ()
            why_not = "it gives real y"
        except Exception as error:  # a layer need not know complex numbers
            why_not = str(error)
        return False, (f"forward takes no complex x ({why_not}); differences are central alone",)

    def _pass(self, x: NDArray[Any]) -> Array:
        return self._output(self.variable.restored(x.copy()))

    def _pass_of_some(self, x: NDArray[Any]) -> NDArray[Any]:
        try:
            return self._output(x)
        except Exception:  # a step may leave the domain, as in __call__
            return np.full(x.shape, np.nan)

    def _output(self, x: NDArray[Any]) -> Array:
        return output((self.function if np.isrealobj(x) else self.at_complex)(x))


def _positive(declared: Any) -> float | None:
    """Return a layer's attribute if it is a positive number; else it means something else."""
    number = isinstance(declared, int | float) and 0 < declared < float("inf")
    return float(declared) if number else None


@dataclass(frozen=True)
class Rise(Arrays):
    """Σⱼ dout[j] · (y[j] at a step from x − y[j] at x), for each step, coordinate and dout.

    Attributes
    ----------
    rise : ndarray of float64
        That sum, of shape (steps, coordinates, number of dout).
    noise, centre_noise : ndarray of float64
        By how much rounding may move it at the step and at x, of the same shape.
    parts : ndarray of float64
        Its terms for the first dout, with |dout[j]|; of shape (steps, coordinates, size of y),
        or (steps, coordinates, 1) where x[i] can move y[i] alone.
    """

    rise: Float64
    noise: Float64
    centre_noise: Float64
    parts: Float64


@dataclass(frozen=True)
class Section:
    """Σⱼ dout[j] · y[j] along single coordinates of x, for several dout.

    Attributes
    ----------
    evaluator : Evaluator
        Gives y.
    douts : ndarray of float64
        Of shape (number of dout, size of y).
    elementwise : bool
        Whether y[i] depends on x[i] alone. All coordinates are then moved together, and the
        section is that of y itself, as for a dout of 1.
    noise : ndarray of float64
        By how much each y may be off beside its units in the last place.
    grain : float
        The rounding of a y that stays constant: 1 − tanh(x) at 25 is 0, give or take 1e-16.
    movement : ndarray of float64
        How fast each y moves by all of x together; 0 where y[i] depends on x[i] alone.
    imaginary : bool
        Whether steps along the imaginary axis are taken too.
    sign : int
        What makes dx of the slopes: 1 for forward, −1 for its complement, such as 1 − y.
    alone : bool
        Whether coordinates are moved one at a time even where y[i] depends on x[i] alone.
    """

    evaluator: Evaluator
    douts: Float64
    elementwise: bool
    noise: Float64
    grain: float
    movement: Float64
    imaginary: bool = False
    sign: int = 1
    alone: bool = False

    def unit(self, which: Indices) -> Float64:
        """Return the scale on which y varies with x[i]: the layer's own, or max(1, |x|).

        It is rounded down to a power of 2, of which many steps are exact.
        """
        x, scale = self.evaluator.x[which], self.evaluator.scale
        return power_of_2(np.maximum(1, np.abs(x)) if scale is None else np.full(x.shape, scale))

    def _own_outputs(self, points: NDArray[Any], which: Indices) -> NDArray[Any]:
        """y[which] where x[which] is each row of `points`."""
        if not self.alone:
            return self.evaluator.moved_together(points, which)
        return self.evaluator.moved_one_by_one(points, which)[:, np.arange(which.size), which]

    def unseen_slopes(self, which: Indices, still: Bools, step: Float64) -> tuple[Float64, Float64]:
        """Return how large Σ |dout · slope| over the y that no step moved may be.

        Once by the units in their own last places, of shape (number of dout, coordinates), and
        once by the grain. σ(100) does not move over ½, so its slope is below 1e-16 / ½, not 0.

        Parameters
        ----------
        which : ndarray of int
            The coordinates.
        still : ndarray of bool
            Which y did not move, of shape (coordinates, size of y); of (coordinates, 1) where
            x[i] can move y[i] alone, whose own rounding the bound of its slope covers already.
        step : ndarray of float64
            The largest step that was taken, of shape (coordinates,).
        """
        width = np.maximum(1, np.abs(self.evaluator.x[which]))
        if self.elementwise:
            return np.zeros(which.shape), self.grain * still[:, 0] / width
        own = np.maximum(self.evaluator.ulps * _spacing(self.evaluator.y.reshape(-1)), self.noise)
        size = np.where(np.isfinite(own), np.abs(self.douts), 0)
        hidden = (size * np.where(np.isfinite(own), own, 0)) @ still.T / step
        return hidden, self.grain * (still @ size[0]) / width

    def first_rise(self, points: Float64, which: Indices) -> Float64:
        """Return the rises, by the first dout, from x[which] to one point each."""
        return np.asarray(self.rise(points[np.newaxis], which).rise[0, :, 0])

    def rise(self, points: NDArray[Any], which: Indices) -> Rise:
        """Return the rises from x[which] to `points`, of shape (steps, coordinates)."""
        e = self.evaluator
        y0 = e.y.reshape(-1)
        with np.errstate(all="ignore"):
            if self.elementwise:
                y = self._own_outputs(points, which)[..., np.newaxis]
                y0 = y0[which][:, np.newaxis]
                weights, noise = np.ones((1, 1)), self.noise[which][:, np.newaxis]
            else:
                y, weights, noise = e.moved_one_by_one(points, which), self.douts, self.noise
            if np.iscomplexobj(points):  # the imaginary part, which is 0 at x
                y, y0, noise = np.imag(y), np.zeros(y0.shape), np.zeros(noise.shape)
            still = (y == y0) | (np.isnan(y) & np.isnan(y0))  # inf − inf is no rise either
            rise = np.where(still, 0, y.astype(np.float64) - y0)
            several, size = y.shape[-1] > 1, np.abs(weights).T
            off = (np.maximum(e.ulps * _spacing(values), noise) for values in (y, y0))
            end, start = (_weighed(np.where(still & several, 0, each), size) for each in off)
            if several:
                end = end + np.spacing(_weighed(np.abs(rise), size))
            return Rise(_weighed(rise, weights.T), end, start, np.abs(weights[0]) * rise)


def _weighed(values: NDArray[Any], weights: Float64) -> NDArray[Any]:
    """Return values @ weights, in which 0 · inf and 0 · NaN are 0."""
    if np.isfinite(values).all():
        return np.asarray(values @ weights)
    columns = [np.where(column == 0, 0, values * column).sum(axis=-1) for column in weights.T]
    return np.stack(columns, axis=-1)


def _spacing(y: NDArray[Any]) -> Float64:
    """Return the unit in the last place of each value, as its own type has it."""
    return np.asarray(np.spacing(np.abs(y)), np.float64)
