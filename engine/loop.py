"""The loop: it runs a solver with steps on problems, batch by batch, each batch within its share of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from .allowance import left
from .batch import TOO_EARLY, Batch, Run
from .conclude import unanswered
from .deadline import OutOfTime, interrupting
from .memory import out_of_memory, release
from .problem import Problem
from .rows import batches, copies
from .shares import in_shares
from .solution import Solution
from .solver import Solver
from .task import Task
from .values import Assignment


@dataclass(frozen=True)
class Trial:
    """An input of the loop: a problem, its first copy, and the test that an answer must pass.

    Args:
        problem: to be solved.
        copy: number of the random stream of its first copy. It is 0, unless a call contains a problem several times.
            When time is up, trials with a number above 0 are not started and have no answer.
        accept: called with each solution found. If it returns False, all copies of the trial restart. If they find no
            accepted solution, the first solution is the answer. None accepts every solution.
    """

    problem: Problem
    copy: int = 0
    accept: Callable[[Assignment], bool] | None = None


def iterate(solver: Solver, trials: Sequence[Trial], task: Task) -> Iterator[tuple[int, Solution]]:
    """Run a solver with steps on problems.

    If memory runs out, the problems without an answer run again in half as many rows.

    Args:
        solver: bound to all of the problems.
        trials: the problems, in any mixture.
        task: budget, seed and device.

    Yields:
        (position, solution), each position once; trials that were not started are left out.
    """
    call = Run(solver, trials, [0.0] * len(trials))
    yield from in_shares(
        len(trials),
        task,
        lambda members: batches(solver, trials, members, task),
        partial(_run, call),
        left_of=lambda members: left(task.allowances, (trials[i].problem for i in members)),
    )


def _run(call: Run, members: Sequence[int], task: Task) -> Iterator[tuple[int, Solution]]:
    """The answers of one batch, or of several smaller ones if it does not fit into memory."""
    if task.over:
        members = [i for i in members if not call.trials[i].copy]
    waiting = [members] if call.rows is None else _split(call, members, task)
    while waiting:
        members = waiting.pop(0)
        share = task.share(task.remaining * len(members) / (len(members) + sum(map(len, waiting))))
        open_ = dict.fromkeys(members)
        try:
            for i, solution in _answers(call, members, share):
                del open_[i]
                yield i, solution
        except Exception as error:
            failed = len(members) * copies(call.solver, [call.trials[i].problem for i in members], task, 0, call.rows)
            fixed = len(members) == 1 and task.budget.copies is not None
            if not out_of_memory(error) or failed == 1 or fixed:
                raise
            call.rows = failed // 2
        if open_:  # the memory of the failed batch is free once the exception is
            release()
            task.on_notice(f"out of memory: going on with {call.rows} rows side by side")
            waiting = _split(call, [*open_, *(i for each in waiting for i in each)], task)


def _answers(call: Run, members: Sequence[int], task: Task) -> Iterator[tuple[int, Solution]]:
    if not members:
        return
    try:
        with interrupting(task):
            answers = Batch(call, members, task).run()
    except OutOfTime:
        answers = ((i, unanswered(call.trials[i].problem, call.solver, task, TOO_EARLY)) for i in members)
    yield from answers


def _split(call: Run, members: Sequence[int], task: Task) -> list[Sequence[int]]:
    """The members in batches that fit into memory."""
    rows = call.rows or len(members)
    if task.budget.copies is not None:
        rows //= max(count for _, count in task.budget.copies)
    size = max(1, rows)
    return [members[i : i + size] for i in range(0, len(members), size)]
