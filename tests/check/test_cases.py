"""Functions on which a gradient check was wrong once: each is a case of its own."""

from __future__ import annotations

import numpy as np
import pytest

from sigcli import gradcheck

from .suite import Given, Problem, network
from .zoo import Layer


def layer(f, slope):
    return Layer(f, lambda x, y, dout: dout * slope(x))


def zero(x):
    return 0 * x


def check(f, slope, x, **more):
    return gradcheck(layer(f, slope), np.atleast_1d(np.asarray(x, float)), 1.0, **more)


def truthful(found, truth):
    """Neither is a right gradient wrong, nor the truth outside of the bound."""
    inside = np.abs(found.numeric - truth) <= found.bound + 4 * np.spacing(np.abs(truth))
    return "wrong" not in found.verdicts and bool(np.all(inside | ~np.isfinite(found.bound)))


# Networks with ReLU: kinks along every coordinate


@pytest.mark.parametrize("hidden", [50, pytest.param(512, marks=pytest.mark.long)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_right_gradient_of_a_relu_network_is_never_wrong_and_mostly_passes(hidden, dtype):
    problem = network(np.random.default_rng(3), hidden, dtype, 3, "relu")
    found = Given(problem.forward, problem.truth).check(problem)
    assert "wrong" not in found.verdicts
    passed = np.mean(found.verdicts == "pass")
    assert passed >= {np.float64: 1.0, np.float32: 0.8 if hidden == 50 else 0.1}[dtype]
    off = Given(problem.forward, problem.truth + 2e-3 * problem.scale).check(problem)
    assert "pass" not in off.verdicts


# A kink nearby, with curvature


@pytest.mark.parametrize("distance", [1e-10, 1e-9, 1e-8, 1e-6, 1e-3])
@pytest.mark.parametrize(
    ("f", "slope", "place"),
    [
        (lambda x: x * np.clip(x + 3, 0, 6) / 6, lambda x: x / 3 + 0.5, 3.0),
        (lambda x: np.clip(x, -1, 1) ** 3, lambda x: 3 * x * x, 1.0),
        (lambda x: np.sin(np.minimum(x, 2)), np.cos, 2.0),
    ],
    ids=["hard swish", "cube of a clip", "truncated"],
)
def test_the_slope_beside_a_kink_is_not_that_of_the_middle(f, slope, place, distance):
    x = place - distance
    found = check(f, slope, x)
    assert truthful(found, slope(x))
    if distance >= 1e-6:
        assert found.verdict == "pass"


# Noise that hides a kink from small steps


@pytest.mark.parametrize("x", [5.668, 5.9, 6.0])
def test_a_coarse_function_is_not_read_off_steps_that_reach_across_a_kink(x):
    x = float(np.float16(x))
    found = check(
        lambda x: np.clip(x.astype(np.float16), 0, 6).astype(float), lambda x: 1.0 * (x <= 6), x
    )
    assert truthful(found, 1.0)


@pytest.mark.parametrize("distance", [1e-5, 1e-4, 1e-3, 1e-2])
def test_a_kink_in_float32_is_found_out_or_unresolved(distance):
    def f(x):
        return np.exp(-np.abs(x.astype(np.float32) - np.float32(1))).astype(float)

    x = 1 + float(np.float32(distance))
    found = check(f, lambda x: -np.exp(1 - x), x, rtol=3.45e-4)
    assert "wrong" not in found.verdicts


# Neighbours


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.abs(x - 1) ** 1.5, lambda x: 1.5 * np.sign(x - 1) * np.sqrt(np.abs(x - 1))),
        (lambda x: np.sqrt((x - 1) ** 2 + 1e-16), lambda x: (x - 1) / np.hypot(x - 1, 1e-8)),
        (lambda x: x * x * np.sin(1 / x), lambda x: 2 * x * np.sin(1 / x) - np.cos(1 / x)),
        (lambda x: x - np.floor(x), np.ones_like),
    ],
    ids=["|x - 1| ** 1.5", "hypot", "x² sin(1 / x)", "x - floor(x)"],
)
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_what_is_judged_beside_others_is_judged_as_alone(f, slope, every):
    x = np.concatenate(
        [1 + 10.0 ** -np.arange(1.0, 9), np.random.default_rng(1).uniform(0.01, 3, 8)]
    )[::every]
    together = check(f, slope, x)
    alone = [check(f, slope, point).verdict for point in x]
    assert together.verdicts.tolist() == alone
    assert "wrong" not in alone


