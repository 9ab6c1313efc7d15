from __future__ import annotations

import warnings

import numpy as np
import pytest

from sigcli import Sigmoid, sigmoid
from sigcli.errors import DtypeError, OrderError, RangeError, ShapeError

LIMITS = {"float64": 4, "float32": 1, "float16": 1}  # ULPs
REACH = {"float64": 746.0, "float32": 104.0, "float16": 18.0}  # beyond, y is 0 or 1


def edges(dtype: str) -> np.ndarray:
    info = np.finfo(dtype)
    special = [0.0, -0.0, info.smallest_subnormal, info.smallest_normal, info.eps, info.max]
    special += [36.7, 36.7368, 709.78, 709.79, 745.13, 745.14, 16.6, 16.7, 88.7, 103.97, 7.6, 9.7]
    with np.errstate(over="ignore"):
        values = np.array([*special, *(-x for x in special)]).astype(dtype)
    return values[np.isfinite(values)]


def points(dtype: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(20_26)
    reach = REACH[dtype]
    drawn = [rng.uniform(-reach * scale, reach * scale, count) for scale in (1, 0.1, 0.01, 1e-6)]
    return np.concatenate([*drawn]).astype(dtype)


def textbook(x, dout):
    """Return dx as the book computes it."""
    with np.errstate(over="ignore"):
        y = 1 / (1 + np.exp(-x))
    return dout * (1 - y) * y


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("count", [400, pytest.param(3000, marks=pytest.mark.long)])
def test_y_and_its_slope_are_right_to_a_few_ulps(truth, dtype, count):
    x = np.concatenate([edges(dtype), points(dtype, count)])
    layer = Sigmoid()
    y, slope = layer.forward(x), layer.backward(np.ones_like(x))
    assert y.dtype == slope.dtype == x.dtype
    assert truth.most_ulps(y, truth.sigma, x) <= LIMITS[dtype]
    assert truth.most_ulps(slope, truth.slope, x) <= LIMITS[dtype]


@pytest.mark.parametrize("dtype", LIMITS)
def test_the_textbook_formula_would_fail_the_same_test(truth, dtype):
    x = points(dtype, 100)
    slope = textbook(x, np.ones_like(x))
    assert truth.most_ulps(slope, truth.slope, x) > 1000


def test_a_formula_that_is_off_by_five_ulps_would_fail_the_same_test(truth):
    x = points("float64", 500)
    y = sigmoid(x)
    assert truth.most_ulps(y + 5 * np.spacing(y), truth.sigma, x) > LIMITS["float64"]


def test_dx_is_right_to_six_ulps_where_it_is_a_normal_number(truth):
    rng = np.random.default_rng(7)
    x = rng.uniform(-700, 700, 1000)
    dout = rng.normal(size=x.size) * 10.0 ** rng.integers(-3, 4, x.size)
    layer = Sigmoid()
    layer.forward(x)
    dx = layer.backward(dout)
    exact = [truth.context.multiply(truth.slope(a), truth.context.create_decimal(float(b)))
             for a, b in zip(x, dout, strict=True)]  # fmt: skip
    assert max(map(truth.ulps, dx, exact)) <= 6


def test_the_book_example():
    y = sigmoid([24, 32, 5])
    assert repr(y) == "array([1.        , 1.        , 0.99330715])"
    assert all(y < 1)


@pytest.mark.parametrize(
    ("x", "y", "slope"),
    [
        (np.inf, 1, 0),
        (-np.inf, 0, 0),
        (np.nan, np.nan, np.nan),
        (0.0, 0.5, 0.25),
        (-0.0, 0.5, 0.25),
        (1e308, 1, 0),
        (-1e308, 0, 0),
    ],
)
def test_special_values(x, y, slope):
    layer = Sigmoid()
    np.testing.assert_array_equal(layer.forward([x]), [y])
    np.testing.assert_array_equal(layer.backward([1.0]), [slope])
    np.testing.assert_array_equal(layer.out, [y])


def test_an_infinite_dout_where_the_gradient_is_0_gives_nan():
    layer = Sigmoid()
    layer.forward([np.inf, 0.0])
    np.testing.assert_array_equal(layer.backward(np.inf), [np.nan, np.inf])


def test_y_of_x_and_of_minus_x_add_up_to_1():
    x = points("float64", 3000)
    np.testing.assert_allclose(sigmoid(x) + sigmoid(-x), 1, rtol=2**-52)


def test_backward_is_linear_in_dout():
    layer = Sigmoid()
    layer.forward(points("float64", 3000))
    np.testing.assert_array_equal(layer.backward(-4.0), -4 * layer.backward(1.0))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 3), (0, 3), (2, 1, 4)])
def test_any_shape_goes_through(shape):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    layer = Sigmoid()
    y, dx = layer.forward(x), layer.backward(np.ones(shape))
    assert isinstance(y, np.ndarray)
    assert y.shape == dx.shape == layer.out.shape == shape
    np.testing.assert_array_equal(y.reshape(-1), sigmoid(x.reshape(-1)))


