"""The options of the commands; those that say how a result is shown are in `display`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .values import choice

DTYPES = ("float16", "float32", "float64")
METHODS = ("central", "complex")


def option(*names: str, metavar: str, help: str) -> Any:
    """Return an option that takes a value, and of which a default is said in its help."""
    return typer.Option(*names, metavar=metavar, show_default=False, help=help)


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
    option(
        metavar="D...",
        help="The upstream gradient ∂L/∂y: as many numbers as X, or one for all.",
    ),
]
Dx = Annotated[
    list[str] | None,
    option(
        metavar="DX...",
        help="Check this gradient, computed elsewhere for the same X and D, in place of "
        "backward's; a number counts as good to one unit of its last digit.",
    ),
]
Layer = Annotated[
    str | None,
    option(
        metavar="FILE.py:NAME",
        help="Check a layer of your own: a class with forward(x) and backward(dout), or a "
        "function that builds one; MODULE:NAME too. Its code is run.",
    ),
]
Shape = Annotated[
    str | None,
    option(
        metavar="N,M,...",
        help="With --layer and without X: the shape of the points that are drawn; 4,3 unless "
        "given.",
    ),
]
Method = Annotated[
    str | None,
    option(
        metavar="|".join(METHODS),
        help="complex also takes steps along the imaginary axis, where forward allows it; they "
        "lose no digits.",
    ),
]
Rtol = Annotated[
    str | None,
    option(
        metavar="R",
        help="Relative tolerance, 0 < R < 1; √ε of the type unless given (1.5e-8).",
    ),
]
Samples = Annotated[
    str | None,
    option(
        metavar="K",
        help="Draw K elements of X and check these; for large layers.",
    ),
]
Seed = Annotated[
    str | None,
    option(metavar="S", help="Of all that is drawn; 0 unless given."),
]
Why = Annotated[
    str | None,
    option(
        metavar="INDEX",
        help="Show the evidence of one element, counted from 0 in reading order.",
    ),
]
From = Annotated[
    str | None,
    option(
        "--from",
        metavar="A",
        help="Where the range begins; at -8 unless given, or farther out to hold X.",
    ),
]
To = Annotated[
    str | None,
    option(
        "--to",
        metavar="B",
        help="Where the range ends; at 8 unless given, or farther out to hold X.",
    ),
]
Dtype = Annotated[
    str | None,
    option(
        metavar="|".join(DTYPES),
        help="Convert x to this type, and all else with it.",
    ),
]


def read_dtype(text: str | None) -> str | None:
    """Return the type that was asked for, if any."""
    return None if text is None else choice("--dtype", text, DTYPES)
