"""Large neighbourhood search: destroy a part of an assignment, repair it with CP-SAT while the rest is fixed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from ..engine.deadline import OutOfTime, interrupting
from ..engine.lazy import cp_model
from ..engine.posting import Posting
from ..engine.problem import Problem
from ..engine.solution import Solution
from ..engine.status import Status
from ..engine.task import Task
from ..engine.values import Assignment
from .cpsat import FEASIBLE, assignment_of, configured, search
from .neighbourhoods import FOUND, Choice, CostlyNeighbourhoods, derived
from .rounds import ROUND_CONFLICTS, ROUND_SECONDS, NeighbourhoodSearch, Rounds, searched

START_SHARE, START_SECONDS = 0.2, 10.0
"""The iterative solver runs for this share of the time, or for so many seconds."""

WHOLE_SECONDS = 1.0
"""Seconds of the first search of the whole problem; the next ones take twice as long."""

STUCK = 3
"""Rounds without progress after which the whole problem is searched for an answer, with the present one as hint. It
doubles each time."""


class Lns(NeighbourhoodSearch):
    """Large neighbourhood search from the assignment of an iterative solver, which may violate constraints.

    Each round destroys the values of some variables; CP-SAT repairs them, and all others are fixed. A round posts only
    the constraints of the variables that may change.

    While constraints are violated, the variables come from violated constraints and from their neighbourhood. CP-SAT minimises
    the weight of the violated constraints. Where a round finds nothing better, the weights of the violated ones rise
    (Morris 1993), so that the search leaves local minima. Without violations, CP-SAT looks for a smaller objective. The
    kinds of neighbourhoods are random variables, variables near each other in the constraint graph, variables with close
    values, variables around one that costs much, and vertices near each other on a tour. Each has a size that adapts. Kinds
    that improved more often are drawn more often (Ropke and Pisinger 2006).

    After some rounds without progress CP-SAT searches the whole problem, each time twice as long. That may prove that
    there is no answer, or no better one. Rounds also end by the clock, so another run may give another answer.
    """

    name: ClassVar[str] = "lns"
    complete: ClassVar[bool] = True
    chunk: ClassVar[int] = 16
    unit: ClassVar[str] = "rounds"
    citation: ClassVar[str] = (
        "P. Shaw: Using constraint programming and local search methods to solve vehicle routing problems. CP 1998. "
        "S. Ropke and D. Pisinger: An adaptive large neighborhood search heuristic for the pickup and delivery problem with "
        "time windows. Transportation Science 40(4), 2006."
    )

    size: int = Field(20, ge=1, description="variables in the first neighbourhood of each kind")

    def improved(self, problem: Problem, task: Task) -> Solution:
        return _LnsRounds(self, problem, task).run()


class _Repair(NamedTuple):
    """The outcome of a round: CP-SAT's status, and the values found for the variables that were free."""

    outcome: Any
    found: Assignment


