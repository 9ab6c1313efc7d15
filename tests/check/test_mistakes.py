from __future__ import annotations

import re

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.check.asked import DOUT
from sigcli.layer import STANDARD_X

from .zoo import Layer, softmax, softmax_dx

X = (0.7, -1.2, 2.5, 0.1, -0.4)
EARLIER = "the gradient of an earlier pass"
ADDED = "the right gradient plus that of an earlier pass"
ROUNDED = "dout · y · (1 − y) with 1 − y rounded"
PRECEDENCE = "divided by 2 and multiplied by h, in place of / (2 * h)"
TIMES_H_SQUARED = "the right gradient times 1e-08, as / 2 * h with h = 0.0001 for / (2 * h) gives"


def sigma(x):
    return 1 / (1 + np.exp(-x))


class Book:
    """The layer as the book has it, with `formula` of x, y, dout and dx(dout) for dx."""

    def __init__(self, formula=lambda x, y, d, dx: dx(d)):
        self.formula = formula

    def forward(self, x):
        self.x = np.array(x)
        self.y = sigma(self.x)
        return self.y

    def right(self, dout):
        return dout * (1 - self.y) * self.y

    def backward(self, dout):
        return self.formula(self.x, self.y, dout, self.right)


class Ours(Sigmoid):
    """Our layer, whose complement shows more, with a formula likewise."""

    def __init__(self, formula):
        super().__init__()
        self.formula = formula

    def forward(self, x):
        self.x, self.y = np.array(x), super().forward(x)
        return self.y

    def complement(self, x):
        return super().complement(x)

    def backward(self, dout):
        return self.formula(self.x, self.y, dout, super().backward)


class Summing:
    """A formula that adds to what it gave before."""

    def __init__(self):
        self.total = 0

    def __call__(self, x, y, d, dx):
        self.total = self.total + dx(d)
        return self.total


class Stale:
    """A formula that knows y of the first backward alone."""

    def __init__(self):
        self.y = None

    def __call__(self, x, y, d, dx):
        self.y = y if self.y is None else self.y
        return d * self.y * (1 - self.y)


def one_sided(h):
    """(σ(x + h) − σ(x)) / h = σ(x + h) σ(−x) (1 − e⁻ʰ) / h, for steps to the left too."""

    def formula(x, y, d, dx):
        x = x.astype(np.float64)
        return (d * sigma(x + h) * sigma(-x) * -np.expm1(-h) / h).astype(y.dtype)

    return lambda: formula


def halved_and_multiplied(h):
    return lambda: lambda x, y, d, dx: d * ((sigma(x + h) - sigma(x - h)) / 2 * h)


def plain(formula):
    return lambda: formula


