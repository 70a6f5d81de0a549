"""Guided search: CP-SAT starts from another solver's assignment, then improves its best answer by neighbourhoods."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ..engine.conclude import unanswered
from ..engine.constraints import Reify
from ..engine.constraints.terms import TermConstraint
from ..engine.deadline import OutOfTime
from ..engine.graph import ConstraintGraph
from ..engine.guard import answers_of, refusal
from ..engine.lazy import cp_model
from ..engine.posting import Posting
from ..engine.problem import Problem
from ..engine.raised import described
from ..engine.shares import in_shares
from ..engine.solution import Solution
from ..engine.solver import WholeSolver
from ..engine.status import Status
from ..engine.task import Task
from ..engine.values import Assignment
from ..plugins import installed, load
from .cpsat import FEASIBLE, NOT_POSTED, assignment_of, configured, posted, proves_best, search

FIRST_SHARE, FIRST_SECONDS = 0.1, 5.0
"""The first exact search ends after this share of the time, or after so many seconds."""

ROUND_SECONDS, ROUND_CONFLICTS = 3.0, 3000
"""Limits of the repair of one neighbourhood."""

GROW, SHRINK = 1.25, 0.8
"""Factors of the neighbourhood's size: after one without a better answer, and after one that ran into a limit."""

BLOCK, WHOLE_SECONDS = 12, 2.0
"""Rounds between two decisions how to go on, and seconds of the first search of the whole problem."""

FEW = 4
"""An objective of so few variables states a derived figure: they are never fixed."""


