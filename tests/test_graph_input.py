"""Scopes and values that a graph accepts or refuses. A mistake is refused where it is made."""

# Arguments of wrong types are what these tests are about.
# mypy: disable-error-code="arg-type, call-arg, list-item, dict-item"

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mull.engine import (
    AllDifferent,
    Budget,
    Clause,
    Compare,
    Constraint,
    ConstraintGraph,
    Count,
    GraphError,
    Linear,
    Objective,
    Problem,
    Status,
    Table,
    Task,
    Xor,
    solve,
)
from mull.plugins import load as solver

NAMES = ("a", "b")
DOMAINS = {"a": (0, 1, 2), "b": (0, 1, 2)}


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: AllDifferent("a", "b"), 'AllDifferent(["a", "b"])'),
        (lambda: AllDifferent("a", "b", "c"), 'AllDifferent(["a", "b", "c"])'),
        (lambda: AllDifferent("ab"), 'AllDifferent(["a", "b"])'),
        (lambda: AllDifferent(NAMES, "x"), '["x"]'),
        (lambda: Linear("ab", (1, 1), "=", 3), '["a", "b"]'),
        (lambda: Linear(NAMES, "11", "=", 3), "[1, 1]"),
        (lambda: Linear(NAMES, 1, "=", 3), "[1, 1]"),
        (lambda: Linear({"a", "b"}, (1, 1), "=", 3), '["a", "b"]'),
        (lambda: Count(NAMES, "late", 2, 2), '["late"]'),
        (lambda: Count("ab", ("late",), 2, 2), '["a", "b"]'),
        (lambda: Table("ab", ((1, 2),)), '["a", "b"]'),
        (lambda: Table(NAMES, ("12", "21")), "(1, 2)"),
        (lambda: Table(NAMES, (1, 2)), "(1, 2)"),
        (lambda: Clause("ab"), '("a", 1)'),
        (lambda: Clause(("a", 1)), '("a", 1)'),
        (lambda: Clause(("ab",)), '("a", 1)'),
        (lambda: Xor("ab"), '("a", 1)'),
        (lambda: Xor(("ab",)), '("a", 1)'),
        (lambda: ConstraintGraph({"a": "abc"}), "['a', 'b', 'c']"),
        (lambda: ConstraintGraph(DOMAINS, AllDifferent(NAMES)), "AllDifferent"),
        (lambda: ConstraintGraph(DOMAINS, [AllDifferent]), "AllDifferent"),
    ],
)
def test_a_string_in_place_of_a_list_is_refused(make: Callable[[], Any], hint: str) -> None:
    with pytest.raises(GraphError) as refused:
        make()
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("given_", "plain"),
    [
        (AllDifferent(np.array(["a", "b"]), np.arange(2)), AllDifferent(NAMES, (0, 1))),
        (AllDifferent({"b", "a"}), AllDifferent(NAMES)),
        (AllDifferent(name for name in NAMES), AllDifferent(NAMES)),
        (Linear(["a", "b"], np.ones(2, int), "<=", np.int64(3)), Linear(NAMES, (1, 1), "<=", 3)),
        (Count(["a", "b"], np.arange(2), np.int8(1), np.int8(2)), Count(NAMES, (0, 1), 1, 2)),
        (Count(["a", "b"], {1, 0}, 1, 2), Count(NAMES, (0, 1), 1, 2)),
        (Table(["a", "b"], [[0, 1], np.array([1, 2])], np.True_), Table(NAMES, ((0, 1), (1, 2)))),
        (Clause([["a", 1], ("b", np.int64(0))]), Clause((("a", 1), ("b", 0)))),
        (Xor([["a", np.uint8(1)]], np.False_), Xor((("a", 1),), False)),
        (Compare("a", "<", "b", np.int32(1)), Compare("a", "<", "b", 1)),
    ],
)
def test_lists_and_numpy_integers_become_plain_values(given_: Constraint, plain: Constraint) -> None:
    assert given_ == plain
    assert repr(given_) == repr(plain)
    made = ConstraintGraph({"a": np.arange(3), "b": [np.int64(0), 1, 2]}, [given_])
    assert made.digest == ConstraintGraph(DOMAINS, [plain]).digest
    assert json.loads(json.dumps(made.to_json())) == ConstraintGraph(DOMAINS, [plain]).to_json()
    for name in ("cpsat", "localsearch"):
        problem = Problem(made, {"a": np.int64(1)})
        found = solve([problem], solver(name)(), Task(Budget(iterations=50)))[0]
        assert found.status is not Status.FAILED


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConstraintGraph({"a": (False, True)}),
        lambda: ConstraintGraph({"a": (0, 1), "b": (False, True)}),
        lambda: ConstraintGraph({"a": (1.0, 2)}),
        lambda: ConstraintGraph({"a": ([1], 2)}),
        lambda: ConstraintGraph({"a": np.array([True])}),
        lambda: ConstraintGraph({"a": 3}),
        lambda: ConstraintGraph({"a": ("\ud800",)}),
        lambda: ConstraintGraph({1: (1,)}),
        lambda: ConstraintGraph(["a"]),
        lambda: ConstraintGraph(DOMAINS, ["x"]),
        lambda: ConstraintGraph(DOMAINS, (), {"a": 1}),
        lambda: Count(NAMES, (True,), 0, 1),
        lambda: Count(NAMES, (1,), 0.5, 1),
        lambda: Linear(NAMES, (True, 1), "=", 1),
        lambda: Linear(NAMES, (1.5, 1), "=", 1),
        lambda: Table(NAMES, ((1, True),)),
        lambda: Table(NAMES, ((1, [2]),)),
        lambda: Table(NAMES, ((1, 2),), 1),
        lambda: Clause((("a", None),)),
        lambda: Xor((("a", 1),), "no"),
        lambda: Compare("a", "<", "b", True),
        lambda: Objective({"a": 1.5}),
        lambda: Objective("a"),
        lambda: Problem(DOMAINS),
        lambda: Problem(ConstraintGraph(DOMAINS), {"a": True}),
        lambda: Problem(ConstraintGraph(DOMAINS), {"a": [1]}),
        lambda: Problem(ConstraintGraph(DOMAINS), ["a"]),
    ],
)
def test_other_types_are_refused_where_the_graph_is_built(make: Callable[[], Any]) -> None:
    with pytest.raises(GraphError):
        make()
