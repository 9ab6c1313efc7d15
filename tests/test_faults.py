"""A full disk, a signal, a closed pipe, fifty processes at once: nothing is lost or half done."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sigcli import sigmoid

SIGCLI = Path(sysconfig.get_path("scripts")) / "sigcli"
COMMANDS = {
    "forward": ("forward", "24", "32", "5"),
    "stream": ("forward", "@lines.txt", "--format", "plain"),
    "gradcheck": ("gradcheck", "24", "32", "5"),
    "layer": ("gradcheck", "0.5", "1", "-2", "--layer", "own.py:Layer"),
    "graph": ("graph", "5"),
    "plot": ("plot", "24"),
    "help": ("--help",),
}
LAYER = """\
import numpy as np
class Layer:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out
    def backward(self, dout):
        return dout * self.out * (1 - self.out)
"""

# Python runs this before the program: a signal to itself, at a place that the test names. NumPy
# calls os.dup for each block that it reads of a file.
AT = """\
import os, sys
what, number, place = os.environ["AT"].split(":")
def strike():
    os.kill(os.getpid(), int(number))
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


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60, **options}
    return subprocess.run([SIGCLI, *words], text=True, check=False, **options)


def struck(tmp_path: Path, at: str, *words: str, **options: Any) -> Any:
    """Run the program, which gets a signal at a place."""
    (tmp_path / "hooks").mkdir(exist_ok=True)
    (tmp_path / "hooks" / "sitecustomize.py").write_text(AT)
    env = {**os.environ, "AT": at, "PYTHONPATH": str(tmp_path / "hooks")}
    return run(*words, env=env, **options)


# Full disks and closed files


@pytest.mark.parametrize("name", COMMANDS)
def test_a_result_that_a_full_disk_refuses_is_no_success(folder, name):
    with open("/dev/full", "w") as full:
        done = run(*COMMANDS[name], stdout=full)
    assert done.returncode == 2
    assert done.stderr == ("sigcli: the result could not be written: No space left on device\n")


def test_messages_that_a_full_disk_refuses_change_nothing(folder):
    with open("/dev/full", "w") as full:
        done = run("forward", "1e400", "--format", "plain", stderr=full)
        assert (done.returncode, done.stdout) == (0, "1.0\n")
        assert run("forward", "x", stderr=full).returncode == 2
        layer = ("gradcheck", "1", "--layer", "own.py:Layer", "--format", "plain")
        Path("own.py").write_text(LAYER + "print('x' * 100_000)\n")
        assert run(*layer, stderr=full).stdout == "pass\n"


@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "tsv", "txt", "json", "svg"])
def test_a_file_that_does_not_fit_leaves_the_old_one(folder, suffix):
    (folder / f"y.{suffix}").write_text("old")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    words = ("forward", *map(str, range(2000)), "--rows", "all", "-o", f"y.{suffix}")
    done = run(*words, preexec_fn=limit)
    assert done.returncode == 2
    assert done.stderr == f"sigcli: --output: 'y.{suffix}': File too large\n"
    assert (folder / f"y.{suffix}").read_text() == "old"
    assert sorted(os.listdir(folder)) == ["lines.txt", "own.py", f"y.{suffix}"]


def test_a_stream_that_does_not_fit_leaves_the_old_file(folder):
    np.save("x.npy", np.zeros(2**20 + 1))
    (folder / "y.npy").write_text("old")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**22, 2**22))

    done = run("forward", "@x.npy", "-o", "y.npy", preexec_fn=limit)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sigcli: --output: 'y.npy': File too large\n"
    assert (folder / "y.npy").read_text() == "old"
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_a_pass_that_cannot_be_remembered_is_not_taken_for_an_older_one(folder):
    """The disk is full for files, and yet something is there to be written to."""
    run("forward", "1")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    assert run("forward", "2", "--format", "plain", preexec_fn=limit).returncode == 0
    done = run("backward")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sigcli: backward needs X")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("own.py/y.csv", "Not a directory"),
        ("/proc/y.csv", "no such folder"),
        ("/dev/full/y.csv", "Not a directory"),
        (".", "a folder, where a file is right"),
    ],
)
def test_where_no_file_can_be_made_the_reason_is_given(folder, path, reason):
    done = run("forward", "1", "-o", path, "--format", "csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"sigcli: --output: '{path}': {reason}\n"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "help"])
def test_a_closed_output_is_no_success(folder, name):
    done = run(*COMMANDS[name], preexec_fn=lambda: os.close(1))
    assert done.returncode == 2
    assert done.stderr in (
        "sigcli: standard output is closed; the result has nowhere to go\n",
        "sigcli: the result could not be written: Bad file descriptor\n",
    )


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2), (1, 2)])
@pytest.mark.parametrize("name", ["forward", "layer"])
def test_a_file_holds_the_result_alone_whatever_else_is_closed(folder, name, closed):
    """The file then gets a low number, and what is written to that must not end up in it."""

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    (folder / "own.py").write_text(LAYER + "import os; print('print'); os.system('echo echo')\n")
    assert run(*COMMANDS[name], "-o", "r.json").returncode == 0
    expected = Path("r.json").read_text()
    Path("r.json").unlink()
    assert run(*COMMANDS[name], "-o", "r.json", preexec_fn=close).returncode == 0
    assert Path("r.json").read_text() == expected


