"""The numeric gradient of a layer, by all ways that the layer offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from .differences import Bools, Float64
from .evaluate import Evaluator, Indices, Section
from .plan import blocks, imaginary, slopes
from .probe import CONTINUOUS, NEVER, acts_elementwise, departure, grain, layer_noise, movement
from .slopes import Slopes
from .variables import Array, Variable
from .verdict import PASS, WRONG, Claim, verdicts

_MOST_ALONE = 16  # wrong elements that are looked at once more while nothing else moves
_GROSS = 1e3  # times the bound, and
_GROSS_PART = 1e-2  # of the gradient's scale, by which an error needs no second look


class Layer(Protocol):
    """What can be checked: y = forward(x), then dx = backward(dout), which has the shape of x.

    It may also say

    - ``ulps``: how many units in the last place its values are good for;
    - ``smooth_scale``: that it is smooth and varies on this scale of x, and, if it acts element by
      element, takes arrays of any shape;

    and offer

    - ``complement(x)``, whose derivative is minus that of `forward`: where y is so near a constant
      that its differences are lost in rounding, those of the complement may not be;
    - ``at_complex(x)``: y at complex x, where `forward` does not take them;
    - ``remarks(x)``: sentences that are good to know at x;
    - ``arithmetic(x, dout)``: the formula, value and rounding error of each step of one dx.
    """

    def forward(self, x: Any) -> Any:
        """Return y."""

    def backward(self, dout: Any) -> Any:
        """Return dx at the last `forward`."""


@dataclass(frozen=True)
class Measurement:
    """How the gradient of a layer is measured at a point.

    Attributes
    ----------
    section : Section
        Forward, weighed with each dout.
    complement : Section or None
        The layer's complement, likewise.
    movement : ndarray of float64
        How fast each y moves by all of x together.
    imaginary : bool
        Whether steps along the imaginary axis are taken too.
    """

    section: Section
    complement: Section | None
    movement: Float64
    imaginary: bool

    def measured(
        self, claim: Claim, which: Indices, done: Callable[[int], None] = lambda _: None
    ) -> tuple[Slopes, Indices]:
        """Return the slopes at the coordinates `which`, and the verdicts on the claim there.

        Wrong by differences of forward or of the complement is wrong; else the better resolved
        one of the two counts.
        """
        found = []
        for block in blocks(self.section, which):
            first, code = self.by(self.section, 1, claim, block)
            if self.complement:
                second, other = self.by(self.complement, -1, claim, block)
                wrong = (other == WRONG).astype(int) - (code == WRONG)
                better = (wrong > 0) | ((wrong == 0) & (second.bound[0] < first.bound[0]))
                first, code = first.where(~better, second), np.where(better, other, code)
            found.append((first, code))
            done(len(block))
        all_slopes, codes = zip(*found, strict=True)
        return Slopes.joined(all_slopes), np.concatenate(codes)

    @property
    def sections(self) -> dict[str, tuple[Section, int]]:
        """What is differentiated, by name, and the sign that its slopes have in dx."""
        found = {"forward": (self.section, 1)}
        return found if self.complement is None else found | {"complement": (self.complement, -1)}

    def alone(self) -> Measurement:
        """Return the same, but that nothing else moves while an element does."""
        return replace(self, section=replace(self.section, elementwise=False), complement=None)

    def needs_alone(self, claim: Claim, which: Indices, code: Indices) -> bool:
        """Whether some wrong elements are not wrong once nothing else moves."""
        if not self.section.elementwise or self.section.evaluator.scale is not None:
            return False
        wrong = which[code == WRONG][:_MOST_ALONE]
        if not wrong.size:
            return False
        _, again = self.by(replace(self.section, alone=True), 1, claim, wrong)
        return bool((again != WRONG).any())

    def by(
        self, section: Section, sign: int, claim: Claim, block: Indices
    ) -> tuple[Slopes, Indices]:
        """Return the slopes by one section, `sign` times, and the verdicts by them alone."""

        def weighed(found: Slopes, which: Indices) -> Slopes:
            if section.elementwise:
                return found.weighed(sign * section.douts[:, which])
            if section.evaluator.y.size > 1 or section.evaluator.x.size > 1:
                rest = self.movement @ np.abs(section.douts[0])
                found = replace(found, reach=np.where(found.still, rest, found.reach))
            return found

        def passing(found: Slopes, which: Indices) -> Bools:
            return np.asarray(verdicts(claim.at(which), weighed(found, which)) == PASS)

        def settled(found: Slopes, which: Indices) -> Bools:
            own, part = weighed(found, which), claim.at(which)
            code = verdicts(part, own)
            gross = own.error(part.gradient) > _GROSS * own.bound[0] + _GROSS_PART * own.scale
            clear = (code == PASS) | ((code == WRONG) & gross)
            flat = own.still & own.at_rest
            clear &= ~flat
            flat &= part.gradient == 0
            if flat.any() and section.evaluator.scale is None:
                clear[flat] = stands_still_for_good(which[flat])[0]
            return np.asarray(clear)

        def stands_still_for_good(which: Indices) -> tuple[Bools, Float64]:
            nought = section.evaluator.y == 0
            all_0 = nought.reshape(-1)[which] if section.elementwise else nought.all()
            how, height = departure(section, which)
            return (how == CONTINUOUS) | ((how == NEVER) & all_0), height

        found = slopes(section, block, settled, passing)
        if self.imaginary and section is self.section:
            found = imaginary(section, block, found)
        own, part = weighed(found, block), claim.at(block)
        flat = own.still & (verdicts(part, own) != PASS) & (section.evaluator.scale is None)
        left = np.zeros(block.shape, bool)
        if flat.any():
            left[flat], height = stands_still_for_good(block[flat])
            weight = np.abs(section.douts[0, block[flat]]) if section.elementwise else 1.0
            floor = own.floor.copy()
            floor[flat] = np.fmax(floor[flat], weight * height / section.unit(block[flat]))
            own = replace(own, floor=floor)
        own = replace(own, bound=own.bound + np.where(own.still & ~left, own.floor, 0))
        return own, verdicts(part, own, left)


def measurement(
    layer: Layer, x: Array, douts: Float64, method: str
) -> tuple[Measurement, tuple[str, ...]]:
    """Find out how `layer` is to be measured at x, and what is to be said of it.

    `douts` has a row for each dout, as long as y.
    """
    variable = Variable("x", x)
    evaluator = Evaluator(layer, variable)
    noise, elementwise = layer_noise(evaluator), acts_elementwise(evaluator)
    section = Section(evaluator, douts, elementwise, noise, grain(evaluator, noise))
    takes, advice = (False, ()) if method != "complex" else evaluator.takes_complex()
    other = _complement(layer) if elementwise else None
    mirror = None
    if other is not None:
        mirror = replace(section, evaluator=Evaluator(layer, variable, other))
    moved = np.zeros(evaluator.y.size) if elementwise else movement(evaluator)
    return Measurement(section, mirror, moved, takes), advice


def _complement(layer: Layer) -> Callable[[Float64], Array] | None:
    """Return the layer's `complement`, unless a subclass replaced the `forward` that it fits."""
    if "forward" in getattr(layer, "__dict__", {}):
        return None
    for base in type(layer).__mro__:
        if "complement" in vars(base):
            found = getattr(layer, "complement", None)
            return found if callable(found) else None
        if "forward" in vars(base):
            return None
    return None
