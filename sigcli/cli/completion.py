r"""What Tab offers in bash, zsh and fish, and how it gets onto the command line.

Typer's options ``--install-completion`` and ``--show-completion`` install and show the scripts,
but these are our own, and so is what answers them, since with Typer's

- bash takes ``@x``, ``--output=x`` and ``a.py:x`` apart, and puts a space after every folder;
- zsh evaluates a file's name, so that Tab on one such as ``\$(x)`` runs it;
- bash and zsh offer all files where there is nothing to offer, such as after a number.

A script hands over the line up to the cursor, as typed, and the end of it that the shell is going
to replace. What is offered always continues what was typed, so it is that end, unchanged, and
after it what is still missing, escaped for the quotes that are open there. So it does not matter
where a shell breaks words, nor how they were quoted. Only fish does this by itself.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..custom.scan import names
from ..errors import UsageError, quoted
from ..read.files import KINDS
from .display import PLOT, TABLE
from .options import DTYPES, METHODS
from .shells import SCRIPTS
from .words import RUN, arities, rewrite

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

OPTIONS = ("--install-completion", "--show-completion")

# What is more than a character to a shell, by the quotes that it stands in.
_LIVE = {"": "$`!*?[]{}()<>|&;", '"': "$`!", "'": ""}


class Line(NamedTuple):
    """A half-typed command line.

    Attributes
    ----------
    words : list of str
        The complete words, without their quotes.
    start : str
        What there is of the last one.
    typed : str
        The same with ``~`` where a home was meant.
    quote : str
        The quote that is open at its end, if any.
    """

    words: list[str]
    start: str
    typed: str
    quote: str


class Offer(NamedTuple):
    """What a word may become, and a few words on it."""

    word: str
    help: str = ""


def is_ours(instruction: str, args: Sequence[str]) -> bool:
    """Return whether one of our scripts asks, and not one that Typer wrote or its PowerShell's."""
    action, _, shell = instruction.partition("_")
    return shell in SCRIPTS and (action == "source" or (action == "complete" and bool(args)))


def answer(instruction: str, args: Sequence[str], group: Any) -> str:
    """Return what a script of ours prints, or what it is told by.

    Parameters
    ----------
    instruction : str
        ``source_SHELL`` for the script, ``complete_SHELL`` for what to offer.
    args : sequence of str
        The line up to the cursor, and for bash and zsh the end of it that they replace.
    group : typer.core.TyperGroup
        The commands.
    """
    action, _, shell = instruction.partition("_")
    if action == "source":
        return SCRIPTS[shell] + "\n"
    line = split(args[0])
    if line is None:
        return ""
    lines = []
    for word, text in offers(group, line.words, line.start):
        rest = word[len(line.start) :]
        entry = "".join(args[1:]) + escaped(rest, line.quote)
        shown = re.sub(r".*/(?=.)", "", word) + (f"  -- {text}" if text else "")
        fish = f"{line.typed}{rest}\t{text}".rstrip("\t")
        lines.append({"bash": entry, "zsh": f"{shown}\t{entry}", "fish": fish}[shell])
    return "".join(f"{text}\n" for text in lines)


def split(text: str) -> Line | None:
    """Return the words after ``sigcli``; None where the last one is not just a text.

    It is not after a backslash, and where the shell would put something in its place.
    """
    words: list[str] = []
    word, begin, quote, escape, live = "", None, "", False, False
    for at, c in enumerate(text):
        if not (quote or escape) and c.isspace():
            words += [] if begin is None else [word]
            word, begin, live = "", None, False
            continue
        begin = at if begin is None else begin
        if escape:
            word += c if not quote or c in '$`"\\' else f"\\{c}"
            escape = False
        elif c == "\\" and quote != "'":
            escape = True
        elif c == quote or (not quote and c in "'\""):
            quote = "" if quote else c
        else:
            live |= c in _LIVE[quote]
            word += c
    if escape or live:
        return None
    at_home = begin is not None and text.startswith("~/", begin)
    start = os.path.expanduser(word) if at_home else word
    return Line(words[1:], start, word, quote)


def escaped(text: str, quote: str) -> str:
    """Return `text` so that bash and zsh take it literally where `quote` is open."""
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote:  # history is looked up within these quotes too
        return re.sub(r'[$`"\\]', r"\\\g<0>", text).replace("!", r'"\!"')
    return re.sub(r"[^\w@%+:,./-]", r"\\\g<0>", text)


def offers(group: Any, words: Sequence[str], start: str) -> list[Offer]:
    """Return what the word that begins with `start` may become after `words`."""
    at = next((i for i, word in enumerate(words) if not word.startswith("-")), len(words))
    if at == len(words) and not start.startswith("-"):
        found = [Offer(name, _brief(command.help)) for name, command in group.commands.items()]
    else:
        command = group.commands.get(words[at]) if at < len(words) else group
        found = [] if command is None else list(_within(command, words[at + 1 :], start))
    return sorted(offer for offer in found if offer.word.startswith(start))


