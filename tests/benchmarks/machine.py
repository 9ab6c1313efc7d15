"""Where it was measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PROGRAMS = ("mawk",)
PACKAGES = ("sigcli", "numpy", "typer", "rich", "scipy", "torch")


def machine() -> dict[str, str | int]:
    """Return the processor, how many cores may be used, the system and the versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        "load": f"{os.getloadavg()[0]:.2f}",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := _version(name))},
    }


def installed(name: str) -> bool:
    """Return whether a peer is there, without loading it."""
    return bool(shutil.which(name) if name in PROGRAMS else find_spec(name))


def _cores() -> int:
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return found[1] if found else platform.processor()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
