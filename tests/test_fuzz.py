"""Thousands of command lines and damaged files, drawn from a seed: none breaks the program.

A failure names its seed, the files and the exact words; it is kept in `KEPT` once it is mended.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import pickle
import random
import re
import resource
import signal
import subprocess
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sigcli import cli

from .program import SIGCLI, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 20  # for one command line; the slowest takes one
ADDRESSES = 2 * 2**30  # bytes of address space for a process, of which NumPy takes a half
# Seeds: a few, and with -m long thousands. Of fewer damaged files none of some kind can be read.
LINES, MANY_LINES = range(200), range(10_000)
PROCESSES, MANY_PROCESSES = range(10**6, 10**6 + 8), range(10**6, 10**6 + 1_000)
FILES, MANY_FILES = range(500), range(10_000)

OPTIONS = {  # of each command: those that take an array, a value, and none
    "forward": (["--dtype", "--digits", "--rows", "--format", "-o", "--threshold"], []),
    "backward": (["--dtype", "--digits", "--rows", "--format", "-o"], ["--textbook"]),
    "gradcheck": (
        ["--dtype", "--digits", "--rows", "--format", "-o", "--layer", "--shape", "--method",
         "--rtol", "--samples", "--seed", "--why"], [],
    ),
    "graph": (["--dtype", "--digits", "--rows", "--format", "-o"], []),
    "plot": (["--from", "--to", "--format", "-o"], []),
}  # fmt: skip
ARRAYS = {"backward": ["--dout", "--y"], "gradcheck": ["--dout", "--dx"], "graph": ["--dout"]}
VALUES = {
    "--dtype": ["float16", "float32", "float64"],
    "--digits": ["1", "6", "17"],
    "--rows": ["1", "3", "all"],
    "--format": ["table", "csv", "json"],
    "-o": ["r.npy", "r.npz", "r.csv", "r.tsv", "r.txt", "r.json", "r.svg"],
    "--threshold": ["0", "0.5", "1", "1e-300"],
    "--layer": ["layers.py:Sigmoid", "layers.py:Wrong", "layers.py:Raises", "layers.py:Prints"],
    "--shape": ["1", "2,3", "(2, 2)", "0", "99999,99999"],
    "--method": ["central", "complex"],
    "--rtol": ["0.5", "1e-8", "1e-300"],
    "--samples": ["1", "2", "1000"],
    "--seed": ["0", "7"],
    "--why": ["0", "1", "99"],
    "--from": ["-8", "-1e300", "0", "5e-324"],
    "--to": ["8", "1e300", "1e-320", "1"],
}
NUMBERS = ["0", "1", "-1", "24", "32", "5", "-2.5e-3", ".5", "inf", "-inf", "nan", "1e400"]
NUMBERS += [
    "1e-400",
    "5e-324",
    "-1.7976931348623157e308",
    "−2",
    "9007199254740993",
    "800",
    "-745.2",
]
SHAPED = ["[1, 2]", "[[1, 2], [3, 4]]", "array([1. , -2.])", "[]", "[[], []]", "array(5.)", "1,2,3"]
SHAPED += ["array([1.], dtype=float32)", "array([], shape=(0, 3), dtype=float64)", "1 2 3"]
HOSTILE = [
    *("", " ", "-", "--", "@", "@:", "@-", "-@", "=", "[", "]", "(", ")", ",", "1,,2", "[1", "1]"),
    *("[[1,2],[3]]", "array(", "array([1], dtype=object)", "1_000", "0x10", "1d5", "true", "null"),
    *("...", "…", "１２", "∞", "1e", "e", "--5", "-−5", "+-1", "1;2", "2j", "[red]1[/red]", "[/]"),
    *("\x1b[31m1\x1b[0m", "\x1b]0;title\x07", "\r1", "1\n2", "\x9b2J", "\u202e1", "\u2028", "\x7f"),
    *("\udcff", "@\udcff.npy", "@\x1b[2J", "$(touch pwned)", "`touch pwned`", "; touch pwned"),
    *("@$(touch pwned)", "__import__('os').system('touch pwned')", "@/dev/null", "@.", "@/"),
    *("@/proc/self/mem", "@no/such", "@x.npy:x", "@run.npz:", "@run.npz:nope", "@t.csv:x", "%n%s"),
    *("{0}", "\\", "'", '"', "\ufeff1", "1\u00a02", "@pickled.npy", "@pickled.npz", "@bomb.npz"),
    *("@deep.json", "@wide.csv", "@path.npz", "@lzma.npz", "@bzip2.npz", "@nan.json", "--help"),
    *("[" * 5000, "]" * 5000, "[" * 70 + "1" + "]" * 70, "(" * 3000, "array(" * 500, "," * 3000),
    *("9" * 5000, "1." + "0" * 10_000, "1e" + "9" * 5000, "-" * 3000, "@" + "a" * 5000),
    *("x" * 2_000_000, "1 " * 20_000 + "x", "\x1b" * 100_000, "@" + "../" * 2000 + "etc/passwd"),
]  # fmt: skip
LAYERS = """\
import os, sys
import numpy as np
class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out
    def backward(self, dout):
        return dout * self.out * (1 - self.out)
