"""``solve PROBLEM...``: the default command."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mull.engine.deadline import OutOfTime, interrupting
from mull.terminal import Screen

from . import completion
from .common import (
    Failure,
    Seconds,
    interruptible,
    json_option,
    make_solver,
    open_store,
    pairs,
    shown_warnings,
    store_option,
    usable_device,
)

if TYPE_CHECKING:
    from mull.engine import Problem, Solution, Solver


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("arguments", metavar="PROBLEM...", nargs=-1, required=True, shell_complete=completion.problems)
@click.option(
    "-s",
    "--solver",
    "name",
    shell_complete=completion.solvers,
    default="auto",
    show_default=True,
    help="Who solves: see `solve solvers`.",
)
@click.option("-o", "--option", "options", multiple=True, callback=pairs, metavar="KEY=VALUE", help="Solver option.")
@click.option("-k", "--colors", type=click.IntRange(1), help="Colours of a graph colouring; without it, the fewest.")
@click.option(
    "--family", shell_complete=completion.families, help="The problems' family, where content and suffix do not tell."
)
@click.option("--strict", is_flag=True, help="Refuse files whose faults only cause a warning.")
@click.option(
    "--limit",
    type=Seconds(),
    default="60s",
    show_default=True,
    help="Wall time of the call, or none. It may decide what auto answers.",
)
@click.option(
    "--iterations",
    type=click.IntRange(1),
    help="Steps a problem may take (conflicts of an exact solver): with --seed they decide the answer.",
)
@click.option("--restarts", type=click.IntRange(1), help="Starts a problem may have, side by side and in turn.")
@click.option("--batch", type=click.IntRange(1), help="Rows run side by side (default: by problem size).")
@click.option(
    "--solutions", type=click.IntRange(1, 100_000), metavar="N", help="Several answers: N samples, or up to N."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of every random choice.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@json_option
@click.option("--watch", is_flag=True, help="Redraw the first unsolved problem as it settles (on stderr).")
@click.option("--show/--no-show", "show", default=None, help="Draw the answers (default: of at most 10 problems).")
@click.option("-q", "--quiet", is_flag=True, help="Print answers and errors alone.")
@click.option("-v", "--verbose", is_flag=True, help="Print what is done, and when, on stderr.")
@click.option("--debug", is_flag=True, expose_value=False, help="Print tracebacks (any command; or MULL_DEBUG=1).")
@click.option(
    "--write",
    "target",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the problems into a file and do not solve them: .json, .jsonl, or the family's format.",
)
@store_option
@click.option("--no-store", is_flag=True, help="Remember nothing.")
def run(
    arguments: Sequence[str],
    name: str,
    options: dict[str, str],
    colors: int | None,
    family: str | None,
    strict: bool,
    limit: float,
    iterations: int | None,
    restarts: int | None,
    batch: int | None,
    solutions: int | None,
    seed: int,
    device: str,
    as_json: bool,
    watch: bool,
    show: bool | None,
    quiet: bool,
    verbose: bool,
    target: str | None,
    url: str | None,
    no_store: bool,
) -> int:
    """Solve problems (the default command)."""
    started = time.monotonic()
    seconds = None if limit == float("inf") else limit
    with Screen(name, seconds, watch=watch, as_json=as_json, show=show, quiet=quiet) as screen:
        _refuse_early(arguments, name, family)
        doing = _Phases(screen, started, verbose and not quiet)
        doing(f"importing {name}")
        solver = make_solver(name, options)
        interrupted = interruptible(screen.notice)
        try:
            with interrupting(_Limit(started, seconds, interrupted)):
                problems = _problems(arguments, family, seed, colors, strict, doing)
        except OutOfTime:
            if interrupted():
                raise KeyboardInterrupt from None
            click.echo(f"the limit of {seconds:g} s ended while {doing.now}\nhint: raise --limit", err=True)
            return 1
        if target is not None:
            from mull.problems import write

            write(problems, target)
            screen.notice(f"wrote {len(problems)} problem{'s' if len(problems) > 1 else ''} to {target}")
            return 0
        screen.expect(problems)
        doing("importing the engine")
        from mull.engine import Budget, Task, Unrecorded, WholeSolver, solve

        if not isinstance(solver, WholeSolver):
            from mull.solvers.learned import Learned  # imports torch

            if isinstance(solver, Learned):
                doing(f"reading the weights of {name}")
                solver.ready()
        if solutions is not None:
            _refuse_one_answer(solver, problems, restarts)
        budget = Budget(seconds, iterations, restarts, batch, solutions)
        opened = nullcontext() if no_store else open_store(url)
        with opened as store:
            place = usable_device(device)
            counted = f"{len(problems)} problems" if len(problems) > 1 else problems[0].source
            doing(f"{name}: {'solving' if isinstance(solver, WholeSolver) else 'compiling'} {counted} on {place}")
            task = Task(budget, seed, place, started, screen.progress, screen.notice, interrupted)
            try:
                answers = solve(problems, solver, task, store=store, on_solution=screen.solution)
                forgotten = None
            except Unrecorded as error:  # the answers are on the screen: the last words come all the same
                answers, forgotten = error.solutions, error
        screen.region.clear()
        code = _verdict(answers, time.monotonic() - started, quiet)
        if not (screen.draws or as_json or quiet):
            click.echo("answers are shown by --show, or as data by --json", err=True)
        if forgotten is not None:
            raise forgotten
        return code


class _Limit(NamedTuple):
    """The limit of the whole call, before there is a task."""

    started: float
    seconds: float | None
    interrupted: Callable[[], bool]

    @property
    def over(self) -> bool:
        return self.interrupted() or (self.seconds is not None and time.monotonic() - self.started > self.seconds)


class _Phases:
    """Says what is done: on the screen's last lines, and with the time on stderr where that is asked for."""

    def __init__(self, screen: Screen, started: float, verbose: bool) -> None:
        self.screen, self.started, self.verbose = screen, started, verbose
        self.now = ""

    def __call__(self, text: str) -> None:
        self.now = text
        if self.verbose:
            self.screen.region.clear()
            self.screen.notice(f"{time.monotonic() - self.started:7.2f} s  {text}")
        self.screen.phase(text)


