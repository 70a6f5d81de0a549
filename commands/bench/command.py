"""``solve bench``: run every file with every solver, store the runs and compare the solvers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mull.engine.errors import MullError
from mull.engine.status import amount
from mull.terminal import Counter

from .. import completion
from ..common import (
    INTERRUPTED,
    Seconds,
    TextType,
    check_solver,
    interruptible,
    json_option,
    open_store,
    show_warnings,
    store_option,
)
from ..devices import usable_device
from ..instances import expand
from ..selection import Selection, say_left_out, selection_options
from .report import print_csv, print_json, print_table, say_skipped
from .runs import Ended, Job, Settings, in_this_process, in_workers, problems_of, ready_solver

if TYPE_CHECKING:
    from mull.engine import Problem
    from mull.engine.store import Store
    from mull.engine.store.rows import RunRow

LONGEST_NAME = 128
"""Characters of the name of a bench; the store's column has as many."""


class Names(TextType):
    """Names separated by commas, each once."""

    name = "names"

    def parse(self, text: str) -> tuple[str, ...]:
        """The names in their order.

        Raises:
            ValueError: a name is empty.
        """
        names = [name.strip() for name in text.split(",")]
        if not all(names):
            raise ValueError(f"{text[:40]!r} is not a list of solvers: write cpsat,localsearch")
        return tuple(dict.fromkeys(names))


class BenchName(TextType):
    """The name of a bench."""

    name = "name"

    def parse(self, text: str) -> str:
        """The name without spaces at its ends.

        Raises:
            ValueError: the name is empty, too long, or has characters that cannot be printed.
        """
        text = text.strip()
        if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
            raise ValueError(f"the name of a bench has 1 to {LONGEST_NAME} printable characters")
        return text


