"""How a result is shown: the options for it, declared once, and handed over as one `Display`."""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from .options import option
from .values import MOST, choice, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_DIGITS = 17  # no float64 has more
_ROWS, _ROWS_OF_A_PICTURE = 40, 200


@dataclass(frozen=True)
class Display:
    """Where a result goes, and how it is shown there.

    Attributes
    ----------
    kind : str
        How to write it: a name in `write.results.WRITERS`, or in a ``SHOWS`` of `show`.
    output : str or None
        The file to write to; None is standard output.
    digits, rows, color
        For tables alone; see `show.sections.Style`.
    quiet : bool
        Whether to leave out notes.
    """

    kind: str
    output: str | None
    digits: int | None
    rows: int | None
    color: bool
    quiet: bool


@dataclass(frozen=True)
class Forms:
    """In which forms a command can give its result.

    Attributes
    ----------
    formats : tuple of str
        What ``--format`` takes.
    suffixes : dict of str to tuple of str
        Of a file to write to: how to write it, and the format that this goes with.
    lacking : dict of str to str
        A format that other commands have, and what to say where it is asked for.
    options : dict of str to Any
        The options, by their names in the signature of a command.
    """

    formats: tuple[str, ...]
    suffixes: Mapping[str, tuple[str, str]]
    options: Mapping[str, Any]
    lacking: Mapping[str, str] = field(default_factory=dict)


def _text(*names: str, metavar: str, help: str) -> Any:
    return Annotated[str | None, option(*names, metavar=metavar, help=help)]


NoColor = Annotated[
    bool, typer.Option("--no-color", help="No colour; NO_COLOR in the environment does the same.")
]
_SWITCHES = {
    "no_color": NoColor,
    "quiet": Annotated[
        bool, typer.Option("--quiet", help="No notes on standard error; errors are still said.")
    ],
}
_FORMATS = ("table", "plain", "csv", "json")
TABLE = Forms(
    formats=_FORMATS,
    suffixes={
        ".npy": ("npy", ""),
        ".npz": ("npz", ""),
        ".csv": ("csv", "csv"),
        ".tsv": ("tsv", "csv"),
        ".txt": ("plain", "plain"),
        ".json": ("json", "json"),
        ".svg": ("picture", "table"),
    },
    options={
        "format": _text(
            metavar="|".join(_FORMATS),
            help="How to print; all but the table, which is the default, print every value "
            "exactly. SIGCLI_FORMAT in the environment sets the default.",
        ),
        "output": _text(
            "--output", "-o",
            metavar="FILE",
            help="Write to a file instead: .npy, .npz, .csv, .tsv, .txt, .json or .svg.",
        ),
        "digits": _text(metavar="N", help="Significant digits in the table."),
        "rows": _text(
            metavar="N|all", help="Show at most so many rows in the table; 40 unless given."
        ),
        **_SWITCHES,
    },
)  # fmt: skip
GRAPH = replace(
    TABLE, lacking={"plain": "graph has no plain form; expected --format json, csv or table"}
)
_PLOT_FORMATS = ("table", "csv", "json")
PLOT = Forms(
    formats=_PLOT_FORMATS,
    suffixes={
        ".svg": ("svg", "table"),
        ".png": ("png", "table"),
        ".pdf": ("pdf", "table"),
        **{suffix: TABLE.suffixes[suffix] for suffix in (".csv", ".tsv", ".json")},
    },
    options={
        "format": _text(
            metavar="|".join(_PLOT_FORMATS),
            help="How to print; table, the default, is the drawing, and the others are its "
            "numbers.",
        ),
        "output": _text(
            "--output", "-o",
            metavar="FILE",
            help="Write to a file instead: .svg, .png or .pdf is a picture, for which "
            "pip install matplotlib; .csv, .tsv or .json its numbers.",
        ),
        **_SWITCHES,
    },
    lacking={"plain": "{name}: a plot has no 'plain'; choose table, the drawing, csv or json"},
)  # fmt: skip


def displayed(forms: Forms = TABLE) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command the options of `forms`, and hand what they say over as its `display`."""

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = inspect.signature(command, eval_str=True)
        kept = [p for name, p in own.parameters.items() if name != "display"]
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if name in _SWITCHES else None,
                annotation=option,
            )
            for name, option in forms.options.items()
        ]

        @wraps(command)
        def with_display(**values: Any) -> int:
            display = read_display(forms, **{name: values.pop(name) for name in forms.options})
            return command(display=display, **values)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept] + added
        with_display.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_display.__annotations__ = {p.name: p.annotation for p in parameters}
        return with_display

    return decorate


def read_display(
    forms: Forms,
    format: str | None = None,
    output: str | None = None,
    digits: str | None = None,
    rows: str | None = None,
    no_color: bool = False,
    quiet: bool = False,
) -> Display:
    """Read the options of `forms`."""
    default = os.environ.get("SIGCLI_FORMAT") or "table"
    name, wanted = ("SIGCLI_FORMAT", default) if format is None else ("--format", format)
    if wanted not in forms.lacking:
        choice(name, wanted, forms.formats)
    kind = wanted if output is None else _kind(output, format, forms.suffixes)
    if kind in forms.lacking:
        raise UsageError(forms.lacking[kind].format(name=name))
    most = _ROWS_OF_A_PICTURE if kind == "picture" else _ROWS
    return Display(
        kind,
        output,
        None if digits is None else whole("--digits", digits, _MOST_DIGITS),
        most if rows is None else _row_count(rows),
        color=not (output or no_color or os.environ.get("NO_COLOR")),
        quiet=quiet,
    )


def _row_count(text: str) -> int | None:
    return None if text == "all" else whole("--rows", text, MOST, ", or all")


def _kind(output: str, format: str | None, suffixes: Mapping[str, tuple[str, str]]) -> str:
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