# How a mistake is named where x has n elements, in rows, and what gives a layer with it.
MISTAKES = {
    "the right gradient with the wrong sign": plain(lambda x, y, d, dx: -dx(d)),
    "the right gradient times 2.000000": plain(lambda x, y, d, dx: 2 * dx(d)),
    "the right gradient times 0.5000000": plain(lambda x, y, d, dx: dx(d) / 2),
    "the right gradient times {n}, the number of elements": plain(
        lambda x, y, d, dx: dx(d) * x.size
    ),
    "the right gradient divided by {n}, the number of elements": plain(
        lambda x, y, d, dx: dx(d) / x.size
    ),
    "0 everywhere": plain(lambda x, y, d, dx: 0 * dx(d)),
    "what it would be without dout": plain(lambda x, y, d, dx: dx(np.ones_like(d))),
    "what it would be with dout applied twice": plain(lambda x, y, d, dx: d * dx(d)),
    "what it would be with dout reversed": plain(
        lambda x, y, d, dx: dx(d.reshape(-1)[::-1].reshape(d.shape))
    ),
    ADDED: Summing,
    EARLIER: Stale,
    "that of the element before": plain(lambda x, y, d, dx: np.roll(dx(d), 1)),
    "that of the element after": plain(lambda x, y, d, dx: np.roll(dx(d), -1)),
    "a one-sided difference with h = 0.0001": one_sided(1e-4),
    PRECEDENCE: halved_and_multiplied(1e-4),
    "dout times x · (1 − x), in place of y · (1 − y)": plain(lambda x, y, d, dx: d * x * (1 - x)),
    "dout times y · y, in place of y · (1 − y)": plain(lambda x, y, d, dx: d * y * y),
    "dout times (1 − y) · (1 − y), in place of y · (1 − y)": plain(
        lambda x, y, d, dx: d * (1 - y) ** 2
    ),
    "dout times y alone, in place of y · (1 − y)": plain(lambda x, y, d, dx: d * y),
    "dout times 1 − y alone, in place of y · (1 − y)": plain(lambda x, y, d, dx: d * (1 - y)),
    "dout times 1 + y, in place of y · (1 − y)": plain(lambda x, y, d, dx: d * (1 + y)),
    "dout times y · (1 + y), in place of y · (1 − y)": plain(lambda x, y, d, dx: d * y * (1 + y)),
    "dout times 1 − y · y, as of tanh, in place of y · (1 − y)": plain(
        lambda x, y, d, dx: d * (1 - y * y)
    ),
    ROUNDED: plain(lambda x, y, d, dx: d * (1 - y) * y),
}
IN_ROWS = {
    "the right gradient times {rows}, the number of rows": plain(
        lambda x, y, d, dx: dx(d) * len(x)
    ),
    "the right gradient divided by {rows}, the number of rows": plain(
        lambda x, y, d, dx: dx(d) / len(x)
    ),
    "what it would be with dout transposed": plain(
        lambda x, y, d, dx: dx(np.swapaxes(d, -1, -2).reshape(d.shape))
    ),
}
NAMED = {name.format(n=len(X)): make for name, make in MISTAKES.items() if name != ROUNDED}


# What is named


@pytest.mark.parametrize("name", NAMED)
def test_a_planted_mistake_is_named_and_no_other(name):
    check = gradcheck(Book(NAMED[name]()), X)
    assert check.verdict == "wrong"
    assert check.mistake == (TIMES_H_SQUARED if name == PRECEDENCE else name)


@pytest.mark.parametrize("name", [n for n in NAMED if "h = " not in n and n != PRECEDENCE])
def test_a_mistake_has_its_name_in_float32(name):
    assert gradcheck(Book(NAMED[name]()), np.array(X, np.float32)).mistake == name


@pytest.mark.parametrize("name", IN_ROWS)
def test_a_mistake_of_rows_is_named(name):
    x = np.random.default_rng(1).uniform(-2, 2, (4, 3))
    check = gradcheck(Book(IN_ROWS[name]()), x)
    assert check.mistake == name.format(rows=4)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
@pytest.mark.parametrize("name", [n for n in NAMED if "in place of y · (1 − y)" not in n])
def test_a_mistake_has_its_name_at_any_scale_of_y(name, scale):
    class Scaled(Book):
        def forward(self, x):
            return scale * super().forward(x)

        def right(self, dout):
            return scale * super().right(dout)

        def backward(self, dout):
            own = name.startswith(("a one-sided", "divided", "the gradient of an earlier"))
            return (scale if own else 1) * super().backward(dout)

    found = gradcheck(Scaled(NAMED[name]()), X).mistake
    if name == "0 everywhere":  # at 1e-300, products of such numbers are 0 too
        found = found.partition(" or ")[0]
    assert found == (TIMES_H_SQUARED if name == PRECEDENCE else name)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
@pytest.mark.parametrize("name", [n for n in NAMED if "twice" not in n])  # dout² is 0, or infinite
def test_a_mistake_has_its_name_at_any_scale_of_dout(name, scale):
    found = gradcheck(Book(NAMED[name]()), X, scale * np.array(DOUT)).mistake
    if name == "0 everywhere":  # at 1e-300, products of such numbers are 0 too
        found = found.partition(" or ")[0]
    assert found == (TIMES_H_SQUARED if name == PRECEDENCE else name)


