"""The program ``solve``: its commands under one name, and its errors in one form. Data goes to stdout, talk to stderr."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from mull import __version__
from mull.commands.completion import paths, problems
from mull.engine.errors import MullError
from mull.engine.raised import DEBUG, described
from mull.engine.registry import ALLOWED, COMMANDS, Entry, allowed_plugins, entries, find_entry, load_entry

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class SolveGroup(click.Group):
    """A group whose commands are entry points, and whose default is ``run``: what is no command is a problem to solve.

    A command is imported when it is called. Help describes mull's own, and of others says whose they are: it runs nobody's
    code, so that a broken package spoils no help.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in ("--help", "-h", "--version") and args[0] not in self._names():
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in self._names() if name != "run"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command = load_entry(find_entry(COMMANDS, cmd_name, entries(COMMANDS)), click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, MullError, BrokenPipeError):
            raise
        except Exception as error:
            entry = next((entry for entry in entries(COMMANDS) if entry.name == ctx.invoked_subcommand), None)
            if entry is None or entry.built_in:
                raise  # a mistake of ours is to be found
            raise MullError(f"{entry} failed: {described(error)}", entry.hint) from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands by their names alone, and what ``run`` takes: problems and options. Nobody else's code is run."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]
        run = self.get_command(ctx, "run")
        assert run is not None
        if incomplete.startswith("-"):
            inner = run.make_context("run", [], parent=ctx, resilient_parsing=True)
            found += click.Command.shell_complete(self, ctx, incomplete)
            known = {item.value for item in found}
            return found + [item for item in run.shell_complete(inner, incomplete) if item.value not in known]
        offered = problems(ctx, None, incomplete)
        return found + (paths(incomplete) if found and offered[0].type == "file" else offered)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[OPTIONS] PROBLEM...")
        formatter.write_usage(ctx.command_path, "train | history | solvers ...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        run = self.get_command(ctx, "run")
        assert run is not None
        run.format_options(ctx, formatter)
        claims: dict[str, list[Entry]] = {}
        for entry in entries(COMMANDS):
            claims.setdefault(entry.name, []).append(entry)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._describe(ctx, *mine)) for name, mine in claims.items() if name != "run"])

    def _describe(self, ctx: click.Context, entry: Entry, *others: Entry) -> str:
        if others:
            return f"broken: claimed by {' and '.join(e.origin for e in (entry, *others))}"
        if entry.built_in:
            command = self.get_command(ctx, entry.name)
            return command.get_short_help_str(80) if command else ""
        from mull.plugins import diagnose

        wrong = diagnose(entry)
        return f"broken: {entry.origin}: {wrong}" if wrong else f"({entry.origin})"

    def _names(self) -> list[str]:
        return list(dict.fromkeys(entry.name for entry in entries(COMMANDS)))


PACKAGES = ("torch", "numpy", "numba", "ortools", "pyro-ppl", "networkx", "sqlalchemy", "rich", "click")
"""What ``--version`` names beside mull: what solvers compute with, and what the program is made of."""


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Versions by the installed metadata: none of the packages is imported."""
    if not asked or ctx.resilient_parsing:
        return
    import platform
    from importlib import metadata

    click.echo(f"mull {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    for package in PACKAGES:
        try:
            click.echo(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            click.echo(f"{package} is not installed")
    ctx.exit()


@click.group(cls=SolveGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print versions."
)
def cli() -> None:
    """Solve constraint problems and remember every run.

    PROBLEM is a file (Sudoku, DIMACS .cnf and .col, queens, Latin square, maze, JSON graph; - is standard input) or
    FAMILY:SPEC, which generates one: sudoku:9, coloring:50:0.3:4, sat:100, queens:12, latin:10, maze:30x30. All problems
    of a call are solved together.

    Exit code: 0 all solved (or proved unsatisfiable), 1 some not, 2 bad input or usage.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of ``solve``: every error in one message, a hint, and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a sign shows "?" in its place
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = given[: given.index("--")] if "--" in given else given
    if "--debug" in own:  # of every command, plugins' ones included
        os.environ[DEBUG] = "1"
        given.remove("--debug")
    try:
        if allowed_plugins():
            _tell_misspelt()
        code = cli.main(given, prog_name="solve", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        code = 2
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "solve"
        code = _complain(error.format_message().rstrip("."), f"{command} --help".replace(" run", ""))
    except MullError as error:
        if os.environ.get(DEBUG, "0") not in ("", "0"):
            described(error.__cause__ or error)
        code = _complain(str(error), error.hint)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        code = 130
    except BrokenPipeError:  # the reader of our output has gone: nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:  # a full disk under our output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _complain(f"{error.filename or 'output'}: {error.strerror or error}", "make room, or write elsewhere")
    sys.exit(code if isinstance(code, int) else 0)


def program() -> None:
    """The installed program: ``main``, and an end without unloading every library, which takes torch over half a second."""
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    # In the interpreter's own order: threads end first, for those of a pool of processes tell the processes to end.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = _complain(f"output: {error.strerror or error}", "make room, or write elsewhere")
    sys.stderr.flush()
    os._exit(code)


def _tell_misspelt() -> None:
    from mull.plugins import not_installed

    for name in not_installed():
        click.echo(f"{ALLOWED} names {name!r}, which is not installed", err=True)


def _complain(message: str, hint: str) -> int:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return 2
