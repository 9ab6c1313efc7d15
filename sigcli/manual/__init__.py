"""The manual: one Markdown page a subject, shown by ``sigcli manual``."""

from __future__ import annotations

from ..errors import UsageError, quoted

# In the order of reading; the tests compare them with the files beside this one.
PAGES = (
    "sigmoid",
    "gradcheck",
    "layers",
    "typing",
    "files",
    "results",
    "python",
    "how",
    "speed",
    "security",
)


def read(name: str) -> str:
    """Return the Markdown text of a page.

    Raises
    ------
    UsageError
        If there is no such page.
    """
    from importlib.resources import files

    if name not in PAGES:
        raise UsageError(f"no page {quoted(name)}; {_hint(name)}")
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")


def listing() -> list[tuple[str, str]]:
    """Return the name of each page with its first sentence, the line below its heading."""
    return [(name, read(name).splitlines()[2]) for name in PAGES]


def _hint(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), PAGES, n=1)
    return f"did you mean {close[0]}?" if close else f"the pages are {', '.join(PAGES)}"
