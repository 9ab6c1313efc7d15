r"""The numeric gradient of any layer: differences of its forward pass, coordinate by coordinate.

For each x[i] all of y is differentiated at once, each ∂y[j]/∂x[i] with a bound of its own; then
dx[i] = Σⱼ dout[j] · ∂y[j]/∂x[i], and the bounds add up. A layer that is shown to act element by
element needs one pass for all x[i] together in place of one for each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import comb
from typing import Any

import numpy as np

from ..arrays.convert import real
from ..errors import DtypeError, ShapeError
from .differences import (
    UNIT_LADDER,
    Array,
    Derivative,
    Float64,
    Ladder,
    Rung,
    Samples,
    blocks,
    derivative,
    differentiate,
    imaginary,
    rungs_of,
)

# A ratio of 2 would see a wave of half the smallest step as if it did not move, for then all steps
# are multiples of it: on sin(ωx) with ω of 10⁹ that fooled one check in fifty. The first ladder
# settles most gradients; the second is for those it leaves open. Its steps, and those of the
# third, reach down to 10⁻⁸ of their unit.
_QUICK = Ladder(first=1 / 8, ratio=1.9, rungs=11)
_FULL = Ladder(first=1 / 2, ratio=1.9, rungs=28)
_IMAGINARY = Ladder(first=1 / 16, ratio=4.0, rungs=32)
_COLUMNS = 2**13  # derivatives of one y by one x that are extrapolated together
_ULPS = 4.0  # what a function's values are taken to be good for unless the layer says otherwise
_SEED = 5
_NOISE_STEP = 2.0**-22  # of x
_AROUND = 0.8, 1.25  # times the step at which a y first jumps; one of them is on the same stair
_HALVINGS, _LEAP = 40, 1e3  # of the way to where a y leaves 0, and how much steeper it gets
_NEAR = 0.25  # of x
_TERMS = 16  # times x, or 1: how large the terms may be of which nothing is left in y
_SURE = 64  # units in the last place, beside which the rounding of what is compared is small
_MOST_NOISE = 1e-6  # of the largest y
_GRAIN = 64  # units in the last place, where that is coarser
_DEVIATIONS = 6  # of the noise, which a few values show only roughly


class Forward:
    """A layer's forward pass as a function of float64, NaN where it raises.

    Attributes
    ----------
    x : ndarray of float64
        Where it is differentiated.
    y : ndarray
        The value there.
    ulps : float
        The values are good to so many units in the last place.
    noise : ndarray of float64
        By how much they are off beside that, for each y.
    scale : float or None
        The layer says that it is smooth, and varies on this scale of x.
    elementwise : bool
        y[i] depends on x[i] alone, as was shown.
    """

    def __init__(
        self,
        layer: Any,
        x: Array,
        function: Callable[[Any], Any] | None = None,
        like: Forward | None = None,
    ) -> None:
        self.function = layer.forward if function is None else function
        self.x = x.astype(np.float64)
        self.y = self._values(self.x.copy())
        self.scale = _positive(getattr(layer, "smooth_scale", None))
        declared = _positive(getattr(layer, "ulps", None))
        self.ulps = declared or _ULPS
        self.measured = declared is None
        self.noise = _noise(self) if self.measured else np.zeros(self.y.shape)
        self.elementwise: bool = _elementwise(self) if like is None else like.elementwise
        self.at_complex: Callable[[Any], Any] = self.function

    def __call__(self, points: Any, shape: tuple[int, ...] | None = None) -> Array:
        """Return y at `points`, of its own shape unless another is due; NaN where there is none."""
        shape = self.y.shape if shape is None else shape
        try:
            y = self._values(points)
        except Exception:  # a step may leave the domain, where math.log raises
            return np.full(shape, np.nan, self.y.dtype)
        return y if y.shape == shape else np.full(shape, np.nan, self.y.dtype)

    @cached_property
    def dead(self) -> Any:
        """Which y are 0 for good, as on the dead side of ReLU; none that are known to vary."""
        if self.scale is not None:
            return np.zeros(self.y.shape, bool)
        return (self.y == 0) & ~_leaps(self) if self.elementwise else self.y == 0

    @cached_property
    def movement(self) -> Float64:
        """How fast each y moves on average over all x, along a seeded direction."""
        signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], self.x.shape)
        step = np.maximum(1, np.abs(self.x)) * 2.0**-10
        with np.errstate(all="ignore"):
            change = np.abs(self(self.x + signs * step).astype(np.float64) - self.y)
            average = np.divide(change.reshape(-1), np.max(step) * self.x.size)
        return np.where(np.isfinite(average), average, 0.0)

    @cached_property
    def grain(self) -> float:
        """How coarse y may be where it stands still; 0 if the layer says what it is.

        That is the rounding of the largest y, or what noise another y shows; if all are 0, that
        of what y may be the difference of, such as x · (1 + tanh(x)) at −7.
        """
        if not self.measured:
            return 0.0
        finite = np.abs(self.y[np.isfinite(self.y)].astype(np.float64))
        x = np.abs(self.x[np.isfinite(self.x)])
        largest = float(finite.max(initial=0)) or _TERMS * float(x.max(initial=1))
        own = self.ulps * float(np.finfo(self.y.dtype).eps) * largest
        return 2 * max(own, float(self.noise[np.isfinite(self.noise)].max(initial=0)))

    def loss_noise(self, dout: Array) -> float:
        """Return by how much rounding may move Σⱼ dout[j] · y[j]."""
        unit = np.spacing(np.abs(self.y)).astype(np.float64)
        return float(np.sum(np.abs(dout) * (self.ulps * unit + self.noise)))

    def blocks(self, chosen: Any) -> list[Any]:
        """Return the chosen coordinates in blocks of what is differentiated together."""
        if not self.elementwise:
            size = max(1, _COLUMNS // max(1, self.y.size))
        else:  # a layer that knows its scale takes any shape; others take all of x each time
            size = _COLUMNS if self.scale is not None else len(chosen)
        return [chosen[start : start + size] for start in range(0, len(chosen), size)]

    def takes_complex(self, layer: Any) -> tuple[bool, tuple[str, ...]]:
        """Return whether imaginary steps can be taken, and what to say if not."""
        self.at_complex = getattr(layer, "at_complex", self.function)
        try:
            if np.iscomplexobj(self._values(self.x.astype(np.complex128))):
                return True, ()
            said = "it gives real y"
        except Exception as error:  # of the layer, which need not know complex numbers
            said = str(error)
        return False, (f"forward takes no complex x ({said}); differences are central alone",)

    def _values(self, points: Any) -> Array:
        function = self.function if np.isrealobj(points) else self.at_complex
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return output(function(points))


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


@dataclass(frozen=True)
class Slopes:
    """The numeric gradient by each of several dout; all arrays of n coordinates.

    Attributes
    ----------
    numeric, bound : ndarray of float64
        Of shape (number of dout, n); all else is by the first dout.
    scale : ndarray of float64
        Σⱼ |dout[j] · ∂y[j]/∂x[i]|, what a gradient that cancels is judged by.
    reach : ndarray of float64
        The same of how y moves to both sides of x[i], or, where x[i] moves none, by the rest of
        x: what a gradient of 0 is judged by.
    floor : ndarray of float64
        What is lost of the slope of each y that does not move, if it has the rounding of the
        largest: y may be a small difference, and its own last place far finer.
    moved, at_rest, zero : ndarray of bool
        Whether x[i] moves any y at all; whether the slope of every y comes out as exactly 0;
        whether every y is exactly 0 and does not move.
    kink : ndarray of bool
        Whether the slopes to the left and to the right differ.
    left, right : ndarray of float64
        The gradient by the slopes to either side.
    curvature, its_bound : ndarray of float64
        Σⱼ dout[j] · ∂²y[j]/∂x[i]², roughly, and how rough.
    """

    numeric: Float64
    bound: Float64
    scale: Float64
    reach: Float64
    floor: Float64
    moved: Any
    at_rest: Any
    zero: Any
    kink: Any
    left: Float64
    right: Float64
    curvature: Float64
    its_bound: Float64

    def at(self, chosen: Any) -> Slopes:
        """Return the slopes of some of the coordinates."""
        return Slopes(*(getattr(self, field.name)[..., chosen] for field in fields(self)))

    def widened(self, other: Slopes) -> Slopes:
        """Return these slopes with bounds that include the `other` ones where the two disagree.

        Neither bound can then be trusted alone.
        """
        with np.errstate(all="ignore"):
            apart, both = np.abs(self.numeric - other.numeric), self.bound + other.bound
            return replace(self, bound=np.where(apart > both, apart + both, self.bound))

    def where(self, ours: Any, other: Slopes) -> Slopes:
        """Return these slopes where `ours`, and the `other` ones elsewhere."""
        return Slopes(
            *(
                np.where(ours, getattr(self, field.name), getattr(other, field.name))
                for field in fields(self)
            )
        )

    @classmethod
    def joined(cls, parts: Sequence[Slopes]) -> Slopes:
        """Return the slopes of several blocks of coordinates as one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(p, name) for p in parts], axis=-1) for name in names))