class Wrong(Sigmoid):
    def backward(self, dout):
        return dout * self.out
class Raises(Sigmoid):
    def forward(self, x):
        raise RuntimeError("\\x1b[31mred\\nlines" + "x" * 9999)
class Prints(Sigmoid):
    def forward(self, x):
        print("sigcli: printed")
        os.write(1, b"sigcli: by a program\\n")
        return super().forward(x)
"""
CANARY = "open('pwned', 'w').close()\n"


class Touch:
    """What a pickle runs when it is read."""

    def __reduce__(self):
        return (open, ("pwned", "w"))


@dataclass(frozen=True)
class Case:
    """One run of the program."""

    words: list[str]
    stdin: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    valid: bool = False  # whether there is nothing in it to complain of


@pytest.mark.parametrize("name", OPTIONS)
def test_the_options_drawn_from_are_all_there_are(sigcli, name):
    help_ = sigcli(name, "--help").out
    known = set(re.findall(r"^│ +(--[a-z-]+)", help_, re.MULTILINE)) - {"--help"}
    one, none = OPTIONS[name]
    drawn = {*one, *none, *ARRAYS.get(name, []), "--no-color", "--quiet"}
    assert {"--output" if option == "-o" else option for option in drawn} == known


# Files, whole and damaged


@cache
def whole() -> dict[str, bytes]:
    """Return valid files of each kind."""
    x = np.array([[24.0, 32.0, 5.0], [-1.0, np.nan, np.inf]])
    made = {"x.json": json.dumps({"x": [24, 32.5, -5], "dout": [1, 0.5, -2]}).encode()}
    made |= {"x.txt": b"24 32 5 # the book's\n1 2 3\n", "one.txt": b"1\n-2\n3e-5\n"}
    made |= {"t.csv": b"index,x,dout\n0,24,1\n1,32.5,-2\n2,-5,nan\n", "plain.csv": b"1,2\n-3,4e5\n"}
    made |= {"t.tsv": b"x\ty\n1\t0.5\n2\t0.75\n", "list.json": b'[[1, 2.5], ["NaN", -4e-5]]'}
    made |= {"brackets.txt": b"array([[1., 2.], [3., 4.]])"}
    for name, array in {
        "x.npy": x, "f.npy": np.asfortranarray(x), "i.npy": np.array([1, 2**60 + 1]),
        "b.npy": x.astype(">f4"), "h.npy": x.astype(np.float16),
    }.items():  # fmt: skip
        buffer = io.BytesIO()
        np.save(buffer, array)
        made[name] = buffer.getvalue()
    for name, save in (("run.npz", np.savez), ("packed.npz", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, x=x, dout=x[::-1])
        made[name] = buffer.getvalue()
    return made


def archive(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr(name, content)
    return buffer.getvalue()


@cache
def hostile() -> dict[str, bytes]:
    """Return files that are made to do harm."""
    npy = io.BytesIO()
    np.save(npy, np.array([Touch()], object), allow_pickle=True)
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"
    promised = header % b"268435456"
    promised = promised.ljust(128) + bytes(2**20)
    made = {"pickled.npy": npy.getvalue(), "pickle.txt": pickle.dumps(Touch())}
    made |= {
        "pickled.npz": archive("x.npy", npy.getvalue()),
        "bomb.npz": archive("x.npy", promised),
    }
    made |= {"path.npz": archive("../../pwned", promised), "wide.csv": b"x,y\n" + b"1" * 300_000}
    made |= {"deep.json": b"[" * 100_000, "nan.json": b'{"x": [NaN, 1e999, -0.0]}'}
    for name, method in (("lzma", zipfile.ZIP_LZMA), ("bzip2", zipfile.ZIP_BZIP2)):
        made[f"{name}.npz"] = archive("x.npy", whole()["x.npy"], method)
    return made


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Return `content` with bytes flipped, cut, doubled, moved or put in."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at, other = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
        low, high = min(at, other), max(at, other)
        what = rng.randrange(7)
        if what <= 1 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif what == 2 and at < len(data):
            data[at] = rng.choice(b"\0\xff\n\r\t ,.#\"'[]{}():-+0179eEnNxX\x1b\x80")
        elif what == 3:
            del data[at:]
        elif what == 4:
            del data[low : min(high, low + 9)]
        elif what == 5:
            data[at:at] = rng.choice(
                [rng.randbytes(4), b"\xff" * 8, b"\0" * 9, b"[" * 99, b"1e999"]
            )
        else:
            data[at:at] = data[low : min(high, low + 40)]
    return bytes(data)


# Command lines


def valid(rng: random.Random) -> Case:
    """Return a command line without a mistake."""
    command = rng.choice([*OPTIONS, "gradcheck"])
    options, flags = OPTIONS[command]
    count = rng.randint(1, 5)
    words = rng.choices(NUMBERS, k=count)
    if command in ARRAYS and rng.random() < 0.5:
        name = rng.choice([name for name in ARRAYS[command] if name != "--y"])
        words += [name, *rng.choices(NUMBERS, k=count)]
    if command == "gradcheck" and "--dx" in words:
        words += ["--dout", "1"]
    bad = {"--shape", "--layer", "--why", "--from", "--to"}  # not with all else
    for name in rng.sample([o for o in options if o not in bad], rng.randrange(3)):
        words += [name, rng.choice(VALUES[name])]
    if command == "plot" and "-o" in words:
        words[words.index("-o") + 1] = rng.choice(["r.csv", "r.json", "r.tsv"])
    if "-o" in words and "--format" in words:
        at = words.index("--format")
        del words[at : at + 2]
    if command == "graph" and "-o" in words:
        words[words.index("-o") + 1] = rng.choice(["r.npz", "r.json"])
    words += rng.sample([*flags, "--quiet", "--no-color"], rng.randrange(2))
    return Case([command, *words], valid=True)


def odd(rng: random.Random) -> Case:
    """Return a command line of parts that need not go together."""
    command = rng.choice([*OPTIONS] * 6 + ["", "Forward", "forwrad", "-1", "\x1b[1m", "--version"])
    one, none = OPTIONS.get(command, OPTIONS["gradcheck"])
    made = {**whole(), **hostile()}
    damage = {}
    if rng.random() < 0.4:
        name = rng.choice(sorted(made))
        damage = {f"m{Path(name).suffix}": damaged(rng, made[name])}
    sources = [f"@{name}" for name in made] + ["-"] + [f"@{name}" for name in damage] * 30

    def array() -> list[str]:
        return rng.choices(
            [
                rng.choices(NUMBERS, k=rng.randint(1, 6)),
                [rng.choice(SHAPED)],
                [rng.choice(sources)],
                [rng.choice(HOSTILE)],
                [*rng.choices(NUMBERS, k=2), rng.choice(HOSTILE)],
            ],
            weights=[4, 2, 3, 2, 1],
        )[0]

    parts = [array()] if rng.random() < 0.8 else []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5])):
        name = rng.choice([*one, *none, *ARRAYS.get(command, ["--dout"]) * 3, "--quiet"])
        value = array() if name in ("--dout", "--y", "--dx") else []
        if name in one:
            value = [
                rng.choice(VALUES[name] * 3 + NUMBERS[:2] + HOSTILE[:3] + [rng.choice(HOSTILE)])
            ]
        if rng.random() < 0.1:
            name = misspelt(rng, name)
        joined = value and rng.random() < 0.2
        parts.append([f"{name}={value[0]}"] if joined else [name, *value])
    rng.shuffle(parts)
    words = [command, *(word for part in parts for word in part)]
    if rng.random() < 0.05:
        words.insert(rng.randrange(len(words) + 1), rng.choice(["--", "-", "@", "--help"]))
    stdin = rng.choice([b"", b"1 2 3\n", b"\0", b"\xff\xfe1", rng.randbytes(50), *made.values()])
    return Case(words, damaged(rng, stdin) if rng.random() < 0.5 else stdin, damage)


def misspelt(rng: random.Random, option: str) -> str:
    at = rng.randrange(len(option))
    swapped = option[:at] + option[at + 1 : at + 2] + option[at : at + 1] + option[at + 2 :]
    return rng.choice([option[:-1], option + option[-1], option.upper(), swapped, f"-{option}"])


def drawn(seed: int) -> Case:
    rng = random.Random(seed)
    return valid(rng) if rng.random() < 0.25 else odd(rng)


# Runs, and what holds for each


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with files good and bad, and modules that no command may import."""
    monkeypatch.chdir(tmp_path)
    for name, content in {**whole(), **hostile()}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "layers.py").write_text(LAYERS)
    for name in ("json", "numpy", "typer", "rich", "sigcli", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(CANARY)
    return tmp_path


class TooLong(BaseException):
    """Not an Exception: the program answers for those."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def in_process(case: Case) -> Ran:
    """Run a case in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BufferedReader(io.BytesIO(case.stdin)))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), at_most(SECONDS):
            code = cli.run(case.words)
    finally:
        sys.stdin = before
    return Ran(code, *(s.buffer.getvalue().decode() for s in (out, err) if not s.flush()))


