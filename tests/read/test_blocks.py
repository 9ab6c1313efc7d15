from __future__ import annotations

import io
import os
import re
import select
import signal
import subprocess
import time

import numpy as np
import pytest

from sigcli import Sigmoid, sigmoid
from sigcli.read import blocks
from sigcli.write.last_pass import MOST_VALUES

from ..program import SIGCLI, Ran, python

COUNT = MOST_VALUES + 12_345  # just too many to be remembered, and no whole block


def slope(x, dout=1.0):
    layer = Sigmoid()
    layer.forward(x)
    return layer.backward(dout)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "_VALUES", 1000)
    monkeypatch.setattr("sigcli.write.last_pass.MOST_VALUES", 100)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda a: a, "float64"),
        (lambda a: a.astype(">f8"), "float64"),
        (lambda a: a.astype("f4"), "float32"),
        (lambda a: a.astype("f2"), "float16"),
        (lambda a: a.astype("i2"), "float64"),
        (lambda a: a.reshape(5, -1), "float64"),
        (lambda a: np.asfortranarray(a.reshape(5, -1)), "float64"),
    ],
)
def test_blocks_give_what_the_whole_gives(tmp_path, small_blocks, sigcli, make, dtype):
    x = make(np.random.default_rng(3).normal(size=10_005) * 20)
    np.save(tmp_path / "x.npy", x)
    assert sigcli("forward", f"@{tmp_path}/x.npy", "-o", f"{tmp_path}/y.npy").code == 0
    assert sigcli("backward").code == 2  # what went through in blocks is not remembered
    y = np.load(tmp_path / "y.npy")
    assert (y.shape, y.dtype) == (x.shape, np.dtype(dtype))
    assert np.isfortran(y) == np.isfortran(x)
    np.testing.assert_array_equal(y, sigmoid(x))


def test_two_files_of_different_byte_order_go_through_in_blocks(tmp_path, small_blocks, sigcli):
    x, dout = np.random.default_rng(3).normal(size=(2, 10_005))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "d.npy", dout.astype(">f8"))
    words = "--dout", f"@{tmp_path}/d.npy", "-o", f"{tmp_path}/dx.npy"
    assert sigcli("backward", f"@{tmp_path}/x.npy", *words).code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "dx.npy"), slope(x, dout))


def test_large_files_go_through_the_commands_in_blocks_and_small_ones_do_not(tmp_path, sigcli):
    rng = np.random.default_rng(4)
    x, dout = rng.normal(size=COUNT) * 20, rng.normal(size=COUNT)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "d.npy", dout)
    given, out = f"@{tmp_path}/x.npy", tmp_path / "out.npy"
    sigcli("forward", "7")
    assert sigcli("forward", given, "-o", str(out)).code == 0
    np.testing.assert_array_equal(np.load(out), sigmoid(x))
    assert sigcli("backward").code == 2  # a streamed pass is not remembered
    for words, factor in (
        (["--dout", f"@{tmp_path}/d.npy"], dout),
        (["--dout", "3"], 3.0),
        ([], 1),
    ):
        ran = sigcli("backward", given, *words, "-o", str(out))
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        np.testing.assert_array_equal(np.load(out), slope(x, factor))
    np.save(tmp_path / "small.npy", x[:3])
    assert sigcli("forward", f"@{tmp_path}/small.npy", "-o", str(out)).code == 0
    assert sigcli("backward", "--quiet").code == 0


def test_a_narrow_stream_gives_what_the_whole_gives(tmp_path, sigcli):
    x = np.random.default_rng(6).normal(size=COUNT).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "d.npy", np.full(COUNT, 0.1))
    for dout in ("0.1", "1e39", f"@{tmp_path}/d.npy"):
        runs = [
            sigcli("backward", f"@{tmp_path}/x.npy", "--dout", dout, "-o", str(tmp_path / name))
            for name in ("whole.npz", "stream.npy")
        ]
        assert runs[0].err == runs[1].err
        assert ("beyond float32" in runs[0].err) == (dout == "1e39")
        with np.load(tmp_path / "whole.npz") as whole:
            np.testing.assert_array_equal(np.load(tmp_path / "stream.npy"), whole["dx"])


