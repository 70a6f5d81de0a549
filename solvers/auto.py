"""The portfolio ``auto``: a short exact search, then learned solvers, then local and exact search by turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ..engine.choice import trained_size
from ..engine.conclude import unanswered
from ..engine.costs import added
from ..engine.errors import MullError
from ..engine.graph import ConstraintGraph
from ..engine.guard import answers_of
from ..engine.problem import Problem
from ..engine.raised import described
from ..engine.solution import Solution
from ..engine.solver import AbstractSolver, WholeSolver, changed_options
from ..engine.status import Status
from ..engine.task import Task
from ..engine.weights import cards
from .beam import Beam
from .cpsat import CpSat
from .spelling import spelled

if TYPE_CHECKING:
    from .learned import Learned

FIRST_CONFLICTS, FIRST_SECONDS, FIRST_CONSTRAINTS, FIRST_LITERALS = 1000, 0.5, 10_000, 1 << 16
"""Limits of the first exact search: conflicts, seconds per problem, and a graph's constraints and literals. CP-SAT
seldom ends a search of larger graphs in that time."""

WORK, MOVES = 1 << 21, 1 << 12
"""First turn of local search: numbers that the moves of a row read, and the fewest moves. A move reads about the numbers
of one variable (``ConstraintGraph.work`` by the number of variables)."""

CLOCKED = "some turns were ended by the clock: another run may give another answer"


class Auto(WholeSolver):
    """Chooses solvers: ``cpsat`` for 1000 conflicts, then trained solvers, then ``localsearch`` and ``cpsat`` by turns.

    A turn is a number of iterations, so that the seed and ``--iterations`` determine the answer. Without
    ``--iterations`` a turn also ends after a share of the time. The answer's detail then states this, because another
    run may give another answer.

    Trained solvers are the installed learned solvers, including those of plugins, with weights for a problem's family.
    Each has one turn: one start of ``depth`` segments, in at most half of the time left. Then ``localsearch`` and
    ``cpsat`` take turns that double. These cost at most four times as much as the better of the two solvers alone
    (Luby, Sinclair and Zuckerman 1993). With an objective, ``guided`` replaces the trained solvers and starts from the
    best answer of the first search. For several answers only ``cpsat`` runs. Word puzzles are bound to ``beam``.
    """

    name: ClassVar[str] = "auto"
    version: ClassVar[str] = "4"
    complete: ClassVar[bool] = True
    citation: ClassVar[str] = (
        "M. Luby, A. Sinclair and D. Zuckerman: Optimal speedup of Las Vegas algorithms. Information Processing "
        "Letters 47, 1993; and the citation of the member that won."
    )

    slice: float = Field(1.0, gt=0, description="time limit of the first turn of localsearch and of cpsat, in seconds")

    first: int = Field(FIRST_CONFLICTS, ge=0, description="conflicts of the first exact search (0: none)")

    depth: int = Field(16, ge=1, description="segments of a trained solver's turn")

    def samples(self, problem: Problem) -> str | None:
        return None

    def bind(self, problem: Problem) -> AbstractSolver:
        # The cheapest words by frequency alone are seldom the text that a puzzle means; beam search reads pairs.
        return Beam() if spelled(problem.graph) else self

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if task.budget.solutions is not None:
            for n, solution in CpSat().run(problems, task):
                yield n, replace(solution, via=self.name, via_options=changed_options(self))
            return
        yield from _Portfolio(self, problems, task).run()


class _Portfolio:
    """The turns of the members on a list of problems. Mutable, private."""

    def __init__(self, solver: Auto, problems: Sequence[Problem], task: Task) -> None:
        self.solver, self.task = solver, task
        self.open = dict(enumerate(problems))
        self.weighed = {n for n, problem in self.open.items() if problem.graph.objective is not None}
        self.problems = list(problems)
        self.best: dict[int, Solution] = {}
        self.spent = dict.fromkeys(self.open, 0.0)  # solving seconds of all members
        self.flops: dict[int, float | None] = dict.fromkeys(self.open)
        self.clocked: set[int] = set()  # problems of turns that ended with their share of the time
        # With a limit on iterations or restarts a second turn would repeat the first: one turn each.
        self.limited = task.budget.iterations is not None or task.budget.restarts is not None

    def run(self) -> Iterator[tuple[int, Solution]]:
        yield from self._first_try()
        yield from self._optimise()
        restarts = self.task.budget.restarts or 1
        for reasoner in self._reasoners():
            fits = _trained(reasoner)
            yield from self._turn(reasoner, fits, list(self.open), self.task.remaining / 2, restarts=restarts)
        searchers = self._searchers() if self.open and not self.task.over else ()
        seconds, doublings = self.solver.slice, 0
        while self.open and not self.task.over:
            for member in searchers:
                if self.limited:
                    yield from self._turn(member, _supported(member), list(self.open))
                else:
                    yield from self._double(member, seconds, 2**doublings)
            seconds, doublings = 2 * seconds, doublings + 1
            if self.limited:
                break
        for n, problem in self.open.items():
            last = self.best.get(n) or unanswered(problem, self.solver, self.task, "time was up before the first turn")
            cancelled = self.task.cancelled() and not last.status.solved
            yield n, self._ours(n, replace(last, status=Status.CANCELLED) if cancelled else last)

    def _reasoners(self) -> list[Learned]:
        feasible = [problem for problem in self.open.values() if problem.graph.objective is None]
        if not feasible or self.task.over:
            return []
        known = cards()
        families = {each.family for each in feasible if each.graph.literals <= trained_size(known, each.family)}
        if not families:
            return []
        # Nets and plugins are imported only if the first exact search was not enough.
        from .kinds import trained_on

        return [kind(segments=self.solver.depth) for kind in trained_on(families, self.task.on_notice)]

    @staticmethod
    def _searchers() -> tuple[AbstractSolver, AbstractSolver]:
        from .localsearch import LocalSearch  # imports what the first exact search does not need

        return LocalSearch(), CpSat()

    def _first_try(self) -> Iterator[tuple[int, Solution]]:
        small = [n for n, problem in self.open.items() if _small(problem.graph)]
        conflicts = min(self.solver.first, self.task.budget.iterations or self.solver.first)
        if small and conflicts:
            yield from self._turn(
                CpSat(), _supported(CpSat()), small, FIRST_SECONDS * len(small), iterations=conflicts, final=False
            )

    def _optimise(self) -> Iterator[tuple[int, Solution]]:
        """One turn of ``guided``, to the end, for problems with an objective."""
        weighed = [n for n, problem in self.open.items() if problem.graph.objective is not None]
        if not weighed or self.task.over:
            return
        from .guided import Guided

        for n in weighed:
            best = self.best.get(n)
            if best is not None and best.assignment is not None and best.status.solved:
                self.open[n] = replace(self.open[n], hint=best.assignment)
        share = self.task.remaining * len(weighed) / len(self.open)
        yield from self._turn(Guided(), _supported(Guided()), weighed, share)

    def _double(self, member: AbstractSolver, seconds: float, times: int) -> Iterator[tuple[int, Solution]]:
        """A turn of iterations that depend on the problem's size; problems with equal numbers run together."""
        turns: dict[int, list[int]] = defaultdict(list)
        for n, problem in self.open.items():
            graph = problem.graph
            moves = max(MOVES, WORK * len(graph.domains) // max(1, graph.work))
            turns[2 * FIRST_CONFLICTS if member.complete else 1 << moves.bit_length()].append(n)
        left = len(self.open)
        for iterations, mine in sorted(turns.items()):
            yield from self._turn(
                member, _supported(member), mine, seconds * len(mine) / left, iterations=times * iterations
            )

    def _turn(
        self,
        member: AbstractSolver,
        fits: Callable[[Problem], bool],
        mine: Sequence[int],
        seconds: float = float("inf"),
        iterations: int | None = None,
        restarts: int | None = None,
        final: bool = True,
    ) -> Iterator[tuple[int, Solution]]:
        """Run one member on some problems: yield its answers, and keep the best assignment of each other problem.

        Unless ``final``, an answer to a problem with an objective is kept and not yielded if it is not proved optimal.
        """
        if self.task.over:
            return
        task = self.task if self.limited else self.task.share(seconds)
        budget = replace(task.budget, iterations=iterations or task.budget.iterations)
        task = replace(task, budget=replace(budget, restarts=restarts or budget.restarts))
        try:
            mine = [n for n in mine if fits(self.open[n])]
            for m, solution in answers_of(member, [self.open[n] for n in mine], task):
                n = mine[m]
                self.spent[n] += solution.seconds
                self.flops[n] = added(self.flops[n], solution.flops)
                if solution.status.good and (final or n not in self.weighed or solution.status is not Status.SOLVED):
                    del self.open[n]
                    yield n, self._ours(n, solution)
                    continue
                if n not in self.best or _rank(solution) < _rank(self.best[n]):
                    self.best[n] = solution
                if task.over:
                    self.clocked.add(n)
        except Exception as error:
            # A damaged file or a faulty plugin must not affect the answers of the others.
            if type(member).__module__.startswith("mull.solvers.") and not isinstance(error, MullError):
                raise
            text = str(error) if isinstance(error, MullError) else described(error)
            self.task.on_notice(f"{member.name} is left out: {text}")

    def _ours(self, n: int, solution: Solution) -> Solution:
        """The member's answer, with the portfolio as ``via``."""
        detail = solution.detail or (CLOCKED if n in self.clocked else "")
        return replace(
            solution,
            problem=self.problems[n],
            via=self.solver.name,
            via_options=changed_options(self.solver),
            seconds=self.spent[n],
            flops=self.flops[n],
            detail=detail,
        )


def _small(graph: ConstraintGraph) -> bool:
    """Whether the first exact search may end. A wide domain of few variables has few values that matter."""
    variables = len(graph.domains)
    return len(graph.constraints) <= FIRST_CONSTRAINTS and min(graph.literals, variables**2) <= FIRST_LITERALS


def _trained(member: Learned) -> Callable[[Problem], bool]:
    """Whether weights of a learned solver were trained on such problems; weights may fit other graphs as well."""
    from .weights import trained_for

    return lambda problem: problem.graph.objective is None and trained_for(member, problem)


def _supported(member: AbstractSolver) -> Callable[[Problem], bool]:
    return lambda problem: (
        (member.complete or problem.graph.objective is None) and member.supports(problem.graph) is None
    )


def _rank(solution: Solution) -> tuple[bool, int]:
    """Sort key, better first: with an assignment, then by fewer violations."""
    return solution.assignment is None, solution.violations
