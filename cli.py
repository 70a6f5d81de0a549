"""The program ``solve``: its commands under one name, and its errors in one form. Data goes to stdout, talk to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from mull import __version__
from mull.commands.common import Failure
from mull.commands.history import history
from mull.commands.run import run
from mull.commands.solvers import solvers
from mull.commands.train import train


class SolveGroup(click.Group):
    """A group whose default command is ``run``: what is no command is a problem to solve."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] PROBLEM...")
        formatter.write_usage(ctx.command_path, "train | history | solvers ...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        run.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != "run"]


@click.group(cls=SolveGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mull")
def cli() -> None:
    """Solve constraint problems and remember every run.

    PROBLEM is a file (Sudoku, DIMACS .cnf and .col, queens, Latin square, maze, JSON graph; - is standard input) or
    FAMILY:SPEC, which generates one: sudoku:9, coloring:50:0.3:4, sat:100, queens:12, latin:10, maze:30x30. All problems
    of a call are solved together.

    Exit code: 0 all solved (or proved unsatisfiable), 1 some not, 2 bad input or usage.
    """


for command in (run, train, history, solvers):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of ``solve``: every error in one message, a hint, and exit code 2."""
    try:
        code = cli.main(arguments, prog_name="solve", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        code = 2
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "solve"
        code = _complain(error.format_message().rstrip("."), f"{command} --help".replace(" run", ""))
    except Failure as error:
        code = _complain(str(error), error.hint)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        code = 130
    except BrokenPipeError:  # the reader of our output has gone: nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, hint: str) -> int:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return 2
