"""The program ``solve``: parses, calls, prints. Data goes to stdout, talk to stderr.

torch costs a second to import, so everything that needs it is imported where it is used.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from mull import __version__
from mull.terminal import (
    Screen,
    TrainingScreen,
    describe_options,
    describe_run,
    describe_solver,
    describe_weights,
    list_runs,
    table,
)

if TYPE_CHECKING:
    from mull.engine import Problem, Solution, Solver
    from mull.engine.store import Store


class Failure(Exception):
    """What ends the program with exit code 2: the message, and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@contextmanager
def _failures() -> Iterator[None]:
    """The rooms' own errors, told as Failures."""
    from mull.engine.checkpoint import CheckpointError
    from mull.engine.store import StoreError
    from mull.plugins import PluginError
    from mull.problems import InputError

    try:
        yield
    except (CheckpointError, StoreError, PluginError, InputError) as error:
        raise Failure(str(error), error.hint) from error


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


class ListGroup(click.Group):
    """A group that lists when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class Seconds(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4
    """A duration such as 30s, 2m, 1.5h, 500ms, a plain number of seconds, or ``none``."""

    name = "duration"
    UNITS: ClassVar = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value == "none":
            return float("inf")
        found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h|)", value.strip().lower())
        if found is None or not float(found[1]):
            self.fail(f"{value[:40]!r} is no duration: 30s, 2m, 1.5h, 500ms or none", param, ctx)
        return float(found[1]) * self.UNITS[found[2]]


def _option(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value[:40]!r} is no key=value")
        pairs[name.strip().replace("-", "_")] = text
    return pairs


def _name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise click.BadParameter(f"{value[:40]!r} is no name: letters, digits, - and _")
    return value


store_option = click.option("--store", "url", metavar="URL", help="SQLite file or database URL (or set MULL_STORE).")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")


@click.group(cls=SolveGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mull")
def cli() -> None:
    """Solve constraint problems and remember every run.

    PROBLEM is a file (Sudoku, DIMACS .cnf and .col, queens, Latin square, maze, JSON graph; - is standard input) or
    FAMILY:SPEC, which generates one: sudoku:9, coloring:50:0.3:4, sat:100, queens:12, latin:10, maze:30x30. All problems
    of a call are solved together.

    Exit code: 0 all solved (or proved unsatisfiable), 1 some not, 2 bad input or usage.
    """


@cli.command(context_settings={"ignore_unknown_options": False})
@click.argument("arguments", metavar="PROBLEM...", nargs=-1, required=True)
@click.option("-s", "--solver", "name", default="auto", show_default=True, help="Who solves: see `solve solvers`.")
@click.option("-o", "--option", "options", multiple=True, callback=_option, metavar="KEY=VALUE", help="Solver option.")
@click.option("-k", "--colors", type=click.IntRange(1), help="Colours of a graph colouring; without it, the fewest.")
@click.option("--family", help="The problems' family, where content and suffix do not tell.")
@click.option("--limit", type=Seconds(), default="60s", show_default=True, help="Wall time of the call, or none.")
@click.option("--iterations", type=click.IntRange(1), help="Steps a problem may take (conflicts of an exact solver).")
@click.option("--restarts", type=click.IntRange(1), help="Starts a problem may have, side by side and in turn.")
@click.option("--batch", type=click.IntRange(1), help="Rows run side by side (default: by problem size).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of every random choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@json_option
@click.option("--watch", is_flag=True, help="Redraw the first unsolved problem as it settles (on stderr).")
@store_option
@click.option("--no-store", is_flag=True, help="Remember nothing.")
def run(
    arguments: Sequence[str],
    name: str,
    options: dict[str, str],
    colors: int | None,
    family: str | None,
    limit: float,
    iterations: int | None,
    restarts: int | None,
    batch: int | None,
    seed: int,
    device: str,
    as_json: bool,
    watch: bool,
    url: str | None,
    no_store: bool,
) -> int:
    """Solve problems (the default command)."""
    started = time.monotonic()
    with _failures():
        solver = _solver(name, options)
        problems = _problems(arguments, family, seed, colors)
        from mull.engine import Budget, Task, solve
        from mull.solvers.learned import Learned

        if isinstance(solver, Learned):
            solver.ready()
        budget = Budget(None if limit == float("inf") else limit, iterations, restarts, batch)
        opened = nullcontext() if no_store else _store(url)
        interrupted = _interruptible()
        with opened as store, Screen(problems, solver.name, watch, as_json) as screen:
            task = Task(budget, seed, _device(device), started, screen.progress, screen.notice, interrupted)
            solutions = solve(problems, solver, task, store=store, on_solution=screen.solution)
        return _verdict(solutions, time.monotonic() - started)


def _solver(name: str, options: dict[str, str]) -> Solver:
    from mull.engine.solver import OptionError
    from mull.plugins import load

    solver = load(name)
    try:
        return solver.from_options(options)
    except OptionError as error:
        raise Failure(str(error), f"solve solvers show {name}") from None


def _problems(arguments: Sequence[str], family: str | None, seed: int, colors: int | None) -> list[Problem]:
    from mull.problems import load

    return [p for argument in arguments for p in load(argument, family=family, seed=seed, colors=colors)]


def _store(url: str | None) -> Store:
    from mull.engine.store import Store

    return Store(url)


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise Failure(f"device {name[:40]!r} cannot be used: {str(error).splitlines()[0]}", "--device cpu") from None
    return name


def _interruptible() -> Callable[[], bool]:
    """Ctrl-C asks to stop, keeping what was found; a second one stops at once."""
    asked: list[int] = []

    def stop(signal_number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(signal_number)
        click.echo("stopping: what was found is kept (again to stop at once)", err=True)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)  # what a scheduler sends
    return lambda: bool(asked)


def _verdict(solutions: Sequence[Solution], seconds: float) -> int:
    """The last words on stderr, and the exit code."""
    from mull.engine import Status

    good = sum(s.status.good for s in solutions)
    if len(solutions) > 1:
        click.echo(f"{good} of {len(solutions)} answered in {seconds:.1f} s", err=True)
    for status in dict.fromkeys(s.status for s in solutions):
        if not status.good:
            of_it = [s for s in solutions if s.status is status]
            click.echo(f"{len(of_it)} {status} (first: {of_it[0].problem.source})\nhint: {status.advice}", err=True)
    wrong = [s for s in solutions if s.status is Status.UNSATISFIABLE and s.problem.contradiction() is not None]
    if wrong:
        more = f" (and {len(wrong) - 1} more such)" if len(wrong) > 1 else ""
        raise Failure(f"{wrong[0].problem.source}: {wrong[0].detail}{more}", "correct one of the two givens")
    return 0 if good == len(solutions) else 1


# Training -------------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("name", metavar="SOLVER")
@click.option(
    "--on", "data", multiple=True, required=True, metavar="FAMILY:SPEC", help="What to learn; several are mixed evenly."
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Length of the training, all sittings.")
@click.option("--steps", type=click.IntRange(1), help="Length of the training in optimiser steps.")
@click.option("--sitting", type=click.FloatRange(0, min_open=True), help="Stop, to go on later, after these minutes.")
@click.option(
    "-o", "--option", "options", multiple=True, callback=_option, metavar="KEY=VALUE", help="Solver or recipe option."
)
@click.option("--from", "base", metavar="NAME|FILE", help="Begin from these trained weights.")
@click.option("--as", "weights", metavar="NAME", callback=_name, help="Name of the weights (default: SOLVER-STREAMS).")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the weights (default: the user's own).")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of every random choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Processes that make examples (default: 1 beside a net on the CPU, else all cores but one).",
)
@click.option("--compile/--no-compile", "compiled", default=None, help="Compile the net (default: on a GPU).")
@json_option
@store_option
@click.option("--no-store", is_flag=True, help="Remember nothing.")
def train(
    name: str,
    data: Sequence[str],
    minutes: float | None,
    steps: int | None,
    sitting: float | None,
    options: dict[str, str],
    base: str | None,
    weights: str | None,
    out: Path | None,
    seed: int,
    device: str,
    workers: int | None,
    compiled: bool | None,
    as_json: bool,
    url: str | None,
    no_store: bool,
) -> int:
    """Train a learned solver; the same command again goes on where it stopped.

    Under torchrun every process trains on a GPU of its own, in step with the others.
    """
    if minutes is None and steps is None:
        raise Failure(
            "how long? neither --minutes nor --steps is given", "solve train looped --on sudoku:4 --minutes 4"
        )
    with _failures(), _training_failures(name):
        from mull.problems.streams import stream

        solver, recipe = _lesson(name, options)
        streams = [(stream(item, seed=seed), stream(item, "validation", seed=seed)) for item in data]
        from mull.engine.checkpoint import own_folder
        from mull.solvers.teach import teach

        place = out or own_folder()
        title = weights or "-".join([name, *(re.sub(r"[^A-Za-z0-9]+", "-", Path(item).stem) for item in data)]).strip(
            "-"
        )
        where = _device(
            f"cuda:{os.environ['LOCAL_RANK']}" if device == "auto" and "LOCAL_RANK" in os.environ else device
        )
        interrupted = _interruptible()
        with TrainingScreen(title) as screen, nullcontext() if no_store else _store(url) as store:
            lesson = teach(
                solver,
                streams,
                recipe,
                name=title,
                folder=place,
                version=__version__,
                minutes=minutes,
                steps=steps,
                until=sitting,
                base=base,
                seed=seed,
                device=where,
                processes=_workers(where) if workers is None else workers,
                compiled=where.startswith("cuda") if compiled is None else compiled,
                report=screen.progress,
                notice=screen.notice,
                cancelled=interrupted,
            )
            run = lesson.solution()
            if store is not None and lesson.rank == 0:
                store.write([run])
    if lesson.rank:
        return 0 if lesson.finished else 1
    card = lesson.card
    if as_json:
        click.echo(json.dumps({**card.model_dump(), "path": str(card.path), "id": run.id, "finished": lesson.finished}))
    else:
        describe_weights([card])
    return 0 if lesson.finished else 1


@contextmanager
def _training_failures(name: str) -> Iterator[None]:
    """What only a training can run into, told as Failures."""
    from mull.engine.solver import OptionError
    from mull.engine.training import out_of_memory

    try:
        yield
    except OptionError as error:
        raise Failure(str(error), f"solve solvers show {name}") from None
    except FloatingPointError as error:
        raise Failure(
            str(error), "a smaller learning rate may help: -o lr=...; what the last checkpoint has is kept"
        ) from None
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise Failure("out of memory", "take a smaller net or batch: -o hidden=... -o batch=...") from None


def _workers(device: str) -> int:
    """How many processes make examples; beside them a net on the CPU takes the cores that are left, and no more.

    Threads of torch that wait for one another by spinning, one more than there are cores, slow a small net down tenfold.
    """
    import torch

    cores = os.cpu_count() or 1
    if device.startswith("cuda"):
        return max(1, cores - 1)
    torch.set_num_threads(max(1, cores - 1))
    return 1


def _lesson(name: str, options: dict[str, str]) -> tuple[Any, Any]:
    """The solver and the recipe that options of both make."""
    from pydantic import ValidationError

    from mull.engine.training import Recipe
    from mull.plugins import load
    from mull.solvers.learned import Learned

    kind = load(name)
    if not issubclass(kind, Learned):
        raise Failure(f"solver {name!r} has nothing to learn", "solve train takes looped, trm or hrm")
    # What says how to solve (weights, segments, copies...) says nothing to a training.
    shaping = {"preset", "backbone", "hidden", "layers", "inner", *set(kind.model_fields) - set(Learned.model_fields)}
    mine = {key: value for key, value in options.items() if key in shaping}
    rest = {key: value for key, value in options.items() if key not in shaping}
    solver = _solver(name, mine)
    assert isinstance(solver, Learned)
    try:
        return solver, Recipe(**{**solver.recipe(), **rest})
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join([*sorted(shaping), *Recipe.model_fields])
        what = f"training option {first['loc'][0]}" if first["loc"] else "training options"
        raise Failure(f"{what}: {first['msg']}", f"options are {known}") from None


# The store ------------------------------------------------------------------------------------------------------------


@cli.group(cls=ListGroup)
def history() -> None:
    """What was solved, by whom, in how many iterations (`solve history` alone lists)."""


@history.command("list")
@click.option("-n", "--count", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.option("--solver", help="Only this solver's.")
@click.option("--family", help="Only this family's.")
@click.option("--status", help="Only these, e.g. solved.")
@click.option("--best", is_flag=True, help="Each solver's solved run of fewest iterations instead.")
@json_option
@store_option
def history_list(
    count: int,
    solver: str | None,
    family: str | None,
    status: str | None,
    best: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """List runs."""
    with _failures():
        if _nothing_kept(url):
            rows = []
        else:
            with _store(url) as store:
                rows = (
                    store.best_per_solver() if best else store.runs(count, solver=solver, family=family, status=status)
                )
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
        return
    if not rows:
        click.echo("no runs", err=True)
        return
    list_runs(rows)


def _nothing_kept(url: str | None) -> bool:
    """Whether the store is a file that is not there yet; to read it is no reason to make it."""
    from mull.engine.store import location

    place = location(url)
    return "://" not in place and not Path(place).exists()


@history.command("show")
@click.argument("run_id", metavar="ID")
@json_option
@store_option
def history_show(run_id: str, as_json: bool, url: str | None) -> None:
    """Show one run: by its id, the start of it, or `last`."""
    with _failures():
        if _nothing_kept(url):
            raise Failure(f"no run {run_id!r}", "nothing is remembered yet")
        with _store(url) as store:
            row = store.run(run_id)
    if as_json:
        click.echo(json.dumps(row.to_json(), ensure_ascii=False))
        return
    click.echo(describe_run(row))


@history.command("path")
@store_option
def history_path(url: str | None) -> None:
    """Print where runs are kept."""
    from mull.engine.store import location

    with _failures():
        click.echo(location(url))


@history.command("upgrade")
@store_option
def history_upgrade(url: str | None) -> None:
    """Bring an older store's schema up to date."""
    from mull.engine.store import Store

    with _failures(), Store(url, check_schema=False) as store:
        before, now = store.upgrade()
    click.echo(f"schema {now}, up to date" if before == now else f"schema {before or 'empty'} -> {now}")


