"""What a Python file defines, read without running it."""

from __future__ import annotations

import ast
import os
import warnings


def names(path: str | os.PathLike[str]) -> list[str]:
    """Return what a Python file offers for a layer, without running it.

    These are its classes, and its functions without required arguments, in order; none if the
    file cannot be read. Names that begin with an underscore are left out.
    """
    if not os.path.isfile(path):  # a pipe would be waited for
        return []
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as that of an invalid escape
            body = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = [
        node.name
        for node in body
        if isinstance(node, ast.ClassDef)
        or (isinstance(node, ast.FunctionDef) and _takes_nothing(node.args))
    ]
    return [name for name in dict.fromkeys(found) if not name.startswith("_")]


def _takes_nothing(args: ast.arguments) -> bool:
    """Return whether a function with these arguments can be called without any."""
    return len(args.posonlyargs + args.args) == len(args.defaults) and None not in args.kw_defaults
