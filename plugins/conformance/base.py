"""What the checks share: how one fails, and the runs that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import SkipTest

from ...engine.errors import MullError
from ...engine.problem import Problem
from ...engine.random import Random
from ...engine.solution import Solution
from ...engine.solver import AbstractSolver
from ...engine.solving import solve
from ...engine.task import Budget, Task

Check = Callable[[type[AbstractSolver]], None]
SECONDS = 20.0
"""Time a run may take on the small problems; none needs it unless something is wrong."""


class Broken(MullError, AssertionError):
    """A solver does not keep the contract: which part, and how it was seen."""


class Skipped(MullError, SkipTest):
    """A check does not apply to a solver: why. pytest reports the test as skipped."""


def hold(condition: bool, promise: str) -> None:
    """Raise ``Broken`` unless a promise is kept."""
    if not condition:
        raise Broken(f"does not hold: {promise}")


def streams(rows: int) -> Random:
    """Random streams for the rows of a batch."""
    return Random.for_rows(list(range(rows)))


def task(**budget: Any) -> Task:
    """A task on small problems, in small batches; without a clock where iterations end it, so that no machine is too slow."""
    seconds = None if "iterations" in budget else SECONDS
    return Task(Budget(**{"seconds": seconds, "batch": 32, **budget}))


def run(solver: AbstractSolver, problems: Sequence[Problem], **budget: Any) -> list[Solution]:
    """Solutions within a budget, by default of 1,000 iterations."""
    return solve(problems, solver, task(**{"iterations": 1000, **budget}))


def outcome(solution: Solution) -> tuple[Any, ...]:
    """What must be the same when a run is repeated."""
    return solution.status, solution.assignment, solution.iterations


def details(solutions: Sequence[Solution]) -> str:
    """What runs that went wrong say of it."""
    return "; ".join(dict.fromkeys(s.detail for s in solutions if s.detail)) or "no detail"
