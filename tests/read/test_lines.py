from __future__ import annotations

import numpy as np
import pytest

from sigcli.errors import NumberError
from sigcli.read.lines import Lines


def read(text: str | bytes, delimiter: str | None = None) -> np.ndarray:
    return Lines("x", delimiter).read(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1\n2\n3\n", [[1], [2], [3]]),
        ("1\n2\n3", [[1], [2], [3]]),
        ("1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1, 2\n3 4\n", [[1, 2], [3, 4]]),
        ("1\t2\n3\t4\n", [[1, 2], [3, 4]]),
        ("\n\n1\n\n2\n\n", [[1], [2]]),
        ("1\r\n2\r\n", [[1], [2]]),
        ("# what it is\n1 2 # one\n# more\n3 4\n", [[1, 2], [3, 4]]),
        ("\ufeff1\n2\n", [[1], [2]]),
        ("−1\n1e−3\n", [[-1], [0.001]]),
        ("inf\n-inf\nNaN\n", [[np.inf], [-np.inf], [np.nan]]),
        ("  1  2  \n", [[1, 2]]),
        ("1\xa02\n", [[1, 2]]),
    ],
)
def test_rows_are_read(text, expected):
    np.testing.assert_array_equal(read(text), np.array(expected, float))


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n", "# nothing\n", "\ufeff"])
def test_nothing_is_no_row(text):
    assert read(text).size == 0


@pytest.mark.parametrize(
    ("text", "delimiter", "message"),
    [
        ("1\nabc\n", None, "x: line 2: 'abc' is not a number"),
        ("1\n1_0\n", None, "x: line 2: '1_0' is not a number; write 10"),
        ("1\n0x10\n", None, "x: line 2: '0x10' is not a number; write 16"),
        ("1\nnan(3)\n", None, "x: line 2: 'nan(3)' is not a number"),
        ("1 2\n3\n", None, "x: line 2 has 1 number where the first row has 2"),
        ("1\n\n2 3\n", None, "x: line 3 has 2 numbers where the first row has 1"),
        ("1 2\n3\n4 5 6\n", None, "x: line 2 has 1 number where the first row has 2"),
        ("1,,2\n", None, "x: line 1: an empty field; write nan for a missing number"),
        ("1,2\n3,\n", ",", "x: line 2: an empty field; write nan for a missing number"),
        ("1 2\n", ",", "x: line 1: '1 2' is not a number"),
        ("3x\n", None, "x: line 1: '3x' is not a number"),
        ("1\t\t2\n", "\t", "x: line 1: an empty field; write nan for a missing number"),
        ("x,y\n1,2\n3\n", ",", "x: line 3 has 1 number where the header has 2"),
    ],
)
def test_what_cannot_be_read_names_its_line(text, delimiter, message):
    with pytest.raises(NumberError) as caught:
        read(text, delimiter)
    assert str(caught.value) == message


def test_bytes_that_are_no_text_name_their_line():
    with pytest.raises(NumberError, match="x: line 3 is not UTF-8 text"):
        read(b"1\n2\n\xff\n")
    with pytest.raises(NumberError, match="is not a number"):
        read(b"1\n2\x00\n")


def test_a_wrong_word_is_pointed_at():
    with pytest.raises(NumberError) as caught:
        read("1e5 2\n3 e\n")
    error = caught.value
    assert (error.source, error.start, error.end) == ("3 e", 2, 3)


def test_a_header_names_the_columns():
    lines = Lines("x")
    rows = lines.read(b"# made by hand\n\nx, note\n1, good\n2, bad\n")
    assert lines.header == ["x", "note"]
    assert rows[:, 0].tolist() == [1, 2]
    lines.check("x")
    with pytest.raises(NumberError, match="x: line 4: 'good' is not a number"):
        lines.check("note")


def test_a_header_alone_is_words_where_numbers_should_be():
    lines = Lines("x")
    rows = lines.read(b"abc def\n")
    with pytest.raises(NumberError, match="x: line 1: 'abc' is not a number"):
        lines.check_rows(len(rows), "x")
    lines = Lines("x")
    lines.check_rows(len(lines.read(b"index,x,y\n")), "x")


