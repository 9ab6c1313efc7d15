from __future__ import annotations

import math

import numpy as np
import pytest

from sigcli.arrays import converted
from sigcli.errors import NumberError
from sigcli.read.numbers import read_number, unit
from sigcli.read.typed import read_text, read_tokens

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24 32 5", [24, 32, 5]),
        ("24,32,5", [24, 32, 5]),
        (" 24 ,32, 5\n", [24, 32, 5]),
        ("-1 -2.5e-3 .5 +2. 1E3", [-1, -0.0025, 0.5, 2, 1000]),
        ("inf -inf nan Infinity -INFINITY NaN", [INF, -INF, NAN, INF, -INF, NAN]),
        ("−1 1e−3", [-1, 0.001]),
        ("-0.0", [-0.0]),
        ("7", [7]),
        ("[1, 2]", [1, 2]),
        ("[7]", [7]),
        ("[]", []),
        ("[[], []]", [[], []]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("[[1. 2.]\n [3. 4.]]", [[1, 2], [3, 4]]),
        ("[[1],[2]]", [[1], [2]]),
        ("[[[1]]]", [[[1]]]),
        ("array([1. , 1. , 0.99330715])", [1, 1, 0.99330715]),
        ("np.array([24 , 32, 5])", [24, 32, 5]),
        ("numpy.array([24 , 32, 5])", [24, 32, 5]),
        ("array(5.)", 5),
        ("array([[1, 2],\n       [3, 4]])", [[1, 2], [3, 4]]),
        ("[np.float64(1.0), np.float64(-2.0)]", [1, -2]),
        ("np.float64(1.5)", [1.5]),
        ("[1.5, np.int64(3)]", [1.5, 3]),
        ("array([1, 2], dtype=int32)", [1, 2]),
    ],
)
def test_what_people_type_is_read(text, expected):
    array = read_text("x", text).array()
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.array(expected, float))
    assert np.all(np.signbit(array) == np.signbit(np.array(expected, float)))


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("array([1.], dtype=float32)", "float32"),
        ("array([1.], dtype='float16')", "float16"),
        ("np.array([1.], dtype=np.float32)", "float32"),
        ("[np.float32(1.0), np.float32(2.0)]", "float32"),
        ("[np.float16(1.0), np.float32(2.0)]", "float32"),
        ("[np.float32(1.0), 2.0]", "float64"),
        ("array([], dtype=float32)", "float32"),
        ("array([1, 2], dtype=uint8)", "float64"),
    ],
)
def test_a_named_type_is_kept(text, dtype):
    assert read_text("x", text).dtype == dtype


def test_a_narrow_number_among_wide_ones_keeps_its_value():
    values = read_text("x", "[np.float32(0.1), np.float16(0.1), 0.1, np.float32(1e39)]").values
    assert values == [float(np.float32(0.1)), float(np.float16(0.1)), 0.1, INF]


