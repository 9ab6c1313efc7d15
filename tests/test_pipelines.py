"""Commands together: files, pipes, and the memory of the last pass."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from sigcli import Sigmoid, sigmoid

from .program import Ran, shell

X, DOUT = [24.0, 32.0, 5.0], [1.0, 0.5, -2.0]


def dx() -> np.ndarray:
    layer = Sigmoid()
    layer.forward(X)
    return layer.backward(DOUT)


def test_each_stage_of_a_pipe_takes_what_it_needs():
    done = shell(
        "sigcli forward 24 32 5 --format json | sigcli backward - --dout 1 0.5 -2 --format json"
        " | sigcli gradcheck - --format json"
    )
    read = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert (read["x"], read["dout"]) == (X, DOUT)
    assert read["analytic"] == dx().tolist()
    assert read["verdict"] == "pass"


def test_a_wrong_gradient_in_the_pipe_is_found(sigcli):
    read = sigcli("backward", "24", "32", "5", "--format", "json").out.replace("e-11", "e-12")
    ran = sigcli("gradcheck", "-", "--format", "plain", stdin=read)
    assert (ran.code, ran.out) == (1, "wrong\npass\npass\n")


@pytest.mark.parametrize("kind", ["plain", "csv", "json"])
def test_dout_counts_in_every_format_wherever_x_comes_from(tmp_path, sigcli, kind):
    (tmp_path / "x.txt").write_text("0\n0\n")
    (tmp_path / "t.csv").write_text("x,dout\n0,4\n0,8\n")
    lines = {
        f"@{tmp_path}/x.txt": (["--dout", "4"], [1.0, 1.0]),
        f"@{tmp_path}/t.csv": ([], [1.0, 2.0]),
    }
    for x, (options, expected) in lines.items():
        assert sigcli("backward", x, *options, "-o", str(tmp_path / "dx.npy")).code == 0
        assert np.load(tmp_path / "dx.npy").tolist() == expected
        out = sigcli("backward", x, *options, "--format", kind).out
        found = {
            "plain": lambda text: [float(line) for line in text.split()],
            "csv": lambda text: [float(row.split(",")[-1]) for row in text.splitlines()[1:]],
            "json": lambda text: json.loads(text)["dx"],
        }[kind](out)
        assert found == expected


def test_what_is_given_wins_over_what_lies_beside_x(tmp_path, sigcli):
    (tmp_path / "r.json").write_text(sigcli("backward", "1", "2", "--format", "json").out)
    ran = sigcli("backward", f"@{tmp_path}/r.json", "--dout", "7", "--format", "json")
    assert json.loads(ran.out)["dout"] == [7, 7]
    ran = sigcli("backward", f"@{tmp_path}/r.json", "--format", "json")
    assert json.loads(ran.out)["dout"] == [1, 1]


def test_other_programs_read_what_is_printed():
    assert shell("seq -5 5 | sigcli forward - --format plain | sort -g | head -n 1").out == (
        f"{sigmoid(-5.0)}\n"
    )


def test_process_substitution_is_a_file_like_any():
    done = shell(
        "sigcli backward @<(echo 24 32 5) --dout @<(printf '1\\n0.5\\n-2\\n') --format plain"
    )
    assert done.out == "".join(f"{value}\n" for value in dx().tolist())


def test_standard_input_is_read_only_where_it_is_asked_for(program):
    with open("/dev/zero") as zeros:
        assert program("forward", "0", "--format", "plain", stdin=zeros).out == "0.5\n"
    ran = program("forward", "-", preexec_fn=lambda: os.close(0))
    assert ran.err == "sigcli: x: standard input is closed\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("backward", "-", "--dout", "-"),
         "x and dout cannot both be standard input; name a file"),
        (("forward", "@nope.npy"), "x: '@nope.npy': no such file"),
        (("forward", "1", "@nope.npy"),
         "x: '@nope.npy' stands alone, with no number or file beside"),
        (("backward", "1", "--dout", "@a", "--dout", "@b"),
         "dout: '@a' stands alone, with no number or file beside"),
        (("forward", "1", "-o", "y.csv", "--format", "json"),
         "--format json contradicts --output 'y.csv'; drop one"),
        (("forward", "1", "-o", "y"),
         "--output: 'y': no suffix says how to write it; .npy, .npz, .csv, .tsv, .txt, .json, "
         ".svg do, or --format"),
        (("forward", "1", "-o", "nowhere/y.csv"), "--output: 'nowhere/y.csv': no such folder"),
        (("forward", "1", "-o", ""), "-o needs a value"),
        (("forward", "1", "--output", ""),
         "--output: '': no suffix says how to write it; .npy, .npz, .csv, .tsv, .txt, .json, "
         ".svg do, or --format"),
        (("forward", "1", "--dtype", "int8"),
         "--dtype: no 'int8'; choose float16, float32 or float64"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line_and_exit_code_2(sigcli, line, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = sigcli(*line)
    assert (ran.code, ran.out, ran.err) == (2, "", f"sigcli: {message}\n")


@pytest.mark.parametrize("command", ["forward", "backward", "gradcheck"])
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "tsv", "txt", "json", "svg"])
def test_every_result_can_be_written_and_standard_output_stays_empty(
    tmp_path, sigcli, command, suffix
):
    ran = sigcli(command, "24", "32", "-o", str(tmp_path / f"r.{suffix}"))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    content = (tmp_path / f"r.{suffix}").read_bytes()
    name = {"csv": "csv", "txt": "plain", "json": "json"}.get(suffix)
    if name:
        assert content.decode() == sigcli(command, "24", "32", "--format", name).out
    if suffix == "svg":
        assert content.startswith(b"<svg")
        assert re.findall(rb"https?://[^\"]+", content) == [b"http://www.w3.org/2000/svg"]
        assert b"32" in content
    if suffix == "npy":
        assert np.load(tmp_path / "r.npy").shape == (2,)


def test_the_exit_code_is_the_same_when_the_result_is_written(tmp_path, sigcli):
    assert sigcli("gradcheck", "inf", "-o", str(tmp_path / "r.json")).code == 3
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "unresolved"


def test_a_device_takes_what_format_says(sigcli):
    ran = sigcli("forward", "0", "-o", "/dev/full", "--format", "plain")
    assert ran == Ran(2, "", "sigcli: --output: '/dev/full': No space left on device\n")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("mode", ["w", "a"])
def test_what_standard_output_goes_to_is_not_taken_away(program, tmp_path, name, mode):
    (tmp_path / "log").write_text("old\n")
    with open(tmp_path / "log", mode) as log:
        print("first", file=log, flush=True)
        program("forward", "0", "-o", name, "--format", "plain", stdout=log)
        print("last", file=log)
    assert (tmp_path / "log").read_text() == "old\n" * (mode == "a") + "first\n0.5\nlast\n"


def test_a_gradient_without_its_dout_is_not_judged(tmp_path, sigcli):
    (tmp_path / "r.json").write_text('{"x": [0], "dx": [0.25]}')
    ran = sigcli("gradcheck", f"@{tmp_path}/r.json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "sigcli: dx comes without the dout that it was computed with; give dout too\n"
    )
    assert sigcli("gradcheck", f"@{tmp_path}/r.json", "--dout", "1").code == 0


def test_output_that_does_not_fit_is_never_success(tmp_path):
    """Not more than 4 KiB fit; a stream without a buffer writes what fits and says how much."""
    limit = "export PYTHONUNBUFFERED=1; trap '' XFSZ; ulimit -f 4; "
    done = shell(limit + "sigcli forward $(seq 3000) --format csv > out", cwd=tmp_path)
    assert done.code == 2
    assert done.err == "sigcli: the result could not be written: File too large\n"


def test_a_slow_reader_of_a_pipe_that_does_not_wait_gets_everything(program):
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    line = ("forward", *map(str, range(20_000)), "--format", "plain")
    with program.start(*line, stdout=write_end) as child, open(read_end, "rb") as file:
        os.close(write_end)
        assert file.read().count(b"\n") == 20_000
    assert child.returncode == 0


def test_backward_works_on_the_last_forward_pass(sigcli):
    sigcli("forward", "24", "32", "5")
    ran = sigcli("backward", "--dout", "1", "0.5", "-2", "--format", "plain")
    assert ran.out == "".join(f"{value}\n" for value in dx().tolist())
    note = r"sigcli: note: x is that of the last forward pass: 24\.0, 32\.0, 5\.0 "
    note += r"\(shape \(3,\), \d+ s ago\)\n"
    assert re.fullmatch(note, ran.err)
    assert sigcli("backward", "--quiet", "--format", "plain").err == ""


def test_the_memory_can_be_turned_off_or_lie_elsewhere(sigcli, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGCLI_STATE", "")
    sigcli("forward", "1")
    assert sigcli("backward").code == 2
    monkeypatch.setenv("SIGCLI_STATE", str(tmp_path / "mine.npz"))
    sigcli("forward", "7")
    assert os.listdir(tmp_path) == ["mine.npz"]


def test_a_dout_of_another_size_than_the_last_pass_is_refused(sigcli, tmp_path):
    sigcli("forward", "1", "2")
    ran = sigcli("backward", "--dout", "1", "24", "32", "5")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "sigcli: no X, and the last forward pass has the shape (2,): --dout took all 4 numbers; "
        "to keep some for X write 'sigcli backward --dout=1 24 32 5'\n"
    )
    (tmp_path / "d").write_text("1\n2\n3\n")
    ran = sigcli("backward", "--dout", f"@{tmp_path}/d")
    assert ran.err == (
        "sigcli: dout has the shape (3,) where the last forward pass has (2,); "
        "expected the same shape, or a single number\n"
    )


def test_only_forward_is_remembered(sigcli):
    sigcli("forward", "1")
    sigcli("backward", "2")
    sigcli("gradcheck", "3")
    sigcli("forward", "abc")
    read = json.loads(sigcli("backward", "--format", "json").out)
    assert read["x"] == [1]


def test_a_reader_that_goes_away_does_not_undo_the_pass(program, sigcli):
    read_end, write_end = os.pipe()
    os.close(read_end)
    assert program("forward", *map(str, range(20_000)), stdout=write_end).code < 0
    os.close(write_end)
    assert sigcli("backward", "--format", "csv").out.count("\n") == 20_001


@pytest.mark.parametrize("home", ["/proc/nowhere", None])
def test_a_home_that_cannot_be_written_breaks_nothing(sigcli, monkeypatch, home):
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    assert sigcli("forward", "0", "--format", "plain") == Ran(0, "0.5\n", "")


def test_a_narrow_file_gives_narrow_results(tmp_path: Path, sigcli):
    np.save(tmp_path / "x.npy", np.array([0.1, 12.0], np.float16))
    read = json.loads(sigcli("forward", f"@{tmp_path}/x.npy", "--format", "json").out)
    assert (read["dtype"], read["y"]) == ("float16", [0.525, 1.0])


def test_a_threshold_makes_the_class_the_answer(sigcli):
    assert sigcli("forward", "-1", "1", "--threshold", "0.5", "--format", "plain").out == "0\n1\n"
