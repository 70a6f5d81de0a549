"""Large numbers and long ranges in a graph: exact up to a bound, refused beyond it, and refused by solvers that cannot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mull
from mull.engine import (
    Budget,
    Compare,
    ConstraintGraph,
    Count,
    GraphError,
    Linear,
    Objective,
    Problem,
    Status,
    Task,
    solve,
)
from mull.engine.values import LARGEST
from mull.plugins import load as solver

NAMES = ("a", "b")
DOMAINS = {"a": (0, 1, 2), "b": (0, 1, 2)}
BIG = 1 << 62


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: ConstraintGraph({"a": (0, BIG)}), "'a'"),
        (lambda: ConstraintGraph(DOMAINS, [Linear(NAMES, (1, BIG), "<=", 3)]), "'b'"),
        (lambda: ConstraintGraph(DOMAINS, [Linear(NAMES, (LARGEST // 4, LARGEST // 3), "<=", 3)]), "'b'"),
        (lambda: ConstraintGraph(DOMAINS, [Linear(NAMES, (1, 1), "<=", BIG)]), "bound"),
        (lambda: ConstraintGraph(DOMAINS, [Compare("a", "<", "b", BIG)]), "'b'"),
        (lambda: ConstraintGraph(DOMAINS, [Count(NAMES, (1,), 0, BIG)]), "most"),
        (lambda: ConstraintGraph(DOMAINS, (), Objective({"a": 1, "b": -BIG})), "'b'"),
        (lambda: ConstraintGraph(DOMAINS, (), Objective({"a": 1}, BIG)), "constant"),
        (lambda: ConstraintGraph({f"v{i}": (0, LARGEST) for i in range(3)}), "variables"),
    ],
)
def test_numbers_that_are_too_large_are_refused_with_their_name(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(GraphError, match=named) as refused:
        make()
    assert refused.value.hint


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(2**61), 2**61), min_size=2, max_size=2),
    st.lists(st.integers(-4, 4), min_size=2, max_size=3, unique=True),
)
def test_sums_are_accepted_up_to_the_exact_bound(coefficients: list[int], values: list[int]) -> None:
    reached = sum(abs(c) * max(map(abs, values)) for c in coefficients)
    build = partial(ConstraintGraph, dict.fromkeys(NAMES, values), [Linear(NAMES, tuple(coefficients), "<=", 0)])
    if reached > LARGEST:
        with pytest.raises(GraphError):
            build()
    else:
        assert build().magnitude == reached


@pytest.mark.parametrize("name", ["descent", "meanfield", "localsearch", "looped"])
def test_floating_point_solvers_refuse_large_sums(name: str) -> None:
    graph = ConstraintGraph(DOMAINS, [Linear(NAMES, (1 << 53, 1), "<=", 1 << 54)])
    reason = solver(name)().supports(graph)
    assert reason is not None
    assert "2^53" in reason


@pytest.mark.parametrize("power", [10, 52, 53, 54, 56, 57])
@pytest.mark.parametrize("name", ["cpsat", "auto"])
def test_optimal_answers_are_optimal_in_exact_integers(power: int, name: str) -> None:
    big = 1 << power
    graph = ConstraintGraph(DOMAINS, [Compare("a", "!=", "b")], Objective({"a": big - 1, "b": big - 2}, 7))
    found = solve([Problem(graph)], solver(name)(), Task(Budget(seconds=30)))[0]
    assert found.status is Status.OPTIMAL
    assert found.objective == big - 2 + 7


@pytest.mark.parametrize("name", ["cpsat", "localsearch"])
def test_large_values_and_names_can_be_mixed(name: str) -> None:
    domains = {f"v{i}": (0, LARGEST // 16, "x", "y") for i in range(8)}
    graph = ConstraintGraph(domains, [Compare(f"v{i}", "!=", f"v{i + 1}") for i in range(7)])
    assert solve([Problem(graph)], solver(name)(), Task(Budget(seconds=30)))[0].status is Status.SOLVED


def test_local_search_computes_degrees_beyond_32_bits() -> None:
    graph = ConstraintGraph(DOMAINS, [Linear(NAMES, (1 << 40, 1), "=", (1 << 40) + 2), Compare("a", "!=", "b")])
    found = solve([Problem(graph)], solver("localsearch")(), Task(Budget(seconds=30)))[0]
    assert found.assignment == {"a": 1, "b": 2}


def test_a_long_range_costs_nothing() -> None:
    wide = ConstraintGraph({"a": range(10**15), "b": range(0, 10**9, 3)}, [Compare("a", "<", "b")])
    assert wide.domains["a"] == range(10**15)
    assert wide.to_json()["variables"] == {
        "a": {"min": 0, "max": 10**15 - 1},
        "b": {"min": 0, "max": 10**9 - 1, "step": 3},
    }
    again = ConstraintGraph.from_json(wide.to_json())
    assert again == wide
    assert again.domains == wide.domains
    assert wide.broken({"a": 5, "b": 3}) == [wide.constraints[0]]
    with pytest.raises(GraphError, match="outside its domain"):
        wide.broken({"a": 5, "b": 4})


def test_a_long_list_of_evenly_spaced_integers_is_a_range() -> None:
    listed = ConstraintGraph({"a": list(range(5000)), "b": list(range(3))})
    assert isinstance(listed.domains["a"], range)
    assert listed.domains["b"] == (0, 1, 2)
    assert listed.digest == ConstraintGraph({"a": range(5000), "b": range(3)}).digest
    shuffled = [*range(4000, 5000), *range(4000)]
    assert ConstraintGraph({"a": shuffled}).domains["a"] == tuple(shuffled)


@pytest.mark.parametrize("name", ["descent", "tabu"])
def test_solvers_that_keep_a_number_for_each_value_refuse_wide_domains(name: str) -> None:
    domains = {f"x{i}": range(10**6) for i in range(50)}
    graph = ConstraintGraph(domains, [Compare("x0", "<", "x1"), Compare("x1", "<", "x0")])
    solution = mull.solve(graph, name, seconds=5)
    assert solution.status is Status.UNSUPPORTED
    assert "50,000,000" in solution.detail
