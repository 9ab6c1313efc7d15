"""The last forward pass, remembered from one command to the next as a layer keeps its cache.

It lies in ``$XDG_STATE_HOME/sigcli/last.npz``, else ``~/.local/state/sigcli/last.npz``, readable by
its owner alone; ``SIGCLI_STATE`` names another file, or none at all if it is empty. It is replaced
as a whole, so that of several programs at once the last one wins and each reader gets one complete
pass. Remembering never fails a command: where it cannot be, nothing older may answer in its place.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MemoryFileError
from ..read.files import Reference
from .atomic import beside, created

if TYPE_CHECKING:
    from ..arrays import Array

MOST_VALUES = 2**20  # 8 MB of float64; a larger pass is not remembered
_MARK = "sigcli_last_forward_pass"  # the member that makes an archive a memory of ours
_ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class LastPass:
    """A remembered pass.

    Attributes
    ----------
    x : ndarray
        What was given to `forward`.
    age : float
        Seconds since.
    """

    x: Array
    age: float

    def note(self) -> str:
        """Say which pass this is."""
        first = ", ".join(map(str, self.x.reshape(-1)[:3])) or "no number"
        first += ", …" if self.x.size > 3 else ""
        shape = f"shape {self.x.shape}, {self.age:.0f} s ago"
        return f"x is that of the last forward pass: {first} ({shape})"


def place() -> Path | None:
    """Return where the memory lies, or None where there is none."""
    if "SIGCLI_STATE" in os.environ:
        named = os.environ["SIGCLI_STATE"]
        return Path(os.path.realpath(named)) if named else None
    home = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(home):
        return Path(home, "sigcli", "last.npz")
    home = os.environ.get("HOME", "")
    return Path(home, ".local", "state", "sigcli", "last.npz") if os.path.isabs(home) else None


def remember(x: Array) -> None:
    """Keep `x` as the last pass; forget the one before where that is not possible."""
    if x.size > MOST_VALUES:
        forget()
        return
    path = place()
    if path is None or not (_is_ours(path) or not os.path.lexists(path)):
        return
    try:
        _write(path, x)
    except OSError:
        forget()


def forget() -> None:
    """Remove the last pass, if there is one and it is ours."""
    path = place()
    if path is not None and _is_ours(path):
        with suppress(OSError):
            path.unlink()


def recall() -> LastPass | None:
    """Return the last pass; None where nothing is remembered.

    Raises
    ------
    MemoryFileError
        If the file is not a memory of ours, is damaged, or could be older than the last pass.
    """
    path = place()
    if path is None or not os.path.lexists(path):
        return None
    where = f"the last pass in '{path}'"
    if not _is_ours(path):
        raise MemoryFileError(f"{where} is none of sigcli's, and is left alone; give X")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MemoryFileError(f"{where} may be an older one, since it cannot be replaced; give X")
    from time import time

    try:
        x = _read(path)
        return LastPass(x, max(0.0, time() - path.stat().st_mtime))
    except Exception as error:
        raise MemoryFileError(f"{where} is damaged; remove it, or give X") from error


def _read(path: Path) -> Array:
    from ..read.members import Members
    from ..read.npy import read_npz

    with open(path, "rb") as file:
        return read_npz(Members(Reference("x", str(path))), file).arrays["x"]


def _write(path: Path, x: Array) -> None:
    from io import BytesIO

    import numpy as np

    archive = BytesIO()  # an archive that a full disk cuts short would complain when it is let go
    arrays: dict[str, Any] = {_MARK: np.array(1), "x": x}
    np.savez(archive, **arrays)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = beside(str(path))
    with created(temporary, 0o600) as file:
        file.write(archive.getvalue())
        file.close()
        os.replace(temporary, path)


def _is_ours(path: Path) -> bool:
    """Whether `path` is a regular file of this user's that begins as our memories do."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not keep us waiting
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                return False
            start = file.read(30 + len(_MARK))
    except OSError:
        return False
    return start.startswith(_ZIP_MAGIC) and start.endswith(_MARK.encode())