def test_one_y_that_is_nan_or_a_unit_off_leaves_a_layer_element_by_element():
    class Uneven(Layer):
        passes = 0

        def forward(self, x):
            self.passes += 1
            y = np.tanh(x)
            y[0] = np.nan
            y[1] += np.spacing(y[1]) * (self.passes % 2) if self.passes > 40 else 0
            return y

    uneven = Uneven(None, lambda x, y, dout: 0)
    uneven.backward = lambda dout: dout * (1 - np.tanh(x) ** 2)
    x = np.linspace(-1, 1, 30)
    assert set(gradcheck(uneven, x).verdicts[2:]) == {"pass"}
    assert uneven.passes < 30 * 22


# Noise at x that is another at x ± h


def test_a_difference_that_is_smaller_at_x_than_beside_it_is_not_wrong():
    x = np.random.default_rng(2).uniform(1e-6, 9e-6, 50)
    assert truthful(check(lambda x: x - np.sin(x), lambda x: 2 * np.sin(x / 2) ** 2, x), x * x / 2)


def test_a_quotient_that_loses_its_digits_near_0_still_passes():
    x = np.random.default_rng(2).uniform(1e-6, 1e-3, 50)
    found = check(lambda x: (np.exp(x) - 1) / x, lambda x: 0.5 + x / 3 + x * x / 8 + x**3 / 30, x)
    assert "wrong" not in found.verdicts
    assert np.mean(found.verdicts == "pass") > 0.9


# Waves


@pytest.mark.parametrize("points", [5, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.parametrize("height", [1e-6, 1e-7, 1e-9, 1e-12])
def test_a_wave_above_the_noise_is_seen(height, points):
    x = np.random.default_rng(4).uniform(-3, 3, points)

    def slope(x):
        return np.cos(x) + 1e7 * height * np.cos(1e7 * x)

    def f(x):
        return np.sin(x) + height * np.sin(1e7 * x)

    assert truthful(check(f, slope, x), slope(x))
    assert "pass" not in check(f, np.cos, x).verdicts[np.abs(slope(x) / np.cos(x) - 1) > 1e-6]


# A backward of 0


@pytest.mark.parametrize(
    ("f", "x", "verdict"),
    [
        (lambda x: np.log(np.abs(x)), 1e-18, "wrong"),
        (lambda x: np.sqrt(np.abs(x)), 1e-20, "wrong"),
        (lambda x: 1 - np.tanh(x), 40.0, "unresolved"),
        (lambda x: -np.log(1 / (1 + np.exp(-x))), 100.0, "unresolved"),
        (lambda x: 1 - x / np.sqrt(1 + x * x), 1e9, "unresolved"),
        (np.floor, 1.3, "unresolved"),
    ],
    ids=["log", "sqrt", "1 - tanh", "-log of sigmoid", "1 - x / hypot", "floor"],
)
def test_a_gradient_of_0_does_not_pass_where_it_is_not_0(f, x, verdict):
    assert check(f, zero, x).verdict == verdict


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.clip(x, -1, 1), 3.0),
        (lambda x: np.clip(x, -1, 1), -1.001),
        (lambda x: np.where(x > 1, x, 1.0), 0.3),
        (lambda x: np.clip(x / 5 + 0.5, 0, 1), -2.6),
        (lambda x: np.clip(x, 0, 6), 7.0),
    ],
    ids=["clip", "clip, near", "threshold", "hard sigmoid", "relu6"],
)
def test_a_gradient_of_0_passes_where_y_leaves_its_plateau_continuously(f, x):
    assert check(f, zero, x).verdict == "pass"
    assert check(f, lambda x: 0 * x + 1e-3, x).verdict == "wrong"


# Jumps


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(i, marks=pytest.mark.long) for i in range(4, 10))]
)
def test_a_jump_makes_nothing_wrong_and_no_mistake_is_named(seed):
    x = np.random.default_rng(seed).uniform(-3, 3, 12)
    saw = check(lambda x: x - np.floor(x), np.ones_like, x)
    rounded = check(lambda x: np.round(16 * x) / 16, zero, x)
    for found in (saw, rounded):
        assert "wrong" not in found.verdicts
        assert found.mistake == ""
    assert np.mean(saw.verdicts == "pass") >= 0.4


@pytest.mark.parametrize("distance", 10.0 ** np.arange(-12, -1))
def test_a_jump_nearer_than_the_steps_makes_nothing_wrong(distance):
    x = np.array([-11.5, -3.5, 0.5, 7.5]) / 16
    x = np.concatenate([x - distance, x + distance])
    assert "wrong" not in check(lambda x: np.round(16 * x) / 16, zero, x).verdicts


