"""``sigcli gradcheck``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import LayerError, UsageError, printable
from ..read.given import Given
from .display import Display, displayed
from .options import (
    METHODS,
    Dout,
    Dtype,
    Dx,
    Layer,
    Method,
    Rtol,
    Samples,
    Seed,
    Shape,
    Why,
    X,
    read_dtype,
)
from .perform import loaded, perform, threads
from .point import needs_x
from .streams import say
from .values import MOST, choice, fraction, sizes, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..arrays import Array
    from ..check import GradientCheck

_DRAWN = (4, 3)  # rows and columns that differ, so that a transposition shows


@displayed()
def gradcheck(
    display: Display,
    x: X = None,
    dout: Dout = None,
    dx: Dx = None,
    layer: Layer = None,
    shape: Shape = None,
    method: Method = None,
    rtol: Rtol = None,
    samples: Samples = None,
    seed: Seed = None,
    why: Why = None,
    dtype: Dtype = None,
) -> int:
    """Gradient check: compare backward's dx with finite differences of forward.

    Each numeric gradient has an error bound, so the verdict is pass, wrong, or unresolved where
    the differences cannot tell. A wrong gradient is compared with known mistakes, and each run
    says which of them these points could not show.

    Without X a standard set of points from −700 to 700 is checked, and with --layer points drawn
    from −3 to 3; without --dout it is 1.5, −0.5, 3, −2.5, 0.7, repeated.

    Exit code: 0 all pass; 1 some are wrong, or the layer breaks a promise; 2 not done; 3 none is
    wrong, some are unresolved.

    Examples:

    sigcli gradcheck 24 32 5

    sigcli gradcheck 24 32 5 --dout 1 0.5 -2 --dx 3.775e-11 6.332e-15 -0.01330

    sigcli gradcheck --layer layers.py:Sigmoid && echo verified

    Read more: sigcli manual gradcheck, and sigcli manual layers.
    """
    drawn_shape = _DRAWN if shape is None else sizes(shape)
    options: dict[str, Any] = {
        "method": "central" if method is None else choice("--method", method, METHODS),
        "rtol": None if rtol is None else fraction("--rtol", rtol, inclusive=False),
        "samples": None if samples is None else whole("--samples", samples, MOST),
        "seed": 0 if seed is None else whole("--seed", seed, MOST, least=0),
        "why": None if why is None else whole("--why", why, MOST, least=0),
    }
    words = {"x": x, "dout": dout, "dx": dx}
    given = Given(words, beside_x=("dout", "dx"), by_digits=("dx",), dtype=read_dtype(dtype))
    if not x and max(given.count("dout"), given.count("dx")) > 1:
        needs_x("gradcheck", given, dout)
    if shape and (x or not layer):
        raise UsageError(f"--shape is for points to be drawn; {'drop X' if x else 'give --layer'}")

    def compute() -> GradientCheck:
        from ..check import gradcheck as check
        from ..show.progress import progress

        with _layer_and_points(layer) as (build, points):
            others = {} if x else {"x": points(drawn_shape, options["seed"])}
            arrays = loaded(given, display, **others)
            at = arrays["x"]
            total = min(options["samples"] or at.size, at.size)
            with (
                _hint(layer and not (x or shape), at),
                progress(total, wanted=not display.quiet, what="gradients") as done,
            ):
                return check(
                    build,
                    at,
                    arrays.get("dout"),
                    dx=arrays.get("dx"),
                    unit=given.units.get("dx", 0.0),
                    done=done,
                    **options,
                )

    def beside(result: GradientCheck) -> None:
        if result.exit_code and (display.output or display.kind != "table") and not display.quiet:
            from ..show.words import findings

            say([f"sigcli: {printable(line)}" for line in findings(result)])

    return perform(given, compute, display, beside=beside)


@contextmanager
def _layer_and_points(
    name: str | None,
) -> Iterator[tuple[Any, Callable[[tuple[int, ...], int], Array]]]:
    """Give the layer to check, our own or the user's `name`, and the points to check it at."""
    import numpy as np

    if name is None:
        from ..layer import STANDARD_X, Sigmoid

        yield Sigmoid(threads()), lambda shape, seed: np.array(STANDARD_X)
        return
    from ..custom.isolate import apart
    from ..custom.load import load

    with apart():
        yield (
            load(name),
            lambda shape, seed: np.random.default_rng(seed).uniform(-3, 3, shape),
        )


@contextmanager
def _hint(wanted: object, x: Array) -> Iterator[None]:
    """Say beside what a layer raises that it may be the shape of x, if that was our choice."""
    try:
        yield
    except LayerError as error:
        if not (wanted and ", in forward:" in str(error)):
            raise
        text = f"{error}; x was drawn with the shape {x.shape}: give X, or another --shape"
        raise LayerError(text) from None
