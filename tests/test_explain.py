"""A problem without a solution is explained by a minimal set of its constraints and givens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cpmpy as cp
import pytest
from drawn import graphs
from hypothesis import given, settings
from hypothesis import strategies as st

import mull
from conftest import call, json_lines
from mull.engine import AllDifferent, Budget, Compare, ConstraintGraph, Linear, Problem, Task
from mull.engine.explain import Unexplained, explain


def solvable(graph: ConstraintGraph, problem: Problem | None = None) -> bool:
    return mull.solve(problem or Problem(graph), "cpsat").status.solved


def checked(problem: Problem) -> set[str]:
    """The texts of an explanation, after a check that its set is unsatisfiable and minimal."""
    if problem.statement:
        statement = problem.statement()  # once: each call makes auxiliary variables of its own
        problem = replace(problem, statement=lambda: statement)
    explanation = problem.explain()
    assert explanation is not None
    assert explanation.minimal
    assert not solvable(problem.graph, explained_alone(problem, explanation.constraints, explanation.givens))
    for text in explanation.texts:
        rest = [each for each in explanation.constraints if each.labels.get("name", "") != text]
        if len(rest) < len(explanation.constraints):
            assert solvable(problem.graph, explained_alone(problem, rest, explanation.givens))
    for name in explanation.givens:
        fewer = {other: value for other, value in explanation.givens.items() if other != name}
        assert solvable(problem.graph, explained_alone(problem, explanation.constraints, fewer))
    return set(explanation.lines)


def explained_alone(problem: Problem, constraints: Any, givens: Any) -> Problem:
    domains = problem.statement().domains if problem.statement else problem.graph.domains
    definitions = problem.statement().definitions if problem.statement else ()
    return Problem(ConstraintGraph(domains, [*constraints, *definitions]), givens)


def test_constraints_and_givens_are_explained_by_name() -> None:
    rows = [AllDifferent(tuple(f"{row}{i}" for i in range(3))).named(f"row {row}") for row in "ab"]
    columns = [AllDifferent((f"a{i}", f"b{i}")).named(f"column {i}") for i in range(3)]
    graph = ConstraintGraph({f"{row}{i}": (1, 2, 3) for row in "ab" for i in range(3)}, [*rows, *columns])
    assert checked(Problem(graph, {"a0": 1, "a1": 2, "b2": 3})) == {
        "row a",
        "column 2",
        "given a0 = 1",
        "given a1 = 2",
        "given b2 = 3",
    }


def test_constraints_of_one_name_count_as_one() -> None:
    cage = [AllDifferent(("a", "b")).named("cage"), Linear(("a", "b"), (1, 1), "=", 2).named("cage")]
    graph = ConstraintGraph({"a": range(1, 4), "b": range(1, 4)}, [*cage, Compare("a", "<=", "b")])
    explanation = Problem(graph).explain()
    assert explanation is not None
    assert explanation.texts == ("cage",)
    assert len(explanation.constraints) == 2


def test_a_problem_with_a_solution_has_no_explanation() -> None:
    assert Problem(ConstraintGraph({"a": range(3)}, [])).explain() is None


@settings(deadline=None)
@given(st.data())
def test_explanations_are_unsatisfiable_and_minimal(data: st.DataObject) -> None:
    first, second = data.draw(graphs("Linear")), data.draw(graphs("AllDifferent"))
    domains = dict(second.domains) | dict(first.domains)
    names = {name: f"{name}" for name in domains}
    constraints = [each.named(f"c{i}") for i, each in enumerate([*first.constraints, *second.constraints])]
    problem = Problem(ConstraintGraph({names[name]: domain for name, domain in domains.items()}, constraints))
    if solvable(problem.graph):
        assert problem.explain() is None
    else:
        checked(problem)


def test_a_model_is_explained_by_its_own_constraints() -> None:
    x, y = cp.intvar(0, 9, shape=3, name="x"), cp.intvar(-3, 0, name="y")
    shared = x[0] // y + 1
    model = cp.Model(cp.AllDifferent(x), shared <= 3, y >= 0, shared != 17, cp.sum(x) <= 9)
    explanation = mull.from_cpmpy(model).explain()
    assert explanation is not None
    assert len(explanation.texts) == 2
    assert "y >= 0" in explanation.texts
    assert set(explanation.texts) & {str(shared <= 3), str(shared != 17)}


def test_constraints_with_intervals_are_explained() -> None:
    x = cp.intvar(0, 9, shape=3, name="x")
    model = cp.Model(x[0] != 9, cp.Cumulative(x, [3, 3, 3], demand=[2, 2, 2], capacity=3), cp.max(x) <= 5, x[2] >= 1)
    lines = checked(mull.from_cpmpy(model))
    assert len(lines) == 2
    assert "max(x[0],x[1],x[2]) <= 5" in lines


def test_the_objective_of_a_model_may_exclude_values() -> None:
    x, y = cp.intvar(1, 9, name="x"), cp.intvar(0, 9, name="y")
    explanation = mull.from_cpmpy(cp.Model(y <= 0, minimize=x // y)).explain()
    assert explanation is not None
    assert explanation.texts[0].split() == ["y", "<=", "0"]
    assert explanation.texts[1].startswith("minimise")


def test_no_time_for_an_explanation_is_an_error() -> None:
    graph = ConstraintGraph(dict.fromkeys("ab", range(3)), [Compare("a", "<", "b"), Compare("b", "<", "a")])
    with pytest.raises(Unexplained, match="no explanation within 0 s"):
        explain(Problem(graph), Task(Budget(seconds=0)))


def test_a_core_of_assumptions_is_minimal() -> None:
    a = cp.boolvar(shape=6)
    solver = cp.SolverLookup.get("mull", cp.Model(cp.sum(a[:3]) <= 1, a[3] | a[4]))
    assert not solver.solve(assumptions=list(a))
    assert len(solver.get_core()) == 2
    assert set(map(str, solver.get_core())) <= set(map(str, a[:3]))


def test_the_program_explains_an_unsatisfiable_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.cnf"
    path.write_text("p cnf 3 5\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n1 3 0\n")
    assert call(str(path), "--explain", "--no-store") == 0
    out = capsys.readouterr().out
    assert "a minimal set without a solution:" in out
    assert out.count("Clause") == 4
    assert call(str(path), "--explain", "--json", "--no-store") == 0
    (found,) = json_lines(capsys.readouterr().out)
    assert found["explanation"]["minimal"] is True
    assert len(found["explanation"]["constraints"]) == 4
    assert call("queens:6", "--explain", "--json", "--no-store") == 0
    assert "explanation" not in json_lines(capsys.readouterr().out)[0]


def test_a_contradiction_over_a_wide_domain_is_explained() -> None:
    x = cp.intvar(0, 10**6, shape=2, name="x")
    model = cp.Model(cp.AllDifferent(x), x[0] == x[1], x[0] > 3)
    explanation = mull.from_cpmpy(model).explain()
    assert explanation is not None
    assert explanation.minimal
    assert explanation.lines == ["alldifferent(x[0],x[1])", "(x[0]) == (x[1])"]
