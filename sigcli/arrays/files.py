"""``@FILE``, standard input, and ``--output``: what is opened, and how results take its place."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from time import monotonic_ns
from typing import IO, TYPE_CHECKING

from ..errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Reference:
    """An array that is not typed but read from a file.

    Attributes
    ----------
    name : str
        What the array is for: ``x``, ``dout``, …
    path : str
        The file; ``-`` is standard input.
    member : str
        The array in it that is meant; empty where its name decides.
    """

    name: str
    path: str
    member: str = ""


def reference(name: str, token: str) -> Reference:
    """Return what ``@FILE``, ``@FILE:MEMBER`` or ``-`` refers to; the whole is a path first."""
    path, member = token.removeprefix("@"), ""
    if token != "-" and ":" in path and not os.path.lexists(path):
        path, _, member = path.rpartition(":")
    return Reference(name, path, member)


@contextmanager
def opened(reference: Reference) -> Iterator[IO[bytes]]:
    """Open what `reference` refers to; what cannot be sought in is read into memory first."""
    try:
        if reference.path == "-":
            file: IO[bytes] = BytesIO(standard_input(reference).read())
        else:
            file = open(reference.path, "rb")  # noqa: SIM115  # closed below
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                with file:
                    file = BytesIO(file.read())
    except OSError as error:
        raise FileError(f"{reference.name}: {shown(reference.path)}: {_reason(error)}") from None
    with file:
        yield file


def standard_input(reference: Reference) -> IO[bytes]:
    """Return standard input, where there is one."""
    if sys.stdin is None:
        raise FileError(f"{reference.name}: standard input is closed")
    return sys.stdin.buffer


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder, where a file is right"
    return error.strerror or str(error)


def shown(path: str) -> str:
    """Return what errors call a file."""
    return "standard input" if path == "-" else f"'@{path}'"


@contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """Give a file to write to that takes the place of `path` once all is written, or never.

    Symbolic links are followed and the mode of what was there is kept. What is no regular file,
    such as a device or a pipe, is written to directly.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    try:
        if (descriptor := _own_descriptor(path)) is not None:
            with open(os.dup(descriptor), "wb") as file:
                yield file
            return
        with suppress(FileNotFoundError):
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError
            if not stat.S_ISREG(mode):
                with open(path, "wb") as file:
                    yield file
                return
            if not os.access(path, os.W_OK):
                raise PermissionError(None, "Permission denied")
        target = os.path.realpath(path)
        temporary = beside(target)
        with _removed_when_stopped(temporary), created(temporary, _mode(target)) as file:
            yield file
            file.close()
            os.replace(temporary, target)
    except FileNotFoundError:
        raise FileError(f"--output: '{path}': no such folder") from None
    except OSError as error:
        raise FileError(f"--output: '{path}': {_reason(error)}") from None


def _own_descriptor(path: str) -> int | None:
    """Return which open file of this process `path` is: to replace that would take it away."""
    if path in ("/dev/stdout", "/dev/stderr"):
        return 1 if path.endswith("out") else 2
    folder, name = os.path.split(path)
    return int(name) if folder in ("/dev/fd", "/proc/self/fd") and name.isdecimal() else None


@contextmanager
def _removed_when_stopped(path: str) -> Iterator[None]:
    """Remove the file at `path` if Ctrl-C or a request to end stops the process meanwhile."""

    def stop(number: int, _: object) -> None:
        with suppress(OSError):
            os.unlink(path)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _mode(target: str) -> int:
    """Return the mode that `target` has, or that a new file would get."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


def beside(target: str) -> str:
    """Return a path in the folder of `target` that no other process or thread has."""
    folder, name = os.path.split(target)  # tempfile would do, and cost each command 3 ms
    return os.path.join(folder, f".{name[:200]}.{os.getpid()}-{monotonic_ns()}.tmp")


@contextmanager
def created(path: str, mode: int) -> Iterator[IO[bytes]]:
    """Create a file of `mode` at `path`; where something fails it is removed again."""
    with open(path, "xb+", opener=partial(os.open, mode=0o600)) as file:
        try:
            os.fchmod(file.fileno(), mode)
            yield file
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise
