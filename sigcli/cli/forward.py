"""``sigcli forward``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..read.given import Given
from ..write.last_pass import forget, remember
from .display import Display, displayed
from .options import Dtype, X, read_dtype
from .perform import ByBlock, loaded, perform, threads
from .point import needs_x
from .values import fraction

if TYPE_CHECKING:
    from ..layer.passes import ForwardPass


@displayed()
def forward(
    display: Display,
    x: X = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            show_default=False,
            help="Add the class: 1 where y ≥ T, else 0; T from 0 to 1.",
        ),
    ] = None,
    dtype: Dtype = None,
) -> int:
    r"""Forward pass: y = σ(x) = 1 / (1 + exp(−x)).

    Beside y stands 1 − y with all its digits, since where y prints as 1 it is not.

    Examples:

    sigcli forward 24 32 5

    sigcli forward -1 '-2.5e-3' -inf --format json

    sigcli forward '\[\[1, 2], \[3, 4]]' --threshold 0.5

    Read more: sigcli manual sigmoid, and Deep Learning from Scratch, chapter 5.
    """
    limit = None if threshold is None else fraction("--threshold", threshold, inclusive=True)
    given = Given({"x": x}, dtype=read_dtype(dtype))
    if not x:
        needs_x("forward", given, None)

    from ..layer import Sigmoid
    from ..layer.passes import forward_pass

    def compute() -> ForwardPass:
        return forward_pass(loaded(given, display)["x"], limit, threads=threads())

    block = Sigmoid(threads()).forward
    by_block = ByBlock(block, begin=forget, of_text=True) if limit is None else None
    return perform(
        given, compute, display, by_block=by_block, after=lambda result: remember(result.x)
    )
