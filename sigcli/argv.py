"""Command lines with negative numbers and several values to an option.

A parser for options reads ``-1`` as an option and takes one value for each; `rewrite` puts a
command line into the only form that leaves nothing to interpret: every option as ``--name=value``
in the order given, then ``--``, then the positional words in theirs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from .errors import NumberError, RangeError, UsageError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A word that starts with a minus and is meant as a number, right or wrong; no option looks so.
_NEGATIVE = r"(?i)-\.?\d|-(?:inf|infinity|nan)(?![^\W_])"

FLAG, ONE, RUN = range(3)  # an option takes no value, one, or a run of numbers


class ArrayCommand(TyperCommand):
    """A command whose arguments may be negative numbers and whose options may be arrays."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Rewrite `args` into a form that Typer reads as it was meant, and parse that.

        While Tab completes a line it is still unfinished, so it is parsed as it stands.
        """
        if not ctx.resilient_parsing:
            args = rewrite(args, self._arities())
        return super().parse_args(ctx, args)

    def _arities(self) -> dict[str, int]:
        """Return how many values each option of this command takes."""
        arities = {"-h": FLAG, "--help": FLAG}
        for param in self.params:
            flag, several = getattr(param, "is_flag", False), getattr(param, "multiple", False)
            for name in (*param.opts, *param.secondary_opts):
                arities[name] = FLAG if flag else RUN if several else ONE
        return arities


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
        No word is lost or changes its order among its like. Unknown options stay, to be refused.

    Raises
    ------
    UsageError
        If an option is left without its value.
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
        elif arities.get(word, FLAG) == FLAG:
            options.append(word)
        else:
            after = _run(args, at) if arities[word] == RUN else _one(args, at)
            if after == at:
                example = f", such as {word} 1 0.5 -2" if arities[word] == RUN else ""
                raise UsageError(f"{word} needs a value{example}")
            options += [_assign(word, value) for value in args[at:after]]
            at = after
    return [*options, "--", *positional]


def _assign(option: str, value: str) -> str:
    return f"{option}={value}" if option.startswith("--") else f"{option}{value}"


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not re.match(_NEGATIVE, word)


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


def whole(name: str, text: str, most: int) -> int:
    """Read a whole number from 1 to `most`."""
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise UsageError(f"{name}: {quoted(text)} is not a whole number from 1 to {most}")


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """Read one of `choices`."""
    if text in choices:
        return text
    raise UsageError(
        f"{name}: no {quoted(text)}; choose {', '.join(choices[:-1])} or {choices[-1]}"
    )