class _LnsRounds(Rounds):
    """The rounds on one problem. Mutable, private."""

    def __init__(self, solver: Lns, problem: Problem, task: Task) -> None:
        super().__init__(solver, problem, task)
        graph = problem.graph
        self.graph, self.constraints = graph, graph.constraints
        self.results = derived(problem) - problem.givens.keys()
        self.decisions = [n for n in graph.domains if n not in self.results and n not in problem.givens]
        self.neighbours = CostlyNeighbourhoods(graph, self.decisions)
        self.first_size = solver.size
        self.now: Assignment = {}
        self.violated: set[int] = set()

    def run(self) -> Solution:
        try:
            self._start()
            status = self._satisfy()
            if status is None and self.best is not None and self.objective is not None:
                status = self._improve()
            elif status is None and self.best is not None:
                status = Status.SOLVED
        except OutOfTime:
            status = None
        return self.concluded(status)

    def _start(self) -> None:
        """The first assignment: the problem's hint, or that of the iterative solver, completed at random."""
        graph, hint = self.graph, self.problem.hint
        found: Assignment | None = None
        if not all(name in hint for name in self.decisions):
            portion = self.task.share(min(START_SECONDS, START_SHARE * self.task.remaining))
            found = searched(self.solver.search, self.problem, portion, self.solver.name)
        known = {**(found or {}), **hint, **self.problem.givens}
        for name, domain in graph.domains.items():
            value = known.get(name)
            self.now[name] = value if value is not None and value in domain else self.random.choice(domain)
        self.violated = {i for i, each in enumerate(self.constraints) if not self._holds(i)}
        if self.violated and self.results and not found:  # results of functions follow from the decisions
            self._repaired(set(), weights=[1] * len(self.constraints))

    def _holds(self, i: int) -> bool:
        constraint = self.constraints[i]
        return constraint.check([self.now[name] for name in constraint.scope])

    # Feasibility ------------------------------------------------------------------------------------------------------

    def _satisfy(self) -> Status | None:
        """Rounds until no constraint is violated; a status where that settles the problem."""
        weights = [1] * len(self.constraints)
        choice = Choice(2, self.first_size, len(self.decisions))
        seconds, stuck, patience = WHOLE_SECONDS, 0, STUCK
        while self.violated and not self.over():
            kind = choice.draw(self.random)
            size = round(choice.sizes[kind])
            if stuck >= patience or size >= len(self.decisions):
                outcome = self._repaired(set(self.decisions), seconds=seconds).outcome
                if outcome == cp_model.INFEASIBLE:
                    return Status.UNSATISFIABLE
                choice.sizes = [max(2.0, min(each, 0.5 * len(self.decisions))) for each in choice.sizes]
                seconds, stuck, patience = 2 * seconds, 0, 2 * patience
                continue
            relaxed = self.neighbours.conflicting(sorted(self.violated), size, self.random, near=kind == 0)
            before = sum(weights[i] for i in self.violated)
            outcome = self._repaired(relaxed, weights=weights).outcome
            gained = sum(weights[i] for i in self.violated) < before
            stuck = 0 if gained else stuck + 1
            for i in () if gained else self.violated:
                weights[i] += 1
            choice.learn(kind, FOUND * gained, outcome == cp_model.INFEASIBLE)
        if not self.violated:
            self.accept(dict(self.now))
        return None

    # Objective --------------------------------------------------------------------------------------------------------

    def _improve(self) -> Status | None:
        """Rounds from the best answer until time is up, or until it is proved optimal."""
        kinds = self.neighbours.kinds
        choice = Choice(len(kinds), self.first_size, len(self.decisions))
        seconds, stuck, patience = WHOLE_SECONDS, 0, 2 * STUCK
        while not self.over():
            kind = choice.draw(self.random)
            size = max(1, round(choice.sizes[kind]))
            whole = size >= len(self.decisions) or stuck >= patience
            relaxed = set(self.decisions) if whole else kinds[kind](size, self.now, self.random)
            outcome = self._repaired(relaxed, seconds=seconds if whole else ROUND_SECONDS).outcome
            if whole and outcome == cp_model.INFEASIBLE:
                return Status.OPTIMAL
            better = self.accept(dict(self.now)) if outcome in FEASIBLE else False
            stuck = 0 if better or whole else stuck + 1
            if whole:  # neighbourhoods and the whole problem get about the same time
                choice.sizes = [min(each, 0.5 * len(self.decisions)) for each in choice.sizes]
                seconds, patience = 2 * seconds, 2 * patience
            else:
                choice.learn(kind, FOUND * better, outcome == cp_model.INFEASIBLE)
        return None

    # CP-SAT -----------------------------------------------------------------------------------------------------------

    def _repaired(self, relaxed: set[str], weights: list[int] | None = None, seconds: float = ROUND_SECONDS) -> _Repair:
        """Search values for some decisions, and keep them where they are better.

        Args:
            relaxed: the decisions that may change.
            weights: of all constraints: the weight of the violated ones is minimised. None where all constraints have to
                hold and the objective is minimised.
            seconds: time limit.
        """
        self.spent += 1
        soft, most = weights is not None, ROUND_CONFLICTS if len(relaxed) < len(self.decisions) else None
        portion = self.task.share(seconds)
        free, touched = self._opened(relaxed)
        if not relaxed and soft:
            free, touched = set(self.results), set(range(len(self.constraints)))
        names = dict.fromkeys(name for i in sorted(touched) for name in self.constraints[i].scope)
        names.update(dict.fromkeys(n for n in (self.objective.costs if self.objective else ()) if n in free))
        with interrupting(self.task):
            fixed = {name: self.now[name] for name in names if name not in free}
            posting = Posting({name: self.graph.domains[name] for name in names}, {**fixed})
            cost: list[Any] = []
            for i in sorted(touched):
                if weights is None:
                    self.constraints[i].post(posting)
                else:
                    broken = posting.model.new_bool_var("")  # not its negation: the bound below excludes constants
                    with posting.only_if(~broken):
                        self.constraints[i].post(posting)
                    cost.append(weights[i] * broken)
        bound = None
        if weights is not None:
            posting.model.minimize(sum(cost))
            bound = sum(weights[i] for i in self.violated if i in touched) - 1
        elif self.objective is not None:
            costs = {name: c for name, c in self.objective.costs.items() if c and name in free and name in names}
            posting.model.minimize(sum(c * posting.variable(name) for name, c in costs.items()))
            if not self.violated:
                bound = sum(c * int(self.now[name]) for name, c in costs.items()) - 1
        if bound is not None:
            posting.model.proto.objective.domain.extend([-(2**62), bound])
        posting.hint({name: self.now[name] for name in names if name in free})
        solver = configured(portion, self.solver.workers, self.task.seed + self.spent, most)
        solver.parameters.stop_after_first_solution = bool(self.violated) and not soft
        outcome = None if portion.over else search(solver, posting.model, portion, None)
        if outcome is None or outcome not in FEASIBLE:
            return _Repair(cp_model.UNKNOWN if outcome is None else outcome, {})
        found = {name: value for name, value in assignment_of(posting, solver).items() if name in free}
        self._move(found, touched)
        return _Repair(outcome, found)

    def _opened(self, relaxed: Iterable[str]) -> tuple[set[str], set[int]]:
        """The variables that may change with some decisions, and the constraints on them.

        A result of a function may change with each variable of its constraint.
        """
        free, queue = set(relaxed), list(relaxed)
        touched: set[int] = set()
        if len(free) == len(self.decisions):
            return self.graph.domains.keys() - self.problem.givens.keys(), set(range(len(self.constraints)))
        while queue:
            for i in self.neighbours.uses[queue.pop()]:
                if i not in touched:
                    touched.add(i)
                    opened = [n for n in self.constraints[i].scope if n in self.results and n not in free]
                    free.update(opened)
                    queue.extend(opened)
        return free, touched

    def _move(self, found: Assignment, touched: Iterable[int]) -> None:
        self.now.update(found)
        for i in touched:
            if self._holds(i):
                self.violated.discard(i)
            else:
                self.violated.add(i)