def as_process(case: Case, cwd: Path | None = None) -> Ran:
    """Run a case as a process with little memory; a shell could not type NUL or two megabytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))

    words = [word[:100_000] for word in case.words]
    done = subprocess.run(
        [SIGCLI, *words], input=case.stdin, capture_output=True, timeout=SECONDS, check=False,
        cwd=cwd, preexec_fn=limit,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def faults(case: Case, ran: Ran, folder: Path) -> list[str]:
    """Return what is wrong with a run."""
    lines = ran.err.splitlines() if ran.err.isprintable() else ran.err.split("\n")[:-1]
    command = case.words[0] if case.words else ""
    stream = command == "forward" and "plain" in "".join(case.words)  # may have begun
    said = [line for line in lines if not line.startswith("  ")]
    errors = [line for line in said if not line.startswith("sigcli: note: ")]
    longest = max(map(len, case.words), default=0)  # a path is named as a whole
    theirs = any("Prints" in word for word in case.words)
    stray = [line for line in said if not line.startswith("sigcli: ")]
    found = {
        "exit code": ran.code not in ({0, 1, 2, 3} if command == "gradcheck" else {0, 2}),
        "refused": case.valid and ran.code == 2,
        "output beside an error": ran.code == 2 and ran.out != "" and not stream,
        "no message": ran.code == 2 and not errors,
        "several messages": ran.code == 2 and len(errors) > 1 and not theirs,
        "a message beside success": ran.code == 0 and errors != [] and not theirs,
        "stray lines": stray != [],
        "control characters": not all(line.isprintable() for line in lines),
        "control characters in the output": re.search(r"[^\n\t -~\u00a0-\uffff]", ran.out)
        is not None,
        "long lines": any(len(line) > 1000 + 5 * longest for line in lines),
        "a trace": "Traceback" in ran.err or "internal error" in ran.err,
        "memory": "memory" in ran.err,
        "code that was run": (folder / "pwned").exists(),
        "a file left over": any(name.endswith(".tmp") for name in os.listdir(folder)),
    }
    return [what for what, is_so in found.items() if is_so]


def judged(seed: object, case: Case, run: Callable[[Case], Ran], folder: Path) -> str:
    """Return what is needed to see a failure again; nothing where there is none."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    try:
        ran = run(case)
        wrong = faults(case, ran, folder)
        shown = f"exit code {ran.code}\n{ran.err[:600]}{ran.out[:200]}"
    except (TooLong, subprocess.TimeoutExpired):
        wrong, shown = ["time"], ""
    except BaseException as error:  # whatever gets past the program
        wrong, shown = [f"raised {error!r}"], ""
    with contextlib.suppress(FileNotFoundError):
        (folder / "pwned").unlink()
    if not wrong:
        return ""
    words = [word if len(word) < 300 else f"{word[:40]}…({len(word)})" for word in case.words]
    return f"seed {seed}: {', '.join(wrong)}\n{words}\nstdin {case.stdin[:200]!r}\n" + (
        "".join(f"{n}: {c[:600]!r}\n" for n, c in case.files.items()) + shown
    )