def test_an_empty_array_keeps_the_shape_that_numpy_prints():
    text = repr(np.empty((0, 3)))
    assert text == "array([], shape=(0, 3), dtype=float64)"
    assert read_text("x", text).array().shape == (0, 3)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("abc", "x[0]: 'abc' is not a number", "abc"),
        ("1 abc 2", "x[1]: 'abc' is not a number", "abc"),
        ("[[1, 2], [3, abc]]", "x[1, 1]: 'abc' is not a number", "abc"),
        ("1_000", "x[0]: '1_000' is not a number; write 1000", "1_000"),
        ("１２", "x[0]: '１２' is not a number; write 12", "１２"),
        ("٣", "x[0]: '٣' is not a number", "٣"),
        ("1，2", "x[0]: '1，2' is not a number; write 1,2", "1，2"),
        ("–5", "x[0]: '–5' is not a number; write -5", "–5"),
        ("1d5", "x[0]: '1d5' is not a number; write 1e5", "1d5"),
        ("-1.5D-3", "x[0]: '-1.5D-3' is not a number; write -1.5e-3", "-1.5D-3"),
        ("0x10", "x[0]: '0x10' is not a number; write 16", "0x10"),
        ("-0x10", "x[0]: '-0x10' is not a number; write -16", "-0x10"),
        ("true", "x[0]: 'true' is not a number; write 1 or 0", "true"),
        ("null", "x[0]: 'null' is not a number; write nan for a missing number", "null"),
        ("1+2j", "x[0]: '1+2j' is not a number; complex numbers cannot be used", "1+2j"),
        ("1;2", "x[0]: '1;2' is not a number; put a space or a comma between numbers", "1;2"),
        (
            "[1. ... 2.]",
            "x[1]: '...' is not a number; NumPy left numbers out when it printed this; "
            "see numpy.set_printoptions(threshold=…)",
            "...",
        ),
        ("1 @x.npy", "x[1]: '@x.npy' is not a number; a file or - stands alone, not among numbers",
         "@x.npy"),
        ("1e", "x[0]: '1e' is not a number", "1e"),
        ("1.2.3", "x[0]: '1.2.3' is not a number", "1.2.3"),
        ("--1", "x[0]: '--1' is not a number; write -1", "--1"),
        ("1,,2", "x: a number is missing before this comma", ","),
        (",1", "x: a number is missing before this comma", ","),
        ("1,", "x: a number is missing after the last comma", ","),
        ("[1, ]", "x: a number is missing after the last comma", ","),
        ("[1, 2", "x: '[' is never closed", "["),
        ("[[1, 2], [3", "x: '[' is never closed", "["),
        ("array([1, 2]", "x: '(' is never closed", "("),
        ("1 2]", "x: ']' closes nothing", "]"),
        ("[1, 2]]", "x: ']' closes nothing", "]"),
        ("[1)", "x: ')' closes nothing", ")"),
        ("(1, 2)", "x[0]: '(' is not a number; write [1, 2], in square brackets", "("),
        ("array(", "x: the text ends where a number should stand", "("),
        ("[np.float64()]", "x: a number is missing", ")"),
        ("1'000", "x[0]: '1'000' is not a number; write 1000", "1'000"),
        ("-∞", "x[0]: '-∞' is not a number; write -inf", "-∞"),
        ("-−1", "x[0]: '-−1' is not a number; write -1", "-−1"),
        ("[1] [2]", "x: one array ends before this; [[1, 2], [3, 4]] holds two rows", "["),
        ("1 [2]", "x[1] is a bracket where x[0] is a number", "[2]"),
        ("[[1], 2]", "x[1] is a number where x[0] is a bracket", "2"),
        ("[[1, 2], [3]]", "x[1] has 1 number where x[0] has 2", "[3]"),
        ("[[1], [2, 3]]", "x[1] has 2 numbers where x[0] has 1", "[2, 3]"),
        ("[[[1]], [[1], [2]]]", "x[1] has the shape (2, 1) where x[0] has (1, 1)", "[[1], [2]]"),
        ("array([1], dtype=complex128)",
         "x: 'complex128' cannot be used; expected float16, float32 or float64", "complex128"),
        ("array([1], order=C)", "x: array(…) takes dtype= and shape= only", "order"),
        ("array([1], shape=(1,))", "x: shape= goes with an empty array only, as in shape=(0, 3)",
         "("),
        ("[" * 65, "x: more than 64 brackets deep", "["),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_pointed_at(text, message, place):
    with pytest.raises(NumberError) as caught:
        read_text("x", text)
    error = caught.value
    assert str(error) == message
    assert error.source[error.start : error.end] == place


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_nothing_is_no_array(text):
    with pytest.raises(NumberError) as caught:
        read_text("x", text)
    assert str(caught.value) == f"x: '{text}' holds no number"


def test_an_empty_word_among_numbers_is_not_dropped():
    with pytest.raises(NumberError) as caught:
        read_tokens("x", ["1", "", "2"])
    assert str(caught.value) == "x[1]: '' holds no number; '[]' is an empty array"


def test_words_that_the_shell_took_apart_are_put_together():
    assert read_tokens("x", ["[[1,", "2],", "[3,4]]"]).shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("1e400", INF, "x[0]: '1e400' is beyond float64 and becomes inf"),
        ("-1e400", -INF, "x[0]: '-1e400' is beyond float64 and becomes -inf"),
        ("1e-400", 0.0, "x[0]: '1e-400' is too small for float64 and becomes 0.0"),
        (
            "9007199254740993",
            9007199254740992.0,
            "x[0]: '9007199254740993' becomes 9007199254740992, the nearest float64",
        ),
    ],
)
def test_what_a_float64_cannot_hold_is_noted(text, value, note):
    typed = read_text("x", text)
    assert typed.values == [value]
    assert typed.notes == [note]


@pytest.mark.parametrize(
    "text", ["inf", "0", "-0.0", "0e-400", "9007199254740992", "1e22", "5e-324"]
)
def test_what_a_float64_holds_is_not_noted(text):
    assert read_text("x", text).notes == []


def test_text_from_arrays_reads_back_bit_for_bit():
    rng = np.random.default_rng(3)
    for _ in range(300):
        shape = tuple(rng.integers(1, 4, rng.integers(0, 4)))
        dtype = rng.choice(["float16", "float32", "float64"])
        bits = np.dtype(dtype).itemsize * 8
        array = rng.integers(0, 2**bits, shape, dtype=f"uint{bits}", endpoint=False).view(dtype)
        array = np.array(array).reshape(shape)
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        with np.printoptions(threshold=10**6, floatmode="unique"):
            text = repr(array)
        typed = read_text("x", text)
        assert typed.dtype == array.dtype, text
        back, _ = converted("x", typed.array(), typed.dtype)
        np.testing.assert_array_equal(back, array, err_msg=text)


