"""The program: its commands, and what becomes of an error."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import SigcliError, UsageError, printable, quoted, suggestion
from .backward import backward
from .forward import forward
from .gradcheck import gradcheck
from .graph import graph
from .manual import manual
from .plot import plot
from .streams import error_width, say, write_out
from .words import ArrayCommand, arities, is_negative, no_option

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTRUCTION = "(source|complete)_(bash|zsh|fish|powershell|pwsh)"  # of a shell, to complete

# Typer's errors of usage, all of which BadParameter is one of; it has no public name for them.
_TyperUsageError: type[Exception] = typer.BadParameter.__mro__[1]


class CommandGroup(TyperGroup):
    """The group of commands; says in one line what is missing or misspelt."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Ask for a command where there is none."""
        if not ctx.resilient_parsing and (not args or is_negative(args[0])):
            raise UsageError(f"a command is missing; {self._known()}")
        if not ctx.resilient_parsing and args[0].endswith("-completion"):
            from .completion import prepare

            prepare(args)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Suggest a command for a misspelt one."""
        word = args[0]
        if word in self.commands or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        hint = suggestion(word, self.commands, self._known())
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
for _command in (forward, backward, gradcheck, graph, plot, manual):
    app.command(cls=ArrayCommand)(_command)


def _version(wanted: bool) -> None:
    if wanted:
        write_out(f"sigcli {__version__}\n")
        raise typer.Exit


@app.callback()
def sigcli(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Gradients of the Sigmoid layer: forward, backward, and a check that knows what it can see."""


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are said, never raised."""
    instruction = os.environ.get("_SIGCLI_COMPLETE", "")
    if instruction and not re.fullmatch(_INSTRUCTION, instruction):
        del os.environ["_SIGCLI_COMPLETE"]  # Typer would fail at it
    elif instruction:
        from . import completion

        if completion.is_ours(instruction, args):
            with suppress(Exception):  # a line that is being typed is no place for an error
                write_out(completion.answer(instruction, args, typer.main.get_command(app)))
            return 0
    try:
        return app(list(args), prog_name="sigcli", standalone_mode=False) or 0
    except SigcliError as error:
        first, *rest = error.lines(error_width())
        say([f"sigcli: {first}", *rest])
        return error.exit_code
    except _TyperUsageError as error:
        say([f"sigcli: {printable(_in_one_line(error))}"])
    except OSError as error:
        say([f"sigcli: the result could not be written: {error.strerror}"])
    except MemoryError:
        say(["sigcli: not enough memory for arrays of this size"])
    except SystemExit as end:  # Typer's, once it has answered for a shell
        return int(end.code or 0)
    except Exception as error:  # no traceback reaches a user
        say([f"sigcli: internal error, please report it: {printable(repr(error))}"])
    return UsageError.exit_code


def commands() -> dict[str, Any]:
    """Return Typer's commands by name."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def _in_one_line(error: Any) -> str:
    """Return what Typer has to say of a command line."""
    name = getattr(error, "option_name", None)
    if name is None or not hasattr(error, "possibilities"):
        return str(error.format_message())
    if any(name in arities(command) for command in commands().values()):
        return f"{name} comes after the command, as in 'sigcli forward 24 32 5 {name} …'"
    return no_option(name, list(arities(error.ctx.command)))
