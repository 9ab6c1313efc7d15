"""Experiments on y before it is differentiated: its noise, its jumps, and which x moves which y.

Each is a function that runs forward passes and returns what it saw.
"""

from __future__ import annotations

from math import comb

import numpy as np

from ..arrays import Bools, Float64, Indices
from .differences import DEVIATIONS
from .evaluate import Evaluator, Section

EPS64, EPS32 = 2.0**-52, 2.0**-23  # to which float64 and float32 numbers are rounded
NEVER, CONTINUOUS, LEAP = range(3)  # how y leaves a plateau; the largest of both sides counts

_SPACING = 3.3  # points so many units of rounding apart have independent rounding errors
_CLEAR_OF_0 = 1e5  # an x of fewer units of rounding is probed by steps relative to itself
_LARGEST_STEP = 0.5
_HALVINGS = 64  # of an interval, which then ends in adjacent floats
_SEED = 5
_FAR = (0.25, 0.5, 1.0, 2.0, 4.0)  # a plateau is followed to x ± so many |x|, and max(1, |x|)
_SEEN = 16  # a rise of so many times the noise shows its slope
_GROWTH = 4.0  # from one distance to the next at which a rise is looked at


def layer_noise(evaluator: Evaluator) -> Float64:
    """By how much rounding inside of the layer moves each y, of shape (size of y,).

    All x move together by -6 to 6 times a few units of rounding, each to its own seeded side.
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

    Of shape (coordinates, number of dout). Steps are a few times `rounding` · `unit`, to which the
    numbers inside of the layer are taken to be rounded; over smaller ones their errors stay.
    """
    x = section.evaluator.x[which]
    steps = np.outer(np.arange(-12, 13), _probing_step(x, unit, rounding))
    return _roughness(section.rise(x + steps, which).rise)


