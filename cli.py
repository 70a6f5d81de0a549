"""The program ``solve``: its commands, its help and its errors. Data goes to stdout, messages to stderr."""

from __future__ import annotations

import atexit
import errno
import gc
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
from mull.engine.memory import keep_freed_memory
from mull.engine.raised import DEBUG, described
from mull.engine.registry import ALLOWED, COMMANDS, Entry, allowed_plugins, entries, find_entry, load_entry
from mull.torch_start import defer

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class SolveGroup(click.Group):
    """A group whose commands are entry points; the default command is ``run``.

    A command is imported only when it is called. The help describes the built-in commands. Of a plugin's command it shows
    the package only, because it runs no code of plugins: a broken package cannot break the help.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert ``run`` if the first argument is not a command.

        Args:
            ctx: the context of the program.
            args: the arguments of the program.
        """
        if args and args[0] not in ("--help", "-h", "--version") and args[0] not in self._names():
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands but the default one."""
        return [name for name in self._names() if name != "run"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Args:
            ctx: the context of the program.
            cmd_name: the name of the command.

        Raises:
            PluginError: no such command, or it cannot be loaded.
        """
        command: click.Command = load_entry(find_entry(COMMANDS, cmd_name, entries(COMMANDS)), click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an exception of a plugin's command becomes an error that names its package.

        Raises:
            MullError: the command of a plugin failed.
        """
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, MullError, BrokenPipeError):
            raise
        except Exception as error:
            entry = next((entry for entry in entries(COMMANDS) if entry.name == ctx.invoked_subcommand), None)
            if entry is None or entry.built_in:
                raise  # a defect of mull: show its traceback
            raise MullError(f"{entry} failed: {described(error)}", entry.hint) from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands, and the problems and options of ``run``. No code of plugins runs.

        Args:
            ctx: the context of the program.
            incomplete: the start of the word to complete.
        """
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
        """Write the usage: a problem, or a command.

        Args:
            ctx: the context of the program.
            formatter: receives the text.
        """
        formatter.write_usage(ctx.command_path, "[OPTIONS] PROBLEM...")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of ``run``, which is the default command, and the list of commands.

        Args:
            ctx: the context of the program.
            formatter: receives the text.
        """
        run = self.get_command(ctx, "run")
        assert run is not None
        run.format_options(ctx, formatter)
        claims: dict[str, list[Entry]] = {}
        for entry in entries(COMMANDS):
            claims.setdefault(entry.name, []).append(entry)
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, self._describe(ctx, *claimants)) for name, claimants in claims.items() if name != "run"]
            )

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
"""Packages whose versions ``--version`` prints."""


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print versions from the metadata of the packages, without importing them."""
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
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print versions and exit.",
)
def cli() -> None:
    """Solve constraint problems and record every run.

    PROBLEM is a file or FAMILY:SPEC. Files: puzzles (Sudoku, killer, kakuro, nonogram, futoshiki, queens, Latin
    square, maze), DIMACS .cnf and .col, TSPLIB, QAPLIB, rudy, XCSP3, OPB, WCNF, MiniZinc, CPMpy, JSON graph; - is
    standard input. FAMILY:SPEC generates a problem: sudoku:9, coloring:50:0.3:4, sat:100, queens:12, latin:10,
    maze:30x30, tsp:20, qap:8, maxcut:50:0.2. All problems of a call are solved together.

    Exit code: 0 if every problem was solved or proved unsatisfiable, 1 if some were not, 2 for bad input or usage, 130 if
    interrupted before that. With --competition: 10 satisfiable, 20 unsatisfiable, 30 optimum found, 0 unknown, 1 the
    solver failed, 2 as above.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program: print an error as a message with a hint, and exit with code 2.

    Args:
        arguments: the arguments of the program; None for those of the process.

    Raises:
        SystemExit: always, with the exit code.
    """
    for stream in (sys.stdout, sys.stderr):  # an encoding without a character prints "?" instead
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = given[: given.index("--")] if "--" in given else given
    if "--debug" in own:  # an option of every command, those of plugins included
        os.environ[DEBUG] = "1"
        given.remove("--debug")
    try:
        if allowed_plugins():
            _warn_about_missing_plugins()
        code = cli.main(given, prog_name="solve", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        code = 2
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "solve"
        helped = "solve" if command == "solve run" else command  # `solve` runs problems by default
        code = _print_error(error.format_message().rstrip("."), f"{helped} --help")
    except MullError as error:
        if os.environ.get(DEBUG, "0") not in ("", "0"):
            described(error.__cause__ or error)
        code = _print_error(str(error), error.hint)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        code = 130
    except BrokenPipeError:  # the reader of the output has closed it, e.g. `head`
        # Without this the interpreter's own flush at exit would fail again, and print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:  # e.g. the disk of the output is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        hint = "check the path" if error.errno == errno.ENAMETOOLONG else FULL
        code = _print_error(f"{error.filename or 'cannot write the output'}: {error.strerror or error}", hint)
    sys.exit(code if isinstance(code, int) else 0)


def program() -> None:
    """Run ``main``, then end the process without unloading libraries, which takes over half a second with torch."""
    # Imports make objects that stay. The usual threshold of 700 collects garbage hundreds of times before the search.
    gc.set_threshold(50_000, 20, 20)
    # A thread of torch that waits for the others spins for milliseconds by default. Beside other programs a board took
    # 23 s of wall time and 6.4 of CPU time; with this number of spins, a third of a millisecond, 6 to 9 s and 2.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    keep_freed_memory()
    defer()
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    # These two steps of the interpreter's exit are needed, and have no public name.
    # The interpreter's own order: threads end first, because those of a process pool end its processes.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = _print_error(f"cannot write the output: {error.strerror or error}", FULL)
    sys.stderr.flush()
    os._exit(code)


FULL = "free some space, or write to another place"


def _warn_about_missing_plugins() -> None:
    from mull.plugins import not_installed

    for name in not_installed():
        click.echo(f"{ALLOWED} names {name!r}, which is not installed", err=True)


def _print_error(message: str, hint: str) -> int:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return 2
