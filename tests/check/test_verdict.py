from __future__ import annotations

import numpy as np
import pytest

from sigcli import GradientCheck, Sigmoid, gradcheck
from sigcli.check.asked import DOUT
from sigcli.errors import RangeError, ShapeError, SigcliError
from sigcli.layer import STANDARD_X

BOOK = (24.0, 32.0, 5.0)


class Planted(Sigmoid):
    """A layer whose backward pass is `formula` of dout, y, 1 − y and the right dx."""

    def __init__(self, formula):
        super().__init__()
        self.formula = formula
        self.x = None

    def forward(self, x):
        self.x = np.array(x)
        return super().forward(x)

    def complement(self, x):
        return super().complement(x)

    def backward(self, dout):
        y, rest = Sigmoid().forward(self.x), self.complement(self.x)
        return self.formula(dout, y, rest, super().backward(dout))


WRONG = {
    "zero": lambda dout, y, rest, dx: 0 * dx,
    "doubled": lambda dout, y, rest, dx: 2 * dx,
    "sign": lambda dout, y, rest, dx: -dx,
    "y·y": lambda dout, y, rest, dx: dout * y * y,
    "(1−y)²": lambda dout, y, rest, dx: dout * rest * rest,
    "1.000001×": lambda dout, y, rest, dx: 1.000001 * dx,
    "dout forgotten": lambda dout, y, rest, dx: y * rest,
}


def test_the_standard_points_hold_the_book_s_and_go_from_minus_700_to_700():
    assert set(BOOK) <= set(STANDARD_X)
    assert (min(STANDARD_X), max(STANDARD_X)) == (-700, 700)


def test_our_own_layer_is_verified_at_every_standard_point():
    check = gradcheck(Sigmoid(), STANDARD_X)
    assert check.verdict == "pass"
    assert check.exit_code == 0
    assert set(check.verdicts) == {"pass"}
    assert check.digits.min() >= 12
    assert set(check.reasons) == {""}


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_wrong_formula_is_wrong_wherever_it_differs(name):
    check = gradcheck(Planted(WRONG[name]), STANDARD_X)
    same_at_0 = name in ("y·y", "(1−y)²")  # y = 1 − y there
    expected = ["pass" if same_at_0 and x == 0 else "wrong" for x in STANDARD_X]
    assert check.verdicts.tolist() == expected
    assert check.exit_code == 1


def test_the_right_formula_planted_passes():
    """So that the tests above fail formulas, and not the planting of them."""
    assert gradcheck(Planted(lambda dout, y, rest, dx: dout * y * rest), STANDARD_X).exit_code == 0


def test_planted_formulas_are_caught_by_differences_of_forward_alone_where_these_can_see():
    class Bare:
        """Forward and backward, and no complement."""

        def __init__(self, formula):
            self.layer = Planted(formula)

        def forward(self, x):
            return self.layer.forward(x)

        def backward(self, dout):
            return self.layer.backward(dout)

    check = gradcheck(Bare(WRONG["zero"]), [-40.0, -1.0, 5.0, 24.0, 32.0, 40.0])
    assert check.verdicts.tolist() == ["wrong"] * 5 + ["unresolved"]
    right = gradcheck(Bare(lambda dout, y, rest, dx: dx), [-40.0, -1.0, 5.0, 24.0, 32.0, 40.0])
    assert "wrong" not in right.verdicts


def test_a_wrong_complement_is_wrong_even_where_forward_would_pass():
    class Lying(Sigmoid):
        def complement(self, x):
            return super().complement(x) * 1.5

    assert set(gradcheck(Lying(), [-1.0, 0.0, 1.0]).verdicts) == {"wrong"}


def test_a_subclass_with_a_forward_of_its_own_is_not_held_to_the_complement_it_inherits():
    class Scaled(Sigmoid):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, dout):
            return 2 * super().backward(dout)

    assert gradcheck(Scaled(), [0.5, -3.0, 5.0]).verdict == "pass"


def test_an_attribute_of_that_name_that_is_no_method_is_left_alone():
    class Odd(Sigmoid):
        complement = True

    assert gradcheck(Odd(), [0.5]).verdict == "pass"


