from __future__ import annotations

import re

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.errors import SigcliError

from . import zoo
from .zoo import CORRECT, Layer

X = (0.7, -1.2, 2.5, 0.1, -0.4)
KEPT = ("tanh", "relu", "clip", "exp", "affine", "softmax", "softmax with cross entropy",
        "batch normalisation", "convolution", "max pooling", "mean square", "tanh in float32",
        "tanh in float16", "1e-310 tanh", "1e300 tanh", "1e6 + tanh", "sin(1e9 x)")  # fmt: skip

NOT_LINEAR = "backward is not linear in dout: a sum of two gives another dx"
AGAIN = "backward gives another dx when it is called again for the same pass"
STALE = "backward follows an earlier forward, not the latest"
OUT_OF_ORDER = (
    "backward runs before any forward; an error is better, with no pass to go back through"
)
IGNORES = "backward ignores dout, as a loss at the end of a network may; it is checked for dout 1"


class Book:
    """A Sigmoid layer that keeps every promise."""

    def __init__(self):
        self.y = None

    def forward(self, x):
        self.x = x
        self.y = 1 / (1 + np.exp(-x))
        return self.y.copy()

    def backward(self, dout):
        return dout * (1 - self.y) * self.y


# Promises kept


@pytest.mark.parametrize(
    "case", [case for case in CORRECT if case.name in KEPT], ids=lambda c: c.name
)
def test_a_correct_layer_keeps_every_promise(case):
    x = case.draw(np.random.default_rng(4))
    check = gradcheck(case.build(), x.reshape(-1)[:20] if x.ndim == 1 else x)
    assert check.broken_promises == check.advice == ()
    assert check.exit_code != 1


@pytest.mark.parametrize("layer", [Sigmoid, Book])
@pytest.mark.parametrize(
    ("x", "dout"),
    [
        (X, None),
        (X, 1.0),
        (X, 0.0),
        (X, [1.0, np.nan, np.inf, -np.inf, 2.0]),
        ([0.5, np.nan, np.inf, -np.inf], None),
        ([[0.5, -2.0], [3.0, -30.0]], None),
        (0.5, None),
        ([-743.0, -740.0, -745.0], None),
        (X, [1e300, -1e300, 1e-300, 1e-310, 5e-324]),
        (np.array(X, np.float32), None),
        (np.array(X, np.float16), None),
        (np.array([-80.0, -85.0, -88.0], np.float32), None),
        (np.array([1, 2, 3]), None),
    ],
    ids=str,
)
def test_a_right_sigmoid_keeps_every_promise(layer, x, dout):
    check = gradcheck(layer, x, dout)
    assert check.broken_promises == check.advice == ()
    assert check.exit_code in (0, 3)


def test_a_dx_in_lists_or_of_the_other_byte_order_is_an_array_all_the_same():
    class Lists(Book):
        def backward(self, dout):
            return super().backward(dout).tolist()

    class Swapped(Book):
        def backward(self, dout):
            return super().backward(dout).astype(">f8")

    for layer in (Lists, Swapped):
        check = gradcheck(layer, X)
        assert (check.verdict, check.broken_promises) == ("pass", ())
        assert check.analytic.dtype == np.float64


# Promises broken by a backward that is right otherwise


class ChangesX(Book):
    def forward(self, x):
        y = super().forward(x.copy())
        x[...] = 0
        return y


class ChangesXLater(Book):
    def backward(self, dout):
        dx = super().backward(dout)
        self.x[...] = 0
        return dx


class BookRelu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class InPlace(Book):
    def backward(self, dout):
        self.y *= 1 - self.y
        self.y *= dout
        return self.y


class FreesItsCache(Book):
    def backward(self, dout):
        if self.y is None:
            raise RuntimeError("no y: call forward first")
        dx = super().backward(dout)
        self.y = None
        return dx


class FreesItWithoutAWord(FreesItsCache):
    def backward(self, dout):
        if self.y is None:
            raise RuntimeError
        return super().backward(dout)


class ClipsItsGradient(Book):
    def backward(self, dout):
        return np.clip(super().backward(dout), -0.8, 0.8)


