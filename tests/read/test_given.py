from __future__ import annotations

import io
import json
import os

import numpy as np
import pytest

from sigcli.read.given import Given
from sigcli.read.lines import Lines

WORDS = ["3.775e-11", "0", "-0.01330"]
VALUES = [3.775e-11, 0.0, -0.0133]
UNITS = [1e-14, 0.0, 1e-5]


def loaded(beside_x: tuple[str, ...] = (), dtype: str | None = None, **words: list[str]):
    given = Given(words, beside_x=beside_x, by_digits=("dx",), dtype=dtype)
    return given, given.load()


def check(given: Given, dx: np.ndarray) -> None:
    np.testing.assert_array_equal(dx, VALUES)
    np.testing.assert_array_equal(given.units["dx"], np.array(UNITS), strict=True)


@pytest.mark.parametrize(
    "words",
    [
        WORDS,
        [" ".join(WORDS)],
        [f"[{', '.join(WORDS)}]"],
        [f"array([{', '.join(WORDS)}])"],
        [f"np.float64({word})" for word in WORDS],
    ],
    ids=["words", "one word", "brackets", "array", "scalars"],
)
def test_typed_numbers_count_by_their_digits(words):
    given, arrays = loaded(x=["24", "32", "5"], dx=words)
    check(given, arrays["dx"])


TEXTS = {
    "lines.txt": "\n".join(WORDS),
    "row.txt": " ".join(WORDS),
    "brackets.txt": f"[{', '.join(WORDS)}]",
    "array.txt": f"array([{', '.join(WORDS)}])",
    "no suffix": "\n".join(WORDS),
    "column.csv": "\n".join(WORDS),
    "row.csv": ",".join(WORDS),
    "row.tsv": "\t".join(WORDS),
    "table.csv": "x,dx\n" + "".join(f"7.00,{word}\n" for word in WORDS),
    "table.tsv": "dx\tnote\n" + "".join(f"{word}\tgood\n" for word in WORDS),
    "index.csv": "index,x,dx\n" + "".join(f"{i},7.00,{w}\n" for i, w in enumerate(WORDS)),
    "i.csv": "i,x,dx\n" + "".join(f"{i},7.00,{word}\n" for i, word in enumerate(WORDS)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_numbers_in_a_text_file_count_by_their_digits(tmp_path, name):
    (tmp_path / name).write_text(TEXTS[name])
    given, arrays = loaded(dx=[f"@{tmp_path}/{name}"])
    check(given, arrays["dx"])


@pytest.mark.parametrize("name", TEXTS)
def test_text_on_standard_input_counts_by_its_digits(name, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXTS[name].encode())))
    given, arrays = loaded(dx=["-"])
    check(given, arrays["dx"])


def test_text_from_a_pipe_counts_by_its_digits():
    end, start = os.pipe()
    os.write(start, "\n".join(WORDS).encode())
    os.close(start)
    given, arrays = loaded(dx=[f"@/dev/fd/{end}"])
    os.close(end)
    check(given, arrays["dx"])


def test_a_member_of_another_name_counts_by_its_own_digits(tmp_path):
    (tmp_path / "t.csv").write_text("dx,numeric\n" + "".join(f"7.000,{w}\n" for w in WORDS))
    given, arrays = loaded(dx=[f"@{tmp_path}/t.csv:numeric"])
    check(given, arrays["dx"])


@pytest.mark.parametrize("name", ["table.csv", "index.csv", "i.csv"])
def test_a_column_beside_x_counts_by_its_digits(tmp_path, name):
    (tmp_path / name).write_text(TEXTS[name])
    given, arrays = loaded(("dout", "dx"), x=[f"@{tmp_path}/{name}"])
    check(given, arrays["dx"])
    assert list(given.units) == ["dx"]


def test_units_are_in_the_shape_that_index_columns_give(tmp_path):
    rows = "0,0,1,2.0\n0,1,1,3\n1,0,1,4.000\n1,1,1,0\n"
    (tmp_path / "t.csv").write_text("i,j,x,dx\n" + rows)
    given, arrays = loaded(("dx",), x=[f"@{tmp_path}/t.csv"])
    assert arrays["dx"].shape == (2, 2)
    assert given.units["dx"].tolist() == [[0.1, 1], [0.001, 0]]
    (tmp_path / "m.txt").write_text("2.0 3\n4.000 0\n")
    assert loaded(dx=[f"@{tmp_path}/m.txt"])[0].units["dx"].tolist() == [[0.1, 1], [0.001, 0]]


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: np.save(folder / "r.npy", VALUES),
        lambda folder: np.savez(folder / "r.npz", x=VALUES, dx=VALUES),
        lambda folder: (folder / "r.json").write_text(json.dumps(VALUES)),
        lambda folder: (folder / "r.json").write_text(json.dumps({"x": VALUES, "dx": VALUES})),
        lambda folder: (folder / "r.txt").write_text(json.dumps({"x": VALUES, "dx": VALUES})),
        lambda folder: (folder / "r.txt").write_text('[3.775e-11, "NaN"]'),
    ],
    ids=["npy", "npz", "json array", "json object", "json by its start", "json by its quotes"],
)
def test_binary_and_json_numbers_are_exact(tmp_path, write):
    write(tmp_path)
    (path,) = tmp_path.iterdir()
    given, arrays = loaded(dx=[f"@{path}"])
    assert arrays["dx"][0] == VALUES[0]
    assert given.units == {}
    given, arrays = loaded(("dx",), x=[f"@{path}"])
    assert given.units == {}


def test_what_is_typed_wins_over_the_column_beside_x(tmp_path):
    (tmp_path / "t.csv").write_text("x,dx\n1,2.00\n")
    given, _ = loaded(("dx",), x=[f"@{tmp_path}/t.csv"], dx=["2.0"])
    assert given.units["dx"].tolist() == [0.1]
    (tmp_path / "r.json").write_text("[2.0]")
    given, _ = loaded(("dx",), x=[f"@{tmp_path}/t.csv"], dx=[f"@{tmp_path}/r.json"])
    assert given.units == {}


def test_a_type_to_compute_in_does_not_change_units():
    given, arrays = loaded(dtype="float16", x=["1"], dx=["3.775e-11", "70000"])
    assert arrays["dx"].tolist() == [0, np.inf]
    assert given.units["dx"].tolist() == [1e-14, 1]
    assert given.units["dx"].dtype == np.float64
    given, _ = loaded(dx=["array([0.50], dtype=float32)"])
    assert given.units["dx"].tolist() == [0.01]


def test_what_float64_cannot_hold_has_no_digits():
    given, arrays = loaded(dx=["1e400", "9.9e308", "1e-400", "nan"])
    np.testing.assert_array_equal(arrays["dx"], [np.inf, np.inf, 0, np.nan])
    assert given.units["dx"].tolist() == [0, 0, 0, 0]


def test_only_dx_pays_for_units(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Lines, "units", refuse)
    monkeypatch.setattr("sigcli.read.typed.unit", refuse)
    (tmp_path / "t.csv").write_text("x,dout,dx\n1.0,2.0,3.0\n")
    (tmp_path / "a.txt").write_text("[1.0]")
    given, arrays = loaded(("dout",), x=[f"@{tmp_path}/t.csv"])
    assert list(arrays) == ["dout", "x"]
    loaded(x=["1.0"], y=["0.5"], dout=[f"@{tmp_path}/a.txt"])
    assert given.units == {}
    with pytest.raises(AssertionError):
        loaded(("dx",), x=[f"@{tmp_path}/t.csv"])