class Affine(Layer):
    def __init__(self, change, offset=0.0, dtype=np.float64):
        w = np.random.default_rng(1).normal(size=(3, 4)).astype(dtype)

        def right(dout):
            return dout.astype(dtype) @ w.T

        def forward(x):
            return x.astype(dtype) @ w + dtype(offset)

        super().__init__(forward, lambda x, y, dout: change(right, dout).astype(dtype))


class Softmax(Layer):
    def __init__(self, change):
        super().__init__(softmax, lambda x, y, dout: change(lambda d: softmax_dx(x, y, d), dout))


CHANGES = {
    "the right gradient with the wrong sign": lambda dx, d: -dx(d),
    "the right gradient divided by 4, the number of rows": lambda dx, d: dx(d) / 4,
    "the right gradient times 12, the number of elements": lambda dx, d: dx(d) * 12,
    "the right gradient times 1.001": lambda dx, d: dx(d) * 1.001,
    "0 everywhere": lambda dx, d: 0 * dx(d),
    "what it would be without dout": lambda dx, d: dx(np.ones(d.shape)),
    "what it would be with dout applied twice": lambda dx, d: dx(d * d),
    "what it would be with dout reversed": lambda dx, d: dx(d[::-1, ::-1]),
    "what it would be with dout transposed": lambda dx, d: dx(d.T.reshape(d.shape)),
    "that of the element before": lambda dx, d: np.roll(dx(d), 1),
}


@pytest.mark.parametrize("layer", [Affine, Softmax])
@pytest.mark.parametrize("name", CHANGES)
def test_a_mistake_is_named_in_a_layer_that_mixes_its_elements(layer, name):
    x, dout = np.random.default_rng(2).uniform(-2, 2, (2, 4, 3))
    if layer is Affine:
        dout = np.random.default_rng(3).uniform(-2, 2, (4, 4))
    found = gradcheck(layer(CHANGES[name]), x, dout).mistake
    nothing = "0 everywhere", "what it would be without dout"  # rows of softmax add up to 1
    assert found == (" or ".join(nothing) if layer is Softmax and name in nothing else name)


def test_every_formula_that_explains_all_elements_is_named():
    at_0 = gradcheck(Book(plain(lambda x, y, d, dx: d * y)()), [0.0, 0.0])  # y = 1 − y = 1/2
    assert at_0.mistake == " or ".join(
        [
            "the right gradient times 2.000000",
            "dout times y alone, in place of y · (1 − y)",
            "dout times 1 − y alone, in place of y · (1 − y)",
        ]
    )
    x = np.random.default_rng(2).uniform(-2, 2, (2, 2))
    reversed_is_transposed = np.array([[1.5, -0.5], [3.0, 1.5]])
    change = CHANGES["what it would be with dout reversed"]
    assert gradcheck(Softmax(change), x, reversed_is_transposed).mistake == (
        "what it would be with dout reversed or what it would be with dout transposed"
    )


def test_a_formula_that_fails_one_element_is_not_named():
    one_off = plain(lambda x, y, d, dx: np.where(np.arange(x.size) == 3, 0.3, 2) * dx(d))()
    assert gradcheck(Book(one_off), X).mistake == ""


@pytest.mark.parametrize("factor", [1.37, 1.001, -3, 0.3])
def test_a_factor_is_named_with_its_value_from_two_elements_on(factor):
    times = plain(lambda x, y, d, dx: factor * dx(d))()
    assert gradcheck(Book(times), X[:2]).mistake == f"the right gradient times {factor}"
    assert gradcheck(Book(times), X[:1]).mistake == ""


@pytest.mark.parametrize(
    ("h", "text"), [(1e-3, "0.001"), (1e-4, "0.0001"), (1e-5, "1e-05"), (1e-6, "1e-06")]
)
def test_a_one_sided_difference_is_named_with_its_step_and_side(h, text):
    named = f"a one-sided difference with h = {text}"
    assert gradcheck(Book(one_sided(h)()), X).mistake == named
    assert gradcheck(Book(one_sided(-h)()), X).mistake == f"{named}, taken backwards"


