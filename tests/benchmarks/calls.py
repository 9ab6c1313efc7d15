"""A process that times calls in turns: ``python -m tests.benchmarks.calls SIDES RUNS``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from sigcli import Sigmoid, gradcheck

from .measure import Call, Cost, rounds
from .peers import PEERS


def call(side: Call) -> Callable[[], Any]:
    """Return what a side calls, with its arrays made."""
    x = np.random.default_rng(1).normal(0, 4, side.size)
    if side.what == "gradcheck":
        return partial(gradcheck, Sigmoid(side.threads), x)
    peer = PEERS[side.peer](side.threads)
    if side.what == "forward":
        return partial(peer.forward, peer.array(x))
    return partial(peer.both, peer.array(x), peer.array(x[::-1].copy()))


def timed(function: Callable[[], Any]) -> Cost:
    """Return the cost of a call; what it returns is given back after the clock has stopped."""
    start = perf_counter()
    result = function()
    seconds = perf_counter() - start
    del result
    return Cost(seconds)


def main(sides: str, runs: str) -> None:
    """Print the cost of each side in each run."""
    calls = [partial(timed, call(Call(**side))) for side in json.loads(sides)]
    print(json.dumps(rounds(calls, int(runs))))


if __name__ == "__main__":
    main(*sys.argv[1:])
