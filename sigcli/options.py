"""The options of the commands: how they are declared, and how their values are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import NumberError, RangeError, UsageError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMATS = ("table", "plain", "csv", "json")
DTYPES = ("float16", "float32", "float64")
METHODS = ("central", "complex")
PLOT_FORMATS = ("table", "csv", "json")
SUFFIXES = {  # of --output: how to write, and the format that it goes with
    ".npy": ("npy", ""),
    ".npz": ("npz", ""),
    ".csv": ("csv", "csv"),
    ".tsv": ("tsv", "csv"),
    ".txt": ("plain", "plain"),
    ".json": ("json", "json"),
    ".svg": ("picture", "table"),
}
PLOT_SUFFIXES = {
    ".svg": ("svg", "table"),
    ".png": ("png", "table"),
    ".pdf": ("pdf", "table"),
    **{suffix: SUFFIXES[suffix] for suffix in (".csv", ".tsv", ".json")},
}
_DRAWN = (4, 3)  # rows and columns that differ, so that a transposition shows
_MOST_DIGITS = 17  # no float64 has more
_MOST_ROWS = 10**8  # and elements, and seeds

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
Format = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(FORMATS),
        show_default=False,
        help="How to print; all but the table, which is the default, print every value exactly. "
        "SIGCLI_FORMAT in the environment sets the default.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Write to a file instead: .npy, .npz, .csv, .tsv, .txt, .json or .svg.",
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
PlotFormat = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(PLOT_FORMATS),
        show_default=False,
        help="How to print; table, the default, is the drawing, and the others are its numbers.",
    ),
]
PlotOutput = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Write to a file instead: .svg, .png or .pdf is a picture, for which "
        "pip install matplotlib; .csv, .tsv or .json its numbers.",
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
Digits = Annotated[
    str | None,
    typer.Option(metavar="N", show_default=False, help="Significant digits in the table."),
]
Rows = Annotated[
    str | None,
    typer.Option(
        metavar="N|all",
        show_default=False,
        help="Show at most so many rows in the table; 40 unless given.",
    ),
]
NoColor = Annotated[
    bool, typer.Option("--no-color", help="No colour; NO_COLOR in the environment does the same.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No notes on standard error; errors are still said.")
]


@dataclass(frozen=True)
class Display:
    """Where a result goes, and how it is shown there.

    Attributes
    ----------
    kind : str
        How to write it: the name of what does so in `show`.
    output : str or None
        The file to write to; None is standard output.
    dtype : str or None
        The type to compute in; None is that of x.
    digits, rows, color
        For tables alone; see `show.table.Style`.
    quiet : bool
        Whether to leave out notes.
    """

    kind: str
    output: str | None
    dtype: str | None
    digits: int | None
    rows: int | None
    color: bool
    quiet: bool


def read_display(
    format: str | None,
    output: str | None,
    dtype: str | None,
    digits: str | None,
    rows: str | None,
    no_color: bool,
    quiet: bool,
) -> Display:
    """Read the options that all commands share."""
    if format is not None:
        choice("--format", format, FORMATS)
    default = choice("SIGCLI_FORMAT", os.environ.get("SIGCLI_FORMAT") or "table", FORMATS)
    kind = (format or default) if output is None else _kind(output, format)
    most = 200 if kind == "picture" else 40
    return Display(
        kind,
        output,
        None if dtype is None else choice("--dtype", dtype, DTYPES),
        None if digits is None else whole("--digits", digits, _MOST_DIGITS),
        most if rows is None else _row_count(rows),
        color=not (no_color or os.environ.get("NO_COLOR")),
        quiet=quiet,
    )


def _row_count(text: str) -> int | None:
    return None if text == "all" else whole("--rows", text, _MOST_ROWS, ", or all")


def _kind(
    output: str, format: str | None, suffixes: Mapping[str, tuple[str, str]] = SUFFIXES
) -> str:
    """Return how to write the file `output`, by its suffix."""
    kind, its_format = suffixes.get(os.path.splitext(output)[1].lower(), ("", format))
    if format not in (None, its_format):
        raise UsageError(f"--format {format} contradicts --output '{output}'; drop one")
    if not (kind or format):
        raise UsageError(
            f"--output: '{output}': no suffix says how to write it; "
            f"{', '.join(suffixes)} do, or --format"
        )
    return kind or str(format)


def read_plot_display(
    format: str | None, output: str | None, no_color: bool, quiet: bool
) -> Display:
    """Read how `plot` is to be shown."""
    default = os.environ.get("SIGCLI_FORMAT") or "table"
    name, wanted = ("SIGCLI_FORMAT", default) if format is None else ("--format", format)
    if wanted == "plain":
        raise UsageError(f"{name}: a plot has no 'plain'; choose table, the drawing, csv or json")
    choice(name, wanted, PLOT_FORMATS)
    return Display(
        wanted if output is None else _kind(output, format, PLOT_SUFFIXES),
        output,
        dtype=None,
        digits=None,
        rows=None,
        color=not (output or no_color or os.environ.get("NO_COLOR")),
        quiet=quiet,
    )


def read_span(
    start: str | None, end: str | None, *, with_points: bool
) -> tuple[float | None, float | None]:
    """Read the range of `plot`; None is for an end that is found by the points.

    Raises
    ------
    RangeError
        If an end is not finite, or there is no range between them.
    """
    from .show.axis import DEFAULT_SPAN, check_span

    low, high = (None, None) if with_points else DEFAULT_SPAN
    low = low if start is None else finite("--from", start)
    high = high if end is None else finite("--to", end)
    if low is not None and high is not None:
        check_span(low, high)
    return low, high


def finite(name: str, text: str) -> float:
    """Read a finite number."""
    value = _number(name, text)
    if not isfinite(value):
        raise RangeError(f"{name}: {quoted(text)} is not finite; a number such as -8 is right")
    return value


def fraction(name: str, text: str, *, inclusive: bool) -> float:
    """Read a number from 0 to 1, the ends included or not."""
    value = _number(name, text)
    if 0 < value < 1 or (inclusive and value in (0, 1)):
        return value
    span = "0 ≤ value ≤ 1" if inclusive else "0 < value < 1"
    raise RangeError(f"{name}: {quoted(text)} is out of range; {span} is right")


def _number(name: str, text: str) -> float:
    from .arrays.text import read_number

    try:
        return read_number(name, text)
    except NumberError as error:
        raise UsageError(str(error)) from None


@dataclass(frozen=True)
class CheckOptions:
    """How a gradient is to be checked; see `check.gradcheck`, but for `shape`, of drawn points."""

    method: Any
    rtol: float | None
    samples: int | None
    seed: int
    why: int | None
    shape: tuple[int, ...]


def read_check(
    method: str | None,
    rtol: str | None,
    samples: str | None,
    seed: str | None,
    why: str | None,
    shape: str | None,
) -> CheckOptions:
    """Read the options of `gradcheck`."""
    return CheckOptions(
        "central" if method is None else choice("--method", method, METHODS),
        None if rtol is None else fraction("--rtol", rtol, inclusive=False),
        None if samples is None else whole("--samples", samples, _MOST_ROWS),
        0 if seed is None else whole("--seed", seed, _MOST_ROWS, least=0),
        None if why is None else whole("--why", why, _MOST_ROWS, least=0),
        _DRAWN if shape is None else _shape(shape),
    )


def _shape(text: str) -> tuple[int, ...]:
    words = text.strip("()[] ").replace(",", " ").split()
    if not words:
        raise UsageError("--shape needs whole numbers, such as --shape 4,3")
    sizes = tuple(whole("--shape", word, _MOST_ROWS) for word in words)
    if prod(sizes) > _MOST_ROWS:
        raise UsageError(f"--shape: {quoted(text)} holds more than {_MOST_ROWS} numbers")
    return sizes


def whole(name: str, text: str, most: int, otherwise: str = "", least: int = 1) -> int:
    """Read a whole number from `least` to `most`."""
    if text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    span = f"from {least} to {most}{otherwise}"
    raise UsageError(f"{name}: {quoted(text)} is not a whole number {span}")


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """Read one of `choices`."""
    if text in choices:
        return text
    raise UsageError(
        f"{name}: no {quoted(text)}; choose {', '.join(choices[:-1])} or {choices[-1]}"
    )