def _probing_step(x: Float64, unit: Float64, rounding: float) -> Float64:
    """Return a few units of rounding of `unit`, or of x itself where those would reach across 0."""
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
    more from a straight line of `slope`. A jump of that height is left between adjacent floats; of
    a kink, a bend or a wave less than `least` is left before, and the search ends.
    """
    low, high = section.evaluator.x[which].copy(), ends.copy()
    at_low, at_high = np.zeros(low.shape), section.first_rise(high, which)
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
        between[live] = section.first_rise(middle[live], which[live])
        live &= np.isfinite(between)
        left = np.abs(between - at_low - slope * (middle - low))
        right = np.abs(at_high - between - slope * (high - middle))
        nearer, farther = live & (left >= right), live & (left < right)
        high[nearer], at_high[nearer] = middle[nearer], between[nearer]
        low[farther], at_low[farther] = middle[farther], between[farther]
    return height


def departure(section: Section, which: Indices) -> tuple[Indices, Float64]:
    """How Σ dout · y leaves the plateau that it is on at each coordinate, and how high it leaps.

    ``CONTINUOUS`` is how ReLU leaves 0, and clip its ends: in proportion to the distance from the
    edge. ``LEAP`` is how 1 − tanh(x) leaves 0 at 19, by its last digit: it is not flat at all.
    ``NEVER`` is where nothing moves as far as is looked. A leap to one side is enough for ``LEAP``.
    """
    sides = (_departure(section, which, sign) for sign in (1.0, -1.0))
    how, height = (np.maximum(*pair) for pair in zip(*sides, strict=True))
    return how, height


def _departure(section: Section, which: Indices, sign: float) -> tuple[Indices, Float64]:
    x = section.evaluator.x[which]
    size = np.abs(x)
    unit = np.maximum(1, size)
    near, far = np.zeros(x.shape), np.full(x.shape, np.nan)
    distances = [part * size for part in _FAR] + [part * unit for part in _FAR]
    for distance in np.sort(distances, axis=0):
        moved = np.isnan(far) & (section.first_rise(x + sign * distance, which) != 0)
        far[moved] = distance[moved]
        near = np.where(np.isnan(far), distance, near)
    how, height = np.full(x.shape, NEVER), np.zeros(x.shape)
    ends = np.flatnonzero(np.isfinite(far))  # the plateaus that do end
    if ends.size:
        still, moved = x[ends] + sign * near[ends], x[ends] + sign * far[ends]
        edges = _edge(section, which[ends], still, moved)
        in_proportion = _leaves_in_proportion(section, which[ends], *edges, sign)
        how[ends] = np.where(in_proportion, CONTINUOUS, LEAP)
        height[ends] = np.where(in_proportion, 0, np.abs(section.first_rise(edges[1], which[ends])))
    return how, height


def _edge(
    section: Section, which: Indices, still: Float64, moved: Float64
) -> tuple[Float64, Float64]:
    """Return the last float on the plateau and the first beyond it, or two nearly so."""
    for _ in range(_HALVINGS):
        middle = still + (moved - still) / 2
        if np.all((middle == still) | (middle == moved)):
            break
        flat = section.first_rise(middle, which) == 0
        still, moved = np.where(flat, middle, still), np.where(flat, moved, middle)
    return still, moved


def _leaves_in_proportion(
    section: Section, which: Indices, still: Float64, edge: Float64, sign: float
) -> Bools:
    """Whether y leaves its plateau as ReLU does, in proportion to the distance from the edge.

    It does if it rises so from the first float on; or if the straight line through the first two
    rises that are well above noise and grain meets the plateau at the edge.
    """
    distance = np.outer(_GROWTH ** np.arange(32), np.abs(edge - still))
    rises = section.rise(still + sign * distance, which)
    rise, noise = np.abs(rises.rise[..., 0]), rises.noise[..., 0]
    at_once = (rise[0] >= _SEEN * noise[0]) & (rise[1] > (_GROWTH - 1) * rise[0])
    seen = (rise >= _SEEN * np.maximum(noise, section.grain))[:-1]
    first, column = np.argmax(seen, axis=0), np.arange(which.size)
    here, there, d = rise[first, column], rise[first + 1, column], distance[first, column]
    with np.errstate(all="ignore"):
        crossing = d - here * (_GROWTH - 1) * d / (there - here)
    return np.asarray(at_once | (seen.any(axis=0) & (np.abs(crossing) <= d / 4)))


def acts_elementwise(evaluator: Evaluator) -> bool:
    """Whether each y[i] depends on x[i] alone.

    Half of the elements move by the largest step while the others stay: first all with an odd
    index, then by the next binary digit of the index, and so on. Those that stay must keep their y,
    and those that move must get the y that they have when all move, but for rounding. Any two
    elements differ in some digit, so each pair is told apart; it takes 2 forward passes a digit.
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
            some = evaluator(np.where(moving, x + step, x))
            if not _equal_within_ulps(some, np.where(moving, everything, y), evaluator.ulps):
                return False
    return True


def _equal_within_ulps(first: Float64, second: Float64, ulps: float) -> bool:
    with np.errstate(all="ignore"):
        close = np.abs(first - second) <= ulps * np.spacing(np.abs(second))
    return bool(np.all(close | (first == second) | (np.isnan(first) & np.isnan(second))))


def movement(evaluator: Evaluator) -> Float64:
    """|Δy| / h / (size of x) for each y, where all x move by about h, each to its seeded side."""
    signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], evaluator.x.shape)
    step = np.maximum(1, np.abs(evaluator.x)) * 2.0**-10
    with np.errstate(all="ignore"):
        change = np.abs(evaluator(evaluator.x + signs * step) - evaluator.y.reshape(-1))
        average = change.astype(np.float64) / np.max(step) / evaluator.x.size
    return np.where(np.isfinite(average), average, 0.0)


def grain(evaluator: Evaluator, noise: Float64) -> float:
    """By how much a y may be off that does not move; 0 if the layer states its ulps.

    That is the rounding of the largest y, or the noise that any y shows. If all are 0, as is
    x · (1 + tanh(x)) at −20, it is that of numbers of the size of x, whose difference y may be.
    """
    if evaluator.declared:
        return 0.0
    y, x = (np.abs(a[np.isfinite(a)]) for a in (evaluator.y.reshape(-1), evaluator.x))
    largest = float(y.max(initial=0)) or 16 * float(x.max(initial=1))
    own = evaluator.ulps * float(np.finfo(evaluator.y.dtype).eps) * largest
    return 2 * max(own, float(noise[np.isfinite(noise)].max(initial=0)))
