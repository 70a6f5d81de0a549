"""Scopes, values, JSON keys and large numbers that a graph accepts or refuses. A mistake is refused where it is made."""

# Arguments of wrong types are what these tests are about.
# mypy: disable-error-code="arg-type, call-arg, list-item, dict-item"

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mull
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
from mull.engine.constraints import from_json
from mull.engine.values import LARGEST
from mull.plugins import load as solver
from mull.problems import InputError, load

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
    "data",
    [
        {"kind": "AllDifferent", "scope": "ab"},
        {"kind": "AllDifferent", "scope": ["a", "b"], "except": "x"},
        {"kind": "Linear", "scope": "ab", "coefficients": [1, 1], "op": "=", "bound": 3},
        {"kind": "Linear", "scope": ["a", "b"], "coefficients": "11", "op": "=", "bound": 3},
        {"kind": "Count", "scope": ["a", "b"], "values": "late", "least": 2},
        {"kind": "Count", "scope": "ab", "values": ["late"]},
        {"kind": "Table", "scope": "ab", "tuples": [[1, 2]]},
        {"kind": "Table", "scope": ["a", "b"], "tuples": ["12"]},
        {"kind": "Clause", "literals": "ab"},
        {"kind": "Clause", "literals": ["ab"]},
        {"kind": "Clause", "literals": ["a", 1]},
        {"kind": "Xor", "literals": ["ab"]},
        {"kind": "Compare", "left": ["a"], "op": "=", "right": "b"},
    ],
)
def test_a_string_in_place_of_a_list_is_refused_in_json(data: dict[str, Any]) -> None:
    with pytest.raises(GraphError) as refused:
        from_json(data)
    assert refused.value.hint


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


GRAPH: dict[str, Any] = {"variables": {"a": [0, 1], "b": [0, 1]}, "constraints": []}


@pytest.mark.parametrize(
    ("data", "key", "hint"),
    [
        ({"variables": {"a": [0, 1]}, "constraint": []}, "constraint", 'did you mean "constraints"?'),
        ({"variable": {"a": [0, 1]}}, "variable", 'did you mean "variables"?'),
        ({**GRAPH, "given": {}}, "given", 'did you mean "givens"?'),
        ({**GRAPH, "objective": {"coefficients": {"a": 1}, "sense": "maximize"}}, "sense", "maximise"),
        ({**GRAPH, "objective": {"coefs": {"a": 1}}}, "coefs", "coefficients"),
        ({**GRAPH, "maximize": {"a": 1}}, "maximize", "objective"),
    ],
)
def test_unknown_keys_of_a_graph_are_refused(data: dict[str, Any], key: str, hint: str) -> None:
    with pytest.raises(GraphError, match=repr(key)) as refused:
        Problem.from_json(data)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("fields", "key", "hint"),
    [
        ({"kind": "Linear", "scope": ["a"], "coefs": [2], "op": "=", "bound": 3}, "coefs", "coefficients"),
        ({"kind": "Linear", "scope": ["a"], "op": "=", "bound": 3, "rhs": 3}, "rhs", "bound"),
        ({"kind": "AllDifferent", "scope": ["a"], "exempt": [0]}, "exempt", "except"),
        ({"kind": "AllDifferent", "scope": ["a"], "variables": ["a"]}, "variables", "scope"),
        ({"kind": "Count", "scope": ["a"], "value": [1], "values": [1]}, "value", "values"),
        ({"kind": "Table", "scope": ["a"], "tuples": [[1]], "allow": False}, "allow", "allowed"),
        ({"kind": "Compare", "left": "a", "op": "=", "right": "b", "ofset": 1}, "ofset", "offset"),
        ({"kind": "Clause", "literals": [["a", 1]], "literal": 1}, "literal", "literals"),
        ({"kind": "Xor", "literals": [["a", 1]], "even": True}, "even", "odd"),
    ],
)
def test_unknown_keys_of_a_constraint_are_refused(fields: dict[str, Any], key: str, hint: str) -> None:
    with pytest.raises(GraphError, match=repr(key)) as refused:
        from_json(fields)
    assert hint in refused.value.hint


def test_a_misspelt_kind_is_refused_with_a_suggestion() -> None:
    with pytest.raises(GraphError) as refused:
        from_json({"kind": "Alldifferent", "scope": ["a"]})
    assert "AllDifferent" in refused.value.hint


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
    build = partial(ConstraintGraph, dict.fromkeys(NAMES, values), [Linear(NAMES, coefficients, "<=", 0)])
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


