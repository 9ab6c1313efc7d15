from __future__ import annotations

import numpy as np
import pytest

from sigcli import Sigmoid
from sigcli.check.differences import UNIT_LADDER, Ladder, derivative

COUNT = 20_000  # of each kind of points


def seeded_points() -> np.ndarray:
    rng = np.random.default_rng(1982)
    return np.concatenate(
        [
            rng.uniform(-745, 745, COUNT),
            rng.uniform(-45, 45, COUNT),
            rng.uniform(-7, 7, COUNT),  # where higher derivatives of σ vanish
            rng.uniform(-745.2, -690, COUNT),  # down to and among subnormal results
            np.exp(rng.uniform(-40, 6, COUNT)) * rng.choice([-1, 1], COUNT),
        ]
    )


def test_the_bound_holds_against_the_true_gradient(truth):
    """At 100,000 points, by differences of forward and of the complement, and by the better."""
    x = seeded_points()
    layer = Sigmoid()
    exact = [truth.slope(point) for point in x]
    by_forward = derivative(layer.forward, x, ulps=4)
    by_complement = derivative(layer.complement, x, ulps=4)
    for found, sign in ((by_forward, 1), (by_complement, -1)):
        errors = [truth.error(sign * v, e) for v, e in zip(found.value, exact, strict=True)]
        outside = [
            (point, float(error), float(bound))
            for point, error, bound in zip(x, errors, found.bound, strict=True)
            if not error <= truth.context.create_decimal(float(bound))
        ]
        assert outside == []
    best = np.minimum(by_forward.bound, by_complement.bound)
    normal = np.abs(x) <= 700
    ratio = [
        float(b) / float(e) for b, e in zip(best[normal], np.array(exact)[normal], strict=True)
    ]
    assert max(ratio) < 3e-13


def test_where_a_higher_derivative_vanishes_the_bound_holds_too(truth):
    """Here neighbouring extrapolations agree by accident; with parents alone the bound failed."""
    layer = Sigmoid()
    for center in (1.33106, 1.33104, 2.10271, 3.16154, 4.70313, 6.17201, 0.42438):
        x = np.linspace(center - 2e-5, center + 2e-5, 1001)
        x = np.concatenate([x, -x])
        found = derivative(layer.forward, x, ulps=4)
        errors = [
            float(truth.error(v, truth.slope(p))) for v, p in zip(found.value, x, strict=True)
        ]
        assert np.max(np.array(errors) / found.bound) < 0.5


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda x: x**3, lambda x: 3 * x**2),
        (lambda x: 5 * x, lambda x: np.full(x.shape, 5.0)),
    ],
    ids=["exp", "sin", "cube", "line"],
)
def test_other_smooth_functions_are_within_the_bound(function, slope):
    x = np.random.default_rng(4).uniform(-3, 3, 2000)
    found = derivative(function, x, ulps=1)
    assert np.all(np.abs(found.value - slope(x)) <= found.bound + 4 * np.spacing(slope(x)))
    assert np.median(found.bound) < 1e-12


def test_a_power_that_the_ladder_eliminates_leaves_rounding_alone():
    """The order of the extrapolation: 3 rungs are exact for x⁴, since x³ in its error vanishes."""
    x = np.array([1.0])
    small = derivative(lambda t: t**4, x, ulps=0, ladder=Ladder(0.5, 2.0, 4))
    assert abs(small.value[0] - 4) < 1e-14
    large = derivative(lambda t: t**9, x, ulps=0, ladder=Ladder(0.5, 2.0, 4))
    assert 1e-6 < abs(large.value[0] - 9) <= large.bound[0]


def test_a_plateau_is_known_only_to_its_rounding():
    found = derivative(np.ones_like, np.array([3.0]), ulps=1)
    assert not found.moved[0]
    assert found.value[0] == 0
    assert found.bound[0] >= np.spacing(1.0) / UNIT_LADDER.first


def test_a_function_of_another_type_is_as_coarse_as_that_type():
    x = np.linspace(-3, 3, 50)
    found = derivative(lambda t: np.exp(t).astype(np.float32), x, ulps=1)
    assert np.all(np.abs(found.value - np.exp(x)) <= found.bound)
    assert np.all(found.bound > 1e-8 * np.exp(x))


@pytest.mark.parametrize("scale", [2.0**-1040, 2.0**-500, 2.0**1021])
def test_the_scale_of_the_function_does_not_matter(scale):
    x = np.linspace(-3, 0, 50)
    found = derivative(lambda t: scale * np.exp(t), x, ulps=1)
    assert np.all(np.isfinite(found.value))
    assert np.all(np.abs(found.value - scale * np.exp(x)) <= found.bound + np.spacing(scale))
    if scale > 2.0**-1000:  # below, rounding to subnormal numbers is all that is left
        assert np.all(found.bound <= 1e-12 * scale * np.exp(x))


def test_what_is_not_finite_has_no_bound():
    found = derivative(np.exp, np.array([np.nan, np.inf, -np.inf]), ulps=1)
    assert not np.any(found.bound[:2] < 1)
