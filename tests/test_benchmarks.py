from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .benchmarks import __main__ as program
from .benchmarks import accuracy, ulps
from .benchmarks.machine import installed
from .benchmarks.measure import (
    Command,
    Cost,
    Effort,
    Result,
    Row,
    exponent,
    peak_ratio,
    ratio,
    rounds,
    run,
    verdict,
)
from .benchmarks.report import Report, record, show
from .benchmarks.rows import rows

ROOT = Path(__file__).parent.parent
PEERS = ("mawk", "scipy", "torch")

# Every ratio that is asked for: the start of a row's name, what it is against, and the target.
ASKED_FOR = [
    ("sigcli forward 24 32 5", "import numpy, typer, rich.console, rich.table", 1.2),
    ("sigcli forward 24 32 5 --format json", '"import numpy, typer"', 1.2),
    ("sigcli --version", '"import typer"', 1.5),
    ("sigcli forward 24 --digts 3 (a usage error)", '"import typer"', 1.5),
    ("completion", '"import typer"', 1.5),
    ("sigcli --help", '"import typer"', 2.5),
    ("forward, 2e7, 1 thread", "PyTorch", 1.0),
    ("forward, 2e7, 2 threads", "PyTorch", 1.0),
    ("forward, 2e7, 1 thread", "expit", 0.6),
    ("forward + backward, 2e7, 1 thread", "PyTorch", 1.0),
    ("forward + backward, 2e7, 2 threads", "PyTorch", 1.0),
    ("forward + backward, 2e7, 1 thread", "the book", 0.6),
    ("sigcli forward @x.npy -o y.npy, 2e7", "expit", 0.6),
    ("sigcli forward @x.npy -o y.npy, 2e7, no y.npy before", "expit", 0.6),
    ("peak memory of sigcli forward @x.npy", "itself", 1.1),
    ("sigcli forward - --format plain, 1e6", "mawk", 2.0),
    ("gradcheck, 1e6", "itself at 5e5", 2.2),
    ("growth of forward", "5e6, 1e7, 2e7", 1.14),
    ("growth of forward + backward", "5e6, 1e7, 2e7", 1.14),
    ("growth of gradcheck", "1.25e5, 2.5e5, 5e5", 1.14),
    ("growth of sigcli forward -", "5e5, 1e6, 2e6", 1.14),
]


def planted(*runs: tuple[float, ...], target: float | None = 1.0, figure=ratio) -> Result:
    """Return a result of times that nobody measured."""
    sides = (Command(("ours",)), Command(("theirs",)))
    costs = [[Cost(seconds, int(seconds)) for seconds in run] for run in runs]
    return Result(Row("ours", "theirs", sides, target, figure), costs)


@pytest.mark.parametrize(("name", "against", "target"), ASKED_FOR)
def test_every_ratio_that_is_asked_for_has_a_row(name, against, target):
    found = [r for r in rows(Path()) if r.name.startswith(name) and against in r.against]
    assert target in [row.target for row in found]


def test_the_figure_is_the_median_over_runs():
    result = planted((1, 2), (9, 3), (2, 2))
    assert result.figures == [0.5, 3, 1]
    assert (result.median, result.verdict, result.typical(0)) == (1, "holds", Cost(2, 2))
    assert planted((3, 2), figure=peak_ratio).median == 1.5


@pytest.mark.parametrize(
    ("figure", "target", "text"),
    [
        (0.99, 1.0, "holds"),
        (1.0, 1.0, "holds"),
        (1.1, 1.0, "missed by 10.0%"),
        (1.00001, 1.0, "missed by 0.0%"),
        (3.0, 0.6, "missed by 400.0%"),
        (9.9, None, "for information"),
    ],
)
def test_a_target_holds_up_to_itself(figure, target, text):
    assert verdict(figure, target) == text


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("sizes", [2, 3, 5])
def test_the_exponent_of_a_power_is_found(power, sizes):
    assert exponent([Cost(0.3 * 2 ** (power * i)) for i in range(sizes)]) == pytest.approx(power)


def test_the_exponent_is_the_least_squares_fit():
    assert exponent([Cost(1), Cost(4), Cost(4)]) == pytest.approx(1.0)


def test_the_sides_take_turns_and_the_order_turns_round():
    order: list[str] = []
    sides = [lambda: order.append("a") or Cost(1), lambda: order.append("b") or Cost(2)]
    assert rounds(sides, 3) == [[Cost(1), Cost(2)]] * 3
    assert "".join(order) == "abbaab"


def test_a_process_that_fails_is_not_timed():
    argv = (sys.executable, "-c", "raise SystemExit(3)")
    assert run(Command(argv, code=3), dict(os.environ)).seconds > 0
    with pytest.raises(RuntimeError, match="ended with 3 where 0 was expected"):
        run(Command(argv), dict(os.environ))


