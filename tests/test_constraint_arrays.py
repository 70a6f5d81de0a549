"""Constraints as arrays: they are the same constraints, with the same digests, parts, checks and tensors, as objects."""

from __future__ import annotations

import json
import pickle
import random
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from conftest import write
from mull.engine import AllDifferent, Clause, Compare, ConstraintGraph, Problem, compile_problems
from mull.engine.constraint_arrays import KEPT, ConstraintArrays, NumberedNames, connected
from mull.engine.constraints.clause_arrays import ClauseArrays
from mull.engine.constraints.edge_arrays import EdgeArrays
from mull.engine.moves.graph import MoveGraph
from mull.engine.peel import extend, peel
from mull.engine.trace import Trace
from mull.engine.values import Value
from mull.problems import load
from mull.problems.coloring import template
from mull.problems.sat import formula

RECORDED = {
    "p cnf 12 6\n1 1 2 0\n-1 1 3 0\n12 11 10 9 1 0\n-3 0\n3 -12 0\n10 1 0\n": "44e0772b3faa94d73f88561cdd0cad114692ea065d8805f4a17110d64ec4412f",
    "p cnf 3 3\n1 2 0\n0\n-3 0\n": "b294bb97411fa4f1ff90e86796eadc29a42b08960ccf8a0d157cc26de906d56d",
    "p cnf 5 0\n": "77b316d66d5b91643a245622790e5b78f02a1b27b6b393b10d176cb860a25276",
}
"""Texts and their digests, as computed before constraints were stored as arrays. Runs in stores refer to them."""


def cnf(seed: int, variables: int = 40, longest: int = 5) -> list[list[int]]:
    rng = random.Random(seed)
    lengths = [rng.randint(1, longest) for _ in range(2 * variables)]
    if seed % 2:  # clauses with repeated variables
        return [[rng.choice((-1, 1)) * rng.randint(1, variables) for _ in range(n)] for n in lengths]
    return [[rng.choice((-1, 1)) * v for v in rng.sample(range(1, variables + 1), n)] for n in lengths]


def graphs(seed: int) -> ConstraintGraph:
    if seed % 3 == 2:
        return template(nx.relabel_nodes(nx.gnp_random_graph(25, 0.05 * seed, seed=seed), lambda v: v + 1), 3)
    return formula(40 if seed < 8 else 200, cnf(seed, longest=12 if seed == 4 else 3)).graph


def plain(graph: ConstraintGraph) -> ConstraintGraph:
    """The same graph with constraint objects."""
    assert isinstance(graph.constraints, ConstraintArrays)
    return ConstraintGraph(graph.domains, list(graph.constraints))


@pytest.mark.parametrize("seed", range(12))
def test_arrays_and_objects_have_the_same_digest_parts_and_checks(seed: int) -> None:
    graph = graphs(seed)
    same = plain(graph)
    assert graph.digest == same.digest
    assert [part.digest for part in graph.components()] == [part.digest for part in same.components()]
    assert graph.to_json() == same.to_json()
    assert (graph.work, graph.kinds, graph.interchangeable, graph.magnitude, graph.obstacle()) == (
        (same.work, same.kinds, same.interchangeable, same.magnitude, same.obstacle())
    )
    assert all(np.array_equal(mine, other) for mine, other in zip(graph.scopes, same.scopes, strict=True))
    rng = random.Random(seed)
    for _ in range(20):
        values = {name: rng.choice(domain) for name, domain in graph.domains.items()}
        assert graph.broken(values) == same.broken(values)
        some = dict(rng.sample(sorted(values.items()), 20))
        assert Problem(graph, some).contradiction() == Problem(same, some).contradiction()


@pytest.mark.parametrize("seed", range(12))
def test_peeling_removes_the_same_variables(seed: int) -> None:
    graph = graphs(seed)
    same = plain(graph)
    givens = list(graph.domains)[:4]
    core, order = peel(graph, givens)
    other, expected = peel(same, givens)
    assert (core.digest, order) == (other.digest, expected)
    fixed: dict[str, Value] = dict.fromkeys(core.domains, 1)
    hint: dict[str, Value] = dict.fromkeys(graph.domains, 2)
    assert extend(graph, fixed, order, hint) == extend(same, fixed, order, hint)


@pytest.mark.parametrize("seed", range(12))
def test_tensors_are_the_same(seed: int) -> None:
    one, two = graphs(seed), graphs((seed + 3) % 12)
    mine = compile_problems([Problem(one), Problem(two)], copies=2)
    other = compile_problems([Problem(plain(one)), Problem(plain(two))], copies=2)
    assert mine.allowed.equal(other.allowed)
    assert len(mine.factors) == len(other.factors)
    for a, b in zip(mine.factors, other.factors, strict=True):
        assert (a.kind, a.parameters.keys()) == (b.kind, b.parameters.keys())
        assert a.scopes.equal(b.scopes)
        assert a.active.equal(b.active)
        assert all(a.parameters[name].equal(b.parameters[name]) for name in a.parameters)


