"""The runs of a bench, in this process or in worker processes. Each run is one solver on one problem, alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

from mull.engine.errors import MullError

from ..common import make_solver, open_store

if TYPE_CHECKING:
    from mull.engine import AbstractSolver, Problem, Solution

PORTFOLIOS = ("auto", "guided")
"""Solvers that import others while they run, and torch with them: seconds that a run would be charged for."""
POLL = 0.1
"""Seconds between two checks for Ctrl-C while worker processes run."""


@dataclass(frozen=True)
class Settings:
    """What all runs of a bench share.

    Args:
        name: of the bench.
        seconds: limit of each run.
        seed: of each run.
        device: of each run.
        family: of the files, or None.
        url: of the store, or None for the user's own.
        trust: whether files that are programs may be executed.
    """

    name: str
    seconds: float
    seed: int
    device: str
    family: str | None
    url: str | None
    trust: bool = False


@dataclass(frozen=True)
class Job:
    """One run.

    Args:
        argument: the file or ``family:spec``.
        position: of the problem among those of the argument.
        solver: name of the solver.
        family: of this argument, or None for the family of the settings.
    """

    argument: str
    position: int
    solver: str
    family: str | None = None


@dataclass(frozen=True)
class Ended:
    """A run that ended.

    Args:
        job: the run.
        source: of the problem.
        status: how it ended.
        seconds: solving time.
        objective: of the answer, or None.
        detail: a further sentence, or the empty string.
        stored: whether it was recorded; a cancelled run is not.
    """

    job: Job
    source: str
    status: str
    seconds: float
    objective: int | None
    detail: str
    stored: bool


@lru_cache(maxsize=1)
def problems_of(argument: str, family: str | None, seed: int, trust: bool = False) -> list[Problem]:
    """The problems of an argument; those of the last one are kept.

    Args:
        argument: a file or ``family:spec``.
        family: of the file, or None.
        seed: of a generated problem.
        trust: whether a file that is a program may be executed.

    Raises:
        InputError: the argument cannot be read.
    """
    from mull.problems import load

    return load(argument, family=family, seed=seed, trust=trust)


@lru_cache(maxsize=32)
def ready_solver(name: str, device: str) -> AbstractSolver:
    """A solver that has run once on each form of problem, so that no run is charged for imports or compiled code.

    Args:
        name: of the solver.
        device: of the runs.

    Raises:
        MullError: the solver cannot be loaded, or its weights are missing.
    """
    from mull.engine import AllDifferent, Budget, Clause, ConstraintGraph, Linear, Objective, Problem, Task, solve

    solver = make_solver(name, {})
    if getattr(solver, "weights", None) is not None:
        from mull.solvers.kinds import check_weights

        check_weights(solver)
    if solver.name in PORTFOLIOS:
        import mull.solvers.kinds
        import mull.solvers.localsearch  # noqa: F401
    names = tuple("abcd")  # without a solution, so that neither peeling nor a first guess answers it
    small = Problem(ConstraintGraph(dict.fromkeys(names, (0, 1, 2)), [AllDifferent(names)]))
    costs = {name: i for i, name in enumerate(names)}
    priced = Problem(ConstraintGraph(dict.fromkeys(names, (0, 1, 2, 3)), [AllDifferent(names)], Objective(costs)))
    signs = product((0, 1), repeat=3)
    denied = [Clause((("a", a), ("b", b), ("c", c))) for a, b, c in signs]
    clauses = Problem(ConstraintGraph(dict.fromkeys("abc", (0, 1)), denied))
    odd = Problem(ConstraintGraph(dict.fromkeys("abc", range(9)), [Linear(("a", "b", "c"), (2, 2, 2), "=", 7)]))
    solve([small, priced, clauses, odd], solver, Task(Budget(10.0, iterations=1), device=device))
    return solver


def run_one(job: Job, settings: Settings, store: Any, cancelled: Callable[[], bool]) -> Ended:
    """Run one solver on one problem, and record the run unless it was cancelled.

    Args:
        job: the run.
        settings: of the bench.
        store: an open store.
        cancelled: whether to stop.

    Raises:
        MullError: the problem or the solver cannot be loaded, or the store refuses the run.
    """
    from mull.engine import Budget, Status, Task, solve

    family = job.family or settings.family
    problem = problems_of(job.argument, family, settings.seed, settings.trust)[job.position]
    solver = ready_solver(job.solver, settings.device)
    improving: list[tuple[float, int]] = []

    def better(answer: Solution) -> None:
        if answer.objective is not None:
            improving.append((round(min(answer.wall, settings.seconds), 4), answer.objective))

    budget = Budget(None, seconds_each=settings.seconds)
    follow = better if problem.minimises else None
    task = Task(budget, settings.seed, settings.device, cancelled=cancelled, on_improvement=follow)
    (solution,) = solve([problem], solver, task)
    stored = solution.status is not Status.CANCELLED and not cancelled()
    if stored:
        store.write([replace(solution, improvements=tuple(improving))], settings.name)
    source = str(problem.source)
    return Ended(
        job,
        source,
        str(solution.status),
        solution.seconds,
        solution.objective,
        solution.detail.partition("\n")[0],
        stored,
    )


def in_this_process(
    jobs: Iterable[Job], settings: Settings, store: Any, stopped: Callable[[], bool]
) -> Iterator[Ended]:
    """Run jobs one after another, until stopped.

    Args:
        jobs: the runs, in their order.
        settings: of the bench.
        store: an open store.
        stopped: whether the user has stopped the bench.
    """
    for job in jobs:
        if stopped():
            return
        yield run_one(job, settings, store, stopped)


def in_workers(jobs: Iterable[Job], settings: Settings, count: int, stopped: Callable[[], bool]) -> Iterator[Ended]:
    """Run jobs in worker processes, until stopped.

    Args:
        jobs: the runs, in the order in which they start.
        settings: of the bench.
        count: number of processes.
        stopped: whether the user has stopped the bench.

    Raises:
        MullError: a process ended unexpectedly, for example for lack of memory.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    end = context.Event()
    threads = max(1, (os.cpu_count() or 1) // count)
    waiting = iter(jobs)
    running: set[Future[Ended]] = set()
    try:
        with ProcessPoolExecutor(count, context, _start_worker, (settings, end, threads)) as pool:
            more = True
            while more or running:
                while more and len(running) < count and not stopped():
                    job = next(waiting, None)
                    more = job is not None
                    if job is not None:
                        running.add(pool.submit(_work, job))
                if stopped():
                    end.set()
                    more = False
                done, running = wait(running, POLL, FIRST_COMPLETED)
                for future in done:
                    yield future.result()
    except BrokenProcessPool:
        hint = f"the finished runs are stored; go on with --name {settings.name}, and fewer --jobs if memory is short"
        raise MullError("a worker process ended unexpectedly", hint) from None


_worker: dict[str, Any] = {}
"""The settings, the store and the stop event of a worker process."""


def _start_worker(settings: Settings, end: Any, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process sets ``end``
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before torch is imported
    _worker.update(settings=settings, end=end, store=open_store(settings.url))


def _work(job: Job) -> Ended:
    return run_one(job, _worker["settings"], _worker["store"], _worker["end"].is_set)
