"""The Sigmoid layer of *Deep Learning from Scratch*, chapter 5, without the cancellation.

The derivative y(1 − y) is the same for y and for 1 − y, so only the smaller of the two is needed::

    e = exp(−|x|)      s = σ(−|x|) = e / (1 + e)
    y = s              where x < 0
    y = 1 − s          where x ≥ 0
    dx = dout · s · (1 − s)

No step subtracts nearly equal numbers, so each result is right to a few units in the last place,
where y · (1 − y) has no digit left from x = 37 on. The layer keeps one array, as the book's does:
the *tail*, which is s with the sign of x, so that y = −tail or y = 1 − tail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import real
from ..errors import OrderError, RangeError, element, mismatch
from .arithmetic import arithmetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from ..arrays import Array

# Points that show what a sigmoid's gradient can do: the book's 24, 32 and 5, both tails as far as
# the gradient is a normal float64, and 0, where several wrong formulas are right.
STANDARD_X = (
    *(-700.0, -300.0, -100.0, -40.0, -32.0, -24.0, -10.0, -5.0, -2.0, -1.0, -0.5, 0.0),
    *(0.5, 1.0, 2.0, 5.0, 10.0, 24.0, 32.0, 36.7, 40.0, 100.0, 300.0, 700.0),
)

# Values; smaller blocks have threads wait for one another, larger ones leave the cache.
_BLOCK = 2**16

_WORTH_A_WORD = 4  # decimal digits lost

_SHARE = 2**17  # values; with fewer a thread costs more than it saves

# NumPy's exp is within 0.7 ULP in float64, but only within 2.5 in float32: what is narrower than
# float64 is computed in the next wider type and rounded once.
_WIDER = {"float16": np.float32, "float32": np.float64, "float64": np.float64}


def sigmoid(x: ArrayLike) -> Array:
    """Return σ(x) = 1 / (1 + exp(−x)).

    Parameters
    ----------
    x : array_like
        Real numbers of any shape; float16, float32, float64, or integers, which become float64.

    Returns
    -------
    ndarray
        A new array of the shape and type of `x`, within 4 units in the last place of the truth
        for float64 and 1 for float32 and float16, subnormal results included; 0 and 1 at
        x = −inf and inf, NaN at NaN.

    Raises
    ------
    DtypeError
        If `x` is complex, wider than 64 bits, or not of numbers.
    """
    return Sigmoid().forward(x)


def textbook(x: Array, dout: Array) -> Array:
    """Return ``dout * (1 - out) * out`` with ``out = 1 / (1 + exp(-x))``, as the book has it.

    For comparison: 1 − out cancels, and from x = 37 on nothing is left of the gradient.
    """
    with np.errstate(all="ignore"):
        out = 1 / (1 + np.exp(-x))
        return np.asarray(dout * (1 - out) * out)


class Sigmoid:
    """The Sigmoid layer: ``y = σ(x)`` forward, ``dx = dout · y · (1 − y)`` backward.

    Results share memory with nothing: changing `x`, `dout`, a returned array or `out` never
    changes a later backward pass.

    Parameters
    ----------
    threads : int
        How many threads to compute on; large arrays gain from as many as there are cores.

    Attributes
    ----------
    ulps : int
        `forward` and `complement` are within so many units in the last place of the truth.
    smooth_scale : float
        Both are smooth, and vary on this scale of x.
    """

    ulps = 4
    smooth_scale = 1.0

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._tail: Array | None = None
        self._dtype: DTypeLike = np.float64

    @property
    def out(self) -> Array | None:
        """The last y, as a new array; None before the first forward pass.

        It may be set, to numbers from 0 to 1, since the derivative can be written with y alone;
        where y is near 1, digits that y never had are then missing in 1 − y.
        """
        if self._tail is None:
            return None
        return np.subtract(~np.signbit(self._tail), self._tail).astype(self._dtype)

    @out.setter
    def out(self, y: ArrayLike) -> None:
        y = real("y", y)
        outside = np.flatnonzero((y < 0) | (y > 1))
        if outside.size:
            index = np.unravel_index(outside[0], y.shape)
            raise RangeError(
                f"{element('y', index)}: {y[index]} is out of range; expected 0 ≤ y ≤ 1"
            )
        wide = y.astype(_WIDER[y.dtype.name])
        self._tail = np.where(wide < 0.5, -wide, 1 - wide)  # 1 − y is exact from ½ on
        self._dtype = y.dtype

    def forward(self, x: ArrayLike) -> Array:
        """Return σ(x) and keep what `backward` needs; see `sigmoid`."""
        x = real("x", x)
        wider = _WIDER[x.dtype.name]
        y, tail = np.empty(x.shape, x.dtype), self._tail
        if tail is None or tail.shape != x.shape or tail.dtype != wider:
            tail = np.empty(x.shape, wider)  # else the last one serves again; nobody else has it
        flat_x, flat_y, flat_tail = x.reshape(-1), y.reshape(-1), tail.reshape(-1)

        def work(block: slice, buffers: Array) -> None:
            _forward(flat_x[block], flat_y[block], flat_tail[block], buffers)

        self._by_blocks(work, x.size, wider)
        self._tail, self._dtype = tail, x.dtype
        return y

    def backward(self, dout: ArrayLike) -> Array:
        """Return dx = dout · y · (1 − y) at the last forward pass.

        Parameters
        ----------
        dout : array_like
            The gradient of the loss with respect to y, of y's shape, or a single number.

        Returns
        -------
        ndarray
            A new array of the shape and type of the last `x`, within 6 units in the last place
            where it and y(1 − y) are normal numbers.

        Raises
        ------
        OrderError
            Before the first forward pass.
        ShapeError
            If the shape of `dout` does not fit.
        DtypeError
            If `dout` is complex, wider than 64 bits, or not of numbers.
        """
        if self._tail is None:
            raise OrderError("backward before forward: the layer has no y yet; call forward first")
        dout = real("dout", dout)
        tail = self._tail
        if dout.shape != tail.shape and dout.size != 1:
            raise mismatch("dout", dout.shape, "the last y", tail.shape)
        dx = np.empty(tail.shape, self._dtype)
        flat_dout = np.broadcast_to(dout.reshape(-1), tail.size)
        flat_tail, flat_dx = tail.reshape(-1), dx.reshape(-1)

        def work(block: slice, buffers: Array) -> None:
            _backward(flat_tail[block], flat_dout[block], flat_dx[block], buffers)

        self._by_blocks(work, tail.size, tail.dtype)
        return dx

    def _by_blocks(self, work: Callable[[slice, Array], None], size: int, dtype: DTypeLike) -> None:
        """Do `work` on every block of `size` values, each thread with two buffers of its own."""

        def every(first: int) -> None:
            buffers = np.empty((2, min(_BLOCK, size)), dtype)
            for start in range(first * _BLOCK, size, threads * _BLOCK):
                work(slice(start, start + _BLOCK), buffers)

        threads = max(1, min(self.threads, size // _SHARE))
        if threads == 1:
            every(0)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(every, range(threads)))

    def complement(self, x: ArrayLike) -> Array:
        """Return 1 − σ(x), which is σ(−x), with all its digits.

        Its derivative is minus that of `forward`. Where y is so near 1 that differences of y
        vanish in rounding, differences of the complement do not.
        """
        return sigmoid(-real("x", x))

    def at_complex(self, x: NDArray[np.complexfloating[Any]]) -> NDArray[np.complex128]:
        """Return σ of complex numbers, for steps along the imaginary axis."""
        e = np.exp(np.where(x.real < 0, x, -x))
        y: NDArray[np.complex128] = np.where(x.real < 0, e, 1) / (1 + e)
        return y

    def remarks(self, x: ArrayLike) -> tuple[str, ...]:
        """Return what is good to know at `x`: where y is so near 1 that 1 − y loses digits."""
        x = real("x", x)
        rest, whole = sigmoid(-x), np.finfo(x.dtype).precision
        with np.errstate(all="ignore"):
            error = np.abs(textbook(x, np.ones_like(x)) / (rest * (1 - rest)) - 1)
            digits = np.nan_to_num(np.clip(-np.log10(error), 0, whole), nan=whole)
        digits = np.where((x > 0) & np.isfinite(x), digits, whole)
        if not digits.size or digits.min() > whole - _WORTH_A_WORD:
            return ()
        worst = np.unravel_index(np.argmin(digits), x.shape)
        kept = int(digits[worst])
        return (
            f"x = {x[worst]:g}: y is within {rest[worst]:.2g} of 1; the textbook formula keeps "
            f"{kept or 'no'} digit{'' if kept == 1 else 's'} here",
        )

    def arithmetic(self, x: float, dout: float) -> list[tuple[str, float, float]]:
        """Return each step of dx with its rounding error; see `layer.arithmetic`."""
        return arithmetic(x, dout)


def _forward(x: Array, y: Array, tail: Array, buffers: Array) -> None:
    """Write y and the tail of one block; the tail's place serves for what leads to it."""
    divisor = buffers[0, : x.size]
    with np.errstate(all="ignore"):
        np.negative(np.abs(x, out=tail, casting="same_kind"), out=tail)
        np.exp(tail, out=tail)
        np.divide(tail, np.add(tail, 1, out=divisor), out=tail)
        np.copysign(tail, x, out=tail)
        np.subtract(~np.signbit(tail), tail, out=y, casting="same_kind")


def _backward(tail: Array, dout: Array, dx: Array, buffers: Array) -> None:
    """Write dx of one block."""
    s, slope = buffers[:, : tail.size]
    with np.errstate(all="ignore"):
        np.abs(tail, out=s)
        np.multiply(s, np.subtract(1, s, out=slope), out=slope)
        np.multiply(dout, slope, out=dx, casting="same_kind")
