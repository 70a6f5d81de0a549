"""Guided search: it proves, improves, begins from another solver's assignment, and ends in time."""

from __future__ import annotations

import itertools

import pytest

import mull
from mull.engine import AllDifferent, Budget, Compare, ConstraintGraph, Linear, Objective, Problem, Status, Task, solve
from mull.solvers.guided import Guided


def ordering(size: int) -> Problem:
    """Distinct places of objects; some come before others; the sum of weighted places is minimal."""
    names = [f"x{i}" for i in range(size)]
    before = [Compare(names[i], "<", names[(3 * i + 1) % size]) for i in range(0, size, 3) if i != (3 * i + 1) % size]
    weights = {name: (7 * i) % 11 + 1 for i, name in enumerate(names)}
    return Problem(
        ConstraintGraph(dict.fromkeys(names, range(size)), [AllDifferent(tuple(names)), *before], Objective(weights))
    )


def test_it_proves_the_best_answer_of_a_small_problem() -> None:
    problem = ordering(6)
    best = min(
        value
        for places in itertools.permutations(range(6))
        if not problem.graph.broken(answer := dict(zip(problem.graph.names, places, strict=True)))
        and (value := problem.objective(answer)) is not None
    )
    (solution,) = solve([problem], Guided(), Task(Budget(seconds=30)))
    assert solution.status is Status.OPTIMAL
    assert solution.objective == best


def test_rounds_improve_and_prove_where_the_first_search_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mull.solvers.guided.FIRST_SECONDS", 0.0)
    (solution,) = solve([ordering(8)], Guided(size=0.3), Task(Budget(seconds=60)))
    (exact,) = solve([ordering(8)], mull.solver("cpsat"), Task(Budget(seconds=60)))
    assert solution.status is Status.OPTIMAL
    assert solution.objective == exact.objective


def test_it_maximises() -> None:
    graph = ConstraintGraph(
        {"a": range(10), "b": range(10)},
        [Linear(("a", "b"), (2, 3), "<=", 20)],
        Objective({"a": 3, "b": 4}, maximise=True),
    )
    (solution,) = solve([Problem(graph)], Guided(), Task(Budget(seconds=30)))
    assert (solution.status, solution.objective) == (Status.OPTIMAL, 29)


def test_it_answers_without_an_objective_and_proves_that_there_is_no_answer() -> None:
    graph = ConstraintGraph({"a": range(3), "b": range(3)}, [Compare("a", "<", "b")])
    none = graph.with_constraints([Compare("b", "<", "a")])
    solved, proved = solve([Problem(graph), Problem(none)], Guided(), Task(Budget(seconds=30)))
    assert solved.status is Status.SOLVED
    assert proved.status is Status.UNSATISFIABLE


def test_a_hint_is_where_it_begins() -> None:
    graph = ConstraintGraph(dict.fromkeys("abc", range(1000)), [AllDifferent(("a", "b", "c"))])
    problem = Problem(graph, hint={"a": 512, "b": 7, "c": 900})
    (solution,) = solve([problem], Guided(), Task(Budget(seconds=30)))
    assert solution.assignment == {"a": 512, "b": 7, "c": 900}


def test_an_unknown_search_is_refused_by_name() -> None:
    with pytest.raises(mull.MullError, match="nosuch"):
        mull.solver("guided", search="nosuch")
