"""What every layer must keep, whatever it computes.

backward is linear in dout, gives the same answer twice for the same pass, follows the latest
forward and not an earlier one, and changes neither x nor dout; dx has the shape of x and a float
type.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

_NEAR = 1e3  # units in the last place that two ways to one gradient may differ by
_EARLY = "backward runs before any forward; an error is better, with no pass to go back through"
_STEP = 1e-4
_APART = 1e-4  # of the slope, above what a difference with this step misses
_LINEAR = 1e-2  # of dx
_FITS = 1e-2  # of the slope; what is no gradient at all is farther off
_SEED = 3
_DOUTS = (1.5, -0.5, 3.0, -2.5, 0.7), (0.25, 2.0, -1.5)  # of which none is a multiple of the other


@dataclass(frozen=True)
class Passes:
    """Passes of a layer: one somewhere else, then one at x, as backward gave their dx.

    Whatever a layer keeps of an earlier pass then shows in the dx of the later.

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
        Which of x and dout were changed.
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
        earlier = None
        other = elsewhere(x)
        try:
            layer.forward(other.copy())
            earlier = _kept(layer.backward(dout.copy()))
            layer.forward(other.copy())  # left without a backward, as when a model is only used
        except Exception:  # another x may lie outside of the layer's domain
            earlier = None
        own_x, own_dout = x.copy(), dout.copy()
        layer.forward(own_x)
        changed, left = [], own_x.copy()
        if not _same(left, x):
            changed.append("forward changes the x of its caller")
        latest = _kept(layer.backward(own_dout))
        if not _same(own_dout, dout):
            changed.append("backward changes the dout of its caller")
        if not _same(own_x, left):
            changed.append("backward changes the x that forward was given")
        return cls(layer, x, dout, earlier, latest, tuple(changed))

    def gradient(self) -> tuple[Array, tuple[str, ...]]:
        """Return the latest dx as an array like x, NaN if it cannot be one, and what is wrong."""
        nowhere = np.full(self.x.shape, np.nan)
        if self.latest is None:
            return nowhere, ("backward returns nothing; dx is right",)
        dx = np.asarray(self.latest)
        if dx.dtype.kind not in "fiub":
            return nowhere, (f"backward gives a dx of {dx.dtype}; a float type is right",)
        if dx.shape != self.x.shape:
            shapes = f"backward gives a dx of shape {dx.shape} where x has {self.x.shape}"
            return nowhere, (f"{shapes}; the same shape is right",)
        if dx.dtype.kind != "f" or dx.dtype.itemsize > 8:
            wide = dx.astype(np.float64)
            return wide, (f"backward gives a dx of {dx.dtype}; float16, 32 or 64 are right",)
        return dx.astype(dx.dtype.newbyteorder("=")), ()

    def earlier_gradient(self) -> NDArray[np.float64] | None:
        """Return the dx of the earlier pass, if there was one like it."""
        like_x = np.shape(self.earlier) == self.x.shape
        real = np.asarray(self.earlier).dtype.kind in "fiub"
        return np.asarray(self.earlier, np.float64) if like_x and real else None

    def earlier_is_right(self, noise: float) -> bool:
        """Return whether the dx of the earlier pass is the slope there along one direction.

        What a wrong backward gives anywhere, such as the same numbers for all x, tells nothing of
        which pass it follows. `noise` is by how much rounding may move the loss.
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
        return abs(here - there) > _APART * max(abs(here), abs(there)) + 4 * noise

    def _step(self) -> NDArray[np.float64]:
        step = _STEP * np.maximum(1, np.abs(self.x.astype(np.float64)))
        return np.asarray(step * np.random.default_rng(_SEED).uniform(0.5, 1, self.x.shape))

    @cached_property
    def _rises(self) -> tuple[float, float]:
        """By how much the loss rises at x, and at the earlier x."""
        return self._rise(self.x), self._rise(elsewhere(self.x))

    def _rise(self, x: Array) -> float:
        """Return by how much the loss is larger a step after x than before; NaN if unknown."""
        step = self._step()
        try:
            up, down = (np.array(self.layer.forward(x + h), np.float64) for h in (step, -step))
            return float(np.sum(self.dout * (up - down)))
        except Exception:  # a step may leave the domain, where math.log raises
            return float("nan")

    def broken(self, *, wrong: bool, ignores_dout: bool, noise: float) -> tuple[str, ...]:
        """Return the promises that the layer breaks; `wrong` says that its gradient is.

        `noise` is by how much rounding may move the loss.
        """
        gradient, malformed = self.gradient()
        if malformed:
            return self.changed
        found = list(self.changed)
        stale = wrong and _near(self.earlier, gradient, 0.0)
        if stale and self.depends_on_x(noise) and self.earlier_is_right(noise):
            found.append("backward follows an earlier forward, not the latest")
        again = self._after_forward(self.dout, self.dout)
        if isinstance(again, Exception):
            said = f"{type(again).__name__}: {again}".rstrip(": ")
            return (*found, f"backward cannot be called twice for one forward: {said}")
        if not all(_near(dx, gradient, np.abs(gradient)) for dx in again):
            found.append("backward gives another dx when it is called again for the same pass")
        elif not (ignores_dout or self._is_linear(noise)):
            found.append("backward is not linear in dout: a sum of two gives another dx")
        return tuple(found)

    def _is_linear(self, noise: float) -> bool:
        """Return whether dx(0) is 0, and dx(first − 4 · second) is dx(first) − 4 · dx(second).

        The latter to a hundredth, and but for rounding, which may be all there is of a dx that
        cancels; what is off by less shows as a wrong gradient.
        """
        first, second = (
            np.resize(numbers, self.dout.shape).astype(self.dout.dtype) for numbers in _DOUTS
        )
        douts = (first, second, first - 4 * second, 0 * first)
        found = [self._after_forward(dout) for dout in douts]
        if any(isinstance(dx, Exception) for dx in found):
            return False
        one, other, both, none = (np.asarray(dx[0], np.float64) for dx in found)
        if not one.shape == other.shape == both.shape or np.any(none[np.isfinite(none)]):
            return False
        size = np.abs(one) + 4 * np.abs(other)
        lost = noise / self._width() if np.isfinite(noise) else 0.0
        rounding = _NEAR * (lost + float(np.finfo(self.dout.dtype).smallest_subnormal))
        allowed = _LINEAR * np.max(size, where=np.isfinite(size), initial=0.0) + rounding
        off = np.abs(both - one + 4 * other)
        return bool(np.all((off <= allowed) | ~np.isfinite(off)))

    def _width(self) -> float:
        """Return how large x is, for slopes that are y over x."""
        return float(np.max(np.abs(self.x), where=np.isfinite(self.x), initial=0.0)) or 1.0

    def _after_forward(self, *douts: Array) -> Any:
        """Return what several backward after one forward give, or what one of them raised."""
        self.layer.forward(self.x.copy())
        try:
            return [_kept(self.layer.backward(dout.copy())) for dout in douts]
        except Exception as error:  # it is reported as the promise that it breaks
            return error


def elsewhere(x: Array) -> Array:
    """Return another point of x's shape and sign: its elements in reverse, a little smaller.

    Where both are 0 it is not.
    """
    other = x.reshape(-1)[::-1].reshape(x.shape) * 0.75
    return np.where((other == 0) & (x == 0), 0.5, other).astype(x.dtype)


def visit(layer: Any, x: Array) -> None:
    """Run forward at another x first, so that a layer that keeps its first pass for good shows."""
    with suppress(Exception):  # another x may lie outside of the layer's domain
        layer.forward(elsewhere(x))


def advice_on_order(layer: Any, x: Array) -> tuple[str, ...]:
    """Return what to say of a new layer that runs backward before any forward."""
    try:
        layer.backward(np.ones(x.shape, x.dtype))
    except Exception:  # as it should
        return ()
    return (_EARLY,)


def ignores_dout(layer: Any, x: Array, dout: Array) -> bool:
    """Return whether backward gives the same dx, not all 0, for any dout."""
    found = []
    for factor in (1, 2):
        layer.forward(x.copy())
        found.append(_kept(layer.backward((factor * dout).astype(dout.dtype))))
    known = found[0] is not None and found[0].dtype.kind in "fiub" and np.all(np.isfinite(found[0]))
    return bool(known and np.any(found[0])) and _same(found[0], found[1])


def _kept(dx: Any) -> Any:
    """Return a copy of what backward gave, which may be the layer's own, or its caller's."""
    try:
        return None if dx is None else np.array(dx)
    except ValueError:  # lists of unequal lengths
        return np.array(None)


def _same(first: Any, second: Any) -> bool:
    equal: Callable[..., bool] = np.array_equal
    kinds = {np.asarray(each).dtype.kind for each in (first, second)}
    return equal(first, second, equal_nan=kinds <= set("fc"))


def _near(first: Any, second: Any, size: Any) -> bool:
    """Return whether two gradients are equal but for the rounding of numbers of some `size`."""
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        return False
    kind = first.dtype
    limits = np.finfo(kind if kind.kind == "f" else np.float64)
    largest = np.max(np.where(np.isfinite(size), size, 0.0))
    allowed = _NEAR * (float(limits.eps) * largest + float(limits.smallest_subnormal))
    close = np.abs(first - second) <= allowed
    return bool(np.all(close | (first == second) | (~np.isfinite(first) & ~np.isfinite(second))))
