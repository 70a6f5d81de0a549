"""Connected in CP-SAT: trees where one answer is sought, distances where all are listed."""

from __future__ import annotations

from itertools import product

import pytest

from mull import solve
from mull.engine import ConstraintGraph, Count, Objective, Problem
from mull.engine.constraints import Connected


def grid(rows: int, columns: int) -> tuple[tuple[int, int], ...]:
    cells = product(range(rows), range(columns))
    right = [(r * columns + c, r * columns + c + 1) for r, c in cells if c + 1 < columns]
    return (*right, *((v, v + columns) for v in range((rows - 1) * columns)))


def connected(rows: int, columns: int) -> tuple[Connected, tuple[str, ...]]:
    names = tuple(f"v{i}" for i in range(rows * columns))
    return Connected(names, grid(rows, columns)), names


def test_every_connected_set_is_listed_once() -> None:
    constraint, names = connected(3, 4)
    graph = ConstraintGraph(dict.fromkeys(names, (0, 1)), [constraint])
    expected = sum(constraint.check(values) for values in product((0, 1), repeat=12))
    found = solve(Problem(graph), "cpsat", solutions=5000)
    assert (found.total, len(found.solutions or ())) == (expected, expected)


@pytest.mark.parametrize("size", [2, 5, 9])
def test_sets_of_a_size_are_found_and_cheapest_sets_are_proved(size: int) -> None:
    constraint, names = connected(6, 6)
    graph = ConstraintGraph(dict.fromkeys(names, (0, 1)), [constraint, Count(names, (1,), size, size)])
    found = solve(Problem(graph, {"v0": 1}), "cpsat")
    assert found.status.solved
    cost = Objective(dict.fromkeys(names, 1))
    ends = {"v0": 1, "v35": 1}
    cheapest = solve(Problem(ConstraintGraph(graph.domains, [constraint], cost), ends), "cpsat")
    assert (str(cheapest.status), cheapest.objective) == ("optimal", 11)


def test_a_set_that_cannot_be_connected_is_refused() -> None:
    names = tuple("abcd")
    graph = ConstraintGraph(dict.fromkeys(names, (0, 1)), [Connected(names, ((0, 1), (2, 3)))])
    assert str(solve(Problem(graph, {"a": 1, "d": 1}), "cpsat").status) == "unsatisfiable"
    assert solve(Problem(graph, dict.fromkeys(names, 0)), "cpsat").status.solved
