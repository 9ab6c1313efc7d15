"""The commands: read, compute, show, exit."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from select import select
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from . import __version__, completion
from .argv import ArrayCommand, arities, is_negative, no_option
from .arrays.files import replacing
from .arrays.given import Given
from .arrays.memory import recall
from .errors import LayerError, SigcliError, UsageError, mismatch, printable, quoted
from .options import (
    CheckOptions,
    Digits,
    Display,
    Dout,
    Dtype,
    Dx,
    Format,
    From,
    Layer,
    Method,
    NoColor,
    Output,
    PlotFormat,
    PlotOutput,
    Quiet,
    Rows,
    Rtol,
    Samples,
    Seed,
    Shape,
    To,
    Why,
    X,
    fraction,
    read_check,
    read_display,
    read_plot_display,
    read_span,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .arrays.memory import LastPass
    from .show.record import Result

_MOST_NOTES = 3  # of a kind; a file of them would bury the result

# Typer's errors of usage, all of which BadParameter is one of; it has no public name for them.
_TyperUsageError: type[Exception] = typer.BadParameter.__mro__[1]


class CommandGroup(TyperGroup):
    """The group of commands; says in one line what is missing or misspelt."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Ask for a command where there is none."""
        if not ctx.resilient_parsing and (not args or is_negative(args[0])):
            raise UsageError(f"a command is missing; {self._known()}")
        if not ctx.resilient_parsing and args[0] in completion.OPTIONS:
            completion.prepare(args)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Suggest a command for a misspelt one."""
        word = args[0]
        if word in self.commands or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        close = get_close_matches(word, self.commands, n=1)
        hint = f"did you mean {close[0]}?" if close else self._known()
        raise UsageError(f"no command {quoted(word)}; {hint}")

    def _known(self) -> str:
        return f"the commands are {', '.join(self.commands)}; 'sigcli --help' shows how"


app = typer.Typer(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Each command has its own help, with examples: [bold]sigcli forward --help[/bold].",
)


def _version(wanted: bool) -> None:
    if wanted:
        _write(f"sigcli {__version__}\n")
        raise typer.Exit


@app.callback()
def sigcli(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Gradients of the Sigmoid layer: forward, backward, and a check that knows what it can see."""


@app.command(cls=ArrayCommand)
def forward(
    x: X = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            show_default=False,
            help="Add the class: 1 where y ≥ T, else 0; T from 0 to 1.",
        ),
    ] = None,
    format: Format = None,
    output: Output = None,
    dtype: Dtype = None,
    digits: Digits = None,
    rows: Rows = None,
    no_color: NoColor = False,
    quiet: Quiet = False,
) -> int:
    r"""Forward pass: y = σ(x) = 1 / (1 + exp(−x)).

    Beside y stands 1 − y with all its digits, since where y prints as 1 it is not.

    Examples:

    sigcli forward 24 32 5

    sigcli forward -1 '-2.5e-3' -inf --format json

    sigcli forward '\[\[1, 2], \[3, 4]]' --threshold 0.5

    Read more: sigcli manual sigmoid, and Deep Learning from Scratch, chapter 5.
    """
    display = read_display(format, output, dtype, digits, rows, no_color, quiet)
    limit = None if threshold is None else fraction("--threshold", threshold, inclusive=True)
    given = Given({"x": x})
    if not x:
        _nothing("forward", given, None)
    from .arrays import memory
    from .layer.passes import Blocks, forward_pass

    if limit is None:
        passing = (given, display, Blocks().forward, memory.forget)
        if _stream_files(*passing) or _stream_lines(*passing):
            return 0
    arrays = _load(given, display)
    memory.remember(arrays["x"])
    return _show(forward_pass(arrays["x"], limit, threads=_threads()), display)


