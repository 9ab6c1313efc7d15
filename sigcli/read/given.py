"""The arrays of one command: typed, read from files, or found beside X in the same file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError, quoted
from .files import Reference, reference
from .typed import Typed, read_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import ArrayLike

    from ..arrays import Array


class Given:
    """What was given for each array of a command.

    Typed numbers are read at once, and without NumPy; files only by `load`.

    Parameters
    ----------
    words : mapping of str to sequence of str
        The words of the command line for each array; none where it was left out.
    beside_x : collection of str
        The arrays that are looked for in x's file too, unless they are given.
    by_digits : collection of str
        The arrays that are only as exact as the digits they are written with, such as 0.25.
    dtype : str, optional
        The type of all arrays; that of x, or of what stands in its place, if left out.

    Attributes
    ----------
    notes : list of str
        What could not be kept.
    units : dict of str to ndarray
        After `load`, what the numbers of the arrays of `by_digits` are good to: float64, of the
        array's own shape. Arrays that are not there are exact.

    Raises
    ------
    NumberError
        If words are not numbers.
    UsageError
        If files and numbers are mixed, or standard input is to be read twice.
    """

    def __init__(
        self,
        words: Mapping[str, Sequence[str] | None],
        *,
        beside_x: Collection[str] = (),
        by_digits: Collection[str] = (),
        dtype: str | None = None,
    ) -> None:
        self.sources = {name: _source(name, given) for name, given in words.items() if given}
        self.beside_x, self.by_digits, self.dtype = beside_x, by_digits, dtype
        self.notes: list[str] = []
        self.units: dict[str, Array] = {}
        piped = [name for name, source in self.references.items() if source.path == "-"]
        if len(piped) > 1:
            raise UsageError(f"{' and '.join(piped)} cannot both be standard input; name a file")
        for typed in self.typed.values():
            self.notes += typed.notes

    @property
    def references(self) -> dict[str, Reference]:
        """What is to be read from files."""
        return {n: s for n, s in self.sources.items() if isinstance(s, Reference)}

    @property
    def typed(self) -> dict[str, Typed]:
        """What was typed."""
        return {n: s for n, s in self.sources.items() if isinstance(s, Typed)}

    def count(self, name: str) -> int:
        """Return how many numbers were typed for an array."""
        return len(self.typed[name].values) if name in self.typed else 0

    def load(self, **others: Array) -> dict[str, Array]:
        """Return all arrays by name, `others` in the place of those that were not given."""
        arrays: dict[str, Array] = dict(others)
        for name, source in self.sources.items():
            if isinstance(source, Typed):
                arrays[name] = self.narrowed(name, source.array(), source.dtype)
                if name in self.by_digits:
                    self.units[name] = source.units()
                continue
            from .load import load

            companions = [other for other in self.beside_x if other not in self.sources]
            loaded = load(source, companions if name == "x" else (), self.by_digits)
            arrays |= loaded.arrays
            self.notes += loaded.notes
            self.units |= loaded.units
        leading = arrays.get("x", arrays.get("y"))
        dtype = self.dtype or (None if leading is None else leading.dtype.name)
        if dtype is not None:
            arrays = {name: self.narrowed(name, array, dtype) for name, array in arrays.items()}
        return arrays

    def narrowed(self, name: str, array: ArrayLike, dtype: str) -> Array:
        """Return `array` as `dtype`, with a note on what is lost."""
        from ..arrays import converted, real

        new, notes = converted(name, real(name, array), dtype)
        self.notes += notes
        return new


def _source(name: str, words: Sequence[str]) -> Typed | Reference:
    """Return the numbers in `words`, or the one file that they name."""
    files = [word for word in words if word == "-" or word.startswith("@")]
    if not files:
        return read_tokens(name, words)
    if len(words) > 1:
        raise UsageError(f"{name}: {quoted(files[0])} stands alone, with no number or file beside")
    return reference(name, files[0])
