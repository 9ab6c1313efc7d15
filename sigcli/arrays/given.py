"""The arrays of one command: typed, read from files, or found beside X in the same file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import UsageError, quoted
from .files import Reference, reference
from .text import BY_DIGITS, Typed, read_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.floating[Any]]


class Given:
    """What was given for each array of a command.

    Typed numbers are read at once, and without NumPy; files only by `load`.

    Parameters
    ----------
    words : mapping of str to sequence of str
        The words of the command line for each array; none where it was left out.

    Attributes
    ----------
    notes : list of str
        What could not be kept.
    units : dict of str to ndarray
        After `load`, what the numbers of the arrays of `BY_DIGITS` are good to, by their digits:
        float64, of the array's own shape. Arrays that are not there are exact.

    Raises
    ------
    NumberError
        If words are not numbers.
    UsageError
        If files and numbers are mixed, or standard input is to be read twice.
    """

    def __init__(self, words: Mapping[str, Sequence[str] | None]) -> None:
        self.sources = {name: _source(name, given) for name, given in words.items() if given}
        self.notes: list[str] = []
        self.units: dict[str, Array] = {}
        piped = [name for name, source in self.references().items() if source.path == "-"]
        if len(piped) > 1:
            raise UsageError(f"{' and '.join(piped)} cannot both be standard input; name a file")
        for source in self.sources.values():
            if isinstance(source, Typed):
                self.notes += source.notes

    def references(self) -> dict[str, Reference]:
        """Return what is to be read from files."""
        return {n: s for n, s in self.sources.items() if isinstance(s, Reference)}

    def count(self, name: str) -> int:
        """Return how many numbers were typed for an array."""
        source = self.sources.get(name)
        return len(source.values) if isinstance(source, Typed) else 0

    def single_numbers(self) -> dict[str, float]:
        """Return what is typed and goes with an array of any shape."""
        typed = {n: s.values for n, s in self.sources.items() if isinstance(s, Typed)}
        return {name: values[0] for name, values in typed.items() if len(values) == 1}

    def load(
        self, beside_x: Collection[str] = (), dtype: str | None = None, **others: Array
    ) -> dict[str, Array]:
        """Return all arrays by name.

        Parameters
        ----------
        beside_x : collection of str
            What is taken from where x comes from, unless it is given itself.
        dtype : str, optional
            The type of all arrays; that of x, or of what stands in its place, if left out.
        **others : ndarray
            What takes the place of an array that was not given.
        """
        from .convert import to_array, units
        from .formats import load

        arrays: dict[str, Array] = dict(others)
        for name, source in self.sources.items():
            if isinstance(source, Typed):
                arrays[name] = self.narrowed(name, to_array(source), source.dtype)
                if name in BY_DIGITS:
                    self.units[name] = units(source)
                continue
            wanted = [other for other in beside_x if other not in self.sources]
            loaded = load(source, wanted if name == "x" else ())
            arrays |= loaded.arrays
            self.notes += loaded.notes
            self.units |= loaded.units
        leading = arrays.get("x", arrays.get("y"))
        if dtype is None and leading is not None:
            dtype = leading.dtype.name
        if dtype is not None:
            arrays = {name: self.narrowed(name, array, dtype) for name, array in arrays.items()}
        return arrays

    def narrowed(self, name: str, array: ArrayLike, dtype: str) -> Array:
        """Return `array` as `dtype`, with a note on what is lost."""
        from .convert import converted, real

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
