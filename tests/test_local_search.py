"""Local search: probsat and tabu, and the choice between them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

import mull
from mull.engine import Budget, ConstraintGraph, Objective, Problem, Solution, Status, Task, rows, solve
from mull.engine.constraints import AllDifferent, Clause, Linear
from mull.engine.moves import threads
from mull.engine.rows import BatchSize
from mull.engine.solver import OptionError
from mull.plugins.conformance import CHECKS, Check
from mull.problems import load
from mull.solvers.kernels import clause_chains, difference_chains
from mull.solvers.lns import Lns
from mull.solvers.localsearch import REPAIRED
from mull.solvers.probsat import is_cnf
from mull.solvers.rounds import searched

TWO, THREE = (0, 1), (0, 1, 2)
SPECS = {
    "sat:40:160": "probsat",
    "queens:8": "minconflicts",
    "sudoku:4:0.4": "tabu",
    "coloring:12:0.6:4": "tabu",
    "tsp:6": "anneal",
}


def test_each_problem_of_a_call_gets_the_search_of_its_graph() -> None:
    problems = [load(spec, seed=1)[0] for spec in SPECS]
    answers = solve(problems, mull.solver("localsearch"), Task(Budget(None, iterations=2000), seed=3))
    assert [(s.solver, s.via) for s in answers] == [(name, "localsearch") for name in SPECS.values()]
    assert all(s.status is Status.SOLVED for s in answers)


def _chosen(objective: bool, limits: int) -> str:
    """The search for a graph of sums over six variables with more than two values."""
    names = tuple("abcdef")
    sums = [Linear(names, (1,) * 6, "<=", 12 + i) for i in range(limits)]
    graph = ConstraintGraph(
        dict.fromkeys(names, range(4)), sums, Objective(dict.fromkeys(names, 1)) if objective else None
    )
    return mull.solver("localsearch").bind(Problem(graph)).name


def test_objectives_that_no_compiled_search_is_made_for_are_repaired() -> None:
    assert [_chosen(False, 1), _chosen(True, 1), _chosen(True, REPAIRED), _chosen(True, REPAIRED + 1)] == [
        "minconflicts",
        "lns",
        "lns",
        "minconflicts",
    ]
    specs = {
        "coloring:20:0.3:6:1-20": "lns",  # weights of the vertices
        "coloring:125:0.5:26:1-20": "minconflicts",  # many constraints
        "coloring:20:0.3": "tabu",  # fewest colours: not a linear objective
        "maxcut:12:0.5": "tabu",
        "tsp:6": "anneal",
        "qap:6": "anneal",
    }
    solver = mull.solver("localsearch")
    assert {spec: solver.bind(load(spec, seed=1)[0]).name for spec in specs} == specs


def test_a_repaired_answer_may_be_proved_and_several_are_refused() -> None:
    problems, solver = load("coloring:12:0.3:5:1-9", seed=1), mull.solver("localsearch")
    (answer,) = solve(problems, solver, Task(Budget(seconds=60)))
    assert (answer.solver, answer.via, answer.status) == ("lns", "localsearch", Status.OPTIMAL)
    (several,) = solve(problems, solver, Task(Budget(seconds=60, solutions=2)))
    assert several.status is Status.UNSUPPORTED


def test_rounds_do_not_start_with_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """``lns`` and ``guided`` start from ``localsearch``, which binds such a problem to ``lns``."""

    def improved(self: Lns, *arguments: object) -> Solution:
        raise AssertionError("the first assignment is searched in rounds")

    monkeypatch.setattr(Lns, "improved", improved)
    problems = load("coloring:12:0.3:5:1-9", seed=1)
    assert searched("localsearch", problems[0], Task(Budget(seconds=60, iterations=500)), "lns") is not None


@pytest.mark.parametrize("spec", SPECS)
def test_localsearch_answers_as_the_search_that_it_chooses(spec: str) -> None:
    problems, task = load(spec, seed=1), Task(Budget(None, iterations=500, solutions=3), seed=3)
    (through,), (alone,) = (solve(problems, mull.solver(name), task) for name in ("localsearch", SPECS[spec]))
    assert (through.solver, alone.via) == (alone.solver, None)
    for name in ("status", "iterations", "assignment", "solutions", "samples", "hits", "options"):
        assert getattr(through, name) == getattr(alone, name), name


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (ConstraintGraph({"a": TWO, "b": TWO}, [Clause((("a", 1), ("b", 1)))]), True),
        (ConstraintGraph({"a": TWO, "b": (1,)}, [Clause((("a", 1), ("b", 1)))]), True),
        (ConstraintGraph({"a": TWO, "b": THREE}, [Clause((("a", 1), ("b", 1)))]), False),
        (ConstraintGraph({"a": (1,)}, [Clause((("a", 1),))]), False),
        (ConstraintGraph({"a": TWO, "b": TWO}, [Clause((("a", 1), ("b", 1))), AllDifferent(("a", "b"))]), False),
        (ConstraintGraph({"a": TWO}), False),
        (ConstraintGraph({}), False),
    ],
)
def test_graphs_of_clauses_are_recognised(graph: ConstraintGraph, expected: bool) -> None:
    assert is_cnf(graph) is expected


def test_probsat_refuses_other_graphs_and_names_tabu() -> None:
    (answer,) = solve(load("queens:6"), mull.solver("probsat"))
    assert answer.status is Status.UNSUPPORTED
    assert "tabu" in answer.detail


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("probsat", {"cb": "0"}),
        ("probsat", {"tenure": "1"}),
        ("tabu", {"cb": "2"}),
        ("tabu", {"tenure": "-1"}),
        ("tabu", {"patience": "0"}),
        ("localsearch", {"tenure_random": "0"}),
    ],
)
def test_options_outside_their_bounds_are_refused(name: str, options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        mull.solver(name, **options)


def test_options_are_passed_to_the_solver_that_has_them() -> None:
    solver = mull.solver("localsearch", cb="2.3", patience="50")
    clauses, other = (solver.bind(load(spec)[0]).options for spec in ("sat:20:60", "sudoku:4:0.4"))
    assert (clauses["cb"], "patience" in clauses) == (2.3, False)
    assert (other["patience"], "cb" in other) == (50, False)


def test_calls_without_problems_or_variables_end() -> None:
    assert solve([], mull.solver("localsearch")) == []
    (answer,) = solve([Problem(ConstraintGraph({}))], mull.solver("localsearch"))
    assert answer.status is Status.SOLVED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_probsat_conforms(check: Check) -> None:
    check(type(mull.solver("probsat")))


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("probsat", "sat:60:240"),
        ("satlike", "sat:60:240"),
        ("tabu", "coloring:30:0.3:5"),
        ("minconflicts", "queens:12"),
    ],
)
def test_a_seed_gives_the_same_answer_on_any_number_of_cores(
    name: str, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for count in (1, 5):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, count=count: set(range(count)), raising=False)
        monkeypatch.setattr(rows, "cores", cache(rows.cores.__wrapped__))
        for user in (threads, clause_chains, difference_chains):
            monkeypatch.setattr(user, "cores", rows.cores)
        assert rows.cores() == count
        (solution,) = solve(load(spec, seed=1), mull.solver(name), Task(Budget(None, iterations=20_000), seed=4))
        answers.append((solution.assignment, solution.iterations, solution.budget.copies, solution.status))
    assert answers[0] == answers[1]
    assert answers[0][-1] is Status.SOLVED


def test_copies_side_by_side_get_fewer_as_a_problem_grows() -> None:
    size = BatchSize(copies=8, copied=1 << 16)
    found = [size.filled(ConstraintGraph({f"x{i}": TWO for i in range(n)}, ()), 100) for n in (1, 10_000, 40_000)]
    assert found == [8, 2, 1]
    assert BatchSize(copies=8).filled(ConstraintGraph({"a": range(10**9)}, ()), 100) == 8


@pytest.mark.parametrize("name", ["probsat", "satlike", "tabu", "minconflicts", "anneal", "lns", "localsearch"])
@pytest.mark.parametrize(
    ("clauses", "status"),
    [
        ("p cnf 0 0\n", Status.SOLVED),
        ("p cnf 3 0\n", Status.SOLVED),
        ("p cnf 2 2\n1 2 0\n0\n", Status.UNSATISFIABLE),
        ("p cnf 0 1\n0\n", Status.UNSATISFIABLE),
    ],
)
def test_formulas_without_clauses_and_with_an_empty_clause(
    name: str, clauses: str, status: Status, tmp_path: Path
) -> None:
    (tmp_path / "f.cnf").write_text(clauses)
    (solution,) = solve(load(str(tmp_path / "f.cnf")), mull.solver(name), Task(Budget(seconds=60)))
    assert solution.status is status
    if status is Status.SOLVED:
        assert solution.assignment == dict.fromkeys(solution.problem.graph.domains, 0)
    else:
        assert solution.detail == "a constraint allows no values"
