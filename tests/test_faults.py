"""A full disk, a signal, a closed pipe, many processes at once: nothing is lost or half done."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sigcli import sigmoid

from .program import AN_OLD_ENCODING, LAYER, PIPED, Program, Ran

COMMANDS = {
    "forward": ("forward", "24", "32", "5"),
    "stream": ("forward", "@lines.txt", "--format", "plain"),
    "gradcheck": ("gradcheck", "24", "32", "5"),
    "layer": ("gradcheck", "0.5", "1", "-2", "--layer", "own.py:Layer"),
    "graph": ("graph", "5"),
    "plot": ("plot", "24"),
    "json": ("forward", "1", "--format", "json"),
    "version": ("--version",),
    "help": ("--help",),
}

# Python runs this before the program: a signal to itself, at a place that the test names. NumPy
# calls os.dup for each block that it reads of a file.
AT = """\
import os, sys
what, number, place = os.environ["AT"].split(":")
def strike():
    os.kill(os.getpid(), int(number))
if what == "import":  # whatever is loaded already
    for name in [name for name in sys.modules if name.startswith("sigcli") or name.endswith(place)]:
        del sys.modules[name]
if what in ("import", "open", "os.rename"):
    def hook(event, args):
        if event == what and str(args[0]).endswith(place):
            strike()
    sys.addaudithook(hook)
else:
    def wrapped(*args, call=getattr(os, what), left=[int(place)]):
        left[0] -= 1
        if not left[0]:
            strike()
        return call(*args)
    setattr(os, what, wrapped)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "own.py").write_text(LAYER)
    (work / "lines.txt").write_text("0\n" * 50_000)
    return work


def struck(program: Program, at: str, *words: str) -> Ran:
    """Run the program, which gets a signal at a place."""
    return program(*words, hook=AT, env={**os.environ, "AT": at})


