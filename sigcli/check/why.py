"""Why a gradient is judged as it is: the evidence of one element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .differences import Rung
from .slopes import Forward, trace

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Why:
    """The evidence of one element.

    Attributes
    ----------
    index : int
        The element, as a flat index into x.
    x : float
        Its value.
    function : str
        What was differentiated.
    rungs : list of Rung
        Each step, its difference, and the errors of that.
    numeric, bound : float
        What the differences extrapolate to.
    arithmetic : list of tuple
        The formula, value and rounding error, in ULP, of each step of dx, if the layer shows it.
    """

    index: int
    x: float
    function: str
    rungs: list[Rung]
    numeric: float
    bound: float
    arithmetic: list[tuple[str, float, float]]


def why_of(
    layer: Any,
    forward: Forward,
    complement: Forward | None,
    dout: NDArray[Any],
    place: int,
) -> Why:
    """Return the evidence of the element at `place`, by the better resolved differences."""
    upstream = dout.astype(np.float64).reshape(-1)
    found = trace(forward, place, upstream), "forward"
    if complement is not None:
        other = trace(complement, place, -upstream)
        if other[2] < found[0][2]:
            found = other, "complement"
    (rungs, numeric, bound), function = found
    x = float(forward.x.reshape(-1)[place])
    show = getattr(layer, "arithmetic", None)
    steps = show(x, float(upstream[place])) if show and forward.elementwise else []
    return Why(place, x, function, rungs, numeric, bound, steps)