def test_blocks_are_read_as_the_whole_is():
    rng = np.random.default_rng(12)
    rows = rng.normal(size=(200, 3)) * 10.0 ** rng.integers(-300, 300, (200, 3))
    text = "".join(" ".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()
    whole = Lines("x").read(text)
    np.testing.assert_array_equal(whole, rows)
    lines, cuts = Lines("x"), [0, *np.flatnonzero(np.frombuffer(text, "S1") == b"\n")[7::31] + 1]
    parts = [lines.read(text[a:b]) for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    np.testing.assert_array_equal(np.concatenate(parts), rows)


def test_a_blank_block_is_no_row():
    lines = Lines("x")
    lines.read(b"1\n")
    for blank in (b"  \n", b"\n\n", b""):
        assert lines.read(blank).shape == (0, 1)


def test_an_error_in_a_later_block_still_names_its_line():
    lines = Lines("x")
    lines.read(b"1\n2\n")
    lines.read(b"3 # slow\n")
    with pytest.raises(NumberError, match="x: line 5: 'abc' is not a number"):
        lines.read(b"4\nabc\n")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"1e400\n", "x: line 1: '1e400' is beyond float64 and becomes inf"),
        (b"1\n1e-400\n", "x: line 2: '1e-400' is too small for float64 and becomes 0.0"),
        (b"9007199254740993\n",
         "x: line 1: '9007199254740993' becomes 9007199254740992, the nearest float64"),
    ],
)  # fmt: skip
def test_what_a_float64_cannot_hold_is_noted(text, note):
    lines = Lines("x")
    lines.read(text)
    assert lines.notes == [note]


def test_the_quick_way_and_the_careful_way_read_the_same():
    rng = np.random.default_rng(13)
    for _ in range(50):
        rows = rng.normal(size=(rng.integers(1, 9), rng.integers(1, 4)))
        words = [" ".join(map(repr, row)) for row in rows.tolist()]
        quick = read("\n".join(words))
        careful = read("\n".join([*words, "# a comment"]))
        np.testing.assert_array_equal(quick, rows)
        np.testing.assert_array_equal(careful, rows)


@pytest.mark.parametrize(
    ("text", "delimiter", "column", "expected"),
    [
        ("3.775e-11\n0\n-0.01330\n", None, "", [1e-14, 0, 1e-5]),
        ("1 2.0\n3.00, 4e2", None, "", [1, 0.1, 0.01, 100]),
        ("1.0,2\n3,4.00\n", ",", "", [0.1, 1, 1, 0.01]),
        ("2.0\t3\n", "\t", "", [0.1, 1]),
        ("# why\n\n1\t2.0\n", "\t", "", [1, 0.1]),
        ("# of hand\n\n1.0 2\n# more 7\n3 −4.00 # a comment\n", None, "", [0.1, 1, 1, 0.01]),
        ("\ufeff1.0\n2\n", None, "", [0.1, 1]),
        ("1.0\r\n\r\n2\r\n", None, "", [0.1, 1]),
        ("1.0\xa02\n", None, "", [0.1, 1]),
        ("# why\n\nx,dx\n1,2.0\n3,4\n", None, "dx", [0.1, 1]),
        ("\ufeffx,dx\n1,2.0\n3,4", None, "dx", [0.1, 1]),
        ("x dx\n1, 2.0\n3, 4\n", None, "dx", [0.1, 1]),
        ("dx\tnote\n2.0\tgood 1\n4\t\n", "\t", "dx", [0.1, 1]),
        ('note,dx\n"a, b",2.0\nc#1,4 # 5\n', ",", "dx", [0.1, 1]),
        ("x,dx", None, "dx", []),
        ("x,dx\n# nothing\n", None, "dx", []),
    ],
)
def test_units_are_those_of_the_words_that_were_read(text, delimiter, column, expected):
    lines = Lines("dx", delimiter)
    rows = lines.read(text.encode())
    assert lines.units(text.encode(), column).tolist() == expected
    assert len(expected) == (len(rows) if column else rows.size)


def test_units_are_the_same_by_the_quick_way_and_the_careful_way():
    rng = np.random.default_rng(33)
    for _ in range(50):
        decimals = rng.integers(0, 9, (rng.integers(1, 9), rng.integers(1, 4)))
        words = [" ".join(f"{rng.normal() + 9:.{n}e}" for n in row) for row in decimals]
        for text in ("\n".join(words), "\n".join([*words, "# a comment"])):
            lines = Lines("dx")
            rows = lines.read(text.encode())
            exponents = np.floor(np.log10(rows)) - decimals
            found = lines.units(text.encode()).reshape(rows.shape)
            np.testing.assert_allclose(found, 10.0**exponents, rtol=1e-15)
