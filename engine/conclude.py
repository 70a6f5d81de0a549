"""Solutions without an assignment: why a problem was not answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .problem import Problem
from .solution import Solution
from .status import Status
from .task import Task

if TYPE_CHECKING:
    from .solver import AbstractSolver


def conclude(problem: Problem, solver: AbstractSolver, task: Task, status: Status, detail: str) -> Solution:
    """The solution of a problem that the solver was not run on, or failed on.

    Args:
        problem: without an answer.
        solver: that was called.
        task: of the run.
        status: how it ended.
        detail: why, in one sentence.
    """
    return Solution(
        problem,
        solver.name,
        status,
        unit=solver.unit,
        seed=task.seed,
        device=task.device,
        version=solver.version,
        options=solver.options,
        detail=detail,
    )


def unanswered(problem: Problem, solver: AbstractSolver, task: Task, detail: str) -> Solution:
    """The solution of a problem that the time limit or a cancellation left without an answer.

    Args:
        problem: without an answer.
        solver: that was called.
        task: of the run; it decides between *cancelled* and *unsolved*.
        detail: why, in one sentence.
    """
    return conclude(problem, solver, task, Status.CANCELLED if task.cancelled() else Status.UNSOLVED, detail)
