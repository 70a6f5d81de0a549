"""Better answers as they are found: checked on the whole problem and passed to ``Task.on_improvement``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .problem import Problem
from .solution import Solution
from .status import Status
from .task import Task
from .values import Value
from .verify import verified


class Improvements:
    """The answers of one call that are better than all before, for problems with an objective.

    Each answer is checked constraint by constraint before it is reported. An exception of the caller's function cancels
    the call; ``finish`` raises it again.

    Args:
        task: of the call. Without ``on_improvement`` nothing is reported.
    """

    def __init__(self, task: Task) -> None:
        self._call = task.on_improvement
        self._task = task
        self._best: dict[int, int] = {}
        self._raised: Exception | None = None

    @property
    def wanted(self) -> bool:
        """Whether the caller follows improvements."""
        return self._call is not None

    @property
    def task(self) -> Task:
        """The task of the call, cancelled as well where the caller's function raised an exception."""
        if not self.wanted:
            return self._task
        cancelled = self._task.cancelled
        return replace(self._task, cancelled=lambda: self._raised is not None or cancelled())

    def report(self, problem: Problem, solution: Solution) -> None:
        """Report an answer if it is better than all before.

        Args:
            problem: as the caller stated it.
            solution: with an assignment of all its variables. Its problem may have a bound on the objective.
        """
        if self._call is None or self._raised is not None or not problem.minimises or solution.assignment is None:
            return
        figure = _figure(problem, solution.assignment)
        if figure >= self._best.get(id(problem), figure + 1):
            return
        checked = verified(replace(solution, problem=problem, status=Status.SOLVED))
        if not checked.status.solved:
            return  # the final answer states what is wrong
        self._best[id(problem)] = figure
        try:
            self._call(replace(checked, wall=self._task.elapsed, detail=""))
        except Exception as error:  # inside a solver it would count as the solver's own error
            self._raised = error

    def finish(self) -> None:
        """Raise the exception of the caller's function, if there was one."""
        if self._raised is not None:
            raise self._raised


def _figure(problem: Problem, assignment: Mapping[str, Value]) -> int:
    """The figure of an assignment that is minimised."""
    objective = problem.graph.objective
    return problem.cost(assignment) if problem.cost or not objective else objective.cost(assignment)  # type: ignore[misc]
