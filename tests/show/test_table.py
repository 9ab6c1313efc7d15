from __future__ import annotations

import re

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.layer.passes import backward_pass, forward_pass
from sigcli.show.table import Style, table

X = np.array([24.0, 32.0, 5.0])


def lines(result, **style) -> list[str]:
    return table(result, Style(**style)).splitlines()


def test_forward_shows_x_y_and_its_complement_with_every_digit():
    result = forward_pass(X)
    header, rule, *rows = lines(result)
    assert re.split(r"\s{2,}", header) == ["index", "x", "y", "1 − y"]
    assert set(rule) == {"─"}
    for index, row in enumerate(rows):
        position, *numbers = row.split()
        assert int(position) == index
        expected = [result.x[index], result.y[index], result.complement[index]]
        assert [float(n) for n in numbers] == expected


def test_a_threshold_adds_the_class():
    header, _, *rows = lines(forward_pass(np.array([-1.0, 0.0, np.nan]), 0.5))
    assert header.endswith("class")
    assert [row.split()[-1] for row in rows] == ["0", "1", "nan"]


def test_saturation_is_explained_once_where_the_textbook_formula_loses_digits():
    """σ(−32) is 1.2664e-14, of which 1 − σ(32) in float64 keeps 1.2656e-14."""
    *_, words = lines(backward_pass(np.array([24.0, 32.0, 32.0, 5.0]), np.ones(4)))
    assert words == "x = 32: y is within 1.3e-14 of 1; the textbook formula keeps 3 digits here."
    assert not any("textbook" in line for line in lines(backward_pass(np.array([5.0]), np.ones(1))))


def test_decimal_points_stand_below_one_another():
    rows = lines(forward_pass(np.array([24.0, -3.25, 0.001, 500.0])))[2:]
    cells = [list(re.finditer(r"\S+", row)) for row in rows]
    for column in (1, 2, 3):
        assert len({row[column].start() + row[column][0].find(".") for row in cells}) == 1


def test_in_a_pipe_no_digit_is_cut_and_no_line_wrapped():
    x = np.array([-2.2250738585072014e-308, 1.2345678901234567e-300])
    result = backward_pass(x, x, with_textbook=True)
    _, _, *rows = lines(result)
    assert len(rows) == 2
    assert all(len(row.split()) == 7 for row in rows)
    assert "…" not in "".join(rows)
    assert len(rows[0]) > 80


@pytest.mark.parametrize(("rows", "shown"), [(1, 1), (2, 2), (5, 5), (40, 40), (None, 100)])
def test_long_arrays_show_head_and_tail_and_count_the_rest(rows, shown):
    found = lines(forward_pass(np.arange(100.0)), rows=rows)[2:]
    body = [int(line.split()[0]) for line in found if line.split()[0].isdigit() and "." in line]
    head = (shown + 1) // 2
    assert body == [*range(head), *range(100 - shown + head, 100)]
    if rows is not None:
        some = "1 row" if shown == 1 else f"{shown} rows"
        assert found[-1] == f"{some} shown, {100 - shown} left out; --rows all shows all"
        assert found[head].split() == ["⋮"] * 4


def test_digits_are_significant_ones():
    rows = lines(forward_pass(np.array([1 / 3])), digits=3)[2:]
    assert rows[0].split() == ["0", "0.333", "0.583", "0.417"]


def test_indices_of_matrices_are_pairs():
    header, _, *rows = lines(forward_pass(np.zeros((2, 2))))
    assert header.startswith("i, j")
    assert [row[:4] for row in rows] == ["0, 0", "0, 1", "1, 0", "1, 1"]


def test_a_check_shows_what_was_compared():
    check = gradcheck(Sigmoid(), X)
    header, _, *rows, words, note, _ = lines(check)
    expected = ["index", "x", "dout", "analytic", "numeric ± bound", "digits", "verdict"]
    assert re.split(r"\s{2,}", header) == expected
    for index, row in enumerate(rows):
        _, x, dout, analytic, numeric, sign, bound, digits, verdict = row.split()
        assert sign == "±"
        assert float(x) == check.x[index]
        assert float(dout) == check.dout[index]
        assert float(analytic) == pytest.approx(check.analytic[index], rel=1e-5)
        assert float(numeric) == pytest.approx(check.numeric[index], rel=1e-5)
        assert float(bound) == pytest.approx(check.bound[index], rel=0.1)
        assert int(digits) == check.digits[index]
        assert verdict == "pass"
    assert words == (
        f"All 3 gradients are verified, to {check.digits.min()} digits or more (rtol 1.49e-08)."
    )
    assert note == (
        "Note: x = 32: y is within 1.3e-14 of 1; the textbook formula keeps 3 digits here."
    )


def test_one_gradient_is_not_all_of_them():
    words = sentences(gradcheck(Sigmoid(), 1.0))
    assert words[0].startswith("The gradient is verified, to 12 digits")


def sentences(result) -> list[str]:
    """Return what stands below the table, but for what the points cannot see."""
    found = lines(result)
    start = next(i for i, line in enumerate(found) if re.match("[A-Z]|[0-9]+ of", line))
    end = next(i for i, line in enumerate(found) if "known mistakes would" in line)
    return found[start:end]


class Doubled(Sigmoid):
    def backward(self, dout):
        return 2 * super().backward(dout)


def test_a_wrong_gradient_is_named_by_its_place():
    assert sentences(gradcheck(Doubled(), [[1.0, np.inf]])) == [
        "1 of 2 is wrong; the worst is x[0, 0] = 1: backward gives 0.589836, "
        "finite differences 0.294918.",
        "dx is the right gradient times 2.000000.",
        "1 of 2 could not be resolved:",
        "  x[0, 1] = inf: x is not finite; take a finite x",
    ]


def test_a_wrong_gradient_is_shown_with_as_many_digits_as_make_it_differ():
    class Slightly(Sigmoid):
        def backward(self, dout):
            return super().backward(dout) * (1 + 1e-7)

    words = sentences(gradcheck(Slightly(), [1.0]))
    assert words[0].endswith("backward gives 0.2949179294, finite differences 0.2949178999.")
    assert words[-1] == "The largest relative error is 1e-07; --rtol 1e-06 allows it."


def test_what_is_unresolved_says_why_and_how_often():
    assert sentences(gradcheck(Sigmoid(), [np.inf, np.nan, 800.0, 1.0])) == [
        "Nothing wrong found, but 3 of 4 could not be resolved:",
        "  x[0] = inf and 1 more: x is not finite; take a finite x",
        "  x[2] = 800: plateau: y stands still around x; take x where y still moves",
    ]


def test_no_line_ends_in_blanks():
    assert all(line == line.rstrip() for line in lines(gradcheck(Sigmoid(), [1.0, np.inf])))


def test_an_empty_array_is_a_table_without_rows():
    assert len(lines(forward_pass(np.empty(0)))) == 2
