"""What many tests need: a clean environment, the program, and the truth to 60 digits."""

from __future__ import annotations

import decimal
import io
import os
import sys
import sysconfig
from decimal import Decimal
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import typer

from sigcli import cli

from .program import Program, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SETTINGS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "GITHUB_ACTIONS")
SETTINGS += ("PYTHONUNBUFFERED", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LC_ALL")
HOMES = count()


# A process makes its commands once, in 5 ms; so does this one, though it runs thousands of lines.
typer.main.get_command = cache(typer.main.get_command)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> Iterator[None]:
    """No setting and no file of whoever runs the tests reaches the program.

    Nor does a module that another test has written and imported.
    """
    for name in [n for n in os.environ if n in SETTINGS or n.startswith(("SIGCLI_", "_SIGCLI"))]:
        monkeypatch.delenv(name)
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", scripts + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("PYTHONUTF8", "1")
    home = tmp_path_factory.getbasetemp() / f"home-{next(HOMES)}"  # mktemp would count them anew
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("sys.path", [*sys.path])
    loaded = len(sys.modules)
    yield
    written = str(tmp_path_factory.getbasetemp())
    for name in [*sys.modules][loaded:]:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(written):
            del sys.modules[name]


@pytest.fixture
def sigcli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run the program in this process."""

    def run(*args: str, stdin: str | bytes = b"") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
        code = cli.run(args)
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(params=["fork", pytest.param("process", marks=pytest.mark.long)])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Run the program as a process: a fork of this one, and among the long tests from scratch."""
    return Program(None if request.param == "fork" else tmp_path_factory.mktemp("hooks"))


@pytest.fixture
def process(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Run the program as a process from scratch."""
    return Program(tmp_path_factory.mktemp("hooks"))


class Truth:
    """The sigmoid and its derivative to 60 digits, and errors against them."""

    context = decimal.Context(prec=60, Emin=-(10**6), Emax=10**6)

    def exp(self, x: float) -> Decimal:
        # Beyond ±10,000 there is nothing to add to 1 within 60 digits, nor to any float.
        return Decimal(max(-1e4, min(1e4, float(x)))).exp()

    def sigma(self, x: float) -> Decimal:
        with decimal.localcontext(self.context):
            return 1 / (1 + self.exp(-x))

    def slope(self, x: float) -> Decimal:
        with decimal.localcontext(self.context):
            return 1 / ((1 + self.exp(x)) * (1 + self.exp(-x)))

    def error(self, value: float, exact: Decimal) -> Decimal:
        with decimal.localcontext(self.context):
            return abs(Decimal(float(value)) - exact)

    def ulps(self, value: np.floating[Any], exact: Decimal) -> float:
        """Return the error of `value` in units in the last place of its type."""
        unit = Decimal(float(np.spacing(np.abs(value))))
        with decimal.localcontext(self.context):
            return float(self.error(float(value), exact) / unit)

    def most_ulps(
        self, values: np.ndarray[Any, Any], exact: Callable[[float], Decimal], at: Sequence[float]
    ) -> float:
        """Return the largest error of `values` against ``exact(x)`` for each x of `at`."""
        return max(self.ulps(v, exact(x)) for v, x in zip(values, at, strict=True))


@pytest.fixture(scope="session")
def truth() -> Truth:
    return Truth()
