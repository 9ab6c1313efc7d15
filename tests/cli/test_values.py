from __future__ import annotations

import pytest

from sigcli.cli.values import choice, fraction, whole
from sigcli.errors import RangeError, UsageError


@pytest.mark.parametrize(
    ("text", "inclusive", "value"), [("0.5", False, 0.5), ("1e-9", False, 1e-9), ("0", True, 0)]
)
def test_a_fraction_is_read(text, inclusive, value):
    assert fraction("--rtol", text, inclusive=inclusive) == value


@pytest.mark.parametrize(
    ("text", "inclusive", "message"),
    [
        ("0", False, "--rtol: '0' is out of range; 0 < value < 1 is right"),
        ("1", False, "--rtol: '1' is out of range; 0 < value < 1 is right"),
        ("nan", False, "--rtol: 'nan' is out of range; 0 < value < 1 is right"),
        ("1.5", True, "--rtol: '1.5' is out of range; 0 ≤ value ≤ 1 is right"),
        ("-0.1", True, "--rtol: '-0.1' is out of range; 0 ≤ value ≤ 1 is right"),
    ],
)
def test_a_fraction_out_of_range_is_refused(text, inclusive, message):
    with pytest.raises(RangeError) as caught:
        fraction("--rtol", text, inclusive=inclusive)
    assert str(caught.value) == message


def test_a_fraction_that_is_no_number_is_refused():
    with pytest.raises(UsageError, match="--rtol: 'abc' is not a number"):
        fraction("--rtol", "abc", inclusive=False)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "abc", "", "18", "1_0", "１", "9" * 5000])
def test_a_whole_number_out_of_range_is_refused(text):
    with pytest.raises(UsageError, match="is not a whole number from 1 to 17"):
        whole("--digits", text, 17)


def test_a_choice_that_there_is_not_is_refused_with_those_that_there_are():
    assert choice("--format", "csv", ("table", "csv")) == "csv"
    with pytest.raises(UsageError) as caught:
        choice("--format", "xml", ("table", "plain", "csv"))
    assert str(caught.value) == "--format: no 'xml'; choose table, plain or csv"
