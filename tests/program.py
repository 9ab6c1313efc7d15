"""The program as tests run it: a process from scratch, a fork of the tests, and in a terminal.

A fork is a process with descriptors, signals and limits of its own, and starts in 30 ms where a
process from scratch takes 300: all modules are loaded already. `pytest -m long` runs the same tests
once more from scratch.
"""

from __future__ import annotations

import faulthandler
import fcntl
import gc
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import sysconfig
import termios
import traceback
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import sigcli

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIGCLI = str(Path(sysconfig.get_path("scripts")) / "sigcli")
PAGES = {  # of the manual, by name
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted(Path(sigcli.__file__).with_name("manual").glob("*.md"))
}
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
LAYER = """\
import numpy as np
class Layer:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out
    def backward(self, dout):
        return dout * self.out * (1 - self.out)
"""
AN_OLD_ENCODING = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class Ran:
    """What one run of the program did."""

    code: int
    out: str
    err: str


class Fork(subprocess.Popen[Any]):
    """A process like any, but begun as a fork of this one; `hook` is Python that runs first."""

    def __init__(self, words: Sequence[str], hook: str, **options: Any) -> None:
        self.hook = hook
        super().__init__(words, **options)

    def _execute_child(
        self, words: Any, _: Any, before: Any, __: Any, ___: Any, cwd: Any, env: Any, *rest: Any
    ) -> None:
        ends = rest[3:9]  # of the pipes: to read and to write, for each of the three streams
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads; 3.12
            self.pid = os.fork()
        if self.pid == 0:
            _in_fork(words, self.hook, before, cwd, env, (ends[0], ends[3], ends[5]))
        self._child_created = True
        self._close_pipe_fds(*ends)


def _in_fork(
    words: Sequence[str],
    hook: str,
    before: Callable[[], None] | None,
    cwd: Any,
    env: Any,
    ends: Sequence[int],
) -> NoReturn:
    """Make of this fork what a process is when it starts, and run the program in it."""
    try:
        faulthandler.disable()
        gc.freeze()  # what the tests hold is left where it is, in memory that is shared
        for descriptor, end in enumerate(ends):
            if end != -1:
                os.dup2(end, descriptor)
        os.closerange(3, 1024)
        os.chdir(cwd or ".")
        if env is not None:
            os.environ.clear()
            os.environ.update(env)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        sys.argv = ["sigcli", *words]
        if before is not None:
            before()
        sys.stdin, sys.stdout, sys.stderr = (_stream(i, "rww"[i]) for i in range(3))
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
        exec(hook, {})
        import_module("sigcli.__main__").main()  # which sets signals when it is imported
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(70)


def _stream(descriptor: int, mode: str) -> io.TextIOWrapper | None:
    """Return a standard stream as Python opens it at its start; None if it is closed."""
    try:
        binary = open(descriptor, f"{mode}b")  # noqa: SIM115  # as long as the process runs
    except OSError:
        return None
    return io.TextIOWrapper(
        binary, "utf-8", "backslashreplace" if descriptor == 2 else "surrogateescape",
        line_buffering=descriptor == 2 or binary.isatty(),
    )  # fmt: skip


class Program:
    """The program as a process: a fork, or from scratch with `hooks`, a folder to put one in."""

    def __init__(self, hooks: Path | None = None) -> None:
        self.hooks = hooks

    def start(self, *words: str, hook: str = "", **options: Any) -> subprocess.Popen[Any]:
        """Begin to run it; `hook` is Python that runs before it."""
        if self.hooks is None:
            return Fork(words, hook, **options)
        if hook:
            (self.hooks / "sitecustomize.py").write_text(hook)
            options["env"] = {**options.get("env", os.environ), "PYTHONPATH": str(self.hooks)}
        return subprocess.Popen([SIGCLI, *words], **options)

    def __call__(self, *words: str, stdin: Any = None, **options: Any) -> Ran:
        """Run it to its end; `stdin` is a text or a file."""
        text = stdin if isinstance(stdin, str) else None
        options["stdin"] = subprocess.PIPE if text is not None else stdin or subprocess.DEVNULL
        return _ended(self.start(*words, **{**PIPED, **options}), text)

    def together(
        self, lines: Sequence[Sequence[str]], at_once: int = 8, **options: Any
    ) -> list[Ran]:
        """Run several at the same time, and return what each did."""
        found = []
        for start in range(0, len(lines), at_once):
            begun = [
                self.start(*words, **PIPED, **options) for words in lines[start : start + at_once]
            ]
            found += [_ended(child) for child in begun]
        return found


PIPED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}


def _ended(child: subprocess.Popen[str], text: str | None = None) -> Ran:
    with child:
        try:
            out, err = child.communicate(text, timeout=60)
        except BaseException:
            child.kill()
            raise
    return Ran(child.returncode, out or "", err or "")


def python(code: str, *args: str, **options: Any) -> Ran:
    """Run `code` as a program."""
    return _ended(
        subprocess.Popen([sys.executable, "-P", "-c", code, *args], **{**PIPED, **options})
    )


def shell(script: str, **options: Any) -> Ran:
    """Run a script of the shell, which ends at the first line that fails."""
    words = ["bash", "-euo", "pipefail", "-c", script]
    return _ended(subprocess.Popen(words, **{**PIPED, **options}))


def loaded_after(*lines: Sequence[str]) -> list[set[str]]:
    """Return which modules are loaded after each of these command lines, in one process."""
    code = (
        "import json, sys\nfrom sigcli import cli\nfor line in json.loads(sys.argv[1]):\n"
        "    cli.run(line)\n    print('\\nloaded:', *sys.modules)"
    )
    ran = python(code, json.dumps(lines))
    assert ran.code == 0, ran.err
    return [set(line.split()) for line in ran.out.splitlines() if line.startswith("loaded: ")]


def in_terminal(line: list[str], columns: int, lines: int = 50, **settings: str) -> str:
    """Run the program in a terminal of this size and return what it shows."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", **settings}
    scratch = "PYTHONIOENCODING" in settings  # which Python reads when it starts
    start = Program(Path() if scratch else None).start
    child = start(*line, stdin=side, stdout=side, stderr=side, env=env)
    os.close(side)
    shown = b""
    while select.select([main], [], [], 30)[0]:
        try:
            shown += os.read(main, 65536)
        except OSError:  # the terminal's last word
            break
    child.wait(timeout=30)
    os.close(main)
    return shown.decode().replace("\r\n", "\n")