def test_a_gradient_from_elsewhere_is_checked_in_place_of_the_layer_s_own():
    layer = Sigmoid()
    layer.forward(BOOK)
    dx = layer.backward([1.0, 0.5, -2.0])
    assert gradcheck(Sigmoid(), BOOK, [1.0, 0.5, -2.0], dx=dx).verdict == "pass"
    with pytest.raises(SigcliError, match="dx comes without the dout"):
        gradcheck(Sigmoid(), BOOK, dx=dx)
    check = gradcheck(Sigmoid(), BOOK, [1.0, 0.5, -2.0], dx=dx * [1, 2, 1])
    assert check.verdicts.tolist() == ["pass", "wrong", "pass"]


def test_the_rounding_of_a_narrow_gradient_is_not_wrong():
    check = gradcheck(Sigmoid(), np.linspace(-3, 3, 50, dtype=np.float32), rtol=1e-9)
    assert "wrong" not in check.verdicts


def test_the_textbook_formula_is_wrong_where_its_lost_digits_can_be_seen():
    book = Planted(lambda dout, y, rest, dx: dout * (1 - y) * y)
    verdicts = gradcheck(book, [5.0, 24.0, 32.0, 40.0]).verdicts
    assert verdicts.tolist() == ["pass", "wrong", "wrong", "wrong"]


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-9])
def test_rtol_is_what_separates_wrong_from_right(rtol):
    x = [-40.0, -1.0, 0.5, 24.0, 700.0]
    over = Planted(lambda dout, y, rest, dx: (1 + 1.01 * rtol) * dx)
    under = Planted(lambda dout, y, rest, dx: (1 + 0.99 * rtol) * dx)
    assert set(gradcheck(over, x, rtol=rtol).verdicts) == {"wrong"}
    assert set(gradcheck(under, x, rtol=rtol).verdicts) == {"pass"}


def test_a_tolerance_below_what_differences_resolve_is_unresolved_not_wrong():
    check = gradcheck(Sigmoid(), BOOK, rtol=1e-15)
    assert set(check.verdicts) == {"unresolved"}
    assert check.exit_code == 3
    assert all(reason.startswith("rounding") for reason in check.reasons)
    assert check.digits.min() >= 12


def test_a_large_tolerance_lets_no_unseen_gradient_pass():
    check = gradcheck(Planted(WRONG["zero"]), [800.0, -800.0], rtol=0.999)
    assert set(check.verdicts) == {"unresolved"}


@pytest.mark.parametrize(
    ("x", "dout", "reason"),
    [
        (np.inf, 1.5, "x is not finite; take a finite x"),
        (-np.inf, 1.5, "x is not finite; take a finite x"),
        (np.nan, 1.5, "x is not finite; take a finite x"),
        (1.0, np.nan, "dout is not finite; take a finite dout"),
        (1.0, np.inf, "dout is not finite; take a finite dout"),
        (800.0, 1.5, "plateau: y stands still around x; take x where y still moves"),
        (-800.0, 1.5, "plateau: y stands still around x; take x where y still moves"),
        (-743.0, 1.5,
         "underflow: dx is below the normal range of float64; take x nearer to 0"),
        (1.0, 1e-320, "underflow: dx is below the normal range of float64; take a larger dout"),
    ],
)  # fmt: skip
def test_what_cannot_be_resolved_says_why(x, dout, reason):
    check = gradcheck(Sigmoid(), [x], [dout])
    assert check.verdicts.tolist() == ["unresolved"]
    assert check.reasons.tolist() == [reason]
    assert check.exit_code == 3


def test_a_backward_that_gives_nan_is_unresolved():
    check = gradcheck(Planted(lambda dout, y, rest, dx: np.nan * dx), [1.0])
    assert check.reasons.tolist() == ["backward gave a dx that is not finite"]


def test_a_dout_of_0_passes_only_with_a_gradient_of_0():
    assert gradcheck(Sigmoid(), [1.0], [0.0]).verdict == "pass"
    assert gradcheck(Planted(WRONG["dout forgotten"]), [1.0], [0.0]).verdict == "wrong"


