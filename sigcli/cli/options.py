"""The options of the commands; those that say how a result is shown are in `display`."""

from __future__ import annotations

from typing import Annotated

import typer

from .values import choice

DTYPES = ("float16", "float32", "float64")
METHODS = ("central", "complex")

X = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[X]...",
        show_default=False,
        help="Numbers, apart or with commas, negative ones too; brackets give a shape: "
        "'\\[\\[1, 2], \\[3, 4]]'. What NumPy prints can be pasted. "
        "@FILE reads a file, - standard input.",
    ),
]
Dout = Annotated[
    list[str] | None,
    typer.Option(
        metavar="D...",
        show_default=False,
        help="The upstream gradient ∂L/∂y: as many numbers as X, or one for all.",
    ),
]
Dx = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DX...",
        show_default=False,
        help="Check this gradient, computed elsewhere for the same X and D, in place of "
        "backward's; a number counts as good to one unit of its last digit.",
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.py:NAME",
        show_default=False,
        help="Check a layer of your own: a class with forward(x) and backward(dout), or a "
        "function that builds one; MODULE:NAME too. Its code is run.",
    ),
]
Shape = Annotated[
    str | None,
    typer.Option(
        metavar="N,M,...",
        show_default=False,
        help="With --layer and without X: the shape of the points that are drawn; 4,3 unless "
        "given.",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(METHODS),
        show_default=False,
        help="complex also takes steps along the imaginary axis, where forward allows it; they "
        "lose no digits.",
    ),
]
Rtol = Annotated[
    str | None,
    typer.Option(
        metavar="R",
        show_default=False,
        help="Relative tolerance, 0 < R < 1; √ε of the type unless given (1.5e-8).",
    ),
]
Samples = Annotated[
    str | None,
    typer.Option(
        metavar="K",
        show_default=False,
        help="Draw K elements of X and check these; for large layers.",
    ),
]
Seed = Annotated[
    str | None,
    typer.Option(metavar="S", show_default=False, help="Of all that is drawn; 0 unless given."),
]
Why = Annotated[
    str | None,
    typer.Option(
        metavar="INDEX",
        show_default=False,
        help="Show the evidence of one element, counted from 0 in reading order.",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="A",
        show_default=False,
        help="Where the range begins; at -8 unless given, or farther out to hold X.",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="B",
        show_default=False,
        help="Where the range ends; at 8 unless given, or farther out to hold X.",
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(DTYPES),
        show_default=False,
        help="Convert x to this type, and all else with it.",
    ),
]


def read_dtype(text: str | None) -> str | None:
    """Return the type that was asked for, if any."""
    return None if text is None else choice("--dtype", text, DTYPES)
