"""Rows, and what they cost: the sides take turns, so that what else the machine does hits all.

This process stays small and loads no NumPy: Linux counts into the peak memory of a child what its
parent held when it was started.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Cost(NamedTuple):
    """What one side took in one run."""

    seconds: float
    peak: int = 0  # KiB of memory, of whole processes only


@dataclass(frozen=True)
class Command:
    """A side that is a whole process."""

    argv: tuple[str, ...]
    code: int = 0
    stdin: str = os.devnull
    stdout: str = os.devnull
    env: tuple[tuple[str, str], ...] = ()
    new: str = ""  # a file that must not be there before


@dataclass(frozen=True)
class Call:
    """A side that is a call within a process: what, of whose layer; see `calls` and `peers`."""

    what: str
    peer: str
    size: int
    threads: int = 1


Figure = Callable[[Sequence[Cost]], float]


def ratio(costs: Sequence[Cost]) -> float:
    """Return how many times as long the first side took as the second."""
    return costs[0].seconds / costs[1].seconds


def peak_ratio(costs: Sequence[Cost]) -> float:
    """Return how many times as much memory the first side held as the second."""
    return costs[0].peak / costs[1].peak


def exponent(costs: Sequence[Cost]) -> float:
    """Return k where the time grows with the k-th power of the size; sides of n, 2n, 4n, …

    The slope of log t on log n by least squares.
    """
    sizes = [math.log(2**i) for i in range(len(costs))]
    return statistics.linear_regression(sizes, [math.log(c.seconds) for c in costs]).slope


@dataclass(frozen=True)
class Row:
    """One line of the table: sides, the figure that compares them, and what it may be at most.

    Without a target a row is for information.
    """

    name: str
    against: str
    sides: tuple[Command | Call, ...]
    target: float | None
    figure: Figure = ratio
    runs: int = 15
    needs: tuple[str, ...] = ()
    prepare: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Effort:
    """How much is done: arrays of 1/`scale` of their size, runs to warm up, and runs at most."""

    scale: int = 1
    warm_up: int = 1
    most_runs: int = 1000


QUICK = Effort(scale=1000, warm_up=0, most_runs=1)


@dataclass(frozen=True)
class Result:
    """What was measured: for each run the cost of each side."""

    row: Row
    runs: list[list[Cost]] = field(repr=False)

    @property
    def figures(self) -> list[float]:
        """The figure of each run."""
        return [self.row.figure(costs) for costs in self.runs]

    @property
    def median(self) -> float:
        """The figure that is held against the target."""
        return statistics.median(self.figures)

    @property
    def verdict(self) -> str:
        """Whether the target holds."""
        return verdict(self.median, self.row.target)

    def typical(self, side: int) -> Cost:
        """Return the median cost of a side."""
        costs = [run[side] for run in self.runs]
        return Cost(
            statistics.median(c.seconds for c in costs),
            int(statistics.median(c.peak for c in costs)),
        )


def verdict(figure: float, target: float | None) -> str:
    """Return whether `figure` is at most `target`, and by how much it is not."""
    if target is None:
        return "for information"
    return "holds" if figure <= target else f"missed by {figure / target - 1:.1%}"


def measure(row: Row, effort: Effort, environment: Mapping[str, str]) -> Result:
    """Measure the sides of a row in turns; calls in a fresh process."""
    for command in row.prepare:
        run(command, environment)
    runs = min(row.runs, effort.most_runs) + effort.warm_up
    commands = [side for side in row.sides if isinstance(side, Command)]
    if commands:
        costs = rounds([partial(run, command, environment) for command in commands], runs)
    else:
        costs = calls([asdict(side) for side in row.sides], runs, environment)
    return Result(row, costs[effort.warm_up :])


def calls(sides: Sequence[dict[str, Any]], runs: int, env: Mapping[str, str]) -> list[list[Cost]]:
    """Return the cost of each call in each run, from a process of its own."""
    found = in_child("calls", json.dumps(sides), str(runs), environment=env)
    return [[Cost(*cost) for cost in costs] for costs in found]


def rounds(sides: Sequence[Callable[[], Cost]], runs: int) -> list[list[Cost]]:
    """Return the cost of each side in each run; every second run goes through them backwards."""
    costs = []
    for i in range(runs):
        backwards = i % 2 == 1
        taken = [side() for side in (reversed(sides) if backwards else sides)]
        costs.append(taken[::-1] if backwards else taken)
    return costs


def run(command: Command, environment: Mapping[str, str]) -> Cost:
    """Run a process and return its cost.

    Raises
    ------
    RuntimeError
        If it ends with another exit code than it should: its time would mean nothing.
    """
    if command.new:
        Path(command.new).unlink(missing_ok=True)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, command.stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, command.stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    env = {**environment, **dict(command.env)}
    start = perf_counter()
    pid = os.posix_spawn(command.argv[0], command.argv, env, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    seconds = perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code != command.code:
        raise RuntimeError(f"{command.argv} ended with {code} where {command.code} was expected")
    return Cost(seconds, usage.ru_maxrss)


def in_child(module: str, *args: str, environment: Mapping[str, str]) -> Any:
    """Run a module of this package as a process and return the JSON that it prints."""
    argv = [sys.executable, "-m", f"{__package__}.{module}", *args]
    done = subprocess.run(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
