"""What the README's section on security says, sentence by sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .program import LAYER, Program, python

MODULES = ("json", "numpy", "typer", "rich", "sigcli", "sitecustomize", "usercustomize", "colorsys")

# Python runs this before the program: it writes down what the program does.
WATCH = """\
import os, sys
log = os.open(os.environ["LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def hook(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn")):
        os.write(log, f"{event} {args[:2]}\\n".encode())
    elif event == "open" and isinstance(args[0], str) and args[2] is not None:
        if args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            os.write(log, f"write {args[0]}\\n".encode())
    elif event == "os.rename":
        os.write(log, f"{event} {args[0]}\\n{event} {args[1]}\\n".encode())
    elif event in ("os.remove", "os.mkdir", "os.chmod", "os.symlink", "os.link"):
        os.write(log, f"{event} {args[0]}\\n".encode())
    elif event == "exec" and os.environ["HERE"] in getattr(args[0], "co_filename", ""):
        os.write(log, f"exec {args[0].co_filename}\\n".encode())
sys.addaudithook(hook)
os.write(log, b"watching\\n")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of a stranger: its files would leave a file `pwned` if they were run."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name in MODULES:
        (work / f"{name}.py").write_text("open('pwned', 'w').close()\n")
    (work / "own.py").write_text("import colorsys\nopen('ran', 'w').close()\n" + LAYER)
    (work / "x.csv").write_text("x,dout\n1,2\n")
    return work


@pytest.fixture
def watched(program, tmp_path) -> Callable[..., list[str]]:
    def run(*words: str, **env: str) -> list[str]:
        return watch(program, tmp_path / "log", *words, **env)

    return run


def watch(program: Program, log: Path, *words: str, **env: str) -> list[str]:
    """Run the program and return what it wrote, started, connected to and executed."""
    log.write_text("")
    surroundings = {**os.environ, "LOG": str(log), "HERE": os.getcwd(), **env}
    surroundings["PYTHONDONTWRITEBYTECODE"] = "1"
    ran = program(*words, hook=WATCH, env=surroundings)
    assert ran.code in (0, 1, 2, 3), ran.err
    first, *lines = log.read_text().splitlines()
    assert first == "watching"
    return lines


def test_the_only_code_of_yours_that_runs_is_what_layer_names(watched, folder):
    for words in (
        ("forward", "@x.csv"),
        ("forward", "@own.py"),
        ("gradcheck", "1"),
        ("gradcheck", "1", "--layer", "own.py"),
        ("forward", "$(touch pwned)", "`touch pwned`"),
        ("forward", "__import__('os').system('touch pwned')"),
    ):
        assert not [line for line in watched(*words) if line.startswith("exec")]
    assert not Path("ran").exists()
    (line,) = {
        line
        for line in watched("gradcheck", "1", "--layer", "own.py:Layer")
        if line.startswith("exec")
    }
    assert line == f"exec {folder}/own.py"
    assert Path("ran").exists()
    assert not Path("pwned").exists()


@pytest.mark.parametrize("typed", ["--layer own.py:", "--layer own", "@x", "@own.py", "$(ou"])
def test_tab_runs_nothing(watched, folder, typed):
    """Neither the file whose names it offers, nor what a file's name spells."""
    (folder / "x$(touch pwned)`touch pwned`.npy").write_text("")
    line = f"sigcli gradcheck {typed}"
    end = typed.rpartition(" ")[2]
    env = {"_SIGCLI_COMPLETE": "complete_bash"}
    log = watched(line, end, **env)
    assert not [entry for entry in log if not entry.startswith("write /dev/null")]
    assert not Path("ran").exists()
    assert not Path("pwned").exists()


def test_the_working_directory_is_not_on_the_import_path_before_ours(process, tmp_path, folder):
    words = ("gradcheck", "1", "--layer", "own.py:Layer")
    log = watch(process, tmp_path / "log", *words)
    assert [line for line in log if line.startswith("exec")] == [f"exec {folder}/own.py"]
    assert process("plot", "1").code == 0
    assert not Path("pwned").exists()


def test_python_m_needs_p_to_keep_the_working_directory_out(folder):
    done = subprocess.run([sys.executable, "-P", "-m", "sigcli", "forward", "1"], check=False)
    assert (done.returncode, Path("pwned").exists()) == (0, False)


def test_npy_is_read_without_pickle(sigcli, folder):
    class Touch:
        def __reduce__(self):
            return (open, ("pwned", "w"))

    np.save("x.npy", np.array([Touch()], object), allow_pickle=True)
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.write("x.npy")
    Path("x.pkl").write_bytes(pickle.dumps(Touch()))
    for name in ("x.npy", "x.npz", "x.pkl"):
        done = sigcli("forward", f"@{name}")
        assert (done.code, done.out) == (2, "")
        assert not Path("pwned").exists()