def test_a_stream_of_large_integers_says_what_is_lost(tmp_path, sigcli):
    np.save(tmp_path / "x.npy", np.full(COUNT, 2**53 + 1))
    ran = sigcli("forward", f"@{tmp_path}/x.npy", "-o", str(tmp_path / "y.npy"))
    assert ran.err == (
        "sigcli: note: x: 9007199254740993 becomes 9007199254740992, the nearest float64\n"
    )


def test_files_of_other_order_or_shape_are_read_whole(tmp_path, sigcli):
    x = np.random.default_rng(5).normal(size=(1100, 1000))
    np.save(tmp_path / "c.npy", x)
    np.save(tmp_path / "f.npy", np.asfortranarray(x))
    ran = sigcli("backward", f"@{tmp_path}/c.npy", "--dout", f"@{tmp_path}/f.npy",
                 "-o", str(tmp_path / "dx.npy"))  # fmt: skip
    assert ran.code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "dx.npy"), slope(x, x))
    np.save(tmp_path / "short.npy", x[:-1])
    ran = sigcli("backward", f"@{tmp_path}/c.npy", "--dout", f"@{tmp_path}/short.npy",
                 "-o", str(tmp_path / "dx.npy"))  # fmt: skip
    assert (ran.code, ran.err) == (
        2, "sigcli: dout has the shape (1099, 1000) where x has (1100, 1000); "
           "expected the same shape, or a single number\n",
    )  # fmt: skip


def peak_memory(*line: str) -> int:
    """Return the most memory, in KiB, that the program held."""
    code = (
        "import sys\nfrom sigcli import cli\ncode = cli.run(sys.argv[1:])\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(code, peak.split()[1], file=sys.stderr)"
    )
    code, peak = python(code, *line).err.split()
    assert code == "0"
    return int(peak)


@pytest.mark.parametrize(
    ("suffix", "small", "large"),
    [
        ("npy", 2 * 10**6, 4 * 10**6),
        ("txt", 10**5, 6 * 10**5),
        pytest.param("npy", 2 * 10**6, 10**7, marks=pytest.mark.long),
        pytest.param("txt", 2 * 10**6, 10**7, marks=pytest.mark.long),
    ],
)
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch, suffix, small, large):
    monkeypatch.chdir(tmp_path)
    peaks = []
    for values in (small, large):
        if suffix == "npy":
            np.save("x.npy", np.zeros(values))
        else:
            (tmp_path / "x.txt").write_bytes(b"0.125\n" * values)
        options = ("-o", "y.npy") if suffix == "npy" else ("--format", "plain")
        peaks.append(peak_memory("forward", f"@x.{suffix}", *options))
    assert peaks[1] < peaks[0] + 4_000  # of the 7 MB that the text and its numbers take, or more
    assert peaks[1] < 100_000


