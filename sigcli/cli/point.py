"""The point that a command works at: X and dout, or the last forward pass in place of X."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..errors import UsageError, mismatch, printable
from ..write.last_pass import recall
from .perform import loaded
from .streams import say_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..arrays import Array
    from ..read.given import Given
    from ..write.last_pass import LastPass
    from .display import Display


def needs_x(command: str, given: Given, dout: Sequence[str] | None, because: str = "") -> NoReturn:
    """Say that there is no X, and where it may have gone."""
    count = given.count("dout")
    if count < 2:
        remembered = command in ("backward", "graph")
        other = "a forward pass before it" if remembered else "- for standard input"
        raise UsageError(f"{command} needs X, such as 'sigcli {command} 24 32 5', or {other}")
    first, *rest = map(printable, " ".join(dout or ()).replace(",", " ").split()[:7])
    shown = " ".join(rest[:5]) + (" …" if len(rest) > 5 else "")
    raise UsageError(
        f"no X{because}: --dout took all {count} numbers; to keep some for X write "
        f"'sigcli {command} --dout={first} {shown}'"
    )


class Point:
    """X, or what stands in its place, and dout.

    Parameters
    ----------
    command : str
        The command that asks.
    given : Given
        X, y or neither, and dout.
    dout : sequence of str or None
        The words of dout, to say where X may have gone.

    Raises
    ------
    UsageError
        If there is no X, and no forward pass is remembered.
    """

    def __init__(self, command: str, given: Given, dout: Sequence[str] | None) -> None:
        self.command, self.given, self.dout = command, given, dout
        self.last: LastPass | None = None
        if not {"x", "y"} & given.sources.keys():
            self.last = recall() or needs_x(command, given, dout)

    def load(self, display: Display) -> list[Array]:
        """Return x, or the y in its place, and dout, which is 1 unless given, in one shape."""
        from ..arrays import real, together

        others = {} if self.last is None else {"x": self.last.x}
        arrays = loaded(self.given, display, **others)
        if self.last is not None:
            self._check_last(arrays.get("dout"), self.last)
            say_notes([self.last.note()], quiet=display.quiet)
        name = "y" if "y" in self.given.sources else "x"
        dout = arrays.get("dout", real("dout", 1.0))
        if arrays[name].size == 1 and dout.size > 1:
            note = f"{name} is a single number, and goes with each of the {dout.size} of dout"
            say_notes([note], quiet=display.quiet)
        return together({name: arrays[name], "dout": dout})

    def _check_last(self, dout: Array | None, last: LastPass) -> None:
        """Refuse a dout that is not for the last forward pass."""
        shape = last.x.shape
        if dout is None or dout.size == 1 or dout.shape == shape:
            return
        if self.given.count("dout"):
            because = f", and the last forward pass has the shape {shape}"
            needs_x(self.command, self.given, self.dout, because)
        raise mismatch("dout", dout.shape, "the last forward pass", shape)
