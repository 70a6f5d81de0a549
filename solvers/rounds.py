"""Rounds of large neighbourhood searches: their common options, the best answer, and the first assignment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ..engine.guard import answers_of, refusal
from ..engine.problem import Problem
from ..engine.raised import described
from ..engine.shares import in_shares
from ..engine.solution import Solution
from ..engine.solver import WholeSolver
from ..engine.status import Status
from ..engine.task import Task
from ..engine.values import Assignment
from ..plugins import installed, load

ROUND_SECONDS, ROUND_CONFLICTS = 3.0, 3000
"""Limits of the repair of one neighbourhood."""


class NeighbourhoodSearch(WholeSolver):
    """Base of large neighbourhood searches, which answer one problem after another.

    A subclass implements ``improved``.
    """

    search: str = Field("localsearch", description="iterative solver whose best assignment is the start")
    workers: int = Field(1, ge=1, le=64, description="search threads of CP-SAT")

    @field_validator("search")
    @classmethod
    def _installed(cls, name: str) -> str:
        known = [entry.name for entry in installed() if entry.name not in ("guided", "lns", cls.name)]
        if name not in known:
            raise PydanticCustomError("search", "Input should be one of {known}", {"known": ", ".join(known)})
        return name

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        spent = [0.0] * len(problems)

        def answer(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
            (i,) = members
            since = task.clock()
            solution = self.improved(problems[i], portion)
            spent[i] += task.clock() - since
            yield i, replace(solution, seconds=spent[i])

        single = lambda pending: [[i] for i in pending]
        yield from in_shares(len(problems), task, single, answer, (Status.UNSOLVED, Status.SOLVED))

    @abstractmethod
    def improved(self, problem: Problem, task: Task) -> Solution:
        """The answer to one problem.

        Args:
            problem: any.
            task: limits the search.
        """


class Rounds:
    """The best answer to one problem, and what was spent on it. Mutable.

    Args:
        solver: whose name and options the answer states.
        problem: to be solved.
        task: limits the search.
    """

    def __init__(self, solver: NeighbourhoodSearch, problem: Problem, task: Task) -> None:
        self.solver, self.problem, self.task = solver, problem, task
        self.objective = problem.graph.objective
        self.random = Random(task.seed)
        self.best: Assignment | None = None
        self.spent = 0
        self.detail = ""

    def solution(self, status: Status) -> Solution:
        """The best answer so far with a status."""
        found: dict[str, Any] = {}
        if self.best is not None:
            found = {"assignment": self.best, "violations": 0, "energy": 0.0}
        return Solution(
            self.problem,
            self.solver.name,
            status,
            unit=self.solver.unit,
            iterations=self.spent,
            seed=self.task.seed,
            version=self.solver.version,
            options=self.solver.options,
            detail=self.detail,
            **found,
        )

    def concluded(self, status: Status | None) -> Solution:
        """The final answer: with a status that settles the problem, or None where time was up."""
        if status is None:
            status = Status.SOLVED if self.best is not None else Status.UNSOLVED
        if status is Status.UNSOLVED and self.task.cancelled():
            status = Status.CANCELLED
        return self.solution(status)

    def cost(self) -> int:
        """What is minimised, for the best answer; 0 without one."""
        return self.objective.cost(self.best) if self.objective is not None and self.best is not None else 0

    def accept(self, found: Assignment) -> bool:
        """Keep an answer without violations if it is better than the best one, and report it."""
        if self.best is not None and (self.objective is None or self.objective.cost(found) >= self.cost()):
            return False
        self.best = found
        if self.task.on_improvement is not None:
            self.task.on_improvement(self.solution(Status.SOLVED))
        return True

    def over(self) -> bool:
        """Whether the budget is used up."""
        most = self.task.budget.iterations
        return self.task.over or (most is not None and self.spent >= most)


def searched(search: str, problem: Problem, task: Task, name: str) -> Assignment | None:
    """The best assignment of an iterative solver, which may violate constraints; None without one.

    Args:
        search: the solver's name.
        problem: to be solved.
        task: limits the search.
        name: of the calling solver, for the notice about an exception.
    """
    member = load(search).from_options({})
    if refusal(member, problem, task) is not None:
        return None
    plain = Problem(problem.graph, problem.givens, problem.family, problem.source)
    try:
        while isinstance(bound := member.bind(plain), NeighbourhoodSearch):  # it would search in rounds itself
            member = load(bound.search).from_options({})
        return next((solution.assignment for _, solution in answers_of(member, [plain], task)), None)
    except Exception as error:  # a plugin may raise anything; the search starts without its assignment
        task.on_notice(f"{name}: {member.name} failed: {described(error)}")
        return None
