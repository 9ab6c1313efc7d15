"""A layer's outputs at many points at once; nothing else in the check calls forward.

A *section* is y along some coordinates of x: for each coordinate, y at several steps from x. A
layer that acts element by element is moved at all of them together, any other at one at a time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import real
from ..errors import DtypeError, ShapeError
from .differences import power_of_2
from .variables import Array, Variable

Float64 = NDArray[np.float64]
Indices = NDArray[np.int_]

ULPS = 4.0  # what a function's values are taken to be good for unless the layer says otherwise


def output(y: Any) -> Array:
    """Return a copy of what a forward pass gave, which the layer may write to later.

    Raises
    ------
    ShapeError, DtypeError
        If it is no array of numbers.
    """
    if y is None:
        raise DtypeError("forward returns nothing; y is right")
    try:
        array = np.array(y)
    except ValueError as error:
        raise ShapeError(f"y: no array: {error}") from None
    return array if array.dtype.kind == "c" else real("y", array)


class Evaluator:
    """A layer's forward pass as a function of the vector x, NaN where it raises.

    Parameters
    ----------
    layer : object
        With ``forward(x)``; see `check.measure.Layer` for what it may say of itself.
    variable : Variable
        What is differentiated.
    function : callable, optional
        What to differentiate in place of ``layer.forward``.

    Attributes
    ----------
    x : ndarray of float64
        The point, as a vector.
    y : ndarray
        The value there, in the layer's own shape and type.
    ulps : float
        Values are taken to be good to so many units in the last place.
    declared : bool
        The layer itself says so, and nothing is to be measured.
    scale : float or None
        The layer says that it is smooth, varies on this scale of x, and takes any shape.
    """

    def __init__(
        self, layer: Any, variable: Variable, function: Callable[[Any], Any] | None = None
    ) -> None:
        self.function: Callable[[Any], Any] = layer.forward if function is None else function
        self.at_complex: Callable[[Any], Any] = self.function
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

    def together(self, points: NDArray[Any], which: Indices) -> NDArray[Any]:
        """y[which] where x[which] is each row of `points`: one pass a row."""
        if self.scale is not None:  # any shape will do, and no other element need be there
            return np.array([self._alone(row) for row in points]).reshape(points.shape)
        found = []
        for row in points:
            x = self.x.astype(points.dtype)
            x[which] = row
            found.append(self(x)[which])
        return np.array(found).reshape(points.shape)

    def apart(self, points: NDArray[Any], which: Indices) -> NDArray[Any]:
        """All y where x[which[j]] alone is points[i, j], at [i, j]: one pass each."""
        found = []
        for row in points:
            for place, point in zip(which, row, strict=True):
                x = self.x.astype(points.dtype)
                x[place] = point
                found.append(self(x))
        return np.array(found).reshape(*points.shape, self.y.size)

    def takes_complex(self) -> tuple[bool, tuple[str, ...]]:
        """Return whether x may be complex, and what to say if not."""
        try:
            if np.iscomplexobj(self._pass(self.x.astype(np.complex128))):
                return True, ()
            said = "it gives real y"
        except Exception as error:  # of the layer, which need not know complex numbers
            said = str(error)
        return False, (f"forward takes no complex x ({said}); differences are central alone",)

    def _alone(self, row: NDArray[Any]) -> NDArray[Any]:
        function = self.function if np.isrealobj(row) else self.at_complex
        try:
            return _quietly(function, row)
        except Exception:  # as in __call__
            return np.full(row.shape, np.nan)

    def _pass(self, x: NDArray[Any]) -> Array:
        function = self.function if np.isrealobj(x) else self.at_complex
        return _quietly(function, self.variable.restored(x.copy()))


def _quietly(function: Callable[[Any], Any], points: NDArray[Any]) -> Array:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return output(function(points))


def _positive(declared: Any) -> float | None:
    """Return what a layer says of itself if it is a positive number; it may mean something else."""
    number = isinstance(declared, int | float) and 0 < declared < float("inf")
    return float(declared) if number else None


@dataclass(frozen=True)
class Rise:
    """By how much Σⱼ dout[j] · y[j] is larger at steps from x than at x.

    Attributes
    ----------
    rise, noise : ndarray of float64
        For each step, coordinate and dout, the rise, and by how much rounding may move its end;
        of shape (steps, coordinates, douts).
    centre_noise : ndarray of float64
        By how much rounding may move its start, of the same shape.
    parts : ndarray of float64
        |dout[j]| times the rise of y[j], by the first dout, one y after the other; of shape
        (steps, coordinates, size of y), or 1 where y[j] is that of its own coordinate.
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
        y[i] depends on x[i] alone, so that all coordinates are moved together; the section is
        then that of y itself, for a dout of 1.
    noise : ndarray of float64
        By how much each y may be off beside its units in the last place.
    grain : float
        How coarse a y may be that stands still.
    alone : bool
        Nothing else moves while a coordinate does, even where y acts element by element.
    """

    evaluator: Evaluator
    douts: Float64
    elementwise: bool
    noise: Float64
    grain: float
    alone: bool = False

    def unit(self, which: Indices) -> Float64:
        """Return the scale on which y may vary: what the layer says, or max(1, |x|).

        It is rounded down to a power of 2.
        """
        x, scale = self.evaluator.x[which], self.evaluator.scale
        return power_of_2(np.maximum(1, np.abs(x)) if scale is None else np.full(x.shape, scale))

    def _own(self, points: NDArray[Any], which: Indices) -> NDArray[Any]:
        """y[which] where x[which] is each row of `points`."""
        if not self.alone:
            return self.evaluator.together(points, which)
        return self.evaluator.apart(points, which)[:, np.arange(which.size), which]

    def of_what_stands_still(
        self, which: Indices, still: NDArray[np.bool_], step: Float64
    ) -> tuple[Float64, Float64]:
        """Return what the slopes of y that no step moved may be, by rounding and by the grain.

        `still` is of shape (coordinates, size of y), or 1 where y[j] is that of its coordinate,
        whose own rounding is known already; `step` is the largest that was taken.
        """
        width = np.maximum(1, np.abs(self.evaluator.x[which]))
        if self.elementwise:
            return np.zeros(which.shape), self.grain * still[:, 0] / width
        own = np.maximum(self.evaluator.ulps * _spacing(self.evaluator.y.reshape(-1)), self.noise)
        size = np.where(np.isfinite(own), np.abs(self.douts), 0)
        hidden = (size * np.where(np.isfinite(own), own, 0)) @ still.T / step
        return hidden, self.grain * (still @ size[0]) / width

    def rise(self, points: NDArray[Any], which: Indices) -> Rise:
        """Return the rises from x[which] to `points`, of shape (steps, coordinates)."""
        e = self.evaluator
        y0 = e.y.reshape(-1)
        with np.errstate(all="ignore"):
            if self.elementwise:
                y = self._own(points, which)[..., np.newaxis]
                y0 = y0[which][:, np.newaxis]
                weights, fine = np.ones((1, 1)), self.noise[which][:, np.newaxis]
            else:
                y, weights, fine = e.apart(points, which), self.douts, self.noise
            if np.iscomplexobj(points):  # the imaginary part, which is 0 at x
                y, y0, fine = np.imag(y), np.zeros(y0.shape), np.zeros(fine.shape)
            here = np.maximum(e.ulps * _spacing(y0), fine)
            there = np.maximum(e.ulps * _spacing(y), fine)
            rise = y.astype(np.float64) - y0
            still = (y == y0) | (np.isnan(y) & np.isnan(y0))  # inf − inf is no rise either
            rise = np.where(still, 0, rise)
            many = y.shape[-1]
            there, here = (
                np.where(still & (many > 1), 0, np.broadcast_to(noise, y.shape))
                for noise in (there, here)
            )
            size = np.abs(weights).T
            total = _weighed(rise, weights.T)
            rounding = 0 if many == 1 else np.spacing(_weighed(np.abs(rise), size))
            return Rise(
                total,
                _weighed(there, size) + rounding,
                _weighed(here, size),
                np.abs(weights[0]) * rise,
            )


def _weighed(values: NDArray[Any], weights: Float64) -> NDArray[Any]:
    """Values @ weights, but that a weight of 0 makes 0 of what is not finite."""
    if np.isfinite(values).all():
        return np.asarray(values @ weights)
    columns = [np.where(column == 0, 0, values * column).sum(axis=-1) for column in weights.T]
    return np.stack(columns, axis=-1)


def _spacing(y: NDArray[Any]) -> Float64:
    """Return the unit in the last place of each value, as its own type has it."""
    return np.asarray(np.spacing(np.abs(y)), np.float64)
