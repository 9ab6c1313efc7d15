r"""A numeric derivative with a bound on its error, from a function's values around a point.

The values are taken at x ± h for steps h that shrink by a fixed ratio. Half their difference is
odd in h and half their sum even, so that for a smooth function::

    (f(x + h) − f(x − h)) / 2          = f′(x) h + c₃ h³ + c₅ h⁵ + …
    (f(x + h) + f(x − h)) / 2 − f(x)   = c₂ h² + c₄ h⁴ + …

A *window* is eight steps in a row, the largest of them H. Both polynomials, of one to five terms,
are fitted to it by least squares, and the window is believed only if neither misses any value
there, or at some smaller steps, by more than rounding allows, and if all smaller windows are
believed too. Of all believed windows and numbers of terms, the one with the smallest bound gives
f′(x).

What is assumed: in the largest believed window f is a polynomial of eleven terms, with at most
one kink, plus an error that at no step is larger than ``noise``. What follows: with r the largest
miss of the fits and w the weights that give f′(x) H, the derivative is within::

    (1.25 · √Σ(w · noise)² + κ · r) / H

*Noise* enters by its root mean square, as rounding errors at different points are independent;
``noise`` itself is taken as four standard deviations, so that the first term is five of them.

*A power of |h|* between 1 and 2.7, as of |x|¹·³, is seen by its law at wider windows.

*A kink* anywhere between x and H bends both polynomials, and r shows it; κ is the largest ratio,
over all its places, of the error it makes to the r it causes. So it is for the next term of the
polynomials, with a smaller κ. With one term, the half difference of the slopes to either side
bounds the error of a kink better where noise is large: the slope at x lies between them.

What no difference shows: a feature of f (a wave, a kink, a stair) lower than the noise. A wave of
amplitude A and wavelength L hides below a noise of A, though its slope is 2πA/L.

Reference: least squares in place of Richardson's extrapolation (C. Ridders, "Accurate computation
of F′(x) and F′(x) F″(x)", Advances in Engineering Software 4 (1982), 75–76), whose estimate of its
own error, the disagreement of neighbours, is small by accident where the steps are too large.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from operator import mul

import numpy as np

from ..arrays import Bools, Float64, Indices
from .records import Arrays
from .steps import RATIO

NODES = 8  # steps of a window
TERMS = 5  # the most that are fitted; of 8 nodes, 3 are left to contradict them
DEVIATIONS = 4.0  # a bound on noise is so many of its standard deviations
_NEGLIGIBLE = 2.0**-48  # part of a value by which a polynomial may miss it in any case
_SPARSE = (0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55)  # which rungs below a window it must meet
_CHANGES = 4  # of slopes from window to window, that tell a law
# The factors that powers of h from 2.7 down to 1.07 make; and by which part they may differ.
_FASTEST, _SLOWEST, _SAME = 0.45, 0.97, 0.1
_SURE = 1.25  # times 4 deviations are 5, for a slope that several values go into

# For 1 to 5 terms: the error in f′(x) H divided by the miss that shows, at most, if the next power
# of h is left out, and if there is a kink (`tests/check/test_differences.py` finds both again).
_NEXT_POWER = (2.6, 3.6, 5.7, 9.3, 16.0)
_KINK = (6.6, 13.3, 22.5, 37.0, 61.0)
# Several kinks may do more harm and show less. At 2,880 gradients of float32 networks with 2048
# kinks, bounds for a single kink were up to 1.25 times too small; with these factors none was.
_KINKS = (1.6, 2.0, 2.0, 2.0, 2.0)


@dataclass(frozen=True)
class Fit(Arrays):
    """What the values around n points say of the derivative; all arrays of shape (n,).

    Attributes
    ----------
    value, bound : ndarray of float64
        The derivative is within `bound` of `value`; inf and NaN where no window is believed.
    window : ndarray of int
        The index of the largest step of the window that gave them; the number of steps if none.
    widest : ndarray of int
        The same for the widest window that is believed.
    curvature, curvature_bound : ndarray of float64
        The second derivative, and about how far off it may be.
    """

    value: Float64
    bound: Float64
    window: Indices
    widest: Indices
    curvature: Float64
    curvature_bound: Float64


@dataclass(frozen=True)
class _Basis:
    """Least squares by some powers of h on the nodes of a window, the largest step being 1.

    Attributes
    ----------
    powers : ndarray of float64
        Of shape (terms,).
    weights : ndarray of float64
        Of shape (terms, nodes): the coefficients are weights @ values.
    """

    powers: Float64
    weights: Float64


@cache
def _basis(kind: str, terms: int) -> _Basis:
    """Solve the normal equations in exact fractions: in floats they lose half of the digits."""
    powers = {"odd": range(1, 10, 2), "even": range(2, 11, 2), "all": range(1, 6)}[kind][:terms]
    nodes = [Fraction(1 / RATIO**i) for i in range(NODES)]
    design = [[Fraction(node**power) for power in powers] for node in nodes]
    columns = [[row[i] for row in design] for i in range(terms)]
    system: list[list[Fraction]] = [
        [sum(map(mul, left, right), Fraction(0)) for right in columns] + left for left in columns
    ]
    for i in range(terms):
        system[i] = [value / system[i][i] for value in system[i]]
        for k in range(terms):
            if k != i:
                factor = system[k][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i], strict=True)]
    weights = [[float(value) for value in row[terms:]] for row in system]
    return _Basis(np.array(powers, np.float64), np.array(weights))


@dataclass(frozen=True)
class _Windows:
    """Fits of one kind to windows at n points, the finest window first.

    Attributes
    ----------
    first, noise, miss : ndarray of float64
        The first coefficient, what noise does to it, and the largest miss at any step that is no
        larger than the window's; of shape (windows, n).
    believed : ndarray of bool
        Whether this window and all finer ones miss nothing by more than noise; likewise.
    """

    first: Float64
    noise: Float64
    miss: Float64
    believed: Bools


@cache
def _compared(taken: tuple[int, ...]) -> Indices:
    """Return the rungs that each window is compared with, of shape (windows, rungs).

    These are its nodes, and ever fewer of the finer rungs, which finer windows have as nodes.
    A row with fewer rungs than others repeats its last.
    """
    rows = []
    for start in _starts(taken):
        finer = taken[taken.index(start) + NODES :]
        rows.append([*range(start, start + NODES), *(finer[i] for i in _SPARSE if i < len(finer))])
    longest = max(map(len, rows), default=0)
    return np.array([row + row[-1:] * (longest - len(row)) for row in rows]).reshape(-1, longest)


@cache
def _powers(kind: str, terms: int, taken: tuple[int, ...]) -> Float64:
    """Return (step / largest step of the window)ᵖ, of shape (windows, rungs, terms)."""
    finer = _compared(taken) - np.array(_starts(taken))[:, np.newaxis]
    return np.asarray((float(RATIO) ** -finer[..., np.newaxis]) ** _basis(kind, terms).powers)


def _fit_windows(
    kind: str, terms: int, values: Float64, noise: Float64, taken: tuple[int, ...]
) -> _Windows:
    """Fit polynomials of one kind to all windows of `values`, of shape (rungs, n)."""
    basis, powers, rungs = _basis(kind, terms), _powers(kind, terms, taken), _compared(taken)
    nodes = rungs[:, :NODES]
    coefficients = basis.weights @ values[nodes]
    miss = np.abs(values[rungs] - powers @ coefficients)
    allowed = noise[rungs] + powers @ (np.abs(basis.weights) @ noise[nodes])
    allowed += _NEGLIGIBLE * np.abs(values[rungs])  # near a zero of f, noise is smaller than that
    spread = np.sqrt(basis.weights[0] ** 2 @ noise[nodes] ** 2)
    believed = np.logical_and.accumulate(np.all(miss <= allowed, axis=1), axis=0)
    return _Windows(coefficients[:, 0], spread, miss.max(axis=1), believed)


def fit(
    up: Float64,
    down: Float64,
    noise: Float64,
    steps: Float64,
    centre_noise: Float64,
    taken: Indices,
    *,
    smooth: bool = False,
) -> Fit:
    """Fit the derivative at n points.

    Parameters
    ----------
    up, down : ndarray of float64
        f(x + h) − f(x) and f(x − h) − f(x), of shape (rungs, n), the largest step first.
    noise : ndarray of float64
        By how much either may be off, of the same shape.
    steps : ndarray of float64
        h, of the same shape.
    centre_noise : ndarray of float64
        By how much f(x) may be off, of shape (n,).
    taken : ndarray of int
        The rungs that hold values, in rising order.
    smooth : bool
        f is known to have no kink.
    """
    exponent = np.frexp(np.fmax.reduce(np.abs(up) + np.abs(down) + noise, axis=0))[1]
    exponent = np.where(np.isfinite(exponent), exponent, 0).astype(int)
    up, down, noise = (np.ldexp(array, -exponent) for array in (up, down, noise))
    odd, even = (up - down) / 2, (up + down) / 2
    even_noise = noise + np.ldexp(centre_noise, -exponent)
    which = tuple(taken.tolist())
    starts = np.array(_starts(which), int)
    nodes, step = starts[:, np.newaxis] + np.arange(NODES), steps[starts]
    candidates: list[tuple[Float64, ...]] = []
    for terms in range(1, TERMS + 1):
        first = _fit_windows("odd", terms, odd, noise, which)
        second = _fit_windows("even", terms, even, even_noise, which)
        turn = np.abs(_basis("odd", 1).weights[0] @ even[nodes])
        off = _SURE * first.noise + _missed(terms, first, second, turn, smooth=smooth)
        bound = np.where(first.believed & second.believed, off / step, np.inf)
        bent = 2 * second.first / step**2, 2 * (second.noise + second.miss) / step**2
        candidates.append((bound, first.first / step, *bent))
    bounds, *others = (np.concatenate(arrays) for arrays in zip(*candidates, strict=True))
    best, column = np.argmin(bounds, axis=0), np.arange(bounds.shape[1])
    bound, start = bounds[best, column], np.tile(starts, TERMS)
    none = ~(bound < np.inf)
    window = np.where(none, len(steps), start[best])
    widest = np.where(bounds < np.inf, start[:, np.newaxis], len(steps)).min(axis=0)
    value, bend, rough = (
        np.where(none, np.nan, np.ldexp(other[best, column], exponent)) for other in others
    )
    hidden = np.zeros(bound.shape) if smooth else _hidden(candidates[0][1], starts, widest)
    bound = np.ldexp(bound + hidden, exponent) + np.nan_to_num(np.spacing(np.abs(value)))
    return Fit(value, bound, window, widest, bend, np.where(none, np.inf, rough))


def _hidden(slopes: Float64, starts: Indices, widest: Indices) -> Float64:
    """Return how far f′(x) may still be from where noise hides that slopes go on changing.

    Of f = |x|¹·³ the slope over ±h is h⁰·³: from one window to the next it changes by a factor
    that is always the same, and near 1. Where the slopes of the windows that are too wide to be
    believed do so, their changes are summed up down to h = 0. Those of a smooth f shrink faster.
    `slopes` are those of one term, of each window, the finest first, of shape (windows, n).
    """
    count, columns = slopes.shape
    at = np.searchsorted(-starts, -widest) + np.arange(1, 2 + _CHANGES)[:, np.newaxis]
    change = -np.diff(slopes[np.minimum(at, count - 1), np.arange(columns)], axis=0)
    with np.errstate(all="ignore"):
        factors = change[:-1] / change[1:]
        low, high = factors.min(axis=0), factors.max(axis=0)
        law = (low > _FASTEST) & (high < _SLOWEST) & (high - low < _SAME * low) & (at[-1] < count)
        return np.where(law, np.abs(change[0]) * high / (1 - high), 0.0)


def _missed(
    terms: int, first: _Windows, second: _Windows, turn: Float64, *, smooth: bool
) -> Float64:
    """Return how far f′(x) H may be off, at most, by what the odd and the even fit miss.

    `turn` is half the difference of the slopes to both sides, times H, by straight lines.
    """
    by_power = _NEXT_POWER[terms - 1] * first.miss
    if smooth:
        return by_power
    by_kink = _KINK[terms - 1] * np.maximum(first.miss, second.miss)
    return _KINKS[terms - 1] * (np.minimum(by_kink, by_power + turn) if terms == 1 else by_kink)


def one_sided(
    rise: Float64, noise: Float64, steps: Float64, taken: Indices
) -> tuple[Float64, Float64]:
    """Return the slope to one side, from rise = f(x + h) − f(x), and a bound on its error.

    Parameters and shapes are those of `fit`; NaN and inf where no window is believed.
    """
    which, column = tuple(taken.tolist()), np.arange(rise.shape[1])
    largest, values, bounds = steps[np.array(_starts(which))], [], []
    for terms in range(1, TERMS + 1):
        windows = _fit_windows("all", terms, rise, noise, which)
        off = (_SURE * windows.noise + _KINK[terms - 1] * windows.miss) / largest
        values.append(windows.first / largest)
        bounds.append(np.where(windows.believed, off, np.inf))
    value, bound = np.concatenate(values), np.concatenate(bounds)
    best = np.argmin(bound, axis=0), column
    return np.where(bound[best] < np.inf, value[best], np.nan), bound[best]


@cache
def _starts(taken: tuple[int, ...]) -> list[int]:
    """Return the largest step of each whole window, the finest window first."""
    have = set(taken)
    return [k for k in reversed(taken) if all(k + i in have for i in range(NODES))]
