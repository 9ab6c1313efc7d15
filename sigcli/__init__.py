"""Forward, backward, and a gradient check for the Sigmoid layer.

``from sigcli import Sigmoid, sigmoid, gradcheck``; the command line is in `sigcli.cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .check import GradientCheck as GradientCheck
    from .check import gradcheck as gradcheck
    from .errors import SigcliError as SigcliError
    from .layer import Sigmoid as Sigmoid
    from .layer import sigmoid as sigmoid

__version__ = "0.1.0"
__all__ = ["GradientCheck", "SigcliError", "Sigmoid", "gradcheck", "sigmoid"]

_HOMES = {
    "GradientCheck": "check",
    "SigcliError": "errors",
    "Sigmoid": "layer",
    "gradcheck": "check",
    "sigmoid": "layer",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562), so that the bare package is light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sigcli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
