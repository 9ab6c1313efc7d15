"""What people and programs get to read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from .accuracy import PEERS, Errors
from .machine import PROGRAMS
from .measure import Command, Result

_WIDTH = 200  # columns, where there is no terminal


@dataclass(frozen=True)
class Report:
    """All that a run has found.

    Attributes
    ----------
    machine : dict
        Where it was measured.
    left_out : dict
        For each peer that is not installed the names of the rows that need it.
    """

    machine: dict[str, str | int]
    results: Sequence[Result]
    errors: Sequence[Errors] = ()
    left_out: dict[str, list[str]] = field(default_factory=dict)


def record(report: Report) -> dict[str, Any]:
    """Return the report as an object for JSON."""
    return {
        "machine": report.machine,
        "rows": [_row(result) for result in report.results],
        "accuracy": [
            {"name": e.name, "ulps": e.ulps, "target": e.target, "verdict": e.verdict}
            for e in report.errors
        ],
        "left_out": report.left_out,
    }


def _row(result: Result) -> dict[str, Any]:
    row, figures = result.row, result.figures
    return {
        "name": row.name,
        "against": row.against,
        "figure": row.figure.__name__,
        "median": result.median,
        "min": min(figures),
        "max": max(figures),
        "target": row.target,
        "verdict": result.verdict,
        "seconds": [[cost.seconds for cost in costs] for costs in result.runs],
        "peak_kib": [[cost.peak for cost in costs] for costs in result.runs],
    }


def show(report: Report) -> None:
    """Print the tables, what was left out, and the machine."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    if report.results:
        console.print(_speed(report.results))
    if report.errors:
        console.print(_accuracy(report.errors))
    for line in [*missing(report.left_out), _place(report.machine)]:
        console.print(line, markup=False, soft_wrap=True)


def missing(left_out: dict[str, list[str]]) -> list[str]:
    """Return one line for each peer that is not installed."""
    return [
        f"{peer} is not installed: rows {'; '.join(names)} left out; "
        + (f"install {peer}" if peer in PROGRAMS else "pip install '.[bench]'")
        for peer, names in left_out.items()
    ]


def _speed(results: Sequence[Result]) -> Table:
    took, names = _figure("took"), map(_figure, ("median", "min – max", "at most"))
    table = Table(
        "row", took, "against", _figure("took"), *names, "verdict", title="Speed and memory"
    )
    for result in results:
        row, figures = result.row, result.figures
        table.add_row(
            row.name,
            _cost(result, 0),
            row.against,
            _cost(result, -1),
            f"{result.median:.2f}",
            f"{min(figures):.2f} – {max(figures):.2f}",
            "" if row.target is None else f"{row.target:g}",
            result.verdict,
        )
    return table


def _milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, to three digits where it is short."""
    return f"{1000 * seconds:.{0 if seconds > 0.1 else 2}f}"


def _figure(name: str) -> Column:
    return Column(name, justify="right", no_wrap=True)


def _cost(result: Result, side: int) -> str:
    """Return what a side took: milliseconds, and of a process the most memory that it held."""
    cost = result.typical(side)
    memory = f"{cost.peak / 1024:6.0f} MiB" if isinstance(result.row.sides[side], Command) else ""
    return f"{_milliseconds(cost.seconds)} ms{memory}"


def _accuracy(errors: Sequence[Errors]) -> Table:
    peers = [peer for peer in PEERS if peer in errors[0].ulps]
    names = (_figure(name) for name in (*peers, "at most"))
    table = Table("row", *names, "verdict", title="Largest error, in units in the last place")
    for e in errors:
        found = [f"{e.ulps[peer]:.3g}" for peer in peers]
        table.add_row(e.name, *found, f"{e.target:g}", e.verdict)
    return table


def _place(machine: dict[str, str | int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())
