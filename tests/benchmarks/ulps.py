"""A process that prints the largest errors: ``python -m tests.benchmarks.ulps COUNT PEER...``.

The truth has 60 digits. It is kept as the nearest float64 and what that lacks, in units of its
last place, so that an error is found to a fraction of a unit without another long division.
"""

from __future__ import annotations

import decimal
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Any

import numpy as np

from .peers import PEERS

CONTEXT = decimal.Context(prec=60, Emin=-(10**6), Emax=10**6)
RANGES = (
    *(("float64", low, high) for low, high in ((-745, -37), (-37, 5), (5, 37), (37, 745))),
    ("float32", -103, 89),
    ("float16", -17, 12),
)


def exact(points: list[float]) -> list[tuple[float, ...]]:
    """Return σ and σ′ of each point, each as the nearest float64 and what it lacks, in its ULP."""
    decimal.setcontext(CONTEXT)
    return [_exact(x) for x in points]


def _exact(x: float) -> tuple[float, ...]:
    e = Decimal(-abs(x)).exp()
    small = e / (1 + e)
    return *_parts(small if x < 0 else 1 - small), *_parts(small * (1 - small))


def _parts(value: Decimal) -> tuple[float, float]:
    nearest = float(value)
    unit = Decimal(float(np.spacing(nearest)))
    return nearest, float((value - Decimal(nearest)) / unit)


def most_ulps(found: Any, nearest: Any, lack: Any) -> float:
    """Return the largest error of `found`, in units in the last place of its type at the truth."""
    unit = np.spacing(nearest.astype(found.dtype)).astype(float)
    error = (found.astype(float) - nearest) / unit - lack * (np.spacing(nearest) / unit)
    return float(np.max(np.abs(error)))


def errors(count: int, peers: list[str]) -> list[tuple[Any, ...]]:
    """Return function, type, ends and each peer's error for every range, at seeded points."""
    rng = np.random.default_rng(1)
    xs = [rng.uniform(low, high, count).astype(dtype) for dtype, low, high in RANGES]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        truths = [np.array(t).T for t in pool.map(exact, [x.tolist() for x in xs])]
    passes = [{peer: _passes(peer, x) for peer in peers} for x in xs]
    return [
        (function, *span, {p: most_ulps(found[p][i], *truth[2 * i : 2 * i + 2]) for p in peers})
        for i, function in enumerate(("σ", "σ′"))
        for span, truth, found in zip(RANGES, truths, passes, strict=True)
    ]


def _passes(peer: str, x: Any) -> list[Any]:
    """Return y and the gradient by a peer, in the type of `x`."""
    layer = PEERS[peer]()
    with np.errstate(all="ignore"):
        both = layer.both(layer.array(x), layer.array(np.ones_like(x)))
        return [np.asarray(array).astype(x.dtype) for array in both]


def main(count: str, *peers: str) -> None:
    """Print the errors."""
    print(json.dumps(errors(int(count), list(peers))))


if __name__ == "__main__":
    main(*sys.argv[1:])
