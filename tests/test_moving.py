"""Compiled search on any graph: its books stay exact, and it solves small problems of every kind."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mull
from mull.engine import (
    Abs,
    AllDifferent,
    Budget,
    Clause,
    Compare,
    Constraint,
    ConstraintGraph,
    Element,
    Linear,
    Maximum,
    Objective,
    Problem,
    Reify,
    Status,
    Task,
    soft,
    with_soft,
)
from mull.engine.constraints import KINDS
from mull.engine.moves.graph import MoveGraph
from mull.engine.moves.instance import compile_moves
from mull.solvers.anneal import Anneal
from mull.solvers.kernels.general_chains import Chains
from mull.solvers.kernels.general_model import Row
from mull.solvers.kernels.general_state import COST, ENERGY, HARD, SOFT
from mull.solvers.minconflicts import MinConflicts
from mull.solvers.moving import Mover

quick = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
SEARCHES: list[type[Mover]] = [MinConflicts, Anneal]


def _solve(graph: ConstraintGraph, solver: str = "minconflicts", **options: Any) -> Any:
    return mull.solve(Problem(graph), solver, **options)


def _books(graph: MoveGraph, chains: Chains, row: Row, b: int = 0) -> None:
    """Check degrees, lists, energy and cost of a chain against a computation from its values."""
    values, tables, program = chains.values[b].copy(), row.tables, row.model.program
    hard, late, energy, cost = 0, 0, 0.0, float(tables.objective @ values)
    for c, constraint in enumerate(row.model.soft.constraints):
        form = constraint.move_form(graph.domains, graph.code)
        assert form is not None
        scope = tables.scope[tables.scope_ptr[c] : tables.scope_ptr[c + 1]]
        memory = np.zeros(form.memory, dtype=np.int64)
        degree = form.functions.start(values, scope, len(scope), form.params, memory, 0, 0)
        assert chains.degree[b, c] == degree
        held = constraint.check([program.value(int(values[v])) for v in scope])
        assert held == (degree == 0) == (chains.place[b, c] < 0)
        if degree:
            assert chains.violated[b, chains.place[b, c]] == c
        if tables.soft[c]:
            late += degree > 0
            cost += tables.soft[c] * (degree > 0)
        else:
            hard += degree > 0
            energy += chains.weight[b, c] * degree
    assert chains.number[b, [HARD, SOFT]].tolist() == [hard, late]
    assert chains.real[b, COST] == pytest.approx(cost)
    assert chains.real[b, ENERGY] == pytest.approx(energy + cost)


def _walk(problem: Problem, solver: Mover, seed: int) -> None:
    instance = compile_moves([problem])
    state = solver.init(instance, instance.streams([seed]))
    row = solver._rows(instance)[0]
    graph = instance.graphs[0]
    for steps in (0, 1, 1, 5, 100):
        if steps:
            state, info, _ = solver.advance(instance, state, steps, lambda: False)
            decoded = solver.decode(instance, state)
            assert info.violations is not None
            assert instance.check(decoded)[0].tolist() == info.violations.tolist()
        _books(graph, state, row)


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind].move_form is not Constraint.move_form))
@quick
@given(data=st.data())
def test_the_books_of_a_chain_stay_exact(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    search = data.draw(st.sampled_from(SEARCHES))
    integers = [name for name, domain in graph.domains.items() if all(isinstance(value, int) for value in domain)]
    costs = {name: data.draw(st.integers(-3, 3)) for name in integers} if data.draw(st.booleans()) else {}
    stated = ConstraintGraph(graph.domains, graph.constraints, Objective(costs) if costs else None)
    _walk(Problem(stated), search(swaps=data.draw(st.booleans())), data.draw(st.integers(0, 9)))


CHAINED = ConstraintGraph(
    {
        **dict.fromkeys("abc", range(-5, 6)),
        "s": range(-15, 16),
        "t": range(16),
        "m": range(-5, 6),
        "p": (0, 1),
        "e": range(30),
    },
    [
        Linear(("a", "b", "c", "s"), (1, 1, 1, -1), "=", 0),
        Abs("s", "t"),
        Element(tuple(range(0, 30, 2)), "t", "e"),
        Maximum(("a", "b", "c"), "m"),
        Reify(("p", 1), Compare("a", "<", "m", -2)),
        Linear(("a", "b"), (2, 3), "<=", -4),
        AllDifferent(("a", "b", "c")),
    ],
    Objective({"e": 3, "p": -20, "m": 1}),
)
"""Five defined variables, each from the one before."""


@pytest.mark.parametrize("search", SEARCHES)
def test_defined_variables_are_computed_and_the_optimum_is_found(search: type[Mover]) -> None:
    for seed in range(3):
        _walk(Problem(CHAINED), search(), seed)
        _walk(Problem(CHAINED, {"t": 3, "p": 0}), search(), seed)
    instance = compile_moves([Problem(CHAINED)])
    tables = search()._rows(instance)[0].tables
    assert [list(CHAINED.domains)[v] for v in tables.decisions] == ["a", "b", "c"]
    best = _solve(CHAINED, "cpsat").objective
    found = _solve(CHAINED, search.name, iterations=20_000)
    assert found.status is Status.SOLVED
    assert found.objective == best


@pytest.mark.parametrize("search", SEARCHES)
def test_soft_constraints_are_violated_at_the_least_cost(search: type[Mover]) -> None:
    names = tuple(f"v{i}" for i in range(6))
    hard = ConstraintGraph(dict.fromkeys(names, range(4)), [Linear(names, (1,) * 6, "=", 9)])
    wishes = [soft(Compare(a, "!=", b), 1 + (i + k) % 3) for i, a in enumerate(names) for k, b in enumerate(names[:i])]
    graph = with_soft(hard, wishes)
    for seed in range(3):
        _walk(Problem(graph), search(), seed)
    _walk(Problem(graph, {"violated 2": 0, "v1": 2}), search(), 0)
    best = _solve(graph, "cpsat").objective
    assert _solve(graph, search.name, iterations=20_000).objective == best


class Unknown(AllDifferent):
    """A kind without a move form."""

    def move_form(self, domains: Any, code: Any) -> None:  # type: ignore[override]
        return None

    def excludes(self, name: str) -> None:  # type: ignore[override]
        return None


def test_a_kind_without_a_form_is_solved_and_reported() -> None:
    names = tuple("abcd")
    domains = dict.fromkeys(names, ("red", "blue", 3, "green"))
    clause = Clause((("a", "red"), ("b", 3)))
    fine = ConstraintGraph(domains, [Unknown(names), clause])
    wrong = ConstraintGraph(domains, [Unknown(names), clause, Compare("c", "=", "d")])
    notices: list[str] = []
    assert _solve(fine, task=Task(Budget(iterations=20_000), on_notice=notices.append)).status is Status.SOLVED
    assert any("Unknown" in text for text in notices)
    assert _solve(wrong, task=Task(Budget(iterations=200))).status is Status.UNSOLVED


@pytest.mark.parametrize("search", SEARCHES)
def test_equal_seeds_give_equal_answers_alone_and_in_company(search: type[Mover]) -> None:
    problems = [*mull.load("sudoku:9:0.4", seed=1), *mull.load("sudoku:4:0.3", seed=2), *mull.load("latin:6", seed=3)]
    together = mull.solve(problems, search.name, seed=4, iterations=40_000, restarts=1)
    for problem, solution in zip(problems, together, strict=True):
        alone = mull.solve(problem, search.name, seed=4, iterations=40_000, restarts=1)
        assert alone.assignment == solution.assignment


PROGRAM = """
import sys
import mull
from mull.engine import ConstraintGraph, Linear, Problem
for count in (3, 100):
    names = tuple(f"v{i}" for i in range(count))
    weights = tuple(3 + 7 * i % 11 for i in range(count))
    graph = ConstraintGraph(
        dict.fromkeys(names, range(10**6 + 1)),
        [Linear(names, weights, "=", 1234567 * count // 3), Linear(names[:2], (1, -1), ">=", 999)],
    )
    solution = mull.solve(Problem(graph), "minconflicts", iterations=200_000)
    print(solution.status.value)
assert "torch" not in sys.modules
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_wide_domains_take_little_memory_and_no_torch() -> None:
    for _ in range(2):  # the first run may compile
        made = subprocess.run(
            [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
        ).stdout.split()
    assert made[:2] == ["solved", "solved"]
    assert int(made[2]) < 400  # MiB; a number for each value would take 800


def test_large_boards_have_three_constraints_and_their_answers_are_read_again(tmp_path: Path) -> None:
    (problem,) = mull.load("queens:250", seed=1)
    assert len(problem.graph.constraints) == 3
    solution = mull.solve(problem, "minconflicts")
    assert solution.status is Status.SOLVED
    board = tmp_path / "board.queens"
    board.write_text(solution.text)
    (again,) = mull.load(str(board))
    assert again.givens == solution.assignment


def test_offsets_mean_the_same_as_pairs() -> None:
    names = tuple("abcd")
    domains = dict.fromkeys(names, range(1, 5))
    offsets = [tuple(range(4)), tuple(range(0, -4, -1))]
    graph = ConstraintGraph(domains, [AllDifferent(names), *(AllDifferent(names, offsets=each) for each in offsets)])
    (queens,) = mull.load("queens:4")
    for values in itertools.product(range(1, 5), repeat=4):
        broken = graph.broken(dict(zip(names, values, strict=True)))
        pairs = queens.graph.broken(dict(zip(queens.graph.domains, values, strict=True)))
        assert bool(broken) == bool(pairs)
    assert _solve(graph, "cpsat").status is Status.SOLVED
    assert ConstraintGraph.from_json(graph.to_json()).digest == graph.digest
    turned = AllDifferent(names[::-1], offsets=offsets[0][::-1])
    assert (
        ConstraintGraph(domains, [turned]).digest
        == ConstraintGraph(domains, [AllDifferent(names, offsets=offsets[0])]).digest
    )
    with pytest.raises(mull.GraphError, match="offsets"):
        AllDifferent(names, offsets=(1, 2))


def test_annealing_keeps_tours_and_permutations() -> None:
    for spec, best in (("tsp:9", True), ("qap:6", True), ("tsp:30", False)):
        (problem,) = mull.load(spec, seed=2)
        _walk(problem, Anneal(), 1)
        found = mull.solve(problem, "anneal", iterations=50_000)
        assert found.status is Status.SOLVED
        if best:
            assert found.objective == mull.solve(problem, "cpsat").objective
