"""A layer of the user's own: named on the command line, found, and loaded."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LayerError, quoted
from .isolate import Code, Guarded, apart, folder
from .scan import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HOW = "write FILE.py:NAME, such as layers.py:Sigmoid, or MODULE:NAME"
_MOST_NAMES = 12  # listed in a message; more would bury what is wrong


def load(spec: str) -> Callable[[], Guarded]:
    """Import what `spec` names and return a function that gives a layer made from it.

    The file's own folder, the folder above its package if it is in one, and the working directory
    stand last on the import path: they replace nothing of ours or of the standard library.

    Parameters
    ----------
    spec : str
        ``layers.py:Sigmoid``, ``some/dir/layers.py:Sigmoid`` or ``package.module:Sigmoid``; the
        name may be dotted. It names a layer, or what gives one when called without arguments.

    Returns
    -------
    callable
        Gives a new layer on each call, or the same one if `spec` names a layer itself. It raises
        a `LayerError` if what it is given has no forward or no backward.

    Raises
    ------
    LayerError
        If there is no such file, module or name, if it needs arguments, or if their code raises.
    """
    place, name = _split(spec)
    with apart():
        context = copy_context()
        # Differences go far from x, where a right layer overflows; that alone deserves no warning.
        context.run(np.seterr, all="ignore")
        code = Code(spec, _file(place) if _is_file(place) else "", context)
        module = code.run("at import", _import, place, code.file)
        code = replace(code, file=getattr(module, "__file__", None) or "")
        target = code.run("at import", _member, module, place, name)
        if code.run("at import", _is_layer, target):
            return partial(Guarded, target, code)
        code.run("at import", _check_call, target, spec)
    return partial(_build, target, code)


def _build(target: Callable[[], Any], code: Code) -> Guarded:
    """Call `target` for a layer."""
    with apart():
        layer = code.run("when called", target)
        code.run("when called", _check_layer, layer, code.spec)
    return Guarded(layer, code)


def _is_layer(value: object) -> bool:
    """Return whether `value` has both methods; those of a class are not yet bound."""
    methods = (getattr(value, name, None) for name in _METHODS)
    return all(map(callable, methods)) and not isinstance(value, type)


_METHODS = ("forward", "backward")


def _check_layer(value: object, spec: str) -> None:
    """Refuse what is no layer."""
    if _is_layer(value):
        return
    if isinstance(value, type):
        name = value.__name__
        raise LayerError(f"--layer: {spec} gives the class {name}; expected a layer, as {name}()")
    missing = [name for name in _METHODS if not callable(getattr(value, name, None))]
    raise LayerError(
        f"--layer: {spec} gives {_kind(value)}, which has no {' and no '.join(missing)}; "
        "expected an object with forward(x) and backward(dout)"
    )


def _kind(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _check_call(target: object, spec: str) -> None:
    """Refuse what cannot be called without arguments."""
    if not callable(target):
        raise LayerError(f"--layer: {spec} is {_kind(target)}; {_RIGHT}")
    needed = _required(target)
    if needed and isinstance(target, type):
        call = f"{spec.rpartition(':')[2]}({', '.join(needed)})"
        raise LayerError(f"--layer: {spec} needs {_listed(needed, 'and')}; {_a_function(call)}")
    if needed:
        raise LayerError(f"--layer: {spec} needs {_listed(needed, 'and')}; {_RIGHT}")


_RIGHT = (
    "expected a class with forward(x) and backward(dout), "
    "or a function without arguments that builds one"
)


def _required(target: Callable[..., Any]) -> list[str]:
    """Return the arguments that a call needs; those that go by name alone as ``name=name``."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # many builtins have none
        return []
    needed = [p for p in parameters if p.default is p.empty and p.kind not in _VARIADIC]
    return [f"{p.name}={p.name}" if p.kind is p.KEYWORD_ONLY else p.name for p in needed]


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _a_function(call: str) -> str:
    return f"name a function that builds it, such as 'def layer(): return {call}'"


def _split(spec: str) -> tuple[str, str]:
    """Return the file or module, and the name within."""
    place, _, name = spec.rpartition(":")
    if os.path.isfile(spec) or not (place and name):
        raise LayerError(_no_name(spec))
    if "(" in name:
        raise LayerError(f"--layer: {quoted(name)} is not a name; {_a_function(name)}")
    for words in (name,) if _is_file(place) else (name, place):
        if not all(map(str.isidentifier, words.split("."))):
            raise LayerError(f"--layer: {quoted(words)} is not a name; {_HOW}")
    return place, name


