"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import signal
import stat
import threading
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic_ns
from typing import IO, TYPE_CHECKING

from ..errors import FileError, os_reason

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        raise FileError(f"--output: '{path}': {os_reason(error)}") from None


def _own_descriptor(path: str) -> int | None:
    """Return which open file of this process `path` is: to replace that would take it away."""
    if path in ("/dev/stdout", "/dev/stderr"):
        return 1 if path.endswith("out") else 2
    folder, name = os.path.split(path)
    ours = folder in ("/dev/fd", "/proc/self/fd") and name.isdecimal() and len(name) < 10
    return int(name) if ours else None


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
