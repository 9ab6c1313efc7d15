"""What every layer promises, whatever it computes.

backward is linear in dout, gives the same dx when it is called twice for one forward, follows the
latest forward and not an earlier one, and changes neither x nor dout; dx has the shape of x and a
float type.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Array, Float64

_NEAR = 1e3  # two ways to one gradient may differ by so many units in the last place
_EARLY = "backward runs before any forward; an error is better, with no pass to go back through"
_STEP = 1e-4
_ANOTHER_SLOPE = (
    1e-4  # slopes that differ by more than this part are two, for all that _STEP misses
)
_LINEAR = 1e-2  # part of dx by which backward may be off from linear
_FITS = 1e-2  # relative error up to which a number counts as the gradient
_SEED = 3
_DOUTS = (1.5, -0.5, 3.0, -2.5, 0.7), (0.25, 2.0, -1.5)  # repeated, neither is a multiple


@dataclass(frozen=True)
class Passes:
    """Two passes of a layer, at another x and then at x, with the dx that backward gave.

    What a layer wrongly keeps of the first pass, such as its x, shows in the dx of the second.

    Attributes
    ----------
    layer : object
        With ``forward(x)`` and ``backward(dout)``.
    x, dout : ndarray
        The point and the upstream gradient.
    earlier : object or None
        What backward gave at another x; None if the layer does not take that.
    latest : object
        What backward gave at x.
    changed : tuple of str
        A sentence for each of x and dout that the layer changed.
    """

    layer: Any
    x: Array
    dout: Array
    earlier: Any
    latest: Any
    changed: tuple[str, ...]

    @classmethod
    def of(cls, layer: Any, x: Array, dout: Array) -> Passes:
        """Run the passes."""
        earlier, other = None, elsewhere(x)
        with suppress(Exception):  # another x may lie outside of the layer's domain
            layer.forward(other.copy())
            dx = _copied(layer.backward(dout.copy()))
            layer.forward(other.copy())  # left without a backward, as when a model is only used
            earlier = dx
        given_x, given_dout = x.copy(), dout.copy()
        layer.forward(given_x)
        after_forward = given_x.copy()
        latest = _copied(layer.backward(given_dout))
        unchanged = {
            "forward changes the x of its caller": (after_forward, x),
            "backward changes the dout of its caller": (given_dout, dout),
            "backward changes the x that forward was given": (given_x, after_forward),
        }
        changed = (sentence for sentence, pair in unchanged.items() if not _same(*pair))
        return cls(layer, x, dout, earlier, latest, tuple(changed))

    def gradient(self) -> tuple[Array, tuple[str, ...]]:
        """Return the latest dx as an array like x, NaN if it cannot be one, and what is wrong."""
        nowhere = np.full(self.x.shape, np.nan)
        if self.latest is None:
            return nowhere, ("backward returns nothing; expected dx",)
        dx = np.asarray(self.latest)
        if dx.dtype.kind not in "fiub":
            return nowhere, (f"backward gives a dx of {dx.dtype}; expected a float type",)
        if dx.shape != self.x.shape:
            shapes = f"backward gives a dx of shape {dx.shape} where x has {self.x.shape}"
            return nowhere, (f"{shapes}; expected the same shape",)
        if dx.dtype.kind != "f" or dx.dtype.itemsize > 8:
            wide = dx.astype(np.float64)
            return wide, (
                f"backward gives a dx of {dx.dtype}; expected float16, float32 or float64",
            )
        return dx.astype(dx.dtype.newbyteorder("=")), ()

    def earlier_gradient(self) -> Float64 | None:
        """Return the dx of the earlier pass; None if there was none, or none like x."""
        like_x = np.shape(self.earlier) == self.x.shape
        real = np.asarray(self.earlier).dtype.kind in "fiub"
        return np.asarray(self.earlier, np.float64) if like_x and real else None

    def earlier_is_right(self, noise: float) -> bool:
        """Return whether the dx of the earlier pass is the slope there along one direction.

        If not, as where backward gives the same numbers for all x, a later dx that equals it does
        not show which pass it follows. `noise` is by how much rounding may move the loss.
        """
        earlier = self.earlier_gradient()
        if earlier is None:
            return False
        parts = 2 * self._step() * earlier
        off = abs(self._rises[1] - parts.sum())
        return bool(off <= _FITS * np.abs(parts).sum() + 2 * noise)

    def depends_on_x(self, noise: float) -> bool:
        """Return whether the loss is known to have another slope at x than at the earlier x."""
        if self.earlier is None:
            return False
        here, there = self._rises
        return abs(here - there) > _ANOTHER_SLOPE * max(abs(here), abs(there)) + 4 * noise

    def _step(self) -> Float64:
        """Return the step of each x[i], to one side and of a seeded length."""
        step = _STEP * np.maximum(1, np.abs(self.x.astype(np.float64)))
        return np.asarray(step * np.random.default_rng(_SEED).uniform(0.5, 1, self.x.shape))

    @cached_property
    def _rises(self) -> tuple[float, float]:
        """How much larger the loss is a step after x than before it; the same at the earlier x."""
        return self._rise(self.x), self._rise(elsewhere(self.x))

    def _rise(self, x: Array) -> float:
        """Return loss(x + step) − loss(x − step); NaN if that leaves the layer's domain."""
        step = self._step()
        try:
            up, down = (np.array(self.layer.forward(x + h), np.float64) for h in (step, -step))
            return float(np.sum(self.dout * (up - down)))
        except Exception:  # as math.log raises
            return float("nan")

    def broken(self, *, wrong: bool, ignores_dout: bool, noise: float) -> tuple[str, ...]:
        """Return the promises that the layer breaks; `wrong` says that its gradient is.

        `noise` is by how much rounding may move the loss.
        """
        gradient, malformed = self.gradient()
        if malformed:
            return self.changed
        broken = list(self.changed)
        stale = wrong and _near(self.earlier, gradient, 0.0)
        if stale and self.depends_on_x(noise) and self.earlier_is_right(noise):
            broken.append("backward follows an earlier forward, not the latest")
        again = self._after_forward(self.dout, self.dout)
        if isinstance(again, Exception):
            raised = f"{type(again).__name__}: {again}".rstrip(": ")
            return (*broken, f"backward cannot be called twice for one forward: {raised}")
        if not all(_near(dx, gradient, np.abs(gradient)) for dx in again):
            broken.append("backward gives another dx when it is called again for the same pass")
        elif not (ignores_dout or self._is_linear(noise)):
            broken.append("backward is not linear in dout: a sum of two gives another dx")
        return tuple(broken)

    def _is_linear(self, noise: float) -> bool:
        """Return whether dx(0) is 0, and dx(first − 4 · second) is dx(first) − 4 · dx(second).

        That is asked for to 1 %, and to the rounding that may be all there is of a dx that cancels;
        what is off by less shows as a wrong gradient.
        """
        first, second = (
            np.resize(numbers, self.dout.shape).astype(self.dout.dtype) for numbers in _DOUTS
        )
        douts = (first, second, first - 4 * second, 0 * first)
        answers = [self._after_forward(dout) for dout in douts]
        if any(isinstance(answer, Exception) for answer in answers):
            return False
        one, other, both, none = (np.asarray(answer[0], np.float64) for answer in answers)
        if not one.shape == other.shape == both.shape or np.any(none[np.isfinite(none)]):
            return False
        size = np.abs(one) + 4 * np.abs(other)
        # Slopes are noise over x.
        width = np.max(np.abs(self.x), where=np.isfinite(self.x), initial=0.0)
        lost = noise / (float(width) or 1.0) if np.isfinite(noise) else 0.0
        rounding = _NEAR * (lost + float(np.finfo(self.dout.dtype).smallest_subnormal))
        allowed = _LINEAR * np.max(size, where=np.isfinite(size), initial=0.0) + rounding
        off = np.abs(both - one + 4 * other)
        return bool(np.all((off <= allowed) | ~np.isfinite(off)))

    def _after_forward(self, *douts: Array) -> Any:
        """Return the dx of several backward after one forward, or what one of them raised."""
        self.layer.forward(self.x.copy())
        try:
            return [_copied(self.layer.backward(dout.copy())) for dout in douts]
        except Exception as error:  # it is reported as a broken promise
            return error


def elsewhere(x: Array) -> Array:
    """Return another point like x: its elements in reverse times 0.75, as (3, 4) for (5.33, 4).

    It is 0.5 where both x[i] and its mirror are 0.
    """
    other = x.reshape(-1)[::-1].reshape(x.shape) * 0.75
    return np.where((other == 0) & (x == 0), 0.5, other).astype(x.dtype)


def visit(layer: Any, x: Array) -> None:
    """Run forward at another x, so that a layer that keeps its first pass for good is found out."""
    with suppress(Exception):  # another x may lie outside of the layer's domain
        layer.forward(elsewhere(x))


def advice_on_order(layer: Any, x: Array) -> tuple[str, ...]:
    """Return advice if a new layer runs backward before any forward."""
    try:
        layer.backward(np.ones(x.shape, x.dtype))
    except Exception:  # as it should
        return ()
    return (_EARLY,)


def ignores_dout(layer: Any, x: Array, dout: Array) -> bool:
    """Return whether backward gives the same dx, not all 0, for any dout."""
    answers = []
    for factor in (1, 2):
        layer.forward(x.copy())
        answers.append(_copied(layer.backward((factor * dout).astype(dout.dtype))))
    dx, by_twice_dout = answers
    known = dx is not None and dx.dtype.kind in "fiub" and np.all(np.isfinite(dx))
    return bool(known and np.any(dx)) and _same(dx, by_twice_dout)


def _copied(dx: Any) -> Any:
    """Return a copy of what backward gave, which the layer or its caller may change later."""
    try:
        return None if dx is None else np.array(dx)
    except ValueError:  # lists of unequal lengths
        return np.array(None)


def _same(first: Any, second: Any) -> bool:
    floats = all(np.asarray(each).dtype.kind in "fc" for each in (first, second))
    return bool(np.array_equal(first, second, equal_nan=floats))


def _near(first: Any, second: Any, size: Any) -> bool:
    """Return whether two gradients are equal but for the rounding of numbers of some `size`."""
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        return False
    limits = np.finfo(first.dtype if first.dtype.kind == "f" else np.float64)
    largest = np.max(np.where(np.isfinite(size), size, 0.0))
    allowed = _NEAR * (float(limits.eps) * largest + float(limits.smallest_subnormal))
    close = np.abs(first - second) <= allowed
    return bool(np.all(close | (first == second) | (~np.isfinite(first) & ~np.isfinite(second))))