@pytest.mark.parametrize(
    ("h", "factor", "text"),
    [(1e-4, "1e-08", "0.0001"), (1e-5, "1e-10", "1e-05"), (1e-6, "1e-12", "1e-06")],
)
def test_a_forgotten_bracket_is_named_with_its_step(h, factor, text):
    assert gradcheck(Book(halved_and_multiplied(h)()), X).mistake == (
        f"the right gradient times {factor}, as / 2 * h with h = {text} for / (2 * h) gives"
    )


class Once(Book):
    """It keeps the y of its first forward."""

    first = None

    def forward(self, x):
        y = super().forward(x)
        self.first = self.y = y if self.first is None else self.first
        return y


class Queue(Book):
    """It takes the caches of its passes from the wrong end."""

    def __init__(self):
        super().__init__()
        self.waiting = []

    def forward(self, x):
        y = super().forward(x)
        self.waiting.append(y)
        return y

    def backward(self, dout):
        self.y = self.waiting.pop(0)
        return super().backward(dout)


@pytest.mark.parametrize("x", [X, [0.5], [0.0], [0.0, 0.0], np.array(X, np.float32)])
def test_a_cache_of_the_first_forward_is_named(x):
    for layer in (Once, Once()):
        check = gradcheck(layer, x)
        assert (check.verdict, check.mistake) == ("wrong", EARLIER)


@pytest.mark.parametrize("x", [X, [0.5]])
def test_a_queue_of_caches_fails(x):
    assert gradcheck(Queue, x).exit_code == 1
    assert gradcheck(Book, x).exit_code == 0


@pytest.mark.parametrize("x", [24.0, 32.0, 36.0])
def test_a_rounded_1_minus_y_is_named_among_those_that_agree_with_it(x):
    y = 1 / (1 + np.exp(-x))
    check = gradcheck(Sigmoid(), [x], [1.5], dx=[1.5 * (1 - y) * y])
    assert check.verdict == "wrong"
    assert check.mistake.split(" or ")[0] == "dout times 1 − y alone, in place of y · (1 − y)"
    assert check.mistake.split(" or ")[-1] == ROUNDED


def test_a_rounded_1_minus_y_is_named_however_y_was_computed():
    x = np.linspace(22, 35, 200)
    y = (1 + np.tanh(x / 2)) / 2
    ours = Sigmoid().forward(x)
    assert 0 < np.max(np.abs(y - ours)) <= np.finfo(float).eps
    check = gradcheck(Sigmoid(), x, 1.5, dx=1.5 * (1 - y) * y)
    assert check.mistake.split(" or ")[-1] == ROUNDED


def test_a_rounded_1_minus_y_is_named_beside_0_where_y_is_1():
    y = 1 / (1 + np.exp(-40.0))
    assert y == 1
    named = gradcheck(Sigmoid(), [40.0], [1.5], dx=[1.5 * (1 - y) * y]).mistake.split(" or ")
    assert (named[0], named[-1]) == ("0 everywhere", ROUNDED)


# What is not named


@pytest.mark.parametrize("x", [X, STANDARD_X, [0.0], [0.0, 0.0], np.array(X, np.float32)])
def test_nothing_is_named_on_a_passing_check(x):
    check = gradcheck(Sigmoid(), x)
    assert (check.verdict, check.mistake) == ("pass", "")


@pytest.mark.parametrize("layer", [Affine, Softmax])
def test_noise_is_no_known_mistake(layer):
    x = np.random.default_rng(2).uniform(-2, 2, (4, 3))
    rng = np.random.default_rng(3)
    fixed = rng.normal(size=x.shape)
    for change in (
        lambda dx, d: rng.normal(size=x.shape),
        lambda dx, d: fixed,
        lambda dx, d: fixed * dx(d),
        lambda dx, d: dx(d) + fixed,
    ):
        check = gradcheck(layer(change), x)
        assert (check.verdict, check.mistake) == ("wrong", "")