@app.command(cls=ArrayCommand)
def backward(
    x: X = None,
    dout: Dout = None,
    y: Annotated[
        list[str] | None,
        typer.Option(
            metavar="Y...",
            show_default=False,
            help="Start from the layer's output, 0 ≤ y ≤ 1, in place of X.",
        ),
    ] = None,
    textbook: Annotated[
        bool,
        typer.Option(
            "--textbook",
            help="Add dout · (1 − out) · out computed literally, and how many digits it lost.",
        ),
    ] = False,
    format: Format = None,
    output: Output = None,
    dtype: Dtype = None,
    digits: Digits = None,
    rows: Rows = None,
    no_color: NoColor = False,
    quiet: Quiet = False,
) -> int:
    """Backward pass: dx = dout · y · (1 − y), where y = σ(x).

    Computed from the smaller of y and 1 − y, so that no digit is lost to cancellation.
    Without --dout the upstream gradient is 1 everywhere.

    Examples:

    sigcli backward 24 32 5 --dout 1 0.5 -2

    sigcli backward 24 32 5 --textbook

    sigcli backward --y 0.5 0.9 --dout 1

    Read more: sigcli manual sigmoid, and Deep Learning from Scratch, chapter 5.
    """
    display = read_display(format, output, dtype, digits, rows, no_color, quiet)
    if y and (x or textbook):
        raise UsageError(f"--y stands in place of X; leave out {'X' if x else '--textbook'}")
    given = Given({"x": x, "y": y, "dout": dout})
    last = None if x or y else recall() or _nothing("backward", given, dout)
    from .layer.passes import Blocks, backward_from_output, backward_pass

    if not textbook and _stream_files(given, display, Blocks().backward):
        return 0
    point, gradient = _point("backward", given, display, last, dout)
    if not y:
        return _show(
            backward_pass(point, gradient, with_textbook=textbook, threads=_threads()), display
        )
    result = backward_from_output(point, gradient)
    _notes(result.notes, quiet)
    return _show(result, display)


@app.command(cls=ArrayCommand)
def gradcheck(
    x: X = None,
    dout: Dout = None,
    dx: Dx = None,
    layer: Layer = None,
    shape: Shape = None,
    method: Method = None,
    rtol: Rtol = None,
    samples: Samples = None,
    seed: Seed = None,
    why: Why = None,
    format: Format = None,
    output: Output = None,
    dtype: Dtype = None,
    digits: Digits = None,
    rows: Rows = None,
    no_color: NoColor = False,
    quiet: Quiet = False,
) -> int:
    """Gradient check: compare backward's dx with finite differences of forward.

    Each numeric gradient has an error bound, so the verdict is pass, wrong, or unresolved where
    the differences cannot tell. A wrong gradient is compared with known mistakes, and each run
    says which of them these points could not show.

    Without X a standard set of points from −700 to 700 is checked, and with --layer points drawn
    from −3 to 3; without --dout it is 1.5, −0.5, 3, −2.5, 0.7, repeated.

    Exit code: 0 all pass; 1 some are wrong, or the layer breaks a promise; 2 not done; 3 none is
    wrong, some are unresolved.

    Examples:

    sigcli gradcheck 24 32 5

    sigcli gradcheck 24 32 5 --dout 1 0.5 -2 --dx 3.775e-11 6.332e-15 -0.01330

    sigcli gradcheck --layer layers.py:Sigmoid && echo verified

    Read more: sigcli manual gradcheck, and sigcli manual layers.
    """
    display = read_display(format, output, dtype, digits, rows, no_color, quiet)
    options = read_check(method, rtol, samples, seed, why, shape)
    given = Given({"x": x, "dout": dout, "dx": dx})
    if not x and max(given.count("dout"), given.count("dx")) > 1:
        _nothing("gradcheck", given, dout)
    if shape and (x or not layer):
        raise UsageError(f"--shape is for points to be drawn; {'drop X' if x else 'give --layer'}")
    from .check import gradcheck
    from .show.progress import progress

    with _own_or(layer) as (build, points):
        drawn = {} if x else {"x": points(options)}
        arrays = _load(given, display, beside_x=("dout", "dx"), **drawn)
        total = min(options.samples or arrays["x"].size, arrays["x"].size)
        with (
            _hint(layer and not (x or shape), arrays["x"]),
            progress(total, wanted=not display.quiet, what="gradients") as done,
        ):
            result = gradcheck(
                build,
                arrays["x"],
                arrays.get("dout"),
                dx=arrays.get("dx"),
                unit=given.units.get("dx", 0.0),
                method=options.method,
                rtol=options.rtol,
                samples=options.samples,
                seed=options.seed,
                why=options.why,
                done=done,
            )
    if result.exit_code and (display.output or display.kind != "table") and not quiet:
        from .show.words import findings

        _say([f"sigcli: {printable(line)}" for line in findings(result)])
    return _show(result, display)