def _refuse_early(arguments: Sequence[str], name: str, family: str | None) -> None:
    """Refuse what is wrong without a look into any file, before torch is imported, which takes a second or more."""
    from mull.engine.registry import PROBLEMS, SOLVERS, entries, find_entry
    from mull.problems.errors import InputError

    known = [entry.name for entry in entries(PROBLEMS)]
    if family is not None:
        find_entry(PROBLEMS, family, entries(PROBLEMS))
    for argument in arguments:
        prefix, colon, _ = argument.partition(":")
        if argument == "-" or Path(argument).exists() or prefix in known:
            continue
        if colon:
            hint = f"check the path, or generate with one of {', '.join(known)}"
            raise InputError("no such file, and no such family", argument, hint=hint)
        raise InputError("no such file", argument, hint="or generate a problem, e.g. queens:12")
    if name not in {entry.name for entry in entries(SOLVERS)}:
        from mull.plugins import installed, is_file

        if not is_file(name):
            find_entry(SOLVERS, name, installed())


def _problems(
    arguments: Sequence[str], family: str | None, seed: int, colors: int | None, strict: bool, doing: _Phases
) -> list[Problem]:
    from mull.problems import load

    problems: list[Problem] = []
    with shown_warnings():
        for argument in arguments:
            here = argument == "-" or Path(argument).exists()
            doing(f"{'reading' if here else 'generating'} {'standard input' if argument == '-' else argument}")
            problems += load(argument, family=family, seed=seed, colors=colors, strict=strict)
    return problems


def _refuse_one_answer(solver: Solver, problems: Sequence[Problem], restarts: int | None) -> None:
    """Refuse several answers of who cannot give them."""
    if restarts is not None:
        raise Failure(
            "--restarts has no say with --solutions: a sample has the starts it needs", "leave out --restarts"
        )
    reason = next(filter(None, map(solver.samples, problems)), None)
    if reason is not None:
        hint = "--solver localsearch or descent samples, --solver cpsat enumerates"
        raise Failure(f"{solver.name} draws no samples: {reason}", hint)


def _verdict(solutions: Sequence[Solution], seconds: float, quiet: bool) -> int:
    """The last words on stderr, and the exit code."""
    from mull.engine import Status

    good = sum(s.status.good for s in solutions)
    if len(solutions) > 1 and not quiet:
        click.echo(f"{good} of {len(solutions)} answered in {seconds:.1f} s", err=True)
    for status in dict.fromkeys(s.status for s in solutions):
        if not status.good and not quiet:
            of_it = [s for s in solutions if s.status is status]
            click.echo(f"{len(of_it)} {status} (first: {of_it[0].problem.source})\nhint: {of_it[0].advice}", err=True)
    guessed = [s for s in solutions if s.status is Status.FAILED and len(s.problem.guessed) > 1]
    if guessed:
        hint = f"name the family: --family {' or '.join(guessed[0].problem.guessed)}"
        raise Failure(f"{guessed[0].problem.source}: {guessed[0].detail}", hint)
    wrong = [s for s in solutions if s.status is Status.UNSATISFIABLE and s.problem.contradiction() is not None]
    if wrong:
        more = f" (and {len(wrong) - 1} more such)" if len(wrong) > 1 else ""
        raise Failure(f"{wrong[0].problem.source}: {wrong[0].detail}{more}", "correct one of the two givens")
    return 0 if good == len(solutions) else 1
