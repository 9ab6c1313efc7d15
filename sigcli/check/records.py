"""Records whose fields are arrays, one element for each x[i]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bools


class Arrays:
    """Base of the frozen dataclasses whose fields all are arrays; the last axis is x[i]'s."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def each(cls, function: Callable[..., NDArray[Any]], *records: Self) -> Self:
        """Apply a function field by field: ``each(np.add, a, b).bound`` is a.bound + b.bound."""
        names = [field.name for field in fields(cls)]
        return cls(*(function(*(getattr(record, name) for record in records)) for name in names))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the records of several blocks of coordinates as one."""
        return cls.each(lambda *arrays: np.concatenate(arrays, axis=-1), *parts)

    def at(self, chosen: Any) -> Self:
        """Return the record at some of the coordinates."""
        return self.each(lambda array: array[..., chosen], self)

    def where(self, ours: Bools, other: Self) -> Self:
        """Return this record where `ours`, and the `other` one elsewhere."""
        return self.each(lambda a, b: np.asarray(np.where(ours, a, b)), self, other)

    def replaced(self, chosen: NDArray[Any], other: Self) -> Self:
        """Return this record with the `other` one, of fewer coordinates, at those `chosen`."""

        def overwritten(array: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
            array = array.copy()
            array[..., chosen] = values
            return array

        return self.each(overwritten, self, other)