@pytest.mark.parametrize("layer", [Affine, Softmax])
def test_one_element_that_is_0_is_no_known_mistake(layer):
    x = np.random.default_rng(2).uniform(-2, 2, (4, 3))
    where = np.arange(12).reshape(4, 3) != 7
    assert gradcheck(layer(lambda dx, d: where * dx(d)), x).mistake == ""


@pytest.mark.parametrize(("offset", "dtype"), [(1e6, np.float64), (1e8, np.float64),
                                               (0, np.float32), (100, np.float32)])  # fmt: skip
@pytest.mark.parametrize(
    "name", ["the right gradient with the wrong sign", "the right gradient times 2.000000"]
)
def test_rounding_is_not_taken_for_another_slope_at_an_earlier_x(offset, dtype, name):
    factor = -1 if "sign" in name else 2
    x = np.random.default_rng(2).uniform(-2, 2, (4, 3))
    check = gradcheck(Affine(lambda dx, d: factor * dx(d), offset, dtype), x)
    assert (check.mistake, check.broken_promises) == (name, ())


def test_a_formula_of_y_is_named_in_other_layers_too_but_not_for_that_of_the_sigmoid():
    relu = Layer(lambda x: np.maximum(0, x), lambda x, y, dout: dout * y)
    assert gradcheck(relu, [0.5, -1.0, 2.0]).mistake == "dout times y alone"


def test_a_thousandth_too_much_is_no_earlier_pass_of_an_affine_layer_in_float32():
    x = np.random.default_rng(2).uniform(-2, 2, (4, 3))
    check = gradcheck(Affine(CHANGES["the right gradient times 1.001"], 0, np.float32), x)
    assert check.mistake == "the right gradient times 1.001"


def test_the_gradient_of_another_function_is_no_earlier_pass():
    relu = Layer(lambda x: np.maximum(0, x), lambda x, y, dout: dout)
    check = gradcheck(relu, [0.5, -1.0, 2.0, -3.0])
    assert (check.verdict, check.mistake, check.broken_promises) == ("wrong", "", ())


def test_what_is_not_0_where_the_gradient_is_0_is_no_sum_of_passes():
    relu = Layer(lambda x: np.maximum(0, x), lambda x, y, dout: 0.3 * dout)
    check = gradcheck(relu, [-0.5, -1.0, -2.0])
    assert (check.verdict, check.mistake) == ("wrong", "")


def test_a_wrong_gradient_whose_steps_leave_the_domain_is_named_all_the_same():
    class Log(Layer):
        def __init__(self):
            super().__init__(np.log, lambda x, y, dout: 2 * dout / x)

        def forward(self, x):
            if np.any(x <= 0):
                raise ValueError("math domain error")
            return super().forward(x)

    check = gradcheck(Log(), [1e-6, 2.0])
    assert check.mistake == "the right gradient times 2.000000"


# What the points would show

POINTS = {
    "x = 0": ([0.0], None),
    "zeros": ([0.0, 0.0], None),
    "one element": ([0.3], None),
    "one element, dout 1": ([0.3], 1.0),
    "0.7 alone, dout 1": ([0.7], 1.0),
    "five": (X, None),
    "five, dout 1": (X, 1.0),
    "equal elements": ([-0.3, -0.3, -0.3], None),
    "equal elements, dout 1": ([-0.3, -0.3, -0.3], 1.0),
    "0.7 twice, dout 1": ([0.7, 0.7], 1.0),
    "σ′ is even": ([-0.7, 0.7], 2.0),
    "dout 0": ([0.7, 1.0], 0.0),
    "dout 1e300": (X, [1e300, -2e300, 3e299, 1e290, 5e299]),
    "standard": (STANDARD_X, None),
    "standard, dout 1": (STANDARD_X, 1.0),
    "plateau": ([800.0, -800.0], None),
    "plateau, dout 1": ([800.0, 900.0], 1.0),
    "right": ([20.0, 36.0], None),
    "left": ([-40.0, -700.0], None),
    "rows": (np.linspace(-2, 3, 12).reshape(4, 3), None),
    "float32": (np.array(X, np.float32), None),
    "float16": (np.array(X, np.float16), None),
}
COARSE = ("x = 0", "five", "right", "standard")  # which are checked with a coarse rtol too
SHORT = ("x = 0", "five", "dout 0", "rows", "float16", "right, coarse rtol")
CHECKS = [
    pytest.param(*POINTS[name], rtol, id=title, marks=() if title in SHORT else pytest.mark.long)
    for name, rtol, title in (
        *((name, None, name) for name in POINTS),
        *((name, 1e-2, f"{name}, coarse rtol") for name in COARSE),
    )
]