def report(failures: list[str]) -> None:
    failures = [failure for failure in failures if failure]
    assert not failures, f"{len(failures)} failed\n\n" + "\n\n".join(failures[:12])


def many(seeds: range, folder: Path) -> None:
    report([judged(n, drawn(n), in_process, folder) for n in seeds])


def many_processes(seeds: range, tmp_path: Path) -> None:
    """Each of two workers has a folder of its own."""
    whole_and_bad = {**whole(), **hostile(), "layers.py": LAYERS.encode()}

    def work(worker: int) -> list[str]:
        mine = tmp_path / str(worker)
        mine.mkdir()
        for name, content in whole_and_bad.items():
            (mine / name).write_bytes(content)
        for name in ("json", "numpy", "typer", "rich", "sitecustomize"):
            (mine / f"{name}.py").write_text(CANARY)
        return [
            judged(n, drawn(n), lambda case: as_process(case, mine), mine) for n in seeds[worker::2]
        ]

    with ThreadPoolExecutor(2) as pool:
        report([failure for failures in pool.map(work, range(2)) for failure in failures])


def many_files(seeds: range, folder: Path) -> None:
    """Read damaged files: what comes of them is an error, or what the file says now."""
    failures, read = [], set()
    for seed in seeds:
        rng = random.Random(-seed)
        name = rng.choice(sorted(whole()))
        content = damaged(rng, whole()[name])
        path = f"m{Path(name).suffix}"
        case = Case(["forward", f"@{path}", "-o", "r.npz"], files={path: content})
        for old in folder.glob("r.npz"):
            old.unlink()
        failure = judged(seed, case, in_process, folder)
        if not failure and (folder / "r.npz").exists():
            with np.load(folder / "r.npz") as result:
                failure = difference(path, content, result["x"])
            read.add(Path(path).suffix)
        failures.append(failure and f"{name} {failure}")
    report(failures)
    assert read == {*READERS}


