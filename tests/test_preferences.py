"""Soft constraints and lexicographic objectives have the optima that all assignments, listed, have."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from drawn import graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mull.engine import (
    AllDifferent,
    Clause,
    ConstraintGraph,
    GraphError,
    Objective,
    Problem,
    Soft,
    Status,
    lexicographic,
    soft,
    solve,
    with_soft,
)
from mull.solvers.cpsat import CpSat

few = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def _assignments(graph: ConstraintGraph) -> list[dict[str, Any]]:
    return [dict(zip(graph.domains, row, strict=True)) for row in itertools.product(*graph.domains.values())]


def _best(graph: ConstraintGraph) -> dict[str, Any]:
    (solution,) = solve([Problem(graph)], CpSat())
    assert solution.status is Status.OPTIMAL
    assert solution.assignment is not None
    return dict(solution.assignment)


@few
@given(data=st.data())
def test_a_soft_constraint_costs_its_weight_where_it_is_violated(data: st.DataObject) -> None:
    graph = data.draw(graphs(data.draw(st.sampled_from(["Cumulative", "Element", "Linear", "Table"]))))
    wishes = [soft(constraint, data.draw(st.integers(1, 9))) for constraint in graph.constraints]
    sign = data.draw(st.sampled_from((-1, 1)))
    hard = ConstraintGraph(graph.domains, [], Objective(dict.fromkeys(graph.domains, sign), 5, maximise=sign < 0))

    def cost(assignment: dict[str, Any]) -> int:
        broken = [each.weight for each in wishes if each.constraint in graph.broken(assignment)]
        return int(sum(assignment.values())) + sum(broken)

    relaxed = with_soft(hard, wishes)
    found = _best(relaxed)
    assert cost({name: found[name] for name in graph.domains}) == min(map(cost, _assignments(graph)))
    for number, wish in enumerate(wishes, 1):
        assert found[f"violated {number}"] == (wish.constraint in graph.broken(found))


@few
@given(data=st.data())
def test_lexicographic_objectives_are_optimised_one_after_the_other(data: st.DataObject) -> None:
    domains = {name: tuple(data.draw(st.sets(st.integers(-5, 5), min_size=2, max_size=4))) for name in "abc"}
    coefficients = st.dictionaries(st.sampled_from("abc"), st.integers(-3, 3), max_size=3)
    parts = [
        Objective(data.draw(coefficients), data.draw(st.integers(-2, 2)), data.draw(st.booleans()))
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    graph = ConstraintGraph(domains, [AllDifferent(tuple("abc"))], lexicographic(parts, domains))
    solutions = [each for each in _assignments(graph) if not graph.broken(each)]
    (solution,) = solve([Problem(graph)], CpSat())
    if not solutions:
        assert solution.status is Status.UNSATISFIABLE
        return

    def rank(assignment: Any) -> list[int]:
        return [part.cost(assignment) for part in parts]

    assert rank(solution.assignment) == min(map(rank, solutions))


def test_what_is_not_valid_is_refused_by_name() -> None:
    clause = Clause((("a", 1),))
    graph = ConstraintGraph({"a": (0, 1), "violated 1": (0, 1)}, [])
    for weight in (0, -1, 1.5):
        with pytest.raises(GraphError, match="weight"):
            soft(clause, weight)  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="constraint"):
        Soft("a")  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="violated 1"):
        with_soft(graph, [soft(clause)])
    with pytest.raises(GraphError, match="not a soft constraint"):
        with_soft(graph, [clause])  # type: ignore[list-item]
    with pytest.raises(GraphError, match="no objective"):
        lexicographic([], graph.domains)
    with pytest.raises(GraphError, match="'z'"):
        lexicographic([Objective({"z": 1})], graph.domains)
    with pytest.raises(GraphError, match="2\\^60"):
        lexicographic([Objective({"a": 10**9})] * 3, graph.domains)
