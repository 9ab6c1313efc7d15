"""Numbers as text: in their shortest exact form, or with so many significant digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shortest(array: NDArray[Any]) -> list[str]:
    """Return each value, in C order, in the shortest form that reads back as the same value."""
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return [str(value) for value in array.reshape(-1)]  # as its own type, not as float64
    return list(map(str, array.reshape(-1).tolist()))


def rounded(array: NDArray[Any], digits: int) -> list[str]:
    """Return numbers with at most so many significant digits, for what was given."""
    return [f"{value:.{digits}g}" for value in array.tolist()]


def significant(array: NDArray[Any], digits: int) -> list[str]:
    """Return numbers with just so many significant digits, for what was computed."""
    return [f"{value:#.{digits}g}" for value in array.tolist()]


def aligned(cells: list[str]) -> list[str]:
    """Return numbers padded so that their decimal points stand below one another."""
    parts = [cell.partition(".") for cell in cells]
    before = max((len(whole) for whole, _, _ in parts), default=0)
    after = max((len(point + rest) for _, point, rest in parts), default=0)
    return [whole.rjust(before) + (point + rest).ljust(after) for whole, point, rest in parts]
