"""``solve PROBLEM...``: the default command."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mull.engine.clock import now
from mull.engine.deadline import OutOfTime, interrupting
from mull.engine.errors import MullError
from mull.engine.status import amount
from mull.terminal import Screen

from . import completion
from .common import (
    INTERRUPTED,
    Seconds,
    check_solver,
    finite,
    interruptible,
    json_option,
    make_solver,
    pairs,
    show_warnings,
    store_option,
)
from .competition import CompetitionScreen
from .fleet import Cluster, fleet_of, refuse_followed
from .instances import expand
from .pictures import Pictures, picture_option
from .selection import Selection, say_left_out, selection_options
from .summary import summarise

if TYPE_CHECKING:
    from mull.engine import AbstractSolver, Problem


DEFAULT_SECONDS = 60.0
"""The limit of a call without --limit and --limit-each."""


@click.command()
@click.argument("arguments", metavar="PROBLEM...", nargs=-1, required=True, shell_complete=completion.problems)
@click.option(
    "-s",
    "--solver",
    "name",
    metavar="NAME",
    shell_complete=completion.solvers,
    default="auto",
    show_default=True,
    help="Solver name; `solve solvers` lists them.",
)
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="Option of the solver; `solve solvers show NAME` lists them. Repeatable.",
)
@click.option(
    "-k", "--colors", type=click.IntRange(1), help="Number of colours of a graph colouring (default: minimise it)."
)
@click.option(
    "--family",
    metavar="NAME",
    shell_complete=completion.families,
    help="Problem family of the files, if their content and suffix are ambiguous.",
)
@click.option("--trust", is_flag=True, help="Execute problem files that are programs: CPMpy models in Python (.py).")
@click.option("--strict", is_flag=True, help="Treat warnings about input files as errors.")
@click.option(
    "--limit",
    type=Seconds(),
    help="Wall-clock limit of the whole call, or none (default: 60s; none with --limit-each). The answer may depend on it.",
)
@click.option("--limit-each", type=Seconds(), help="Limit of the solving time of each problem (default: none).")
@click.option(
    "--iterations",
    type=click.IntRange(1),
    help="Limit of steps per problem (conflicts of an exact solver). Runs with this limit are reproducible.",
)
@click.option(
    "--restarts", type=click.IntRange(1), help="Limit of starts per problem, parallel and successive ones together."
)
@click.option(
    "--batch",
    type=click.IntRange(1, 1 << 20),
    help="Largest number of rows in a batch; a row is a copy of a problem (default: by problem size).",
)
@click.option(
    "--solutions",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Number of samples, or of solutions to enumerate with an exact solver (default: one answer).",
)
@click.option(
    "--all-improvements",
    "improvements",
    is_flag=True,
    help="Print each improving answer of a problem with an objective as a JSON line, then the final one (as --json).",
)
@click.option(
    "--explain",
    "explained",
    is_flag=True,
    help="For an unsatisfiable problem, print a minimal set of constraints and givens that has no solution.",
)
@click.option(
    "--competition",
    is_flag=True,
    help="Print c, o, s and v lines as in solver competitions, and exit with 10, 20 or 30. Takes one problem.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
@click.option(
    "--device",
    shell_complete=completion.devices,
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="Device: auto, cpu, cuda or cuda:N; several, with a process each: cuda:all, cuda:0,2 or cpu,cpu.",
)
@click.option(
    "--on",
    shell_complete=completion.clusters,
    type=Cluster(),
    metavar="CLUSTER",
    help="Solve by Ray actors: ray (RAY_ADDRESS, a cluster of this host, or else its cores) or ray://HEAD:10001.",
)
@click.option("--cores", type=click.IntRange(1), metavar="N", help="Cores of each Ray actor (default: 1).")
@json_option
@click.option("--watch", is_flag=True, help="Draw the first unsolved problem on stderr while it is solved.")
@click.option("--show/--no-show", "show", default=None, help="Draw the answers (default: for at most 10 problems).")
@click.option("-q", "--quiet", is_flag=True, help="Print only answers and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print every phase and its time on stderr.")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Print tracebacks (for any command; or set MULL_DEBUG=1)."
)
@click.option(
    "--write",
    "target",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the problems to a file instead of solving them: .json, .jsonl or the family's format.",
)
@picture_option
@store_option
@click.option("--no-store", is_flag=True, help="Do not record the runs.")
@selection_options
def run(
    arguments: Sequence[str],
    name: str,
    options: dict[str, str],
    colors: int | None,
    family: str | None,
    trust: bool,
    strict: bool,
    limit: float | None,
    limit_each: float | None,
    iterations: int | None,
    restarts: int | None,
    batch: int | None,
    solutions: int | None,
    improvements: bool,
    explained: bool,
    competition: bool,
    seed: int,
    device: str,
    on: str | None,
    cores: int | None,
    as_json: bool,
    watch: bool,
    show: bool | None,
    quiet: bool,
    verbose: bool,
    target: str | None,
    picture: Path | None,
    url: str | None,
    no_store: bool,
    selection: Selection,
) -> int:
    """Solve problems; this is the default command.

    PROBLEMs are files, generated problems (queens:8), folders, and lists: text files with one of these per line.

    Exit code: 0 if every problem was solved or proved unsatisfiable, 1 if some were not, 2 for bad input or usage, 130 if
    interrupted before that. With --competition: 10 satisfiable, 20 unsatisfiable, 30 optimum found, 0 unknown, 1 the
    solver failed, 2 as above.
    """
    began, started = time.monotonic(), now()  # before the imports, which --limit covers
    if competition and (
        as_json or improvements or explained or watch or show or target or solutions or selection.active
    ):
        raise click.UsageError(
            "--competition excludes --json, --all-improvements, --explain, --watch, --show, --write, --solutions,"
            " --shard and --skip-solved"
        )
    as_json = as_json or improvements
    each = finite(limit_each)
    seconds = DEFAULT_SECONDS if limit is None and each is None else finite(limit)
    with (
        CompetitionScreen(name, seconds, quiet=quiet)
        if competition
        else Screen(name, seconds, watch=watch, as_json=as_json, show=show, quiet=quiet)
    ) as screen:
        _check_arguments(arguments, name, family)
        phase = _Phase(screen, began, verbose and not quiet)
        phase(f"importing {name}")
        solver = make_solver(name, options)
        # A signal handler must not print on stdout, where another line may be half printed.
        interrupted = interruptible((lambda text: None) if competition else screen.notice)
        try:
            # Reading a large file or drawing a hard board may take longer than --limit.
            with interrupting(_Limit(started, seconds, interrupted)):
                problems, read = _problems(arguments, family, seed, colors, strict, trust, phase, selection)
                mine = len(problems)
                problems = selection.open_at(url, problems, solver, seed, solutions)
        except OutOfTime:
            if isinstance(screen, CompetitionScreen):
                return screen.unknown(f"stopped while {phase.text}")
            if interrupted():
                raise KeyboardInterrupt from None
            click.echo(f"the limit of {seconds:g} s was reached while {phase.text}\nhint: raise --limit", err=True)
            return 1
        say_left_out(selection, read, mine, mine - len(problems), screen.notice)
        if not problems and read:
            return 0
        if target is not None:
            from mull.problems import write

            write(problems, target)
            screen.notice(f"wrote {amount(len(problems), 'problems')} to {target}")
            return 0
        screen.expect(problems)
        phase("importing the engine")
        from mull.engine import Budget, Solver, Task, Unrecorded, solve
        from mull.engine.store import open_for_writing

        if getattr(solver, "weights", None) is not None:
            from mull.solvers.kinds import check_weights  # imports torch

            phase(f"reading the weights of {name}")
            check_weights(solver)  # missing weights are an error before anything is solved
        if solutions is not None:
            _check_sampling(solver, problems, restarts)
        budget = Budget(seconds, iterations, restarts, batch, solutions, seconds_each=each)
        opened = nullcontext() if no_store else open_for_writing(url)
        with opened as store:
            refuse_followed(
                on is not None or "," in device or device == "cuda:all",
                watch=watch,
                all_improvements=improvements,
                competition=competition,
                save_picture=picture is not None,
            )
            phase(f"connecting to {on}") if on is not None else None
            target_device, fleet = fleet_of(device, on, cores)
            what = amount(len(problems), "problems") if len(problems) > 1 else problems[0].source
            verb = "compiling" if isinstance(solver, Solver) and fleet is None else "solving"
            phase(f"{name}: {verb} {what} on {fleet or target_device}")
            task = Task(
                budget,
                seed,
                target_device,
                started,
                screen.progress,
                screen.notice,
                interrupted,
                on_improvement=screen.improvement if improvements or competition else None,
            )
            if explained:
                screen.explains = task
            pictures = Pictures(picture)
            try:
                answers = solve(
                    problems,
                    solver,
                    pictures.follow(problems, task),
                    store=store,
                    on_solution=screen.solution,
                    fleet=fleet,
                )
                store_error = None
            except Unrecorded as error:  # the answers are on the screen already: print the summary, then the error
                answers, store_error = error.solutions, error
        phase("drawing") if picture is not None else None
        pictures.save(answers, screen.notice)
        screen.region.clear()
        if isinstance(screen, CompetitionScreen):
            if store_error is not None:
                screen.notice(str(store_error))
            return screen.code
        code = summarise(answers, time.monotonic() - began, quiet)
        if show is None and not (
            screen.draws or as_json or quiet
        ):  # more than ten problems: a line each, without the answers
            click.echo("--show draws the answers; --json prints them as data", err=True)
        if store_error is not None:
            raise store_error
        return INTERRUPTED if code and interrupted() else code


class _Limit(NamedTuple):
    """The limit of the whole call, used before a ``Task`` exists."""

    started: float
    seconds: float | None
    interrupted: Callable[[], bool]

    @property
    def over(self) -> bool:
        """Whether the call was interrupted or has used its time."""
        return self.interrupted() or (self.seconds is not None and now() - self.started > self.seconds)


class _Phase:
    """The current phase of the call: shown at the bottom of the screen and, with ``--verbose``, logged on stderr."""

    def __init__(self, screen: Screen, started: float, verbose: bool) -> None:
        self.screen, self.started, self.verbose = screen, started, verbose
        self.text = ""

    def __call__(self, text: str, share: float | None = None) -> None:
        self.text = text
        if self.verbose:
            self.screen.region.clear()
            self.screen.notice(f"{time.monotonic() - self.started:7.2f} s  {text}")
        self.screen.phase(text, share)


def _check_arguments(arguments: Sequence[str], name: str, family: str | None) -> None:
    """Refuse unknown files, families and solvers before torch is imported, which takes a second or more.

    Raises:
        InputError: an argument is neither a file nor ``FAMILY:SPEC``.
        PluginError: the family or the solver is not installed.
    """
    from mull.engine.registry import COMMANDS, PROBLEMS, entries, find_entry
    from mull.problems.errors import InputError

    known = [entry.name for entry in entries(PROBLEMS)]
    if family is not None:
        find_entry(PROBLEMS, family, entries(PROBLEMS))
    for argument in arguments:
        prefix, colon, _ = argument.partition(":")
        if argument == "-" or os.path.exists(argument) or prefix in known:
            continue
        if colon:
            hint = f"check the path, or generate a problem of one of the families {', '.join(known)}"
            raise InputError("no such file or problem family", argument, hint=hint)
        close = get_close_matches(argument, [entry.name for entry in entries(COMMANDS)], 1)
        meant = f"did you mean solve {close[0]}?" if close else "check the path, or generate a problem, e.g. queens:12"
        raise InputError("no such file or command", argument, hint=meant)
    check_solver(name)


def _problems(
    arguments: Sequence[str],
    family: str | None,
    seed: int,
    colors: int | None,
    strict: bool,
    trust: bool,
    phase: _Phase,
    selection: Selection,
) -> tuple[list[Problem], int]:
    """The problems of the shard, and the number of all problems that were read."""
    from mull.problems import load

    problems: list[Problem] = []
    read = 0
    named = [
        file for argument in arguments for file in (expand([argument]) if os.path.exists(argument) else [argument])
    ]
    began = time.monotonic()
    with show_warnings():
        for done, argument in enumerate(named):
            exists = argument == "-" or os.path.exists(argument)
            what = f"{'reading' if exists else 'generating'} {'standard input' if argument == '-' else argument}"
            rate = f" ({done / (time.monotonic() - began):.3g}/s)" if done else ""
            of = f" ({done + 1:,} of {len(named):,}{rate})" if len(named) > 1 else ""
            phase(what + of, done / len(named) if len(named) > 1 else None)
            found = load(argument, family=family, seed=seed, colors=colors, strict=strict, trust=trust)
            problems += selection.of_shard(found)
            read += len(found)
    return problems, read


def _check_sampling(solver: AbstractSolver, problems: Sequence[Problem], restarts: int | None) -> None:
    """Refuse ``--solutions`` if the solver cannot give several answers.

    Raises:
        MullError: the solver does not sample one of the problems, or ``--restarts`` is given as well.
    """
    if restarts is not None:
        raise MullError(
            "--restarts cannot be combined with --solutions: a sample restarts as often as necessary",
            "leave out --restarts",
        )
    reason = next(filter(None, map(solver.samples, problems)), None)
    if reason is not None:
        hint = "use --solver localsearch or descent to sample, or --solver cpsat to enumerate"
        raise MullError(f"{solver.name} cannot give several solutions: {reason}", hint)
