"""The gradient check: is a gradient right."""

from .gradient_check import gradcheck
from .mistakes import Coverage
from .result import GradientCheck
from .why import Why

__all__ = ["Coverage", "GradientCheck", "Why", "gradcheck"]
