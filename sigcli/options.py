"""The options of the commands: how they are declared, and how their values are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import NumberError, RangeError, UsageError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("table", "plain", "csv", "json")
DTYPES = ("float16", "float32", "float64")
_SUFFIXES = {  # of --output: how to write, and the format that it goes with
    ".npy": ("npy", ""),
    ".npz": ("npz", ""),
    ".csv": ("csv", "csv"),
    ".tsv": ("tsv", "csv"),
    ".txt": ("plain", "plain"),
    ".json": ("json", "json"),
    ".svg": ("picture", "table"),
}
_MOST_DIGITS = 17  # no float64 has more
_MOST_ROWS = 10**8

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


def _kind(output: str, format: str | None) -> str:
    """Return how to write the file `output`, by its suffix."""
    kind, its_format = _SUFFIXES.get(os.path.splitext(output)[1].lower(), ("", format))
    if format not in (None, its_format):
        raise UsageError(f"--format {format} contradicts --output '{output}'; drop one")
    if not (kind or format):
        raise UsageError(
            f"--output: '{output}': no suffix says how to write it; "
            f"{', '.join(_SUFFIXES)} do, or --format"
        )
    return kind or str(format)


def fraction(name: str, text: str, *, inclusive: bool) -> float:
    """Read a number from 0 to 1, the ends included or not."""
    from .arrays.text import read_number

    try:
        value = read_number(name, text)
    except NumberError as error:
        raise UsageError(str(error)) from None
    if 0 < value < 1 or (inclusive and value in (0, 1)):
        return value
    span = "0 ≤ value ≤ 1" if inclusive else "0 < value < 1"
    raise RangeError(f"{name}: {quoted(text)} is out of range; {span} is right")


def whole(name: str, text: str, most: int, otherwise: str = "") -> int:
    """Read a whole number from 1 to `most`."""
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise UsageError(f"{name}: {quoted(text)} is not a whole number from 1 to {most}{otherwise}")


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """Read one of `choices`."""
    if text in choices:
        return text
    raise UsageError(
        f"{name}: no {quoted(text)}; choose {', '.join(choices[:-1])} or {choices[-1]}"
    )
