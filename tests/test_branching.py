"""Search by a learned solver: complete with any net, within its limits, on any batch; propagation is sound."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from drawn import graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mull
from conftest import task
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
    compile_problems,
    propagation,
    solve,
)
from mull.engine.constraints import KINDS
from mull.engine.propagation import propagate, refuted
from mull.engine.solver import Info, OptionError
from mull.problems import load
from mull.solvers.branching import Branching, Search
from mull.solvers.learned import LearnedState
from mull.solvers.looped import Looped

quick = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
CLIQUE = ConstraintGraph(
    dict.fromkeys("abcd", (1, 2, 3)), [AllDifferent(pair) for pair in itertools.combinations("abcd", 2)]
)


class Guessing(Looped):
    """A learned solver whose net draws its beliefs at random, so that only the search is tested."""

    name: ClassVar[str] = "guessing"
    segments: int = 1

    def supports(self, graph: ConstraintGraph) -> str | None:
        return None

    def samples(self, problem: Problem) -> str | None:
        return None

    def bind(self, problem: Problem) -> Any:
        return Branching(learned=self) if self._searches(problem) else self

    def net(self, instance: Any) -> Any:
        return SimpleNamespace(steps_per_segment=1)

    def init(self, instance: Any, random: Any) -> LearnedState:
        zero = torch.zeros(len(instance.allowed))
        chances = torch.zeros(instance.shape).masked_fill(~instance.allowed, -torch.inf)
        return LearnedState((), instance.allowed, chances, zero, random, zero.long())

    def step(self, instance: Any, state: LearnedState) -> tuple[LearnedState, Info]:
        drawn = 4 * state.random.at(state.age).normal(*instance.shape[1:])
        chances = drawn.masked_fill(~instance.allowed, -torch.inf).log_softmax(-1)
        moved = torch.ones(len(chances))
        return replace(state, chances=chances, age=state.age + 1), Info(moved, moved)


def _solutions(graph: ConstraintGraph) -> set[tuple[Any, ...]]:
    """All solutions, by trying every assignment."""
    names = list(graph.domains)
    every = itertools.product(*graph.domains.values())
    return {values for values in every if not graph.broken(dict(zip(names, values, strict=True)))}


# Propagation ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "pruned"])
@quick
@given(data=st.data())
def test_propagation_excludes_no_value_of_a_solution(listed: bool, kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    instance = compile_problems([Problem(graph)], 8)
    chosen = torch.from_numpy(np.random.default_rng(data.draw(st.integers(0, 999))).random(instance.shape) < 0.6)
    allowed = instance.allowed & (chosen | (torch.arange(8) == 0)[:, None, None])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(propagation, "MOST_COMBINATIONS", propagation.MOST_COMBINATIONS if listed else 0)
        after = propagate(instance, allowed)
    assert not (after & ~allowed).any()
    lost = refuted(after)
    index = {name: {value: d for d, value in enumerate(domain)} for name, domain in graph.domains.items()}
    inside = [0] * 8
    for values in _solutions(graph):
        places = torch.tensor([index[name][value] for name, value in zip(graph.domains, values, strict=True)])
        of_rows = torch.arange(len(places))
        for row in allowed[:, of_rows, places].all(1).nonzero()[:, 0].tolist():
            assert after[row, of_rows, places].all()
            inside[row] += 1
    fixed = (after.sum(-1) == 1).all(1)
    for row in range(8):
        assert not (lost[row] and inside[row])
        assert not fixed[row] or inside[row] == 1  # one value for each variable: a solution


def test_propagation_solves_what_needs_no_guess() -> None:
    coloured = Problem(CLIQUE, {"a": 1, "b": 2})
    pair = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, CLIQUE.constraints[:1])
    instance = compile_problems([coloured, Problem(pair)])
    after = propagate(instance, instance.allowed)
    assert refuted(after).tolist() == [True, False]
    whole = ConstraintGraph(dict.fromkeys("abc", (1, 2, 3)), [AllDifferent(("a", "b", "c"))])
    instance = compile_problems([Problem(whole)])
    allowed = instance.allowed.clone()
    allowed[0, :2, 2] = False  # c alone may be 3
    assert propagate(instance, allowed).tolist() == [[[1, 1, 0], [1, 1, 0], [0, 0, 1]]]


def test_parts_of_a_large_batch_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = compile_problems(load("latin:4"), 6)
    allowed = instance.allowed & (torch.rand(instance.shape, generator=torch.Generator().manual_seed(1)) < 0.7)
    whole = propagate(instance, allowed)
    monkeypatch.setattr(propagation, "MOST_NUMBERS", 1)
    assert torch.equal(propagate(instance, allowed).any(2).all(1), whole.any(2).all(1))


# Completeness -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KINDS))
@quick
@given(data=st.data())
def test_the_search_lists_all_solutions_with_any_net(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    wanted = _solutions(graph)
    (solution,) = solve([Problem(graph)], Guessing(branch=data.draw(st.sampled_from([1, 3, 64]))), task(solutions=5000))
    found = {tuple(each[name] for name in graph.domains) for each in solution.solutions or ()}
    assert found == wanted
    assert solution.total == len(wanted)
    assert solution.status is (Status.SOLVED if wanted else Status.UNSATISFIABLE)


def _small() -> list[Problem]:
    """Colourings, formulas and Sudokus of two sizes, with and without a solution, of one to three kinds each."""
    specs = [f"coloring:{n}:{p}:3" for n in (5, 8) for p in (0.4, 0.7)] + ["sat:8:40", "latin:4", "queens:5"]
    made = [problem for seed in range(10) for spec in specs for problem in load(spec, seed=seed)]
    rng = np.random.default_rng(5)
    for problem in list(made[::3]):  # random givens leave few solutions
        names = rng.choice(list(problem.graph.domains), 2, replace=False)
        chosen = {str(name): int(rng.choice([int(v) for v in problem.graph.domains[name]])) for name in names}
        made.append(Problem(problem.graph, chosen, problem.family))
    return made


@pytest.mark.parametrize("branch", [2, 32])
def test_answers_agree_with_an_exact_solver(branch: int) -> None:
    problems = _small()
    exact = solve(problems, mull.solver("cpsat"), task(seconds=None))
    found = solve(problems, Guessing(branch=branch), task(seconds=None))
    assert [each.status for each in found] == [each.status for each in exact]
    assert {each.status for each in found} == {Status.SOLVED, Status.UNSATISFIABLE}


@pytest.mark.parametrize("spec", ["queens:3", "clique", "sudoku"])
def test_trained_nets_call_problems_unsatisfiable(spec: str) -> None:
    if spec == "sudoku":  # no digit is left for one cell, which no pair of givens shows
        (board,) = load("sudoku:4:0.0")
        names = list(board.graph.domains)
        problem = Problem(board.graph, {names[1]: 1, names[2]: 2, names[4]: 3, names[12]: 4}, "sudoku")
    else:
        problem = Problem(CLIQUE) if spec == "clique" else load(spec)[0]
    (solution,) = solve([problem], mull.solver("looped", branch=16, segments=2), task())
    assert solution.status is Status.UNSATISFIABLE
    assert (solution.solver, solution.via, solution.assignment) == ("looped", None, None)
    (plain,) = solve([problem], mull.solver("looped", segments=2), task(restarts=1))
    assert plain.status is Status.UNSOLVED


# Limits, figures and batches --------------------------------------------------------------------------------------------


def test_a_problem_with_an_objective_is_not_searched() -> None:
    graph = ConstraintGraph(
        {"a": (0, 1), "b": (0, 1)}, [Linear(("a", "b"), (1, 1), ">=", 1)], objective=Objective({"a": 1, "b": 2})
    )
    (solution,) = solve([Problem(graph)], Guessing(branch=4), task(iterations=20))
    assert solution.status is Status.SOLVED
    assert not solution.detail.startswith("searched")


def test_limits_end_the_search() -> None:
    (problem,) = load("queens:12")
    (few,) = solve([problem], Guessing(branch=4), task(seconds=None, iterations=5))
    assert (few.status, few.iterations) == (Status.UNSOLVED, 5)
    (board,) = load("sudoku:4")
    (last,) = solve([board], Guessing(branch=4, segments=8), task(seconds=None, iterations=13))
    assert last.iterations <= 13
    (late,) = solve([problem], Guessing(branch=4), task(seconds=0.2))
    assert late.status in (Status.UNSOLVED, Status.SOLVED)
    calls = itertools.count()
    (stopped,) = solve([problem], Guessing(branch=4), Task(Budget(), cancelled=lambda: next(calls) > 30))
    assert stopped.status in (Status.CANCELLED, Status.SOLVED)


def test_the_trace_counts_branches_and_refutations() -> None:
    (solution,) = solve([Problem(CLIQUE)], Guessing(branch=4), task(restarts=1))
    trace = solution.trace
    assert trace is not None
    made, gone = trace.energy.tolist(), trace.residual.tolist()
    assert made == sorted(made)
    assert gone == sorted(gone)
    assert 2 * gone[-1] == made[-1] + 1  # every split has two sides, and all ends are refuted
    assert f"{int(made[-1])} branches" in solution.detail


@pytest.mark.parametrize("branch", [1, 5, 40])
def test_the_number_of_open_branches_is_bounded(branch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    before = Search._round

    def spied(self: Search) -> None:
        before(self)
        seen.append(int(self._open().max()))

    monkeypatch.setattr(Search, "_round", spied)
    problem = load("queens:6")[0]
    (solution,) = solve([problem], Guessing(branch=branch), task(solutions=1000))
    assert solution.total == 4
    assert max(seen) <= branch + problem.graph.literals
    assert branch > 1 or max(seen) < problem.graph.literals


def test_the_other_problems_of_a_batch_change_nothing() -> None:
    problems = [*load("coloring:8:0.6:3"), *load("queens:7"), *load("queens:6", seed=1), Problem(CLIQUE)]

    def figures(solution: Solution) -> tuple[Any, ...]:
        return solution.status, solution.assignment, solution.detail

    together = solve(problems, Guessing(branch=8), task(restarts=1))
    alone = [solve([problem], Guessing(branch=8), task(restarts=1))[0] for problem in problems]
    assert [figures(s) for s in together] == [figures(s) for s in alone]


def test_the_search_goes_on_with_fewer_rows_if_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before: Callable[..., Any] = Guessing.step

    def limited(self: Guessing, instance: Any, state: LearnedState) -> Any:
        if len(state.age) > 2:
            raise MemoryError
        return before(self, instance, state)

    monkeypatch.setattr(Guessing, "step", limited)
    notices: list[str] = []
    problems = load("queens:6")
    (solution,) = solve(problems, Guessing(branch=64), Task(Budget(solutions=100), on_notice=notices.append))
    assert solution.total == 4
    assert any(text.startswith("out of memory") for text in notices)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError, match="branch"):
        mull.solver("looped", branch=-1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
def test_the_search_runs_on_a_gpu() -> None:
    problems = [*load("sudoku:9:0.3"), Problem(CLIQUE), *load("queens:3")]
    solver = mull.solver("looped", branch=64, segments=1)
    found = solve(problems, solver, Task(Budget(), device="cuda"))
    assert [each.status for each in found] == [Status.SOLVED, Status.UNSATISFIABLE, Status.UNSATISFIABLE]
    listed = solve(load("sudoku:4"), solver, Task(Budget(solutions=3), device="cuda"))
    assert all(each.status is Status.SOLVED for each in listed)
