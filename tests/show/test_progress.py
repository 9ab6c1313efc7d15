from __future__ import annotations

import os
import pty

import numpy as np
import pytest

from sigcli.show import progress as module

from ..program import PIPED, Program


class Bar:
    """A bar that keeps what it was told."""

    task_ids = (0,)

    def __init__(self) -> None:
        self.seen: list[int] = []

    def update(self, task, completed):
        self.seen.append(completed)

    def stop(self):
        pass


def test_progress_is_shown_in_a_terminal_only_and_after_a_second(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    bar, asked = Bar(), []
    monkeypatch.setattr(module, "_bar", lambda *a: asked.append(a) or bar)
    clock = iter([0.0, 0.5, 1.5, 1.6])
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    monkeypatch.setattr(module.sys, "stderr", Terminal())
    with module.progress(30, wanted=True) as done:
        done(10)
        assert asked == []
        done(10)
        assert asked == [(30, "bytes")]
        done(10)
    assert bar.seen == [20, 30]


@pytest.mark.parametrize("kind", ["txt", "npy"])
def test_a_bar_does_not_disturb_the_result(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(module, "_PATIENCE", 0)  # for the fork too
    monkeypatch.chdir(tmp_path)
    x = np.zeros(2**20 + 1)
    np.save("x.npy", x)
    (tmp_path / "x.txt").write_bytes(b"0\n" * 300_000)
    options = ["--format", "plain"] if kind == "txt" else ["-o", "y.npy"]
    main, side = pty.openpty()
    env = {**os.environ, "TERM": "xterm"}
    with Program().start(
        "forward", f"@x.{kind}", *options, **{**PIPED, "stderr": side}, env=env
    ) as child:
        out, _ = child.communicate(timeout=60)
    os.close(side)
    shown = os.read(main, 10_000)
    os.close(main)
    assert child.returncode == 0
    assert b"/s" in shown
    assert out == ("0.5\n" * 300_000 if kind == "txt" else "")
    if kind == "npy":
        np.testing.assert_array_equal(np.load("y.npy"), x + 0.5)
