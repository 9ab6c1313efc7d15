"""The numeric gradient of a layer, and the verdicts by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..arrays import Array, Bools, Float64, Indices
from .evaluate import Evaluator, Section
from .plan import blocks, imaginary, slopes
from .probe import CONTINUOUS, NEVER, acts_elementwise, departure, grain, layer_noise, movement
from .slopes import Slopes
from .variables import Variable
from .verdict import PASS, WRONG, Claim, verdicts

_MOST_ALONE = 16  # so many wrong elements are looked at once more while nothing else moves
# A gradient needs no second look that is off by more than 1000 bounds and 1 % of its scale.
_GROSS, _GROSS_PART = 1e3, 1e-2


class Layer(Protocol):
    """What can be checked: y = forward(x), then dx = backward(dout), which has the shape of x.

    It may also say

    - ``ulps``: by how many units in the last place y may be off;
    - ``smooth_scale``: that it is smooth and varies on this scale of x, and, if it acts element by
      element, takes arrays of any shape;

    and offer

    - ``complement(x)``, whose derivative is minus that of `forward`: where y is so near a constant
      that its differences are lost in rounding, those of the complement may not be;
    - ``at_complex(x)``: y at complex x, where `forward` does not take them;
    - ``remarks(x)``: sentences that are good to know at x;
    - ``arithmetic(x, dout)``: the formula, value and rounding error of each operation of one dx.
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
    sections : list of Section
        That of forward, and that of the complement if there is one.
    """

    sections: list[Section]

    def judgements(self, claim: Claim) -> list[_Judgement]:
        """Return what judges the claim by each section alone."""
        return [_Judgement(section, claim) for section in self.sections]

    def measured(
        self, claim: Claim, which: Indices, done: Callable[[int], None] = lambda _: None
    ) -> tuple[Slopes, Indices]:
        """Return the slopes at the coordinates `which`, and the verdicts on the claim there.

        If forward or its complement says wrong, it is wrong; else the one with the smaller bound
        decides. `done` is told how many more coordinates are finished.
        """
        judgements, parts = self.judgements(claim), []
        for block in blocks(self.sections[0], which):
            slope, code = judgements[0](block)
            for judgement in judgements[1:]:
                other, other_code = judgement(block)
                more_wrong = (other_code == WRONG).astype(int) - (code == WRONG)
                finer = (more_wrong == 0) & (other.bound[0] < slope.bound[0])
                better = (more_wrong > 0) | finer
                slope, code = other.where(better, slope), np.where(better, other_code, code)
            parts.append((slope, code))
            done(len(block))
        slope_parts, codes = zip(*parts, strict=True)
        return Slopes.joined(slope_parts), np.concatenate(codes)

    def one_by_one(self) -> Measurement:
        """Return the same, but that nothing else moves while an element does."""
        return Measurement([replace(self.sections[0], elementwise=False)])

    def wrong_only_together(self, claim: Claim, which: Indices, code: Indices) -> bool:
        """Whether elements are wrong when all x move together, but not when each moves alone."""
        forward = self.sections[0]
        wrong = which[code == WRONG][:_MOST_ALONE]
        if not (forward.elementwise and forward.evaluator.scale is None and wrong.size):
            return False
        _, again = _Judgement(replace(forward, alone=True, imaginary=False), claim)(wrong)
        return bool((again != WRONG).any())


class _Judgement:
    """A claim judged by the slopes of one section alone, block by block.

    Parameters
    ----------
    section : Section
        What is differentiated.
    claim : Claim
        What is judged.
    """

    def __init__(self, section: Section, claim: Claim) -> None:
        self.section, self.claim = section, claim
        size = section.evaluator.x.size  # what `_constant` found out, for each coordinate:
        self._explored, self._is_constant = np.zeros(size, bool), np.zeros(size, bool)
        self._leap = np.zeros(size)

    def __call__(self, block: Indices) -> tuple[Slopes, Indices]:
        """Return the slopes at a block of coordinates, and the verdicts by them."""
        raw = slopes(self.section, block, self._settled, self._passing)
        if self.section.imaginary:
            raw = imaginary(self.section, block, raw)
        slope, claim = self._weighed(raw, block), self.claim.at(block)
        code = verdicts(claim, slope)
        if not slope.still.any():
            return slope, code
        constant, floor = np.zeros(block.shape, bool), slope.floor.copy()
        doubtful = slope.still & (code != PASS) & (self.section.evaluator.scale is None)
        if doubtful.any():
            which = block[doubtful]
            constant[doubtful] = self._constant(which)
            weight = np.abs(self.section.douts[0, which]) if self.section.elementwise else 1.0
            leap = weight * self._leap[which] / self.section.unit(which)
            floor[doubtful] = np.fmax(floor[doubtful], leap)
        bound = slope.bound + np.where(slope.still & ~constant, floor, 0)
        slope = replace(slope, floor=floor, bound=bound)
        return slope, verdicts(claim, slope, constant)

    def _weighed(self, slope: Slopes, which: Indices) -> Slopes:
        """Return the slopes of dx from those of the section."""
        section = self.section
        if section.elementwise:
            return slope.weighed(section.sign * section.douts[:, which])
        if section.evaluator.y.size > 1 or section.evaluator.x.size > 1:
            rest = section.movement @ np.abs(section.douts[0])
            slope = replace(slope, reach=np.where(slope.still, rest, slope.reach))
        return slope

    def _passing(self, slope: Slopes, which: Indices) -> Bools:
        return np.asarray(verdicts(self.claim.at(which), self._weighed(slope, which)) == PASS)

    def _settled(self, slope: Slopes, which: Indices) -> Bools:
        """Whether more steps would not change the verdict."""
        slope, claim = self._weighed(slope, which), self.claim.at(which)
        code, error = verdicts(claim, slope), slope.error(claim.gradient)
        gross = error > _GROSS * slope.bound[0] + _GROSS_PART * slope.scale
        settled = ((code == PASS) | ((code == WRONG) & gross)) & ~slope.still
        flat = slope.still & (claim.gradient == 0)
        settled[flat] = self._constant(which[flat])
        return np.asarray(settled)

    def _constant(self, which: Indices) -> Bools:
        """Whether y is constant around each coordinate, as on ReLU's dead side.

        Each coordinate is looked at once, since that takes about 200 forward passes.
        """
        new = which[~self._explored[which]]
        if new.size:
            zero = self.section.evaluator.y == 0
            all_0 = zero.reshape(-1)[new] if self.section.elementwise else zero.all()
            how, self._leap[new] = departure(self.section, new)
            self._is_constant[new] = (how == CONTINUOUS) | ((how == NEVER) & all_0)
            self._explored[new] = True
        return self._is_constant[which]


def measurement(
    layer: Layer, x: Array, douts: Float64, method: str
) -> tuple[Measurement, tuple[str, ...]]:
    """Find out how `layer` is to be measured at x, and what advice there is on it.

    Parameters
    ----------
    layer : Layer
        Built.
    x : ndarray
        The point, in the shape that the layer takes.
    douts : ndarray of float64
        Of shape (number of dout, size of y); the first is what dx is judged for.
    method : {'central', 'complex'}
        Whether imaginary steps are taken too, if the layer takes them.
    """
    variable = Variable("x", x)
    evaluator = Evaluator(layer, variable)
    noise, elementwise = layer_noise(evaluator), acts_elementwise(evaluator)
    takes, advice = (False, ()) if method != "complex" else evaluator.takes_complex()
    complement = _complement(layer) if elementwise else None
    moved = np.zeros(evaluator.y.size) if elementwise else movement(evaluator)
    coarse = grain(evaluator, noise)
    sections = [Section(evaluator, douts, elementwise, noise, coarse, moved, imaginary=takes)]
    if complement is not None:
        mirrored = Evaluator(layer, variable, complement)
        sections.append(replace(sections[0], evaluator=mirrored, imaginary=False, sign=-1))
    return Measurement(sections), advice


def _complement(layer: Layer) -> Callable[[Float64], Array] | None:
    """Return the layer's `complement`, unless a subclass replaced the `forward` that it fits."""
    if "forward" in getattr(layer, "__dict__", {}):
        return None
    for base in type(layer).__mro__:
        if "complement" in vars(base):
            complement = getattr(layer, "complement", None)
            return complement if callable(complement) else None
        if "forward" in vars(base):
            return None
    return None