def _within(command: Any, words: Sequence[str], start: str) -> list[Offer]:
    """Return what may stand after the `words` of a command; what begins with `start` counts."""
    known = {"": RUN, **arities(command)}  # X has no name
    if start.startswith("-") and "--" not in words:
        name, sign, value = start.partition("=")
        if sign:
            return [Offer(f"{name}={word}") for word in _values(name, value, known)]
        return _options(command, {word.partition("=")[0] for word in words})
    if command.name == "manual":
        from ..manual import listing

        given = any(not word.startswith("-") for word in words)
        return [] if given else [Offer(name, _brief(sentence)) for name, sentence in listing()]
    try:
        name, first = _owner(words, known)
    except UsageError:
        return []
    if known[name] == RUN and not (start or first):
        return []  # a file stands alone, with no number beside
    # As a word of its own, a file's name must not look like an option.
    return [Offer(re.sub("^-", "./-", word)) for word in _values(name, start, known)]


def _options(command: Any, given: set[str]) -> list[Offer]:
    """Return the options of a command that are not `given`, or may be given again."""
    found = [
        Offer(name, _brief(param.help))
        for param in command.params
        for name in param.opts
        if name.startswith("-") and (param.multiple or given.isdisjoint(param.opts))
    ]
    return [*found, Offer("--help", "Show all options")]


def _owner(words: Sequence[str], known: Mapping[str, int]) -> tuple[str, bool]:
    """Return the option that a file after `words` is for, or "", and whether it comes first."""
    file = "@\0"  # no word of a command line holds a NUL
    rewritten = rewrite([*words, file], known)
    cut = rewritten.index("--")
    if rewritten[-1] == file:
        return "", rewritten[cut + 1 :] == [file]
    option = next(word for word in rewritten if word.endswith(file)).removesuffix(file)
    return option.rstrip("="), sum(word.startswith(option) for word in rewritten[:cut]) == 1


def _values(name: str, start: str, known: Mapping[str, int]) -> Sequence[str]:
    """Return the values of an option, or of X if `name` is empty."""
    if name in ("--output", "-o"):
        return _files(start, {*TABLE.suffixes, *PLOT.suffixes})
    if name == "--layer":
        return _layers(start)
    if known.get(name) == RUN:
        return [f"@{file}" for file in _files(start[1:], KINDS)] if start[:1] in ("", "@") else []
    return {"--format": TABLE.formats, "--dtype": DTYPES, "--method": METHODS}.get(name, ())


def _files(start: str, suffixes: Collection[str]) -> list[str]:
    """Return the folders, and the files with one of `suffixes`, whose paths begin with `start`.

    Folders end with a slash. Names that no terminal can show are left out, and hidden ones unless
    asked for.
    """
    folder, name = os.path.split(start)
    try:
        found = os.listdir(folder or ".")
    except (OSError, ValueError):  # a path may hold what no path can
        return []
    shown = (n for n in found if n.startswith(name) and n.isprintable() and (name or n[0] != "."))
    paths = [start.removesuffix(name) + n for n in shown]
    return [f"{path}/" for path in paths if os.path.isdir(path)] + [
        path
        for path in paths
        if os.path.splitext(path)[1].lower() in suffixes and not os.path.isdir(path)
    ]


def _layers(start: str) -> list[str]:
    """Return Python files with a colon after them, or the layers in the one named by `start`."""
    file, colon, _ = start.rpartition(":")
    found = [path if path.endswith("/") else f"{path}:" for path in _files(start, (".py",))]
    return found + [f"{file}:{name}" for name in names(file) if colon]


def _brief(text: str | None) -> str:
    """Return the first words of a help text."""
    return re.split(r"[.:;](?:\s|$)", text or "", maxsplit=1)[0]


def prepare(args: Sequence[str]) -> None:
    """Let Typer install or show our scripts; refuse what it would fail at.

    A first word that is neither of the two options is left to Typer.
    """
    import shellingham  # type: ignore[import-untyped]  # comes with Typer
    from typer import _completion_shared

    option, *rest = args
    if option not in OPTIONS:
        return
    if rest:
        raise UsageError(
            f"{option} is for the shell that it is called from; drop {quoted(rest[0])}"
        )
    try:
        shell = shellingham.detect_shell()[0]
    except shellingham.ShellDetectionFailure:
        where = "no shell is around it; call it from bash, zsh or fish"
        raise UsageError(f"{option}: {where}") from None
    if shell not in SCRIPTS:
        raise UsageError(f"{option} is not for {shell}; expected bash, zsh or fish")
    scripts = {name: script.replace("%", "%%") for name, script in SCRIPTS.items()}
    _completion_shared._completion_scripts.update(scripts)
