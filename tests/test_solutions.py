"""Several answers: samples and enumerations are distinct, checked and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import mull
from mull.engine import (
    Budget,
    Clause,
    Compare,
    ConstraintGraph,
    Count,
    Info,
    Instance,
    Linear,
    Objective,
    Problem,
    Random,
    Solution,
    Solver,
    Status,
    Table,
    Task,
    WholeSolver,
    Xor,
    solve,
)
from mull.engine.loop import Trial, iterate
from mull.plugins.conformance import unsatisfiable
from mull.problems import load

SAMPLERS = ("descent", "localsearch", "meanfield")


def ask(problem: Problem, name: str, count: int, seed: int = 1, **budget: Any) -> Solution:
    task = Task(Budget(seconds=budget.pop("seconds", 60), solutions=count, **budget), seed)
    return solve([problem], mull.solver(name), task)[0]


def keys(solution: Solution) -> set[frozenset[Any]]:
    """The solutions as a set, after a check that they are valid and distinct."""
    assert solution.solutions is not None
    assert not any(solution.problem.broken(a) for a in solution.solutions)
    found = {frozenset(a.items()) for a in solution.solutions}
    assert len(found) == solution.distinct
    assert solution.assignment == (solution.solutions[0] if found else solution.assignment)
    return found


@pytest.mark.parametrize(("spec", "total"), [("queens:6", 4), ("queens:8", 92), ("sudoku:4:0.5", 2)])
@pytest.mark.parametrize("name", ["auto", "cpsat"])
def test_all_solutions_are_enumerated(name: str, spec: str, total: int) -> None:
    (problem,) = load(spec, seed=1)
    solution = ask(problem, name, 100)
    assert len(keys(solution)) == solution.total == total
    assert (solution.status, solution.solver, solution.coverage) == (Status.SOLVED, "cpsat", 1.0)
    assert solution.samples is solution.hits is solution.accuracy is None


ODD = ConstraintGraph(
    {"a": (0, 1), "b": (0, 1), "c": (3, 0, 7), "d": ("x", "y"), "e": (0, 1, 2), "free": (1, 2)},
    [
        Xor((("a", 1), ("b", 1)), True),
        Table(("c", "d"), ((3, "x"), (0, "y"), (7, "y"))),
        Count(("a", "b", "e"), (1,), 1, 2),
        Clause((("a", 1), ("d", "y"))),
        Linear(("c", "e"), (1, 2), "<=", 8),
    ],
)


def test_enumeration_is_exact_for_every_kind_and_projected() -> None:
    """It finds as many as a search through all assignments, although constraint kinds post auxiliary variables."""
    names = list(ODD.domains)
    brute = [dict(zip(names, values, strict=True)) for values in product(*ODD.domains.values())]
    right = {frozenset(a.items()) for a in brute if not ODD.broken(a)}
    solution = ask(Problem(ODD), "cpsat", 1000)
    assert keys(solution) == right
    assert solution.total == len(right) > 2
    given = ask(Problem(ODD, {"d": "y", "free": 2}), "cpsat", 1000)
    assert keys(given) == {a for a in right if {("d", "y"), ("free", 2)} <= a}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_enumeration_stops_at_the_requested_number(count: int) -> None:
    (problem,) = load("queens:6")
    solution = ask(problem, "cpsat", count)
    assert len(keys(solution)) == count
    assert solution.total is solution.coverage is None


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("spec", ["queens:5", "coloring:5:0.6:3"])
def test_samples_give_distinct_solutions(name: str, spec: str) -> None:
    (problem,) = load(spec, seed=2)
    everything = ask(problem, "cpsat", 1000)
    drawn = ask(problem, name, 70, iterations=100, batch=32)
    assert everything.total is not None
    assert keys(drawn) <= keys(everything)
    assert drawn.samples == 70
    assert drawn.hits is not None
    assert 70 >= drawn.hits >= (drawn.distinct or 0) > 1
    assert drawn.accuracy == drawn.hits / 70
    assert drawn.total is drawn.coverage is None


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_depend_on_the_seed_alone(name: str) -> None:
    """They depend neither on the batch nor on the other problems of the call."""
    problems = [load("coloring:5:0.6:3", seed=s)[0] for s in (2, 3)]
    task = Task(Budget(solutions=12, iterations=60, batch=7), seed=5)
    one, other = solve(problems, mull.solver(name), task)
    alone = ask(problems[0], name, 12, seed=5, iterations=60)
    assert (one.solutions, one.hits, one.iterations) == (alone.solutions, alone.hits, alone.iterations)
    assert other.samples == 12
    assert ask(problems[0], name, 12, seed=6, iterations=60).solutions != one.solutions
    several = [ask(problems[0], name, 40, seed=5, iterations=60, batch=batch) for batch in (7, 33, None)]
    assert len({(repr(s.solutions), s.hits, s.iterations) for s in several}) == 1


@pytest.mark.parametrize("name", ["auto", "cpsat", *SAMPLERS])
def test_a_problem_without_solutions_gives_none(name: str) -> None:
    for problem in unsatisfiable():
        solution = ask(problem, name, 5, iterations=50)
        assert (solution.solutions, solution.distinct, solution.coverage) == ((), 0, None)
        if solution.solver == "cpsat":
            assert (solution.status, solution.total) == (Status.UNSATISFIABLE, 0)
        else:
            assert (solution.status, solution.samples, solution.hits) == (Status.UNSOLVED, 5, 0)


def test_a_run_for_one_answer_counts_no_samples() -> None:
    (problem,) = load("queens:6")
    (solution,) = solve([problem], mull.solver("cpsat"))
    assert [solution.solutions, solution.distinct, solution.samples, solution.total] == [None] * 4
    assert "solutions" not in solution.to_json()


@pytest.mark.parametrize("name", ["cpsat", *SAMPLERS])
def test_a_variable_without_constraints_takes_every_value(name: str) -> None:
    """The problem is neither peeled nor split, so solutions of the parts occur in all combinations."""
    loose = ConstraintGraph({"a": (0, 1), "b": (0, 1)})
    parts = ConstraintGraph(dict.fromkeys("abcd", (0, 1)), [Compare("a", "=", "b"), Compare("c", "!=", "d")])
    for graph in (loose, parts):
        assert len(keys(ask(Problem(graph), name, 80, iterations=60))) == 4


def test_the_exact_solver_enumerates_optimal_solutions() -> None:
    graph = ConstraintGraph(
        dict.fromkeys("abc", (0, 1)), [Clause((("a", 1), ("b", 1), ("c", 1)))], Objective(dict.fromkeys("abc", 1), 2)
    )
    best = ask(Problem(graph), "cpsat", 9)
    assert (best.status, best.objective, best.total) == (Status.OPTIMAL, 3, 3)
    assert all(graph.objective and graph.objective.value(a) == 3 for a in best.solutions or ())
    drawn = ask(Problem(graph), "localsearch", 60, seconds=3)  # it proves nothing, and so searches to the end
    assert (drawn.status, drawn.samples) == (Status.SOLVED, 60)
    assert len(keys(drawn)) >= 3


@pytest.mark.parametrize("name", ["cpsat", "localsearch"])
def test_limits_hold_for_several_answers(name: str) -> None:
    (problem,) = load("queens:20")
    short = ask(problem, name, 100_000, seconds=1.5)
    assert len(keys(short)) < 100_000
    assert short.seconds < 10
    assert (short.samples or 0) < 100_000
    stop = Task(Budget(solutions=50), cancelled=lambda: True)
    stopped = solve(unsatisfiable(), mull.solver(name), stop)
    assert [s.status for s in stopped] == [Status.CANCELLED] * 2
    assert all(s.solutions == () for s in stopped)


class Dice(Solver):
    """Solves in one step: all variables take the same random value."""

    name: ClassVar[str] = "dice"

    def init(self, instance: Instance, random: Random) -> Tensor:
        return (random.uniform() * instance.allowed[:, 0].sum(-1)).long()

    def step(self, instance: Instance, state: Tensor) -> tuple[Tensor, Info]:
        still = torch.zeros(instance.shape[0], device=instance.device)
        return state, Info(still, still)

    def decode(self, instance: Instance, state: Tensor) -> Tensor:
        return state[:, None].expand(instance.shape[:2])


def equal_pair(values: int) -> Problem:
    """Two variables that must be equal, with values that cannot be renamed."""
    domains = {"a": tuple(range(values)), "b": tuple(range(values))}
    return Problem(ConstraintGraph(domains, [Compare("a", "=", "b"), Compare("a", "<=", "b")]))


def test_a_sample_that_finds_a_known_solution_restarts() -> None:
    drawn, fewer = solve([equal_pair(40), equal_pair(5)], Dice(), Task(Budget(solutions=20), seed=1))
    assert (drawn.samples, drawn.hits, drawn.distinct) == (20, 20, 20)
    assert drawn.iterations == 1  # of the first
    assert (fewer.hits, fewer.distinct) == (20, 5)  # that there is no more is no reason to go on for ever


def test_a_sample_without_a_second_solution_keeps_its_first() -> None:
    (drawn,) = solve([equal_pair(40)], Dice(), Task(Budget(iterations=1, solutions=20), seed=1))
    assert drawn.hits == drawn.samples == 20
    assert 5 < (drawn.distinct or 0) < 20
    (longer,) = solve([equal_pair(40)], Dice(), Task(Budget(iterations=2, solutions=20), seed=1))
    assert keys(drawn) < keys(longer)


class TwoDice(Dice):
    """A random value for each of two variables at the start; it seldom solves, and it never changes."""

    name: ClassVar[str] = "two-dice"

    def init(self, instance: Instance, random: Random) -> Tensor:
        return (random.uniform(2) * 3).long()

    def step(self, instance: Instance, state: Tensor) -> tuple[Tensor, Info]:
        wandering = torch.ones(instance.shape[0], device=instance.device)
        return state, Info(wandering, wandering)

    def decode(self, instance: Instance, state: Tensor) -> Tensor:
        return state


def test_a_restarted_trial_that_finds_nothing_keeps_its_first_answer() -> None:
    problem = equal_pair(3)
    arrivals: dict[int, list[Any]] = {}

    def accept(n: int, found: dict[str, Any]) -> bool:
        arrivals.setdefault(n, []).append(found)
        return False

    trials = [Trial(problem, n, partial(accept, n)) for n in range(64)]
    found = dict(iterate(TwoDice(), trials, Task(Budget(iterations=6, restarts=1), seed=1)))
    assert 5 < len(arrivals) < 40
    for n, solution in found.items():
        assert solution.status.solved == (n in arrivals)
        if n in arrivals:
            assert not problem.broken(solution.assignment or {})
            assert (solution.assignment, solution.violations) == (arrivals[n][0], 0)


def test_cancelling_during_a_restart_keeps_the_answer() -> None:
    stopped: list[dict[str, Any]] = []

    def accept(found: dict[str, Any]) -> bool:
        stopped.append(found)
        return False

    task = Task(Budget(None), cancelled=lambda: bool(stopped))
    ((_, solution),) = iterate(Dice(), [Trial(equal_pair(5), accept=accept)], task)
    assert (solution.status, solution.violations, len(stopped)) == (Status.SOLVED, 0, 1)


def test_solutions_that_differ_in_names_of_values_are_duplicates() -> None:
    """Two equal variables have one colouring, so no sample restarts for another colour."""
    graph = ConstraintGraph({"a": tuple(range(40)), "b": tuple(range(40))}, [Compare("a", "=", "b")])
    (drawn,) = solve([Problem(graph)], Dice(), Task(Budget(solutions=20), seed=1))
    (once,) = solve([Problem(graph)], Dice(), Task(Budget(iterations=1, solutions=20), seed=1))
    assert keys(drawn) == keys(once)


@given(st.data())
def test_colourings_that_rename_colours_have_one_canonical_form(data: st.DataObject) -> None:
    (problem,) = load("coloring:6:0.4:4", seed=2)
    names = list(problem.graph.domains)
    colours = next(iter(problem.graph.domains.values()))
    assignment = dict(zip(names, data.draw(st.lists(st.sampled_from(colours), min_size=6, max_size=6)), strict=True))
    renamed = dict(zip(colours, data.draw(st.permutations(colours)), strict=True))
    other = {name: renamed[value] for name, value in assignment.items()}
    assert problem.canonical(assignment) == problem.canonical(other)
    least = dict(zip(names, problem.canonical(assignment), strict=True))
    assert problem.canonical(least) == tuple(least.values())
    assert len(problem.broken(least)) == len(problem.broken(assignment))
    given = replace(problem, givens={names[0]: assignment[names[0]]})
    assert given.canonical(assignment)[0] == assignment[names[0]]
    assert (given.canonical(other) == given.canonical(assignment)) == (other[names[0]] == assignment[names[0]])


def test_values_with_a_cost_are_not_renamed() -> None:
    graph = ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Compare("a", "!=", "b")], Objective({"a": 1}))
    assert Problem(graph).canonical({"a": 1, "b": 0}) == (1, 0)


@pytest.mark.parametrize("spec", ["queens:6", "sudoku:4:0.5", "maze:5x5"])
def test_the_canonical_form_keeps_values_with_a_meaning(spec: str) -> None:
    (problem,) = load(spec, seed=1)
    (solution,) = solve([problem], mull.solver("cpsat"))
    assert solution.assignment is not None
    assert problem.canonical(solution.assignment) == tuple(solution.assignment.values())


class Single(WholeSolver):
    """Answers once, and claims several solutions: the first value everywhere, then the last."""

    name: ClassVar[str] = "single"
    able: bool = False

    def samples(self, problem: Problem) -> str | None:
        return None if self.able else super().samples(problem)

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for i, problem in enumerate(problems):
            first, last = ({name: d[n] for name, d in problem.graph.domains.items()} for n in (0, -1))
            yield i, Solution(problem, self.name, Status.SOLVED, first, 0, 0.0, solutions=(last, first, last))


def test_a_solver_without_samples_is_unsupported() -> None:
    (solution,) = solve(load("queens:6"), Single(), Task(Budget(solutions=3)))
    assert (solution.status, solution.detail) == (Status.UNSUPPORTED, "it answers a problem once")


def test_every_one_of_several_solutions_is_checked() -> None:
    task = Task(Budget(solutions=3))
    graph = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [Compare("a", "=", "b")])
    (right,) = solve([Problem(graph)], Single(able=True), task)
    assert right.solutions == ({"a": 1, "b": 1}, {"a": 2, "b": 2})
    graph = graph.with_constraints([Clause((("a", 1), ("b", 1)))])
    (wrong,) = solve([Problem(graph)], Single(able=True), task)
    assert (wrong.status, wrong.solutions) == (Status.FAILED, ())
    assert wrong.assignment == {"a": 2, "b": 2}


def test_auxiliary_variables_are_neither_shown_nor_counted() -> None:
    graph = ConstraintGraph({"a": range(3), "b": range(3), "free": range(4)}, [Compare("a", "<", "b")])
    problem = Problem(graph, auxiliary=frozenset({"free"}))
    solution = ask(problem, "cpsat", 100)
    assert solution.distinct == solution.total == 3
    assert set(solution.to_json()["assignment"]) == {"a", "b"}
    assert all(set(each) == {"a", "b"} for each in solution.to_json()["solutions"])
    assert problem.show({"a": 0, "b": 1, "free": 3}) == "a=0 b=1"
    assert problem.digest == Problem(graph).digest
    assert Problem.from_json(problem.to_json()).auxiliary == {"free"}


def test_an_auxiliary_variable_that_the_graph_lacks_is_an_error() -> None:
    graph = ConstraintGraph({"a": range(3)}, [])
    with pytest.raises(mull.GraphError, match="unknown auxiliary variable 'b'"):
        Problem(graph, auxiliary=frozenset({"b"}))
    with pytest.raises(mull.GraphError, match='"auxiliary" is a list'):
        Problem.from_json(Problem(graph).to_json() | {"auxiliary": "a"})


@pytest.mark.parametrize("hint", [0, 2])
def test_a_hint_reaches_the_parts_of_a_problem(hint: int) -> None:
    pairs = [Linear((f"a{i}", f"b{i}"), (1, 1), "=", 2) for i in range(2)]
    graph = ConstraintGraph({f"{side}{i}": range(3) for i in range(2) for side in "ab"}, pairs)
    answer = solve([Problem(graph, hint={"a0": hint, "b0": 2 - hint})], mull.solver("cpsat"))[0]
    assert answer["a0"] == hint
