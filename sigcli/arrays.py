"""Real arrays of one type, and of shapes that go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import DtypeError, ShapeError, element, mismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

Array = NDArray[np.floating[Any]]  # of float16, float32 or float64
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int_]


def real(name: str, values: ArrayLike) -> Array:
    """Return `values` as an array of float16, float32 or float64; integers become float64.

    The result may share its memory with `values`.

    Raises
    ------
    DtypeError
        If the values are complex, of more than 64 bits, or no numbers.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name}: no array: {error}") from None
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise not_real(name, array.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def not_real(name: str, dtype: np.dtype[Any]) -> DtypeError:
    """Return the error for an array of a type that is not real."""
    right = "integers, float16, float32 or float64"
    return DtypeError(f"{name}: an array of {dtype} cannot be used; expected {right}")


def converted(name: str, array: Array, dtype: str) -> tuple[Array, list[str]]:
    """Return `array` as `dtype`, and notes on numbers that became 0 or infinite by that."""
    with np.errstate(all="ignore"):
        new = array.astype(dtype)
        beyond = np.isinf(new) & np.isfinite(array)
        vanished = (new == 0) & (array != 0)
    notes = []
    for lost, fate in ((beyond, "is beyond"), (vanished, "is too small for")):
        if count := np.count_nonzero(lost):
            place = np.unravel_index(np.argmax(lost), array.shape)
            more = f", and {count - 1} more" if count > 1 else ""
            which = f"{element(name, place)}: {array[place]} {fate} {dtype}"
            notes.append(f"{which} and becomes {new[place]}{more}")
    return new, notes


def inexact(name: str, values: NDArray[Any]) -> list[str]:
    """Return a note if `values` are integers that float64 does not hold exactly."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return []
    large = values[(values > 2**53) | (values < -(2**53) if values.dtype.kind == "i" else False)]
    changed = next((v for v in large.tolist() if int(float(v)) != v), None)
    if changed is None:
        return []
    return [f"{name}: {changed} becomes {int(float(changed))}, the nearest float64"]


def together(arrays: Mapping[str, Array]) -> list[Array]:
    """Return `arrays` in one shape, those of one element repeated, and in the type of the first.

    Raises
    ------
    ShapeError
        If two of them differ in shape and neither is a single number, or a single number would
        have to go with none.
    """
    first, leading = next(iter(arrays.items()))
    name = next((name for name, array in arrays.items() if array.size != 1), first)
    if leading.size and not arrays[name].size:
        name = first  # the first may repeat, but not vanish
    shape = arrays[name].shape
    for other, array in arrays.items():
        if array.size != 1 and array.shape != shape:
            raise mismatch(other, array.shape, name, shape)
    with np.errstate(over="ignore"):
        return [
            np.full(shape, array.reshape(()), leading.dtype)
            if array.shape != shape
            else array.astype(leading.dtype, copy=False)
            for array in arrays.values()
        ]
