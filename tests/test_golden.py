"""What the program does today, frozen: exit codes, what is printed, and the files written.

`golden.json` holds command lines of the README, every ``--help``, and several hundred that the
generator of `test_fuzz` drew. Whoever changes what is printed on purpose writes it anew with
``python -m tests.test_golden`` and reads the difference.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

from . import test_fuzz as fuzz
from .test_readme import python

GOLDEN = Path(__file__).with_name("golden.json")
PARTS = 8
# The file that the command lines of `golden.json` name.
LAYERS = """\
# layers.py
import numpy as np


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out * self.out


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        return x @ self.W + self.b

    def backward(self, dout):
        return dout @ self.W.T


def affine():
    return Affine(np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]]), np.zeros(2))
"""

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.ASCII)
BOX = re.compile(r"[─│╭╮╰╯\s]+")


def outcome(sequence: dict, folder: Path) -> list[dict]:
    """Return what each command line of a sequence comes to."""
    state = folder / "state.npz"
    state.unlink(missing_ok=True)
    for name, code in sequence.get("files", {}).items():
        (folder / name).write_bytes(base64.b64decode(code))
    before = set(os.listdir(folder))
    found = []
    for words in sequence["run"]:
        case = fuzz.Case(words, base64.b64decode(sequence.get("stdin", "")))
        ran = fuzz.in_process(case)
        new = sorted(set(os.listdir(folder)) - before - {state.name})
        found.append({"code": ran.code, "out": ran.out, "err": ran.err,
                      "files": {name: content(folder / name) for name in new}})  # fmt: skip
        for name in new:
            (folder / name).unlink()
    for name in sequence.get("files", {}):
        (folder / name).unlink()
    return found


def content(path: Path) -> str:
    """Return what a written file holds, as text."""
    if path.suffix in (".npy", ".npz"):
        loaded = np.load(path)
        members = {"": loaded} if path.suffix == ".npy" else dict(loaded)
        return "\n".join(f"{n} {a.dtype} {a.shape} {a.tolist()}" for n, a in members.items())
    return path.read_bytes().decode()


def words(text: str) -> list[str]:
    """Return the words and numbers of a text; boxes may be of another width."""
    return re.findall(rf"{NUMBER.pattern}|\w+|[^\w\s]", BOX.sub(" ", text), re.ASCII)


def alike(found: str, expected: str, *, measured: bool) -> bool:
    """Whether two words are equal but for the last digits of a number.

    What was measured by differences depends on the rounding of this machine: a gradient in its
    ninth digit, the size of an error altogether.
    """
    if found == expected:
        return True
    if not (NUMBER.fullmatch(found) and NUMBER.fullmatch(expected)):
        return False
    one, other = float(found), float(expected)
    if measured and max(abs(one), abs(other)) < 1e-6:
        return True
    return abs(one - other) <= (1e-8 if measured else 1e-14) * max(abs(one), abs(other))


def same(found: str, expected: str, *, measured: bool) -> bool:
    if found == expected:
        return True
    pairs = list(zip(words(found), words(expected), strict=False))
    as_many = len(words(found)) == len(words(expected))
    return as_many and all(alike(*pair, measured=measured) for pair in pairs)


def fill(folder: Path) -> dict[str, str]:
    """Write the files of the fuzz tests and of the manual; return what the environment adds."""
    for name, content in {**fuzz.whole(), **fuzz.hostile()}.items():
        (folder / name).write_bytes(content)
    for name, code in python().items():
        (folder / (name or "example.py")).write_text(code)
    (folder / "layers.py").write_text(LAYERS)
    return {"SIGCLI_STATE": str(folder / "state.npz"), "COLUMNS": "100"}


@pytest.mark.parametrize("start", range(PARTS))
def test_the_program_does_what_it_did(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in fill(tmp_path).items():
        monkeypatch.setenv(name, value)
    changed = []
    for sequence in json.loads(GOLDEN.read_text())[start::PARTS]:
        found = outcome(sequence, tmp_path)
        for words, now, before in zip(sequence["run"], found, sequence["gave"], strict=True):
            measured = "gradcheck" in words[:1]
            if now["code"] != before["code"] or sorted(now["files"]) != sorted(before["files"]):
                changed.append((sequence["name"], words, now, before))
            pairs = [(now[key], before[key]) for key in ("out", "err")]
            pairs += [(now["files"][name], before["files"].get(name, "")) for name in now["files"]]
            changed += [
                (sequence["name"], words, *pair)
                for pair in pairs
                if not same(*pair, measured=measured)
            ]
    assert not changed, f"{len(changed)} changed; the first: {changed[0]}"


def main() -> None:
    kept = json.loads(GOLDEN.read_text())
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ |= fill(Path(name))
        now = [{**sequence, "gave": outcome(sequence, Path(name))} for sequence in kept]
    GOLDEN.write_text("[\n" + ",\n".join(map(json.dumps, now)) + "\n]\n")


if __name__ == "__main__":
    main()
