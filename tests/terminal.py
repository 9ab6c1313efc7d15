"""The program in a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def in_terminal(line: list[str], columns: int, lines: int = 50, **settings: str) -> str:
    """Run the program in a terminal of this size and return what it shows."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", **settings}
    child = subprocess.Popen(["sigcli", *line], stdout=side, stderr=side, stdin=side, env=env)
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