def at_most(size: int) -> Callable[[], None]:
    """Return what keeps the files of a process from growing beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# Full disks and closed files


@pytest.mark.parametrize("name", COMMANDS)
def test_a_result_that_a_full_disk_refuses_is_no_success(program, folder, name):
    with open("/dev/full", "w") as full:
        done = program(*COMMANDS[name], stdout=full)
    assert done.code == 2
    assert done.err == ("sigcli: the result could not be written: No space left on device\n")


def test_messages_that_a_full_disk_refuses_change_nothing(program, folder):
    with open("/dev/full", "w") as full:
        done = program("forward", "1e400", "--format", "plain", stderr=full)
        assert (done.code, done.out) == (0, "1.0\n")
        assert program("forward", "x", stderr=full).code == 2
        layer = ("gradcheck", "1", "--layer", "own.py:Layer", "--format", "plain")
        Path("own.py").write_text(LAYER + "print('x' * 100_000)\n")
        assert program(*layer, stderr=full).out == "pass\n"


@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "tsv", "txt", "json", "svg"])
def test_a_file_that_does_not_fit_leaves_the_old_one(program, folder, suffix):
    (folder / f"y.{suffix}").write_text("old")
    words = ("forward", *map(str, range(300)), "--rows", "all", "-o", f"y.{suffix}")
    done = program(*words, preexec_fn=at_most(1024))
    assert done.code == 2
    assert done.err == f"sigcli: --output: 'y.{suffix}': File too large\n"
    assert (folder / f"y.{suffix}").read_text() == "old"
    assert sorted(os.listdir(folder)) == ["lines.txt", "own.py", f"y.{suffix}"]


def test_a_stream_that_does_not_fit_leaves_the_old_file(program, folder):
    np.save("x.npy", np.zeros(2**20 + 1))
    (folder / "y.npy").write_text("old")
    done = program("forward", "@x.npy", "-o", "y.npy", preexec_fn=at_most(2**22))
    assert (done.code, done.out) == (2, "")
    assert done.err == "sigcli: --output: 'y.npy': File too large\n"
    assert (folder / "y.npy").read_text() == "old"
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_a_pass_that_cannot_be_remembered_is_not_taken_for_an_older_one(program, folder):
    """The disk is full for files, and yet something is there to be written to."""
    program("forward", "1")
    assert program("forward", "2", "--format", "plain", preexec_fn=at_most(100)).code == 0
    done = program("backward")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("sigcli: backward needs X")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("own.py/y.csv", "Not a directory"),
        ("/proc/y.csv", "no such folder"),
        ("/dev/full/y.csv", "Not a directory"),
        (".", "expected a file, this is a folder"),
    ],
)
def test_where_no_file_can_be_made_the_reason_is_given(sigcli, folder, path, reason):
    done = sigcli("forward", "1", "-o", path, "--format", "csv")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"sigcli: --output: '{path}': {reason}\n"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "help"])
def test_a_closed_output_is_no_success(program, folder, name):
    done = program(*COMMANDS[name], preexec_fn=lambda: os.close(1))
    assert done.code == 2
    assert done.err in (
        "sigcli: standard output is closed; the result has nowhere to go\n",
        "sigcli: the result could not be written: Bad file descriptor\n",
    )


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2), (1, 2)])
@pytest.mark.parametrize("name", ["forward", "layer"])
def test_a_file_holds_the_result_alone_whatever_else_is_closed(program, folder, name, closed):
    """The file then gets a low number, and what is written to that must not end up in it."""

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    (folder / "own.py").write_text(LAYER + "import os; print('print'); os.system('echo echo')\n")
    assert program(*COMMANDS[name], "-o", "r.json").code == 0
    expected = Path("r.json").read_text()
    Path("r.json").unlink()
    assert program(*COMMANDS[name], "-o", "r.json", preexec_fn=close).code == 0
    assert Path("r.json").read_text() == expected


# Pipes


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_is_gone_ends_it_without_a_word(program, folder, name):
    reader, writer = os.pipe()
    os.close(reader)
    done = program(*COMMANDS[name], stdout=writer)
    os.close(writer)
    assert (done.code, done.err) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize("stream", [True, False])
def test_a_reader_that_leaves_midway_ends_it_without_a_word(program, folder, stream):
    (folder / "lines.txt").write_text("0\n" * 100_000)
    line = ("forward", "@lines.txt", "--format", "plain" if stream else "csv", "--quiet")
    with program.start(*line, **PIPED) as child:
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == -signal.SIGPIPE


# Signals


STAGES = {
    "while the commands are imported": ("import:{}:typer", ("forward", "1", "-o", "y.npy")),
    "while NumPy is imported": ("import:{}:numpy", ("forward", "1", "-o", "y.npy")),
    "while a file is read": ("open:{}:lines.txt", ("forward", "@lines.txt", "-o", "y.npy")),
    "while it computes": ("import:{}:curve", ("plot", "1", "-o", "y.csv")),
    "while it writes": ("fchmod:{}:1", ("forward", "1", "-o", "y.npy")),
    "before the file takes its place": ("os.rename:{}:.tmp", ("forward", "1", "-o", "y.npy")),
    "in the midst of a stream": ("dup:{}:9", ("forward", "@x.npy", "-o", "y.npy")),
}


@pytest.mark.parametrize(
    ("stage", "number"),
    [(stage, signal.SIGINT) for stage in STAGES]
    + [(stage, signal.SIGTERM) for stage in STAGES if "file takes" in stage or "stream" in stage],
)
def test_a_signal_ends_it_without_a_word_or_a_trace(program, folder, monkeypatch, stage, number):
    at, words = STAGES[stage]
    if "@x.npy" in words:
        np.save("x.npy", np.zeros(2**20 + 1))
    output = Path(words[-1])
    output.write_text("old")
    monkeypatch.setenv("SIGCLI_STATE", "")  # the memory is a file too
    done = struck(program, at.format(int(number)), *words)
    assert (done.code, done.out, done.err) == (-number, "", "")
    assert output.read_text() == "old"
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_a_signal_while_it_reads_a_pipe_ends_it_without_a_word(program, folder):
    """What has been printed by then stays."""
    words = ("forward", "-", "--format", "plain")
    with program.start(*words, stdin=subprocess.PIPE, **PIPED) as child:
        child.stdin.write("0\n")
        child.stdin.flush()
        assert child.stdout.readline() == "0.5\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=20) == ("", "")
    assert child.returncode == -signal.SIGINT


def test_a_signal_in_a_layer_that_catches_everything_ends_it(program, folder):
    Path("own.py").write_text(
        LAYER + "import os, signal\ndef layer():\n    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except BaseException:\n        pass\n    return Layer()\n"
    )
    done = program("gradcheck", "1", "--layer", "own.py:layer", "-o", "r.json")
    assert (done.code, done.out, done.err) == (-signal.SIGINT, "", "")
    assert sorted(os.listdir(folder)) == ["lines.txt", "own.py"]


@pytest.mark.parametrize("at", ["os.rename:9:.tmp", "dup:9:9"])
def test_a_kill_in_the_midst_of_writing_leaves_the_old_file(program, folder, at):
    np.save("x.npy", np.linspace(-9, 9, 2**20 + 1))
    Path("y.npy").write_text("old")
    done = struck(program, at, "forward", "@x.npy", "-o", "y.npy")
    assert done.code == -signal.SIGKILL
    assert Path("y.npy").read_text() == "old"
    (left,) = set(os.listdir(folder)) - {"own.py", "lines.txt", "x.npy", "y.npy"}
    assert left.startswith(".y.npy.")
    assert left.endswith(".tmp")
    assert program("forward", "@x.npy", "-o", "y.npy").code == 0
    np.testing.assert_array_equal(np.load("y.npy"), sigmoid(np.load("x.npy")))


def test_a_kill_while_a_pass_is_remembered_leaves_the_one_before(program, folder):
    program("forward", "1")
    assert struck(program, "os.rename:9:.tmp", "forward", "2").code == -signal.SIGKILL
    done = program("backward", "--format", "json")
    assert json.loads(done.out)["x"] == [1]


# Many at once


def test_many_processes_with_one_memory_give_no_wrong_gradient(program, tmp_path, monkeypatch):
    state = tmp_path / "state" / "pass.npz"
    monkeypatch.setenv("SIGCLI_STATE", str(state))
    assert program("forward", "0").code == 0

    count = 20 if program.hooks is None else 50
    lines = [
        ("forward", *[str(n)] * (100 * n), "--format", "plain") if n % 2
        else ("backward", "--format", "json", "--quiet") for n in range(count)
    ]  # fmt: skip
    done = program.together(lines)
    assert [(ran.code, ran.err) for ran in done] == [(0, "")] * count
    for read in (json.loads(ran.out) for ran in done[::2]):
        n = read["x"][0]
        s = float(sigmoid(-n))
        assert read["x"] == [n] * (int(100 * n) or 1)
        assert set(read["dx"]) == {s * (1 - s)}
    assert os.listdir(state.parent) == [state.name]


def test_processes_that_write_one_file_leave_one_whole_result(program, folder):
    lines = [("forward", *[str(n)] * 2000, "-o", "y.npy") for n in range(16)]
    assert {ran.code for ran in program.together(lines)} == {0}
    y = np.load("y.npy")
    assert (y.shape, y[0] in sigmoid(np.arange(16.0)), set(y)) == ((2000,), True, {y[0]})
    assert sorted(os.listdir(folder)) == ["lines.txt", "own.py", "y.npy"]


# Surroundings


@pytest.fixture(scope="session")
def german(tmp_path_factory) -> dict[str, str]:
    """A locale with a decimal comma, made here if the system has the means."""
    made = tmp_path_factory.mktemp("locale")
    try:
        subprocess.run(
            ["localedef", "-i", "de_DE", "-f", "UTF-8", made / "de_DE.UTF-8"],
            capture_output=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return {"LC_ALL": "de_DE.UTF-8"}
    return {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(made)}


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "a decimal comma": {},
    "a terminal that can do nothing": {"TERM": "dumb", "COLUMNS": "20"},
    "no home": {"HOME": None, "XDG_STATE_HOME": None},
    "no assertions and no docstrings": {"PYTHONOPTIMIZE": "2"},
    "an old encoding": AN_OLD_ENCODING,
    "warnings are errors": {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
}
APART = (*SURROUNDINGS, "nothing at all")
SURROUNDINGS["all of these together"] = {n: v for s in SURROUNDINGS.values() for n, v in s.items()}
SURROUNDINGS["nothing at all"] = dict.fromkeys(os.environ)

WORDS = (
    ("backward", "@t.csv", "--format", "json"),
    ("gradcheck", "@t.csv", "--format", "csv", "--layer", "own.py:Layer"),
    ("gradcheck", "2.5", "-2.5e-3", "--dx", "0.0701", "-.249999", "--dout", "1", "-1", "--quiet",
     "--format", "csv"),
)  # fmt: skip


def prepare() -> None:
    """Write a table, and a layer that takes the settings of its user for all of the process."""
    Path("own.py").write_text(
        "import locale\ntry:\n    locale.setlocale(locale.LC_ALL, '')\n"
        "except locale.Error:\n    pass\n" + LAYER
    )
    Path("t.csv").write_text("x,dout\n2.5,1.5\n-1e-3,0.25\n")


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> dict[tuple[str, ...], Ran]:
    """What is printed in plain surroundings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        prepare()
        done = {words: Program()(*words) for words in WORDS}
    assert {ran.code for ran in done.values()} == {0}
    return done


@pytest.mark.parametrize(
    "name",
    ["all of these together", *(pytest.param(name, marks=pytest.mark.long) for name in APART)],
)
def test_the_numbers_are_the_same_everywhere(process, folder, request, here, name):
    prepare()
    settings = SURROUNDINGS[name] or request.getfixturevalue("german")
    env = {n: v for n, v in {**os.environ, **settings}.items() if v is not None}
    for words in WORDS if name in APART else WORDS[1:2]:
        assert process(*words, env=env) == here[words]


def test_numbers_are_not_cut_where_there_is_no_room(sigcli, monkeypatch):
    for words in (COMMANDS["forward"], COMMANDS["gradcheck"], ("backward", "24", "32", "5")):
        with monkeypatch.context() as patch:
            patch.setenv("TERM", "dumb")
            patch.setenv("COLUMNS", "20")
            narrow = sigcli(*words)
        assert sigcli(*words) == narrow