# Plugins --------------------------------------------------------------------------------------------------------------


@cli.group(cls=ListGroup)
def solvers() -> None:
    """List solvers, show their options, make new ones, check that one keeps the contract."""


@solvers.command("list")
@click.option("--load", "try_load", is_flag=True, help="Import each one, and report those that fail.")
@json_option
def solvers_list(try_load: bool, as_json: bool) -> int:
    """List the installed solvers, without importing them."""
    from mull.plugins import PluginError, installed, load

    rows = []
    failed = 0
    for entry in installed():
        row = {"name": entry.name, "package": f"{entry.distribution} {entry.version}", "class": entry.target}
        if try_load:
            try:
                row["state"] = (load(entry.name).__doc__ or "").strip().split("\n")[0]
            except PluginError as error:
                failed += 1
                row["state"] = f"error: {error}"
        rows.append(row)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        table(tuple(rows[0]) if rows else ("name",), [tuple(row.values()) for row in rows])
    return 1 if failed else 0


@solvers.command("show")
@click.argument("name")
def solvers_show(name: str) -> None:
    """Show a solver's method, options and citation."""
    with _failures():
        from mull.plugins import load

        solver = load(name)
        from mull.engine.checkpoint import cards

        mine = [card for card in cards() if card.solver == name]
    describe_solver(solver)
    if hasattr(solver, "presets"):  # it learns
        from mull.engine.training import Recipe

        click.echo("\noptions of a training (solve train -o key=value), beside those that shape the net:")
        describe_options(Recipe.model_fields)
    if mine:
        click.echo("\nweights (-o weights=NAME):")
        describe_weights(mine)


@solvers.command("new")
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to make it (default: ./mull-NAME).")
def solvers_new(name: str, folder: Path | None) -> None:
    """Write a plugin package with a solver that works at once."""
    from mull.plugins import new

    with _failures():
        made = new(name, folder)
    click.echo(f"{made}: a package with the solver {name}; next:")
    click.echo(f"  pip install --editable {made}\n  solve queens:8 --solver {name}\n  solve solvers check {name}")


@solvers.command("check")
@click.argument("name")
def solvers_check(name: str) -> int:
    """Run the conformance checks that the built-in solvers pass."""
    with _failures():
        from mull.plugins import load
        from mull.plugins.conformance import CHECKS

        solver = load(name)
    failed = 0
    for check in CHECKS:
        what = (check.__doc__ or check.__name__).strip()
        try:
            check(solver)
            click.echo(f"ok    {what}")
        except Exception as error:  # a plugin may raise anything
            failed += 1
            click.echo(f"FAIL  {what}\n      {type(error).__name__}: {error}")
    click.echo(f"{name}: {len(CHECKS) - failed} of {len(CHECKS)} checks pass", err=True)
    return 1 if failed else 0


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
