"""The portfolio: its turns, and how they decide its answers."""

from __future__ import annotations

import random

import mull
from mull.engine import AllDifferent, Budget, Clause, Compare, ConstraintGraph, Objective, Problem, Status, Task, solve
from mull.problems import load


def hard() -> list[Problem]:
    """A satisfiable problem, too hard for the first exact search in these tests."""
    return [load(spec, seed=seed)[0] for seed in range(1) for spec in ("sat:120:500", "coloring:60:0.2:5")]


def clock_at_zero() -> float:
    return 0.0


def test_turns_by_iterations_repeat_their_answers() -> None:
    """With a clock that stands still, only the seed and the iterations decide."""
    runs = [
        solve(hard(), mull.solver("auto", first=1), Task(Budget(seconds=1e9), seed=3, started=0.0, clock=clock_at_zero))
        for _ in range(2)
    ]
    answers = [[(s.status, s.solver, s.assignment, s.iterations, s.detail) for s in run] for run in runs]
    assert answers[0] == answers[1]
    assert {s.status for s in runs[0]} == {Status.SOLVED}
    assert {s.detail for s in runs[0]} == {""}


def _without_solution() -> Problem:
    """3-SAT of five clauses a variable, too large for a proof in the turns of cpsat."""
    draw = random.Random(1)
    names = [f"x{i}" for i in range(500)]
    clauses = [Clause(tuple((name, draw.randrange(2)) for name in draw.sample(names, 3))) for _ in range(2500)]
    return Problem(ConstraintGraph(dict.fromkeys(names, (0, 1)), clauses))


def test_a_turn_ended_by_the_clock_is_recorded() -> None:
    """The clock advances by a second at every reading, so that it ends each turn."""
    now = iter(range(10**9))
    task = Task(Budget(seconds=200), started=0.0, clock=lambda: float(next(now)))
    (solution,) = solve([_without_solution()], mull.solver("auto", first=0), task)
    assert solution.status is Status.UNSOLVED
    assert "ended by the clock" in solution.detail


def test_a_limit_on_iterations_shares_no_time() -> None:
    task = Task(Budget(seconds=60, iterations=5), seed=1)
    (solution,) = solve([load("sat:400:1720", seed=1)[0]], mull.solver("auto", first=1), task)
    assert "clock" not in solution.detail


def test_an_objective_is_left_to_guided_after_the_first_search() -> None:
    """The first search finds answers and proves none; guided goes on from the best of them."""
    names = [f"x{i}" for i in range(12)]
    graph = ConstraintGraph(
        dict.fromkeys(names, range(12)),
        [AllDifferent(tuple(names)), *(Compare(names[i], "<", names[i + 6]) for i in range(6))],
        Objective({name: 1 + (5 * i) % 7 for i, name in enumerate(names)}, maximise=True),
    )
    (solution,) = solve([Problem(graph)], mull.solver("auto", first=1), Task(Budget(seconds=60)))
    (exact,) = solve([Problem(graph)], mull.solver("cpsat"), Task(Budget(seconds=60)))
    assert (solution.solver, solution.via) == ("guided", "auto")
    assert (solution.status, solution.objective) == (Status.OPTIMAL, exact.objective)
