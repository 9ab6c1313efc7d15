"""A result by the names that programs see: one form for every command."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Record:
    """A result by the names that programs see.

    Attributes
    ----------
    answer : str
        The one of `arrays` that was asked for, such as ``dx`` of a backward pass.
    arrays : dict of str to ndarray
        A value for each element; all of one shape.
    others : dict of str to ndarray
        Arrays of other shapes.
    facts : dict
        What holds for all elements together; arrays may stand in it.
    head : dict or None
        What JSON gives before the arrays; None for their shape and type.
    table : dict of str to ndarray
        The columns of CSV where an element has several rows; one axis more than `arrays`, for them.
    drawn : ndarray of int or None
        The flat places in the whole x, of the shape `shape`, of the elements that are there.
    shape : tuple of int or None
        The shape that indices are for; None for that of the arrays.
    """

    answer: str
    arrays: dict[str, NDArray[Any]]
    others: dict[str, NDArray[Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] | None = None
    table: dict[str, NDArray[Any]] | None = None
    drawn: NDArray[np.int_] | None = None
    shape: tuple[int, ...] | None = None

    @property
    def first(self) -> NDArray[Any]:
        """The first of the arrays."""
        return next(iter(self.arrays.values()))

    @cached_property
    def axes(self) -> list[str]:
        """What the parts of an index are called."""
        dimensions = len(self._shape)
        if dimensions == 1:
            return ["index"]
        return (
            list("ijklmn"[:dimensions])
            if dimensions <= 6
            else [f"i{axis}" for axis in range(dimensions)]
        )

    def index(self, position: int) -> tuple[int, ...]:
        """Return the index of the element at a flat `position` of the arrays."""
        if self.drawn is not None:
            position = int(self.drawn[position])
        return tuple(map(int, np.unravel_index(position, self._shape)))

    def indices(self) -> Iterator[tuple[int, ...]]:
        """Return the index of each element, in C order."""
        if self.drawn is not None:
            return map(self.index, range(self.first.size))
        return product(*map(range, self._shape))

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.first.shape if self.shape is None else self.shape


class Result(Protocol):
    """What a command gives.

    Attributes
    ----------
    command : str
        Its name.
    exit_code : int
        That of the program.
    record : Record
        All that was found, by name.
    """

    command: str

    @property
    def exit_code(self) -> int:
        """That of the program."""

    @property
    def record(self) -> Record:
        """All that was found, by name."""


def given(**arrays: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
    """Return those of `arrays` that there are."""
    return {name: array for name, array in arrays.items() if array is not None}
