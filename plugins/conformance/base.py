"""Parts that all checks share: the error of a failed check, the requirement, and runs on the small problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from unittest import SkipTest

from ...engine.compile import Instance
from ...engine.errors import MullError
from ...engine.moves.instance import MoveInstance
from ...engine.problem import Problem
from ...engine.solution import Solution
from ...engine.solver import AbstractSolver
from ...engine.solving import solve
from ...engine.status import amount
from ...engine.task import Budget, Task

Check = Callable[[type[AbstractSolver]], None]
"""A function that takes a solver class, and raises ``ContractViolation`` or ``Skipped``."""

SECONDS = 20.0
"""Time limit of the runs that have no limit of iterations. Only a solver with a fault needs it."""


class ContractViolation(MullError, AssertionError):
    """A solver violates its contract. The text has the check, what it expected, what it found, and what to do.

    Args:
        expected: what the contract requires, as a phrase.
        found: what the solver did.
        hint: what its author can do.
    """

    def __init__(self, expected: str, found: str, hint: str) -> None:
        super().__init__(f"expected {expected}; found {found}", hint)
        self.check = ""

    def __str__(self) -> str:
        name = f"{self.check}: " if self.check else ""
        return f"{name}{super().__str__()}; hint: {self.hint}"


class Skipped(MullError, SkipTest):
    """A check does not apply to a solver; the message has the reason. pytest reports the test as skipped."""


def check(function: Check) -> Check:
    """Make a function a check: a violation that it raises has the function's name."""

    @wraps(function)
    def checked(solver: type[AbstractSolver]) -> None:
        try:
            function(solver)
        except ContractViolation as violation:
            violation.check = function.__name__
            raise

    return checked


def require(condition: bool, expected: str, found: str, hint: str) -> None:
    """Raise ``ContractViolation`` unless a condition holds.

    Args:
        condition: whether the solver keeps this part of the contract.
        expected: what the contract requires, as a phrase.
        found: what the solver did.
        hint: what its author can do.

    Raises:
        ContractViolation: the condition is false.
    """
    if not condition:
        raise ContractViolation(expected, found, hint)


def streams(instance: Instance | MoveInstance, rows: int) -> Any:
    """One stream of random numbers for each row of a batch.

    Args:
        instance: of the batch.
        rows: how many it has.
    """
    return instance.streams(list(range(rows)))


def task(**budget: Any) -> Task:
    """A task for small problems, in small batches.

    A limit of iterations replaces the time limit, so that no result depends on the speed of the machine.
    """
    seconds = None if "iterations" in budget else SECONDS
    return Task(Budget(**{"seconds": seconds, "batch": 32, **budget}))


def run(solver: AbstractSolver, problems: Sequence[Problem], **budget: Any) -> list[Solution]:
    """Solve problems.

    Args:
        solver: the solver.
        problems: the problems, which it supports.
        budget: fields of ``Budget``; the default is 1,000 iterations.
    """
    return solve(problems, solver, task(**{"iterations": 1000, **budget}))


def repeatable(solution: Solution) -> tuple[Any, ...]:
    """The parts of a solution that must be equal when a run is repeated."""
    return solution.status, solution.assignment, solution.iterations


def summary(solution: Solution) -> str:
    """Those parts as text, with a short assignment."""
    values = list((solution.assignment or {}).values())
    shown = f"{values[:8]}{'...' if len(values) > 8 else ''}" if solution.assignment else "no assignment"
    return f"{solution.status} after {amount(solution.iterations, solution.unit)} with {shown}"


def details(solutions: Sequence[Solution]) -> str:
    """The distinct details of failed runs."""
    return "; ".join(dict.fromkeys(s.detail for s in solutions if s.detail)) or "no detail"
