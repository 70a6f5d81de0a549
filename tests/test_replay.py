"""Runs that are repeated: a solution's budget says how, wherever it was solved."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mull
from mull.engine import Budget, Solution, Task, solve
from mull.problems import load


def again(s: Solution) -> Solution:
    """The problem alone, as its run's budget says, to the iteration where that ended."""
    budget = replace(s.budget, seconds=None, iterations=s.iterations)
    (found,) = solve([s.problem], mull.solver(s.solver, **s.options), Task(budget, s.seed))
    return found


@pytest.mark.parametrize(("solver", "spec"), [("localsearch", "sat:100:420"), ("descent", "sat:60:250")])
def test_one_of_a_batch_repeats_alone(solver: str, spec: str) -> None:
    """A problem alone has more copies than in a batch, and more again when others are done: the budget remembers."""
    problems = [load(spec, seed=s)[0] for s in range(40)]
    solutions = solve(problems, mull.solver(solver), Task(Budget(seconds=60, iterations=400), seed=3))
    grown = [s for s in solutions if s.budget.copies is not None and len(s.budget.copies) > 1]
    assert grown
    for s in (*grown[:3], solutions[0]):
        found = again(s)
        assert (found.status, found.iterations, found.assignment) == (s.status, s.iterations, s.assignment)
        assert found.budget.copies == s.budget.copies


@pytest.mark.parametrize("solver", ["localsearch", "descent", "meanfield"])
def test_one_padded_to_the_size_of_another_repeats_alone(solver: str) -> None:
    problems = [load(spec)[0] for spec in ("latin:4", "latin:5", "queens:8", "queens:10", "sat:30:100", "sat:50:180")]
    for s in solve(problems, mull.solver(solver), Task(Budget(iterations=60, batch=24), seed=1)):
        found = again(s)
        assert (found.status, found.iterations, found.assignment) == (s.status, s.iterations, s.assignment)
