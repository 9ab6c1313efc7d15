"""The manual: one Markdown page a subject, shown by ``sigcli manual``."""

from __future__ import annotations

from ..errors import UsageError, quoted, suggestion

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
        hint = suggestion(name.lower(), PAGES, f"the pages are {', '.join(PAGES)}")
        raise UsageError(f"no page {quoted(name)}; {hint}")
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")


def listing() -> list[tuple[str, str]]:
    """Return the name of each page with its first sentence, the line below its heading."""
    return [(name, read(name).splitlines()[2]) for name in PAGES]
