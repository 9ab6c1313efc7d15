"""The Sigmoid layer."""

from .sigmoid import STANDARD_X, Sigmoid, sigmoid

__all__ = ["STANDARD_X", "Sigmoid", "sigmoid"]