class Guided(WholeSolver):
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
    unit: ClassVar[str] = "conflicts"
    citation: ClassVar[str] = (
        "P. Shaw: Using constraint programming and local search methods to solve vehicle routing problems. CP 1998. "
        "L. Perron, P. Shaw and V. Furnon: Propagation guided large neighborhood search. CP 2004."
    )

    search: str = Field("localsearch", description="iterative solver whose best assignment is CP-SAT's first hint")
    workers: int = Field(1, ge=1, le=64, description="search threads of CP-SAT")
    size: float = Field(0.2, gt=0, le=1, description="share of the variables in the first neighbourhood")

    @field_validator("search")
    @classmethod
    def _installed(cls, name: str) -> str:
        known = [entry.name for entry in installed() if entry.name != cls.name]
        if name not in known:
            raise PydanticCustomError("search", "Input should be one of {known}", {"known": ", ".join(known)})
        return name

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        spent = [0.0] * len(problems)

        def answer(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
            (i,) = members
            since = task.clock()
            solution = self._solve(problems[i], portion)
            spent[i] += task.clock() - since
            yield i, replace(solution, seconds=spent[i])

        single = lambda pending: [[i] for i in pending]
        yield from in_shares(len(problems), task, single, answer, (Status.UNSOLVED, Status.SOLVED))

    def _solve(self, problem: Problem, task: Task) -> Solution:
        try:
            posting = posted(problem, task)
        except OutOfTime:
            return unanswered(problem, self, task, NOT_POSTED)
        return _Rounds(self, problem, posting, task).run()


class _Rounds:
    """The rounds on one problem. Mutable, private."""

    def __init__(self, solver: Guided, problem: Problem, posting: Posting, task: Task) -> None:
        self.solver, self.problem, self.posting, self.task = solver, problem, posting, task
        self.objective = problem.graph.objective
        if self.objective is not None:
            posting.model.minimize(sum(c * posting.variable(name) for name, c in self.objective.costs.items()))
        self.random = Random(task.seed)
        self.best: Assignment | None = None
        self.conflicts = 0
        self.detail = ""

    def run(self) -> Solution:
        status = self._first()
        if status is None and self.objective is not None and self.best is not None:
            status = self._improve()
        if status is None:
            status = Status.SOLVED if self.best is not None else Status.UNSOLVED
        if status is Status.UNSOLVED and self.task.cancelled():
            status = Status.CANCELLED
        return self._solution(status)

    def _solution(self, status: Status) -> Solution:
        """The best answer so far with a status."""
        found: dict[str, Any] = {}
        if self.best is not None:
            found = {"assignment": self.best, "violations": 0, "energy": 0.0}
        return Solution(
            self.problem,
            self.solver.name,
            status,
            unit=self.solver.unit,
            iterations=self.conflicts,
            seed=self.task.seed,
            version=self.solver.version,
            options=self.solver.options,
            detail=self.detail,
            **found,
        )

    # The first answer -------------------------------------------------------------------------------------------------

    def _first(self) -> Status | None:
        """Find an answer; a status where that settles the problem."""
        self.posting.hint(self.problem.hint)
        seconds = min(FIRST_SECONDS, FIRST_SHARE * self.task.remaining)
        status = self._search(self.task.share(seconds))
        if status is not None or self.best is not None:
            return status
        self.posting.hint(self._searched() or self.problem.hint)
        return self._search(self.task, first=self.objective is not None)

    def _searched(self) -> Assignment | None:
        """The best assignment of the iterative solver, which may violate constraints."""
        member = load(self.solver.search).from_options({})
        if refusal(member, self.problem, self.task) is not None:
            return None
        portion = self.task.share(min(2 * FIRST_SECONDS, 2 * FIRST_SHARE * self.task.remaining))
        plain = Problem(self.problem.graph, self.problem.givens, self.problem.family, self.problem.source)
        try:
            return next((solution.assignment for _, solution in answers_of(member, [plain], portion)), None)
        except Exception as error:  # a plugin may raise anything; CP-SAT does without its hint
            self.task.on_notice(f"guided: {member.name} failed: {described(error)}")
            return None

    # Rounds -----------------------------------------------------------------------------------------------------------

    def _improve(self) -> Status | None:
        """Search neighbourhoods of the best answer until time is up, or until it is proved optimal."""
        free = self._derived()
        decisions = [
            name for name in self.problem.graph.domains if name not in free and name not in self.problem.givens
        ]
        neighbours = _Neighbours(self.problem.graph, decisions)
        size, seconds = max(1.0, self.solver.size * len(decisions)), WHOLE_SECONDS
        gains = {"rounds": math.inf, "whole": math.inf}  # improvement per second, when each was last tried
        for block in count():
            if self._over():
                return None
            # The one that gained more, but every fourth time the other: searches change as answers improve.
            order = sorted(gains, key=lambda way: -gains[way])
            # A neighbourhood of all variables is the whole problem.
            way = order[block % 4 == 3] if size < len(decisions) else "whole"
            since, before = self.task.clock(), self._cost()
            if way == "rounds":
                size = self._block(neighbours, decisions, size)
            else:
                self.posting.hint(self.best or {})
                status = self._search(self.task.share(seconds), bound=True)
                if status is not None:
                    return status
                size, seconds = min(size, 0.5 * len(decisions)), 2 * seconds
            gains[way] = (before - self._cost()) / max(1e-3, self.task.clock() - since)
        return None

    def _block(self, neighbours: _Neighbours, decisions: Sequence[str], size: float) -> float:
        """Some rounds: repair a neighbourhood of each kind by turns; the size that suits the next ones."""
        for n in range(BLOCK):
            if self._over() or size >= len(decisions):
                break
            best = self.best or {}
            relaxed = neighbours.kinds[n % len(neighbours.kinds)](max(1, round(size)), best, self.random)
            self.posting.hint({name: best[name] for name in decisions if name not in relaxed})
            outcome = self._repair(self.task.share(min(ROUND_SECONDS, 0.1 * self.task.remaining + 0.5)))
            if self.best is best:
                size *= GROW if outcome == cp_model.INFEASIBLE else SHRINK
        return max(1.0, size)

    def _cost(self) -> int:
        return self.objective.cost(self.best) if self.objective is not None and self.best is not None else 0

    def _over(self) -> bool:
        most = self.task.budget.iterations
        return self.task.over or (most is not None and self.conflicts >= most)

    def _derived(self) -> set[str]:
        """Variables that others determine: results of functions, reified truths, auxiliaries, a single figure to minimise."""
        derived = set(self.problem.auxiliary)
        for constraint in self.problem.graph.constraints:
            inner = constraint
            if isinstance(constraint, Reify):
                derived.add(constraint.literal[0])
                inner = constraint.constraint
            result = getattr(inner, "value", None) if isinstance(inner, TermConstraint) else None
            if isinstance(result, str):
                derived.add(result)
        weighed = [name for name, c in self.objective.costs.items() if c] if self.objective else []
        if len(weighed) <= FEW:
            derived.update(weighed)
        names = set(self.problem.graph.domains)
        return derived if derived < names else set(weighed) if len(weighed) <= FEW else set()

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
            left = max(0, most - self.conflicts)
            conflicts = left if conflicts is None else min(conflicts, left)
        solver = configured(task, self.solver.workers, self.task.seed + self.conflicts, conflicts)
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
        self.conflicts += solver.num_conflicts
        self.proved = False
        if outcome in FEASIBLE:
            found = assignment_of(self.posting, solver)
            if self.objective is None or self.best is None or self.objective.cost(found) < self._cost():
                self.best = found
                if self.task.on_improvement is not None:
                    self.task.on_improvement(self._solution(Status.SOLVED))
            self.proved = not first and proves_best(self.problem, self.posting, solver)
        return outcome


class _Neighbours:
    """Sets of variables whose values may change together.

    Args:
        graph: the problem's.
        decisions: the variables to choose from.
    """

    def __init__(self, graph: ConstraintGraph, decisions: Sequence[str]) -> None:
        self.decisions = decisions
        self.kinds = (self.random, self.linked, self.close)
        chosen = set(decisions)
        self.scopes = [[name for name in c.scope if name in chosen] for c in graph.constraints]
        self.around: dict[str, list[int]] = defaultdict(list)
        for i, scope in enumerate(self.scopes):
            for name in scope:
                self.around[name].append(i)

    def random(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Any variables.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        return set(random.sample(self.decisions, min(size, len(self.decisions))))

    def linked(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Variables near one variable in the constraint graph.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        start = random.choice(self.decisions)
        found, queue = {start}, [start]
        while queue and len(found) < size:
            name = queue.pop(random.randrange(len(queue)))
            for i in random.sample(self.around[name], len(self.around[name])):
                near = [other for other in self.scopes[i] if other not in found]
                for other in random.sample(near, min(len(near), max(1, size // 4), size - len(found))):
                    found.add(other)
                    queue.append(other)
        return found

    def close(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Variables whose values lie close together: neighbours in time, for a schedule.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        order = sorted(self.decisions, key=lambda name: (str(type(best[name])), best[name], random.random()))
        first = random.randrange(max(1, len(order) - size + 1))
        return set(order[first : first + size])
