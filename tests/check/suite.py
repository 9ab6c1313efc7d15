"""Problems with a known truth, by class, and what a gradient check makes of them.

The truth of the smooth functions is mpmath's derivative at 50 digits; that of the others is a
closed form, or exact. `python -m tests.check.suite` prints the table, with more points and with
what numdifftools and scipy.differentiate make of the smooth ones where they are installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

import mpmath
import numpy as np

from sigcli import gradcheck

Array = np.ndarray


class Functions:
    """The functions of `mpmath` by its names, for arrays of float64."""

    sin, cos, tan, exp, log, sqrt = np.sin, np.cos, np.tan, np.exp, np.log, np.sqrt
    sinh, cosh, tanh, expm1, log1p = np.sinh, np.cosh, np.tanh, np.expm1, np.log1p
    asin, acos, atan, asinh, acosh, atanh = (
        np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh,
    )  # fmt: skip
    erf, erfc = np.vectorize(math.erf), np.vectorize(math.erfc)
    gamma, loggamma = np.vectorize(math.gamma), np.vectorize(math.lgamma)


Written = Callable[[object, object], object]
SMOOTH: dict[str, tuple[Written, float, float]] = {
    "sin": (lambda m, x: m.sin(x), -6, 6),
    "cos": (lambda m, x: m.cos(x), -6, 6),
    "tan": (lambda m, x: m.tan(x), -1.5, 1.5),
    "exp": (lambda m, x: m.exp(x), -40, 40),
    "log": (lambda m, x: m.log(x), 1e-3, 9),
    "sqrt": (lambda m, x: m.sqrt(x), 1e-3, 9),
    "1/x": (lambda m, x: 1 / x, 1e-2, 9),
    "1/x at both sides": (lambda m, x: 1 / x, -1, 1),
    "x**2": (lambda m, x: x * x, -9, 9),
    "x**3": (lambda m, x: x * x * x, -9, 9),
    "x**7": (lambda m, x: x**7, -3, 3),
    "x**20": (lambda m, x: x**20, -2, 2),
    "line": (lambda m, x: 3 * x - 1, -9, 9),
    "tanh": (lambda m, x: m.tanh(x), -4, 4),
    "sinh": (lambda m, x: m.sinh(x), -9, 9),
    "cosh": (lambda m, x: m.cosh(x), -9, 9),
    "asin": (lambda m, x: m.asin(x), -0.999, 0.999),
    "acos": (lambda m, x: m.acos(x), -0.999, 0.999),
    "atan": (lambda m, x: m.atan(x), -9, 9),
    "asinh": (lambda m, x: m.asinh(x), -9, 9),
    "acosh": (lambda m, x: m.acosh(x), 1.001, 9),
    "atanh": (lambda m, x: m.atanh(x), -0.999, 0.999),
    "expm1": (lambda m, x: m.expm1(x), -3, 3),
    "log1p": (lambda m, x: m.log1p(x), -0.99, 9),
    "erf": (lambda m, x: m.erf(x), -3, 3),
    "erfc": (lambda m, x: m.erfc(x), -3, 9),
    "gamma": (lambda m, x: m.gamma(x), 0.1, 9),
    "log of gamma": (lambda m, x: m.loggamma(x), 0.1, 30),
    "sigmoid": (lambda m, x: 1 / (1 + m.exp(-x)), -30, 9),
    "softplus": (lambda m, x: m.log1p(m.exp(x)), -30, 30),
    "softplus, naive": (lambda m, x: m.log(1 + m.exp(x)), -30, 9),
    "swish": (lambda m, x: x / (1 + m.exp(-x)), -9, 9),
    "gelu": (lambda m, x: x * (1 + m.erf(x / m.sqrt(2))) / 2, -5, 5),
    "gelu by tanh": (lambda m, x: x * (1 + m.tanh(0.797 * (x + 0.0447 * x**3))) / 2, -8, 5),
    "mish": (lambda m, x: x * m.tanh(m.log(1 + m.exp(x))), -38, 5),
    "bell": (lambda m, x: m.exp(-x * x), -5, 5),
    "Runge": (lambda m, x: 1 / (1 + 25 * x * x), -2, 2),
    "Witch of Agnesi": (lambda m, x: 1 / (1 + x * x), -9, 9),
    "sin(10 x)": (lambda m, x: m.sin(10 * x), -3, 3),
    "sin(1000 x)": (lambda m, x: m.sin(1000 * x), -3, 3),
    "sin(1e6 x)": (lambda m, x: m.sin(1e6 * x), -3, 3),
    "sin(x / 1000)": (lambda m, x: m.sin(x / 1000), -9e3, 9e3),
    "sin(1e8 + x)": (lambda m, x: m.sin(1e8 + x), -3, 3),
    "atan(1e4 x)": (lambda m, x: m.atan(1e4 * x), -1e-2, 1e-2),
    "tanh(1e8 (x - 1))": (lambda m, x: m.tanh(1e8 * (x - 1)), 1 - 1e-7, 1 + 1e-7),
    "x sin(x)": (lambda m, x: x * m.sin(x), -9, 9),
    "x exp(-x)": (lambda m, x: x * m.exp(-x), -3, 30),
    "x log(x)": (lambda m, x: x * m.log(x), 1e-3, 9),
    "exp(sin x)": (lambda m, x: m.exp(m.sin(x)), -9, 9),
    "sin(x) / x": (lambda m, x: m.sin(x) / x, 1e-3, 30),
    "sin(1 / x)": (lambda m, x: m.sin(1 / x), 1e-3, 1),
    "x**2 sin(1 / x)": (lambda m, x: x * x * m.sin(1 / x), 1e-4, 1),
    "exp(-1 / x)": (lambda m, x: m.exp(-1 / x), 1e-2, 3),
    "exp(1 / x)": (lambda m, x: m.exp(1 / x), 1e-2, 3),
    "sqrt(1 + x**2)": (lambda m, x: m.sqrt(1 + x * x), -9, 9),
    "sqrt((x - 1)**2 + 1e-16)": (lambda m, x: m.sqrt((x - 1) ** 2 + 1e-16), 1 - 1e-6, 1 + 1e-6),
    "1 - cos": (lambda m, x: 1 - m.cos(x), -1e-3, 1e-3),
    "x - sin": (lambda m, x: x - m.sin(x), 1e-6, 9e-6),
    "(exp(x) - 1) / x": (lambda m, x: (m.exp(x) - 1) / x, 1e-6, 1e-3),
    "log(1 + x)": (lambda m, x: m.log(1 + x), 1e-9, 1e-3),
    "sqrt(x + 1) - sqrt(x)": (lambda m, x: m.sqrt(x + 1) - m.sqrt(x), 1e3, 1e6),
    "1e6 + tanh": (lambda m, x: 1e6 + m.tanh(x), -2, 2),
    "(x + 1e6) - 1e6": (lambda m, x: (x + 1e6) - 1e6, -3, 3),
    "1e-310 tanh": (lambda m, x: 1e-310 * m.tanh(x), -2, 2),
    "1e300 tanh": (lambda m, x: 1e300 * m.tanh(x), -2, 2),
    "waves of 1e-7": (lambda m, x: m.sin(x) + 1e-7 * m.sin(1e7 * x), -3, 3),
    "waves of 1e-10": (lambda m, x: m.sin(x) + 1e-10 * m.sin(1e7 * x), -3, 3),
    "log near 0": (lambda m, x: m.log(x), 1e-20, 1e-8),
    "sqrt near 0": (lambda m, x: m.sqrt(x), 1e-22, 1e-8),
    "acosh near 1": (lambda m, x: m.acosh(1 + x), 1e-9, 1e-3),
    "Wilkinson": (lambda m, x: (x - 1) * (x - 2) * (x - 3) * (x - 4) * (x - 5), 0, 6),
    "rational": (lambda m, x: (x**3 - 2) / (x * x + 1), -9, 9),
}  # fmt: skip


@dataclass
class Problem:
    """A layer at a point, its true gradient, and what the tolerance is relative to."""

    name: str
    kind: str
    forward: Callable[[Array], Array]
    x: Array
    truth: Array
    scale: Array
    dout: Array | float = 1.0
    rtol: float | None = None


class Given:
    """A layer whose backward gives the numbers that it was given."""

    def __init__(self, forward: Callable[[Array], Array], dx: Array) -> None:
        self.function, self.dx, self.passes = forward, dx, 0

    def forward(self, x: Array) -> Array:
        self.passes += 1
        return np.asarray(self.function(np.array(x)))

    def backward(self, dout: Array) -> Array:
        return self.dx * np.mean(dout / self.dout)

    def check(self, problem: Problem):
        self.dout = np.asarray(problem.dout)
        return gradcheck(self, problem.x, problem.dout, rtol=problem.rtol)


def smooth(rng: np.random.Generator, points: int) -> Iterator[Problem]:
    for name, (written, low, high) in SMOOTH.items():
        if low > 0 and high / low > 1e3:
            x = np.exp(rng.uniform(np.log(low), np.log(high), points))
        else:
            x = rng.uniform(low, high, points)
        with mpmath.workdps(50):
            exact = [
                mpmath.diff(
                    lambda t, w=written: w(mpmath, t),
                    mpmath.mpf(p),
                    h=mpmath.mpf(10) ** -35 * max(abs(p), 1e-20),
                )
                for p in x.tolist()
            ]
        truth = np.array([float(value) for value in exact])
        yield Problem(name, "smooth", lambda x, w=written: w(Functions, x), x, truth, abs(truth))


def _near(rng: np.random.Generator, place: float, points: int, low: float, high: float) -> Array:
    distance = np.exp(rng.uniform(np.log(low), np.log(high), points))
    return place + rng.choice([-1, 1], points) * distance


KINKS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], float]] = {
    "relu": (lambda x: np.maximum(0, x), lambda x: 1.0 * (x > 0), 0.0),
    "relu at 1": (lambda x: np.maximum(1, x), lambda x: 1.0 * (x > 1), 1.0),
    "leaky relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01), 0.0),
    "abs": (np.abs, np.sign, 0.0),
    "|x - 1| ** 1.5": (lambda x: np.abs(x - 1) ** 1.5,
                       lambda x: 1.5 * np.sign(x - 1) * np.sqrt(np.abs(x - 1)), 1.0),
    "exp(-|x - 1|)": (lambda x: np.exp(-np.abs(x - 1)),
                      lambda x: -np.sign(x - 1) * np.exp(-np.abs(x - 1)), 1.0),
    "hard swish": (lambda x: x * np.clip(x + 3, 0, 6) / 6,
                   lambda x: np.where(x < -3, 0, np.where(x > 3, 1, x / 3 + 0.5)), 3.0),
    "clip": (lambda x: np.clip(x, -1, 1), lambda x: 1.0 * (np.abs(x) < 1), 1.0),
    "clip ** 3": (lambda x: np.clip(x, -1, 1) ** 3,
                  lambda x: np.where(np.abs(x) < 1, 3 * x * x, 0), 1.0),
    "hard sigmoid": (lambda x: np.clip(x / 5 + 0.5, 0, 1), lambda x: 0.2 * (np.abs(x) < 2.5), -2.5),
    "soft shrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
                    lambda x: 1.0 * (np.abs(x) > 0.5), 0.5),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
            lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))), 0.0),
    "smooth step": (lambda x: np.where(x > 1, 1, np.where(x < 0, 0, 3 * x * x - 2 * x**3)),
                    lambda x: np.where((x < 0) | (x > 1), 0, 6 * x - 6 * x * x), 1.0),
    "square of relu": (lambda x: np.maximum(0, x) ** 2, lambda x: 2 * np.maximum(0, x), 0.0),
}  # fmt: skip


def kinks(rng: np.random.Generator, points: int) -> Iterator[Problem]:
    for name, (f, slope, place) in KINKS.items():
        x = _near(rng, place, points, 1e-10, 2.0)
        truth = np.asarray(slope(x), float)
        yield Problem(name, "kinks", f, x, truth, abs(truth))


def _tables(rng: np.random.Generator) -> Iterator[tuple[str, Callable, Callable, float]]:
    at, value = np.linspace(-3, 3, 25), rng.normal(size=25)
    steps = np.diff(value) / np.diff(at)
    yield ("table", lambda x: np.interp(x, at, value),
           lambda x: steps[np.searchsorted(at, x) - 1], 3)  # fmt: skip

    def cubic(x, order):
        i = np.clip(np.searchsorted(at, x) - 1, 0, 23)
        t, width = (x - at[i]) / 0.25, 0.25
        ends = value[i], value[i + 1], 0.1 * value[(7 * i) % 25], 0.1 * value[(7 * i + 7) % 25]
        hermite = (2 * t**3 - 3 * t**2 + 1, 3 * t**2 - 2 * t**3, t**3 - 2 * t**2 + t, t**3 - t**2)
        if order:
            hermite = (
                6 * t * t - 6 * t,
                6 * t - 6 * t * t,
                3 * t * t - 4 * t + 1,
                3 * t * t - 2 * t,
            )
        return sum(e * h for e, h in zip(ends, hermite, strict=True)) / (width if order else 1)

    yield "cubic pieces", lambda x: cubic(x, 0), lambda x: cubic(x, 1), 2.9
    nodes, weights = np.polynomial.legendre.leggauss(12)

    def quadrature(x):
        t = x[..., np.newaxis] * (nodes + 1) / 2
        return x / 2 * (np.exp(-t * t) @ weights)

    yield "quadrature", quadrature, lambda x: np.exp(-x * x), 2
    yield "x - floor(x)", lambda x: x - np.floor(x), np.ones_like, 3
    yield "rounded to 1/16", lambda x: np.round(16 * x) / 16, np.zeros_like, 3
    yield "rounded to 6 digits", lambda x: np.round(np.sin(x), 6), np.cos, 3


def coarse(rng: np.random.Generator, points: int) -> Iterator[Problem]:
    for name, f, slope, reach in _tables(rng):
        x = rng.uniform(-reach, reach, points)
        truth = np.asarray(slope(x), float)
        yield Problem(name, "coarse", f, x, truth, abs(truth))
    for dtype, rtol in ((np.float32, None), (np.float32, 3.45e-4), (np.float16, 0.0313)):
        for name, f, slope in (
            ("tanh", np.tanh, lambda x: 1 / np.cosh(x) ** 2),
            ("sin", np.sin, np.cos),
            ("relu6", lambda x: np.clip(x, 0, 6), lambda x: 1.0 * ((x > 0) & (x < 6))),
            ("exp(-|x - 1|)", lambda x: np.exp(-np.abs(x - 1)),
             lambda x: -np.sign(x - 1) * np.exp(-np.abs(x - 1))),
        ):  # fmt: skip
            x = rng.uniform(-3, 7, points).astype(dtype).astype(float)
            truth = np.asarray(slope(x), float)
            inside = lambda x, f=f, t=dtype: f(x.astype(t)).astype(float)  # noqa: E731
            title = f"{name} in {dtype.__name__}"
            yield Problem(
                title, f"{dtype.__name__} inside", inside, x, truth, abs(truth), rtol=rtol
            )


def network(rng: np.random.Generator, hidden: int, dtype: type, rows: int, bend: str) -> Problem:
    """Affine 3–hidden–2 with a kink in between, its gradient exact but for rounding."""
    w, b = 0.8 * rng.normal(size=(3, hidden)), 0.5 * rng.normal(size=hidden)
    v = rng.normal(size=(hidden, 2)) * np.sqrt(2 / hidden)
    w, b, v = (a.astype(dtype) for a in (w, b, v))
    x = rng.normal(size=(rows, 3)).astype(dtype).astype(float)
    low = {"relu": 0.0, "leaky relu": 0.01, "abs": -1.0}[bend]

    def forward(x):
        a = x.astype(dtype) @ w + b
        return (np.where(a > 0, a, dtype(low) * a) @ v).astype(float)

    dout = np.resize((1.5, -0.5, 3.0, -2.5, 0.7), (rows, 2))
    wide = [a.astype(float) for a in (w, b, v)]
    side = np.where(x @ wide[0] + wide[1] > 0, 1, low)
    each = np.einsum("rh,ih,ho->rio", side, wide[0], wide[2]) * dout[:, np.newaxis]
    rtol = None if dtype is np.float64 else 3.45e-4
    name = f"3–{hidden}–2, {bend}, {dtype.__name__}"
    kind = f"networks in {dtype.__name__}"
    return Problem(name, kind, forward, x, each.sum(axis=-1), abs(each).sum(axis=-1), dout, rtol)


def networks(rng: np.random.Generator, rows: int, widths: tuple[int, ...]) -> Iterator[Problem]:
    for hidden in widths:
        for dtype in (np.float64, np.float32):
            for bend in ("relu", "leaky relu", "abs", "relu"):
                yield network(rng, hidden, dtype, rows, bend)


@dataclass
class Row:
    """What a class of problems came to."""

    points: int = 0
    called_wrong: int = 0
    wrong_passed: int = 0
    exceeded: int = 0
    passed: int = 0
    passes: list[float] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.points:7d} {self.called_wrong:12d} {self.wrong_passed:12d} "
            f"{self.exceeded:8d} {self.passed / self.points:8.1%} {np.median(self.passes):8.0f}"
            f"   {'; '.join(sorted(set(self.named)))}"
        )


WRONG = (
    lambda dx, scale: 0 * dx,
    lambda dx, scale: 2 * dx,
    lambda dx, scale: -dx,
    lambda dx, scale: dx + 2e-3 * scale,
    lambda dx, scale: dx - 1e-6 * scale,
)


def judged(problem: Problem, row: Row, wrong: tuple[int, ...]) -> None:
    """Add to `row` what the check says of the right gradient, and of some wrong ones."""
    layer = Given(problem.forward, problem.truth)
    check = layer.check(problem)
    truth, tol = problem.truth, check.rtol * problem.scale
    off = np.abs(check.numeric - truth) > check.bound + 4 * np.spacing(problem.scale)
    bad = (check.verdicts == "wrong").sum(), (off & np.isfinite(check.bound)).sum()
    row.points += truth.size
    row.called_wrong += bad[0]
    row.exceeded += bad[1]
    row.passed += (check.verdicts == "pass").sum()
    together = problem.x.shape == np.shape(problem.forward(problem.x))
    row.passes += [layer.passes / (1 if together else problem.x.size)] * truth.size
    passed = 0
    for which in wrong:
        dx = WRONG[which](truth, problem.scale)
        seen = Given(problem.forward, dx).check(problem).verdicts == "pass"
        passed += (seen & (np.abs(dx - truth) > 3 * tol)).sum()
    row.wrong_passed += passed
    if sum(bad) + passed:
        row.named.append(problem.name)


def table(points: int, rows: int, widths: tuple[int, ...], *, seed: int,
          wrong: tuple[int, ...] = (0, 1, 2, 3, 4), every: int = 1) -> dict[str, Row]:  # fmt: skip
    """Check all problems, or each fifth where `every` is 5, and count by class."""
    rng = np.random.default_rng(seed)
    found: dict[str, Row] = {}
    problems = chain(smooth(rng, points), kinks(rng, points), coarse(rng, points),
                     networks(rng, rows, widths))  # fmt: skip
    for problem in islice(problems, 0, None, every):
        with np.errstate(all="ignore"):
            judged(problem, found.setdefault(problem.kind, Row()), wrong)
    return found


def peers(points: int, seed: int) -> Iterator[tuple[str, Row]]:
    """What numdifftools and scipy.differentiate make of the smooth functions, by the same rule.

    A gradient is called wrong if it is outside of the estimate by more than the error that is
    claimed and the tolerance, and passes if it is within the tolerance by more than that error.
    """
    import warnings

    import numdifftools
    from scipy.differentiate import derivative

    def by_numdifftools(f, x):
        found = numdifftools.Derivative(f, full_output=True)(x)
        return found.estimate, found.error_estimate

    def by_scipy(f, x):
        found = derivative(f, x)
        return found.df, found.error

    rtol = 2.0**-26
    for name, engine in (("numdifftools", by_numdifftools), ("scipy.differentiate", by_scipy)):
        row = Row(passes=[np.nan])
        for problem in smooth(np.random.default_rng(seed), points):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                value, claimed = engine(problem.forward, problem.x)
            row.points += problem.x.size
            off, tol = np.abs(value - problem.truth), rtol * problem.scale
            row.called_wrong += (off - claimed > tol).sum()
            row.exceeded += (off > claimed + 4 * np.spacing(problem.scale)).sum()
            row.passed += (off + claimed <= tol).sum()
            for way in WRONG:
                dx = way(problem.truth, problem.scale)
                apart = np.abs(dx - problem.truth) > 3 * tol
                row.wrong_passed += (
                    apart & (np.abs(dx - value) + claimed <= rtol * np.abs(value))
                ).sum()
        yield name, row


if __name__ == "__main__":
    import sys
    from importlib.util import find_spec

    points = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(" points called wrong wrong passed exceeded   passed   passes")
    for kind, row in table(points, 8, (50, 128, 512, 2048), seed=seed, wrong=(0, 3)).items():
        print(f"{row} {kind}")
    if find_spec("numdifftools") and find_spec("scipy"):
        for name, row in peers(points, seed):
            print(f"{row} smooth, by {name}")