@app.command(cls=ArrayCommand)
def graph(
    x: X = None,
    dout: Dout = None,
    format: Format = None,
    output: Output = None,
    dtype: Dtype = None,
    digits: Digits = None,
    rows: Rows = None,
    no_color: NoColor = False,
    quiet: Quiet = False,
) -> int:
    """Show the computational graph x → (× −1) → exp → (+ 1) → (1 / ·) → y, there and back.

    Each node multiplies the gradient that comes in with its own local derivative: −y², 1, exp(−x)
    and −1, in the order of the steps back. Their product is y · (1 − y).

    Without X the last forward pass is shown, without --dout the upstream gradient is 1. Up to
    three elements are drawn; more are a table of all nodes.

    Examples:

    sigcli graph 5 --dout 1

    sigcli graph -800 --format json

    Read more: sigcli manual sigmoid, and Deep Learning from Scratch, figures 5-19 to 5-22.
    """
    display = read_display(format, output, dtype, digits, rows, no_color, quiet)
    if display.kind == "plain":
        raise UsageError("graph has no plain form; --format json, csv or table is right")
    given = Given({"x": x, "dout": dout})
    last = None if x else recall() or _nothing("graph", given, dout)
    from .layer.graph import graph_pass

    return _show(graph_pass(*_point("graph", given, display, last, dout)), display)


@app.command(cls=ArrayCommand)
def plot(
    x: X = None,
    start: From = None,
    end: To = None,
    format: PlotFormat = None,
    output: PlotOutput = None,
    no_color: NoColor = False,
    quiet: Quiet = False,
) -> int:
    """Plot y = σ(x) and its slope, dy/dx = y · (1 − y), over a range of x.

    The points X are marked on both curves.

    Examples:

    sigcli plot 24 32 5

    sigcli plot -1 0 2 --from -6 --to 6 --output sigmoid.svg

    Read more: sigcli manual sigmoid.
    """
    display = read_plot_display(format, output, no_color, quiet)
    low, high = read_span(start, end, with_points=bool(x))
    given = Given({"x": x})
    from .show import plot as shown
    from .show import slide

    result = shown.plot(_load(given, display).get("x"), low, high)
    if display.kind == "table":
        content = shown.chart(result, color=display.color)
    else:
        writer = slide if display.kind in slide.KINDS else shown
        content = getattr(writer, display.kind)(result)
    _notes(shown.notes(result, display.kind), quiet)
    _put(content, display)
    return result.exit_code


@app.command(cls=ArrayCommand)
def manual(
    page: Annotated[
        str | None,
        typer.Argument(
            metavar="[PAGE]", show_default=False, help="Its name; without one, all are listed."
        ),
    ] = None,
    no_color: NoColor = False,
) -> int:
    """Show a page of the manual, or list the pages.

    In a terminal a page is shown by the program that PAGER names, or by less; elsewhere it is
    printed as Markdown.

    Examples:

    sigcli manual

    sigcli manual gradcheck

    sigcli manual layers > layers.md
    """
    from . import manual as pages
    from .show.pages import contents, rendered, through_pager

    if page is None:
        _write(contents(pages.listing()))
        return 0
    text = pages.read(page)
    if sys.stdout is not None and sys.stdout.isatty():
        text = rendered(text, color=not (no_color or os.environ.get("NO_COLOR")))
        if through_pager(text):
            return 0
    _write(text)
    return 0


@contextmanager
def _own_or(name: str | None) -> Iterator[tuple[Any, Callable[[CheckOptions], Any]]]:
    """Give the layer to check and the points to check it at: our own, or the user's `name`."""
    import numpy as np

    if name is None:
        from .layer import STANDARD_X, Sigmoid

        yield Sigmoid(threads=_threads()), lambda _: np.array(STANDARD_X)
        return
    from .layer.custom import load
    from .layer.guard import apart

    with apart():
        yield (
            load(name),
            lambda options: np.random.default_rng(options.seed).uniform(-3, 3, options.shape),
        )