def test_a_file_that_must_not_be_there_is_removed_first(tmp_path):
    file = tmp_path / "y"
    argv = (sys.executable, "-c", f"open({str(file)!r}, 'x')")
    for _ in range(2):
        run(Command(argv, new=str(file)), dict(os.environ))


def test_the_truth_is_that_of_the_other_tests(truth):
    points = [-745.0, -40.0, -1.5, 0.0, 5.0, 32.0, 700.0]
    for x, (y, y_lack, slope, slope_lack) in zip(points, ulps.exact(points), strict=True):
        for value, lack, exact in (
            (y, y_lack, truth.sigma(x)),
            (slope, slope_lack, truth.slope(x)),
        ):
            assert truth.ulps(np.float64(value), exact) == pytest.approx(abs(lack), rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_an_error_is_counted_in_units_of_its_type(dtype):
    nearest = np.array([0.75, 1e-3])
    found = nearest.astype(dtype)
    exact = found.astype(float)
    assert ulps.most_ulps(found, exact, np.zeros(2)) == 0
    found[1] += 3 * np.spacing(found[1])
    assert ulps.most_ulps(found, exact, np.zeros(2)) == pytest.approx(3)


def test_a_lost_digit_is_seen():
    found = {(e[0], *e[1:4]): e[4] for e in ulps.errors(50, ["ours", "book"])}
    assert max(e["ours"] for e in found.values()) <= 4
    assert found["σ′", "float64", 5, 37]["book"] > 1e9
    assert found["σ", "float64", -745, -37]["book"] > 1e9 > found["σ", "float64", 5, 37]["book"]


def test_what_is_missed_says_so_in_the_tables(capsys):
    wrong = accuracy.Errors("σ", "float64", -37, 5, {"ours": 5.0, "book": 2.0})
    show(Report({"cores": 2}, [planted((3, 2)), planted((1, 2))], [wrong]))
    slower, faster, inexact = (
        line for line in capsys.readouterr().out.splitlines() if "missed" in line or "holds" in line
    )
    assert "1.50 │ 1.50 – 1.50 │       1 │ missed by 50.0%" in slower
    assert "0.50 │ 0.50 – 0.50 │       1 │ holds" in faster
    assert "σ, float64, −37 … 5 │    5 │    2 │       4 │ missed by 25.0%" in inexact


def test_a_missing_peer_is_named_with_the_rows_that_need_it(monkeypatch, capsys):
    monkeypatch.setattr(program, "installed", lambda name: name != "torch")
    report = program._left_out([r for r in rows(Path()) if "backward" in r.name], True)
    assert report == {
        "torch": [
            "forward + backward, 2e7, 1 thread against PyTorch",
            "forward + backward, 2e7, 2 threads against PyTorch",
            "its accuracy of σ and σ′",
        ]
    }
    show(Report({}, [], left_out=report | {"mawk": ["a"]}))
    torch, mawk, *_ = capsys.readouterr().out.splitlines()
    assert torch.startswith("torch is not installed: rows forward + backward, 2e7, 1 thread ")
    assert torch.endswith("σ′ left out; pip install '.[bench]'")
    assert mawk == "mawk is not installed: rows a left out; install mawk"


@pytest.mark.long
def test_a_quick_run_without_peers_gives_the_rows_that_need_none(monkeypatch):
    monkeypatch.setattr(program, "installed", lambda name: name not in PEERS)
    report = program.benchmark("", Effort(scale=1000, warm_up=0, most_runs=1))
    assert [r.row.name for r in report.results] == [
        r.name for r in rows(Path(), 1000) if not r.needs
    ]
    assert set(report.left_out) == set(PEERS)
    assert [set(e.ulps) for e in report.errors] == [{"ours", "book"}] * 12
    assert strict(json.dumps(record(report), allow_nan=False))


def test_as_a_program_it_prints_strict_json_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick", "--only=--version", "--json", "-"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = strict(done.stdout)
    (row,) = found["rows"]
    assert row["name"] == "sigcli --version"
    assert row["min"] <= row["median"] <= row["max"]
    assert row["peak_kib"][0][0] > 0
    assert (found["accuracy"], found["left_out"]) == ([], {})
    assert {"processor", "cores", "python", "numpy"} <= set(found["machine"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("peer", [p for p in PEERS if installed(p)])
def test_each_peer_that_is_there_is_measured(peer):
    wanted = next(r for r in rows(Path(), 1000) if peer in r.needs)
    report = program.benchmark(wanted.name, Effort(scale=1000, warm_up=0, most_runs=1))
    assert peer in {need for result in report.results for need in result.row.needs}
    assert all(cost.seconds > 0 for r in report.results for costs in r.runs for cost in costs)


def strict(text: str) -> dict:
    """Return JSON that has no word of Python's own in it."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.load(io.StringIO(text), parse_constant=refuse)
