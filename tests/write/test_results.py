from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.layer.passes import ForwardPass, backward_from_output, backward_pass, forward_pass
from sigcli.show.numbers import shortest
from sigcli.write import results

X = np.array([[24.0, -1e-300], [np.inf, np.nan]])


def test_json_is_strict_and_reads_back_bit_for_bit():
    text = results.json(backward_pass(X, np.full(X.shape, -0.1)))

    def refuse(word):
        raise AssertionError(word)

    read = json.loads(text, parse_constant=refuse)
    assert list(read) == ["command", "shape", "dtype", "x", "y", "dout", "dx"]
    assert (read["command"], read["shape"], read["dtype"]) == ("backward", [2, 2], "float64")
    assert read["x"] == [[24.0, -1e-300], ["Infinity", "NaN"]]
    back = np.array([[float(v) for v in row] for row in read["dx"]])
    np.testing.assert_array_equal(back, backward_pass(X, np.full(X.shape, -0.1)).dx)


def test_json_of_each_result_has_the_names_it_should():
    members = {
        "forward": json.loads(results.json(forward_pass(X, 0.5))),
        "from y": json.loads(results.json(backward_from_output(np.array([0.5]), np.ones(1)))),
        "textbook": json.loads(results.json(backward_pass(X, X, with_textbook=True))),
        "gradcheck": json.loads(results.json(gradcheck(Sigmoid(), X))),
    }
    start = ["command", "shape", "dtype"]
    assert list(members["forward"]) == [*start, "x", "y", "classes"]
    assert list(members["from y"]) == [*start, "y", "dout", "dx"]
    book = ["textbook", "digits_lost"]
    assert list(members["textbook"]) == [*start, "x", "y", "dout", "dx", *book]
    assert list(members["gradcheck"]) == [
        *start, "x", "dout", "analytic", "numeric", "bound", "relative_error", "digits",
        "verdicts", "reasons", "reason_codes", "verdict", "rtol", "would_catch", "advice",
    ]  # fmt: skip
    assert members["gradcheck"]["verdict"] == "unresolved"
    assert members["gradcheck"]["rtol"] == 2**-26


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_value_is_the_shortest_that_reads_back(dtype):
    bits = np.dtype(dtype).itemsize * 8
    rng = np.random.default_rng(9)
    values = rng.integers(0, 2**bits, 2000, dtype=f"uint{bits}", endpoint=False).view(dtype)
    values = values[np.isfinite(values)]
    texts = shortest(values)
    np.testing.assert_array_equal(np.array(texts, "U").astype("f8").astype(dtype), values)
    unique = [np.format_float_scientific(v, unique=True, trim="-") for v in values]
    digits = [len(t.partition("e")[0].replace(".", "").strip("-0")) for t in texts]
    fewest = [len(t.partition("e")[0].replace(".", "").strip("-0")) for t in unique]
    assert digits == fewest


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((), "0.5\n"),
        ((0,), ""),
        ((2,), "0.5\n0.5\n"),
        ((2, 3), "0.5 0.5 0.5\n0.5 0.5 0.5\n"),
        ((2, 1, 2), "0.5 0.5\n0.5 0.5\n"),
        ((2, 0), ""),
    ],
)
def test_plain_is_the_answer_alone(shape, text):
    assert results.plain(forward_pass(np.zeros(shape))) == text


def test_plain_of_a_check_is_the_verdicts():
    assert results.plain(gradcheck(Sigmoid(), [1.0, np.inf])) == "pass\nunresolved\n"


@pytest.mark.parametrize(
    ("shape", "header", "first"),
    [
        ((), "x,y", ["0.0", "0.5"]),
        ((3,), "index,x,y", ["0", "0.0", "0.5"]),
        ((2, 2), "i,j,x,y", ["0", "0", "0.0", "0.5"]),
        ((1, 1, 1), "i,j,k,x,y", ["0", "0", "0", "0.0", "0.5"]),
        ((1,) * 7, "i0,i1,i2,i3,i4,i5,i6,x,y", ["0"] * 7 + ["0.0", "0.5"]),
    ],
)
def test_csv_has_a_header_and_one_row_an_element(shape, header, first):
    rows = list(csv.reader(io.StringIO(results.csv(forward_pass(np.zeros(shape))))))
    assert ",".join(rows[0]) == header
    assert rows[1] == first
    assert len(rows) == 1 + int(np.prod(shape))


def test_csv_indices_are_those_of_the_elements():
    x = np.arange(6.0).reshape(2, 3)
    rows = list(csv.DictReader(io.StringIO(results.csv(forward_pass(x)))))
    assert all(float(row["x"]) == x[int(row["i"]), int(row["j"])] for row in rows)


def test_float32_is_not_printed_with_the_digits_of_float64():
    x = np.array([0.1], np.float32)
    assert '"x": [0.1]' in results.json(ForwardPass(x, x, x))
