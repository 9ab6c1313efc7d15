from __future__ import annotations

import numpy as np
import pytest

from sigcli.layer.passes import (
    backward_from_output,
    backward_pass,
    digits_lost,
    forward_pass,
)

X = np.array([24.0, 32.0, 5.0, -1.0])


def test_forward_gives_y_and_its_complement():
    result = forward_pass(X)
    np.testing.assert_allclose(result.complement, np.exp(-X) / (1 + np.exp(-X)), rtol=1e-15)
    np.testing.assert_allclose(result.y + result.complement, 1, rtol=2**-52)
    assert result.classes is None
    assert result.exit_code == 0


def test_the_class_is_1_where_y_reaches_the_threshold():
    x = np.array([-1.0, 0.0, 1.0, np.nan])
    np.testing.assert_array_equal(forward_pass(x, 0.5).classes, [0, 1, 1, np.nan])
    np.testing.assert_array_equal(forward_pass(x, 0.0).classes, [1, 1, 1, np.nan])
    np.testing.assert_array_equal(forward_pass(x, 1.0).classes, [0, 0, 0, np.nan])


def test_the_threshold_is_not_rounded_to_the_type_of_y():
    result = forward_pass(np.zeros(1, np.float16), 0.5001)
    assert result.classes.tolist() == [0]
    assert result.classes.dtype.kind == "i"


def test_the_textbook_formula_loses_the_digits_it_is_said_to(truth):
    result = backward_pass(X, np.ones(4), with_textbook=True)
    for x, book, lost in zip(X, result.textbook, result.digits_lost, strict=True):
        relative = float(truth.error(book, truth.slope(x)) / truth.slope(x))
        kept = 15.95 - lost
        assert 10 ** -(kept + 1.1) < max(relative, 1e-16) < 10 ** -(kept - 1.1)


def test_where_nothing_is_left_of_the_textbook_gradient_all_digits_are_lost():
    result = backward_pass(np.array([37.0, 700.0]), np.ones(2), with_textbook=True)
    np.testing.assert_array_equal(result.textbook, [0, 0])
    np.testing.assert_array_equal(result.digits_lost, [15, 15])


def test_equal_numbers_have_lost_no_digits():
    same = np.array([1.0, 0.0, np.nan])
    np.testing.assert_array_equal(digits_lost(same, same), [0, 0, 0])


def test_backward_from_y_alone_is_backward_from_x_where_y_is_small():
    x = np.linspace(-30, 0, 50)
    forward = forward_pass(x)
    dout = np.full(50, 3.0)
    from_y = backward_from_output(forward.y, dout)
    np.testing.assert_allclose(from_y.dx, backward_pass(x, dout).dx, rtol=1e-15)
    assert from_y.x is None
    assert from_y.notes == ()


@pytest.mark.parametrize(
    ("y", "note"),
    [
        ([0.5, 0.9], ()),
        (
            [0.5, 0.9999999999999873],
            "1 − y has lost digits in 1 of 2: y[1] = 0.9999999999999873 leaves 2 of 15; "
            "from x none is lost",
        ),
        (
            [0.99, 1.0],
            "1 − y has lost digits in 2 of 2: y[1] = 1.0 leaves 0 of 15; from x none is lost",
        ),
        (0.999, "1 − y has lost digits in 1 of 1: y = 0.999 leaves 13 of 15; from x none is lost"),
    ],
)
def test_a_y_near_1_is_noted(y, note):
    y = np.array(y)
    notes = backward_from_output(y, np.ones(y.shape)).notes
    assert notes == ((note,) if note else ())


def test_float32_has_fewer_digits_to_lose():
    (note,) = backward_from_output(np.array([0.999], np.float32), np.ones(1, np.float32)).notes
    assert "leaves 4 of 7" in note
