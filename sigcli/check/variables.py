"""What is differentiated: the variables of a layer as one flat vector, each under its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, Float64


@dataclass(frozen=True)
class Variable:
    """One array that a layer has a gradient of.

    Attributes
    ----------
    name : str
        As in the layer's own signature, such as ``x``.
    value : ndarray
        Where the gradient is taken.
    """

    name: str
    value: Array

    @property
    def flat(self) -> Float64:
        """The value as a vector of float64."""
        return self.value.astype(np.float64).reshape(-1)

    def restored(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Return the vector `flat` in the shape of the value."""
        return flat.reshape(self.value.shape)
