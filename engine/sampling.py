"""Several answers: independent samples of a solver with steps, and the distinct solutions that they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from .costs import added
from .loop import Trial, iterate
from .problem import Problem
from .rows import group_size
from .solution import Solution
from .solver import Solver
from .status import Status
from .task import Task
from .values import Assignment, Value

STALE = 0.02
"""Samples stop restarting after duplicates once the estimated probability of a new solution falls below this."""


def sample(solver: Solver, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
    """Draw ``task.budget.solutions`` samples of each problem, or as many as there is time for, at least one.

    Sample k is a trial of the loop with one start, which is that of copy k in an ordinary run. A sample restarts if its
    solution is already known in its group and new solutions are likely. If it finds no new solution before it settles
    or its budget ends, its first solution counts. A problem is answered when all of its samples are.

    Args:
        solver: bound to all of the problems.
        problems: in any mixture.
        task: with ``budget.solutions``.

    Yields:
        (position, solution), each position once.
    """
    count = task.budget.solutions or 1
    once = replace(task, budget=replace(task.budget, restarts=1, solutions=None))
    samples = [_Samples(problem, count) for problem in problems]
    trials = [Trial(mine.problem, k, partial(mine.accept, k)) for mine in samples for k in range(count)]
    for n, solution in iterate(solver, trials, once):
        i, k = divmod(n, count)
        samples[i].add(k, solution)
        if samples[i].drawn == count:
            yield i, samples[i].together(task)
    yield from ((i, mine.together(task)) for i, mine in enumerate(samples) if mine.drawn < count)


class _Samples:
    """The samples of one problem. Mutable, private."""

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem = problem
        self.drawn = self.hits = 0
        self.seconds = 0.0
        self.flops: float | None = None
        self.best: tuple[bool, int, int, int] = (True, 0, 0, 0)
        self.answer: Solution | None = None
        self.found: dict[tuple[Value, ...], tuple[int, int, int]] = {}  # values -> cost, iterations, sample
        # Visits of each solution by group of samples. Solutions that differ only by renaming values count as one.
        self.group = group_size(problem.graph)
        self.visits: list[Counter[tuple[Value, ...]]] = [Counter() for _ in range(0, count, self.group)]

    def accept(self, k: int, found: Assignment) -> bool:
        """Whether sample k ends with this answer; otherwise it restarts, to find another one.

        A sample with a duplicate restarts as long as new solutions are likely. The probability that a further sample
        finds one is estimated as the share of answers found once (Good and Turing: Good 1953).
        """
        visits, answer = self.visits[k // self.group], self.problem.canonical(found)
        visits[answer] += 1
        once = sum(times == 1 for times in visits.values())
        return visits[answer] == 1 or once <= STALE * visits.total()

    def add(self, k: int, s: Solution) -> None:
        """Count the end of sample k."""
        self.drawn += 1
        self.hits += s.status.solved
        self.seconds += s.seconds
        self.flops = added(self.flops, s.flops)
        # The first answer must not depend on the order of batches: the cheapest, then the one of fewest iterations.
        objective = s.problem.graph.objective
        cost = objective.cost(s.assignment) if objective and s.assignment and s.status.solved else 0
        rank = (not s.status.solved, cost, s.iterations if s.status.solved else s.violations, k)
        if self.answer is None or rank < self.best:
            self.best, self.answer = rank, s
        if s.status.solved and s.assignment is not None:
            values = tuple(s.assignment.values())
            self.found[values] = min(self.found.get(values, rank[1:]), rank[1:])

    def together(self, task: Task) -> Solution:
        """The solution of the problem, from all samples drawn so far."""
        assert self.answer is not None
        status = self.answer.status
        if task.cancelled() and not status.solved:
            status = Status.CANCELLED
        names = self.answer.problem.graph.domains
        solutions = tuple(
            dict(zip(names, values, strict=True)) for values in sorted(self.found, key=self.found.__getitem__)
        )
        return replace(
            self.answer,
            status=status,
            solutions=solutions,
            samples=self.drawn,
            hits=self.hits,
            seconds=self.seconds,
            flops=self.flops,
        )
