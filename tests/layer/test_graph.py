from __future__ import annotations

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.layer.graph import NODES, graph_pass, remark

POINTS = np.random.default_rng(11).uniform(-20, 300, 2000)


def test_the_composed_graph_is_the_layer():
    dout = np.resize([1.5, -0.5, 3.0], POINTS.shape)
    found = graph_pass(POINTS, dout)
    layer = Sigmoid()
    np.testing.assert_allclose(found.nodes[-1].output, layer.forward(POINTS), rtol=1e-15)
    np.testing.assert_allclose(found.nodes[0].outgoing, layer.backward(dout), rtol=2e-15)
    assert found.y.tolist() == layer.forward(POINTS).tolist()
    assert found.dx.tolist() == layer.backward(dout).tolist()


@pytest.mark.parametrize("at", range(4), ids=[node.name for node in NODES])
def test_each_node_has_the_local_derivative_that_differences_find(at):
    node = NODES[at]
    inputs = graph_pass(np.linspace(-6, 6, 200), np.ones(200)).nodes[at].input

    class Node:
        forward = staticmethod(node.forward)

        def backward(self, dout):
            return dout * node.derivative(inputs, node.forward(inputs))

    check = gradcheck(Node(), inputs)
    assert check.verdict == "pass"
    assert check.digits.min() >= 10


def test_what_leaves_a_node_is_what_enters_the_next():
    found = graph_pass(np.array([5.0, -1.0]), np.array([1.0, 2.0]))
    for before, after in zip(found.nodes, found.nodes[1:], strict=False):
        assert before.output.tolist() == after.input.tolist()
        assert before.incoming.tolist() == after.outgoing.tolist()
    for step in found.nodes:
        assert step.outgoing.tolist() == (step.incoming * step.local).tolist()
    assert found.nodes[-1].incoming.tolist() == [1.0, 2.0]


def test_the_local_derivatives_are_the_four_of_the_derivation(truth):
    """At x = 2: −1, exp(−2), 1 and −y²."""
    found = graph_pass(np.array([2.0]), np.ones(1))
    y = truth.sigma(2.0)
    expected = [-1, float(truth.exp(-2.0)), 1, float(-y * y)]
    assert [step.local[0] for step in found.nodes] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (5.0, ""),
        (-40.0, ""),
        (40.0, "1 + exp(−x) is rounded to 1, so y · (1 − y) would be 0; the graph keeps exp(−x)"),
        (-500.0, "y² is below 2.2e-308, the smallest normal float64: the graph gives dx = 0.0, "
                 "and the layer, which avoids it, 7.124576406741286e-218"),
        (-800.0, "exp(800) is beyond 1.8e+308, the largest float64: the graph gives dx = nan, "
                 "and the layer, which avoids it, 0.0"),
        (np.inf, ""),
        (1e300, ""),
        (-np.inf, "exp(inf) is inf: the graph gives dx = nan, and the layer, which avoids it, 0.0"),
        (np.nan, ""),
    ],
    ids=str,
)  # fmt: skip
def test_where_digits_are_lost_is_said(x, words):
    assert remark(graph_pass(np.array([x]), np.ones(1)), (0,)) == words


def test_the_right_gradient_stands_beside_a_lost_one(truth):
    x = np.array([-720.0, -500.0, -300.0])
    found = graph_pass(x, np.ones(3))
    assert found.digits_lost.tolist() == [15, 15, 0]
    for point, dx in zip(x, found.dx, strict=True):
        assert abs(float(truth.error(dx, truth.slope(point)))) <= 4 * np.spacing(dx)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_graph_keeps_type_and_shape(dtype):
    x = np.linspace(-3, 3, 6, dtype=dtype).reshape(2, 3)
    found = graph_pass(x, np.ones_like(x))
    for step in found.nodes:
        for array in (step.input, step.output, step.incoming, step.local, step.outgoing):
            assert (array.dtype, array.shape) == (x.dtype, x.shape)
    assert graph_pass(np.array(0.5), np.array(1.0)).nodes[0].outgoing.shape == ()