def promising(values: int, follow: int) -> bytes:
    """Return an archive with an array of a few values, and with far more bytes behind."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({values},), }}".encode()
    npy = b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n" + bytes(follow)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../x.npy", npy)
    return buffer.getvalue()


def test_a_member_is_read_only_as_far_as_its_header_says_and_never_unpacked(tmp_path, folder):
    """100 MB follow the two values; the process would need as much."""
    code = (
        "import re, sys\nfrom sigcli import cli\ncode = cli.run(sys.argv[1:])\n"
        "status = open('/proc/self/status').read()\n"  # its own: getrusage has the parent's
        "print(re.search(r'VmHWM:\\s*(\\d+)', status)[1], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    Path("bomb.npz").write_bytes(promising(2, 100_000_000))
    done = python(code, "forward", "@bomb.npz", "--format", "plain")
    assert (done.code, done.out) == (0, "0.5\n0.5\n")
    assert int(done.err) < 80_000
    assert not (tmp_path / "x.npy").exists()


def test_a_member_that_promises_more_than_there_is_is_refused(sigcli, folder):
    Path("bomb.npz").write_bytes(promising(2**40, 16))
    done = sigcli("forward", "@bomb.npz")
    assert done.code == 2
    assert "is cut off" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("forward", "@x.csv"),
        ("backward", "@x.csv", "--format", "json"),
        ("gradcheck", "@x.csv", "--layer", "own.py:Layer"),
        ("forward", "@http://localhost/x.npy"),
        ("graph", "1", "-o", "g.svg"),
    ],
)
def test_it_opens_no_connection_and_starts_no_program(watched, folder, words):
    log = watched(*words)
    assert not [line for line in log if line.startswith(("socket", "subprocess", "os.sys"))]
    assert not [line for line in log if line.startswith(("os.exec", "os.posix"))]


def test_nothing_is_written_but_the_output_and_the_memory(watched, folder):
    state = f"{os.environ['HOME']}/.local/state/sigcli"
    for words, allowed in (
        (("forward", "1"), [state]),
        (("forward", "1", "-o", "y.npy"), [state, f"{folder}/.y.npy.", f"{folder}/y.npy"]),
        (("backward", "1", "-o", "y.svg"), [f"{folder}/.y.svg.", f"{folder}/y.svg"]),
        (("gradcheck", "1"), []),
        (("graph", "1"), []),
        (("plot", "1"), []),
        (("--help",), []),
    ):
        log = [line.partition(" ")[2] for line in watched(*words)]
        parents = {str(parent) for parent in Path(state).parents}
        log = [path for path in log if path not in {"/dev/null", *parents}]
        log = [path for path in log if not path.isdecimal()]  # an open file's mode
        assert [path for path in log if not path.startswith(tuple(allowed) or "\0")] == []


def test_the_memory_is_for_its_owner_s_eyes_only(sigcli, folder):
    old = os.umask(0)
    try:
        sigcli("forward", "1")
    finally:
        os.umask(old)
    path = Path(os.environ["HOME"], ".local/state/sigcli/last.npz")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_memory_replaces_no_link_s_target(sigcli, folder):
    """Whoever plants a link in the place of the memory gets nothing overwritten."""
    path = Path(os.environ["HOME"], ".local/state/sigcli/last.npz")
    path.parent.mkdir(parents=True)
    Path("precious").write_text("precious")
    path.symlink_to(Path("precious").absolute())
    assert sigcli("forward", "1").code == 0
    assert Path("precious").read_text() == "precious"
    assert path.is_symlink()


def test_no_escape_in_what_is_given_reaches_the_terminal(sigcli, folder):
    escape = "\x1b]0;title\x07\x1b[31m\x9b2J\u202e"
    Path(f"{escape}.csv").write_text(f"{escape},b\n1,2\n")
    Path("e.csv").write_text(f"x,y\n{escape},2\n")
    Path("e.json").write_text(json.dumps({escape: [1], "b": [escape]}))
    Path("e.py").write_text(f"raise ValueError({escape!r})\n")
    for words in (
        ("forward", escape),
        ("forward", f"@{escape}"),
        ("forward", f"@{escape}.csv"),
        ("forward", "@e.csv"),
        ("forward", "@e.json"),
        ("forward", "@e.json:b"),
        ("forward", "1", f"--{escape}"),
        ("forward", "1", "-o", f"{escape}/y.csv"),
        ("forward", "1", "--format", escape),
        ("gradcheck", "1", "--layer", "e.py:X"),
        ("gradcheck", "1", "--layer", f"{escape}.py:X"),
        (escape,),
    ):
        done = sigcli(*words)
        assert (done.code, done.out) == (2, "")
        assert all(line.isprintable() for line in done.err.split("\n"))
        assert done.err.startswith("sigcli: ")
