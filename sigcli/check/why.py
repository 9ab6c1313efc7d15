"""Why a gradient is judged as it is: the evidence of one element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .samples import RUNGS, sample

if TYPE_CHECKING:
    from .evaluate import Indices, Section
    from .measure import Measurement
    from .verdict import Claim


@dataclass(frozen=True)
class Rung:
    """One step of a ladder: its central difference, and the two errors of that."""

    step: float
    difference: float
    truncation: float
    rounding: float


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
        What the differences come to.
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


def why_of(layer: Any, measured: Measurement, claim: Claim, place: int) -> Why:
    """Return the evidence of the element at `place`, by the better resolved differences."""
    which = np.array([place])
    found = {
        name: (section, sign, measured.by(section, sign, claim, which)[0])
        for name, (section, sign) in measured.sections.items()
    }
    function, (section, sign, slope) = min(found.items(), key=lambda item: item[1][2].bound[0, 0])
    x = float(section.evaluator.x[place])
    numeric, bound = float(slope.numeric[0, 0]), float(slope.bound[0, 0])
    show = getattr(layer, "arithmetic", None)
    elementwise = section.elementwise
    steps = show(x, float(section.douts[0, place])) if show and elementwise else []
    ladder = _rungs(section, sign, which, numeric)
    return Why(place, x, function, ladder, numeric, bound, steps)


def _rungs(section: Section, sign: int, which: Indices, numeric: float) -> list[Rung]:
    """Return the difference at every third step; its truncation is how far it is from `numeric`."""
    weight = sign * section.douts[0, which] if section.elementwise else np.ones(1)
    with np.errstate(all="ignore"):
        samples = sample(section, which, section.unit(which), np.arange(0, RUNGS, 3))
        h = samples.steps[samples.taken, 0]
        rise, noise = (
            pair[samples.taken, 0, 0] * scale
            for pair, scale in (
                (samples.up.rise - samples.down.rise, weight[0]),
                (samples.up.noise + samples.down.noise, np.abs(weight[0])),
            )
        )
        difference, rounding = rise / (2 * h), noise / (2 * h)
    columns = (h, difference, np.abs(difference - numeric), rounding)
    return [Rung(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
