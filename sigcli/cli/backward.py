"""``sigcli backward``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..read.given import Given
from .display import Display, displayed
from .options import Dout, Dtype, X, read_dtype
from .perform import ByBlock, perform, threads
from .point import Point
from .streams import say_notes

if TYPE_CHECKING:
    from ..arrays import Array
    from ..layer.passes import BackwardPass


@displayed()
def backward(
    display: Display,
    x: X = None,
    dout: Dout = None,
    y: Annotated[
        list[str] | None,
        typer.Option(
            metavar="Y...",
            show_default=False,
            help="Start from the layer's output, 0 ≤ y ≤ 1, in place of X.",
        ),
    ] = None,
    textbook: Annotated[
        bool,
        typer.Option(
            "--textbook",
            help="Add dout · (1 − out) · out computed literally, and how many digits it lost.",
        ),
    ] = False,
    dtype: Dtype = None,
) -> int:
    """Backward pass: dx = dout · y · (1 − y), where y = σ(x).

    Computed from the smaller of y and 1 − y, so that no digit is lost to cancellation.
    Without --dout the upstream gradient is 1 everywhere.

    Examples:

    sigcli backward 24 32 5 --dout 1 0.5 -2

    sigcli backward 24 32 5 --textbook

    sigcli backward --y 0.5 0.9 --dout 1

    Read more: sigcli manual sigmoid, and Deep Learning from Scratch, chapter 5.
    """
    its_dtype = read_dtype(dtype)
    if y and (x or textbook):
        raise UsageError(f"--y stands in place of X; leave out {'X' if x else '--textbook'}")
    words = {"x": x, "y": y, "dout": dout}
    given = Given(words, beside_x=("dout",), dtype=its_dtype)
    point = Point("backward", given, dout)
    from ..layer import Sigmoid
    from ..layer.passes import backward_from_output, backward_pass

    def compute() -> BackwardPass:
        at, gradient = point.load(display)
        if y:
            return backward_from_output(at, gradient)
        return backward_pass(at, gradient, with_textbook=textbook, threads=threads())

    layer = Sigmoid(threads())

    def block(x: Array, dout: Array | float = 1.0) -> Array:
        layer.forward(x)
        return layer.backward(dout)

    return perform(
        given,
        compute,
        display,
        by_block=None if textbook else ByBlock(block),
        beside=lambda result: say_notes(result.notes, quiet=display.quiet),
    )
