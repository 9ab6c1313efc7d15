"""The names of the arrays in a file, and which of them are to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ..errors import FileError, quoted
from .files import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..arrays import Array
    from .files import Reference

ARRAYS = ("x", "y", "dout", "dx")  # what the arrays that commands take are called


@dataclass(frozen=True)
class Loaded:
    """What was read of a file.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names of what they are for.
    notes : list of str
        What could not be kept.
    units : dict of str to ndarray
        The units of the last digits of those that are as good as their digits; others are exact.
    """

    arrays: Mapping[str, Array]
    notes: list[str] = field(default_factory=list)
    units: Mapping[str, Array] = field(default_factory=dict)


class Members:
    """What is to be read from a file.

    Parameters
    ----------
    reference : Reference
        The file, and the array that is meant.
    companions : collection of str
        What is read too if the file has it.
    by_digits : collection of str
        The arrays that are only as good as the digits they are written with.
    """

    def __init__(
        self,
        reference: Reference,
        companions: Collection[str] = (),
        by_digits: Collection[str] = (),
    ) -> None:
        self.reference = reference
        self.companions = companions
        self.by_digits = by_digits

    @property
    def where(self) -> str:
        """What errors call the file."""
        return f"{self.reference.name}: {shown(self.reference.path)}"

    def alone(self) -> None:
        """Raise an error if a member is meant where there are no names."""
        if self.reference.member:
            self.chosen([])

    def chosen(self, names: Sequence[str]) -> dict[str, str]:
        """Return the members of `names` to be read, by what they are for.

        Raises
        ------
        FileError
            If there is none of the array's name, and not just one.
        """
        wanted = self.reference.member or self.reference.name
        if wanted not in names:
            if len(names) != 1 or self.reference.member:
                there = ", ".join(map(quoted, names)) or "nothing"
                raise FileError(
                    f"{self.where} has no array named {quoted(wanted)}; there is {there}"
                )
            wanted = names[0]
        if list(names).count(wanted) > 1:
            raise FileError(f"{self.where} has more than one {quoted(wanted)}")
        found = {name: name for name in self.companions if name in names}
        return {**found, self.reference.name: wanted}


def shaped(
    name: str, values: Array, shape: tuple[int, ...], order: Literal["C", "F"] = "C"
) -> Array:
    """Return `values` in a shape that a file claims."""
    try:
        return values.reshape(shape, order=order)
    except (ValueError, TypeError, OverflowError):
        sizes = ", ".join(map(str, shape[:8])) + (", …" if len(shape) > 8 else "")
        raise FileError(f"{name}: ({sizes}) is no shape for {values.size} numbers") from None
