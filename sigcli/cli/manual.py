"""``sigcli manual``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .display import NoColor
from .streams import write_out


def manual(
    page: Annotated[
        str | None,
        typer.Argument(
            metavar="[PAGE]", show_default=False, help="Its name; without one, all are listed."
        ),
    ] = None,
    no_color: NoColor = False,
) -> int:
    """Show a page of the manual, or list the pages.

    In a terminal a page is shown by the program that PAGER names, or by less; elsewhere it is
    printed as Markdown.

    Examples:

    sigcli manual

    sigcli manual gradcheck

    sigcli manual layers > layers.md
    """
    from .. import manual as pages
    from ..show.pages import contents, rendered, through_pager

    if page is None:
        write_out(contents(pages.listing()))
        return 0
    text = pages.read(page)
    if sys.stdout is not None and sys.stdout.isatty():
        text = rendered(text, color=not (no_color or os.environ.get("NO_COLOR")))
        if through_pager(text):
            return 0
    write_out(text)
    return 0