class Squares(Book):
    def backward(self, dout):
        return super().backward(dout**2)


class Forgets(Book):
    def backward(self, dout):
        return super().backward(np.ones_like(dout))


class TakesSizes(Book):
    def backward(self, dout):
        return super().backward(np.abs(dout))


class Refuses(Book):
    def backward(self, dout):
        if np.any(dout < 0):
            raise ValueError("dout is negative")
        return super().backward(dout)


class AddsWhatIsSmall(Book):
    def backward(self, dout):
        return super().backward(dout) + 1e-10


BROKEN = {
    ChangesX: ("forward changes the x of its caller", None),
    ChangesXLater: ("backward changes the x that forward was given", None),
    BookRelu: ("backward changes the dout of its caller", None),
    InPlace: (AGAIN, None),
    FreesItsCache: (
        "backward cannot be called twice for one forward: RuntimeError: no y: call forward first",
        None,
    ),
    FreesItWithoutAWord: (
        "backward cannot be called twice for one forward: RuntimeError",
        None,
    ),
    ClipsItsGradient: (NOT_LINEAR, 2.0),
    Squares: (NOT_LINEAR, [0.0, 1.0, 1.0, 0.0, 1.0]),
    Forgets: (NOT_LINEAR, 1.0),
    TakesSizes: (NOT_LINEAR, 2.0),
    Refuses: (NOT_LINEAR, 2.0),
    AddsWhatIsSmall: (NOT_LINEAR, None),
}


@pytest.mark.parametrize(
    "build", [lambda layer: layer, lambda layer: layer()], ids=["class", "object"]
)
@pytest.mark.parametrize("layer", BROKEN, ids=lambda layer: layer.__name__)
def test_a_broken_promise_fails_a_right_gradient(layer, build):
    line, dout = BROKEN[layer]
    check = gradcheck(build(layer), X, dout)
    assert check.verdict == "pass"
    assert check.broken_promises == (line,)
    assert check.exit_code == 1


def test_nan_and_infinity_in_dout_hide_no_broken_promise():
    check = gradcheck(InPlace, X, [1.0, np.nan, np.inf, -np.inf, 2.0])
    assert check.broken_promises == (AGAIN,)


def test_a_broken_promise_is_seen_in_float32():
    check = gradcheck(ClipsItsGradient, np.array(X, np.float32), np.float32(2))
    assert check.broken_promises == (NOT_LINEAR,)


def test_promises_are_those_of_the_layer_and_not_of_a_gradient_from_elsewhere():
    dx = Sigmoid()
    dx.forward(X)
    assert gradcheck(InPlace, X, 2.0, dx=dx.backward(2.0)).broken_promises == ()


class KeepsTheFirst(Book):
    """Right as long as there is one forward."""

    first = None

    def forward(self, x):
        y = super().forward(x)
        self.first = self.y = y if self.first is None else self.first
        return y


class KeepsTheLastButOne(Book):
    latest = None

    def forward(self, x):
        y = super().forward(x)
        self.y, self.latest = y if self.latest is None else self.latest, y
        return y


@pytest.mark.parametrize("x", [X, [0.7], [0.0], [0.0, 0.0], np.array(X, np.float32)])
def test_a_backward_that_follows_the_first_forward_is_told_so(x):
    check = gradcheck(KeepsTheFirst, x)
    assert STALE in check.broken_promises
    assert check.exit_code == 1


class KeepsItUntilBackward(Book):
    """Wrong after a forward that no backward came for, as when a model is only used."""

    used = True

    def forward(self, x):
        before, y = self.y, super().forward(x)
        if not self.used:
            self.y = before
        self.used = False
        return y

    def backward(self, dout):
        self.used = True
        return super().backward(dout)


def test_a_cache_that_only_backward_frees_is_stale():
    check = gradcheck(KeepsItUntilBackward, X)
    assert check.verdict == "wrong"
    assert STALE in check.broken_promises


@pytest.mark.parametrize("x", [X, [0.7], [0.0]])
def test_a_backward_that_lags_by_one_forward_is_wrong(x):
    assert gradcheck(KeepsTheLastButOne, x).verdict == "wrong"


