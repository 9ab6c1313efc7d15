"""The gradient check: is a gradient right."""

from .verdict import GradientCheck, gradcheck

__all__ = ["GradientCheck", "gradcheck"]
