from __future__ import annotations

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.check import differences
from sigcli.check.differences import NODES, TERMS, fit, one_sided
from sigcli.check.steps import RATIO, exact, ladder, power_of_2

ALL = np.arange(66)


def fitted(f, x, *, noise=4.0, smooth=False):
    """Fit f at x from 66 steps; its values are within `noise` units in the last place."""
    x = np.atleast_1d(np.asarray(x, float))
    steps = ladder(power_of_2(np.maximum(1, np.abs(x))) / 2, len(ALL))
    h = exact(x, steps)
    with np.errstate(all="ignore"):
        up, down = f(x + h), f(x - h)
        off = noise * np.maximum(np.spacing(np.abs(up)), np.spacing(np.abs(down)))
        start = noise * np.spacing(np.abs(f(x)))
        rises = ((end - f(x)) * (steps / h) for end in (up, down))
        return fit(*rises, off, steps, start, ALL, smooth=smooth)


def seeded_points(count: int) -> np.ndarray:
    """Return `count` points of each of five kinds."""
    rng = np.random.default_rng(1982)
    return np.concatenate(
        [
            rng.uniform(-745, 745, count),
            rng.uniform(-45, 45, count),
            rng.uniform(-7, 7, count),  # where higher derivatives of σ vanish
            rng.uniform(-745.2, -690, count),  # down to and among subnormal results
            np.exp(rng.uniform(-40, 6, count)) * rng.choice([-1, 1], count),
        ]
    )


@pytest.mark.parametrize("points", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_the_bound_holds_against_the_true_gradient(truth, points):
    """By differences of forward and of the complement together."""
    x = seeded_points(points // 5)
    check = gradcheck(Sigmoid(), x, 1.0)
    exactly = [truth.slope(point) for point in x]
    errors = [truth.error(v, e) for v, e in zip(check.numeric, exactly, strict=True)]
    outside = [
        (point, float(error), float(bound))
        for point, error, bound in zip(x, errors, check.bound, strict=True)
        if not error <= truth.context.create_decimal(float(bound))
    ]
    assert outside == []
    normal = np.abs(x) <= 700
    assert np.max(check.bound[normal] / np.array(exactly, float)[normal]) < 3e-13


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
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("points", [100, pytest.param(500, marks=pytest.mark.long)])
def test_smooth_functions_have_small_bounds_that_hold(function, slope, smooth, points):
    x = np.random.default_rng(2).uniform(-3, 3, points)
    found = fitted(function, x, smooth=smooth)
    assert np.all(np.abs(found.value - slope(x)) <= found.bound)
    assert np.all(found.bound <= 1e-10 * np.maximum(1, np.abs(slope(x))))


@pytest.mark.parametrize("terms", range(1, TERMS + 1))
def test_the_most_that_a_kink_and_the_next_power_can_hide_is_known(terms):
    """Both found here by trying; 3,000 places of the kink, below the smallest step and above."""
    steps = float(RATIO) ** -np.arange(24.0)
    odd, even = (differences._basis(kind, terms) for kind in ("odd", "even"))

    def ratio(up, down):
        parts = ((odd, (up - down) / 2), (even, (up + down) / 2))
        misses = []
        for basis, values in parts:
            coefficients = basis.weights @ values[:NODES]
            curve = steps[:, np.newaxis] ** basis.powers @ coefficients
            misses.append(np.max(np.abs(values - curve)))
        return abs(odd.weights[0] @ parts[0][1][:NODES]) / max(misses)

    by_kink = max(
        ratio(np.maximum(0, steps - place), np.zeros(24))
        for place in np.geomspace(1e-6, 0.999, 3000)
    )
    by_power = ratio(steps ** (2 * terms + 1), -(steps ** (2 * terms + 1)))
    assert by_kink == pytest.approx(differences._KINK[terms - 1], rel=0.02)
    assert by_power == pytest.approx(differences._NEXT_POWER[terms - 1], rel=0.03)


def test_the_weights_reproduce_polynomials_exactly():
    nodes = float(RATIO) ** -np.arange(NODES)
    for kind, powers in (
        ("odd", (1, 3, 5, 7, 9)),
        ("even", (2, 4, 6, 8, 10)),
        ("all", range(1, 6)),
    ):
        weights = differences._basis(kind, TERMS).weights
        for i, power in enumerate(powers):
            np.testing.assert_allclose(weights @ nodes**power, np.eye(TERMS)[i], atol=1e-10)


@pytest.mark.parametrize("distance", 10.0 ** np.arange(-12, 0))
@pytest.mark.parametrize("side", [-1, 1])
def test_one_kink_anywhere_is_within_the_bound(distance, side):
    """|x − 1| with curvature beside it, as in a network."""
    x = 1 + side * distance
    found = fitted(lambda x: np.abs(x - 1) + 0.3 * np.sin(x), x)
    assert abs(found.value[0] - (side + 0.3 * np.cos(x))) <= found.bound[0]


@pytest.mark.parametrize("points", [400, pytest.param(2000, marks=pytest.mark.long)])
def test_noise_within_its_bound_is_within_the_bound_of_the_slope(points):
    rng = np.random.default_rng(5)
    x = rng.uniform(0.5, 2, points)
    found = fitted(lambda x: np.sin(x) + 1e-9 * rng.uniform(-1, 1, x.shape), x, noise=4e7)
    assert np.all(np.abs(found.value - np.cos(x)) <= found.bound)
    assert np.median(found.bound) < 1e-5


def test_noise_beyond_its_bound_is_not_believed():
    rng = np.random.default_rng(5)
    x = rng.uniform(0.5, 2, 200)
    found = fitted(lambda x: np.sin(x) + 1e-9 * rng.uniform(-1, 1, x.shape), x)
    assert np.all(np.isinf(found.bound) | (found.bound > 1e-6))


def test_what_is_not_finite_has_no_bound():
    with np.errstate(invalid="ignore"):
        assert not np.any(fitted(np.exp, [np.nan, np.inf, -np.inf]).bound < 1)


def test_steps_that_leave_the_domain_end_the_window():
    x = np.array([1e-3, 0.2, 1.0])
    found = fitted(np.log, x)
    assert np.all(np.abs(found.value - 1 / x) <= found.bound)
    assert np.all(found.bound < 1e-8 / x)


@pytest.mark.parametrize("scale", [2.0**-1060, 2.0**-1000, 2.0**-300, 2.0**300, 2.0**1000])
def test_scale_does_not_matter(scale):
    x = np.random.default_rng(3).uniform(-2, 2, 200)
    found = fitted(lambda t: scale * np.exp(t), x)
    assert np.all(np.abs(found.value - scale * np.exp(x)) <= found.bound + np.spacing(scale))
    if scale > 2.0**-1000:  # below, rounding to subnormal numbers is all that is left
        assert np.all(found.bound <= 1e-10 * scale * np.exp(x))


def test_one_sided_slopes_are_those_of_either_side():
    steps = ladder(np.full(1, 0.5), 66)
    noise = 4 * np.spacing(steps)
    for slope in (2.0, -3.0):
        value, bound = one_sided(slope * steps + steps**2, noise, steps, ALL)
        assert abs(value[0] - slope) <= bound[0] < 1e-9