@contextmanager
def _hint(wanted: object, x: Any) -> Iterator[None]:
    """Say beside what a layer raises that it may be the shape of x, if that was our choice."""
    try:
        yield
    except LayerError as error:
        if not (wanted and ", in forward:" in str(error)):
            raise
        text = f"{error}; x was drawn with the shape {x.shape}: give X, or another --shape"
        raise LayerError(text) from None


def _nothing(command: str, given: Given, words: Sequence[str] | None, last: str = "") -> NoReturn:
    """Say that there is no X, and where it may have gone."""
    count = given.count("dout")
    if count < 2:
        remembered = command in ("backward", "graph")
        other = "a forward pass before it" if remembered else "- for standard input"
        raise UsageError(f"{command} needs X, such as 'sigcli {command} 24 32 5', or {other}")
    first, *rest = map(printable, " ".join(words or ()).replace(",", " ").split()[:7])
    shown = " ".join(rest[:5]) + (" …" if len(rest) > 5 else "")
    raise UsageError(
        f"no X{last}: --dout took all {count} numbers; to keep some for X write "
        f"'sigcli {command} --dout={first} {shown}'"
    )


def _point(
    command: str,
    given: Given,
    display: Display,
    last: LastPass | None,
    words: Sequence[str] | None,
) -> list[Any]:
    """Return x, or the y in its place, and dout, which is 1 unless given, in one shape."""
    from .arrays.convert import real, together

    if last:
        arrays = _load(given, display, x=last.x)
        _check_last(command, last, arrays, given, words)
        _notes([last.note()], display.quiet)
    else:
        arrays = _load(given, display, beside_x=("dout",))
    name = "y" if "y" in given.sources else "x"
    return together({name: arrays[name], "dout": arrays.get("dout", real("dout", 1.0))})


def _check_last(
    command: str,
    last: LastPass,
    arrays: Mapping[str, Any],
    given: Given,
    words: Sequence[str] | None,
) -> None:
    """Refuse a dout that is not for the last forward pass."""
    dout, shape = arrays.get("dout"), last.x.shape
    if dout is None or dout.size == 1 or dout.shape == shape:
        return
    if given.count("dout"):
        _nothing(command, given, words, f", and the last forward pass has the shape {shape}")
    raise mismatch("dout", dout.shape, "the last forward pass", shape)


def _load(
    given: Given, display: Display, beside_x: Sequence[str] = (), **others: Any
) -> dict[str, Any]:
    """Return the arrays that were given, with `others`, and say what could not be kept."""
    arrays = given.load(beside_x, display.dtype, **others)
    _notes(given.notes, display.quiet)
    return arrays


def _threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _stream_files(
    given: Given,
    display: Display,
    compute: Callable[..., Any],
    begin: Callable[[], None] = lambda: None,
) -> bool:
    """Go block by block from large ``.npy`` files to another; return whether it was done.

    `begin` is called first if so.
    """
    references, single = given.references(), given.single_numbers()
    if display.kind != "npy" or display.dtype or "x" not in references:
        return False
    if given.sources.keys() - {*references, *single}:
        return False
    from .arrays import stream
    from .show.progress import progress

    dtype = stream.large_dtype(references, str(display.output))
    if dtype is None:
        return False
    begin()
    fixed = {name: given.narrowed(name, [value], dtype) for name, value in single.items()}
    with (
        replacing(str(display.output)) as file,
        progress(stream.size(references["x"]), wanted=not display.quiet) as done,
    ):
        given.notes += stream.through_npy(
            references, file, partial(compute, **fixed), threads=max(2, _threads()), done=done
        )
    _notes(given.notes, display.quiet)
    return True


