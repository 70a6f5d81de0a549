"""The portfolio behind ``--solver auto``: what was learned first, then heuristics, then the exact solver, inside one budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ..engine.errors import MullError
from ..engine.problem import Problem
from ..engine.raised import described
from ..engine.solution import Solution
from ..engine.solver import Solver, WholeSolver
from ..engine.status import Status
from ..engine.task import Task
from .cpsat import CpSat
from .localsearch import LocalSearch

if TYPE_CHECKING:
    from .learned import Learned

FIRST_SECONDS, FIRST_CONSTRAINTS = 0.5, 10_000
"""The exact solver's first try: seconds a problem, and the most constraints that are posted in such a time."""


class Auto(WholeSolver):
    """CP-SAT first, for 1000 conflicts; then trained reasoners; then local search and CP-SAT by turns, in slices of time that double, until one answers.

    The reasoners are the installed learned solvers, plugins' among them, that have weights trained on a problem's family. Each
    has one turn on these problems: one start of a moderate depth, in half of the time that is left at most. Doubling slices cost at most four times what the better of the others
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
            yield from self._turn(CpSat(), small, best, spent, first, _supported(CpSat()))
            open_ = {**small, **rest}
        once = replace(task, budget=replace(task.budget, restarts=task.budget.restarts or 1))
        for reasoner in self._reasoners(open_.values(), task):
            share = once.share(task.remaining / 2)
            yield from self._turn(reasoner, open_, best, spent, share, _trained(reasoner))
        seconds = self.slice
        # Under a limit on iterations or restarts a second turn would begin from the first's start: one turn each.
        limited = task.budget.iterations is not None or task.budget.restarts is not None
        while open_:
            for member in (LocalSearch(), CpSat()):
                share = task if limited else task.share(seconds)
                yield from self._turn(member, open_, best, spent, share, _supported(member))
            seconds *= 2
            if task.over or limited:
                break
        for n in open_:
            status = Status.CANCELLED if task.cancelled() and not best[n].status.solved else best[n].status
            yield n, replace(best[n], status=status, via=self.name, seconds=spent[n])

    def _reasoners(self, problems: Iterable[Problem], task: Task) -> list[Learned]:
        families = {problem.family for problem in problems if problem.graph.objective is None}
        if not families:
            return []
        # Nets and plugins are imported only when the exact solver's first try was not enough.
        from .kinds import trained_on

        return [kind(segments=self.depth) for kind in trained_on(families, task.on_notice)]

    def _turn(
        self,
        member: Solver,
        open_: dict[int, Problem],
        best: dict[int, Solution],
        spent: dict[int, float],
        task: Task,
        fits: Callable[[Problem], bool],
    ) -> Iterator[tuple[int, Solution]]:
        """One member on what is open: yields what it answers, and keeps the best of the rest."""
        try:
            mine = [n for n, problem in open_.items() if fits(problem)]
            for m, solution in member.run([open_[n] for n in mine], task) if mine else ():
                n = mine[m]
                spent[n] += solution.seconds
                if solution.status.good:
                    del open_[n]
                    yield n, replace(solution, via=self.name, seconds=spent[n])
                elif n not in best or _rank(solution) < _rank(best[n]):
                    best[n] = solution
        except Exception as error:
            # A damaged file or a plugin at fault must not spoil the answers of the others.
            if type(member).__module__.startswith("mull.solvers.") and not isinstance(error, MullError):
                raise
            task.on_notice(f"{member.name} is left out: {error if isinstance(error, MullError) else described(error)}")


def _trained(member: Learned) -> Callable[[Problem], bool]:
    """Which problems a reasoner is asked: its weights may fit a graph unlike all that they were trained on."""
    return lambda problem: problem.graph.objective is None and member.trained_for(problem)


def _supported(member: Solver) -> Callable[[Problem], bool]:
    return lambda problem: (
        (member.complete or problem.graph.objective is None) and member.supports(problem.graph) is None
    )


def _rank(solution: Solution) -> tuple[bool, int]:
    """Better answers first: any assignment before none, then the one that breaks less."""
    return solution.assignment is None, solution.violations
