"""Command lines with negative numbers and several values to an option.

A parser for options reads ``-1`` as an option and takes one value for each; `rewrite` puts a
command line into the only form that leaves nothing to interpret: every option as ``--name=value``
in the order given, then ``--``, then the positional words in theirs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from ..errors import UsageError, quoted, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A word that is meant as an option, known or not; other words with a minus are meant as numbers.
_OPTION = r"--(?:$|[^\s\d.])|-(?!(?i:inf|infinity|nan)(?![^\W_]))[A-Za-z?]"

FLAG, ONE, RUN = range(3)  # an option takes no value, one, or a run of numbers


class ArrayCommand(TyperCommand):
    """A command whose arguments may be negative numbers and whose options may be arrays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Typer would keep the line breaks of a docstring; a paragraph fits any width without them.
        self.help = re.sub(r"(?<!\n)\n(?!\n)", " ", self.help or "")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Rewrite `args` into a form that Typer reads as it was meant, and parse that.

        While Tab completes a line it is still unfinished, so it is parsed as it stands.
        """
        if not ctx.resilient_parsing:
            args = rewrite(args, arities(self))
        return super().parse_args(ctx, args)


def arities(command: Any) -> dict[str, int]:
    """Return how many values each option of a Typer command takes."""
    found = {"-h": FLAG, "--help": FLAG}
    for param in command.params:
        flag, several = getattr(param, "is_flag", False), getattr(param, "multiple", False)
        for name in (*param.opts, *param.secondary_opts):
            if name.startswith("-"):
                found[name] = FLAG if flag else RUN if several else ONE
    return found


def rewrite(args: Sequence[str], arities: Mapping[str, int]) -> list[str]:
    """Return `args` with each option as ``--name=value``, and all positional words after ``--``.

    Parameters
    ----------
    args : sequence of str
        The words after the command's name.
    arities : mapping of str to int
        `FLAG`, `ONE` or `RUN` for each option. A `RUN` takes words up to the next option, or
        exactly one ``@FILE``, ``-`` or bracket; ``--name=value`` takes only that value.

    Returns
    -------
    list of str
        No word is lost or changes its order among its like.

    Raises
    ------
    UsageError
        If there is no such option, or it is left without its value.
    """
    options: list[str] = []
    positional: list[str] = []
    at = 0
    while at < len(args):
        word = args[at]
        at += 1
        if word == "--":
            positional += args[at:]
            break
        if not _is_option(word):
            positional.append(word)
            continue
        name, sign, value = word.partition("=")
        if name not in arities and word[:2] in arities and arities[word[:2]] == ONE:
            options.append(word)  # -oFILE
        elif name not in arities:
            raise UsageError(no_option(name, list(arities)))
        elif arities[name] == FLAG and sign:
            raise UsageError(f"{name} takes no value")
        elif arities[name] == FLAG:
            options.append(word)
        elif sign:
            options.append(_assign(name, value))
        else:
            after = _run(args, at) if arities[name] == RUN else _one(args, at)
            if after == at:
                example = f", such as {name} 1 0.5 -2" if arities[name] == RUN else ""
                raise UsageError(f"{name} needs a value{example}")
            options += [_assign(name, value) for value in args[at:after]]
            at = after
    return [*options, "--", *positional]


def no_option(name: str, known: Sequence[str]) -> str:
    """Say that there is no option `name`, and which one may be meant."""
    hint = suggestion(name, known)
    return f"no option {quoted(name)}" + (f"; {hint}" if hint else "")


def _assign(option: str, value: str) -> str:
    if not (value or option.startswith("--")):
        raise UsageError(f"{option} needs a value")  # "-o" alone would take the next word
    return f"{option}={value}" if option.startswith("--") else f"{option}{value}"


def is_negative(word: str) -> bool:
    """Whether `word` starts with a minus and is meant as a number, right or wrong."""
    return word.startswith("-") and word not in ("-", "--") and not _is_option(word)


def _is_option(word: str) -> bool:
    return bool(re.match(_OPTION, word))


def _one(words: Sequence[str], start: int) -> int:
    """Return where the one value that may stand at `start` ends."""
    return start + (start < len(words) and not _is_option(words[start]))


def _run(words: Sequence[str], start: int) -> int:
    """Return where the array that starts at `start` ends."""
    end = _one(words, start)
    if end > start and _stands_alone(words[start]):
        return _bracket(words, start)
    while start < end < len(words) and not (_is_option(words[end]) or _stands_alone(words[end])):
        end += 1
    return end


def _stands_alone(word: str) -> bool:
    return word == "-" or word.startswith("@") or "[" in word or "array(" in word


def _bracket(words: Sequence[str], start: int) -> int:
    """Return where the bracket that the shell took apart ends, at the latest before an option."""
    depth = 0
    for end in range(start, len(words)):
        word = words[end]
        if _is_option(word):
            return end
        depth += word.count("[") + word.count("(") - word.count("]") - word.count(")")
        if depth <= 0:
            return end + 1
    return len(words)
