"""Every solver on every family, and what the engine guarantees for any solver."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
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
    Linear,
    Objective,
    OptionError,
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
from mull.engine.state import clone, put_rows, select_rows
from mull.plugins.conformance import CHECKS, Check, unsatisfiable
from mull.problems import load
from mull.solvers.descent import Descent

SOLVERS = ("auto", "cpsat", "descent", "localsearch", "meanfield", "tabu")
PROBLEMS = ("sudoku:4:0.4", "coloring:12:0.6:4", "sat:20:70", "queens:6", "latin:4", "coloring:9:0.5")
FIXED_COST = {"coloring:9:0.5"}
"""Minimises the number of colours: heuristics end ``solved``, complete solvers ``optimal``."""


task = partial(conftest.task, batch=64)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("spec", PROBLEMS)
def test_every_solver_solves_every_family(name: str, spec: str) -> None:
    (problem,) = load(spec, seed=1)
    # Lowering a cost, a heuristic only ends when its budget does.
    limits = {"iterations": 300} if spec in FIXED_COST else {}
    (solution,) = solve([problem], mull.solver(name), task(**limits))
    assert solution.status.solved
    assert solution.assignment is not None
    assert not problem.broken(solution.assignment)
    assert (solution.violations, solution.energy) == (0, 0.0)
    if problem.minimises and name in ("cpsat", "auto"):
        assert solution.status is Status.OPTIMAL


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_solvers_conform(name: str, check: Check) -> None:
    check(type(mull.solver(name)))


@pytest.mark.parametrize("name", ["auto", "cpsat"])
def test_complete_solvers_prove_that_there_is_no_solution(name: str) -> None:
    solutions = solve(unsatisfiable(), mull.solver(name), task(iterations=200))
    assert [s.status for s in solutions] == [Status.UNSATISFIABLE] * len(solutions)


@pytest.mark.parametrize("name", ["auto", "cpsat"])
def test_the_shortest_path_is_found(name: str) -> None:
    (problem,) = load("maze:9x9", seed=3)
    (solution,) = solve([problem], mull.solver(name), task())
    assert solution.status is Status.OPTIMAL
    import networkx as nx

    cells = {(int(r), int(c)) for r, c in (n[1:].split("c") for n in problem.graph.domains)}
    grid = nx.Graph(((r, c), n) for r, c in cells for n in ((r + 1, c), (r, c + 1)) if n in cells)
    ends = [tuple(map(int, name[1:].split("c"))) for name, domain in problem.graph.domains.items() if domain == (1,)]
    assert solution.objective == nx.shortest_path_length(grid, *ends)


def test_two_coloured_petersen_is_impossible_and_three_is_optimal() -> None:
    text = [f"e {i + 1} {(i + 1) % 5 + 1}\ne {i + 6} {(i + 2) % 5 + 6}\ne {i + 1} {i + 6}" for i in range(5)]
    from mull.problems import families

    family = families()["coloring"]
    dimacs = "p edge 10 15\n" + "\n".join(text)
    for colors, status in ((2, Status.UNSATISFIABLE), (3, Status.SOLVED), (None, Status.OPTIMAL)):
        (solution,) = solve(family.read(dimacs, "petersen", colors), mull.solver("cpsat"), task())
        assert solution.status is status
        if colors is None:
            assert solution.objective == 3


@pytest.mark.parametrize("name", ["descent", "localsearch", "meanfield"])
def test_different_problems_share_a_call(name: str) -> None:
    specs = ("sat:20:60", "sat:12:40", "queens:5", "sudoku:4", "coloring:8:0.6:3", "sat:15:50")
    problems = [p for spec in specs for p in load(spec, seed=2)]
    solutions = solve(problems, mull.solver(name), task())
    assert [s.problem for s in solutions] == problems
    assert all(s.status is Status.SOLVED for s in solutions)


@pytest.mark.parametrize("name", ["descent", "localsearch", "meanfield"])
def test_other_problems_do_not_change_an_answer(name: str) -> None:
    """Rows have their own random streams: a problem gets the same answer alone and in a batch."""
    problems = [load("sudoku:4:0.3", seed=s)[0] for s in range(4)]
    together = solve(problems, mull.solver(name), task(iterations=400, restarts=1, batch=4))
    alone = solve(problems[2:3], mull.solver(name), task(iterations=400, restarts=1, batch=1))
    assert together[2].assignment == alone[0].assignment


@pytest.mark.parametrize("name", SOLVERS)
def test_unknown_options_and_values_outside_bounds_are_refused(name: str) -> None:
    with pytest.raises(OptionError, match="nonsense"):
        mull.solver(name, nonsense=1)
    option = {"cpsat": "workers", "auto": "slice", "localsearch": "patience"}.get(name, "copies")
    with pytest.raises(OptionError, match=option):
        mull.solver(name, **{option: "0"})


def test_langevin_noise_changes_the_trace() -> None:
    (problem,) = load("sat:30:120", seed=1)
    plain, noisy = (
        solve([problem], mull.solver("descent", noise=noise), task(iterations=20))[0].trace for noise in (0.0, 0.5)
    )
    assert plain is not None
    assert noisy is not None
    assert plain.energy.tolist() != noisy.energy.tolist()


# The engine's promises, with a solver made for the purpose -----------------------------------------------------------


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


# Batches, states, random streams --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Nest:
    x: torch.Tensor
    y: tuple[torch.Tensor, dict[str, torch.Tensor]]
    n: int


def test_rows_of_states_are_selected_and_replaced() -> None:
    state = _Nest(torch.arange(4), (torch.ones(4, 2), {"z": torch.zeros(4)}), 3)
    some = select_rows(state, torch.tensor([2, 0]))
    assert some.x.tolist() == [2, 0]
    put = put_rows(state, torch.tensor([1]), select_rows(state, torch.tensor([3])))
    assert put.x.tolist() == [0, 3, 2, 3]
    copy = clone(state)
    copy.x.add_(1)
    assert state.x.tolist() == [0, 1, 2, 3]


def test_random_streams_are_uniform_and_independent() -> None:
    random = Random.for_rows(["a", "b"])
    u = random.uniform(20_000)
    assert abs(u.mean().item() - 0.5) < 0.01
    assert abs(random.normal(20_000).std().item() - 1) < 0.02
    assert torch.equal(u[:1], Random.for_rows(["a"]).uniform(20_000))
    assert abs(torch.corrcoef(u)[0, 1].item()) < 0.03
    assert math.isclose(torch.corrcoef(torch.cat((u, random.at(1).uniform(20_000))))[0, 2].item(), 0, abs_tol=0.03)


def test_padding_does_not_change_violations_and_energies() -> None:
    """With problems of different size in one batch, violations and energies are those of each alone."""
    problems = [load(s, seed=1)[0] for s in ("sat:9:20", "sat:5:9", "sat:14:40")]
    whole = compile_problems(problems)
    for i, problem in enumerate(problems):
        alone = compile_problems([problem])
        v = alone.shape[1]
        index = torch.arange(v)[None] % 2
        padded = torch.zeros(3, whole.shape[1], dtype=torch.int64)
        padded[:, :v] = index
        row = torch.tensor([i])
        assert whole.select(row).violations(padded[row]).tolist() == alone.violations(index).tolist()
        assert torch.allclose(whole.energy(whole.uniform())[i], alone.energy(alone.uniform())[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
@pytest.mark.parametrize("name", ["descent", "localsearch", "meanfield"])
def test_solvers_run_on_the_accelerator(name: str) -> None:
    problems = [load(spec, seed=1)[0] for spec in ("sudoku:9:0.5", "sat:50:200", "coloring:30:0.3:5")]
    task = Task(Budget(seconds=60), device="cuda")
    solutions = solve(problems, mull.solver(name), task)
    assert all(s.device == "cuda" for s in solutions)
    wanted = problems[1:] if name == "descent" else problems  # descent's defaults are not made for 9 x 9 grids
    assert all(s.status is Status.SOLVED for s in solutions if s.problem in wanted)


def test_without_a_task_the_clock_starts_with_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with the import, which may be an hour ago."""
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 3600)
    (solution,) = solve(load("queens:6"), mull.solver("cpsat"))
    assert solution.status is Status.SOLVED


def test_a_costly_constraint_gets_few_rows() -> None:
    """Rows are bounded by the numbers that one evaluation of the energy reads, not by literals alone."""
    names = ("a", "b", "c")
    wide = ConstraintGraph(dict.fromkeys(names, range(201)), [Linear(names, (3, 5, 7), "=", 1999)])
    size = Descent.batch_size
    assert size.rows(wide) == 1
    (problem,) = load("queens:8")
    assert 100 < size.rows(problem.graph) < (1 << 18) // problem.graph.literals
