from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from sigcli.layer.graph import graph_pass
from sigcli.show import graph
from sigcli.show.table import Style, picture, table
from sigcli.write import results


def passed(*x: float):
    return graph_pass(np.array(x), np.ones(len(x)))


def flowing(line: str) -> list[float]:
    """Return the numbers between the boxes of a line."""
    words = "".join(c if c not in "╭╮╰╯─" else " " for c in line).split()
    return [float(word) for word in words]


def test_the_drawing_has_the_values_above_and_the_gradients_below():
    found = passed(5.0)
    (values, _), (forward, _), (back, _), (gradients, _) = graph.drawing(found, (0,), 80)
    assert flowing(values) == pytest.approx([5, -5, np.exp(-5), 1 + np.exp(-5), found.y[0]], 1e-3)
    slope = found.y[0] ** 2
    expected = [slope * np.exp(-5), -slope * np.exp(-5), -slope, -slope, 1]
    assert flowing(gradients) == pytest.approx(expected, 1e-3)
    assert [part.split("│")[-1] for part in forward.split("│")[1::2]] == [
        "× −1", "exp", "+ 1", "1 / ·",
    ]  # fmt: skip
    assert [c for c in back if c in "①②③④"] == list("④③②①")
    assert forward.startswith("x ─")
    assert forward.endswith("▶ y")


@pytest.mark.parametrize("x", [5.0, -5.123e-5, 40.0, -800.0, -1.2345e-300, 700.25])
@pytest.mark.parametrize("width", [80, 75, 40, 20])
def test_no_drawing_is_wider_than_it_may_be(x, width):
    assert all(len(line) <= width for line, _ in graph.drawing(passed(x), (0,), width))


def test_the_lines_of_a_drawing_stand_below_one_another():
    for x in (5.0, -0.001, 300.0):
        lines = [line for line, _ in graph.drawing(passed(x), (0,), 80)]
        for left, right in (("╭", "╰"), ("╮", "╯")):
            above = [i for i, c in enumerate(lines[0]) if c == left]
            assert above == [i for i, c in enumerate(lines[3]) if c == right]
            assert all(lines[1][i] == lines[2][i] == "│" for i in above)
            assert len(above) == 4


def test_the_steps_back_are_numbered_as_the_derivation_has_them():
    lines = table(passed(5.0), Style()).splitlines()
    steps = [line.split()[0] for line in lines if line.strip()[:1] in "①②③④" and line.strip()]
    assert steps == list("①②③④")
    assert "dx = dout · (−y²) · 1 · exp(−x) · (−1) = dout · y² · exp(−x)" in lines
    assert lines[-1] == "y alone gives dx, and so the layer keeps y and not x."


def test_what_is_lost_is_said_beside_the_right_gradient():
    lines = table(passed(-800.0), Style()).splitlines()
    assert "   = 0.0" in lines
    assert lines[-1].startswith("Here exp(800) is beyond 1.8e+308, the largest float64:")


def test_a_few_elements_are_drawn_each_and_many_are_a_table_of_nodes():
    few = table(passed(1.0, 2.0, 3.0), Style())
    assert [line for line in few.splitlines() if line.startswith("x[")] == ["x[0]", "x[1]", "x[2]"]
    header, _, *rows = table(passed(*np.arange(5.0)), Style()).splitlines()
    assert header.split() == [
        "index", "x", "node", "input", "output", "incoming", "local", "outgoing",
    ]  # fmt: skip
    assert len(rows) == 4 * 5
    assert [row.split()[0] for row in rows[::4]] == list("01234")


def test_a_long_table_leaves_out_whole_elements():
    rows = table(passed(*np.arange(50.0)), Style(rows=4)).splitlines()[2:]
    assert len(rows) == 4 * 4 + 4 + 1
    assert rows[-1] == "4 rows shown, 46 left out; --rows all shows all"


def test_json_has_every_node_with_what_went_through_it():
    found = passed(5.0, -1.0)
    document = json.loads(results.json(found))
    assert list(document) == [
        "command", "shape", "dtype", "x", "y", "dout", "dx", "digits_lost", "nodes",
    ]  # fmt: skip
    assert [node["name"] for node in document["nodes"]] == ["× −1", "exp", "+ 1", "1 / ·"]
    for node, step in zip(document["nodes"], found.nodes, strict=True):
        assert node["rule"] == step.node.rule
        for name in ("input", "output", "incoming", "local", "outgoing"):
            assert node[name] == getattr(step, name).tolist()


def test_csv_has_a_row_for_each_element_and_node():
    found = graph_pass(np.array([[5.0, -1.0]]), np.ones((1, 2)))
    rows = list(csv.DictReader(io.StringIO(results.csv(found))))
    assert [(row["i"], row["j"], row["node"]) for row in rows] == [
        ("0", column, step.node.name) for column in "01" for step in found.nodes
    ]
    assert float(rows[5]["output"]) == found.nodes[1].output[0, 1]


def test_a_picture_holds_the_drawing():
    image = picture(passed(5.0), Style())
    assert "0.006648" in image
    assert "①" in image


def test_the_command_draws_the_last_forward_pass_and_takes_dout(sigcli):
    sigcli("forward", "5")
    ran = sigcli("graph", "--dout", "2", "--format", "json")
    assert json.loads(ran.out)["dx"] == [2 * 0.0066480566707901555]
    assert "the last forward pass" in ran.err
    assert sigcli("graph", "5", "--dout", "1").code == 0


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["5", "--format", "plain"],
         "graph has no plain form; expected --format json, csv or table"),
        (["5", "-o", "graph.txt"], "graph has no plain form; expected --format json, csv or table"),
        ([], "graph needs X, such as 'sigcli graph 24 32 5', or a forward pass before it"),
        (["--dout", "1", "24", "32"],
         "no X: --dout took all 3 numbers; to keep some for X write 'sigcli graph --dout=1 24 32'"),
    ],
)  # fmt: skip
def test_what_graph_cannot_do(sigcli, args, error):
    ran = sigcli("graph", *args)
    assert (ran.code, ran.out, ran.err) == (2, "", f"sigcli: {error}\n")


def test_a_table_of_many_says_where_the_graph_loses_digits():
    lines = table(passed(1.0, -800.0, 2.0, -900.0, 3.0), Style()).splitlines()
    assert lines[-1].startswith("The graph loses digits in 2 of 5; x[1] = -800: exp(800) is beyond")
    assert "loses" not in table(passed(*np.arange(5.0)), Style())
