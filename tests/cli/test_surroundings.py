"""Settings and files around the program that once made it fail, or lie in its exit code."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "setting",
    ["COLUMNS=²", "COLUMNS=99999999999", "COLUMNS=-1", "LINES=x", "TERMINAL_WIDTH=abc",
     "_SIGCLI_COMPLETE=bogus", "_SIGCLI_COMPLETE=complete_bogus", "_SIGCLI_COMPLETE=source_"],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_passed_over(program, setting):
    name, _, value = setting.partition("=")
    ran = program("forward", "1", "--format", "plain", env={**os.environ, name: value})
    assert (ran.code, ran.out, ran.err) == (0, "0.7310585786300049\n", "")


def test_a_descriptor_beyond_all_numbers_is_a_file_that_cannot_be(sigcli):
    ran = sigcli("forward", "1", "--format", "json", "-o", f"/dev/fd/{'9' * 20}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("sigcli: --output: '/dev/fd/999")


def test_a_short_option_may_have_an_equals_sign(sigcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sigcli("forward", "1", "-o=f.json").code == 0
    assert os.listdir() == ["f.json"]
    assert sigcli("forward", "1", "-o=").err == "sigcli: -o needs a value\n"


def test_a_single_x_for_several_dout_is_said(sigcli):
    ran = sigcli("backward", "24", "--dout", "1", "32", "--format", "plain")
    assert (ran.code, len(ran.out.splitlines())) == (0, 2)
    assert ran.err == "sigcli: note: x is a single number, and goes with each of the 2 of dout\n"
    assert sigcli("backward", "24", "5", "--dout", "1", "--format", "plain").err == ""


def test_ctrl_c_is_quiet_from_the_first_line_on():
    """The signals are set before anything that takes time is imported."""
    source = Path(find_spec("sigcli.__main__").origin).read_text(encoding="utf-8")
    before = source[: source.index("signal.signal(")]
    assert re.findall(r"^(?:import|from) (\S+)", before, re.MULTILINE) == [
        "__future__", "signal", "sys",
    ]  # fmt: skip