@click.command()
@click.argument("arguments", metavar="PROBLEMS...", nargs=-1, required=True, shell_complete=completion.problems)
@click.option(
    "--solvers",
    type=Names(),
    required=True,
    shell_complete=completion.solver_list,
    metavar="A,B",
    help="Solvers to compare, separated by commas.",
)
@click.option(
    "--limit-each", "seconds", type=Seconds(), default="60s", show_default=True, help="Limit of the time of each run."
)
@click.option("--name", type=BenchName(), help="Name of the bench in the store (default: by date and time).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Number of runs at the same time."
)
@click.option("--family", metavar="NAME", shell_complete=completion.families, help="Problem family of all files.")
@click.option("--trust", is_flag=True, help="Execute files that are programs, such as CPMpy models (.py).")
@click.option(
    "--device",
    shell_complete=completion.devices,
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="Device: auto, cpu, cuda or cuda:N.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only the comparison and errors.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the comparison as CSV.")
@json_option
@store_option
@selection_options
def bench(
    arguments: Sequence[str],
    solvers: tuple[str, ...],
    seconds: float,
    name: str | None,
    seed: int,
    jobs: int,
    family: str | None,
    trust: bool,
    device: str,
    quiet: bool,
    as_csv: bool,
    as_json: bool,
    url: str | None,
    selection: Selection,
) -> int:
    """Run every file with every solver and compare the solvers.

    PROBLEMS are folders, files, generated problems, or lists: text files with one of these per line. Each solver runs
    each problem alone. The solver that comes first changes from problem to problem. All runs are stored under the name.
    An interrupted bench continues when it is started again with the same name: stored runs are skipped.

    PAR-2 is the mean of the seconds, where a run without an answer counts twice its limit. Best objective counts the
    problems on which no solver found a better answer; problems on which another solver reached the same objective are
    ties. Gap area is the mean area under the primal gap: 0 if the best answer is found at once, the limit if none is
    found.

    Exit code: 0 if every run ended, 1 if files could not be read or runs failed, 2 for bad usage or nothing to run, 130
    if interrupted.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json cannot be combined")
    if seconds == float("inf"):
        raise click.UsageError("a bench needs a limit: --limit-each 10s")
    files = expand(arguments)
    if family is not None:
        from mull.engine.registry import PROBLEMS, entries, find_entry

        find_entry(PROBLEMS, family, entries(PROBLEMS))
    for solver in solvers:
        check_solver(solver)
    settings = Settings(
        name or f"bench-{datetime.now():%Y%m%d-%H%M%S}", seconds, seed, usable_device(device), family, url, trust
    )
    stopped = interruptible()
    with open_store(url) as store, show_warnings():
        plan = _Plan(files, solvers, settings, store, selection)
        if not quiet:
            earlier = f", {amount(len(plan.done), 'runs')} stored earlier" if plan.done else ""
            click.echo(f"bench {settings.name}{earlier}", err=True)
        ended = (
            in_this_process(plan.jobs(), settings, store, stopped)
            if jobs == 1
            else in_workers(plan.jobs(), settings, jobs, stopped)
        )
        failed = 0
        with Counter(settings.name, "runs", quiet) as counter:
            for count, run in enumerate(ended, 1):
                failed += run.status == "failed"
                if not quiet and run.stored:
                    _say(run)
                counter.show(count, max(count, plan.expected))
        rows = plan.rows()
    if not quiet and not stopped():
        plan.say_left_out()
    if stopped():
        click.echo(f"stopped\nhint: the same command with --name {settings.name!r} continues", err=True)
    say_skipped(plan.skipped)
    if not rows:
        if stopped():
            return INTERRUPTED
        if plan.read and not plan.skipped:  # another shard has the problems, or the store answers them
            return 0
        raise MullError("no file could be read", "solve --help lists the formats; --family names one")
    _report(rows, plan, settings, as_csv, as_json)
    return INTERRUPTED if stopped() else 1 if plan.skipped or failed else 0


@dataclass
class _Plan:
    """The runs of a bench, and what reading its files has shown. Mutable, private.

    Args:
        files: files and generated problems.
        solvers: names or files of the solvers.
        settings: of the bench.
        store: with the runs of earlier calls.
        selection: which problems run.
    """

    files: Sequence[str]
    solvers: Sequence[str]
    settings: Settings
    store: Store
    selection: Selection
    skipped: dict[str, str] = field(default_factory=dict)
    maximised: dict[str, bool] = field(default_factory=dict)
    read: int = 0
    opened: int = 0
    mine: int = 0
    answered: int = 0

    def __post_init__(self) -> None:
        """Load the solvers, and refuse a bench with another limit.

        Raises:
            MullError: a solver cannot be loaded, or the stored runs have another limit.
        """
        from mull.engine.store.bench import limit_of, named_solver

        self.names = {solver: ready_solver(solver, self.settings.device).name for solver in self.solvers}
        earlier = self.rows()
        other = next((row for row in earlier if limit_of(row) != self.settings.seconds), None)
        if other is not None:
            raise MullError(
                f"bench {self.settings.name} has runs with a limit of {limit_of(other):g} s each",
                f"use --limit-each {limit_of(other):g}s, or another --name",
            )
        self.earlier = {(row.problem, row.source, named_solver(row), row.seed) for row in earlier}
        self.done = set(self.earlier)

    def rows(self) -> list[RunRow]:
        """The stored runs of the bench, oldest first."""
        from mull.engine.store import Filter

        return self.store.runs(None, Filter(bench=self.settings.name))[::-1]

    def jobs(self) -> Iterator[Job]:
        """The runs that are not stored yet; which solver is first rotates by instance."""
        count = 0
        for opened, file in enumerate(self.files, 1):
            self.opened = opened
            for position, problem in enumerate(self._read(file)):
                self.read += 1
                if not self.selection.of_shard([problem]):
                    continue
                self.mine += 1
                if problem.minimises:
                    objective = problem.graph.objective
                    self.maximised[problem.digest] = objective is not None and objective.maximise
                first = count % len(self.solvers)
                count += 1
                for solver in [*self.solvers[first:], *self.solvers[:first]]:
                    key = (problem.digest, str(problem.source), self.names[solver], self.settings.seed)
                    if key not in self.done:
                        self.done.add(key)
                        if self._is_open(problem, solver):
                            yield Job(file, position, solver)

    @property
    def expected(self) -> int:
        """The number of all runs, if each file that is not read yet has one problem."""
        return (self.mine + len(self.files) - self.opened) * len(self.solvers) - self.answered - len(self.earlier)

    def _is_open(self, problem: Problem, solver: str) -> bool:
        """Whether a run is needed: the store has no answer of the solver, or answers do not matter."""
        ready = ready_solver(solver, self.settings.device)
        needed = bool(self.selection.open([problem], ready, self.settings.seed, None, self.store))
        self.answered += not needed
        return needed

    def say_left_out(self) -> None:
        """State how many problems and runs the selection left out."""
        left_out = self.answered
        say_left_out(self.selection, self.read, self.mine, left_out, lambda text: click.echo(text, err=True))

    def _read(self, file: str) -> list[Any]:
        """The problems of a file; none if it cannot be read, which is reported."""
        try:
            return problems_of(file, self.settings.family, self.settings.seed, self.settings.trust)
        except MullError as error:
            self.skipped[file] = str(error)
            click.echo(f"skipped: {error}" + (f"\nhint: {error.hint}" if error.hint else ""), err=True)
            return []


def _say(run: Ended) -> None:
    objective = "" if run.objective is None else f", objective {run.objective}"
    detail = f" ({run.detail})" if run.detail and run.status in ("failed", "unsupported") else ""
    click.echo(f"{run.source} by {run.job.solver}: {run.status}, {run.seconds:.2f} s{objective}{detail}", err=True)


def _report(rows: Sequence[RunRow], plan: _Plan, settings: Settings, as_csv: bool, as_json: bool) -> None:
    from mull.engine.store.bench import summarise

    summaries = summarise(rows, plan.maximised)
    if as_csv:
        print_csv(summaries)
    elif as_json:
        about = {"bench": settings.name, "limit_each": settings.seconds, "seed": settings.seed}
        print_json(about, summaries, rows, plan.skipped)
    else:
        print_table(summaries)