def _stream_lines(
    given: Given, display: Display, compute: Callable[..., Any], begin: Callable[[], None]
) -> bool:
    """Go from lines of text to lines of text as they come; return whether it was done.

    For what needs nothing but x: beside x may lie more, which only reading the whole finds.
    """
    source = given.references().get("x")
    if display.kind != "plain" or display.dtype or source is None:
        return False
    from .arrays import stream
    from .show.progress import progress
    from .show.record import rows

    if not stream.is_text(source):
        return False
    begin()
    shown = display.output is None and sys.stdout is not None and sys.stdout.isatty()
    with (
        nullcontext() if display.output is None else replacing(display.output) as file,
        progress(stream.size(source), wanted=not (display.quiet or shown)) as done,
    ):
        for numbers in stream.rows_of_text(source, done, given.notes):
            text = rows(compute(numbers))
            _write(text) if file is None else file.write(text.encode())
    _notes(given.notes, display.quiet)
    return True


def _show(result: Result, display: Display) -> int:
    """Print or write `result` and return its exit code."""
    from .show import record

    if display.kind in ("table", "picture"):
        from .show import table

        style = table.Style(display.digits, display.rows, display.color)
        content = getattr(table, display.kind)(result, style)
    else:
        content = getattr(record, display.kind)(result)
    _put(content, display)
    return result.exit_code


def _put(content: Any, display: Display) -> None:
    """Print text, or write text or bytes to the file that was named."""
    if display.output is None:
        _write(content)
    else:
        with replacing(display.output) as file:
            file.write(content if isinstance(content, bytes) else content.encode())


def _write(text: str) -> None:
    """Write to standard output, all of it."""
    if sys.stdout is None:
        raise UsageError("standard output is closed; the result has nowhere to go")
    sys.stdout.flush()
    data = memoryview(text.encode(sys.stdout.encoding, sys.stdout.errors or "strict"))
    # A raw write may take less than all and say so; a text stream without a buffer forgets that.
    out = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    while data:
        written = out.write(data)
        if written is None:  # a pipe that does not wait for its reader
            select([], [out], [])
        data = data[written or 0 :]


def _notes(notes: Sequence[str], quiet: bool) -> None:
    """Say on standard error what is good to know, unless told to be quiet."""
    if not quiet:
        _say([f"sigcli: note: {printable(note)}" for note in notes[:_MOST_NOTES]])
        if len(notes) > _MOST_NOTES:
            _say([f"sigcli: note: {len(notes) - _MOST_NOTES} more like these"])


def _say(lines: Sequence[str]) -> None:
    """Write to standard error, as far as it takes it."""
    if sys.stderr is not None and lines:
        with suppress(OSError):
            print("\n".join(lines), file=sys.stderr, flush=True)


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are said, never raised."""
    instruction = os.environ.get("_SIGCLI_COMPLETE", "")
    if completion.is_ours(instruction, args):
        return _complete(instruction, args)
    try:
        return app(list(args), prog_name="sigcli", standalone_mode=False) or 0
    except SigcliError as error:
        first, *rest = error.lines(_width())
        _say([f"sigcli: {first}", *rest])
        return error.exit_code
    except _TyperUsageError as error:
        _say([f"sigcli: {printable(_in_one_line(error))}"])
    except OSError as error:
        _say([f"sigcli: the result could not be written: {error.strerror}"])
    except MemoryError:
        _say(["sigcli: not enough memory for arrays of this size"])
    except SystemExit as end:  # Typer's, once it has answered for a shell
        return int(end.code or 0)
    except Exception as error:  # no traceback reaches a user
        _say([f"sigcli: internal error, please report it: {printable(repr(error))}"])
    return UsageError.exit_code


def _complete(instruction: str, args: Sequence[str]) -> int:
    """Print what a shell asks for; a line that is being typed is no place for an error."""
    with suppress(Exception):
        _write(completion.answer(instruction, args, typer.main.get_command(app)))
    return 0


def _width() -> int:
    """Return how many columns standard error has; many if it is no terminal."""
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 1000


def _commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def _in_one_line(error: Any) -> str:
    """Return what Typer has to say of a command line."""
    name = getattr(error, "option_name", None)
    if name is None or not hasattr(error, "possibilities"):
        return str(error.format_message())
    if any(name in arities(command) for command in _commands().values()):
        return f"{name} comes after the command, as in 'sigcli forward 24 32 5 {name} …'"
    return no_option(name, list(arities(error.ctx.command)))
