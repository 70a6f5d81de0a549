"""Several answers: independent trajectories of a step-wise solver on each problem, and what they found together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .loop import block, iterate
from .problem import Problem
from .solution import Solution
from .solver import Solver
from .status import Status
from .task import Task
from .values import Assignment, Value

STALE = 0.02
"""Chance that another trajectory arrives where none has been below which those that arrive elsewhere do not begin anew."""


def sample(solver: Solver, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
    """Draw ``task.budget.solutions`` samples of each problem, or what there is time for; one at least.

    A sample is a problem of the loop with one start, the k-th with that of copy k in an ordinary run. One that arrives where
    another of its block has been begins anew, while there seems to be more to find; if it finds nothing new before it settles
    or its budget is spent, its first answer stands. A problem is answered when all of its samples are.
    """
    count = task.budget.solutions or 1
    once = replace(task, budget=replace(task.budget, restarts=1, solutions=None))
    samples = [_Samples(problem, count) for problem in problems]
    drawn = [problem for problem in problems for _ in range(count)]
    numbers = [n % count for n in range(len(drawn))]

    def again(n: int, found: Assignment) -> bool:
        return samples[n // count].again(n % count, found)

    for n, solution in iterate(solver, drawn, once, numbers, again):
        i, k = divmod(n, count)
        samples[i].add(k, solution)
        if samples[i].drawn == count:
            yield i, samples[i].together(task)
    yield from ((i, mine.together(task)) for i, mine in enumerate(samples) if mine.drawn < count)


class _Samples:
    """The samples of one problem as they end. Mutable, private."""

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem = problem
        self.drawn = self.hits = 0
        self.seconds = 0.0
        self.best: tuple[bool, int, int, int] = (True, 0, 0, 0)
        self.answer: Solution | None = None
        self.found: dict[tuple[Value, ...], tuple[int, int, int]] = {}  # values -> cost, and when: iterations, sample
        # By block, of answers that differ in more than the names of values.
        self.block = block(problem.graph)
        self.visits: list[Counter[tuple[Value, ...]]] = [Counter() for _ in range(0, count, self.block)]

    def again(self, k: int, found: Assignment) -> bool:
        """Whether the trajectory of sample k, that arrived here, shall begin anew.

        The chance that a further one arrives where none has been is estimated as the share of answers that were found once
        (Good and Turing: Good 1953).
        """
        visits, answer = self.visits[k // self.block], self.problem.canonical(found)
        visits[answer] += 1
        once = sum(times == 1 for times in visits.values())
        return visits[answer] > 1 and once > STALE * visits.total()

    def add(self, k: int, s: Solution) -> None:
        self.drawn += 1
        self.hits += s.status.solved
        self.seconds += s.seconds
        # The order of waves and batches must not show: the first is the cheapest, then the one of fewest iterations.
        objective = s.problem.graph.objective
        cost = objective.value(s.assignment) if objective and s.assignment and s.status.solved else 0
        rank = (not s.status.solved, cost, s.iterations if s.status.solved else s.violations, k)
        if self.answer is None or rank < self.best:
            self.best, self.answer = rank, s
        if s.status.solved and s.assignment is not None:
            values = tuple(s.assignment.values())
            self.found[values] = min(self.found.get(values, rank[1:]), rank[1:])

    def together(self, task: Task) -> Solution:
        assert self.answer is not None
        status = self.answer.status
        if task.cancelled() and not status.solved:
            status = Status.CANCELLED
        names = self.answer.problem.graph.domains
        solutions = tuple(
            dict(zip(names, values, strict=True)) for values in sorted(self.found, key=self.found.__getitem__)
        )
        return replace(
            self.answer, status=status, solutions=solutions, samples=self.drawn, hits=self.hits, seconds=self.seconds
        )