# Pipes


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_is_gone_ends_it_without_a_word(folder, name):
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*COMMANDS[name], stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize("stream", [True, False])
def test_a_reader_that_leaves_midway_ends_it_without_a_word(folder, stream):
    (folder / "lines.txt").write_text("0\n" * 400_000)
    form = "plain" if stream else "csv"
    with subprocess.Popen(
        [SIGCLI, "forward", "@lines.txt", "--format", form, "--quiet"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
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
def test_a_signal_ends_it_without_a_word_or_a_trace(tmp_path, folder, monkeypatch, stage, number):
    at, words = STAGES[stage]
    if "@x.npy" in words:
        np.save("x.npy", np.zeros(2**20 + 1))
    output = Path(words[-1])
    output.write_text("old")
    monkeypatch.setenv("SIGCLI_STATE", "")  # the memory is a file too
    done = struck(tmp_path, at.format(int(number)), *words)
    assert (done.returncode, done.stdout, done.stderr) == (-number, "", "")
    assert output.read_text() == "old"
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_a_signal_while_it_reads_a_pipe_ends_it_without_a_word(folder):
    """What has been printed by then stays."""
    with subprocess.Popen(
        [SIGCLI, "forward", "-", "--format", "plain"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        child.stdin.write(b"0\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"0.5\n"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=20) == (b"", b"")
    assert child.returncode == -signal.SIGINT


def test_a_signal_in_a_layer_that_catches_everything_ends_it(folder):
    Path("own.py").write_text(
        LAYER + "import os, signal\ndef layer():\n    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except BaseException:\n        pass\n    return Layer()\n"
    )
    done = run("gradcheck", "1", "--layer", "own.py:layer", "-o", "r.json")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
    assert sorted(os.listdir(folder)) == ["lines.txt", "own.py"]


@pytest.mark.parametrize("at", ["os.rename:9:.tmp", "dup:9:9"])
def test_a_kill_in_the_midst_of_writing_leaves_the_old_file(tmp_path, folder, at):
    np.save("x.npy", np.linspace(-9, 9, 2**20 + 1))
    Path("y.npy").write_text("old")
    done = struck(tmp_path, at, "forward", "@x.npy", "-o", "y.npy")
    assert done.returncode == -signal.SIGKILL
    assert Path("y.npy").read_text() == "old"
    (left,) = set(os.listdir(folder)) - {"own.py", "lines.txt", "x.npy", "y.npy"}
    assert left.startswith(".y.npy.")
    assert left.endswith(".tmp")
    assert run("forward", "@x.npy", "-o", "y.npy").returncode == 0
    np.testing.assert_array_equal(np.load("y.npy"), sigmoid(np.load("x.npy")))


def test_a_kill_while_a_pass_is_remembered_leaves_the_one_before(tmp_path, folder):
    run("forward", "1")
    assert struck(tmp_path, "os.rename:9:.tmp", "forward", "2").returncode == -signal.SIGKILL
    done = run("backward", "--format", "json")
    assert json.loads(done.stdout)["x"] == [1]


# Many at once


def test_fifty_processes_with_one_memory_give_no_wrong_gradient(tmp_path, monkeypatch):
    state = tmp_path / "state" / "pass.npz"
    monkeypatch.setenv("SIGCLI_STATE", str(state))
    assert run("forward", "0").returncode == 0

    def work(n: int) -> subprocess.CompletedProcess[str]:
        if n % 2:
            return run("forward", *[str(n)] * (100 * n), "--format", "plain")
        return run("backward", "--format", "json", "--quiet")

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(50)))
    assert [(d.returncode, d.stderr) for d in done] == [(0, "")] * 50
    for read in (json.loads(d.stdout) for d in done[::2]):
        n = read["x"][0]
        s = float(sigmoid(-n))
        assert read["x"] == [n] * (int(100 * n) or 1)
        assert set(read["dx"]) == {s * (1 - s)}
    assert os.listdir(state.parent) == [state.name]


def test_fifty_processes_that_write_one_file_leave_one_whole_result(folder):
    def work(n: int) -> int:
        return run("forward", *[str(n)] * 2000, "-o", "y.npy").returncode

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(16))) == {0}
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
    "an old encoding": {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    "warnings are errors": {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
    "nothing at all": dict.fromkeys(os.environ, None),
}


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
def here(tmp_path_factory) -> dict[tuple[str, ...], tuple[int, str, str]]:
    """What is printed in plain surroundings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        prepare()
        done = {words: run(*words) for words in WORDS}
    assert {d.returncode for d in done.values()} == {0}
    return {words: (d.returncode, d.stdout, d.stderr) for words, d in done.items()}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_numbers_are_the_same_everywhere(folder, german, here, name):
    prepare()
    settings = SURROUNDINGS[name] or german
    env = {n: v for n, v in {**os.environ, **settings}.items() if v is not None}
    for words in WORDS:
        there = run(*words, env=env)
        assert (there.returncode, there.stdout, there.stderr) == here[words]


def test_numbers_are_not_cut_where_there_is_no_room(folder):
    env = {**os.environ, "TERM": "dumb", "COLUMNS": "20"}
    for words in (COMMANDS["forward"], COMMANDS["gradcheck"], ("backward", "24", "32", "5")):
        assert run(*words, env=env).stdout == run(*words).stdout
