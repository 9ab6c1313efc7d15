"""Measure sigcli beside its peers, in one run on one machine; from the root of the repository."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from . import accuracy
from .machine import installed, machine
from .measure import QUICK, Effort, Result, Row, measure
from .report import Report, record, show
from .rows import rows

ACCURACY = "accuracy of σ and σ′"


def main(args: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and show it."""
    options = _options(args)
    if options.quick:
        print("tiny sizes and one run: the verdicts mean nothing", file=sys.stderr)
    report = benchmark(options.only, QUICK if options.quick else Effort())
    if options.json != "-":
        show(report)
    if options.json:
        text = json.dumps(record(report), allow_nan=False, ensure_ascii=False, indent=1) + "\n"
        sys.stdout.write(text) if options.json == "-" else Path(options.json).write_text(text)


def benchmark(only: str, effort: Effort) -> Report:
    """Measure the rows with `only` in their name, or in that of what they are against."""
    with TemporaryDirectory(prefix="sigcli-benchmark-") as folder:
        environment = _environment(folder)
        wanted = [
            row for row in rows(Path(folder), effort.scale) if only in f"{row.name} {row.against}"
        ]
        there = [row for row in wanted if all(map(installed, row.needs))]
        results = [_announced(row, effort, environment) for row in there]
        peers = [peer for peer in accuracy.PEERS if peer in ("ours", "book") or installed(peer)]
        errors = (
            accuracy.accuracy(peers, accuracy.COUNT // effort.scale, environment)
            if only in ACCURACY
            else []
        )
    return Report(machine(), results, errors, _left_out(wanted, only in ACCURACY))


def _options(args: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="keep all as JSON; - for standard output")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="rows with TEXT in what they compare"
    )
    return parser.parse_args(args)


def _environment(folder: str) -> dict[str, str]:
    """Return an environment in which no setting of whoever measures reaches a process."""
    return {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "SIGCLI_STATE": ""}


def _announced(row: Row, effort: Effort, environment: dict[str, str]) -> Result:
    """Measure a row, and say so for whoever waits."""
    print(f"{row.name}, against {row.against} …", file=sys.stderr)
    return measure(row, effort, environment)


def _left_out(wanted: Sequence[Row], with_accuracy: bool) -> dict[str, list[str]]:
    """Return for each peer that is not installed what cannot be measured."""
    needs = [(peer, f"{row.name} against {row.against}") for row in wanted for peer in row.needs]
    needs += [(peer, f"its {ACCURACY}") for peer in ("scipy", "torch") if with_accuracy]
    absent = sorted({peer for peer, _ in needs if not installed(peer)})
    return {peer: [name for other, name in needs if other == peer] for peer in absent}


if __name__ == "__main__":
    main()
