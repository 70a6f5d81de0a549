"""Every solver on every family."""

from __future__ import annotations

from functools import partial

import pytest
import torch

import conftest
import mull
from mull.engine import Budget, OptionError, Status, Task, solve
from mull.plugins.conformance import CHECKS, Check, unsatisfiable
from mull.problems import load

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
