"""The gradient check: is a gradient right."""

from .gradient_check import GradientCheck, gradcheck
from .mistakes import Coverage
from .why import Why

__all__ = ["Coverage", "GradientCheck", "Why", "gradcheck"]
