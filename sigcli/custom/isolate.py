"""The user's code, run apart from the program.

What it prints goes to standard error, what it raises becomes a `LayerError` that names the line of
theirs. The streams, the warning filters and the working directory are restored; this is no
sandbox, and what else the code changes in the process stays changed.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import sysconfig
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from ..errors import LayerError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST = 300  # characters of what an exception says

# Frames from below these folders are not the user's, nor are those of an installed package.
_NOT_THEIRS = tuple(
    os.path.join(folder, "")
    for folder in (os.path.dirname(os.path.dirname(__file__)), sysconfig.get_path("stdlib"))
)
_INSTALLED = {"site-packages", "dist-packages"}


class Guarded:
    """A layer of the user's own; what its code raises is a `LayerError`.

    Its other public attributes are those of the layer, and those that can be called are guarded
    likewise. A call may come from any thread, but only one at a time.

    Attributes
    ----------
    layer : object
        The user's object itself.
    """

    def __init__(self, layer: Any, code: Code) -> None:
        self.layer = layer
        # NumPy keeps its error state in the context, so theirs lasts and is never ours.
        self._code = replace(code, context=code.context.copy())

    def forward(self, x: Any) -> Any:
        """Return what the layer's `forward` gives."""
        return self._code.run("in forward", _call, self.layer, "forward", x)

    def backward(self, dout: Any) -> Any:
        """Return what the layer's `backward` gives."""
        return self._code.run("in backward", _call, self.layer, "backward", dout)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the layer."""
        if name.startswith("_") or name == "layer":  # theirs would say how to copy this object
            raise AttributeError(name)
        value = self._code.run(f"in {name}", getattr, self.layer, name, _NOTHING)
        if value is _NOTHING:
            raise AttributeError(f"the layer has no {name}")
        return partial(self._code.run, f"in {name}", value) if callable(value) else value


_NOTHING = object()


@contextmanager
def apart() -> Iterator[None]:
    """Keep what the user's code prints and changes apart, as long as the block runs.

    What it writes to standard output, by Python or to descriptor 1, goes to standard error.
    The streams, the warning filters, the working directory and whether bytecode is written are
    restored. Within another such block it does nothing, so put one around a whole check.
    """
    if _is_apart():
        yield
        return
    here, bytecode = folder(), sys.dont_write_bytecode
    with (
        warnings.catch_warnings(),
        _descriptor_aside(),
        redirect_stderr(sys.stderr),
        redirect_stdout(_Aside()),
    ):
        sys.dont_write_bytecode = True
        try:
            yield
        finally:
            sys.dont_write_bytecode = bytecode
            with suppress(OSError):
                os.chdir(here)


def _is_apart() -> bool:
    return type(sys.stdout) is _Aside


class _Aside:
    """Standard error in place of standard output; what it does not take is lost, and no fault."""

    def __init__(self) -> None:
        self._stream: Any = io.StringIO() if sys.stderr is None else sys.stderr

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _descriptor_aside() -> Iterator[None]:
    """Let descriptor 1 be what 2 is: that of programs they start, and of code in C."""
    out = sys.stdout
    _flush(out)
    saved = _duplicate(1)
    _point_at_error(1)
    try:
        yield
    finally:
        _flush(out, sys.stderr)  # the program ends without flushing
        with suppress(Exception):
            import ctypes

            ctypes.CDLL(None).fflush(None)  # C has a buffer of its own, written at exit
        if saved is None:
            with suppress(OSError):
                os.close(1)
        else:
            os.dup2(saved, 1)
            os.close(saved)


def _flush(*streams: Any) -> None:
    for stream in streams:
        with suppress(AttributeError, OSError, ValueError):  # none, a closed pipe, closed
            stream.flush()


def _duplicate(descriptor: int) -> int | None:
    """Return another descriptor of the same file, or none if it is closed."""
    try:
        return os.dup(descriptor)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        return None


def _point_at_error(descriptor: int) -> None:
    """Let `descriptor` be standard error, or nowhere if that is closed."""
    try:
        os.dup2(2, descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


@dataclass(frozen=True)
class Code:
    """The user's code: what names it, the file it lies in, and the context to run it in."""

    spec: str
    file: str
    context: Context

    def run(self, when: str, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``; what it raises becomes one line."""
        if not _is_apart():
            with apart():
                return self.run(when, function, *args)
        try:
            return self.context.run(function, *args)
        except (KeyboardInterrupt, LayerError):
            raise
        except BaseException as error:  # SystemExit too: the program ends when it says so
            text = f"{self._where(error, when)}: {_said(error)}"
        raise LayerError(text)  # out here it is not chained to theirs

    def _where(self, error: BaseException, when: str) -> str:
        """Return the line of their code that `error` comes from."""
        if isinstance(error, SyntaxError) and os.path.isfile(str(error.filename)):
            return f"{_short(str(error.filename))}, line {error.lineno or 1}"
        frames = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
        named = [place for place in frames if place[0].co_filename == self.file]
        theirs = named or [place for place in frames if _is_theirs(place[0].co_filename)]
        if not theirs:
            return f"{self.spec}, {when}"
        code, line = theirs[-1]
        within = [part for part in code.co_qualname.split(".") if part[0] != "<"]  # <locals>
        return f"{_short(code.co_filename)}, line {line}" + (f", in {within[-1]}" if within else "")


def _said(error: BaseException) -> str:
    """Return the type of `error` and what it says, in one line."""
    kind = type(error).__name__
    try:
        text = str(error.msg if isinstance(error, SyntaxError) else error)
        text = printable(" ".join(text.split()))
    except Exception:  # their __str__ is their code
        return kind
    text = text[:_LONGEST] + "…" if len(text) > _LONGEST else text
    return f"{kind}: {text}" if text else kind


def _is_theirs(file: str) -> bool:
    """Return whether `file` is neither ours, of the standard library, nor installed."""
    if file.startswith(("<", *_NOT_THEIRS)):
        return False
    return not _INSTALLED.intersection(file.split(os.sep))


def _short(file: str) -> str:
    """Return how to call a file: from the working directory if that is shorter."""
    try:
        return min(os.path.relpath(file), file, key=len)
    except (OSError, ValueError):  # a folder that is gone; another drive
        return file


def folder() -> str:
    """Return the working directory, or nothing if it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _call(layer: Any, method: str, value: Any) -> Any:
    return getattr(layer, method)(value)
