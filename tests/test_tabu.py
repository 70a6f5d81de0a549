"""Tabu search on graphs of differences: its moves against a plain reference, its tables, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mull
from mull.engine import Budget, ConstraintGraph, Problem, Status, Task, soft, solve, with_soft
from mull.engine.constraints import AllDifferent, Compare, Linear
from mull.engine.moves.draws import draw
from mull.engine.objective import Objective
from mull.problems import load
from mull.solvers.kernels import cuts, difference_state, differences
from mull.solvers.kernels.difference_arrays import DifferenceArrays, difference_arrays
from mull.solvers.kernels.difference_state import (
    CLOCK,
    COUNT,
    ENERGY,
    FIXED,
    GENERATION,
    HARD,
    LEAST,
    Chains,
    Tables,
    new_chains,
    tables,
)
from mull.solvers.tabu import Tabu

TENURE, TENURE_RANDOM = 39322, 10


@st.composite
def graphs(draw: st.DrawFn, weighted: bool | None = None) -> tuple[ConstraintGraph, dict[str, int]]:
    """A small graph of differences with lists of values, and the givens of an instance."""
    n = draw(st.integers(3, 9))
    names = [f"x{i}" for i in range(n)]
    values = st.lists(st.sampled_from([1, 2, 4, 7, 8]), min_size=1, max_size=5, unique=True)
    domains = {name: tuple(draw(values)) for name in names}
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda p: p[0] != p[1])
    hard = [Compare(a, "!=", b) for a, b in draw(st.lists(pairs, min_size=1, max_size=12))]
    scopes = st.lists(st.sampled_from(names), min_size=2, max_size=n, unique=True)
    groups = [AllDifferent(tuple(scope)) for scope in draw(st.lists(scopes, max_size=2))]
    graph = ConstraintGraph(domains, [*hard, *groups])
    if draw(st.booleans()) if weighted is None else weighted:
        wishes = draw(st.lists(st.tuples(pairs, st.integers(1, 9)), min_size=1, max_size=8))
        graph = with_soft(graph, [soft(Compare(a, "!=", b), weight) for (a, b), weight in wishes])
    givens = {name: domains[name][0] for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True))}
    return graph, givens


def chains_of(
    graph: ConstraintGraph, givens: dict[str, int], seed: int, recombine: bool = False
) -> tuple[DifferenceArrays, Tables, Chains]:
    arrays = difference_arrays([graph])
    names = [graph.names[v] for v in arrays.searched[0]]
    numbers = [
        arrays.value_of[0].index(givens[name]) if name in givens else -1 if len(graph.domains[name]) > 1 else None
        for name in names
    ]
    fixed = [
        arrays.value_of[0].index(graph.domains[name][0]) if number is None else number
        for name, number in zip(names, numbers, strict=True)
    ]
    key = np.array([seed], dtype=np.uint64)
    longest = (len(names) * TENURE >> 16) + TENURE_RANDOM + 1 + len(names) * TENURE_RANDOM
    made = new_chains(arrays, np.zeros(1, dtype=np.int64), key, np.array([fixed]), longest, recombine)
    return arrays, tables(arrays), made


def weights(arrays: DifferenceArrays) -> np.ndarray:
    """[V, V], the weight of each pair."""
    n = int(arrays.variables[0])
    found = np.zeros((n, n), dtype=np.int64)
    for v in range(n):
        for a in range(arrays.edge_ptr[v], arrays.edge_ptr[v + 1]):
            found[v, arrays.edge[a]] += arrays.edge_weight[a]
    for g in range(len(arrays.group_weight)):
        members = arrays.member[arrays.group_ptr[g] : arrays.group_ptr[g + 1]]
        found[np.ix_(members, members)] += arrays.group_weight[g]
    np.fill_diagonal(found, 0)
    return found


class Reference:
    """The rule of ``differences.py`` in plain Python, on a matrix of weights."""

    def __init__(self, arrays: DifferenceArrays, chains: Chains) -> None:
        self.weights, self.key = weights(arrays), chains.key
        self.value = [int(value) for value in chains.value[0]]
        self.fixed = chains.position[0] == FIXED
        self.allowed = arrays.allowed.reshape(len(self.value), -1) == 1
        self.tabu: dict[tuple[int, int], int] = {}
        self.least = self.energy
        self.clock = 0

    def cost(self, v: int, c: int) -> int:
        return sum(int(w) for u, w in enumerate(self.weights[v]) if self.value[u] == c)

    @property
    def conflicting(self) -> list[int]:
        free = (v for v in range(len(self.value)) if not self.fixed[v])
        return [v for v in free if self.cost(v, self.value[v])]

    @property
    def energy(self) -> int:
        return sum(self.cost(v, c) for v, c in enumerate(self.value)) // 2

    def move(self) -> None:
        self.clock += 1
        first, second = map(int, draw(self.key, self.clock * differences.DRAWS + np.arange(2)))
        conflicting, energy = self.conflicting, self.energy
        found: dict[int, list[tuple[int, int]]] = {}
        for v in conflicting:
            for c in np.flatnonzero(self.allowed[v]).tolist():
                change = self.cost(v, c) - self.cost(v, self.value[v])
                tabu = self.tabu.get((v, c), 0) >= self.clock
                if c != self.value[v] and (not tabu or energy + change < self.least):
                    found.setdefault(change, []).append((v, c))
        if not found:
            return
        best = found[min(found)]
        odd = first & 0xFFFFFFFF | 1
        v = max({v for v, _ in best}, key=lambda v: (v + 1) * odd & 0xFFFFFFFF)
        values = [c for u, c in best if u == v]
        new = values[(first >> 32) * len(values) >> 32]
        until = self.clock + (TENURE * len(conflicting) >> 16) + 1 + (second >> 40) % TENURE_RANDOM
        self.tabu[v, self.value[v]] = until
        self.value[v] = new
        self.least = min(self.least, self.energy)


@given(graphs(weighted=False), st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_moves_are_those_of_the_plain_rule(made: tuple[ConstraintGraph, dict[str, int]], seed: int) -> None:
    arrays, table, chains = chains_of(*made, seed)
    differences.make_moves(table, chains, 0, 1, 0, TENURE, TENURE_RANDOM, 0)
    reference = Reference(arrays, chains)
    for _ in range(60):
        if not reference.energy or not reference.conflicting:
            break
        differences.make_moves(table, chains, 0, 1, 1, TENURE, TENURE_RANDOM, 0)
        reference.move()
        assert chains.value[0].tolist() == reference.value
        assert chains.figures[0, [CLOCK, ENERGY, LEAST]].tolist() == [
            reference.clock,
            reference.energy,
            reference.least,
        ]


@given(graphs(), st.integers(0, 2**64 - 1), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_tables_follow_the_assignment(made: tuple[ConstraintGraph, dict[str, int]], seed: int, moves: int) -> None:
    arrays, table, chains = chains_of(*made, seed, recombine=True)
    first = chains.value[0].copy()
    differences.make_moves(table, chains, 0, 1, moves, TENURE, TENURE_RANDOM, 20)
    n, stride = int(arrays.variables[0]), int(arrays.stride[0])
    value, matrix = chains.value[0], weights(arrays)
    gamma = chains.gamma[0].reshape(n, stride)
    allowed = arrays.allowed.reshape(n, stride)
    low = (1 << 13) - 1 if gamma.dtype == np.int16 else (1 << 28) - 1
    one_hot = np.eye(stride, dtype=np.int64)[value]
    assert ((gamma & low) == matrix @ one_hot).all()
    own = (matrix @ one_hot)[np.arange(n), value]
    assert (allowed[np.arange(n), value] == 1).all()
    assert chains.figures[0, ENERGY] == own.sum() // 2
    assert chains.figures[0, HARD] == (own // arrays.hard_weight[0]).sum() // 2
    free = chains.position[0] != FIXED
    listed = chains.conflicting[0, : chains.figures[0, COUNT]]
    assert sorted(listed) == np.flatnonzero(free & (own > 0)).tolist()
    assert (value[~free] == first[~free]).all()
    blocked = (gamma & (2 * (low + 1))) > 0
    assert (blocked == ((allowed == 0) | (one_hot == 1))).all()


@given(
    st.integers(2, 20),
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), st.integers(-5, 5)), min_size=1, max_size=60),
    st.integers(0, 2**64 - 1),
    st.integers(0, 300),
)
@settings(max_examples=60, deadline=None)
def test_flips_follow_the_cut(n: int, edges: list[tuple[int, int, int]], seed: int, moves: int) -> None:
    wishes = [
        soft(Compare(f"x{a % n}", "!=" if weight > 0 else "=", f"x{b % n}"), abs(weight))
        for a, b, weight in edges
        if a % n != b % n and weight
    ]
    if not wishes:
        return
    graph = with_soft(ConstraintGraph({f"x{i}": (0, 1) for i in range(n)}, []), wishes)
    arrays, table, chains = chains_of(graph, {}, seed, recombine=True)
    cuts.make_flips(table, chains, 0, 1, moves, TENURE, TENURE_RANDOM, 1)
    value = chains.value[0]
    assert set(value.tolist()) <= {0, 1}
    cost = sum(
        each.weight
        for each in wishes
        if not each.constraint.check([int(value[graph.index[name]]) for name in each.constraint.scope])
    )
    assert chains.figures[0, ENERGY] + arrays.always[0] == cost
    matrix = weights(arrays)
    sides = 1 - 2 * value.astype(np.int64)
    assert (chains.gamma[0, :n] % cuts.TABU == -(matrix @ sides) * sides % cuts.TABU).all()


COLORING = ("coloring:60:0.3:6", "coloring:40:0.5:8", "coloring:30:0.4:5")


def answers(problems: Sequence[Problem], **options: object) -> list[mull.Solution]:
    return solve(list(problems), mull.solver("tabu", **options), Task(Budget(None, iterations=20_000), seed=5))


def test_an_answer_does_not_depend_on_the_other_problems() -> None:
    problems = [load(spec, seed=2)[0] for spec in COLORING]
    together = solve(problems, mull.solver("tabu", copies=1), Task(Budget(None, iterations=20_000), seed=5))
    for problem, answer in zip(problems, together, strict=True):
        (alone,) = solve([problem], mull.solver("tabu", copies=1), Task(Budget(None, iterations=20_000), seed=5))
        assert (alone.assignment, alone.status, alone.iterations) == (
            answer.assignment,
            answer.status,
            answer.iterations,
        )


@pytest.mark.parametrize("spec", ["sudoku:9:0.5", "latin:12:0.4", *COLORING])
def test_families_of_differences_are_solved(spec: str) -> None:
    (answer,) = answers(load(spec, seed=3))
    assert (answer.status, answer.violations) == (Status.SOLVED, 0)


def test_soft_constraints_are_weighed() -> None:
    domains = dict.fromkeys("abc", ("red", "green"))
    hard = ConstraintGraph(domains, [Compare("a", "!=", "b")])
    graph = with_soft(hard, [soft(Compare("b", "!=", "c"), 2), soft(Compare("a", "!=", "c"), 5)])
    (answer,) = answers([Problem(graph)])
    assert (answer.status, answer.objective) == (Status.SOLVED, 2)
    assert answer["a"] != answer["c"] == answer["b"]


def test_the_heaviest_cut_of_a_small_graph_is_found() -> None:
    (problem,) = load("maxcut:16:0.5:+-1", seed=1)
    (exact,) = solve([problem], mull.solver("cpsat"))
    (answer,) = answers([problem])
    assert answer.objective == exact.objective


def test_domains_may_differ_and_have_holes() -> None:
    domains = {"a": (1, 5), "b": (5, 9), "c": (9, 1), "d": (1, 5, 9, 20)}
    graph = ConstraintGraph(domains, [AllDifferent(tuple("abcd")), Linear(("a", "b"), (2, -2), "!=", 0)])
    (answer,) = answers([Problem(graph, {"a": 5})])
    assert answer.status is Status.SOLVED
    assert (answer["a"], answer["b"], answer["c"], answer["d"]) == (5, 9, 1, 20)


@pytest.mark.parametrize(
    ("graph", "differs"),
    [
        (ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Compare("a", "!=", "b")]), True),
        (ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Compare("a", "!=", "b", 1)]), False),
        (ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Compare("a", "=", "b")]), False),
        (ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [AllDifferent(("a", "b"), (0,))]), False),
        (ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [AllDifferent(("a", "b"), (), (0, 1))]), False),
        (ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Compare("a", "!=", "b")], Objective({"a": 1})), False),
    ],
)
def test_graphs_of_differences_are_recognised(graph: ConstraintGraph, differs: bool) -> None:
    from mull.solvers.kernels.difference_graphs import differences as of

    assert (not isinstance(of(graph), str)) is differs


def test_a_state_has_as_many_figures_as_columns() -> None:
    assert difference_state.FORMER + 1 == difference_state.FIGURES


def test_every_second_copy_makes_one_long_stage() -> None:
    names = tuple(f"x{i}" for i in range(8))
    problem = Problem(ConstraintGraph(dict.fromkeys(names, range(5)), [AllDifferent(names)]))  # no solution
    solver = mull.solver("tabu", patience=1)
    assert isinstance(solver, Tabu)
    instance = solver.compile([problem], 4, "cpu")
    state = solver.init(instance, instance.streams([(0, problem.digest, copy, 0) for copy in range(4)]))
    state, _, _ = solver.advance(instance, state, 2000, lambda: False)
    assert (state.chains.key % 2).tolist() == [0, 1, 0, 1]
    assert (state.chains.figures[:, GENERATION] > 0).tolist() == [True, False, True, False]
