"""``Budget.seconds_each`` limits the solving time of each problem, for all kinds of solvers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import Field

from clocks import Clock, Slow
from conftest import call, json_lines
from mull.engine import (
    AllDifferent,
    Budget,
    ConstraintGraph,
    Linear,
    Objective,
    Problem,
    Solution,
    Status,
    Task,
    WholeSolver,
    solve,
)
from mull.engine.store import Filter, Store
from mull.problems import load
from mull.solvers.cpsat import CpSat
from mull.solvers.localsearch import LocalSearch


class Whole(WholeSolver):
    """Works on each problem until its task is over, in steps of one second; finds the first value of each variable."""

    name = "whole"
    clock: Any = Field(exclude=True)

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for i, problem in enumerate(problems):
            since = self.clock.now
            while not task.over:
                self.clock.now += 1.0
            yield i, Solution(problem, self.name, Status.UNSOLVED, seconds=self.clock.now - since)


def impossible(parts: int = 1) -> Problem:
    domains = {f"{name}{part}": (0, 1, 2) for part in range(parts) for name in "abcd"}
    rules = [AllDifferent(tuple(f"{name}{part}" for name in "abcd")) for part in range(parts)]
    return Problem(ConstraintGraph(domains, rules))


def test_problems_of_a_batch_end_when_each_has_used_its_limit() -> None:
    clock = Clock()
    answers = solve(
        [impossible() for _ in range(4)], Slow(clock=clock), Task(Budget(None, seconds_each=5), clock=clock)
    )
    assert [s.status for s in answers] == [Status.UNSOLVED] * 4
    assert [s.seconds for s in answers] == [5.0] * 4
    assert clock.now == 20.0
    assert "--limit-each" in answers[0].advice


def test_the_parts_of_a_problem_share_its_limit() -> None:
    clock = Clock()
    (answer,) = solve([impossible(parts=3)], Slow(clock=clock), Task(Budget(None, seconds_each=6), clock=clock))
    assert answer.seconds == clock.now == 6.0


@pytest.mark.parametrize("budget", [Budget(None, seconds_each=4), Budget(1000, seconds_each=4)])
def test_a_solver_of_whole_problems_runs_each_alone_within_its_limit(budget: Budget) -> None:
    clock = Clock()
    answers = solve([impossible() for _ in range(3)], Whole(clock=clock), Task(budget, clock=clock, started=0.0))
    assert [s.seconds for s in answers] == [4.0] * 3
    assert clock.now == 12.0
    assert all(s.budget == budget for s in answers)


def test_the_limit_of_the_call_ends_a_problem_before_its_own() -> None:
    clock = Clock()
    task = Task(Budget(6, seconds_each=4), clock=clock, started=0.0)
    answers = solve([impossible() for _ in range(3)], Whole(clock=clock), task)
    assert [s.seconds for s in answers] == [2.0] * 3


def test_better_answers_are_searched_within_the_same_limit() -> None:
    clock = Clock()
    names = [f"x{i}" for i in range(6)]
    graph = ConstraintGraph(
        dict.fromkeys(names, range(6)),
        [AllDifferent(tuple(names)), Linear(tuple(names), (1,) * 6, "<=", 15)],
        Objective({name: i for i, name in enumerate(names)}),
    )
    (answer,) = solve([Problem(graph)], Slow(clock=clock), Task(Budget(None, seconds_each=30), clock=clock))
    assert answer.seconds <= clock.now <= 32.0


@pytest.mark.parametrize("solver", [CpSat(), LocalSearch()], ids=lambda s: s.name)
def test_real_solvers_answer_hard_problems_within_the_limit(solver: Any) -> None:
    hard = load("sat:400:1720", seed=3) + load("sat:400:1720", seed=4)
    easy = load("queens:6")
    answers = solve([*hard, *easy], solver, Task(Budget(None, seconds_each=0.2)))
    assert all(s.seconds < 2 for s in answers)
    assert answers[-1].status is Status.SOLVED


def test_samples_of_a_problem_share_its_limit() -> None:
    clock = Clock()
    task = Task(Budget(None, solutions=3, seconds_each=5), clock=clock)
    answers = solve([impossible(), impossible()], Slow(clock=clock), task)
    assert clock.now <= 12.0
    assert [s.hits for s in answers] == [0, 0]


def test_the_limit_is_recorded_and_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:6", "sat:20:50", "-s", "cpsat", "--limit-each", "7s", "--json") == 0
    assert call("history", "list", "--json") == 0
    rows = json_lines(capsys.readouterr().out)[-2:]
    assert [(row["budget"]["seconds"], row["budget"]["seconds_each"]) for row in rows] == [(None, 7.0)] * 2
    assert call("history", "show", "last") == 0
    assert "seconds_each=7" in capsys.readouterr().out
    assert call("replay", "last", "--json") == 0
    assert call("queens:6", "-s", "localsearch", "--limit-each", "7s", "--limit", "1m") == 0
    assert call("replay", "last") == 0
    with Store() as store:
        assert [row.budget["seconds_each"] for row in store.runs(3, Filter(family="queens")) if row.budget][-1] == 7.0


@pytest.mark.parametrize("wrong", ["0", "0s", "-1s", "soon"])
def test_a_limit_that_is_not_positive_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:6", "--limit-each", wrong) == 2
    assert "is not a duration" in capsys.readouterr().err


def test_par2_counts_twice_the_limit_of_the_problem() -> None:
    hard = load("sat:150:640", seed=3)
    with Store() as store:
        solve(hard, LocalSearch(), Task(Budget(100, iterations=1, batch=1, seconds_each=9)), store=store)
        (summary,) = store.compare(where=Filter(problem=hard[0].digest)).summaries
    assert summary.par2 == 18.0
