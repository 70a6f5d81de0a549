"""Large neighbourhood search: it repairs violated constraints, improves objectives, proves, and ends in time."""

from __future__ import annotations

from random import Random

import pytest

import mull
from mull.engine import (
    AllDifferent,
    Budget,
    Compare,
    ConstraintGraph,
    Linear,
    Objective,
    Problem,
    Status,
    Task,
    solve,
)
from mull.problems import load
from mull.problems.tsp.family import tour
from mull.solvers.lns import Lns
from mull.solvers.neighbourhoods import Choice, CostlyNeighbourhoods, derived


@pytest.fixture(autouse=True)
def _without_local_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from random values, so that the rounds have something to do."""
    monkeypatch.setattr("mull.solvers.lns.searched", lambda *arguments: None)


def test_it_repairs_a_random_assignment() -> None:
    (problem,) = load("queens:12")
    (solution,) = solve([problem], Lns(size=4), Task(Budget(seconds=60)))
    assert solution.status is Status.SOLVED
    assert solution.iterations > 0


@pytest.mark.parametrize("spec", ["tsp:8", "qap:5", "maxcut:12:0.5", "maxcut:10:0.6:+-1", "coloring:12:0.4:4:1-9"])
def test_small_objectives_are_proved(spec: str) -> None:
    (problem,) = load(spec)
    (solution,) = solve([problem], Lns(size=3), Task(Budget(seconds=60)))
    (exact,) = solve([problem], mull.solver("cpsat"), Task(Budget(seconds=60)))
    assert (solution.status, solution.objective) == (Status.OPTIMAL, exact.objective)


def test_givens_hold_and_every_improvement_is_reported() -> None:
    graph = ConstraintGraph(
        dict.fromkeys("abcdef", range(10)),
        [AllDifferent(tuple("abcdef")), Linear(("a", "b", "c"), (1, 1, 1), ">=", 7)],
        Objective(dict.fromkeys("abcdef", 2), constant=1),
    )
    found: list[int | None] = []
    task = Task(Budget(seconds=60), on_improvement=lambda solution: found.append(solution.objective))
    (solution,) = solve([Problem(graph, {"e": 9})], Lns(size=2), task)
    assert (solution.status, solution.objective) == (Status.OPTIMAL, 2 * (0 + 1 + 2 + 3 + 4 + 9) + 1)
    assert solution["e"] == 9
    assert found == sorted(found, key=lambda value: -(value or 0))
    assert found[-1] == solution.objective


def test_variables_that_no_decision_determines_are_minimised_as_well() -> None:
    domains = {**dict.fromkeys("abcdef", range(4)), "alone": range(9), "apart": range(9)}
    constraints = [AllDifferent(tuple("abc")), Compare("alone", "!=", "apart")]
    problem = Problem(ConstraintGraph(domains, constraints, Objective({"alone": 3, "apart": 2, "a": 1})))
    ((_, solution),) = Lns(size=2).run([problem], Task(Budget(seconds=60)))
    assert (solution.status, problem.objective(solution.assignment or {})) == (Status.OPTIMAL, 2)


def test_it_proves_that_there_is_no_answer() -> None:
    graph = ConstraintGraph(dict.fromkeys("abc", range(2)), [AllDifferent(("a", "b")), Compare("a", "=", "b")])
    (solution,) = solve([Problem(graph)], Lns(), Task(Budget(seconds=60)))
    assert solution.status is Status.UNSATISFIABLE


def test_the_rounds_are_limited() -> None:
    (problem,) = load("tsp:30")
    ((_, solution),) = Lns(size=3).run([problem], Task(Budget(seconds=60, iterations=6)))
    assert solution.iterations == 6


def test_a_hint_is_the_start() -> None:
    (problem,) = load("tsp:6")
    order = {"s0": 3, "s3": 5, "s5": 1, "s1": 2, "s2": 4, "s4": 0}
    hinted = mull.Problem(problem.graph, hint=order, auxiliary=problem.auxiliary)
    first: list[list[int]] = []
    task = Task(Budget(seconds=60), on_improvement=lambda solution: first.append(tour(solution.assignment or {})))
    solve([hinted], Lns(size=2), task)
    assert first[0] == [0, 3, 5, 1, 2, 4]


def test_results_of_functions_are_not_decisions() -> None:
    for spec, count in {"tsp:5": 5, "qap:4": 4, "maxcut:6:0.5": 6, "coloring:7:0.4:3:1-9": 7}.items():
        (problem,) = load(spec)
        assert len(problem.graph.domains.keys() - derived(problem)) == count


def test_neighbourhoods_of_a_tour_are_near_cities() -> None:
    (problem,) = load("tsp:30")
    best: dict[str, int | str] = {f"s{i}": (i + 1) % 30 for i in range(30)}
    near = CostlyNeighbourhoods(problem.graph, [f"s{i}" for i in range(30)]).toured(7, best, Random(0))
    assert 7 <= len(near) <= 8
    assert near <= best.keys()


def test_neighbourhoods_of_costs_have_the_size_asked_for() -> None:
    (problem,) = load("coloring:20:0.2:4:1-9")
    decisions = [f"v{i}" for i in range(1, 21)]
    best = {name: domain[-1] for name, domain in problem.graph.domains.items()}
    neighbourhoods = CostlyNeighbourhoods(problem.graph, decisions)
    for kind in neighbourhoods.kinds:
        assert len(kind(6, best, Random(1))) == 6


def test_kinds_that_improve_are_drawn_more_often() -> None:
    choice = Choice(2, 10, 100)
    for _ in range(30):
        choice.learn(0, 1.0, exhausted=False)
        choice.learn(1, 0.0, exhausted=True)
    random = Random(0)
    drawn = [choice.draw(random) for _ in range(200)]
    assert drawn.count(0) > 150
    assert choice.sizes == [10, 100]
