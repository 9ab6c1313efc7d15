"""One pass of the Sigmoid layer, forward or back, as a record to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import element
from ..record import Record, given
from .sigmoid import Sigmoid, textbook

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..arrays import Array


@dataclass(frozen=True)
class ForwardPass:
    """What `forward` gives; all arrays have the shape of `x`.

    Attributes
    ----------
    x, y : ndarray
        The input and σ(x).
    complement : ndarray
        1 − y, with all its digits.
    classes : ndarray or None
        1 where y ≥ the threshold, 0 where it is not, NaN where y is; of integers unless there is
        a NaN, and None without a threshold.
    """

    x: Array
    y: Array
    complement: Array
    classes: NDArray[Any] | None = None
    command = "forward"
    exit_code = 0

    @cached_property
    def record(self) -> Record:
        """All of it by name."""
        arrays = given(x=self.x, y=self.y, classes=self.classes)
        return Record("y" if self.classes is None else "classes", arrays)


@dataclass(frozen=True)
class BackwardPass:
    """What `backward` gives; all arrays have the shape of `y`.

    Attributes
    ----------
    x : ndarray or None
        The input; None where the pass started from `y`.
    y, dout, dx : ndarray
        The output, the gradient of the loss with respect to it, and that with respect to `x`.
    textbook : ndarray or None
        dx by the book's formula, if asked for.
    digits_lost : ndarray of int or None
        How many decimal digits of `dx` the book's formula has lost.
    notes : tuple of str
        What is good to know about the result.
    """

    x: Array | None
    y: Array
    dout: Array
    dx: Array
    textbook: Array | None = None
    digits_lost: NDArray[np.int_] | None = None
    notes: tuple[str, ...] = ()
    command = "backward"
    exit_code = 0

    @cached_property
    def record(self) -> Record:
        """All of it by name."""
        arrays = given(x=self.x, y=self.y, dout=self.dout, dx=self.dx, textbook=self.textbook)
        return Record("dx", arrays | given(digits_lost=self.digits_lost))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is good to know at x: where the textbook formula would lose digits."""
        return () if self.x is None else Sigmoid().remarks(self.x)


def forward_pass(x: Array, threshold: float | None = None, *, threads: int = 1) -> ForwardPass:
    """Run the layer forward; with a `threshold` from 0 to 1 also classify."""
    layer = Sigmoid(threads)
    y = layer.forward(x)
    classes: NDArray[Any] | None = None
    if threshold is not None:
        classes = (y.astype(np.float64) >= threshold).astype(int)  # as float16 T would be rounded
        if np.isnan(y).any():
            classes = np.where(np.isnan(y), np.nan, classes)
    return ForwardPass(x, y, layer.complement(x), classes)


def backward_pass(
    x: Array, dout: Array, *, with_textbook: bool = False, threads: int = 1
) -> BackwardPass:
    """Run the layer forward and back; with the book's formula beside it if asked for."""
    layer = Sigmoid(threads)
    y = layer.forward(x)
    dx = layer.backward(dout)
    if not with_textbook:
        return BackwardPass(x, y, dout, dx)
    book = textbook(x, dout)
    return BackwardPass(x, y, dout, dx, book, digits_lost(book, dx))


def backward_from_output(y: Array, dout: Array) -> BackwardPass:
    """Run the layer back from its output alone.

    Raises
    ------
    RangeError
        If a y is not between 0 and 1.
    """
    layer = Sigmoid()
    layer.out = y
    return BackwardPass(None, y, dout, layer.backward(dout), notes=_lost_in_complement(y))


def digits_lost(found: Array, exact: Array) -> NDArray[np.int_]:
    """Return how many decimal digits of `exact` are missing in `found`, element by element."""
    whole = -np.log10(np.finfo(exact.dtype).epsneg)
    with np.errstate(all="ignore"):
        error = np.abs(found - exact) / np.abs(exact)
        error = np.where(np.isnan(found) & ~np.isnan(exact), np.inf, error)
        kept = np.clip(-np.log10(error), 0, whole)
    lost: NDArray[np.int_] = np.nan_to_num(whole - kept).astype(int)
    return lost


def _lost_in_complement(y: Array) -> tuple[str, ...]:
    """Say where 1 − y has lost digits, since y is rounded.

    A y near 1 is good to half a unit in its last place; in 1 − y that weighs 1 / (1 − y) times
    as much, and where y is 1 nothing is left.
    """
    rounding = np.finfo(y.dtype).epsneg / 2
    whole = int(-np.log10(2 * rounding))
    with np.errstate(all="ignore"):
        kept = np.clip(-np.log10(rounding / (1 - y.astype(np.float64))), 0, whole)
    kept = np.where(np.isnan(y), whole, kept).astype(int)
    lost = np.count_nonzero(kept < whole)
    if not lost:
        return ()
    worst = np.unravel_index(np.argmin(kept), y.shape)
    return (
        f"1 − y has lost digits in {lost} of {y.size}: {element('y', worst)} = {y[worst]} leaves "
        f"{kept[worst]} of {whole}; from x none is lost",
    )