def test_among_subnormal_results_a_right_gradient_is_never_wrong_and_a_lost_one_is():
    x = np.random.default_rng(6).uniform(-745.2, -700, 3000)
    assert "wrong" not in gradcheck(Sigmoid(), x).verdicts
    assert set(gradcheck(Planted(WRONG["zero"]), x[x > -735]).verdicts) == {"wrong"}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_narrow_types_are_checked_with_their_own_tolerance(dtype):
    rng = np.random.default_rng(8)
    reach = {"float16": 9, "float32": 80}[dtype]
    x = rng.uniform(-reach, reach, 500).astype(dtype)
    check = gradcheck(Sigmoid(), x)
    assert check.verdict == "pass"
    assert check.analytic.dtype == check.x.dtype == np.dtype(dtype)
    assert set(gradcheck(Planted(WRONG["doubled"]), x).verdicts) == {"wrong"}
    beyond = np.linspace(-110, -5, 400).astype(dtype)
    assert "wrong" not in gradcheck(Sigmoid(), beyond).verdicts


def test_integers_are_checked_at_the_points_that_they_are():
    check = gradcheck(Sigmoid(), np.array([1, 2, 3]))
    assert check.verdict == "pass"
    np.testing.assert_allclose(check.numeric / check.dout, [0.1966, 0.1050, 0.0452], atol=5e-5)


def test_dout_defaults_to_numbers_of_which_none_is_1():
    check = gradcheck(Sigmoid(), np.zeros((2, 4)))
    assert check.dout.reshape(-1).tolist() == [*DOUT, *DOUT[:3]]
    assert 1 not in DOUT


def test_a_check_has_the_shape_of_x():
    for shape in ((), (1,), (2, 3)):
        check = gradcheck(Sigmoid(), np.ones(shape))
        assert isinstance(check, GradientCheck)
        for name in ("x", "dout", "analytic", "numeric", "bound", "relative_error", "digits",
                     "verdicts", "reasons"):  # fmt: skip
            assert getattr(check, name).shape == shape, name


def test_large_arrays_are_what_their_parts_are():
    x = np.random.default_rng(5).uniform(-50, 50, 10_000)
    whole, part = gradcheck(Sigmoid(), x, 1.5), gradcheck(Sigmoid(), x[4090:4100], 1.5)
    np.testing.assert_array_equal(whole.numeric[4090:4100], part.numeric)
    np.testing.assert_array_equal(whole.bound[4090:4100], part.bound)


def test_the_worst_verdict_decides():
    mixed = Planted(lambda dout, y, rest, dx: np.where(y > 0.9, 0, dx))
    assert gradcheck(mixed, [-1.0, 5.0, np.inf]).exit_code == 1
    assert gradcheck(mixed, [-1.0, np.inf]).exit_code == 3


def test_x_and_dout_are_left_alone():
    class Rude(Sigmoid):
        def forward(self, x):
            y = super().forward(x)
            x[...] = 0
            return y

        def backward(self, dout):
            dx = super().backward(dout)
            dout[...] = 0
            return dx

    x, dout = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    check = gradcheck(Rude(), x, dout)
    assert x.tolist() == check.x.tolist() == [1, 2]
    assert dout.tolist() == check.dout.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), RangeError, "x is empty: there is no gradient to check"),
        (([1.0], []), ShapeError,
         "dout has the shape (0,) where x has (1,); expected the same shape, or a single number"),
        (([1.0], None, 0.0), RangeError, "rtol: 0.0 is out of range; expected 0 < rtol < 1"),
        (([1.0], None, np.nan), RangeError, "rtol: nan is out of range; expected 0 < rtol < 1"),
        (
            ([1.0, 2.0], [1.0, 2.0, 3.0]),
            ShapeError,
            "dout has the shape (3,) where x has (2,); expected the same shape, or a single number",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(arguments, error, message):
    x, dout, rtol = (*arguments, None, None)[:3]
    with pytest.raises(error) as caught:
        gradcheck(Sigmoid(), x, dout, rtol=rtol)
    assert str(caught.value) == message
