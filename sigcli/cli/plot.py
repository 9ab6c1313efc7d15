"""``sigcli plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..read.given import Given
from .display import PLOT, Display, displayed
from .options import From, To, X
from .perform import loaded, perform
from .streams import say_notes
from .values import finite

if TYPE_CHECKING:
    from ..layer.curve import Plot


@displayed(PLOT)
def plot(display: Display, x: X = None, start: From = None, end: To = None) -> int:
    """Plot y = σ(x) and its slope, dy/dx = y · (1 − y), over a range of x.

    The points X are marked on both curves.

    Examples:

    sigcli plot 24 32 5

    sigcli plot -1 0 2 --from -6 --to 6 --output sigmoid.svg

    Read more: sigcli manual sigmoid.
    """
    low, high = _span(start, end, with_points=bool(x))
    given = Given({"x": x})
    from ..show import plot as shown

    def compute() -> Plot:
        return shown.plot(loaded(given, display).get("x"), low, high)

    def beside(result: Any) -> None:
        say_notes(shown.notes(result, display.kind), quiet=display.quiet)

    return perform(given, compute, display, beside=beside, shows=lambda: shown.SHOWS)


def _span(
    start: str | None, end: str | None, *, with_points: bool
) -> tuple[float | None, float | None]:
    """Read the range of `plot`; None is for an end that is found by the points.

    Raises
    ------
    RangeError
        If an end is not finite, or there is no range between them.
    """
    from ..show.axis import DEFAULT_SPAN, check_span

    low, high = (None, None) if with_points else DEFAULT_SPAN
    low = low if start is None else finite("--from", start)
    high = high if end is None else finite("--to", end)
    if low is not None and high is not None:
        check_span(low, high)
    return low, high
