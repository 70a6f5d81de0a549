"""What the engine guarantees for any solver: checked answers, statuses, restarts, objectives, exceptions."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any, ClassVar, Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import conftest
import mull
from mull.engine import (
    AllDifferent,
    Budget,
    Clause,
    Compare,
    ConstraintGraph,
    Info,
    Instance,
    Objective,
    Problem,
    Random,
    Solution,
    Solver,
    Status,
    Task,
    Unsolved,
    compile_problems,
    solve,
)
from mull.engine.peel import extend, peel
from mull.problems import load

task = partial(conftest.task, batch=64)


class Fixed(Solver):
    """Answers with the same value at every step, or raises."""

    name: ClassVar[str] = "fixed"
    citation: ClassVar[str] = "none"
    answer: int = 0
    fail: bool = False

    def init(self, instance: Instance, random: Random) -> torch.Tensor:
        return torch.full(instance.shape[:2], self.answer, device=instance.device)

    def step(self, instance: Instance, state: torch.Tensor) -> tuple[torch.Tensor, Info]:
        if self.fail:
            raise ValueError("on purpose")
        return state, Info(torch.zeros(len(state)), torch.zeros(len(state)))

    def decode(self, instance: Instance, state: torch.Tensor) -> torch.Tensor:
        return state


class Liar(mull.solver("cpsat").__class__):  # type: ignore[misc]
    """Claims that the first value everywhere is a solution."""

    name: ClassVar[str] = "liar"

    def run(self, problems: Any, task: Task) -> Any:
        for i, problem in enumerate(problems):
            answer = {name: domain[0] for name, domain in problem.graph.domains.items()}
            yield i, Solution(problem, self.name, Status.SOLVED, answer, 0, 0.0)


PAIR = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [Compare("a", "=", "b"), Clause((("a", 2), ("b", 2)))])


def test_only_the_checker_decides_that_a_problem_is_solved() -> None:
    (solution,) = solve([Problem(PAIR)], Liar(), task())
    assert solution.status is Status.FAILED
    assert "violates" in solution.detail


def test_a_run_ends_when_all_rows_settled_wrong_and_no_restart_is_left() -> None:
    (solution,) = solve([Problem(PAIR)], Fixed(answer=0), task(seconds=None, restarts=3, batch=1))
    assert (solution.status, solution.iterations, solution.violations) == (Status.UNSOLVED, 3, 1)
    (solution,) = solve([Problem(PAIR)], Fixed(answer=1), task())
    assert (solution.status, solution.iterations) == (Status.SOLVED, 1)


class Rivals(Fixed):
    """Three copies with the given energies: the first violates two constraints, the others one each."""

    energies: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def init(self, instance: Instance, random: Random) -> torch.Tensor:
        return torch.tensor([[0, 0], [0, 1], [1, 0]])

    def step(self, instance: Instance, state: torch.Tensor) -> tuple[torch.Tensor, Info]:
        return state, Info(torch.tensor(self.energies), torch.zeros(3))


@pytest.mark.parametrize(
    ("energies", "answer"),
    [
        ((0.0, 1.0, 2.0), {"a": 1, "b": 2}),
        ((0.0, 2.0, 1.0), {"a": 2, "b": 1}),
        ((0.0, math.nan, 1.0), {"a": 2, "b": 1}),
        ((0.0, math.inf, math.inf), {"a": 1, "b": 2}),
    ],
)
def test_violations_choose_among_copies_and_then_the_energy(
    energies: tuple[float, float, float], answer: dict[str, int]
) -> None:
    clauses = [Clause((("a", 2),)), Clause((("b", 2),)), Clause((("a", 1), ("b", 1)))]
    problem = Problem(ConstraintGraph({"a": (1, 2), "b": (1, 2)}, clauses))
    (solution,) = solve([problem], Rivals(energies=energies), task(seconds=None, restarts=3, batch=3))
    assert (solution.violations, solution.assignment) == (1, answer)


class Wanderer(Solver):
    """Gives ``a`` the values of ``course`` one by one and settles at the last; a = 0 violates the constraint."""

    name: ClassVar[str] = "wanderer"
    citation: ClassVar[str] = "none"
    course: tuple[int, ...] = ()

    def init(self, instance: Instance, random: Random) -> torch.Tensor:
        return torch.full((instance.shape[0],), -1)

    def step(self, instance: Instance, state: torch.Tensor) -> tuple[torch.Tensor, Info]:
        state = state + 1
        return state, Info(torch.zeros(len(state)), (state < len(self.course) - 1).float())

    def decode(self, instance: Instance, state: torch.Tensor) -> torch.Tensor:
        return torch.tensor(self.course)[state.clamp(max=len(self.course) - 1)][:, None]


class Pursuer(Wanderer):
    name: ClassVar[str] = "pursuer"
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"


@pytest.mark.parametrize(
    ("kind", "cost", "course", "status", "value", "iterations"),
    [
        (Wanderer, 1, (0, 3, 0, 1, 2), Status.SOLVED, 1, 6),  # 2 steps to 3, then 4 to what costs less
        (Pursuer, 1, (0, 3, 0, 1, 2), Status.SOLVED, 1, 4),
        (Pursuer, -1, (0, 2, 3, 0, 0), Status.SOLVED, 3, 3),
        (Pursuer, 0, (0, 2, 3, 1), Status.SOLVED, 2, 2),
        (Pursuer, None, (0, 3, 0, 1), Status.SOLVED, 3, 2),
        (Pursuer, 1, (0, 0, 0), Status.UNSOLVED, 0, 3),
    ],
)
def test_a_trajectory_is_followed_to_its_cheapest_solution(
    kind: type[Wanderer], cost: int | None, course: tuple[int, ...], status: Status, value: int, iterations: int
) -> None:
    """The cheapest solution is the answer; its iterations are those until it was found."""
    objective = None if cost is None else Objective({"a": cost})
    graph = ConstraintGraph({"a": (0, 1, 2, 3)}, [Clause((("a", 1), ("a", 2), ("a", 3)))], objective)
    (solution,) = solve([Problem(graph)], kind(course=course), task(seconds=None, restarts=1, batch=1))
    assert (solution.status, solution.assignment, solution.iterations) == (status, {"a": value}, iterations)
    (solution,) = solve([Problem(graph)], kind(course=course), task(seconds=None, iterations=2, batch=1))
    assert solution.status is (Status.SOLVED if any(course[:2]) else Status.UNSOLVED)


def test_large_costs_are_compared_exactly() -> None:
    """2^24 + 1 and 2^24 are one number in float32."""
    large = ConstraintGraph(
        {"a": (0, (1 << 24) + 1, 1 << 24)}, [Clause((("a", (1 << 24) + 1), ("a", 1 << 24)))], Objective({"a": 1})
    )
    (solution,) = solve([Problem(large)], Pursuer(course=(0, 1, 2)), task(seconds=None, restarts=1, batch=1))
    assert solution.objective == 1 << 24
    assert compile_problems([Problem(large)]).cost(torch.tensor([[1]])).tolist() == [(1 << 24) + 1]


class Staggered(Pursuer):
    """Each row starts at another position, so that copies settle one after the other."""

    def init(self, instance: Instance, random: Random) -> torch.Tensor:
        return (random.uniform(1)[:, 0] * 6).long() - 1


def test_problems_with_and_without_objective_share_a_batch() -> None:
    """With several copies, restarts, and rows that end before others."""
    clause = Clause((("a", 1), ("a", 2), ("a", 3)))
    graphs = [
        ConstraintGraph({"a": (0, 1, 2, 3)}, [clause], o) for o in (None, Objective({"a": 1}), Objective({"a": -1}))
    ]
    graphs += [ConstraintGraph({"a": (0, 1, 2, 3)}, [clause], Objective({}, 3))]  # costs nothing
    solver = Staggered(course=(0, 0, 0, 2, 0, 0, 3, 0, 1, 0))
    together = solve([Problem(g) for g in graphs], solver, task(seconds=None, restarts=6, batch=8))
    assert [s.assignment for s in together[1:3]] == [{"a": 1}, {"a": 3}]
    for one in (together[0], together[3]):
        assert one.assignment in ({"a": 2}, {"a": 3})
        assert one.iterations <= 4  # the first answer will do
    assert all(s.status is Status.SOLVED for s in together)


def test_the_cheapest_of_several_answers_comes_first() -> None:
    clause = Clause((("a", 1), ("a", 2), ("a", 3)))
    problem = Problem(ConstraintGraph({"a": (0, 1, 2, 3)}, [clause], Objective({"a": 1})))
    solver = Staggered(course=(0, 3, 0, 2, 0, 0, 1, 1))
    (solution,) = solve([problem], solver, Task(Budget(None, solutions=12, batch=12), seed=1))
    assert solution.assignment == {"a": 1}
    assert solution.solutions is not None
    costs = [answer["a"] for answer in solution.solutions]
    assert costs == sorted(costs)


def test_an_exception_of_a_solver_fails_the_problem_and_check_raises() -> None:
    (solution,) = solve([Problem(PAIR)], Fixed(fail=True), task())
    assert solution.status is Status.FAILED
    assert "on purpose" in solution.detail
    with pytest.raises(Unsolved):
        solve([Problem(PAIR)], Fixed(fail=True), task(), check=True)


def test_a_cancelled_run_keeps_the_best_assignment() -> None:
    (problem,) = load("sudoku:9:0.3", seed=1)
    asked: list[int] = []
    stop = Task(Budget(seconds=60), on_progress=lambda p: asked.append(p.iteration), cancelled=lambda: len(asked) > 2)
    (solution,) = solve([problem], mull.solver("descent"), stop)
    assert solution.status is Status.CANCELLED
    assert solution.assignment is not None
    assert solution.violations == len(problem.broken(solution.assignment)) > 0


def test_contradictory_givens_are_named() -> None:
    graph = ConstraintGraph(dict.fromkeys("abc", (1, 2, 3)), [AllDifferent(("a", "b", "c"))])
    (solution,) = solve([Problem(graph, {"a": 2, "c": 2})], mull.solver("descent"), task())
    assert solution.status is Status.UNSATISFIABLE
    assert "a = 2" in solution.detail
    assert "c = 2" in solution.detail


def test_components_are_solved_apart_and_joined() -> None:
    clauses = [Clause((("a", 1), ("b", 1))), Clause((("a", 0), ("b", 0))), Clause((("c", 1), ("d", 0)))]
    graph = ConstraintGraph(dict.fromkeys("abcde", (0, 1)), clauses, Objective({"e": 3, "c": 1}, 5))
    assert len(graph.components()) == 3
    (solution,) = solve([Problem(graph)], mull.solver("cpsat"), task())
    assert (solution.status, solution.objective) == (Status.OPTIMAL, 5)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 9), k=st.integers(2, 4), seed=st.integers(0, 10**6))
def test_peeling_keeps_satisfiability(n: int, k: int, seed: int) -> None:
    """The core has a solution exactly when the graph has, and every solution of the core extends to one."""
    (problem,) = load(f"coloring:{n}:0.5", seed=seed, colors=k)
    core, order = peel(problem.graph)
    whole, part = (solve([Problem(g)], mull.solver("cpsat"), task())[0] for g in (problem.graph, core))
    assert whole.status is part.status
    if part.assignment is not None:
        assert not problem.graph.broken(extend(problem.graph, part.assignment, order))


def test_without_a_task_the_clock_starts_with_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with the import, which may be an hour ago."""
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 3600)
    (solution,) = solve(load("queens:6"), mull.solver("cpsat"))
    assert solution.status is Status.SOLVED
