"""Why the gradient of one element is judged as it is, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .evaluate import quiet
from .samples import RUNGS, sample

if TYPE_CHECKING:
    from ..arrays import Indices
    from .evaluate import Section
    from .measure import Measurement
    from .verdict import Claim


@dataclass(frozen=True)
class Rung:
    """The central difference of one step.

    Attributes
    ----------
    step, difference : float
        h, and Σ dout · (y at x[i] + h − y at x[i] − h) / 2h.
    truncation, rounding : float
        How far `difference` is from the numeric gradient; how far rounding of y may move it.
    """

    step: float
    difference: float
    truncation: float
    rounding: float


@dataclass(frozen=True)
class Why:
    """Why the gradient of one element is judged as it is.

    Attributes
    ----------
    index : int
        The element, as a flat index into x.
    x : float
        Its value.
    function : str
        What was differentiated: ``forward`` or ``complement``.
    rungs : list of Rung
        The difference of each third step, and its errors.
    numeric, bound : float
        What the differences of all steps come to.
    arithmetic : list of tuple
        The formula, value and rounding error, in ULP, of each operation of dx, if the layer has an
        ``arithmetic`` that tells; else empty.
    """

    index: int
    x: float
    function: str
    rungs: list[Rung]
    numeric: float
    bound: float
    arithmetic: list[tuple[str, float, float]]


@quiet()
def why_of(layer: Any, measured: Measurement, claim: Claim, index: int) -> Why:
    """Return why x[index] is judged so: by forward or its complement, whichever is resolved better.

    `index` is a flat index into x.
    """
    which = np.array([index])
    judged = [(judgement.section, judgement(which)[0]) for judgement in measured.judgements(claim)]
    section, slope = min(judged, key=lambda pair: pair[1].bound[0, 0])
    function = "forward" if section.sign > 0 else "complement"
    x, numeric = float(section.evaluator.x[index]), float(slope.numeric[0, 0])
    show = getattr(layer, "arithmetic", None) if section.elementwise else None
    arithmetic = show(x, float(section.douts[0, index])) if show else []
    rungs = _rungs(section, which, numeric)
    return Why(index, x, function, rungs, numeric, float(slope.bound[0, 0]), arithmetic)


def _rungs(section: Section, which: Indices, numeric: float) -> list[Rung]:
    """Return the difference at every third step; its truncation is how far it is from `numeric`."""
    weight = section.sign * section.douts[0, which[0]] if section.elementwise else 1.0
    with np.errstate(all="ignore"):
        samples = sample(section, which, section.unit(which), np.arange(0, RUNGS, 3))
        h, up, down = samples.steps[samples.taken, 0], samples.up, samples.down
        difference = (up.rise - down.rise)[samples.taken, 0, 0] * weight / (2 * h)
        rounding = (up.noise + down.noise)[samples.taken, 0, 0] * abs(weight) / (2 * h)
    columns = (h, difference, np.abs(difference - numeric), rounding)
    return [Rung(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