def slopes(
    forward: Forward,
    chosen: Any,
    douts: Float64,
    settled: Callable[[Slopes, Any], Any],
    *,
    imaginary_steps: bool = False,
) -> Slopes:
    """Return the numeric gradient at a block of coordinates.

    Parameters
    ----------
    forward : Forward
        The pass to differentiate.
    chosen : ndarray of int
        The coordinates, as flat indices into x; one of ``forward.blocks``.
    douts : ndarray of float64
        Upstream gradients, of shape (number of dout, size of y).
    settled : callable
        Says of slopes and their flat indices which need no further differences.
    imaginary_steps : bool
        Also take steps along the imaginary axis, where they agree with the real ones.
    """
    if forward.elementwise and forward.scale is not None:
        x = forward.x.reshape(-1)[chosen]
        found = derivative(forward.function, x, ulps=forward.ulps, unit=forward.scale)
        if imaginary_steps:
            found = _confirmed(forward, found, chosen, _together)
        return _weighed(found, douts[:, chosen, np.newaxis], forward, chosen, 0.0)
    sample = _together if forward.elementwise else _apart
    other = np.zeros(1) if forward.elementwise else forward.movement

    def by_ladder(ladder: Ladder, unit: Float64, which: Any) -> Slopes:
        samples = sample(forward, which, ladder.steps(unit))
        columns = [
            differentiate(samples.columns(part), ladder.ratio, forward.ulps)
            for part in blocks(samples.x.size)
        ]
        found = Derivative.joined(columns)
        if imaginary_steps:
            found = _confirmed(forward, found, which, sample)
        weights = douts[:, which, np.newaxis] if forward.elementwise else douts[:, np.newaxis]
        return _weighed(found, weights, forward, which, other)

    return _by_ladders(forward.x.reshape(-1), chosen, by_ladder, settled)


