from __future__ import annotations

import numpy as np

from sigcli.check.differences import DEVIATIONS, Fit
from sigcli.check.evaluate import Evaluator, Section
from sigcli.check.samples import NEARBY, RUNGS, averaged, fitted, sample
from sigcli.check.variables import Variable

from . import zoo

ALL = np.arange(RUNGS)


def section(f, x):
    evaluator = Evaluator(zoo.Layer(f, lambda *_: None), Variable("x", np.asarray(x, float)))
    return Section(evaluator, np.ones((1, len(x))), True, np.zeros(len(x)), 0.0, np.zeros(len(x)))


def noisy(f, size, seed=1):
    rng = np.random.default_rng(seed)
    return lambda x: f(x) + size * rng.normal(size=np.shape(x))


def test_means_of_steps_have_the_slope_of_a_polynomial_and_less_of_its_noise():
    def slope(x):
        return 3 * x**2 - 2

    x, noise = np.linspace(-1, 1, 400), 4e-7
    cubic = section(noisy(lambda x: x**3 - 2 * x, noise / DEVIATIONS), x)
    which, largest = np.arange(len(x)), np.full(len(x), 0.25)
    found: list[Fit] = []
    for samples, left in (
        (sample(cubic, which, 2 * largest, ALL), noise),
        (averaged(cubic, which, largest), noise / np.sqrt(len(NEARBY))),
    ):
        found.append(fitted(samples, *samples.noise(np.full((len(x), 1), left))))
        assert np.all(np.abs(found[-1].value[0] - slope(x)) <= found[-1].bound[0])
    single, means = (np.median(fit.bound) for fit in found)
    assert means < single / 2


def test_a_kink_within_the_steps_is_seen_in_their_means():
    x = np.linspace(0.02, 0.2, 200)
    kinked = section(noisy(np.abs, 1e-8), x)
    samples = averaged(kinked, np.arange(len(x)), np.full(len(x), 0.25))
    found = fitted(samples, *samples.noise(np.full((len(x), 1), 2e-8)))
    assert not np.any(np.abs(found.value[0] - 1) > found.bound[0])
    assert np.isfinite(found.bound[0]).mean() > 0.8