@pytest.mark.parametrize("text", ["1" * 10**6 + "x", "." * 10**6, "[" * 10**6])
def test_an_error_in_a_megabyte_is_still_a_few_short_lines(text):
    with pytest.raises(NumberError) as caught:
        read_text("x", text)
    assert all(len(line) < 200 for line in caught.value.lines())


def test_a_number_of_a_megabyte_is_read():
    assert read_text("x", "1" * 10**6).values == [INF]
    assert read_text("x", "0." + "1" * 10**6).values == [1 / 9]


def test_a_single_number_is_read_by_the_same_grammar():
    assert read_number("--rtol", "1e−3") == 0.001
    with pytest.raises(NumberError, match="--rtol: '1_0' is not a number; write 10"):
        read_number("--rtol", "1_0")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("3.775e-11", 1e-14),
        ("6.332e-15", 1e-18),
        ("-0.01330", 1e-5),
        ("100", 1),
        ("1e-3", 1e-3),
        ("1.0E+3", 100),
        ("25.", 1),
        (".5e2", 10),
        ("+.5", 0.1),
        ("−1.50e−3", 1e-5),
        ("007", 1),
        ("1.7976931348623157e308", 1e292),
        ("0.001e310", 1e307),
        ("1.5e-322", 1e-323),
        ("5e-324", 0),
        ("0", 0),
        ("-0.000", 0),
        ("0e5", 0),
        ("0e999999999999", 0),
        ("inf", 0),
        ("-Infinity", 0),
        ("nan", 0),
        ("1e400", 0),
        ("-9.99e308", 0),
        ("1e-400", 0),
    ],
)
def test_a_number_is_good_to_one_unit_of_its_last_digit(word, expected):
    assert unit(word) == expected
    assert math.copysign(1, unit(word)) == 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("1e-999999999", 0),
        ("1e" + "9" * 5000, 0),
        ("1e-" + "9" * 5000, 0),
        ("0e" + "9" * 5000, 0),
        ("1.0e-" + "0" * 5000 + "3", 1e-4),
        ("1" * 10**6 + "e-999999", 0),
        ("1" + "0" * 10**6 + "e-1000000", 0),
        ("0." + "0" * 10**6 + "1e1000000", 0.1),
    ],
    ids=lambda value: str(value)[:12],
)
def test_absurd_exponents_have_units_too(word, expected):
    assert unit(word) == expected


def test_a_printed_number_is_good_to_its_last_decimal():
    rng = np.random.default_rng(31)
    for _ in range(2000):
        decimals, exponent = int(rng.integers(0, 17)), int(rng.integers(-290, 290))
        word = f"{rng.choice([-1, 1]) * rng.uniform(1.1, 9.4) * 10.0**exponent:.{decimals}e}"
        written = int(word.partition("e")[2])
        assert unit(word) == float(f"1e{written - decimals}"), word
        word = f"{rng.uniform(1, 1e6):.{decimals}f}"
        assert unit(word) == float(f"1e-{decimals}"), word


def test_all_digits_of_a_float_are_good_to_about_its_spacing():
    # Of a float between 10**e and 10**(e + 1), 17 digits go down to 10**(e - 16), and the spacing
    # is 2**-53 to 2**-52 of the float: 1.1 to 22.2 such units.
    rng = np.random.default_rng(32)
    values = rng.integers(0, 2**64, 5000, dtype=np.uint64).view(np.float64)
    for value in values[np.isfinite(values) & (np.abs(values) > 1e-290)].tolist():
        spacing = math.ulp(value)
        assert spacing / 22.3 < unit(f"{value:.16e}") < spacing / 1.1, value
        digits = repr(value).partition("e")[0].lstrip("-0.").replace(".", "")
        if len(digits) >= 16:  # 6 % have fewer, and count as good to those only
            assert unit(repr(value)) < 10 * spacing / 1.1, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.775e-11 6.332e-15 -0.01330", [1e-14, 1e-18, 1e-5]),
        ("[[1, 2.0], [0, nan]]", [[1, 0.1], [0, 0]]),
        ("array([3.775e-11, 6.33e-15])", [1e-14, 1e-17]),
        ("array([0.50, 25.], dtype=float32)", [0.01, 1]),
        ("[np.float32(0.5), np.float16(0.100)]", [0.1, 0.001]),
        ("array(0.25)", 0.01),
        ("array([], shape=(0, 3), dtype=float32)", np.empty((0, 3))),
    ],
)
def test_units_are_in_the_shape_of_what_was_typed(text, expected):
    found = read_text("dx", text).units()
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(expected, float), strict=True)
