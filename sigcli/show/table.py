"""Tables in the terminal, and pictures of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .sections import SECTIONS, Section, Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..record import Result

_UNLIMITED = 10**6  # columns
_PIPE = 80  # columns of a drawing where there is no terminal
# Rich's picture of a terminal, without the fonts that its own would load from the network.
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
_LEFT = ("verdict", "computed", "node", "local derivative")  # columns of words
_COLORS = {"pass": "green", "wrong": "bold red", "unresolved": "yellow"}


def table(result: Result, style: Style) -> str:
    """Return `result` as a table that fits the terminal, or at its natural width in a pipe.

    Where a terminal is too narrow for the table, each element is a block of lines instead: a
    number is never split or shortened.
    """
    console = Console(
        color_system="auto" if style.color else None, highlight=False, markup=False, emoji=False
    )
    width = console.width if console.file.isatty() else _PIPE
    sections = SECTIONS[result.command](result, style, width)
    if not console.encoding.lower().startswith("utf"):
        sections = [section.in_ascii() for section in sections]
    with console.capture() as captured:
        _print(console, sections)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def picture(result: Result, style: Style) -> str:
    """Return the same table as an SVG image, at its natural width."""
    console = Console(file=io.StringIO(), record=True, highlight=False, markup=False, emoji=False)
    _print(console, SECTIONS[result.command](result, style, _PIPE))
    return console.export_svg(title=f"sigcli {result.command}", code_format=_SVG)


def _print(console: Console, sections: Sequence[Section]) -> None:
    """Print drawings, tables, or blocks where the terminal is too narrow, and sentences."""
    drawn = [_draw(section.columns) for section in sections]
    options = console.options.update(width=_UNLIMITED)
    widths = [console.measure(table, options=options).maximum for table in drawn]
    in_terminal = console.file.isatty()
    narrow = console.width
    if not in_terminal:
        lines = [line for section in sections for line in section.below]
        lines += [line for section in sections for line, _ in section.above]
        console.width = max(*widths, *map(len, lines), 1)
    for section, table, width in zip(sections, drawn, widths, strict=True):
        if section is not sections[0]:
            console.print()
        for line, color in section.above:
            console.print(line, style=color, soft_wrap=True)
        if section.above:
            console.print()
        blocks = in_terminal and width > narrow
        console.print(_blocks(section.columns, narrow) if blocks else table, soft_wrap=blocks)
        if blocks and section.below:
            console.print()
        for sentence in section.below:
            text = sentence.lstrip()
            console.print(Padding(text, (0, 0, 0, len(sentence) - len(text))))


def _draw(columns: dict[str, list[str]]) -> Table:
    drawn = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        drawn.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        drawn.add_row(*map(_colored, row))
    return drawn


def _blocks(columns: dict[str, list[str]], width: int) -> Text:
    """Return one block of lines an element; a number that does not fit has a line of its own."""
    indent = max(map(len, columns)) + 2
    longest = max(len(cell) for cells in columns.values() for cell in cells)
    gap = "\n" if indent + longest > width else ""
    blocks = []
    for row in zip(*columns.values(), strict=True):
        lines = (
            Text.assemble(name if gap else name.ljust(indent), gap, _colored(cell.strip()))
            for name, cell in zip(columns, row, strict=True)
        )
        blocks.append(Text("\n").join(lines))
    return Text("\n\n").join(blocks)


def _colored(cell: str) -> Text:
    # Rich would take the blanks off that stand behind a number for its point to be in place.
    justify: Any = "left" if cell.endswith(" ") else None
    return Text(cell, style=_COLORS.get(cell, ""), justify=justify)


SHOWS = {"table": table, "picture": picture}
