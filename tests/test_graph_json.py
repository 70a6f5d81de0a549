"""Graphs in JSON: a key or value that is not valid is refused with a hint."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mull.engine import GraphError, Problem
from mull.engine.constraints import from_json
from mull.problems import InputError, load


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


@settings(max_examples=200, deadline=None)
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