def test_large_arrays_are_what_their_parts_are():
    x = np.random.default_rng(1).normal(size=3 * 2**16 + 5) * 20
    layer = Sigmoid()
    y, dx = layer.forward(x), layer.backward(2.0)
    for part in (slice(0, 7), slice(2**16 - 3, 2**16 + 3), slice(-9, None)):
        small = Sigmoid()
        np.testing.assert_array_equal(small.forward(x[part]), y[part])
        np.testing.assert_array_equal(small.backward(2.0), dx[part])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(np.asfortranarray, id="fortran"),
        pytest.param(lambda x: x.astype(">f8"), id="big-endian"),
        pytest.param(lambda x: np.repeat(x, 2, axis=1)[:, ::2], id="strided"),
        pytest.param(lambda x: x.tolist(), id="list"),
    ],
)
def test_memory_layout_changes_nothing(change):
    x = np.random.default_rng(2).normal(size=(4, 5))
    layer, plain = Sigmoid(), Sigmoid()
    np.testing.assert_array_equal(layer.forward(change(x)), plain.forward(x))
    np.testing.assert_array_equal(layer.backward(change(x)), plain.backward(x))


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "uint64"])
def test_integers_become_float64(dtype):
    x = np.array([1, 2, 100], dtype)
    y = sigmoid(x)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, sigmoid([1.0, 2.0, 100.0]))


@pytest.mark.parametrize("dtype", ["complex128", "longdouble", "object", "U3", "bool", "M8[s]"])
def test_other_types_are_refused_by_name(dtype):
    name = np.dtype(dtype)
    message = (
        f"x: an array of {name} cannot be used; expected integers, float16, float32 or float64"
    )
    with pytest.raises(DtypeError) as caught:
        sigmoid(np.zeros(2, dtype))
    assert str(caught.value) == message


def test_no_input_warns_or_raises_a_floating_point_error():
    x = np.concatenate([edges("float64"), [np.inf, -np.inf, np.nan], points("float64", 100)])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for dtype in LIMITS:
            with np.errstate(all="ignore"):
                narrow = x.astype(dtype)
            layer = Sigmoid()
            layer.forward(narrow)
            layer.backward(narrow)
            layer.complement(narrow)


def test_results_share_memory_with_nothing():
    x, dout = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    kept_x, kept_dout = x.copy(), dout.copy()
    layer = Sigmoid()
    y = layer.forward(x)
    first = layer.backward(dout)
    expected = first.copy()
    for array in (x, y, layer.out, first):
        array[:] = 99.0
    np.testing.assert_array_equal(layer.backward(dout), expected)
    np.testing.assert_array_equal(dout, kept_dout)
    np.testing.assert_array_equal(layer.out, sigmoid(kept_x))


def test_forward_and_backward_leave_their_arguments_alone():
    x, dout = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    x.flags.writeable = dout.flags.writeable = False
    layer = Sigmoid()
    layer.forward(x)
    layer.backward(dout)
    np.testing.assert_array_equal(x, [1, -2])
    np.testing.assert_array_equal(dout, [3, 4])


def test_backward_goes_with_the_last_forward():
    layer = Sigmoid()
    layer.forward([1.0])
    layer.forward([2.0, 3.0])
    assert layer.backward([1.0, 1.0]).shape == (2,)


def test_backward_before_forward_says_so():
    assert Sigmoid().out is None
    with pytest.raises(OrderError) as caught:
        Sigmoid().backward([1.0])
    assert str(caught.value) == (
        "backward before forward: the layer has no y yet; call forward first"
    )


@pytest.mark.parametrize("shape", [(2,), (1, 3), (3, 1), (0,)])
def test_a_dout_that_does_not_fit_says_so(shape):
    layer = Sigmoid()
    layer.forward([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError) as caught:
        layer.backward(np.ones(shape))
    assert str(caught.value) == (
        f"dout has the shape {shape} where the last y has (3,); "
        "expected the same shape, or a single number"
    )


@pytest.mark.parametrize("dout", [2.0, [2.0], [[2.0]], np.float32(2)])
def test_a_single_dout_goes_with_any_shape(dout):
    layer = Sigmoid()
    layer.forward([[1.0, 2.0]])
    np.testing.assert_array_equal(layer.backward(dout), layer.backward([[2.0, 2.0]]))


def test_out_can_be_set_and_gives_the_gradient_of_that_y():
    layer = Sigmoid()
    layer.out = [0.0, 0.25, 0.5, 0.75, 1.0, np.nan]
    np.testing.assert_array_equal(layer.out, [0, 0.25, 0.5, 0.75, 1, np.nan])
    np.testing.assert_array_equal(layer.backward(16.0), [0, 3, 4, 3, 0, np.nan])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.5], "y[1]: 1.5 is out of range; expected 0 ≤ y ≤ 1"),
        ([[0.5], [-0.1]], "y[1, 0]: -0.1 is out of range; expected 0 ≤ y ≤ 1"),
        (2.0, "y: 2.0 is out of range; expected 0 ≤ y ≤ 1"),
    ],
)
def test_an_out_beyond_0_and_1_is_refused(y, message):
    with pytest.raises(RangeError) as caught:
        Sigmoid().out = y
    assert str(caught.value) == message


def test_the_complement_keeps_its_digits(truth):
    x = points("float64", 500)
    ulps = [truth.ulps(v, truth.sigma(-a)) for v, a in zip(Sigmoid().complement(x), x, strict=True)]
    assert max(ulps) <= 4
