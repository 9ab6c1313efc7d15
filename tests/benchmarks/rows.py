"""What is measured: every row is data."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

from .measure import Call, Command, Row, exponent, peak_ratio, ratio

SIGCLI = str(Path(sysconfig.get_path("scripts")) / "sigcli")
DOUBLING = 2.2  # × the time for twice the values, where 2 would be linear
LINEAR = 1.14  # the same as an exponent: log 2.2 / log 2

_TYPER = "import typer"
_NUMPY = "import numpy, typer"
_TABLE = "import numpy, typer, rich.console, rich.table"

# the command line, a note, what Python has to import at least, the target, and the exit code
_START_UP = (
    ("forward 24 32 5", "", _TABLE, 1.2, 0),
    ("forward 24 32 5 --format json", "", _NUMPY, 1.2, 0),
    ("--version", "", _TYPER, 1.5, 0),
    ("forward 24 --digts 3", "a usage error", _TYPER, 1.5, 2),
    ("--help", "", _TYPER, 2.5, 0),
    ("gradcheck 24 32 5", "", _TABLE, None, 0),
)

_SAVE = "import numpy as np; np.save({!r}, np.random.default_rng(1).normal(0, 4, {}))"
_EXPIT = """
import numpy as np
from scipy.special import expit
np.save({!r}, expit(np.load({!r})))
"""
_WRITE = """
import numpy as np
x = np.random.default_rng(1).normal(0, 4, {1})
open({0!r}, 'w').writelines(f'{{v!r}}\\n' for v in x.tolist())
"""
_MAWK = r'{printf "%.17g\n", 1 / (1 + exp(-$1))}'


def rows(folder: Path, scale: int = 1) -> list[Row]:
    """Return all rows, their files in `folder` and their arrays 1/`scale` of their size."""
    return [
        *_start_up_rows(),
        *_call_rows(20_000_000 // scale),
        *_file_rows(folder, 20_000_000 // scale),
        *_text_rows(folder, 1_000_000 // scale),
        *_check_rows(1_000_000 // scale),
        *_growth_rows(20_000_000 // scale),
    ]


def _python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


def _start_up_rows() -> list[Row]:
    rows = [
        Row(
            f"sigcli {line}" + f" ({note})" * bool(note),
            f'python -c "{code}"',
            (Command((SIGCLI, *line.split()), exit_code), _python(code)),
            target,
        )
        for line, note, code, target, exit_code in _START_UP
    ]
    tab = Command((SIGCLI, "sigcli for", "for"), env=(("_SIGCLI_COMPLETE", "complete_bash"),))
    rows.append(
        Row("completion of sigcli for", f'python -c "{_TYPER}"', (tab, _python(_TYPER)), 1.5)
    )
    return rows


def _call_rows(n: int) -> list[Row]:
    """Return calls on large arrays: what, whose layer, the peer's name, threads, and target."""
    table = (
        ("forward", "ours", "torch", 1, 1.0),
        ("forward", "ours", "torch", 2, 1.0),
        ("forward", "ours", "scipy", 1, 0.6),
        ("forward, a new layer each time", "new", "torch", 1, None),
        ("forward, a new layer each time", "new", "torch", 2, None),
        ("forward + backward", "ours", "torch", 1, 1.0),
        ("forward + backward", "ours", "torch", 2, 1.0),
        ("forward + backward", "ours", "book", 1, 0.6),
    )
    return [
        Row(
            f"{what}, {_count(n)}, {threads} thread{'s' * (threads > 1)}",
            {"torch": "PyTorch", "scipy": "scipy.special.expit", "book": "the book in NumPy"}[peer],
            tuple(Call(what.partition(",")[0], who, n, threads) for who in (ours, peer)),
            target,
            needs=() if peer == "book" else (peer,),
        )
        for what, ours, peer, threads, target in table
    ]


def _file_rows(folder: Path, n: int) -> list[Row]:
    x, few, y, z = (str(folder / name) for name in ("x.npy", "few.npy", "y.npy", "z.npy"))
    save, save_few = _python(_SAVE.format(x, n)), _python(_SAVE.format(few, n // 8))
    ours, ours_few = (Command((SIGCLI, "forward", f"@{file}", "-o", y)) for file in (x, few))
    expit = _python(_EXPIT.format(z, x))
    name = f"sigcli forward @x.npy -o y.npy, {_count(n)}"
    targets = {
        "": (ours, expit),
        ", no y.npy before": (replace(ours, new=y), replace(expit, new=z)),
    }
    return [
        *(
            Row(name + note, "np.save(expit(np.load))", sides, 0.6, ratio, 7, ("scipy",), (save,))
            for note, sides in targets.items()
        ),
        Row(
            f"peak memory of {name}",
            f"itself at {_count(n // 8)}",
            (ours, ours_few),
            1.1,  # it does not grow; room for what threads take by chance
            peak_ratio,
            3,
            prepare=(save, save_few),
        ),
    ]


def _text_rows(folder: Path, n: int) -> list[Row]:
    x, y = str(folder / "x.txt"), str(folder / "y.txt")
    ours = Command((SIGCLI, "forward", "-", "--format", "plain"), stdin=x, stdout=y)
    mawk = Command((shutil.which("mawk") or "mawk", _MAWK), stdin=x, stdout=y)
    sizes = (n // 2, n, 2 * n)
    files = [str(folder / f"{size}.txt") for size in sizes]
    return [
        Row(
            f"sigcli forward - --format plain, {_count(n)} of text",
            "mawk, σ with %.17g",
            (ours, mawk),
            2.0,
            runs=7,
            needs=("mawk",),
            prepare=(_python(_WRITE.format(x, n)),),
        ),
        Row(
            "growth of sigcli forward - --format plain",
            ", ".join(map(_count, sizes)),
            tuple(Command(ours.argv, stdin=f, stdout=y) for f in files),
            LINEAR,
            exponent,
            runs=5,
            prepare=tuple(_python(_WRITE.format(*p)) for p in zip(files, sizes, strict=True)),
        ),
    ]


def _check_rows(n: int) -> list[Row]:
    sides = tuple(Call("gradcheck", "ours", size) for size in (n, n // 2))
    name = f"gradcheck, {_count(n)}"
    return [Row(name, f"itself at {_count(n // 2)}", sides, DOUBLING, runs=3)]


def _growth_rows(n: int) -> list[Row]:
    table = (("forward", n, 7), ("forward + backward", n, 7), ("gradcheck", n // 40, 3))
    return [
        Row(
            f"growth of {what}",
            ", ".join(map(_count, sizes)),
            tuple(Call(what, "ours", size) for size in sizes),
            LINEAR,
            exponent,
            runs,
        )
        for what, most, runs in table
        for sizes in [(most // 4, most // 2, most)]
    ]


def _count(n: int) -> str:
    """Return a number of values in short: 2e7, 2.5e6."""
    mantissa, _, power = f"{n:e}".partition("e")
    return f"{float(mantissa):g}e{int(power)}"