@pytest.mark.parametrize("case", ["affine", "relu", "softmax"])
@pytest.mark.parametrize("wrong", ["nothing", "the same for all x", "doubled"])
def test_a_wrong_backward_follows_no_earlier_forward_for_that(case, wrong):
    found = next(each for each in CORRECT if each.name == case)
    layer, x = found.build(), found.draw(np.random.default_rng(4))[:20]
    right, fixed = layer.g, np.random.default_rng(5).normal(size=x.shape)
    layer.g = {
        "nothing": lambda x, y, dout: 0 * right(x, y, dout),
        "the same for all x": lambda x, y, dout: fixed,
        "doubled": lambda x, y, dout: 2 * right(x, y, dout),
    }[wrong]
    check = gradcheck(layer, x)
    assert check.verdict == "wrong"
    assert STALE not in check.broken_promises


# What dx is


@pytest.mark.parametrize(
    ("change", "line", "verdict"),
    [
        (lambda dx: None, "backward returns nothing; expected dx", "unresolved"),
        (lambda dx: dx[:1], "backward gives a dx of shape (1,) where x has (5,); expected the same "
         "shape", "unresolved"),
        (lambda dx: dx[:, np.newaxis], "backward gives a dx of shape (5, 1) where x has (5,); "
         "expected the same shape", "unresolved"),
        (lambda dx: dx.sum(), "backward gives a dx of shape () where x has (5,); expected the same "
         "shape", "unresolved"),
        (lambda dx: dx + 0j, "backward gives a dx of complex128; expected a float type",
         "unresolved"),
        (lambda dx: dx.astype(object), "backward gives a dx of object; expected a float type",
         "unresolved"),
        (lambda dx: dx.astype(str), "backward gives a dx of <U32; expected a float type",
         "unresolved"),
        (lambda dx: [[1.0], [1.0, 2.0]], "backward gives a dx of object; expected a float type",
         "unresolved"),
        (lambda dx: np.rint(dx).astype(np.int64),
         "backward gives a dx of int64; expected float16, float32 or float64", "wrong"),
        (
            lambda dx: dx > 0,
            "backward gives a dx of bool; expected float16, float32 or float64",
            "wrong",
        ),
    ],
    ids=["None", "shorter", "longer", "sum", "complex", "object", "str", "ragged", "int", "bool"],
)  # fmt: skip
def test_what_is_no_gradient_of_x_is_said_and_fails(change, line, verdict):
    class Changed(Book):
        def backward(self, dout):
            return change(super().backward(dout))

    check = gradcheck(Changed(), X)
    assert check.broken_promises == (line,)
    assert (check.verdict, check.exit_code) == (verdict, 1)


def test_integers_that_are_right_are_no_float_type_either():
    identity = Layer(lambda x: 1.0 * x, lambda x, y, dout: dout.astype(np.int64))
    check = gradcheck(identity, X, [2.0, -3.0, 4.0, 5.0, -1.0])
    assert check.verdict == "pass"
    assert check.broken_promises == (
        "backward gives a dx of int64; expected float16, float32 or float64",
    )
    assert check.exit_code == 1


# Advice


class NeedsNoForward(Book):
    def backward(self, dout):
        return dout if self.y is None else super().backward(dout)


def need_no_forward():
    return NeedsNoForward()


@pytest.mark.parametrize("make", [NeedsNoForward, need_no_forward])
def test_a_new_layer_that_runs_backward_first_is_advised(make):
    check = gradcheck(make, X)
    assert check.advice == (OUT_OF_ORDER,)
    assert check.exit_code == 0


def test_a_layer_that_is_there_may_have_had_its_forward():
    assert gradcheck(NeedsNoForward(), X).advice == ()


class Loss:
    def forward(self, x):
        self.x = x
        return np.mean(x * x)

    def backward(self, dout=1):
        return 2 * self.x / self.x.size


def test_a_loss_may_ignore_dout():
    check = gradcheck(Loss, X)
    assert check.advice == (IGNORES,)
    assert (check.verdict, check.broken_promises, check.exit_code) == ("pass", (), 0)
    assert check.dout == 1


