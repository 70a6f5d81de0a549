"""Better answers are reported as they are found, checked, on the whole problem."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import mull
from conftest import call, json_lines
from mull.engine import Budget, Compare, ConstraintGraph, Linear, Objective, Problem, Solution, Status, Task, solve
from mull.problems import load


def knapsack() -> Problem:
    """Two parts with costs in both."""
    names = [f"{part}{i}" for part in "ab" for i in range(8)]
    weights = [3, 5, 7, 11, 13, 17, 19, 23]
    fits = [Linear(tuple(f"{part}{i}" for i in range(8)), tuple(weights), "<=", 40) for part in "ab"]
    values = {name: weights[int(name[1])] * 2 + int(name[1]) % 3 for name in names}
    return Problem(ConstraintGraph(dict.fromkeys(names, (0, 1)), fits, Objective(values, maximise=True)))


@pytest.mark.parametrize("name", ["cpsat", "auto", "guided", "localsearch"])
def test_each_improving_answer_is_better_and_the_last_is_the_best(name: str) -> None:
    problem, seen = knapsack(), list[Solution]()
    answer = solve([problem], mull.solver(name), Task(Budget(seconds=20, iterations=300), on_improvement=seen.append))[
        0
    ]
    figures = [solution.objective for solution in seen if solution.objective is not None]
    assert len(figures) == len(seen)
    assert figures == sorted(set(figures))
    assert figures[-1] == answer.objective
    assert all(each.problem is problem and not problem.broken(each.assignment or {}) for each in seen)


def test_improving_answers_of_a_bound_that_is_not_linear_are_reported() -> None:
    (problem,) = load("coloring:20:0.5")
    seen: list[Solution] = []
    answer = solve([problem], mull.solver("cpsat"), Task(on_improvement=seen.append))[0]
    assert answer.status is Status.OPTIMAL
    assert [each.objective for each in seen][-1] == answer.objective


def test_a_problem_without_an_objective_has_no_improving_answers() -> None:
    seen: list[Solution] = []
    solve(load("queens:6"), mull.solver("cpsat"), Task(on_improvement=seen.append))
    assert not seen


def test_an_exception_of_the_callers_function_ends_the_call() -> None:
    def fail(solution: Solution) -> None:
        raise LookupError(str(solution.objective))

    with pytest.raises(LookupError):
        solve([knapsack()], mull.solver("cpsat"), Task(on_improvement=fail))


def test_a_part_without_a_solution_decides_before_a_long_search_in_another() -> None:
    (hard,) = load("queens:40")
    names = list(hard.graph.domains)
    costs = Objective({name: (7 * i) % 11 - 5 for i, name in enumerate(names)})
    domains = {**hard.graph.domains, "p": range(2), "q": range(2)}
    wrong = [Compare("p", "<", "q"), Compare("q", "<", "p")]
    graph = ConstraintGraph(domains, [*hard.graph.constraints, *wrong], costs)
    answer = solve([replace(hard, graph=graph, render=None)], mull.solver("cpsat"), Task(Budget(seconds=20)))[0]
    assert answer.status is Status.UNSATISFIABLE


def test_the_program_prints_each_improving_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "knapsack.json"
    path.write_text(json.dumps(knapsack().to_json()))
    assert call(str(path), "--all-improvements", "-s", "cpsat", "--no-store") == 0
    *improving, final = json_lines(capsys.readouterr().out)
    assert improving
    assert all(each["improving"] for each in improving)
    assert "improving" not in final
    assert (final["status"], final["objective"]) == ("optimal", improving[-1]["objective"])