def text_of(template, x):
    return template.format(n=x.size, rows=len(x))


def plants(x):
    """Return the mistakes that can be told from others by the points, by name."""
    found = dict(MISTAKES) if x.ndim == 1 else {**MISTAKES, **IN_ROWS}
    if x.size <= 2:
        found = {name: make for name, make in found.items() if "{n}" not in name}
    return {text_of(name, x): make for name, make in found.items()}


def missed(x, dout=None, rtol=None):
    coverage = gradcheck(Sigmoid(), x, dout, rtol=rtol).would_catch
    assert coverage.total == coverage.caught + len(coverage.missed)
    return {name: (because, instead) for name, because, instead in coverage.missed}


ANOTHER_DOUT = "take a dout of different numbers, none of them 0 or 1"


def test_at_x_0_what_is_symmetric_is_missed():
    found = missed([0.0])
    assert found["dout times y · y, in place of y · (1 − y)"] == (
        "x = 0 gives the same",
        "add x = 0.7",
    )
    assert found["dout times (1 − y) · (1 − y), in place of y · (1 − y)"] == (
        "x = 0 gives the same",
        "add x = 0.7",
    )
    assert found["a one-sided difference with h = 0.0001"] == (
        "y does not bend here",
        "add x = 0.7",
    )
    assert "dout times y alone, in place of y · (1 − y)" not in found


def test_a_dout_of_ones_hides_what_is_done_with_it():
    assert missed(X, 1.0) == {
        "what it would be without dout": ("this dout gives the same", ANOTHER_DOUT),
        "what it would be with dout applied twice": ("this dout gives the same", ANOTHER_DOUT),
        "what it would be with dout reversed": ("this dout gives the same", ANOTHER_DOUT),
        ROUNDED: ("1 − y loses too few digits here to matter", "add x = 32"),
    }


def test_one_element_has_no_other():
    alone = "there is one element", "add x = 0.7 with another dout"
    found = missed([0.3])
    assert found.pop(ROUNDED)[1] == "add x = 32"
    assert found == {
        "what it would be with dout reversed": alone,
        "that of the element before": alone,
        "that of the element after": alone,
    }


def test_equal_elements_hide_their_order():
    found = missed([-0.3, -0.3], 2.0)
    equal = "equal elements have equal gradients", ANOTHER_DOUT
    assert found["that of the element before"] == found["that of the element after"] == equal


def test_the_standard_points_miss_nothing():
    coverage = gradcheck(Sigmoid(), STANDARD_X).would_catch
    assert coverage.missed == ()
    assert coverage.caught == coverage.total == len(MISTAKES)


def test_on_a_plateau_nothing_is_seen():
    found = missed([800.0, 900.0])
    assert found["0 everywhere"] == ("no gradient is resolved here", "add x = 0.7")
    assert found["what it would be without dout"] == (
        "no gradient is resolved here",
        "add x = 0.7 with another dout",
    )


def test_a_dout_of_0_hides_all_but_a_forgotten_one():
    found = missed([0.7, 1.0], 0.0)
    assert set(found.values()) == {("every dout is 0", ANOTHER_DOUT)}
    assert "what it would be without dout" not in found