@pytest.mark.parametrize("text", RECORDED)
def test_digests_are_those_of_stored_runs(text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.cnf", text))
    assert problem.digest == RECORDED[text]


def test_digests_of_a_few_long_clauses_are_the_same() -> None:
    clauses = [*cnf(2, 60, 2), list(range(1, 61)), [-v for v in range(1, 51)]] * 3
    graph = formula(2_000, [*clauses, *([v, v + 1] for v in range(1, 1_999))] * 3).graph
    assert isinstance(graph.constraints, ClauseArrays)
    assert graph.digest == plain(graph).digest


def test_the_sequence_acts_like_a_tuple() -> None:
    graph = formula(3, [[1, -2], [3], [2, -3, 1]]).graph
    made = tuple(graph.constraints)
    assert made == (Clause((("x1", 1), ("x2", 0))), Clause((("x3", 1),)), Clause((("x2", 1), ("x3", 0), ("x1", 1))))
    assert (graph.constraints[-1], graph.constraints[:2]) == (made[-1], made[:2])
    with pytest.raises(IndexError):
        graph.constraints[3]
    more = graph.with_constraints([AllDifferent(("x1", "x2"))])
    assert more.constraints == (*made, AllDifferent(("x1", "x2")))
    assert pickle.loads(pickle.dumps(graph)) == graph
    edges = template(nx.path_graph(range(1, 4)), 2)
    assert list(edges.constraints) == [Compare("v1", "!=", "v2"), Compare("v2", "!=", "v3")]
    assert pickle.loads(pickle.dumps(edges)) == edges


def test_traces_keep_their_numbers_and_types_when_they_are_sent() -> None:
    figures = np.arange(3, dtype=np.int32), np.ones(3, np.float32), np.zeros(3, np.int32), np.zeros(3, np.float32)
    for trace in (Trace(*figures), Trace(*(figure.astype(np.float64) for figure in figures))):
        sent = pickle.loads(pickle.dumps(trace))
        assert sent.to_json() == trace.to_json()
        assert sent.energy.dtype == trace.energy.dtype


def test_long_sequences_make_their_elements_at_each_reading() -> None:
    names = NumberedNames("v", np.arange(KEPT + 2))
    path = np.stack((np.arange(KEPT + 1), np.arange(1, KEPT + 2)), 1).astype(np.int32)
    edges = EdgeArrays(names, path)
    assert edges[KEPT] == Compare(f"v{KEPT}", "!=", f"v{KEPT + 1}")
    assert sum(1 for _ in edges) == len(edges)
    assert edges[-2:] == (edges[KEPT - 1], edges[KEPT])
    assert set(connected(KEPT + 2, *edges.scopes()).tolist()) == {0}


def test_the_clause_table_has_no_repeated_literals_and_no_clauses_that_always_hold() -> None:
    table = formula(4, [[1, 1, 2], [-1, 3, 1], [4, -2]]).graph.clause_table
    assert table is not None
    assert (table.start.tolist(), table.variable.tolist(), table.value.tolist()) == (
        [0, 2, 4],
        [0, 1, 3, 1],
        [1, 1, 1, 0],
    )
    words = ConstraintGraph(
        {"a": ("no", "yes"), "b": (3, 5)}, [Clause((("a", "yes"), ("b", 3))), Clause((("b", 3), ("b", 5)))]
    )
    table = words.clause_table
    assert table is not None
    assert (table.start.tolist(), table.variable.tolist(), table.value.tolist()) == ([0, 2], [0, 1], [1, 0])
    assert words.with_constraints([Compare("a", "!=", "b")]).clause_table is None


@pytest.mark.parametrize("seed", range(12))
def test_move_graphs_of_arrays_and_objects_are_the_same(seed: int) -> None:
    graph = graphs(seed)
    mine, other = MoveGraph.of(graph), MoveGraph.of(plain(graph))
    for name in ("scope_ptr", "scope", "occ_ptr", "occ_constraint", "occ_slot"):
        assert np.array_equal(getattr(mine, name), getattr(other, name))
    rows = np.random.default_rng(seed).integers(0, mine.size, (5, mine.variables))
    assert mine.violations(rows).tolist() == other.violations(rows).tolist()


def test_givens_of_components_follow_the_variables() -> None:
    graph = formula(6, [[1, 2], [-1, -2], [3, 4], [5, -6]]).graph
    problem = replace(Problem(graph), givens={"x1": 1, "x4": 0})
    assert [part.digest for part in graph.components()] == [part.digest for part in plain(graph).components()]
    assert problem.contradiction() is None
    assert replace(problem, givens={"x1": 1, "x2": 1}).contradiction() == (
        Clause((("x1", 0), ("x2", 0))),
        {"x1": 1, "x2": 1},
    )


@pytest.mark.parametrize(
    "text", ["p cnf 12 6\n1 1 2 0\n-1 1 3 0\n12 11 10 9 1 0\n-3 0\n3 -12 0\n10 1 0\n", "p cnf 5 0\n"]
)
def test_the_stated_json_of_clauses_is_that_of_the_objects(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.cnf").write_text(text)
    arrays = load(str(tmp_path / "a.cnf"))[0].graph.constraints
    assert isinstance(arrays, ConstraintArrays)
    assert json.loads(b"[" + b"".join(arrays.stated()) + b"]") == [constraint.to_json() for constraint in arrays]


def test_the_stated_json_of_edges_is_that_of_the_objects() -> None:
    arrays = load("coloring:30:0.3:4", seed=1)[0].graph.constraints
    assert isinstance(arrays, EdgeArrays)
    assert json.loads(b"[" + b"".join(arrays.stated()) + b"]") == [constraint.to_json() for constraint in arrays]