def test_text_comes_out_before_all_has_gone_in(program):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with program.start("forward", "-", "--format", "plain", **pipes, bufsize=0) as child:
        for _ in range(3):
            child.stdin.write(b"0\n")
            assert select.select([child.stdout], [], [], 30)[0]
            assert child.stdout.read(8) == b"0.5\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0\n0\n", "0.5\n0.5\n"),
        ("0 0\n0 0\n", "0.5 0.5\n0.5 0.5\n"),
        ("0 0 0", "0.5\n0.5\n0.5\n"),
        ("0 0 0\n", "0.5\n0.5\n0.5\n"),
        ("# a comment\n\n0,0\n", "0.5\n0.5\n"),
        ("a,x\n1,0\n2,0\n", "0.5\n0.5\n"),
        ("index,x\n0,0\n", "0.5\n"),
        ("[[0, 0], [0, 0]]", "0.5 0.5\n0.5 0.5\n"),
        ('{"x": [0, 0]}', "0.5\n0.5\n"),
    ],
)
def test_streamed_text_gives_what_the_whole_gives(sigcli, program, tmp_path, text, expected):
    (tmp_path / "x.txt").write_text(text)
    line = ("forward", "-", "--format", "plain")
    assert sigcli(*line, stdin=text) == program(*line, stdin=text) == Ran(0, expected, "")
    assert sigcli("forward", f"@{tmp_path}/x.txt", "--format", "plain") == Ran(0, expected, "")
    ran = sigcli("forward", "-", "-o", str(tmp_path / "y.txt"), stdin=text)
    assert (ran.code, (tmp_path / "y.txt").read_text()) == (0, expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\n" * 200_000 + "abc\n", "line 200001: 'abc' is not a number\n  abc\n  ^^^"),
        ("abc\n", "line 1: 'abc' is not a number\n  abc\n  ^^^"),
        ("", "standard input holds no number"),
        ("\n", "standard input holds no number"),
        ("# nothing\n", "standard input holds no number"),
    ],
    ids=range(5),
)
def test_an_error_in_a_stream_names_its_line(sigcli, text, said):
    ran = sigcli("forward", "-", "--format", "plain", stdin=text)
    assert (ran.code, ran.err) == (2, f"sigcli: x: {said}\n")
    assert len(text) > 9 or ran.out == ""


def test_what_a_float64_cannot_hold_is_noted_in_a_stream_too(sigcli):
    ran = sigcli("forward", "-", "--format", "plain", stdin="1e400\n")
    note = "sigcli: note: x: line 1: '1e400' is beyond float64 and becomes inf\n"
    assert ran == Ran(0, "1.0\n", note)


def test_blocks_of_lines_are_whole_lines():
    class Slow(io.BytesIO):
        def read1(self, size=-1):
            return super().read(min(size, 7))

    text = b"".join(b"%d\n" % n for n in range(1000)) + b"last"
    found = list(blocks.line_blocks(Slow(text)))
    assert b"".join(found) == text
    assert all(block.endswith(b"\n") for block in found[:-1])
    assert max(map(len, found)) < 20


def test_a_file_that_shrinks_meanwhile_is_an_error(tmp_path, small_blocks, sigcli, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros(100_000))
    right = Sigmoid.forward

    def cut(self, x):
        os.truncate(tmp_path / "x.npy", 2000)
        return right(self, x)

    monkeypatch.setattr(Sigmoid, "forward", cut)
    ran = sigcli("forward", f"@{tmp_path}/x.npy", "-o", f"{tmp_path}/y.npy")
    assert (ran.code, ran.err) == (2, f"sigcli: x: '@{tmp_path}/x.npy' was cut off\n")
    assert os.listdir(tmp_path) == ["x.npy"]


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stream_stopped_at_any_time_leaves_the_old_file(tmp_path, how):
    np.save(tmp_path / "x.npy", np.zeros(3 * 10**7))
    (tmp_path / "y.npy").write_bytes(b"old")
    child = subprocess.Popen([SIGCLI, "forward", "@x.npy", "-o", "y.npy"], cwd=tmp_path)
    while child.poll() is None and len(os.listdir(tmp_path)) < 3:
        time.sleep(0.001)
    child.send_signal(how)
    child.wait(timeout=30)
    if child.returncode:  # else it was faster than the signal
        assert child.returncode == -how
        assert (tmp_path / "y.npy").read_bytes() == b"old"
        left = [name for name in os.listdir(tmp_path) if name not in ("x.npy", "y.npy")]
        assert all(re.fullmatch(r"\.y\.npy\..+\.tmp", name) for name in left)
        assert left == [] or how == signal.SIGKILL
