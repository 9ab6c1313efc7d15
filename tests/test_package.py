from __future__ import annotations

import subprocess
import sys

import pytest

import sigcli


def test_the_public_names_are_these():
    assert sigcli.__all__ == ["GradientCheck", "SigcliError", "Sigmoid", "gradcheck", "sigmoid"]
    assert set(sigcli.__all__) <= set(dir(sigcli))
    for name in sigcli.__all__:
        assert getattr(sigcli, name).__name__ == name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'sigcli' has no attribute 'nope'"):
        sigcli.nope  # noqa: B018  # the access is what is tested


def test_the_bare_package_loads_neither_numpy_nor_typer():
    code = "import sys, sigcli; print([m for m in ('numpy', 'typer', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_errors_are_value_errors():
    assert issubclass(sigcli.SigcliError, ValueError)
