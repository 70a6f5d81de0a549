"""Soft constraints of compiled searches: penalty variables disappear, and the cost stays the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mull.engine import AllDifferent, Clause, Compare, ConstraintGraph, Objective, Reify, soft, with_soft
from mull.engine.moves.graph import MoveGraph
from mull.engine.moves.soft import soft_constraints


def _cheapest(graph: ConstraintGraph, fixed: dict[str, object]) -> int | None:
    """The least cost over all values of the variables that are not fixed."""
    found = []
    for values in itertools.product(*graph.domains.values()):
        assignment = dict(zip(graph.domains, values, strict=True))
        if all(assignment[name] == value for name, value in fixed.items()) and not graph.broken(assignment):
            assert graph.objective is not None
            found.append(graph.objective.cost(assignment))
    return min(found, default=None)


@pytest.mark.parametrize("maximise", [False, True])
def test_the_cost_of_penalties_is_that_of_the_violated_constraints(maximise: bool) -> None:
    domains = dict.fromkeys("abc", (0, 1))
    base = ConstraintGraph(domains, [Clause((("a", 1), ("c", 0)))], Objective({"a": 2}, maximise=maximise))
    wishes = [soft(AllDifferent(("a", "b")), 3), soft(Compare("b", "<=", "c"), 5)]
    stated = with_soft(base, wishes)
    names = {**stated.domains, "p": (0, 1)}
    assert stated.objective is not None
    costs = {**stated.objective.coefficients, "p": -4 if maximise else 4}
    clause = Clause((("a", 0), ("b", 0), ("p", 1)))
    graph = ConstraintGraph(names, [*stated.constraints, clause], Objective(costs, maximise=maximise))
    flat = MoveGraph.of(graph)
    found = soft_constraints(flat)
    assert found.weight.tolist() == [0, 3, 5, 4]
    assert list(found.constraints[1:3]) == [each.constraint for each in wishes]
    for values in itertools.product((0, 1), repeat=3):
        known = dict(zip("abc", values, strict=True))
        degree = np.array([[not c.check([known[name] for name in c.scope]) for c in found.constraints]], dtype=np.int64)
        row = np.array([[*values, 7, 7, 7]], dtype=np.int64)
        found.fill(row, degree)
        cost = row[0] @ flat.objective
        assert cost == row[0] @ found.objective + found.constant + degree[0] @ found.weight
        if not degree[0, 0]:
            assert cost == _cheapest(graph, dict(known))


def test_penalties_that_are_given_or_occur_twice_stay() -> None:
    domains = dict.fromkeys(("a", "b", "p", "q", "r"), (0, 1))
    constraints = [
        Reify(("p", 1), AllDifferent(("a", "b")), half=True),
        Reify(("q", 1), AllDifferent(("a", "b")), half=True),
        Reify(("r", 1), AllDifferent(("a", "b")), half=True),
        Clause((("a", 1), ("q", 0))),
    ]
    graph = MoveGraph.of(ConstraintGraph(domains, constraints, Objective({"p": -1, "q": -1, "r": 1})))
    assert soft_constraints(graph).weight.tolist() == [1, 0, 0, 0]  # r = 0 costs nothing in any case
    assert soft_constraints(graph, np.array([False, False, True, False, False])).weight.tolist() == [0, 0, 0, 0]
