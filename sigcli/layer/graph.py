"""The Sigmoid layer as a computational graph: x → (× −1) → exp → (+ 1) → (1 / ·) → y.

Each node computes its own output and its own local derivative, and knows nothing of the others.
Going back, each multiplies the gradient that comes in with its local derivative; what leaves the
first node is dx. Nothing is taken from the formula dout · y · (1 − y), which is what comes out.

Reference: Saito, *Deep Learning from Scratch*, chapter 5, figures 5-19 to 5-22.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..record import Record
from .passes import digits_lost
from .sigmoid import Sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..arrays import Array


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes
    ----------
    name : str
        What it does.
    rule : str
        What it does to a gradient on the way back, in terms of x and y.
    forward : callable
        Its output, of its input.
    derivative : callable
        Its local derivative, of its input and its output.
    """

    name: str
    rule: str
    forward: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]


NODES = (
    Node("× −1", "· −1", np.negative, lambda a, _: np.full_like(a, -1)),
    Node("exp", "· exp(−x)", np.exp, lambda _, out: out),
    Node("+ 1", "· 1, passed on", lambda a: a + a.dtype.type(1), lambda a, _: np.ones_like(a)),
    Node("1 / ·", "· −y²", np.reciprocal, lambda _, out: -out * out),
)


@dataclass(frozen=True)
class NodePass:
    """What went through a node, there and back; all arrays have the shape of x.

    Attributes
    ----------
    node : Node
        The operation.
    input, output : ndarray
        Forward.
    incoming, local, outgoing : ndarray
        Back: the gradient with respect to the output, the local derivative, their product.
    """

    node: Node
    input: Array
    output: Array
    incoming: Array
    local: Array
    outgoing: Array

    @property
    def flow(self) -> dict[str, Array]:
        """What went through it, by name."""
        names = ("input", "output", "incoming", "local", "outgoing")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class GraphPass:
    """A pass through the graph, and the layer's beside it; all arrays have the shape of x.

    Attributes
    ----------
    x, dout : ndarray
        The input and the upstream gradient.
    y, dx : ndarray
        As the layer gives them, with all their digits.
    digits_lost : ndarray of int
        How many decimal digits of dx are missing in what leaves the first node.
    nodes : tuple of NodePass
        In forward order.
    """

    x: Array
    y: Array
    dout: Array
    dx: Array
    digits_lost: NDArray[np.int_]
    nodes: tuple[NodePass, ...]
    command = "graph"
    exit_code = 0

    @cached_property
    def record(self) -> Record:
        """All of it by name."""
        arrays = {"x": self.x, "y": self.y, "dout": self.dout, "dx": self.dx}
        names = np.array([found.node.name for found in self.nodes])
        shape = (*self.x.shape, len(names))
        table = {
            "x": np.broadcast_to(self.x[..., np.newaxis], shape),
            "node": np.broadcast_to(names, shape),
        }
        for name in self.nodes[0].flow:
            table[name] = np.stack([found.flow[name] for found in self.nodes], axis=-1)
        nodes = [{"name": n.node.name, "rule": n.node.rule, **n.flow} for n in self.nodes]
        return Record(
            "dx", arrays | {"digits_lost": self.digits_lost}, facts={"nodes": nodes}, table=table
        )


def graph_pass(x: Array, dout: Array) -> GraphPass:
    """Run x forward through the nodes, and dout back."""
    with np.errstate(all="ignore"):
        values = [x]
        for node in NODES:
            values.append(np.asarray(node.forward(values[-1])))
        gradient = dout
        nodes: list[NodePass] = []
        for node, a, out in reversed(list(zip(NODES, values[:-1], values[1:], strict=True))):
            local = np.asarray(node.derivative(a, out))
            nodes.insert(0, NodePass(node, a, out, gradient, local, np.asarray(gradient * local)))
            gradient = nodes[0].outgoing
    layer = Sigmoid()
    y, dx = layer.forward(x), layer.backward(dout)
    return GraphPass(x, y, dout, dx, digits_lost(gradient, dx), tuple(nodes))


def remark(found: GraphPass, place: tuple[int, ...]) -> str:
    """Say where the graph loses the digits of an element's y or dx; nothing if it keeps them."""
    _, exp, plus, inverse = found.nodes
    limits = np.finfo(found.x.dtype)
    x, dx, graph = found.x[place], found.dx[place], found.nodes[0].outgoing[place]
    if np.isnan(x):
        return ""
    if np.isinf(exp.output[place]):
        beyond = f"beyond {limits.max:.2g}, the largest {limits.dtype}"
        lost = f"exp({exp.input[place]:g}) is {beyond if np.isfinite(x) else 'inf'}"
    elif inverse.local[place] > -limits.tiny:
        lost = f"y² is below {limits.tiny:.2g}, the smallest normal {limits.dtype}"
    elif plus.output[place] == 1 and exp.output[place] > 0:
        return "1 + exp(−x) is rounded to 1, so y · (1 − y) would be 0; the graph keeps exp(−x)"
    else:
        return ""
    if not found.digits_lost[place]:
        return ""
    return f"{lost}: the graph gives dx = {graph}, and the layer, which avoids it, {dx}"
