"""Compiled probSAT against plain Python, move for move; the invariants of its state; answers alone and in company."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from clause_walk import graph, mixed, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from mull.engine import Budget, Clause, ConstraintGraph, Linear, MullError, Problem, Status, Task, solve
from mull.engine.moves.graph import MoveGraph
from mull.engine.moves.instance import MoveInstance
from mull.engine.solver import OptionError
from mull.engine.state import select_rows
from mull.solvers.kernels.clause_chains import ClauseChains
from mull.solvers.kernels.cuda_instance import GOLDEN, STARTS
from mull.solvers.kernels.formula import Formula, formula, from_literals
from mull.solvers.probsat import ProbSat, exponent


def problems(seed: int, shapes: list[tuple[int, int, list[int]]], givens: bool) -> list[Problem]:
    rng = random.Random(seed)
    made = []
    for shape in shapes:
        clauses = graph(rng, *shape)
        chosen = rng.sample(sorted(clauses.domains), len(clauses.domains) // 8 if givens else 0)
        made.append(Problem(clauses, {name: rng.randint(0, 1) for name in chosen}))
    return made


def started(solver: ProbSat, made: list[Problem], copies: int = 1) -> tuple[MoveInstance, ClauseChains]:
    instance = solver.compile(made, copies, "cpu")
    return instance, solver.init(instance, instance.streams(list(range(len(made) * copies))))


def never() -> bool:
    return False


def require_invariants(f: Formula, chains: ClauseChains, row: int, fixed: np.ndarray, bits: int) -> None:
    """The counts, the list of violated clauses and the breaks are those of the assignment."""
    value = chains.assignment[row]
    true = [[x >> 1 for x in f.literals[a:b].tolist() if value[x >> 1] == (x & 1)] for a, b in spans(f)]
    violated = [c for c, variables in enumerate(true) if not variables]
    listed = chains.violated[row, : chains.count[row]].tolist()
    assert sorted(listed) == violated
    breaks = np.zeros(f.variables, dtype=np.int64)
    for variables in true:
        if len(variables) == 1:
            breaks[variables[0]] += 1
    free = ~fixed[: f.variables]
    assert (chains.breaks[row, : f.variables] == breaks)[free].all()
    words = chains.words[row].astype(np.int64)
    for c, variables in enumerate(true):
        assert words[c] & ((1 << bits) - 1) == len(variables)
        rest = int(words[c] >> bits)
        assert rest == (np.bitwise_xor.reduce(variables) if variables else listed.index(c))


def spans(f: Formula) -> list[tuple[int, int]]:
    return list(zip(f.clause_ptr[:-1].tolist(), f.clause_ptr[1:].tolist(), strict=True))


PAIRS: list[tuple[int | str, ...]] = [(0, 1), (7, -2), ("a", "b"), (5, "x")]
CASES: list[tuple[list[tuple[int, int, list[int]]], bool]] = [
    ([(50, 210, [3]), (40, 150, [3]), (3, 2, [1, 2])], True),
    ([(20, 300, [2, 5, 9]), (30, 500, [5])], True),
    ([(60, 300, [3, 35, 50])], False),
    ([(8, 400, [1, 2])], True),
]


@pytest.mark.parametrize(("shapes", "givens"), CASES)
def test_the_kernel_makes_the_moves_of_plain_python(shapes: list[tuple[int, int, list[int]]], givens: bool) -> None:
    made = problems(1, shapes, givens)
    solver = ProbSat()
    instance, chains = started(solver, made, 2)
    start = chains.assignment.tolist()
    prepared = solver._prepared(instance)
    for _ in range(3):
        chains, info, taken = solver.advance(instance, chains, 120, never)
        assert taken == 120
    for row in range(len(start)):
        f = formula(instance.graphs[instance.template[row]])
        fixed = instance.fixed[row]
        key = int(chains.key[row])
        stream = mixed(key ^ STARTS)
        for v in np.flatnonzero(~fixed[: f.variables]).tolist():
            assert start[row][v] == mixed(stream + v * GOLDEN) >> 63
        value, clock, violated = walk(f, prepared.weights[chains.kind[row]], key, 360, start[row], fixed)
        assert chains.assignment[row].tolist() == value
        assert (chains.clock[row], chains.count[row]) == (clock, violated)
        assert info.violations is not None
        assert info.violations[row] == violated
        require_invariants(f, chains, row, fixed, int(prepared.bits))


@pytest.mark.parametrize("word", [np.uint32, np.uint64])
def test_words_of_both_sizes_make_equal_moves(word: type) -> None:
    solver = ProbSat()
    instance, chains = started(solver, problems(2, [(60, 250, [3])], False))
    assert chains.words.dtype == np.uint32
    wide, _, _ = solver.advance(instance, replace(chains, words=chains.words.astype(np.uint64)), 0, never)
    other = select_rows(chains, np.array([0]))
    other = replace(other, words=other.words.astype(word))
    for each in (wide, other):
        solver.advance(instance, each, 500, never)
    assert (wide.assignment == other.assignment).all()
    assert (wide.violated == other.violated).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_state_stays_consistent(data: st.DataObject) -> None:
    variables = data.draw(st.integers(1, 8))
    literal = st.tuples(st.integers(0, variables - 1), st.integers(0, 1))
    stated = data.draw(st.lists(st.lists(literal, min_size=1, max_size=9), min_size=1, max_size=25))
    domains: dict[str, tuple[int | str, ...]]
    domains = {f"v{i}": data.draw(st.sampled_from(PAIRS)) for i in range(variables)}
    domains["v0"] = (3, 4)
    clauses = [Clause(tuple((f"v{v}", domains[f"v{v}"][d]) for v, d in each)) for each in stated]
    names = data.draw(st.sets(st.sampled_from(sorted(domains)), max_size=variables - 1))
    problem = Problem(ConstraintGraph(domains, clauses), {name: domains[name][1] for name in names})
    solver = ProbSat()
    instance, chains = started(solver, [problem])
    f = formula(instance.graphs[0])
    for moves in (0, 1, 2, 30):
        chains, info, _ = solver.advance(instance, chains, moves, never)
        require_invariants(f, chains, 0, instance.fixed[0], f.longest.bit_length())
        decoded = solver.decode(instance, chains)
        assert info.violations is not None
        assert instance.check(decoded)[0].tolist() == info.violations.tolist()
        (assignment,) = instance.assignments(decoded)
        assert all(assignment[name] == value for name, value in problem.givens.items())
        assert len(problem.graph.broken(assignment)) == info.violations[0]


def test_formulas_have_no_repeated_literals_and_no_tautologies() -> None:
    ptr, literals = np.array([0, 3, 5, 6, 8]), np.array([2, 2, 5, 0, 1, 4, 5, 3])
    f = from_literals(3, ptr, literals)
    assert [f.literals[a:b].tolist() for a, b in spans(f)] == [[2, 5], [4], [5, 3]]
    assert f.clause.tolist() == [0, 2, 3]
    assert [f.occurrences[a:b].tolist() for a, b in zip(f.owners[:-1], f.owners[1:], strict=True)] == [
        [],
        [],
        [0],
        [2],
        [1],
        [0, 2],
    ]


def test_an_empty_clause_stays_violated() -> None:
    f = from_literals(2, np.array([0, 2, 2]), np.array([1, 3]))
    assert np.diff(f.clause_ptr).tolist() == [2, 0]
    assert f.longest == 2


def test_tautologies_are_solved() -> None:
    only = ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Clause((("a", 0), ("a", 1)))])
    (solution,) = solve([Problem(only)], ProbSat())
    assert solution.status is Status.SOLVED


def test_answers_are_equal_alone_and_in_company() -> None:
    made = problems(3, [(60, 240, [3]), (70, 270, [3]), (50, 210, [3]), (55, 200, [3])], False)
    task = Task(Budget(restarts=1), seed=7)
    together = solve(made, ProbSat(), task)
    for problem, solution in zip(made, together, strict=True):
        (alone,) = solve([problem], ProbSat(), task)
        assert solution.status is Status.SOLVED
        assert alone.assignment == solution.assignment
        assert alone.iterations == solution.iterations


def test_rows_of_other_formulas_do_not_change_a_chain() -> None:
    """Formulas with longer clauses have other weights; both are in one batch."""
    made = problems(4, [(40, 170, [3]), (45, 160, [3, 7])], True)
    solver = ProbSat()
    instance, together = started(solver, made)
    together, _, _ = solver.advance(instance, together, 300, never)
    own = solver.compile(made[1:], 1, "cpu")
    alone = solver.init(own, own.streams([1]))
    alone, _, _ = solver.advance(own, alone, 300, never)
    assert (together.assignment[1] == alone.assignment[0]).all()


def test_a_chain_without_violations_stops() -> None:
    solver = ProbSat()
    instance, chains = started(solver, problems(5, [(30, 40, [3])], False))
    chains, info, taken = solver.advance(instance, chains, 900, never)
    assert info.violations is not None
    assert (info.violations.tolist(), taken) == ([0], 900)
    clock = chains.clock.copy()
    chains, _, _ = solver.advance(instance, chains, 900, never)
    assert (chains.clock == clock).all()


def test_a_clause_whose_variables_are_all_given_is_not_flipped() -> None:
    clauses = ConstraintGraph(dict.fromkeys("abc", (0, 1)), [Clause((("a", 1), ("b", 1))), Clause((("c", 1),))])
    solver = ProbSat()
    instance, chains = started(solver, [Problem(clauses, {"a": 0, "b": 0})])
    chains, info, _ = solver.advance(instance, chains, 100, never)
    assert info.violations is not None
    assert info.violations.tolist() == [1]
    assert chains.assignment[0].tolist() == [0, 0, 1]


def test_kinds_of_chain_follow_their_exponents() -> None:
    table = ProbSat(cb=2.0)._weights(3, 4.0, 4)
    assert table.shape == (1, 5)
    assert table[0, 0] == 1
    assert table[0, 2] == pytest.approx((0.9 / 2.9) ** 2)
    assert ProbSat(cb=3.0)._weights(5, 4.0, 2)[0].tolist() == pytest.approx([1, 1 / 3, 1 / 9])


def test_other_graphs_and_bad_exponents_are_refused() -> None:
    wide = ConstraintGraph({"a": (0, 1, 2)}, [Clause((("a", 1),))])
    (solution,) = solve([Problem(wide)], ProbSat())
    assert solution.status is Status.UNSUPPORTED
    mixed_kinds = ConstraintGraph({"a": (0, 1)}, [Clause((("a", 1),)), Linear(("a",), (1,), "<=", 1)])
    assert ProbSat().supports(mixed_kinds)
    with pytest.raises(OptionError):
        ProbSat.from_options({"cb": 0})
    with pytest.raises(MullError):
        ConstraintGraph({"a": (0, 1)}, [Clause(())])


def test_a_move_graph_gives_its_formula_once_for_each_row() -> None:
    made = problems(6, [(30, 100, [3])], False)
    arrays = formula(MoveGraph.of(made[0].graph))
    assert (
        arrays.clause_ptr.dtype == arrays.literals.dtype == arrays.owners.dtype == arrays.occurrences.dtype == np.int32
    )


def test_the_exponent_is_the_published_one_at_the_threshold_and_larger_below() -> None:
    assert exponent(3, 4.26) == exponent(3, 9.0) == 2.06
    assert 2.06 < exponent(3, 4.1) < exponent(3, 4.0) < exponent(3, 1.0) == 2.7
    assert exponent(4, 5.0) == 3.0
    assert exponent(12, 5.0) == 5.4
