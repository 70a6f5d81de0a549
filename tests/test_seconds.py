"""Seconds, wall time and iterations, measured with a clock that counts steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import Field

from clocks import Clock, Slow
from mull.engine import AllDifferent, Budget, ConstraintGraph, Problem, Solution, Status, Task, WholeSolver, solve
from mull.engine.store import SolverOnProblem
from mull.engine.store.compare import compare
from mull.problems import load
from mull.solvers.cpsat import CpSat
from mull.solvers.descent import Descent
from mull.solvers.localsearch import LocalSearch


class Whole(WholeSolver):
    """Answers after three seconds each and reports a hundred."""

    name = "whole"
    clock: Any = Field(exclude=True)

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for i, problem in enumerate(problems):
            self.clock.now += 3.0
            yield i, Solution(problem, self.name, Status.UNSOLVED, seconds=100.0)


def impossible() -> Problem:
    names = ["a", "b", "c", "d"]
    return Problem(ConstraintGraph(dict.fromkeys(names, (0, 1, 2)), [AllDifferent(tuple(names))]))


def test_problems_share_the_seconds_of_their_batch_without_the_callers_time() -> None:
    clock = Clock()
    clock.now = 5.0  # before the solver starts: imports, reading

    def shown(solution: Solution) -> None:
        clock.now += 50.0

    problems = [impossible() for _ in range(4)]
    task = Task(Budget(seconds=None, iterations=20), clock=clock, started=0.0)
    answers = solve(problems, Slow(clock=clock), task, on_solution=shown)
    assert [s.seconds for s in answers] == [5.0] * 4
    assert [s.wall for s in answers] == [25.0, 75.0, 125.0, 175.0]
    assert [s.iterations for s in answers] == [20] * 4


def test_a_solver_is_charged_at_most_what_passed_inside_it() -> None:
    clock = Clock()
    answers = solve([impossible(), impossible()], Whole(clock=clock), Task(clock=clock, started=0.0))
    assert [(s.seconds, s.wall) for s in answers] == [(3.0, 3.0), (6.0, 6.0)]


@pytest.mark.parametrize("solver", [LocalSearch(), CpSat()], ids=lambda s: s.name)
def test_problems_solved_by_peeling_name_peel(solver: Any) -> None:
    free = Problem(ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [AllDifferent(("a", "b"))]), {})
    pairs = [AllDifferent(("a", "b")), AllDifferent(("b", "c"))]
    path = Problem(ConstraintGraph(dict.fromkeys("abc", (0, 1, 2)), pairs))
    bad = Problem(free.graph, {"a": 0, "b": 0})
    answers = solve([path, bad], solver)
    assert [(s.solver, s.via, s.status, s.iterations) for s in answers] == [
        ("peel", solver.name, Status.SOLVED, 0),
        ("peel", solver.name, Status.UNSATISFIABLE, 0),
    ]


@pytest.mark.parametrize("limit", [1, 7, 50])
@pytest.mark.parametrize("solver", [Descent(), LocalSearch(), CpSat()], ids=lambda s: s.name)
def test_iterations_limit_what_iterations_report(solver: Any, limit: int) -> None:
    hard = load("sat:150:640", seed=3)[0]
    unit = "conflicts" if solver.name == "cpsat" else "steps"
    (answer,) = solve([hard], solver, Task(Budget(iterations=limit, batch=4)))
    assert answer.iterations <= limit
    assert answer.unit == unit
    assert answer.to_json()["unit"] == unit


def test_iterations_of_different_units_are_not_compared() -> None:
    results = [
        SolverOnProblem("a", "p", "sat", 1, 1, (3,), 0.1),
        SolverOnProblem("b", "p", "sat", 1, 1, (1,), 0.2, unit="conflicts"),
    ]
    assert compare(results).best("iterations") == frozenset()
    assert compare(results).best("par2") == {"a"}
    alike = [results[0], SolverOnProblem("b", "p", "sat", 1, 1, (1,), 0.2)]
    assert compare(alike).best("iterations") == {"b"}


@pytest.mark.parametrize(
    ("solver", "budget", "says", "never"),
    [
        (Descent(), Budget(seconds=None, iterations=3), "--iterations", "--limit"),
        (LocalSearch(), Budget(seconds=1e-9), "--limit", "--iterations"),
        (CpSat(), Budget(seconds=1e-9), "--limit", "cpsat"),
    ],
)
def test_an_unsolved_run_names_the_limit_that_ended_it(solver: Any, budget: Budget, says: str, never: str) -> None:
    (answer,) = solve(load("sat:2000:8300", seed=3), solver, Task(budget))
    assert answer.status is Status.UNSOLVED
    assert says in answer.advice
    assert never not in answer.advice
