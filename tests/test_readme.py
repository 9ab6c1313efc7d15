"""Every example of the README and of the manual is run, and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from sigcli import cli

from .program import PAGES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {"README": README, **PAGES}
SHELL = re.compile(r"[|<>;&$*`]")  # what only a shell can do
PIPE = re.compile(r"(sigcli [^|<>;&$*`]*) \| ([^;&]*)")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
ROUGH = re.compile(r"\d\.\de-\d+|0\.0|[1-9]\.\d")  # the size of an error, not its digits
STEP = re.compile(r"\d\.\d\de[-+]\d+")  # of the differences that --why lists


def examples() -> list[list[tuple[str, str]]]:
    """Return the console blocks of all pages: each command with the output below it."""
    return [block for text in TEXTS.values() for block in console_blocks(text)]


def console_blocks(text: str) -> list[list[tuple[str, str]]]:
    """Return the console blocks of one page."""
    blocks = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        found = [(command, output) for command, _, output in (p.partition("\n") for p in parts)]
        if not found[0][0].startswith("pip install"):  # what .ci/run runs
            blocks.append(found)
    return blocks


def python() -> dict[str, str]:
    """Return the Python blocks by the file that their first line names; the example has none."""
    found = {}
    for block in re.findall(
        r"^```python\n(.*?)^```", "".join(TEXTS.values()), re.DOTALL | re.MULTILINE
    ):
        named = re.match(r"# (\w+\.py)\n", block)
        name = named[1] if named else ""
        assert name not in found, f"two blocks are called {name!r}"
        found[name] = block
    return found


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
    """Return the words of a text, with commas, brackets and the end of a sentence apart."""
    apart = re.sub(r"([,\[\]]|\.(?=\s))", r" \1 ", re.sub("─+", "─", text))
    return apart.split()


def same(found: str, expected: str) -> bool:
    """Whether two texts are equal but for spaces and the last digits of numbers.

    A number that was measured may differ by the error that is printed beside it.
    """
    now, before = words(found), words(expected)
    return len(now) == len(before) and all(
        alike(one, other) or within(one, other, error_beside(before, at))
        for at, (one, other) in enumerate(zip(now, before, strict=True))
    )


def within(found: str, expected: str, error: float) -> bool:
    numbers = NUMBER.fullmatch(found) and NUMBER.fullmatch(expected)
    return bool(numbers) and abs(float(found) - float(expected)) <= 4 * error


def error_beside(line: list[str], at: int) -> float:
    """Return the error of a measured number: behind its ±, or in the last column of --why."""
    measured = line[at + 1 : at + 2] == ["±"] or (at > 0 and STEP.fullmatch(line[at - 1]))
    error = line[at + 2] if measured and at + 2 < len(line) else ""
    return float(error) if ROUGH.fullmatch(error) else 0.0


def run(command: str, folder: Path) -> str:
    """Return what a command prints; sigcli alone, or first in a pipe, runs in this process."""
    piped = PIPE.fullmatch(command)
    if piped or SHELL.search(command) or not command.startswith("sigcli "):
        first = run(piped[1], folder) if piped else ""
        return subprocess.run(
            ["bash", "-c", piped[2] if piped else command], input=first,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, check=False,
        ).stdout  # fmt: skip
    both = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
        cli.run(shlex.split(command)[1:])
    both.flush()
    return both.buffer.getvalue().decode()


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=f"{name}: {block[0][0][:50]}")
        for name, text in TEXTS.items()
        for block in console_blocks(text)
    ],
)
def test_an_example_prints_what_its_page_says(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, code in python().items():
        (tmp_path / (name or "example.py")).write_text(code)
    for command, output in block:
        printed = run(command, tmp_path)
        assert same(printed, output), printed


def test_the_comparison_sees_a_wrong_digit_and_a_missing_word():
    assert alike("3.775134544136581e-11", "3.775134544136583e-11")
    assert not alike("3.775134544136581e-11", "3.775134544236581e-11")
    assert not alike("0.352506", "0.352516")
    assert not alike("pass", "wrong")
    assert not alike("24", "25")
    assert not same("1 2", "1 2 3")
    assert same("1.00000003 ± 2.0e-8", "1.00000001 ± 1.0e-8")
    assert not same("1.00000009 ± 2.0e-8", "1.00000001 ± 1.0e-8")
    assert not same("pass ± 2.0e-8", "wrong ± 2.0e-8")


def test_there_are_examples_of_every_command():
    commands = " ".join(command for block in examples() for command, _ in block)
    for command in ("forward", "backward", "gradcheck", "graph", "plot"):
        assert f"sigcli {command}" in commands


def test_the_python_example_runs():
    namespace: dict[str, object] = {}
    exec(python()[""], namespace)
    assert namespace["check"].exit_code == 0


def test_the_two_commands_stand_in_blocks_of_their_own():
    assert len(re.findall(r"^```sh\n[^\n]+\n```$", README, re.MULTILINE)) == 2


def test_the_readme_can_be_read_in_minutes_and_names_every_page(sigcli):
    assert len(README.splitlines()) <= 220
    listed = [line.split()[0] for line in sigcli("manual").out.splitlines()]
    assert re.findall(r"\(sigcli/manual/(\w+)\.md\)", README) == listed


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_a_heading_and_a_sentence_that_fits_a_line(name):
    heading, blank, sentence, after = TEXTS[name].splitlines()[:4]
    assert heading.startswith("# ")
    assert blank == after == ""
    assert sentence.endswith(".")
    assert len(sentence) <= 80 - 2 - max(map(len, PAGES))


def test_every_page_that_is_mentioned_is_there():
    texts = [*TEXTS.values(), *(p.read_text() for p in (ROOT / "sigcli" / "cli").glob("*.py"))]
    named = set(re.findall(r"sigcli manual ([a-z]+)", " ".join(texts)))
    assert named <= set(PAGES)
