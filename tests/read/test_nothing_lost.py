"""No number that is given is dropped, added or changed without a word, however it arrives."""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import time
import zipfile

import numpy as np
import pytest

X = "x: line 1: "


@pytest.mark.parametrize("word", ["--1", "O.5", "$1.5", "<0.001", '"1.5"', "(1.5)", "−−1", "value"])
def test_a_first_line_that_is_no_number_is_no_header_either(program, word):
    ran = program("forward", "-", "--format", "plain", stdin=f"{word}\n2\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"sigcli: {X}'{word}' is not a number")
    assert ran.err.endswith(f"\n  {word}\n  {'^' * len(word)}\n")


@pytest.mark.parametrize("cells", ["a,1.5", "a,-b", "O.5,b", '"1",b', "$2,b", "a,.5"])
def test_a_header_of_several_columns_has_no_cell_that_is_like_a_number(program, cells):
    ran = program("forward", "-", "--format", "plain", stdin=f"{cells}\n1,2\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"sigcli: {X}")


def test_a_header_that_does_not_name_the_array_is_said(program):
    ran = program("forward", "-", "--format", "plain", stdin="y\n0\n")
    assert (ran.out, ran.err) == ("0.5\n", f"sigcli: note: {X[:-2]} is taken for a header\n")
    assert program("forward", "-", "--format", "plain", stdin="x\n0\n").err == ""


FILES = {
    "quoted.csv": ('x,note\n0,"a\n2,b"\n0,c\n', [0, 0]),
    "hash.csv": ("#,x\n7,0\n8,0\n", [0, 0]),
    "hash_between.csv": ("x,#,y\n0,7,1\n", [0]),
    "quote_in_a_comment.txt": ('0 1 # 5" high\n0 2\n', [0, 1, 0, 2]),
    "quote_in_a_table.csv": ('x,note\n0,5" high\n0,"a ""b"\n', [0, 0]),
    "comment.csv": ("# of hand, by me\n0,1\n", [0, 1]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["plain", "json"])
def test_rows_of_csv_are_those_that_python_reads(tmp_path, sigcli, name, kind):
    text, x = FILES[name]
    (tmp_path / name).write_text(text)
    out = tmp_path / "y.npy"
    assert sigcli("forward", f"@{tmp_path / name}", "-o", str(out)).code == 0
    assert np.load(out).size == len(x)
    ran = sigcli("forward", f"@{tmp_path / name}", "--format", kind)
    assert ran.out.count("0.5") == x.count(0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.tsv", "1,5\t2\n", X + "'1,5' is not a number; write 1.5, with a decimal point"),
        ("x.csv", 'x,note\n1,"\n2,b\n', "x: line 2: a quote is never closed"),
        ("x.txt", "1 2\r3 4\r", X[:-2] + r" ends with \r alone; expected \n or \r\n"),
        ("x.csv", "1,\v,2\n", X + "an empty field; write nan for a missing number"),
        ("x.json", '{"shape": [2, 3], "x": [1, 2, 3, 4]}', "x: (2, 3) is no shape for 4 numbers"),
    ],
    ids=["decimal comma", "open quote", "old Mac", "empty field", "shape"],
)
def test_what_could_be_misread_is_refused(tmp_path, sigcli, name, text, message):
    (tmp_path / name).write_text(text, newline="")
    ran = sigcli("forward", f"@{tmp_path / name}")
    assert (ran.code, ran.out, ran.err.split("\n")[0]) == (2, "", f"sigcli: {message}")


def test_flat_json_has_the_shape_that_is_said(tmp_path, sigcli):
    (tmp_path / "x.json").write_text('{"shape": [2, 2], "x": [0, 0, 0, 0]}')
    ran = sigcli("forward", f"@{tmp_path}/x.json", "--format", "plain")
    assert ran.out == "0.5 0.5\n0.5 0.5\n"


def test_what_float64_does_not_hold_is_said_of_json_in_a_file_too(tmp_path, sigcli):
    (tmp_path / "x.json").write_text("[1e400, 9007199254740993, 1e-400]")
    ran = sigcli("forward", f"@{tmp_path}/x.json", "--format", "plain")
    assert [line.split("'")[1] for line in ran.err.splitlines()] == [
        "1e400", "9007199254740993", "1e-400",
    ]  # fmt: skip


def test_a_number_with_hundreds_of_zeros_is_said_to_vanish(tmp_path, sigcli):
    (tmp_path / "x.txt").write_text(f"0.{'0' * 400}1\n")
    assert "too small for float64" in sigcli("forward", f"@{tmp_path}/x.txt").err


def test_two_members_of_one_name_are_refused(tmp_path, sigcli):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", npy(np.array([1.0])))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x.npy", npy(np.array([2.0])))
    ran = sigcli("forward", f"@{tmp_path}/x.npz")
    assert (ran.code, ran.err) == (2, f"sigcli: x: '@{tmp_path}/x.npz' has more than one 'x'\n")


def test_an_array_of_arrays_is_refused(tmp_path, sigcli):
    header = b"{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (3,), }"
    start = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    (tmp_path / "x.npy").write_bytes(start + header.ljust(117) + b"\n" + bytes(48))
    ran = sigcli("forward", f"@{tmp_path}/x.npy")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("sigcli: x: an array of ('<f8', (2,)) cannot be used; ")


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


ARRIVALS = {
    "lines": b"0\n1\n2\n",
    "a header": b"x,y\n0,1\n1,1\n",
    "a mark of UTF-8": b"\xef\xbb\xbf0\n1\n",
    "blank lines and a comment": b"\n  \n# why\n0 1\n2 3\n",
    "rows by their indices": b"# why\n\ni,j,x\n0,0,5\n0,1,6\n1,0,7\n1,1,8\n",
    "a quoted header": b'"i","j","x"\n0,0,5\n0,1,6\n1,0,7\n1,1,8\n',
    "brackets": b"  [[0, 1], [2, 3]]\n",
    "an object": b'{"x": [0, 1]}',
    "npy": npy(np.array([[0.0, 1.0], [2.0, 3.0]])),
}


@pytest.mark.parametrize("content", ARRIVALS.values(), ids=ARRIVALS)
def test_the_result_does_not_depend_on_how_the_bytes_arrive(program, sigcli, content):
    """Byte by byte with pauses through a pipe that does not wait, and all at once."""
    read, write = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETFL, os.O_NONBLOCK)
    pipes = {"stdin": read, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    slow = program.start("forward", "-", "--format", "plain", **pipes)
    os.close(read)
    for at in range(min(len(content), 40)):
        os.write(write, content[at : at + 1])
        time.sleep(0.002 if at else 0.05)
    os.write(write, content[40:])
    os.close(write)
    out, err = slow.communicate(timeout=60)
    whole = sigcli("forward", "-", "--format", "json", stdin=content)
    y = np.array(json.loads(whole.out)["y"])
    rows = [" ".join(map(repr, row)) for row in np.atleast_2d(y).tolist()]
    lines = list(map(repr, y.tolist())) if y.ndim == 1 else rows
    assert (out.decode().splitlines(), err, slow.returncode) == (lines, b"", 0)


def test_a_pass_that_was_not_written_is_not_remembered(tmp_path, sigcli):
    assert sigcli("forward", "1").code == 0
    assert sigcli("forward", "2", "-o", f"{tmp_path}/nowhere/y.npy").code == 2
    assert '"x": [1.0]' in sigcli("backward", "--format", "json").out