def _no_name(spec: str) -> str:
    """Say that `spec` is only half of what it should be."""
    file = spec.removesuffix(":")
    if not os.path.isfile(file):
        return f"--layer: {quoted(spec)} is not a file or module with a name in it; {_HOW}"
    which = f"--layer: {quoted(spec)} does not say which layer; write {file}:NAME"
    known = names(file)
    return f"{which}, where NAME is {_listed(known, 'or')}" if known else which


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place or os.path.isfile(place)


def _file(place: str) -> str:
    """Return the full path of a Python file."""
    if os.path.isfile(place):
        if place.endswith(".py"):
            return os.path.abspath(place)
        raise LayerError(f"--layer: {quoted(place)} is not a Python file; {_HOW}")
    folder, name = os.path.split(place)
    with suppress(OSError):
        beside = [other for other in os.listdir(folder or ".") if other.endswith(".py")]
        if close := get_close_matches(name, beside, n=1):
            mean = os.path.join(folder, close[0])
            raise LayerError(f"--layer: no file {quoted(place)}; did you mean {mean}?")
    raise LayerError(f"--layer: no file {quoted(place)}; {_HOW}")


def _import(place: str, file: str) -> object:
    """Return the module that lies in `file`, or that has the name `place` if there is none."""
    before = [*sys.path]
    above, names = _dotted(file)
    folders = [above, os.path.dirname(file)] if file else []
    sys.path += [folder for folder in dict.fromkeys([*folders, folder()]) if folder not in before]
    importlib.invalidate_caches()  # the files may be younger than what a finder remembers
    try:
        return _module_in(above, names) if file else _module(place)
    finally:  # what they put first comes after ours too
        sys.path[:] = [*before, *(entry for entry in sys.path if entry not in before)]


def _dotted(file: str) -> tuple[str, list[str]]:
    """Return the first folder above `file` that is no package, and the names from there to it."""
    folder, name = os.path.split(file)
    names = [] if name == "__init__.py" else [name.removesuffix(".py")]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        outer, package = os.path.split(folder)
        if not package.isidentifier():
            break
        folder, names = outer, [package, *names]
    return folder, names or ["__init__"]


def _module_in(above: str, names: list[str]) -> object:
    """Return the module by its dotted name, the first of which may belong to another module."""
    top, path = names[0], os.path.join(above, names[0])
    file = os.path.join(path, "__init__.py") if os.path.isdir(path) else f"{path}.py"
    try:
        known = find_spec(top.replace(".", "_"))
    except ValueError:  # a module without a spec, such as __main__
        known = ModuleSpec(top, None)
    if known is None or not (known.origin and _same(known.origin, file)):
        top = top.replace(".", "_") if known is None else f"{top} of --layer".replace(".", "_")
        _load_file(top, file)
    return importlib.import_module(".".join([top, *names[1:]]))


def _same(file: str, other: str) -> bool:
    return os.path.exists(file) and os.path.samefile(file, other)


def _load_file(name: str, file: str) -> None:
    """Load the module or package of `file` under a `name` that its file has not."""
    spec: Any = spec_from_file_location(name, file)
    sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[name])
    except BaseException:
        sys.modules.pop(name, None)
        raise


def _module(place: str) -> object:
    """Return the module of the dotted name `place`."""
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if not f"{place}.".startswith(f"{error.name}."):  # it is one that theirs imports
            raise
    raise LayerError(f"--layer: no module {quoted(place)}; {_file_here(place) or _HOW}")


def _file_here(place: str) -> str:
    """Return how to name the file that the module `place` would be here, if there is one."""
    file = place.replace(".", os.sep) + ".py"
    return f"the file here is named as {file}:NAME" if os.path.isfile(file) else ""


def _member(module: object, place: str, name: str) -> object:
    """Return what `name`, which may be dotted, is in the module."""
    target = module
    for part in name.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            pass
        else:
            continue
        raise LayerError(f"--layer: {place} has no {quoted(part)}{_others(target, part)}")
    return target


def _others(owner: object, name: str) -> str:
    """Return which names there are in place of `name`."""
    known = names(getattr(owner, "__file__", None) or os.devnull)
    known = known or [
        n for n, v in getattr(owner, "__dict__", {}).items() if callable(v) and n[0] != "_"
    ]
    if close := get_close_matches(name, known, n=1):
        return f"; did you mean {close[0]}?"
    return f"; it has {_listed(known, 'and')}" if known else ""


def _listed(words: Sequence[str], last: str) -> str:
    """Return `words` as in ``a, b and c``."""
    if len(words) > _MOST_NAMES:
        return f"{', '.join(words[:_MOST_NAMES])}, … ({len(words)} in all)"
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
