"""What a gradient check comes to, in sentences."""

from __future__ import annotations

from collections import Counter
from math import ceil, log10, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import element
from .numbers import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..check import Coverage, GradientCheck, Why

_DIGITS = 6  # of the numbers in a sentence
_SMALL = 1e-3  # a relative error that a looser tolerance may be meant to allow
_MOST_REASONS = 10


def words(result: GradientCheck) -> list[str]:
    """Return what a check comes to, and what its points cannot see, a sentence a line."""
    return findings(result) + _coverage(result.would_catch)


def findings(result: GradientCheck) -> list[str]:
    """Return what a check comes to, a sentence a line."""
    counts = Counter(result.verdicts.reshape(-1).tolist())
    total = result.x.size
    words = []
    if counts["pass"] == total:
        words.append(
            f"{'The gradient is' if total == 1 else f'All {total} gradients are'} verified, "
            f"to {result.digits.min()} digits or more (rtol {result.rtol:.3g})."
        )
    if counts["wrong"]:
        words += _wrong(result, counts["wrong"])
    if counts["unresolved"]:
        words += _unresolved(result, counts)
    if result.indices is not None:
        words.append(f"These {total} were drawn from {prod(result.shape)}.")
    if result.unit is not None:
        words.append("A dx in digits counts as good to one unit of the last.")
    words += [f"Broken promise: {promise}." for promise in result.broken_promises]
    words += [f"Note: {advice}." for advice in result.advice]
    return words


def _unresolved(result: GradientCheck, counts: Counter[str]) -> list[str]:
    """Say how many gradients are unresolved, and why."""
    start = "" if counts["wrong"] else "Nothing wrong found, but "
    words = [f"{start}{counts['unresolved']} of {result.x.size} could not be resolved:"]
    if result.resolving_rtol is not None:
        words[0] = f"{words[0][:-1]} (rtol {result.resolving_rtol:g} resolves what rounding hides):"
    reasons = Counter(result.reasons[result.reasons != ""].tolist())
    for reason, many in reasons.most_common(_MOST_REASONS):
        more = f" and {many - 1} more" if many > 1 else ""
        words.append(f"  {_named(result, result.reasons == reason)}{more}: {reason}")
    if len(reasons) > _MOST_REASONS:
        words.append(f"  … and {len(reasons) - _MOST_REASONS} more reasons, in csv and json")
    return words


def _coverage(coverage: Coverage) -> list[str]:
    """Say which known mistakes these points would show."""
    caught = f"{coverage.caught} of {coverage.total} known mistakes would be caught here"
    if coverage.caught == coverage.total:
        return [f"All {coverage.total} known mistakes would be caught here."]
    groups: dict[tuple[str, str], list[str]] = {}
    for name, because, instead in coverage.missed:
        groups.setdefault((because, instead), []).append(name)
    return [
        f"{caught}; not:",
        *(
            f"  {'; '.join(names)}, since {because}; {instead}"
            for (because, instead), names in groups.items()
        ),
    ]


def _wrong(result: GradientCheck, wrong: int) -> list[str]:
    """Say how many gradients are wrong, which is worst, and what may be the mistake."""
    words = [_worst(result, wrong)]
    words.append(f"dx is {result.mistake}." if result.mistake else "No known mistake explains it.")
    largest = float(np.max(result.relative_error[result.verdicts == "wrong"]))
    if largest < _SMALL:
        enough = 10.0 ** ceil(log10(1.1 * largest))
        words.append(f"The largest relative error is {largest:.2g}; --rtol {enough:.0e} allows it.")
    return words


def _worst(result: GradientCheck, wrong: int) -> str:
    """Say how many gradients are wrong, and which is worst."""
    error = np.where(result.verdicts == "wrong", result.relative_error, -1)
    at = np.unravel_index(np.argmax(error), error.shape)
    found = [result.analytic[at].reshape(1), result.numeric[at].reshape(1)]
    for digits in (_DIGITS, 10, 17):  # as many as it takes to see them differ
        analytic, numeric = (rounded(number, digits)[0] for number in found)
        if analytic != numeric:
            break
    return (
        f"{wrong} of {error.size} {'is' if wrong == 1 else 'are'} wrong; the worst is "
        f"{_named(result, error == error[at])}: backward gives {analytic}, "
        f"finite differences {numeric}."
    )


def _named(result: GradientCheck, chosen: NDArray[Any]) -> str:
    """Return the first of the chosen elements as in ``x[1] = 32``."""
    first = int(np.argmax(chosen))
    value = result.x.reshape(-1)[first].reshape(1)
    return f"{element('x', result.record.index(first))} = {rounded(value, _DIGITS)[0]}"


def evidence(why: Why) -> list[str]:
    """Say what the ladder of one element comes to."""
    of = {"forward": "forward", "complement": "1 − y, which keep digits that those of y lose"}
    best = min(why.rungs, key=lambda rung: rung.truncation + rung.rounding)
    return [
        f"x = {why.x:.{_DIGITS}g}: these are differences of {of[why.function]}.",
        f"No step alone is better than {best.truncation + best.rounding:.1e}, at h = "
        f"{best.step:.2e}; together they come to {why.numeric:.16g} ± {why.bound:.1e}.",
    ]