def difference(path: str, content: bytes, x: np.ndarray) -> str:
    """Return how `x` is not what an independent reader finds in a file."""
    try:
        expected = READERS[Path(path).suffix](content)
    except Exception as error:  # of any kind: then the program had to refuse it too
        return f"read {x.tolist()} from {content!r}, which raises {error!r}"
    if expected.dtype.kind in "iu":
        expected = expected.astype(np.float64)
    same = x.shape == expected.shape and np.array_equal(x, expected, equal_nan=True)
    return "" if same else f"read {x.tolist()} from {content!r}, not {expected.tolist()}"


def read_npy(content: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.load(io.BytesIO(content), allow_pickle=False)


def read_npz(content: bytes) -> np.ndarray:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return archive["x" if "x" in archive.files else archive.files[0]]


def read_json(content: bytes) -> np.ndarray:
    value = json.loads(content)
    if isinstance(value, dict):
        value = value.get("x", next(iter(value.values())))
    return np.array(value, np.float64)


def read_lines(content: bytes) -> np.ndarray:
    """Read lines of numbers, one array, or a table, as Python and not as NumPy reads numbers."""
    text = content.decode().replace("−", "-")
    if text.lstrip().startswith(("[", "array")):
        return read_brackets(text)
    lines = text.split("\n")
    if "x" in lines[0].split(","):  # a header, and no comment even where it has a #
        lines[0] = lines[0].replace("#", "")
    rows = [re.split(r"[\s,]+", line.partition("#")[0].strip()) for line in lines]
    rows = [row for row in rows if row != [""]]
    if not any(
        re.match(r"[-+.]?\d|[-+]?(inf(inity)?|nan)$", word, re.IGNORECASE) for word in rows[0]
    ):
        header, *rows = rows
        columns = [name for name in header if name != "index"]
        name = "x" if "x" in columns else columns[0]
        return np.array([float(row[header.index(name)]) for row in rows])
    table = np.array([[float(word) for word in row] for row in rows])
    return table.reshape(-1) if 1 in table.shape else table


def read_brackets(text: str) -> np.ndarray:
    words = re.findall(r"[\[\]]|[^\s\[\](),]+", text.replace("array", ""))
    joined = " ".join(w if w == "[" else w + "," for w in words)
    return np.array(ast.literal_eval(joined.rstrip(",")), np.float64)


READERS = {".npy": read_npy, ".npz": read_npz, ".json": read_json}
READERS |= dict.fromkeys((".csv", ".tsv", ".txt"), read_lines)


def zip_with(old: bytes, new: bytes) -> bytes:
    """Return a plain archive with a part of its directory replaced."""
    made = archive("x\u00e9.npy", whole()["x.npy"], zipfile.ZIP_STORED)
    at = made.rfind(old)
    return made[:at] + new + made[at + len(new) :]


def python_2() -> bytes:
    shape = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1L,), }"
    return b"\x93NUMPY\x01\x00v\x00" + shape.ljust(117) + b"\n" + bytes(8)