def test_a_loss_that_ignores_a_dout_that_is_given_is_wrong():
    check = gradcheck(Loss, X, 2.0)
    assert check.advice == ()
    assert check.verdict == "wrong"
    assert check.mistake == "the right gradient times 0.5000000"


def test_a_loss_that_is_wrong_stays_so_where_dout_is_ignored():
    class Doubled(Loss):
        def backward(self, dout=1):
            return 2 * super().backward()

    check = gradcheck(Doubled, X)
    assert (check.verdict, check.advice) == ("wrong", (IGNORES,))


# What cannot be checked


def test_a_random_forward_is_refused_by_the_element_that_differs():
    class Dropout:
        def __init__(self):
            self.masks = iter([[1, 1, 1], [1, 1, 1], [1, 0, 1]])  # the visit, then two for one x

        def forward(self, x):
            self.mask = np.array(next(self.masks))
            return x * self.mask

        def backward(self, dout):
            return dout * self.mask

    with pytest.raises(SigcliError) as caught:
        gradcheck(Dropout(), [1.5, 2.5, 3.5])
    assert str(caught.value) == (
        "forward gives two different y for the same x: y[1] is 2.5, then 0.0; "
        "a gradient needs one function, so fix what is random (seed or mask)"
    )


def test_a_random_mask_is_refused_and_a_fixed_one_is_not():
    class Dropout:
        def __init__(self, rng):
            self.rng = rng

        def forward(self, x):
            self.mask = self.rng().random(x.shape) > 0.5
            return x * self.mask

        def backward(self, dout):
            return dout * self.mask

    x, rng = np.ones((4, 5)), np.random.default_rng(1)
    with pytest.raises(SigcliError, match=re.escape("two different y for the same x: y[")):
        gradcheck(Dropout(lambda: rng), x)
    assert gradcheck(Dropout(lambda: np.random.default_rng(1)), x).exit_code == 0


def test_a_y_that_changes_its_shape_is_refused():
    class Growing:
        size = 0

        def forward(self, x):
            self.size += 1
            return np.resize(x, self.size)

        def backward(self, dout):
            return dout

    message = "forward gives y of shape (2,), then of (3,), for one x"
    with pytest.raises(SigcliError, match=re.escape(message)):
        gradcheck(Growing(), X)


@pytest.mark.parametrize("seeds", [2, pytest.param(8, marks=pytest.mark.long)])
def test_rounding_inside_of_a_gradient_that_cancels_is_no_broken_promise(seeds):
    """In a batch of 2, xn is ±1 and dx is what is left of terms 1e8 times larger."""
    for seed in range(seeds):
        x = np.random.default_rng(seed).uniform(-3, 3, (2, 3))
        assert gradcheck(zoo.batch_norm_of(3), x).broken_promises == ()
    saturated = zoo.Layer(zoo.softmax, zoo.softmax_dx)
    assert gradcheck(saturated, [0.0, 30.0, -1.0]).broken_promises == ()


def test_nan_from_backward_is_not_taken_for_ignoring_dout():
    def length(x):
        return np.sqrt((x * x).sum())

    with np.errstate(all="ignore"):
        check = gradcheck(zoo.Layer(length, lambda x, y, dout: dout * x / y), np.zeros(3))
    assert check.advice == ()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "forward returns nothing; expected y"),
        ([], "forward gives an empty y: there is no gradient to check"),
        ([[1.0], [1.0, 2.0]], "y: no array"),
        ("words", "y: an array of <U5 cannot be used"),
    ],
)
def test_a_forward_that_gives_no_array_of_numbers_is_refused(y, message):
    class Odd:
        def forward(self, x):
            return y

        def backward(self, dout):
            return dout

    with pytest.raises(SigcliError, match=message):
        gradcheck(Odd(), [1.0])


def test_a_layer_may_keep_the_x_it_is_given_from_being_written_to():
    class Freezes:
        def forward(self, x):
            x.flags.writeable = False
            self.out = np.tanh(x)
            return self.out

        def backward(self, dout):
            return dout * (1 - self.out**2)

    assert gradcheck(Freezes(), [0.5, 1.0]).exit_code == 0
