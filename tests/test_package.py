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


def test_the_layer_loads_no_parser_and_no_reader_of_files():
    code = (
        "import sys\nfrom sigcli import Sigmoid, gradcheck\ngradcheck(Sigmoid(), [1.0])\n"
        "print([m for m in sys.modules if m.startswith(('typer', 'rich', 'sigcli.cli',"
        " 'sigcli.read', 'sigcli.write', 'sigcli.show'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_windows_is_told_in_one_line_that_it_does_not_run_there():
    code = "import sys\nsys.platform = 'win32'\nfrom sigcli.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sigcli: runs on Linux and macOS; on Windows, use it in WSL\n"


def test_errors_are_value_errors():
    assert issubclass(sigcli.SigcliError, ValueError)