def _by_ladders(
    x: Float64,
    block: Any,
    by_ladder: Callable[[Ladder, Float64, Any], Slopes],
    settled: Callable[[Slopes, Any], Any],
) -> Slopes:
    """Return the slopes of a block, by one ladder after the other until they are settled.

    The last goes down from the size of x itself, for functions such as log near 0.
    """
    unit = np.maximum(1, np.abs(x))
    found = by_ladder(_QUICK, unit[block], block)
    for ladder, units in ((_FULL, unit), (_FULL, np.abs(x))):
        open_ = ~settled(found, block) & (units[block] > 0)
        if units is not unit:
            open_ &= units[block] < 1
        if open_.any():
            more = by_ladder(ladder, units[block[open_]], block[open_])
            before = found.at(open_)
            smaller = ~(more.bound[0] >= before.bound[0]) | settled(more, block[open_])
            better = more.widened(before).where(smaller, before.widened(more))
            for field in fields(Slopes):
                getattr(found, field.name)[..., open_] = getattr(better, field.name)
    return found


def _together(forward: Forward, chosen: Any, steps: Any) -> Samples:
    """Return samples of an elementwise layer, all chosen elements moving at once."""
    flat, shape = forward.x.reshape(-1), forward.x.shape

    def values(points: Any) -> Array:
        if forward.scale is not None:
            return np.array([forward(row, row.shape) for row in points])  # any shape will do
        whole = np.repeat(flat[np.newaxis], len(points), axis=0).astype(points.dtype)
        whole[:, chosen] = points
        return np.array([forward(row.reshape(shape)).reshape(-1)[chosen] for row in whole])

    up, down = flat[chosen] + steps, flat[chosen] - steps
    f_down = values(down) if np.isrealobj(steps) else np.zeros(0)
    return Samples(
        flat[chosen],
        forward.y.reshape(-1)[chosen],
        up,
        down,
        values(up),
        f_down,
        forward.noise.reshape(-1)[chosen],
    )


