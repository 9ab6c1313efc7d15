"""The axis of a plot: what range it covers, and the round numbers on it."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from ..errors import RangeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_SPAN = (-8.0, 8.0)  # at ±8 the curves are within 0.0004 of where they go
_NARROWEST = 1e-9  # of max(1, |x|); the labels of the axis need digits to tell its ends apart
_FARTHEST = 4e307  # the range grows to hold points up to here; beyond, its width would overflow
_MOST_TICKS = 10
_LARGE = 1e6  # where an axis goes beyond, its labels have exponents


def check_span(start: float, end: float) -> None:
    """Refuse a range that cannot be drawn."""
    ends = f"from {short(start)} to {short(end)}"
    if not start < end:
        raise RangeError(f"no range goes {ends}; expected --from below --to")
    if not isfinite(end - start):
        raise RangeError(f"the range {ends} is too wide to be drawn")
    if end - start < _NARROWEST * max(1, abs(start), abs(end)):
        raise RangeError(f"the range {ends} is too narrow to be drawn")


def short(value: float) -> str:
    """Return an end of the range as it was given."""
    return repr(value).removesuffix(".0")


def covering(x: NDArray[Any]) -> tuple[float, float]:
    """Return the default range, or a wider one that holds all finite `x` with a margin."""
    import numpy as np

    finite = x[np.isfinite(x)].astype(np.float64).clip(-_FARTHEST, _FARTHEST)
    low, high = DEFAULT_SPAN
    first, last = finite.min(initial=low), finite.max(initial=high)
    step = _round_step((last - first) / 20)
    if (finite <= low).any():
        low = float(step * floor(first / step - 0.5))
    if (finite >= high).any():
        high = float(step * ceil(last / step + 0.5))
    return low, high


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = floor(log10(least))
    steps = (float(f"{digit}e{power}") for digit in (1, 2, 5, 10))
    return next(step for step in steps if step >= least * (1 - 1e-12))


def ticks(start: float, end: float, columns: int) -> dict[float, str]:
    """Return round numbers in the range with their labels, as many as have room.

    A label is moved by up to half of its length where it would stick out.
    """
    large = max(abs(start), abs(end)) >= _LARGE
    found: dict[float, str] = {}
    step = _round_step((end - start) / _MOST_TICKS)
    while step <= end - start:
        first, last = ceil(start / step - 1e-9), floor(end / step + 1e-9)
        found = {k * step: _label(k * step, step, large) for k in range(first, last + 1)} or found
        if 1.5 * max(map(len, found.values())) + 1 <= step / (end - start) * columns:
            break
        step = _round_step(step * 1.5)
    return found


def _label(value: float, step: float, large: bool) -> str:
    """Return a multiple of `step` with the digits that tell it from the next one."""
    if value == 0:
        return "0"
    power = floor(log10(step) + 1e-9)
    if not large:
        return f"{value:.{max(0, -power)}f}"
    digits = max(0, floor(log10(abs(value)) + 1e-9) - power)
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


# In the terminal
