"""``solve bench lr2bench``: the six tasks of LR²Bench, scored by the benchmark's rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mull.engine.errors import MullError

from ..common import (
    INTERRUPTED,
    Seconds,
    check_solver,
    interruptible,
    json_option,
    open_store,
    show_warnings,
    store_option,
)
from ..tables import table
from .command import BenchName
from .runs import Ended, Job, Settings, in_this_process, in_workers, problems_of, ready_solver

if TYPE_CHECKING:
    from mull.engine.store import Store
    from mull.problems.lr2bench import BenchTask, Gold, Score

SHARES = {"completion": "CR", "subtasks": "S-Acc", "exact": "EM", "partial": "PM-0.5"}
"""The shares of ``Score`` and their names in the benchmark's table."""
TASK_NAMES = ("crossword", "acrostic", "logic", "cryptogram", "sudoku", "drop")


@click.command()
@click.argument("folder", metavar="FOLDER", type=click.Path())
@click.option("--task", "tasks", multiple=True, type=click.Choice(TASK_NAMES), help="Only this task (repeatable).")
@click.option("-s", "--solver", help="Solver of all tasks (default: the one that each family recommends).")
@click.option("--limit-each", "seconds", type=Seconds(), default="20s", show_default=True, help="Limit of each record.")
@click.option("--name", type=BenchName(), help="Name of the bench in the store (default: by date and time).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
@click.option("--jobs", type=click.IntRange(1, 256), default=2, show_default=True, help="Records at the same time.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the table and errors.")
@json_option
@store_option
def lr2bench(
    folder: str,
    tasks: Sequence[str],
    solver: str | None,
    seconds: float,
    name: str | None,
    seed: int,
    jobs: int,
    quiet: bool,
    as_json: bool,
    url: str | None,
) -> int:
    """LR²Bench: 850 constraint problems in words (arXiv 2502.17848).

    FOLDER is the benchmark's folder, with answer.json and folders such as 2-logic/4_4. All runs are stored under the name.
    An interrupted bench continues when it is started again with the same name. The table has the benchmark's shares in
    percent: completion (CR), correct subtasks (S-Acc), exact match (EM), at least half correct (PM-0.5).

    Exit code: 0 if every run ended, 1 if runs failed, 2 for bad usage, 130 if interrupted.
    """
    from mull.problems.lr2bench import TASKS, solutions

    if seconds == float("inf"):
        raise click.UsageError("a bench needs a limit: --limit-each 10s")
    if solver is not None:
        check_solver(solver)
    settings = Settings(name or f"lr2bench-{datetime.now():%Y%m%d-%H%M%S}", seconds, seed, "cpu", None, url)
    chosen = [TASKS[each] for each in dict.fromkeys(tasks or TASK_NAMES)]
    golds = {task.name: solutions(folder, task) for task in chosen}
    stopped = interruptible()
    failed = 0
    with open_store(url) as store, show_warnings():
        plan = _plan(folder, chosen, golds, solver, settings)
        done = {(row.source, row.seed) for row in _rows(store, settings)}
        waiting = (run for run in plan if (str(run.problem().source), seed) not in done)
        jobs_left = (run.job for run in waiting)
        ended: Iterator[Ended]
        if jobs == 1:
            ended = in_this_process(jobs_left, settings, store, stopped)
        else:
            ended = in_workers(jobs_left, settings, jobs, stopped)
        for run in ended:
            failed += run.status == "failed"
            if not quiet and run.stored:
                click.echo(f"{run.source}: {run.status}, {run.seconds:.2f} s", err=True)
        if stopped():
            click.echo(f"stopped\nhint: the same command with --name {settings.name!r} continues", err=True)
            return INTERRUPTED
        scores = _scores(plan, store, settings)
    if as_json:
        click.echo(json.dumps({"bench": settings.name, "limit_each": seconds, "seed": seed, "scores": _json(scores)}))
    else:
        _print(scores)
    return 1 if failed else 0


@dataclass(frozen=True)
class _Run:
    """One record of the benchmark, and the run that answers it."""

    task: BenchTask
    gold: Gold
    job: Job
    settings: Settings

    def problem(self) -> Any:
        """The problem, as the task's family reads it."""
        read = problems_of(self.job.argument, self.job.family, self.settings.seed)
        if self.job.position >= len(read):
            raise MullError(f"{self.job.argument}: the family {self.task.family} does not read every record")
        return read[self.job.position]


def _plan(
    folder: str,
    tasks: Sequence[BenchTask],
    golds: Mapping[str, Mapping[str, Sequence[Gold]]],
    solver: str | None,
    settings: Settings,
) -> list[_Run]:
    from mull.problems import families
    from mull.problems.lr2bench import records_of

    runs = []
    for task in tasks:
        named = solver or families()[task.family].solver
        ready_solver(named, settings.device)
        for level, path in records_of(folder, task).items():
            for position, gold in enumerate(golds[task.name][level]):
                runs.append(_Run(task, gold, Job(str(path), position, named, task.family), settings))
    return runs


def _rows(store: Store, settings: Settings) -> list[Any]:
    from mull.engine.store import Filter

    return store.runs(None, Filter(bench=settings.name))


def _scores(plan: Sequence[_Run], store: Store, settings: Settings) -> dict[str, dict[str, Score]]:
    """Task -> level -> score; the level ``mean`` is the mean of the levels."""
    from mull.problems.lr2bench import Score, grade, summarise

    ids = {row.source: row.id for row in _rows(store, settings)}
    grades: dict[str, dict[str, list[Any]]] = {}
    for run in plan:
        problem = run.problem()
        row = store.run(ids[str(problem.source)]) if str(problem.source) in ids else None
        answer = run.task.empty
        if row is not None and row.assignment is not None:
            answer = run.task.answer(problem, row.assignment)
        grades.setdefault(run.task.name, {}).setdefault(run.gold.level, []).append(grade(run.gold, answer))
    scores = {task: {level: summarise(each) for level, each in levels.items()} for task, levels in grades.items()}
    return {task: {**levels, "mean": Score.mean(levels.values())} for task, levels in scores.items()}


def _json(scores: Mapping[str, Mapping[str, Score]]) -> dict[str, Any]:
    return {task: {level: asdict(score) for level, score in levels.items()} for task, levels in scores.items()}


def _print(scores: Mapping[str, Mapping[str, Score]]) -> None:
    """The benchmark's table: a line for each task and level, their means, and published models."""
    from mull.problems.lr2bench import Score
    from mull.problems.lr2bench.published import PUBLISHED

    percent: Callable[[float], str] = lambda share: f"{100 * share:.1f}"
    rows = []
    for task, levels in scores.items():
        for level, score in levels.items():
            rows.append([task, level, str(score.records), *(percent(getattr(score, share)) for share in SHARES)])
    means = [levels["mean"] for levels in scores.values()]
    if len(means) == len(TASK_NAMES):
        overall = Score.mean(means)
        rows.append(["mean of six", "", str(overall.records), *(percent(getattr(overall, s)) for s in SHARES)])
    for model, tasks in PUBLISHED.items():
        for task, shares in tasks.items():
            if task == "mean" or task in scores:
                what = "mean of six" if task == "mean" else task
                figures = [f"{shares[share]:.1f}" if share in shares else "-" for share in SHARES]
                rows.append([f"{model}: {what}", "", "", *figures])
    table(["task", "level", "records", *SHARES.values()], rows)
