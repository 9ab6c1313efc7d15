"""``sigcli graph``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..read.given import Given
from .display import GRAPH, Display, displayed
from .options import Dout, Dtype, X, read_dtype
from .perform import perform
from .point import Point

if TYPE_CHECKING:
    from ..layer.graph import GraphPass


@displayed(GRAPH)
def graph(display: Display, x: X = None, dout: Dout = None, dtype: Dtype = None) -> int:
    """Show the computational graph x → (× −1) → exp → (+ 1) → (1 / ·) → y, there and back.

    Each node multiplies the gradient that comes in with its own local derivative: −y², 1, exp(−x)
    and −1, in the order of the steps back. Their product is y · (1 − y).

    Without X the last forward pass is shown, without --dout the upstream gradient is 1. Up to
    three elements are drawn; more are a table of all nodes.

    Examples:

    sigcli graph 5 --dout 1

    sigcli graph -800 --format json

    Read more: sigcli manual sigmoid, and Deep Learning from Scratch, figures 5-19 to 5-22.
    """
    given = Given({"x": x, "dout": dout}, beside_x=("dout",), dtype=read_dtype(dtype))
    point = Point("graph", given, dout)

    def compute() -> GraphPass:
        from ..layer.graph import graph_pass

        return graph_pass(*point.load(display))

    return perform(given, compute, display)
