from __future__ import annotations

import csv
import io
import json
import os
import re
import struct
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sigcli.show import chart as drawing
from sigcli.show import slide
from sigcli.show.axis import ticks
from sigcli.show.chart import Canvas, joined
from sigcli.show.plot import plot
from sigcli.show.sections import Style

from ..program import AN_OLD_ENCODING, ESCAPES, in_terminal

needs_matplotlib = pytest.mark.skipif(
    find_spec("matplotlib") is None, reason="pictures need pip install matplotlib"
)
GUTTER = 5  # columns left of the curves
BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def sigma(x: float) -> float:
    return 1 / (1 + np.exp(-x))


def slope(x: float) -> float:
    return sigma(x) * sigma(-x)


class Drawing:
    """A drawing as its reader sees it: by the labels of its axes alone."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        corner = next(i for i, line in enumerate(self.lines) if line[4:5] in "└+"
                      and line.endswith(" x"))  # fmt: skip
        self.body = [line[GUTTER:] for line in self.lines[:corner]]
        self.heights = {
            line[: GUTTER - 1].strip(): row
            for row, line in enumerate(self.lines[:corner])
            if line[: GUTTER - 1].strip()
        }
        self.axis = self.lines[corner][GUTTER:-2]
        self.columns = len(self.axis)
        self.labels = self.lines[corner + 1].split()
        self.ticks = [at for at, c in enumerate(self.axis) if c in "┬+"]
        self.legend = self.lines[corner + 2 :]

    def marks(self, mark: str) -> set[tuple[int, int]]:
        return {
            (row, column)
            for row, line in enumerate(self.body)
            for column, character in enumerate(line)
            if character == mark
        }

    def dots(self) -> list[set[int]]:
        """Return how far down the dots of each column of dots are."""
        found: list[set[int]] = [set() for _ in range(2 * self.columns)]
        for row, line in enumerate(self.body):
            for column, character in enumerate(line):
                pattern = ord(character) - 0x2800
                for across in range(2 if 0 < pattern < 256 else 0):
                    bits = BITS[across]
                    found[2 * column + across] |= {
                        4 * row + down for down in range(4) if pattern & bits[down]
                    }
        return found


def chart(*x: float, start: float | None = None, end: float | None = None) -> Drawing:
    return Drawing(drawing.chart(plot(np.array(x), start, end), Style(color=False)))


@pytest.fixture(params=[16, 20, 40, 80, 200])
def width(request, monkeypatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


# Where dots and marks are


def test_a_point_is_at_the_dot_nearest_to_it():
    canvas, rng = Canvas(-3.0, 7.0, 40, 3), np.random.default_rng(1)
    x, y = rng.uniform(-3, 7, 500), rng.uniform(0, 1, 500)
    for (across, down), at, height in zip(canvas.dots(x, y), x, y, strict=True):
        assert abs(across - 79 * (at + 3) / 10) <= 0.5
        assert abs(down - (2 + 48 * (1 - height))) <= 0.5


def test_the_corners_of_a_canvas_are_its_corners():
    canvas = Canvas(-1.0, 1.0, 10, 2)
    assert canvas.rows == 9
    corners = np.array([-1.0, -1.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])
    assert canvas.dots(*corners) == [(0, 34), (0, 2), (19, 34), (19, 2)]


def test_marks_are_where_the_axes_say(width):
    drawing = chart(0.0)
    assert drawing.marks("●") == {(drawing.heights["0.5"], column_of(drawing, "0"))}
    assert drawing.marks("○") == {(drawing.heights["0.25"], column_of(drawing, "0"))}


def column_of(drawing: Drawing, label: str) -> int:
    assert len(drawing.ticks) == len(drawing.labels)
    return drawing.ticks[drawing.labels.index(label)]


def test_marks_are_in_the_cells_that_hold_their_points(width):
    points = [-7.7, -1.3, 0.4, 2.2, 6.9]
    drawing = chart(*points)
    both = drawing.marks("◉")
    for mark, function in (("●", sigma), ("○", slope)):
        expected = set()
        for x in points:
            across = round((x + 8) / 16 * (2 * drawing.columns - 1))
            up = round(function(x) * 4 * (len(drawing.body) - 1)) + 1
            expected.add((len(drawing.body) - 1 - up // 4, across // 2))
        assert drawing.marks(mark) | both == expected | both
        assert both <= expected


def test_points_that_share_a_cell_on_both_curves_have_a_mark_of_their_own():
    drawing = chart(-7.0)
    assert len(drawing.marks("◉")) == 1
    assert not drawing.marks("●") | drawing.marks("○")
    assert drawing.legend[-1].endswith("◉ both")
    assert "◉" not in chart(5.0).legend[-1]


def test_the_curve_of_y_is_whole_rises_and_is_where_it_should_be(width):
    drawing = chart()
    tops = [min(dots) for dots in drawing.dots()]  # y is above its slope everywhere
    assert tops == sorted(tops, reverse=True)
    x = np.linspace(-8, 8, len(tops))
    expected = (1 - sigma(x)) * 4 * (len(drawing.body) - 1) + 2
    within = 1 + 4 * (len(drawing.body) - 1) / len(
        tops
    )  # a dot, and how far y rises in half of one
    assert np.all(np.abs(tops - expected) <= within)


def test_the_curve_of_the_slope_is_dotted_and_where_it_should_be():
    drawing = chart()
    dots = drawing.dots()
    middle = len(dots) // 2 + 8
    found = [(at, max(down)) for at, down in enumerate(dots) if at > middle and max(down) > 40]
    for at, down in found:
        x = -8 + 16 * at / (len(dots) - 1)
        assert abs(down - (2 + 64 * (1 - slope(x)))) <= 1
    apart = np.diff([at for at, _ in found])
    assert set(apart.tolist()) <= {2, 3, 4}  # fewer where it also falls
    assert np.mean(apart == 4) > 0.5


def test_a_step_between_far_ends_is_drawn_whole():
    drawing = chart(start=-1e6, end=1e6)
    upright = [at for at, dots in enumerate(drawing.dots()) if len(dots) > 4]
    assert upright == [drawing.columns - 1, drawing.columns]
    assert set.union(*(drawing.dots()[at] for at in upright)) == set(range(2, 67))


def test_dots_are_joined_without_gaps_or_repeats():
    rng = np.random.default_rng(2)
    given = [(int(a), int(b)) for a, b in rng.integers(-9, 10, (50, 2))]
    path = list(joined(given))
    steps = np.abs(np.diff(path, axis=0)).max(axis=1)
    assert set(steps.tolist()) == {1}
    rest = iter(path)
    runs = [dot for at, dot in enumerate(given) if not at or dot != given[at - 1]]
    assert all(dot in rest for dot in runs)  # in their order
    straight = np.abs(np.diff(given, axis=0)).max(axis=1).sum()
    assert len(path) == straight + 1


# Axes


@pytest.mark.parametrize(
    ("start", "end", "columns", "labels"),
    [
        (-8, 8, 73, "-8 -6 -4 -2 0 2 4 6 8"),
        (-8, 8, 33, "-8 -6 -4 -2 0 2 4 6 8"),
        (-8, 8, 31, "-5 0 5"),
        (-8, 8, 13, "-5 0 5"),
        (-8, 8, 9, "0"),
        (0.9999, 1.2, 33, "1.00 1.05 1.10 1.15 1.20"),
        (0.9999, 1.2, 20, "1.0 1.1 1.2"),
        (-0.001, 0.001, 73, "-0.0010 -0.0005 0 0.0005 0.0010"),
        (999000, 999999, 73, "999000 999200 999400 999600 999800"),
        (0, 2e6, 73, "0 5e5 1.0e6 1.5e6 2.0e6"),
        (1e9, 1e9 + 1, 73, "1.0000000000e9 1.0000000005e9 1.0000000010e9"),
        (-4e307, 4e307, 73, "-4e307 -2e307 0 2e307 4e307"),
        (7.1, 7.9, 9, "7.5"),
    ],
)
def test_ticks_are_round_numbers_as_many_as_have_room(start, end, columns, labels):
    found = ticks(start, end, columns)
    assert " ".join(found.values()) == labels
    step = (end - start) / columns
    assert all(abs(float(label) - x) < step / 1000 for x, label in found.items())


@pytest.mark.parametrize("count", [25, pytest.param(200, marks=pytest.mark.long)])
def test_the_labels_of_an_axis_never_touch_or_stick_out(width, count):
    rng = np.random.default_rng(3)
    for _ in range(count):
        start = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 12)
        end = start + max(1, abs(start)) * 10 ** rng.uniform(-8.9, 3)
        drawing = chart(start=start, end=end)
        assert drawing.labels or width <= 20
        assert set(drawing.labels) <= set(ticks(start, end, drawing.columns).values())
        assert max(map(len, drawing.lines)) <= width


def test_the_largest_slope_has_a_label_of_its_own():
    drawing = chart()
    assert list(drawing.heights) == ["1", "0.75", "0.5", "0.25", "0"]
    rows = list(drawing.heights.values())
    assert rows == [0, 4, 8, 12, 16]
    peak = set.union(*drawing.dots()[70:78])
    assert 4 * drawing.heights["0.25"] + 2 in peak
    assert "y(1 − y) ≤ 0.25" in drawing.legend[0]


# The range


@pytest.mark.parametrize(
    ("x", "start", "end", "span"),
    [
        ([], None, None, (-8, 8)),
        ([1, -2], None, None, (-8, 8)),
        ([24, 32, 5], None, None, (-8, 34)),
        ([8], None, None, (-8, 9)),
        ([-8], None, None, (-9, 8)),
        ([-1000, 1000], None, None, (-1100, 1100)),
        ([np.nan, np.inf, 3], None, None, (-8, 8)),
        ([24], -1, None, (-1, 26)),
        ([24], None, 3, (-8, 3)),
        ([24], 0, 1, (0, 1)),
    ],
)
def test_the_range_holds_the_points_unless_it_is_given(x, start, end, span):
    found = plot(np.array(x, float), start, end)
    assert (found.start, found.end) == span
    assert (found.curve.x[0], found.curve.x[-1]) == span


def test_points_are_never_at_the_edge_of_a_range_that_is_not_given():
    rng = np.random.default_rng(4)
    for _ in range(200):
        x = rng.normal(size=3) * 10 ** rng.uniform(-2, 300)
        found = plot(x)
        margin = 0.02 * (found.end - found.start)
        assert x.min() - found.start > (margin if found.start < -8 else 0)
        assert found.end - x.max() > (margin if found.end > 8 else 0)


def test_points_too_far_out_for_any_range_are_left_out():
    found = plot(np.array([1e308, -1e308]))
    assert np.isfinite(found.end - found.start)
    assert not found.within.any()


def test_a_wide_range_still_shows_the_bend():
    curve = plot(None, -1e9, 1e9).curve
    assert np.all(np.diff(curve.x) > 0)
    assert curve.slope.max() == 0.25
    assert np.abs(np.diff(curve.y)).max() < 0.03


def test_the_curve_is_that_of_the_layer(truth):
    curve = plot(None, -700, 700).curve
    assert truth.most_ulps(curve.y, truth.sigma, curve.x) <= 4
    assert truth.most_ulps(curve.slope, truth.slope, curve.x) <= 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--from 3 --to 3", "no range goes from 3 to 3; expected --from below --to"),
        ("--from 8", "no range goes from 8 to 8; expected --from below --to"),
        ("--to -9.5", "no range goes from -8 to -9.5; expected --from below --to"),
        ("1 --from 20", "no range goes from 20 to 8; expected --from below --to"),
        ("--from abc", "--from: 'abc' is not a number"),
        ("--to inf", "--to: 'inf' is not finite; expected a number such as -8"),
        ("--from nan", "--from: 'nan' is not finite; expected a number such as -8"),
        ("--from 1e400", "--from: '1e400' is not finite; expected a number such as -8"),
        ("--from", "--from needs a value"),
        ("--from -1e308 --to 1e308",
         "the range from -1e+308 to 1e+308 is too wide to be drawn"),
        ("--from 1 --to 1.0000000001",
         "the range from 1 to 1.0000000001 is too narrow to be drawn"),
        ("--format plain",
         "--format: a plot has no 'plain'; choose table, the drawing, csv or json"),
        ("--format xml", "--format: no 'xml'; choose table, csv or json"),
        ("-o p.npy", "--output: 'p.npy': no suffix says how to write it; "
                     ".svg, .png, .pdf, .csv, .tsv, .json do, or --format"),
        ("-o p.svg --format json", "--format json contradicts --output 'p.svg'; drop one"),
        ("-o /nope/p.csv", "--output: '/nope/p.csv': no such folder"),
        ("-o /dev/full --format csv", "--output: '/dev/full': No space left on device"),
        ("@/nope", "x: '@/nope': no such file"),
        ("--dout 1", "no option '--dout'; did you mean --output?"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_one_line(sigcli, line, message):
    ran = sigcli("plot", *line.split())
    assert (ran.code, ran.out, ran.err) == (2, "", f"sigcli: {message}\n")


def test_a_format_of_the_environment_that_is_none_of_a_plot_is_named(sigcli, monkeypatch):
    monkeypatch.setenv("SIGCLI_FORMAT", "plain")
    message = "SIGCLI_FORMAT: a plot has no 'plain'; choose table, the drawing, csv or json"
    assert sigcli("plot").err == f"sigcli: {message}\n"
    assert sigcli("plot", "--format", "csv").code == 0
    monkeypatch.setenv("SIGCLI_FORMAT", "json")
    assert json.loads(sigcli("plot").out)["command"] == "plot"


# What is not shown


def test_points_that_are_not_shown_are_named(sigcli):
    ran = sigcli("plot", "[[1, inf], [nan, 50]]", "--to", "9")
    assert ran.err == (
        "sigcli: note: not shown: x[0, 1] = inf, x[1, 0] = nan: not finite\n"
        "sigcli: note: not shown: x[1, 1] = 50.0: outside of -8 ≤ x ≤ 9\n"
    )
    assert ran.out.count("●") == 2  # the point, and the legend
    assert sigcli("plot", "nan", "--quiet").err == ""
    assert "●" not in sigcli("plot", "nan", "--quiet").out


def test_of_many_points_that_are_not_shown_a_few_are_named(sigcli):
    ran = sigcli("plot", *"123456", "--from", "-0.5", "--to", "1")
    assert ran.err == (
        "sigcli: note: not shown: x[1] = 2.0, x[2] = 3.0, x[3] = 4.0 and 2 more: "
        "outside of -0.5 ≤ x ≤ 1\n"
    )


def test_points_at_the_ends_of_the_range_are_shown(sigcli):
    ran = sigcli("plot", "2", "3", "--from", "2", "--to", "3")
    assert ran.err == ""
    columns = {column for _, column in Drawing(ran.out).marks("●")}
    assert columns == {0, Drawing(ran.out).columns - 1}


# How it looks


def test_no_line_is_too_long_or_ends_in_blanks(width, sigcli):
    for points in ((), ("-7", "0", "5", "1e6")):
        out = sigcli("plot", *points).out
        lines = out.splitlines()
        assert max(map(len, lines)) <= min(width, 100)
        assert all(line == line.rstrip() for line in lines)
        assert len(lines) <= 23
        assert Drawing(out).columns == min(width, 100) - GUTTER - 2


def test_in_a_pipe_it_is_80_columns_wide_and_without_colour(sigcli):
    ran = sigcli("plot", "24", "32", "5")
    assert (ran.code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    assert max(map(len, ran.out.splitlines())) == 80
    assert len(ran.out.splitlines()) == 20


def test_the_legend_says_what_is_drawn(sigcli, monkeypatch):
    both = "     ⠒⠒⠒ y = σ(x)   ⠂ ⠂ dy/dx = y(1 − y) ≤ 0.25"
    assert sigcli("plot").out.splitlines()[-1] == both
    assert sigcli("plot", "1").out.splitlines()[-1] == both + "   ● ○ at X"
    monkeypatch.setenv("COLUMNS", "20")
    assert sigcli("plot", "2").out.splitlines()[-2:] == ["⠒⠒⠒ σ   ⠂ ⠂ σ′", "● ○ X"]


@pytest.mark.parametrize("x", ["[]", "array(0.5)", "array([0.5], dtype=float32)", "[[[0.5]]]"])
def test_x_may_have_any_shape_and_type(sigcli, x):
    ran = sigcli("plot", x)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("●") == (0 if x == "[]" else 2)


def test_x_may_come_from_a_file_or_a_pipe(sigcli, tmp_path):
    np.save(tmp_path / "x.npy", [1.0, 2.0])
    typed = sigcli("plot", "1", "2").out
    assert sigcli("plot", f"@{tmp_path / 'x.npy'}").out == typed
    assert sigcli("plot", "-", stdin="1\n2\n").out == typed


def test_an_old_encoding_gets_ascii(process):
    ran = process("plot", "-7", "0", env={**os.environ, **AN_OLD_ENCODING})
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.isascii()
    drawing = Drawing(ran.out)
    (mark,) = drawing.marks("O")
    assert mark[0] == drawing.heights["0.5"]
    assert {row for row, _ in drawing.marks("o")} == {drawing.heights["0.25"]}
    assert len(drawing.marks("@")) == 1
    tops = dict(sorted(((column, row) for row, column in drawing.marks("*")), reverse=True))
    rows = [tops[column] for column in sorted(tops)]
    assert rows == sorted(rows, reverse=True)
    assert drawing.marks(".")
    assert drawing.legend == [
        "     *** y = sigma(x)   ... dy/dx = y(1 - y) <= 0.25   O o at X   @ both"
    ]


@pytest.mark.parametrize(
    ("columns", "lines", "width", "rows"),
    [(80, 24, 80, 17), (200, 50, 100, 21), (100, 24, 100, 17), (80, 12, 80, 5), (40, 24, 40, 9),
     (20, 24, 20, 5), (5, 3, 16, 5)],
)  # fmt: skip
def test_it_fits_the_terminal(columns, lines, width, rows):
    text = ESCAPES.sub("", in_terminal(["plot", "0", "5"], columns, lines))
    found = text.splitlines()
    assert max(map(len, found)) == width
    assert len(Drawing(text).body) == rows
    assert lines < 12 or len(found) + 2 <= lines


def test_colour_is_for_terminals_and_nothing_but_a_help():
    line = ["plot", "0", "5"]
    coloured = in_terminal(line, 80, 24)
    assert "\x1b[32m" in coloured
    assert "\x1b[35m" in coloured
    without = in_terminal(line, 80, 24, NO_COLOR="1")
    assert "\x1b" not in without
    assert "\x1b" not in in_terminal([*line, "--no-color"], 80, 24)
    assert ESCAPES.sub("", coloured) == without


def test_a_drawing_in_a_file_has_no_colour(tmp_path):
    file = tmp_path / "drawing"
    assert in_terminal(["plot", "-o", str(file), "--format", "table"], 80, 24) == ""
    assert file.read_text() == ESCAPES.sub("", in_terminal(["plot"], 80, 24))


def test_a_console_without_a_font_of_braille_gets_ascii():
    assert "⠤" in in_terminal(["plot"], 80, 24)
    assert in_terminal(["plot"], 80, 24, TERM="linux", NO_COLOR="1").isascii()


# Numbers


def test_json_is_the_curve_and_the_points(sigcli):
    read = json.loads(sigcli("plot", "[[1, inf], [2, nan]]", "--to", "9", "--format", "json").out)
    assert list(read) == ["command", "from", "to", "x", "y", "slope", "points"]
    assert (read["command"], read["from"], read["to"]) == ("plot", -8, 9)
    expected = plot(np.array([[1.0, np.inf], [2.0, np.nan]]), end=9.0)
    for name in ("x", "y", "slope"):
        assert read[name] == getattr(expected.curve, name).tolist()
    assert read["points"]["x"] == [[1, "Infinity"], [2, "NaN"]]
    assert read["points"]["y"] == [[expected.points.y[0, 0], 1], [expected.points.y[1, 0], "NaN"]]
    assert read["points"]["slope"][0] == [expected.points.slope[0, 0], 0]


def test_json_without_points_has_none(sigcli):
    read = json.loads(sigcli("plot", "--format", "json").out)
    assert read["points"] == {"x": [], "y": [], "slope": []}
    assert len(read["x"]) == 401


def test_csv_is_the_curve_and_reads_back(sigcli, tmp_path):
    ran = sigcli("plot", "--from", "0", "--to", "1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    expected = plot(None, 0.0, 1.0).curve
    assert list(rows[0]) == ["index", "x", "y", "slope"]
    assert [int(row["index"]) for row in rows] == list(range(401))
    for name in ("x", "y", "slope"):
        assert [float(row[name]) for row in rows] == getattr(expected, name).tolist()
    file = tmp_path / "p.tsv"
    assert sigcli("plot", "--from", "0", "--to", "1", "-o", str(file)).out == ""
    assert file.read_text() == ran.out.replace(",", "\t")
    y = sigcli("forward", f"@{file}:x", "--format", "plain").out.split()
    assert [float(value) for value in y] == expected.y.tolist()


def test_csv_says_that_it_has_no_points(sigcli):
    ran = sigcli("plot", "1", "--format", "csv")
    assert ran.err == (
        "sigcli: note: csv holds the curve alone; --format json has the points too\n"
    )
    assert sigcli("plot", "--format", "csv").err == ""
    assert sigcli("plot", "nan", "--format", "json").err == ""


# Pictures


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_without_matplotlib_there_is_a_line_on_how_to_get_it(sigcli, monkeypatch, tmp_path, suffix):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ran = sigcli("plot", "-o", str(tmp_path / f"p{suffix}"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (f"sigcli: --output: {suffix} needs matplotlib; pip install matplotlib\n")
    assert list(tmp_path.iterdir()) == []


def test_a_matplotlib_that_cannot_be_loaded_says_why(sigcli, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    ran = sigcli("plot", "-o", str(tmp_path / "p.svg"))
    assert (ran.code, ran.out) == (2, "")
    why = "No module named 'no_such_module'"
    assert ran.err == f"sigcli: --output: matplotlib cannot be loaded: {why}\n"


def picture(sigcli, path: Path, *args: str) -> bytes:
    ran = sigcli("plot", *args, "-o", str(path))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path.read_bytes()


@needs_matplotlib
def test_svg_is_whole_and_needs_nothing_from_elsewhere(sigcli, tmp_path):
    line = ("24", "32", "5", "--format", "table")
    root = ElementTree.fromstring(picture(sigcli, tmp_path / "p.svg", *line))
    names = {element.tag.partition("}")[2] for element in root.iter()}
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert names.isdisjoint({"text", "image", "script", "foreignObject"})
    targets = [v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")]
    assert targets
    assert all(target.startswith("#") for target in targets)


@needs_matplotlib
def test_png_is_whole_and_as_large_as_a_slide(sigcli, tmp_path):
    data = picture(sigcli, tmp_path / "p.PNG")
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xaeB`\x82")
    assert struct.unpack(">II", data[16:24]) == (1920, 1080)


@needs_matplotlib
def test_pdf_is_whole(sigcli, tmp_path):
    data = picture(sigcli, tmp_path / "p.pdf", "1")
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")


@needs_matplotlib
@pytest.mark.parametrize(
    "suffix", ["svg", *(pytest.param(suffix, marks=pytest.mark.long) for suffix in ("png", "pdf"))]
)
def test_the_same_plot_is_the_same_picture_whatever_matplotlib_is_set_to(
    process, sigcli, tmp_path, monkeypatch, suffix
):
    here = picture(sigcli, tmp_path / f"p.{suffix}", "1", "2")
    settings = tmp_path / "matplotlibrc"
    settings.write_text(
        "axes.facecolor: black\nfont.size: 30\nsavefig.dpi: 20\nsvg.fonttype: none\n"
    )
    monkeypatch.setenv("MATPLOTLIBRC", str(settings))
    other = tmp_path / f"q.{suffix}"
    assert process("plot", "1", "2", "-o", str(other)).code == 0
    assert other.read_bytes() == here


@needs_matplotlib
def test_a_picture_leaves_no_state_behind(sigcli, tmp_path):
    import matplotlib

    # To look at the setting of the backend is to choose one.
    names = [name for name in matplotlib.rcParams if name != "backend"]
    before = [matplotlib.rcParams[name] for name in names]
    picture(sigcli, tmp_path / "p.svg", "1")
    assert [matplotlib.rcParams[name] for name in names] == before
    assert "matplotlib.pyplot" not in sys.modules


def drawn(*x: float, start: float | None = None, end: float | None = None):
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    slide._draw(plot(np.array(x), start, end), figure)
    return figure


@needs_matplotlib
def test_a_picture_has_both_curves_with_axes_grid_and_legend():
    (axes,) = drawn().axes
    expected = plot(None).curve
    for line, y in zip(axes.lines, (expected.y, expected.slope), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([expected.x, y]))
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "y = σ(x)",
        "dy/dx = y(1 − y)",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y,  dy/dx")
    assert axes.get_xlim() == (-8, 8)
    assert any(line.get_visible() for line in axes.get_xgridlines())


@needs_matplotlib
def test_a_picture_marks_the_points_and_gives_the_values_of_a_few():
    axes, beside = drawn(32.0, 5.0, 32.0, np.nan, 5000.0, end=40.0).axes
    _, _, on_y, on_slope = axes.lines
    np.testing.assert_allclose(on_y.get_xydata(), [[5, sigma(5)], [32, sigma(32)]])
    np.testing.assert_allclose(on_slope.get_xydata(), [[5, slope(5)], [32, slope(32)]])
    assert on_y.get_markerfacecolor() != on_slope.get_markerfacecolor() == "white"
    assert beside.texts[0].get_text().splitlines() == [
        " x         y        dy/dx",
        " 5  0.993307   0.00664806",
        "32         1  1.26642e-14",
    ]


@needs_matplotlib
def test_of_many_points_a_picture_gives_no_values_and_no_more_marks_than_can_be_seen():
    near = 1 + np.arange(8) * 1e-6
    assert len(drawn(*near).axes) == 2
    assert len(drawn(*near).axes[1].texts[0].get_text().splitlines()) == 9
    (axes,) = drawn(*near, 2.0).axes
    assert len(axes.lines[2].get_xdata()) == 2
    (axes,) = drawn(*np.linspace(-8, 8, 100_000), start=-8.0, end=8.0).axes
    assert 1000 < len(axes.lines[2].get_xdata()) <= 2001


@needs_matplotlib
def test_a_picture_that_cannot_be_written_leaves_what_was_there(sigcli, tmp_path, monkeypatch):
    (tmp_path / "p.svg").write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    ran = sigcli("plot", "-o", str(tmp_path / "p.svg"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"sigcli: --output: '{tmp_path}/p.svg': No space left on device\n"
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("p.svg", "before")]


def test_the_help_has_the_formula_and_two_examples(sigcli):
    out = sigcli("plot", "--help").out
    assert "y = σ(x) and its slope, dy/dx = y · (1 − y)" in out
    assert len(re.findall(r"^ sigcli plot ", out, re.MULTILINE)) == 2
