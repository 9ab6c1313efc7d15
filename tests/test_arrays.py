from __future__ import annotations

import numpy as np
import pytest

from sigcli.arrays import converted, together
from sigcli.errors import ShapeError


def test_one_number_is_repeated_to_the_shape_of_the_other():
    _, dout = together({"x": np.ones((2, 3)), "dout": np.array([[[5.0]]])})
    np.testing.assert_array_equal(dout, np.full((2, 3), 5.0))
    x, _ = together({"x": np.array([7.0]), "dout": np.ones(4)})
    np.testing.assert_array_equal(x, [7, 7, 7, 7])


def test_a_0d_array_stays_0d_beside_another():
    x, dout = together({"x": np.array(1.0), "dout": np.array(2.0)})
    assert x.shape == dout.shape == ()


def test_one_number_goes_with_an_empty_array():
    assert together({"x": np.empty((0, 2)), "dout": np.ones(1)})[1].shape == (0, 2)


@pytest.mark.parametrize(
    ("values", "dtype", "notes"),
    [
        ([0.1, 65504.0, np.inf, np.nan, 0.0], "float16", []),
        ([70000.0], "float16", ["x[0]: 70000.0 is beyond float16 and becomes inf"]),
        ([1e39, 1.0, -1e300], "float32",
         ["x[0]: 1e+39 is beyond float32 and becomes inf, and 1 more"]),
        ([1.0, 1e-60], "float32", ["x[1]: 1e-60 is too small for float32 and becomes 0.0"]),
    ],
)  # fmt: skip
def test_what_a_conversion_loses_is_noted(values, dtype, notes):
    new, found = converted("x", np.array(values), dtype)
    assert new.dtype == dtype
    assert found == notes


def test_all_take_the_type_of_the_first():
    _, dout = together({"x": np.ones(2, np.float32), "dout": np.array([0.1, 1e300])})
    assert dout.dtype == np.float32
    np.testing.assert_array_equal(dout, np.array([0.1, np.inf], np.float32))


@pytest.mark.parametrize(
    ("x", "dout"), [((3,), (2,)), ((2, 3), (6,)), ((0,), (2,)), ((3,), (0,)), ((1,), (0,))]
)
def test_other_shapes_are_refused_with_both_named(x, dout):
    with pytest.raises(ShapeError) as caught:
        together({"x": np.ones(x), "dout": np.ones(dout)})
    assert str(caught.value) == (
        f"dout has the shape {dout} where x has {x}; the same shape is right, or a single number"
    )
