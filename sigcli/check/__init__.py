"""The gradient check: is a gradient right."""

from .mistakes import Coverage
from .verdict import GradientCheck, gradcheck
from .why import Why

__all__ = ["Coverage", "GradientCheck", "Why", "gradcheck"]