_END = b"PK\x05\x06"

# What was found, by name: the case and what is said of it.
KEPT = {
    "a field beyond the csv module's limit": (
        Case(["forward", "@f.csv"], files={"f.csv": b"x,y\n" + b"1" * 131_073 + b",2\n"}),
        "x: a field is longer than 131072 characters",
    ),
    "a header beyond it": (
        Case(["forward", "@f.csv"], files={"f.csv": b"x" * 131_073 + b",y\n1,2\n"}),
        "x: a field is longer than 131072 characters",
    ),
    "a carriage return alone": (
        Case(["forward", "@f.csv"], files={"f.csv": b"x,y\n1,2\r3,4\n"}),
        r"x: line 2 ends with \r alone; expected \n or \r\n",
    ),
    "a carriage return alone, through a pipe": (
        Case(["forward", "-", "--format", "plain"], b"x,y\n1,2\r3,4\n"),
        r"x: line 2 ends with \r alone; expected \n or \r\n",
    ),
    "a name in an archive that is no UTF-8": (
        Case(["forward", "@f.npz"], files={"f.npz": zip_with("\u00e9".encode(), b"\xc3A")}),
        "x: '@f.npz' is no .npz file: 'utf-8' codec can't decode byte 0xc3 in position 1: "
        "invalid continuation byte",
    ),
    "an archive whose directory lies before its start": (
        Case(["forward", "-"], zip_with(_END, _END + bytes(8) + b"\xff" * 4)),
        "x: standard input is no .npz file: ",
    ),
    "an archive whose directory lies before its start, in a file": (
        Case(["forward", "@f.npz"], files={"f.npz": zip_with(_END, _END + bytes(8) + b"\xff" * 4)}),
        "x: '@f.npz' is no .npz file: ",
    ),
    "a header that Python 2 wrote": (
        Case(["forward", "@f.npy", "--format", "plain"], files={"f.npy": python_2()}),
        "",
    ),
    "imaginary steps at x of two dimensions": (
        Case(["gradcheck", "[[1, 2], [3, 4]]", "--method", "complex"]),
        "",
    ),
    "imaginary steps at a part of x": (
        Case(["gradcheck", "1", "2", "3", "--method", "complex", "--samples", "2"]),
        "",
    ),
    "a plot that goes beyond the type of its points": (
        Case(["plot", "array([1.], dtype=float32)", "--from", "-1e300"]),
        "",
    ),
    "JSON deeper than any array": (
        Case(["forward", "@f.json"], files={"f.json": b"[" * 500 + b"1" + b"]" * 500}),
        "x: more than 64 brackets deep",
    ),
    "JSON that holds an object": (
        Case(["forward", "@f.json"], files={"f.json": b'[{"a": 1}]'}),
        "x[0]: an object is not a number",
    ),
}


@pytest.mark.parametrize(("case", "message"), KEPT.values(), ids=KEPT)
def test_what_was_found_once_stays_mended(folder, case, message):
    report([judged("kept", case, in_process, folder)])
    ran = in_process(case)
    assert ran.code == (2 if message else 0)
    assert ran.err.startswith(f"sigcli: {message}") if message else ran.err == ""


def test_no_depth_of_json_exhausts_the_stack(folder):
    """The parser takes some depths that whatever comes after it does not."""
    cases = []
    for depth in range(900, 990):
        objects = b'[{"a":' + b'{"a":' * depth + b"1" + b"}" * (depth + 1) + b"]"
        cases.append(Case(["forward", "-"], objects))
    report([judged("kept", case, in_process, folder) for case in cases])


def test_no_command_line_breaks_the_program(folder):
    many(LINES, folder)


@pytest.mark.long
def test_no_command_line_of_ten_thousand_breaks_the_program(folder):
    many(MANY_LINES, folder)


def test_no_command_line_breaks_a_process(tmp_path):
    many_processes(PROCESSES, tmp_path)


@pytest.mark.long
def test_no_command_line_of_a_thousand_breaks_a_process(tmp_path):
    many_processes(MANY_PROCESSES, tmp_path)


def test_a_damaged_file_gives_an_error_or_what_it_says_now(folder):
    many_files(FILES, folder)


@pytest.mark.long
def test_none_of_ten_thousand_damaged_files_is_misread(folder):
    many_files(MANY_FILES, folder)
