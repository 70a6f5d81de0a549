"""Guided search: CP-SAT starts from another solver's assignment, then improves its best answer by neighbourhoods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import Any, ClassVar

from pydantic import Field

from ..engine.conclude import unanswered
from ..engine.deadline import OutOfTime
from ..engine.lazy import cp_model
from ..engine.posting import Posting
from ..engine.problem import Problem
from ..engine.solution import Solution
from ..engine.status import Status
from ..engine.task import Task
from .cpsat import FEASIBLE, NOT_POSTED, assignment_of, configured, posted, proves_best, search
from .neighbourhoods import GROW, SHRINK, Neighbourhoods, derived
from .rounds import ROUND_CONFLICTS, ROUND_SECONDS, NeighbourhoodSearch, Rounds, searched

FIRST_SHARE, FIRST_SECONDS = 0.1, 5.0
"""The first exact search ends after this share of the time, or after so many seconds."""

BLOCK, WHOLE_SECONDS = 12, 2.0
"""Rounds between two decisions how to go on, and seconds of the first search of the whole problem."""


class Guided(NeighbourhoodSearch):
    """Large neighbourhood search with CP-SAT, started from the best assignment of an iterative solver.

    CP-SAT searches alone first. If it finds nothing, an iterative solver (``search``) runs, and its best assignment becomes
    CP-SAT's hint. Then rounds follow. In each, the variables outside a neighbourhood keep the values of the best
    answer, and CP-SAT searches the neighbourhood for a better one. Neighbourhoods are, in turn, random variables,
    variables near each other in the constraint graph, and variables with values near each other. Their size adapts. If
    the neighbourhood is the whole problem and has no better answer, the best answer is optimal.

    Searches of the whole problem come between the rounds, each twice as long as the last. Of the two ways the one that
    gained more per second runs three times out of four. Searches end by the clock, so another run may give another answer.
    """

    name: ClassVar[str] = "guided"
    complete: ClassVar[bool] = True
    chunk: ClassVar[int] = 16
    unit: ClassVar[str] = "conflicts"
    citation: ClassVar[str] = (
        "P. Shaw: Using constraint programming and local search methods to solve vehicle routing problems. CP 1998. "
        "L. Perron, P. Shaw and V. Furnon: Propagation guided large neighborhood search. CP 2004."
    )

    search: str = Field("localsearch", description="iterative solver whose best assignment is CP-SAT's first hint")
    size: float = Field(0.2, gt=0, le=1, description="share of the variables in the first neighbourhood")

    def improved(self, problem: Problem, task: Task) -> Solution:
        try:
            posting = posted(problem, task)
        except OutOfTime:
            return unanswered(problem, self, task, NOT_POSTED)
        return _GuidedRounds(self, problem, posting, task).run()


class _GuidedRounds(Rounds):
    """The rounds on one problem. Mutable, private."""

    def __init__(self, solver: Guided, problem: Problem, posting: Posting, task: Task) -> None:
        super().__init__(solver, problem, task)
        self.size, self.posting = solver.size, posting
        if self.objective is not None:
            posting.model.minimize(sum(c * posting.variable(name) for name, c in self.objective.costs.items()))

    def run(self) -> Solution:
        status = self._first()
        if status is None and self.objective is not None and self.best is not None:
            status = self._improve()
        return self.concluded(status)

    # The first answer -------------------------------------------------------------------------------------------------

    def _first(self) -> Status | None:
        """Find an answer; a status where that settles the problem."""
        self.posting.hint(self.problem.hint)
        seconds = min(FIRST_SECONDS, FIRST_SHARE * self.task.remaining)
        status = self._search(self.task.share(seconds))
        if status is not None or self.best is not None:
            return status
        portion = self.task.share(min(2 * FIRST_SECONDS, 2 * FIRST_SHARE * self.task.remaining))
        self.posting.hint(searched(self.solver.search, self.problem, portion, self.solver.name) or self.problem.hint)
        return self._search(self.task, first=self.objective is not None)

    # Rounds -----------------------------------------------------------------------------------------------------------

    def _improve(self) -> Status | None:
        """Search neighbourhoods of the best answer until time is up, or until it is proved optimal."""
        free = derived(self.problem)
        decisions = [
            name for name in self.problem.graph.domains if name not in free and name not in self.problem.givens
        ]
        neighbours = Neighbourhoods(self.problem.graph, decisions)
        size, seconds = max(1.0, self.size * len(decisions)), WHOLE_SECONDS
        gains = {"rounds": math.inf, "whole": math.inf}  # improvement per second, when each was last tried
        for block in count():
            if self.over():
                return None
            # The one that gained more, but every fourth time the other: searches change as answers improve.
            order = sorted(gains, key=lambda way: -gains[way])
            # A neighbourhood of all variables is the whole problem.
            way = order[block % 4 == 3] if size < len(decisions) else "whole"
            since, before = self.task.clock(), self.cost()
            if way == "rounds":
                size = self._block(neighbours, decisions, size)
            else:
                self.posting.hint(self.best or {})
                status = self._search(self.task.share(seconds), bound=True)
                if status is not None:
                    return status
                size, seconds = min(size, 0.5 * len(decisions)), 2 * seconds
            gains[way] = (before - self.cost()) / max(1e-3, self.task.clock() - since)
        return None

    def _block(self, neighbours: Neighbourhoods, decisions: Sequence[str], size: float) -> float:
        """Some rounds: repair a neighbourhood of each kind by turns; the size that suits the next ones."""
        for n in range(BLOCK):
            if self.over() or size >= len(decisions):
                break
            best = self.best or {}
            relaxed = neighbours.kinds[n % len(neighbours.kinds)](max(1, round(size)), best, self.random)
            self.posting.hint({name: best[name] for name in decisions if name not in relaxed})
            outcome = self._repair(self.task.share(min(ROUND_SECONDS, 0.1 * self.task.remaining + 0.5)))
            if self.best is best:
                size *= GROW if outcome == cp_model.INFEASIBLE else SHRINK
        return max(1.0, size)

    # CP-SAT -----------------------------------------------------------------------------------------------------------

    def _search(self, task: Task, first: bool = False, bound: bool = False) -> Status | None:
        """Search the whole problem; a status where that settles it."""
        outcome = self._call(task, first=first, bound=bound)
        if outcome == cp_model.INFEASIBLE:
            return Status.OPTIMAL if self.best is not None else Status.UNSATISFIABLE
        if outcome == cp_model.MODEL_INVALID:
            self.detail = f"CP-SAT: {self.posting.model.validate()}"
            return Status.FAILED
        if outcome == cp_model.OPTIMAL and self.objective is None:
            return Status.SOLVED
        return Status.OPTIMAL if outcome == cp_model.OPTIMAL and self.proved else None

    def _repair(self, task: Task) -> Any:
        """Search with the hinted variables fixed, for an answer better than the best one."""
        return self._call(task, bound=True, fixed=True, conflicts=ROUND_CONFLICTS)

    def _call(
        self, task: Task, first: bool = False, bound: bool = False, fixed: bool = False, conflicts: int | None = None
    ) -> Any:
        most = self.task.budget.iterations
        if most is not None:
            left = max(0, most - self.spent)
            conflicts = left if conflicts is None else min(conflicts, left)
        solver = configured(task, self.solver.workers, self.task.seed + self.spent, conflicts)
        solver.parameters.stop_after_first_solution = first
        solver.parameters.fix_variables_to_their_hinted_value = fixed
        if self.objective is not None:
            domain = self.posting.model.proto.objective.domain
            domain.clear()
            if bound and self.best is not None:
                domain.extend([-(2**62), self.objective.cost(self.best) - 1])
        outcome = None if task.over or conflicts == 0 else search(solver, self.posting.model, task, None)
        if outcome is None:
            return cp_model.UNKNOWN
        self.spent += solver.num_conflicts
        self.proved = False
        if outcome in FEASIBLE:
            found = assignment_of(self.posting, solver)
            if self.objective is None:
                self.best = None  # the last answer counts
            self.accept(found)
            self.proved = not first and proves_best(self.problem, self.posting, solver)
        return outcome
