"""The portfolio behind ``--solver auto``: what was learned first, then heuristics, then the exact solver, inside one budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from ..engine.problem import Problem
from ..engine.solution import Solution
from ..engine.solver import Solver, WholeSolver
from ..engine.status import Status
from ..engine.task import Task
from ..engine.weights import CheckpointError
from .cpsat import CpSat
from .hrm import Hrm
from .learned import Learned
from .localsearch import LocalSearch
from .looped import Looped
from .trm import Trm

FIRST_SECONDS, FIRST_CONSTRAINTS = 0.5, 10_000
"""The exact solver's first try: seconds a problem, and the most constraints that are posted in such a time."""


class Auto(WholeSolver):
    """CP-SAT first, for 1000 conflicts; then trained reasoners; then local search and CP-SAT by turns, in slices of time that double, until one answers.

    A reasoner has one turn on the problems that it has weights for, trained on their family: one start of a moderate
    depth, in half of the time that is left at most. Doubling slices cost at most four times what the better of the others
    alone would have taken, without knowing which it is (Luby, Sinclair and Zuckerman 1993). Where an objective is to be
    minimised, or several answers are wanted, only the exact solver is asked.
    """

    name: ClassVar[str] = "auto"
    complete: ClassVar[bool] = True
    citation: ClassVar[str] = (
        "M. Luby, A. Sinclair and D. Zuckerman: Optimal speedup of Las Vegas algorithms. Information Processing "
        "Letters 47, 1993; and the citation of the member that won."
    )

    slice: float = Field(1.0, gt=0, description="seconds of the first slice")

    first: int = Field(1000, ge=0, description="conflicts of the exact solver's first try (0: none)")

    depth: int = Field(16, ge=1, description="segments that a trained reasoner is given")

    def samples(self, problem: Problem) -> str | None:
        return None

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if task.budget.solutions is not None:
            for n, solution in CpSat().run(problems, task):
                yield n, replace(solution, via=self.name)
            return
        open_ = dict(enumerate(problems))
        best: dict[int, Solution] = {}
        spent = dict.fromkeys(open_, 0.0)  # solving seconds of all members
        small = {n: p for n, p in open_.items() if len(p.graph.constraints) <= FIRST_CONSTRAINTS}
        if small and self.first:
            tries = min(self.first, task.budget.iterations or self.first)
            first = replace(task.share(FIRST_SECONDS * len(small)), on_progress=None)
            first = replace(first, budget=replace(first.budget, iterations=tries))
            rest = {n: p for n, p in open_.items() if n not in small}
            yield from self._turn(CpSat(), small, best, spent, first)
            open_ = {**small, **rest}
        once = replace(task, budget=replace(task.budget, restarts=task.budget.restarts or 1))
        for reasoner in (Looped(segments=self.depth), Trm(segments=self.depth), Hrm(segments=self.depth)):
            yield from self._turn(reasoner, open_, best, spent, once.share(task.remaining / 2))
        seconds = self.slice
        # Under a limit on iterations or restarts a second turn would begin from the first's start: one turn each.
        limited = task.budget.iterations is not None or task.budget.restarts is not None
        while open_:
            for member in (LocalSearch(), CpSat()):
                yield from self._turn(member, open_, best, spent, task if limited else task.share(seconds))
            seconds *= 2
            if task.over or limited:
                break
        for n in open_:
            status = Status.CANCELLED if task.cancelled() and not best[n].status.solved else best[n].status
            yield n, replace(best[n], status=status, via=self.name, seconds=spent[n])

    def _turn(
        self, member: Solver, open_: dict[int, Problem], best: dict[int, Solution], spent: dict[int, float], task: Task
    ) -> Iterator[tuple[int, Solution]]:
        """One member on what is open: yields what it answers, and keeps the best of the rest."""
        mine = [n for n, problem in open_.items() if _fits(member, problem)]
        try:
            for m, solution in member.run([open_[n] for n in mine], task) if mine else ():
                n = mine[m]
                spent[n] += solution.seconds
                if solution.status.good:
                    del open_[n]
                    yield n, replace(solution, via=self.name, seconds=spent[n])
                elif n not in best or _rank(solution) < _rank(best[n]):
                    best[n] = solution
        except CheckpointError as error:  # a damaged file is no reason to answer nothing
            task.on_notice(f"{member.name} takes no part: {error}")


def _fits(member: Solver, problem: Problem) -> bool:
    if isinstance(member, Learned):  # weights may fit a graph that they were never shown the like of
        return problem.graph.objective is None and member.trained_for(problem)
    return (member.complete or problem.graph.objective is None) and member.supports(problem.graph) is None


def _rank(solution: Solution) -> tuple[bool, int]:
    """Better answers first: any assignment before none, then the one that breaks less."""
    return solution.assignment is None, solution.violations