def test_no_mistake_is_named_where_bounds_are_as_large_as_the_gradient():
    x = np.random.default_rng(0).uniform(-3, 3, 12)
    found = check(lambda x: np.round(np.sin(x), 1), lambda x: 30 * np.cos(x), x)
    assert found.mistake == ""


# Unresolved too often


@pytest.mark.parametrize(
    ("f", "slope", "x", "least"),
    [
        (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x),
         np.random.default_rng(1).uniform(-3, 3, 100), 0.4),
        (np.arccosh, lambda x: 1 / np.sqrt((x - 1) * (x + 1)), 1 + 10.0 ** -np.arange(0.5, 6), 0.9),
        (np.arctanh, lambda x: 1 / ((1 - x) * (1 + x)), 1 - 10.0 ** -np.arange(0.5, 6), 0.9),
        (lambda x: 1 / x, lambda x: -1 / x**2, 10.0 ** np.arange(-12.0, 12), 1.0),
        (np.log, lambda x: 1 / x, 10.0 ** np.arange(-20.0, 9), 1.0),
    ],
    ids=["sin(1e6 x)", "arccosh", "arctanh", "1 / x", "log"],
)  # fmt: skip
def test_fine_scales_and_ends_of_domains_are_resolved(f, slope, x, least):
    found = check(f, slope, x)
    assert "wrong" not in found.verdicts
    assert np.mean(found.verdicts == "pass") >= least


def test_a_float32_layer_is_told_which_rtol_resolves_all():
    def f(x):
        return np.tanh(x.astype(np.float32)).astype(float)

    x = np.random.default_rng(1).uniform(-2, 2, 20)
    found = check(f, lambda x: 1 - np.tanh(x) ** 2, x)
    assert found.verdict == "unresolved"
    assert found.resolving_rtol is not None
    again = check(f, lambda x: 1 - np.tanh(x) ** 2, x, rtol=found.resolving_rtol)
    assert again.verdict == "pass"


# Cost


def test_what_is_wrong_by_far_costs_no_more_than_what_is_right():
    x = np.random.default_rng(0).uniform(-2, 2, (6, 4))
    w = np.random.default_rng(1).normal(size=(4, 5))
    passes = []
    for factor in (1.0, 2.0):
        dx = factor * (np.resize((1.5, -0.5, 3.0, -2.5, 0.7), (6, 5)) @ w.T)
        given = Given(lambda x: x @ w, dx)
        given.check(Problem("", "", given.forward, x, dx, dx,
                            np.resize((1.5, -0.5, 3.0, -2.5, 0.7), (6, 5))))  # fmt: skip
        passes.append(given.passes)
    assert passes[0] <= 22 * x.size + 60
    assert passes[1] <= passes[0] + 10


@pytest.mark.parametrize("x", [1e-3, 1e-16, 1e-50, 1e-140])
def test_0_is_no_gradient_of_a_square_beside_0(x):
    """To all steps that are far larger than x, x² is symmetric."""
    assert check(lambda x: x * x, lambda x: 2 * x, [x]).verdict == "pass"
    assert check(lambda x: x * x, zero, [x]).verdict == "wrong"
    assert check(np.cos, zero, [x]).verdict != "pass"


@pytest.mark.parametrize("x", [-1e-3, -1e-13])
def test_a_right_0_passes_where_relu_is_0_however_near_the_kink(x):
    relu = check(lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), [x, 1.0])
    assert relu.verdict == "pass"


@pytest.mark.parametrize("power", [1.1, 1.3, 1.75])
def test_a_power_of_the_distance_hides_no_slope_in_the_noise(power):
    """sign(x) |x|¹·³ has the slope 0 at 0, and over ±h a slope of h⁰·³."""
    rng = np.random.default_rng(0)
    offset, slope, factor = rng.uniform(-1, 1, 60), rng.uniform(-0.1, 0.1, 60), rng.normal(size=60)
    found = check(
        lambda x: offset + slope * x + factor * np.sign(x) * np.abs(x) ** power,
        lambda x: slope,
        np.zeros(60),
    )
    assert "wrong" not in found.verdicts
    assert not np.any(np.abs(found.numeric - 1.0 * slope * found.dout) > found.bound)


def test_where_forward_itself_is_nan_that_is_the_reason():
    found = check(np.log, lambda x: 1 / x, [-1.0, 2.0])
    assert found.reason_codes.tolist() == ["forward_not_finite", ""]