@pytest.mark.parametrize(
    "text",
    [
        '{"variables": {"a": [[1], 2]}}',
        '{"variables": {"a": [{"b": 1}]}}',
        '{"variables": {"a": {"b": [1]}}}',
        '{"variables": {"a": [true]}}',
        '{"variables": {"a": [null]}}',
        '{"variables": {"a": [1.5, NaN]}}',
        '{"variables": {"a": ["\\ud800"]}}',
        '{"variables": {"\\ud800": [1]}}',
        '{"variables": [["a", [1]]]}',
        '{"variables": {"a": [1]}, "givens": {"a": [1]}}',
        '{"variables": {"a": [1]}, "givens": [[1]]}',
        '{"variables": {"a": [1]}, "givens": []}',
        '{"variables": {"a": [1]}, "family": [1]}',
        '{"variables": {"a": [1]}, "name": [1]}',
        '{"variables": {"a": [1]}, "objective": [1]}',
        '{"variables": {"a": [1]}, "objective": {"coefficients": {"a": [1]}}}',
        '{"variables": {"a": [1]}, "objective": {"coefficients": {"a": 1}, "constant": {}}}',
        '{"variables": {"a": [1]}, "constraints": {"kind": "Xor"}}',
        '{"variables": {"a": [1]}, "constraints": [[]]}',
        '{"variables": {"a": [1]}, "constraints": [{"kind": {}}]}',
        '{"variables": {"a": [1]}, "constraints": [{"kind": "AllDifferent", "scope": [["a"]]}]}',
        '{"variables": {"a": [1]}, "constraints": [{"kind": "AllDifferent", "scope": ["a"], "name": []}]}',
        '{"variables": {"a": [1]}, "constraints": [{"kind": "Table", "scope": ["a"], "tuples": [[[1]]]}]}',
        '{"variables": {"a": [1]}, "constraints": [{"kind": "Clause", "literals": [[["a"], 1]]}]}',
        '{"variables": {"a": {"min": 0, "max": 1e3}}}',
        '{"variables": {"a": {"min": 0}}}',
        '{"variables": {"a": {"min": 0, "max": 9999999999999999999}}}',
        '{"variables": {"a": {"min": 3, "max": 1}}}',
        '{"variables": {"a": [' + "9" * 5000 + "]}}",
        '{"variables": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}",
        '{"variables": {"a": [1]}} x',
        '[{"variables": {"a": [1]}}',
        '[{"variables": {"a": [1]}} {"variables": {"a": [1]}}]',
        '[{"variables": {"a": [1]}}, 3]',
        "[]",
        "3",
    ],
)
def test_malformed_json_is_an_input_error(text: str, tmp_path: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load(str(path))
    assert refused.value.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "kind", "scope", "min", "max", "coefficients"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KIND = st.sampled_from(["AllDifferent", "Linear", "Count", "Table", "Clause", "Xor", "Compare"])
FIELD = st.sampled_from(
    ["scope", "literals", "values", "tuples", "left", "right", "op", "bound", "coefficients", "least", "most", "odd"]
)
LIKELY = st.sampled_from([["a"], ["a", "b"], "a", "=", [[1, 2]], [["a", 1]], 1, True])
ANY_GRAPH = st.fixed_dictionaries(
    {
        "variables": JSON | st.just({"a": [1, 2], "b": {"min": 0, "max": 2}}),
        "constraints": JSON
        | st.lists(st.builds(lambda k, d: {"kind": k, **d}, KIND, st.dictionaries(FIELD, LIKELY | JSON))),
    },
    optional={"givens": JSON, "objective": JSON, "name": JSON, "family": JSON, "comment": JSON},
)


@settings(max_examples=500, deadline=None)
@given(JSON | ANY_GRAPH)
@pytest.mark.slow
def test_any_json_is_read_or_refused(data: Any) -> None:
    """Only the project's own error comes out; what is read has a digest and solves without an exception."""
    from mull.problems.graph import Graph

    try:
        problems = Graph().read(json.dumps(data), "x.json")
    except InputError:
        return
    for problem in problems:
        assert len(problem.digest) == 64
        assert problem.contradiction() is None or problem.givens
        assert Problem.from_json(json.loads(json.dumps(problem.to_json()))).digest == problem.digest


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


@pytest.mark.parametrize("name", ["localsearch", "tabu"])
def test_solvers_that_keep_a_number_for_each_value_refuse_wide_domains(name: str) -> None:
    domains = {f"x{i}": range(10**6) for i in range(50)}
    graph = ConstraintGraph(domains, [Compare("x0", "<", "x1"), Compare("x1", "<", "x0")])
    solution = mull.solve(graph, name, seconds=5)
    assert solution.status is Status.UNSUPPORTED
    assert "50,000,000" in solution.detail
