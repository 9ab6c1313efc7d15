"""Every example of the README is run, and prints what the README says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
ROUGH = re.compile(r"\d\.\de-\d+|0\.0|[1-9]\.\d")  # the size of an error, not its digits


def examples() -> list[list[tuple[str, str]]]:
    """Return the console blocks: each command with the output below it."""
    blocks = []
    for block in re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        found = [(command, output) for command, _, output in (p.partition("\n") for p in parts)]
        if not found[0][0].startswith("pip install"):  # what .ci/run runs
            blocks.append(found)
    return blocks


def python() -> dict[str, str]:
    """Return the Python blocks by the file that their first line names; the example has none."""
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    named = re.compile(r"# (\w+\.py)\n")
    return {match[1] if (match := named.match(b)) else "": b for b in blocks}


def last_digit(text: str) -> float:
    """Return what one unit of the last digit of a number is worth."""
    mantissa, _, exponent = text.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def alike(found: str, expected: str) -> bool:
    """Whether two words are equal but for the last digits of a number."""
    if found == expected:
        return True
    if not (NUMBER.fullmatch(found) and NUMBER.fullmatch(expected)) or expected.isdecimal():
        return False
    distance = abs(float(found) - float(expected))
    if ROUGH.fullmatch(found) and ROUGH.fullmatch(expected):
        return distance < 9 * max(float(found), float(expected), 1e-14)
    exact = len(expected.replace(".", "").lstrip("-0").partition("e")[0]) > 14
    units = 40 if exact else 1.01  # a few ULPs, in decimal digits; or a rounding
    return distance <= units * last_digit(expected)


def words(text: str) -> list[str]:
    return re.sub("─+", "─", text).replace(",", " , ").replace("[", "[ ").replace("]", " ]").split()


def same(found: str, expected: str) -> bool:
    pairs = list(zip(words(found), words(expected), strict=False))
    return len(words(found)) == len(words(expected)) and all(alike(*pair) for pair in pairs)


@pytest.mark.parametrize("block", examples(), ids=lambda block: block[0][0][:50])
def test_an_example_prints_what_the_readme_says(block, tmp_path):
    for name, code in python().items():
        (tmp_path / (name or "example.py")).write_text(code)
    for command, output in block:
        done = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert same(done.stdout, output), done.stdout


def test_the_comparison_sees_a_wrong_digit_and_a_missing_word():
    assert alike("3.775134544136581e-11", "3.775134544136583e-11")
    assert not alike("3.775134544136581e-11", "3.775134544236581e-11")
    assert not alike("0.352506", "0.352516")
    assert not alike("pass", "wrong")
    assert not alike("24", "25")
    assert not same("1 2", "1 2 3")


def test_there_are_examples_of_every_command():
    commands = " ".join(command for block in examples() for command, _ in block)
    for command in ("forward", "backward", "gradcheck"):
        assert f"sigcli {command}" in commands


def test_the_python_example_runs():
    namespace: dict[str, object] = {}
    exec(python()[""], namespace)
    assert namespace["check"].exit_code == 0


def test_the_two_commands_stand_in_blocks_of_their_own():
    assert len(re.findall(r"^```sh\n[^\n]+\n```$", README, re.MULTILINE)) == 2
