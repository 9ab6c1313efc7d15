"""Experiments on a function before it is differentiated: its noise, its jumps, what moves what.

Each is a function that runs forward passes and returns what it saw.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np

from .differences import DEVIATIONS, Bools, Float64
from .evaluate import Evaluator, Indices, Section

EPS64, EPS32 = 2.0**-52, 2.0**-23  # to which float64 and float32 numbers are rounded
CONTINUOUS, LEAP, NEVER = range(3)  # how y leaves a plateau

_SPACING = 3.3  # units of rounding, beyond which the rounding of intermediate numbers is another
_CLEAR_OF_0 = 1e5  # units of rounding
_LARGEST_STEP = 0.5
_HALVINGS = 64  # at most, from any step to adjacent floats
_SEED = 5
_FAR = (0.25, 0.5, 1.0, 2.0, 4.0)  # of x, how far a plateau is followed
_SEEN = 16  # times the noise, from where a rise shows its slope
_GROWTH = 4.0  # of the distances at which it is looked at


def layer_noise(evaluator: Evaluator) -> Float64:
    """By how much rounding inside of the layer moves each y, of shape (size of y,).

    All x go together in twelve steps of a few units of rounding, in a seeded direction.
    """
    if evaluator.declared:
        return np.zeros(evaluator.y.size)
    signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], evaluator.x.shape)
    unit = np.maximum(1, np.abs(evaluator.x))
    step = signs * _probing_step(evaluator.x, unit, EPS64)
    with np.errstate(all="ignore"):
        y = [evaluator(evaluator.x + k * step) for k in range(-6, 7)]
        return _roughness(np.array(y, np.float64))


def noise_along(section: Section, which: Indices, unit: Float64, rounding: float) -> Float64:
    """By how much Σ dout · y varies beside what a smooth function would, at steps of `rounding`.

    Of shape (coordinates, douts). To `rounding` times `unit` the intermediate numbers of the
    layer are taken to be rounded; at smaller steps their errors are nearly the same.
    """
    x = section.evaluator.x[which]
    steps = np.outer(np.arange(-12, 13), _probing_step(x, unit, rounding))
    return _roughness(section.rise(x + steps, which).rise)


def _probing_step(x: Float64, unit: Float64, rounding: float) -> Float64:
    """Return a few units of rounding; of x itself where those of `unit` would reach across 0."""
    tiny = (np.abs(x) < _CLEAR_OF_0 * rounding * unit) & (x != 0)
    return np.asarray(_SPACING * rounding * np.where(tiny, np.abs(x), unit))


def _roughness(values: Float64) -> Float64:
    """Return a bound on the noise in values at equal steps.

    The fourth difference of what is smooth is 0; that of noise has a mean square comb(8, 4) times
    its own (J. Moré and S. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011),
    1292–1314).
    """
    with np.errstate(all="ignore"):
        rise = values - values[len(values) // 2]
        size = np.fmax.reduce(np.abs(rise), axis=0)
        size = np.where(size > 0, size, 1.0)
        mean_square = np.mean(np.diff(rise / size, n=4, axis=0) ** 2, axis=0) / comb(8, 4)
        return np.asarray(np.nan_to_num(DEVIATIONS * size * np.sqrt(mean_square)))


def jump(
    section: Section, which: Indices, ends: Float64, slope: Float64, least: Float64
) -> Float64:
    """Return the height of the jump between x[which] and `ends`, 0 where the way is continuous.

    The way is halved again and again, each time keeping the half over which Σ dout · y departs
    more from a straight line of `slope`. What is still a jump between adjacent floats is one; a
    kink, a bend or a wave is not, once the halves are short enough. What is lower than `least`
    is not followed.
    """
    value = _first_dout(section)
    low, high = section.evaluator.x[which].copy(), ends.copy()
    at_low, at_high = np.zeros(low.shape), value(high, which)
    height = np.zeros(low.shape)
    live = np.isfinite(at_high)
    for _ in range(_HALVINGS):
        gap = np.abs(at_high - at_low - slope * (high - low))
        live &= gap > least
        middle = low + (high - low) / 2
        adjacent = live & ((middle == low) | (middle == high))
        height[adjacent] = gap[adjacent]
        live &= ~adjacent
        if not live.any():
            break
        between = np.full(low.shape, np.nan)
        between[live] = value(middle[live], which[live])
        live &= np.isfinite(between)
        left = np.abs(between - at_low - slope * (middle - low))
        right = np.abs(at_high - between - slope * (high - middle))
        nearer, farther = live & (left >= right), live & (left < right)
        high[nearer], at_high[nearer] = middle[nearer], between[nearer]
        low[farther], at_low[farther] = middle[farther], between[farther]
    return height


def departure(section: Section, which: Indices) -> tuple[Indices, Float64]:
    """How Σ dout · y leaves the plateau that it is on at each coordinate, and how high it leaps.

    ``CONTINUOUS`` as ReLU leaves 0 and a clip its end: in proportion to the distance from the
    edge; ``LEAP`` as 1 − tanh(x) leaves 0 at 19, since below its last digit it is not flat at
    all; ``NEVER`` where nothing moves as far as is looked. A leap to either side is one.
    """
    (right, up), (left, down) = (_departure(section, which, sign) for sign in (1.0, -1.0))
    leap, leaves = (right == LEAP) | (left == LEAP), (right == CONTINUOUS) | (left == CONTINUOUS)
    height = np.maximum(np.where(right == LEAP, up, 0), np.where(left == LEAP, down, 0))
    return np.where(leap, LEAP, np.where(leaves, CONTINUOUS, NEVER)), height


def _departure(section: Section, which: Indices, sign: float) -> tuple[Indices, Float64]:
    value, x = _first_dout(section), section.evaluator.x[which]
    size = np.abs(x)
    unit = np.maximum(1, size)
    near, far = np.zeros(x.shape), np.full(x.shape, np.nan)
    distances = [part * size for part in _FAR] + [part * unit for part in _FAR]
    for distance in np.sort(distances, axis=0):
        moved = np.isnan(far) & (value(x + sign * distance, which) != 0)
        far[moved] = distance[moved]
        near = np.where(np.isnan(far), distance, near)
    found, height = np.full(x.shape, NEVER), np.zeros(x.shape)
    left = np.flatnonzero(np.isfinite(far))
    if left.size:
        ends = x[left] + sign * near[left], x[left] + sign * far[left]
        edges = _edge(value, which[left], *ends)
        good = _leaves_in_proportion(section, which[left], *edges, sign)
        found[left] = np.where(good, CONTINUOUS, LEAP)
        height[left] = np.abs(value(edges[1], which[left]))
    return found, height


def _edge(
    value: Callable[[Float64, Indices], Float64], which: Indices, still: Float64, moved: Float64
) -> tuple[Float64, Float64]:
    """Return the last float on the plateau and the first beyond it, or two as near."""
    for _ in range(_HALVINGS):
        middle = still + (moved - still) / 2
        if np.all((middle == still) | (middle == moved)):
            break
        flat = value(middle, which) == 0
        still, moved = np.where(flat, middle, still), np.where(flat, moved, middle)
    return still, moved


def _leaves_in_proportion(
    section: Section, which: Indices, still: Float64, edge: Float64, sign: float
) -> Bools:
    """Whether y rises from the edge on as it does farther out: at once, or in a straight line.

    The line is looked at where y is well above its grain, and must meet the plateau at the edge.
    """
    distance = np.outer(_GROWTH ** np.arange(32), np.abs(edge - still))
    found = section.rise(still + sign * distance, which)
    rise, noise = np.abs(found.rise[..., 0]), found.noise[..., 0]
    at_once = (rise[0] >= _SEEN * noise[0]) & (rise[1] > (_GROWTH - 1) * rise[0])
    seen = (rise >= _SEEN * np.maximum(noise, section.grain))[:-1]
    first, at = np.argmax(seen, axis=0), np.arange(which.size)
    here, there, d = rise[first, at], rise[first + 1, at], distance[first, at]
    with np.errstate(all="ignore"):
        crossing = d - here * (_GROWTH - 1) * d / (there - here)
    return np.asarray(at_once | (seen.any(axis=0) & (np.abs(crossing) <= d / 4)))


def acts_elementwise(evaluator: Evaluator) -> bool:
    """Whether each y[i] depends on x[i] alone.

    Half of the elements move, by the largest step, while the others stay; which ones says one
    binary digit of their index. Those that stay must keep their y, and those that move must have
    the y that they have when all move, but for rounding. Any two elements differ in some digit, so
    every pair is told apart; it takes 2 forward passes a digit.
    """
    x, y = evaluator.x, evaluator.y.reshape(-1)
    if evaluator.variable.value.shape != evaluator.y.shape:
        return False
    index = np.arange(x.size)
    for sign in (1, -1):
        step = sign * np.maximum(1, np.abs(x)) * _LARGEST_STEP
        everything = evaluator(x + step)
        for digit in range(int(x.size - 1).bit_length()):
            moving = index >> digit & 1 == 1
            found = evaluator(np.where(moving, x + step, x))
            if not _equal_within_ulps(found, np.where(moving, everything, y), evaluator.ulps):
                return False
    return True


def _equal_within_ulps(first: Float64, second: Float64, ulps: float) -> bool:
    with np.errstate(all="ignore"):
        close = np.abs(first - second) <= ulps * np.spacing(np.abs(second))
    return bool(np.all(close | (first == second) | (np.isnan(first) & np.isnan(second))))


def movement(evaluator: Evaluator) -> Float64:
    """How fast each y moves on average over all x, along a seeded direction."""
    signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], evaluator.x.shape)
    step = np.maximum(1, np.abs(evaluator.x)) * 2.0**-10
    with np.errstate(all="ignore"):
        change = np.abs(evaluator(evaluator.x + signs * step) - evaluator.y.reshape(-1))
        average = change.astype(np.float64) / np.max(step) / evaluator.x.size
    return np.where(np.isfinite(average), average, 0.0)


def grain(evaluator: Evaluator, noise: Float64) -> float:
    """How coarse y may be where it stands still; 0 if the layer says what it is.

    That is the rounding of the largest y, or what noise another y shows; if all are 0, that of
    what y may be the difference of, such as x · (1 + tanh(x)) at −7.
    """
    if evaluator.declared:
        return 0.0
    y, x = (np.abs(a[np.isfinite(a)]) for a in (evaluator.y.reshape(-1), evaluator.x))
    largest = float(y.max(initial=0)) or 16 * float(x.max(initial=1))
    own = evaluator.ulps * float(np.finfo(evaluator.y.dtype).eps) * largest
    return 2 * max(own, float(noise[np.isfinite(noise)].max(initial=0)))


def _first_dout(section: Section) -> Callable[[Float64, Indices], Float64]:
    def value(points: Float64, which: Indices) -> Float64:
        return section.rise(points[np.newaxis], which).rise[0, :, 0]

    return value