def _apart(forward: Forward, chosen: Any, steps: Any) -> Samples:
    """Return samples of any layer, one coordinate moving at a time: a column for each x and y."""
    flat, many = forward.x.reshape(-1), forward.y.size
    up, down = flat[chosen] + steps, flat[chosen] - steps

    def values(points: Any) -> Array:
        found = np.empty((*points.shape, many), _kind(forward, points))
        for at in np.ndindex(points.shape):
            moved = flat.astype(points.dtype)
            moved[chosen[at[1]]] = points[at]
            found[at] = forward(moved.reshape(forward.x.shape)).reshape(-1)
        return found.reshape(len(points), -1)

    f_down = values(down) if np.isrealobj(steps) else np.zeros(0)
    return Samples(
        np.repeat(flat[chosen], many),
        np.tile(forward.y.reshape(-1), len(chosen)),
        np.repeat(up, many, axis=1),
        np.repeat(down, many, axis=1),
        values(up),
        f_down,
        np.tile(forward.noise.reshape(-1), len(chosen)),
    )


def _kind(forward: Forward, points: Any) -> Any:
    return forward.y.dtype if np.isrealobj(points) else np.complex128


def _confirmed(
    forward: Forward, found: Derivative, chosen: Any, sample: Callable[..., Samples]
) -> Derivative:
    """Return the derivative by imaginary steps where that by real ones does not contradict it.

    Code that takes absolute values, compares, or drops imaginary parts gives another function of
    complex numbers, and so other slopes, than of real ones.
    """
    unit = np.maximum(1, np.abs(forward.x.reshape(-1)[chosen]))
    steps = _IMAGINARY.steps(unit)
    samples = sample(forward, chosen, 1j * steps)
    height = np.broadcast_to(steps[:, :, np.newaxis], (*steps.shape, samples.x.size // len(chosen)))
    return imaginary(found, samples, height.reshape(len(steps), -1), _IMAGINARY.ratio, forward.ulps)


def _weighed(
    found: Derivative, weights: Float64, forward: Forward, chosen: Any, other: Any
) -> Slopes:
    """Return Σⱼ dout[j] · ∂y[j]/∂x[i] for each dout.

    `weights` is of shape (number of dout, n or 1, columns for each x).
    """
    many = found.value.size // len(chosen)
    value, bound, moved, near, reach, left, right, curvature, its_bound = (
        getattr(found, field.name).reshape(-1, many) for field in fields(Derivative)
    )
    size, x = np.abs(weights[0]), forward.x.reshape(-1)[chosen, np.newaxis]
    nought = forward.y.reshape(-1) == 0
    nought = nought[chosen, np.newaxis] if forward.elementwise else nought
    dead = ~moved & nought
    if dead.any():
        good = forward.dead.reshape(-1)
        dead &= good[chosen, np.newaxis] if forward.elementwise else good
    with np.errstate(all="ignore"):

        def total(weight: Float64, of: Any) -> Any:
            return np.where(weight == 0, 0.0, weight * of).sum(axis=-1)

        numeric = np.array([total(weight, value) for weight in weights])
        bounds = np.array([total(np.abs(weight), bound) for weight in weights])
        rounding = np.array([total(np.abs(weight), np.abs(value)) for weight in weights])
        bounds += np.where(rounding == 0, 0, np.spacing(rounding) * (1 + np.log2(many)))
        bent = np.isfinite(left)
        kink = (bent & (size != 0)).any(axis=1)
        left, right = (total(weights[0], np.where(bent, side, value)) for side in (left, right))
        farther = np.maximum(np.abs(left - numeric[0]), np.abs(right - numeric[0]))
        bounds[0] += np.where(kink, farther, 0)
        return Slopes(
            numeric,
            bounds,
            rounding[0],
            np.where(
                (near & (size != 0)).any(axis=1),
                total(size, np.where(near, reach, 0)),
                total(size, other),
            ),
            total(size, np.where(near, 0, forward.grain / np.maximum(1, np.abs(x)))),
            (moved & (size != 0)).any(axis=1),
            ((value == 0) | (size == 0)).all(axis=1),
            (dead | (size == 0)).all(axis=1),
            kink,
            left,
            right,
            total(weights[0], np.where(bent, 0, curvature)),
            total(size, its_bound),
        )


def _positive(declared: Any) -> float | None:
    """Return what a layer says of itself if it is a positive number; it may mean something else."""
    number = isinstance(declared, int | float) and 0 < declared < float("inf")
    return float(declared) if number else None


def _noise(forward: Forward) -> Float64:
    """Return by how much rounding inside of the layer moves each y; inf where it is no rounding."""
    x, y = forward.x, np.abs(forward.y.astype(np.float64))
    size = float(y[np.isfinite(y)].max(initial=0))
    most = size * max(_MOST_NOISE, _GRAIN * float(np.finfo(forward.y.dtype).eps))
    direction = np.abs(x) * np.random.default_rng(_SEED).uniform(0.5, 1, x.shape)
    with np.errstate(all="ignore"):
        random = _random(forward, direction, size or 1.0)
        stairs = np.maximum(_stairs(forward, direction), _stairs(forward, -0.7 * direction))
        noise = np.maximum(np.where(random > most, np.inf, random), stairs)
        # All y of a layer are computed in one precision, though it does not show in each.
        usual = np.median(np.where(np.isfinite(noise / y), noise / y, 0.0))
        return np.asarray(np.maximum(noise, np.nan_to_num(usual / 2 * y)))


def _random(forward: Forward, direction: Float64, size: float) -> Float64:
    """Return how much each y varies beside what a smooth function would.

    x goes eight small steps. High differences of a smooth function are then nothing but noise:
    the mean square of the fourth is the noise's, times 8! / (4!)², that of the sixth, times
    12! / (6!)². The steps are larger than the units of float32, in which a layer may compute
    though its y are float64, and never reach across 0. A kink lies on one side of x only, and
    then the other is believed. What is larger than the rounding of float32 is a wave finer than
    the steps; to take it for noise would be to take its slope for 0.

    Reference: J. Moré and S. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33
    (2011), 1292–1314.
    """
    sides = []
    for step in (_NOISE_STEP * direction, -_NOISE_STEP * direction):
        values = np.array([forward(forward.x + k * step) for k in range(9)], np.float64) / size
        found = []
        for order in (4, 6):
            high = np.diff(values - values[0], n=order, axis=0)
            found.append(np.sqrt(np.mean(high**2, axis=0) / comb(2 * order, order)))
        sides.append(np.fmin(*found))
    low, high = np.fmin(*sides), np.fmax(*sides)
    return np.asarray(_DEVIATIONS * size * np.nan_to_num(np.where(high > 10 * low, low, high)))


def _stairs(forward: Forward, direction: Float64) -> Float64:
    """Return how high the first stair of each y is.

    A y that holds a small difference of large numbers, such as log(1 + exp(x)) at −30 or
    x · (1 + tanh(x)) at −8, moves by their last place at once; to steps too small for that it
    looks flat, or as straight as the rest of it. From one step to the next, four times as large,
    y must then move by another amount than four times as much, though beyond the stair its slope
    is what it was; beyond a kink, or where y is curved, it is another.
    """

    def change(steps: float) -> Float64:
        return forward(forward.x + steps * direction).astype(np.float64) - forward.y

    own = _SURE * np.spacing(np.abs(forward.y)).astype(np.float64)
    height, last = np.zeros(forward.y.shape), change(2.0**-52)
    even = np.ones(forward.y.shape, bool)
    for steps in (2.0**power for power in (*range(-50, -1, 2), -1, 0)):
        moved = change(steps)
        off = np.abs(moved - 4 * last)
        first = even & (off > own)
        if steps > _NEAR:  # so far off, a y that has moved may have met several kinks
            first &= last == 0
        if np.any(first):
            beyond = [(change(factor * steps) - moved) / (factor - 1) for factor in _AROUND]
            bend = np.fmin(*(np.abs(slope - 4 * last) for slope in beyond))
            height = np.where(first & (bend < off / 2), off, height)
        even, last = even & ~first & np.isfinite(moved), moved
    return 2 * height


def _leaps(forward: Forward) -> Any:
    """Return which y leave 0 by a leap, on either side of x.

    1 − tanh(x) is 0 from 19 on, since 1 − y has no digits there, and leaps to 1e-16 below; ReLU
    leaves 0 continuously. Towards a leap, the slope from the last 0 to the first other y grows
    without end.
    """
    x, leaps = forward.x, np.zeros(forward.y.shape, bool)
    with np.errstate(all="ignore"):
        for side in (np.abs(x), -np.abs(x)):
            low, high = np.zeros(x.shape), np.full(x.shape, np.nan)
            for far in (0.25, 0.5, 1.0, 2.0, 4.0):
                away = np.isnan(high) & (forward(x + far * side) != 0)
                high = np.where(away, far, high)
                low = np.where(np.isnan(high), far, low)
            width, there = high - low, forward(x + high * side).astype(np.float64)
            first = np.abs(there) / width
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                y = forward(x + middle * side).astype(np.float64)
                low, high = np.where(y == 0, middle, low), np.where(y == 0, high, middle)
                there = np.where(y == 0, there, y)
            leaps |= np.abs(there) / (high - low) > _LEAP * first
    return leaps


def _elementwise(forward: Forward) -> bool:
    """Return whether each y[i] depends on x[i] alone.

    Half of the elements move, by the largest step, while the others stay; which ones says one
    binary digit of their index. Those that stay must keep their y bit for bit, and those that move
    must have the y that they have when all move. Any two elements differ in some digit, so every
    pair is told apart; it takes 2 forward passes a digit.
    """
    x, y = forward.x, forward.y
    if x.shape != y.shape:
        return False
    index = np.arange(x.size).reshape(x.shape)
    for sign in (1, -1):
        step = sign * np.maximum(1, np.abs(x)) * _FULL.first
        everything = forward(x + step)
        for digit in range(int(x.size - 1).bit_length()):
            moving = index >> digit & 1 == 1
            found = forward(np.where(moving, x + step, x))
            if not np.array_equal(found, np.where(moving, everything, y), equal_nan=True):
                return False
    return True


def trace(forward: Forward, place: int, dout: Float64) -> tuple[list[Rung], float, float]:
    """Return the differences of the loss by one x, and what they extrapolate to."""
    x = forward.x.reshape(-1)[place]
    known = forward.scale if forward.elementwise else None
    ladder, unit = (UNIT_LADDER, known) if known else (_FULL, max(1.0, abs(x)))
    if forward.elementwise:
        dout = np.where(np.arange(dout.size) == place, dout, 0)
    samples = _apart(forward, np.array([place]), ladder.steps(np.array([unit])))
    return rungs_of(samples, dout, ladder.ratio, forward.ulps)