@pytest.mark.parametrize(("x", "dout", "rtol"), CHECKS)
def test_what_would_be_caught_is_wrong_when_planted_and_what_would_not_is_not(x, dout, rtol):
    x = np.asarray(x)
    check = gradcheck(Sigmoid(), x, dout, rtol=rtol)
    not_caught = {name for name, *_ in check.would_catch.missed}
    made = plants(x)
    assert not_caught <= set(made)
    wrong = {
        name
        for name, make in made.items()
        if gradcheck(Ours(make()), x, dout, rtol=rtol).verdict == "wrong"
    }
    assert not wrong & not_caught
    # Some formulas are those of the sigmoid alone, and not counted where it is not seen to be one.
    assert check.would_catch.caught <= len(wrong)
    if check.would_catch.total == len(made):
        assert wrong == set(made) - not_caught


@pytest.mark.parametrize("at", ["five", "five, dout 1", "standard", "equal elements", "rows"])
def test_every_known_mistake_is_counted(at):
    x, dout = np.asarray(POINTS[at][0]), POINTS[at][1]
    check = gradcheck(Sigmoid(), x, dout)
    assert check.would_catch.total == len(plants(x))


@pytest.mark.parametrize(("x", "dout", "rtol"), CHECKS)
def test_each_suggestion_closes_its_gap(x, dout, rtol):
    x = np.asarray(x)
    templates = {text_of(name, x): name for name in {**MISTAKES, **IN_ROWS}}
    for name, (because, instead) in missed(x, dout, rtol).items():
        more = followed(instead, x, dout, rtol)
        renamed = text_of(templates[name], more[0])
        make = {**MISTAKES, **IN_ROWS}[templates[name]]
        layer = Ours(make())
        assert gradcheck(layer, *more[:2], rtol=more[2]).verdict == "wrong", (
            name,
            because,
            instead,
        )
        assert renamed not in missed(*more), (name, because, instead)


def followed(suggestion, x, dout, rtol):
    """Return x, dout and rtol as changed by what is suggested."""
    if suggestion == ANOTHER_DOUT:
        return x, np.resize(DOUT, x.shape).astype(x.dtype), rtol
    if suggestion == "take x in float64":
        return x.astype(np.float64), dout, rtol
    if suggestion == "take a smaller rtol":
        return x, dout, 1e-6
    if suggestion.endswith(" and take a smaller rtol"):
        return *followed(suggestion.removesuffix(" and take a smaller rtol"), x, dout, rtol)[
            :2
        ], 1e-6
    point = re.fullmatch(r"add x = ([\d.]+)( with another dout)?", suggestion)
    assert point, suggestion
    more = np.append(x, np.array(float(point[1]), x.dtype))
    if dout is not None and point[2]:
        dout = np.append(np.broadcast_to(dout, x.shape), 3.0)
    elif np.size(dout) > 1:
        dout = np.append(dout, dout[0])
    return more, dout, rtol


def test_a_dx_of_few_digits_is_asked_for_more():
    x = np.array(X)
    dx = 1.5 * sigma(x) * sigma(-x)
    name = "a one-sided difference with h = 0.0001"

    def hint(digits):
        check = gradcheck(Sigmoid(), x, 1.5, dx=np.round(dx, digits), unit=10.0**-digits)
        return {name: instead for name, _, instead in check.would_catch.missed}.get(name)

    assert hint(4) == "give more digits of dx"
    assert hint(12) is None


def test_a_layer_without_a_complement_is_not_told_to_show_what_it_cannot():
    coverage = gradcheck(Book(), STANDARD_X).would_catch
    assert coverage.missed == ()
    assert coverage.total == len(MISTAKES) - 1
    assert gradcheck(Book(MISTAKES[ROUNDED]()), [*X, 32.0]).verdict != "wrong"


def test_what_a_wrong_layer_gave_before_is_not_what_a_right_one_would_add():
    nothing = gradcheck(Book(MISTAKES["0 everywhere"]()), X)
    assert nothing.would_catch.missed == ()


def test_no_formula_of_the_sigmoid_is_counted_for_another_layer():
    tanh = Layer(np.tanh, lambda x, y, dout: dout * (1 - y * y))
    coverage = gradcheck(tanh, X).would_catch
    assert coverage.missed == ()
    assert coverage.total == len([n for n in MISTAKES if "y" not in n.split() and n != ROUNDED])
