"""The move engine: graphs as flat arrays, instances of rows, and a whole solve that imports no torch."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from move_walk import Best, Liar, MoveWalk

import mull
from mull.engine import AllDifferent, Budget, Clause, ConstraintGraph, Linear, Objective, Problem, Status, Table, Task
from mull.engine.moves.graph import FIRST_STRING, MoveGraph
from mull.engine.moves.instance import compile_moves
from mull.engine.solving import solve
from mull.plugins.conformance import CHECKS, Check
from mull.plugins.conformance.base import ContractViolation
from mull.plugins.conformance.steps import steps_keep_their_shapes


def _mixed() -> ConstraintGraph:
    domains: dict[str, Sequence[int | str]] = {
        "a": (1, 2, 3),
        "b": (9, 5, 1),
        "c": ("x", "y"),
        "d": (1, 2, 7),
        "e": range(0, 10**6, 3),
        "f": (1, 2, 7),
    }
    constraints = [Linear(("a", "b"), (1, 1), "<=", 4), Table(("c", "d"), (("x", 7), ("y", 1)))]
    return ConstraintGraph(domains, constraints, Objective({"e": 2, "a": -1}))


def test_codes_and_domain_indices_are_inverse() -> None:
    graph = MoveGraph.of(_mixed())
    indices = np.array([[0, 1, 1, 2, 100, 0], [2, 2, 0, 1, 333_333, 2]])
    codes = graph.codes(indices)
    assert codes.tolist() == [[1, 5, FIRST_STRING + 1, 7, 300, 1], [3, 1, FIRST_STRING, 2, 999_999, 7]]
    assert (graph.indices(codes) == indices).all()
    assert graph.step.tolist() == [1, -4, 0, 0, 3, 0]
    assert graph.code("y") == FIRST_STRING + 1


def test_occurrences_list_the_slots_of_each_variable() -> None:
    graph = MoveGraph.of(_mixed())
    assert graph.scope.tolist() == [0, 1, 2, 3]
    assert graph.scope_ptr.tolist() == [0, 2, 4]
    assert graph.occ_ptr.tolist() == [0, 1, 2, 3, 4, 4, 4]
    assert graph.occ_constraint.tolist() == [0, 0, 1, 1]
    assert graph.occ_slot.tolist() == [0, 1, 0, 1]
    assert graph.objective.tolist() == [-1, 0, 0, 0, 2, 0]


def test_a_graph_is_laid_out_once() -> None:
    graph = _mixed()
    assert MoveGraph.of(graph) is MoveGraph.of(graph)
    assert MoveGraph.of(pickle.loads(pickle.dumps(graph))).graph is not graph


def test_clauses_are_counted_as_their_own_check_does() -> None:
    domains: dict[str, Sequence[int | str]] = {"a": (0, 1), "b": (1, 0), "c": ("u", "v", 4), "d": (0, 1)}
    clauses = [Clause((("a", 1), ("b", 0))), Clause((("c", "v"), ("c", 4), ("d", 0))), Clause((("d", 1),))]
    graph = ConstraintGraph(domains, [*clauses, AllDifferent(("a", "d"))])
    rows = np.stack(np.meshgrid(*(range(len(d)) for d in domains.values()), indexing="ij"), -1).reshape(-1, 4)
    instance = compile_moves([Problem(graph)], len(rows))
    wanted = [len(graph.broken(assignment)) for assignment in instance.assignments(rows)]
    assert instance.check(rows)[0].tolist() == wanted


def test_an_instance_pads_small_graphs_and_fixes_givens() -> None:
    small = ConstraintGraph({"a": ("x", "y"), "b": (5,)}, [AllDifferent(("a", "b"))])
    instance = compile_moves([Problem(small, {"a": "y"}), Problem(_mixed(), {"d": 7})], 2)
    assert instance.shape == (4, 6, 333_334)
    assert instance.template.tolist() == [0, 0, 1, 1]
    assert instance.fixed[0].all()
    assert instance.given[0].tolist() == [FIRST_STRING + 1, 5, 0, 0, 0, 0]
    assert instance.fixed[2].tolist() == [False, False, False, True, False, False]
    chosen = instance.select(np.array([3, 0]))
    assert chosen.template.tolist() == [1, 0]
    indices = chosen.indices(np.array([[2, 5, FIRST_STRING, 7, 3, 2], [FIRST_STRING + 1, 5, 0, 0, 0, 0]]))
    assert chosen.assignments(indices)[1] == {"a": "y", "b": 5}
    assert chosen.assignments(indices)[0] == {"a": 2, "b": 5, "c": "x", "d": 7, "e": 3, "f": 2}
    assert chosen.cost(indices).tolist() == [4.0, 0.0]


def test_answers_do_not_depend_on_the_batch_and_repeat_from_the_stored_copies() -> None:
    problems = [*mull.load("sat:20:70", seed=1), *mull.load("sat:12:40", seed=2), *mull.load("queens:6")]
    together = solve(problems, MoveWalk(), Task(Budget(seconds=60), seed=3))
    assert all(solution.status is Status.SOLVED for solution in together)
    for problem, solution in zip(problems, together, strict=True):
        budget = Budget(seconds=60, copies=solution.budget.copies)
        (alone,) = solve([problem], MoveWalk(), Task(budget, seed=3))
        assert (alone.assignment, alone.iterations) == (solution.assignment, solution.iterations)


def test_an_iteration_budget_is_exact() -> None:
    problem = Problem(ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Clause((("a", 1),)), Clause((("a", 0),))]))
    (solution,) = solve([problem], MoveWalk(), Task(Budget(seconds=60, iterations=93)))
    assert (solution.status, solution.iterations, solution.violations) == (Status.UNSOLVED, 93, 1)
    assert solution.trace is not None
    assert solution.trace.iteration.tolist() == [25, 50, 75, 93]
    assert solution.unit == "moves"


def test_a_wrong_count_is_found_before_it_becomes_an_answer() -> None:
    (solution,) = solve(mull.load("sat:20:70", seed=1), Liar(), Task(Budget(seconds=60, iterations=2000), seed=3))
    assert solution.assignment is not None
    assert solution.status is Status.SOLVED
    assert not solution.problem.broken(solution.assignment)


def test_a_domain_of_a_million_values_is_accepted_by_a_solver_that_does_not_enumerate() -> None:
    domains = dict.fromkeys(map(str, range(64)), range(10**6))
    graph = ConstraintGraph(domains, [Linear(("0", "1"), (1, 1), "<=", 1_500_000)])
    (solution,) = solve([Problem(graph)], MoveWalk(), Task(Budget(seconds=60)))
    assert solution.status is Status.SOLVED


def test_memory_that_runs_out_halves_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    started = MoveWalk.init

    def init(self: MoveWalk, instance: Any, random: Any) -> Any:
        if len(random.keys) > 2:
            raise MemoryError
        return started(self, instance, random)

    monkeypatch.setattr(MoveWalk, "init", init)
    notices: list[str] = []
    task = Task(Budget(seconds=60, batch=4), on_notice=notices.append)
    (solution,) = solve(mull.load("queens:6"), MoveWalk(), task)
    assert solution.status is Status.SOLVED
    assert notices == ["out of memory: going on with 2 rows side by side"]


def test_a_kernel_that_raises_fails_only_the_problem_that_causes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = MoveWalk.advance

    def advance(self: MoveWalk, instance: Any, *given: Any) -> Any:
        if any(graph.variables == 13 for graph, _ in instance.by_graph()):
            raise FloatingPointError("a kernel failed")
        return moved(self, instance, *given)

    monkeypatch.setattr(MoveWalk, "advance", advance)
    problems = [Problem(ConstraintGraph(dict.fromkeys(map(str, range(n)), (0, 1)), [_either(n)])) for n in (12, 13, 14)]
    found = solve(problems, MoveWalk(), Task(Budget(seconds=60)))
    assert [solution.status.value for solution in found] == ["solved", "failed", "solved"]
    assert "a kernel failed" in found[1].detail


def _either(variables: int) -> Linear:
    """At least two of some 0-1 variables are 1: peeling does not solve it."""
    return Linear(tuple(map(str, range(variables))), (1,) * variables, ">=", 2)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_solver_on_numpy_arrays_keeps_the_contract(check: Check) -> None:
    check(MoveWalk)


def test_a_wrong_count_violates_the_contract() -> None:
    with pytest.raises(ContractViolation, match="count the constraints"):
        steps_keep_their_shapes(Liar)


def test_a_trajectory_keeps_its_cheapest_solution_and_reports_each_improvement() -> None:
    domains = dict.fromkeys("abc", range(12))
    graph = ConstraintGraph(domains, [AllDifferent(("a", "b", "c"))], Objective({"a": 1, "b": 1, "c": 2}))
    found: list[int | None] = []
    task = Task(Budget(seconds=None, iterations=1000), on_improvement=lambda solution: found.append(solution.objective))
    (solution,) = solve([Problem(graph)], Best(), task)
    assert solution.status is Status.SOLVED
    assert len(found) > 1
    assert found == sorted(found, key=lambda cost: -(cost or 0))
    assert found[-1] == solution.objective
    assert solution.iterations < 1000


WHOLE = """
import sys
sys.path.insert(0, "{tests}")
from move_walk import MoveWalk
import mull
from mull.engine import Budget, Task
from mull.engine.store import Store

problems = mull.load("sat:20:70", seed=1) + mull.load("queens:6")
with Store("{store}") as store:
    found = mull.solve(problems, MoveWalk(), Task(Budget(seconds=60), seed=3), store=store)
    assert all(s.status.solved for s in found), found
    assert len(found[0].trace)
    runs = store.runs()
    assert len(runs) == 2
sampled = mull.solve(problems[1], MoveWalk(), Task(Budget(seconds=60, solutions=4)))
assert len(sampled.solutions) > 1
stopped = []
task = Task(Budget(seconds=60), cancelled=lambda: bool(stopped), on_progress=stopped.append)
unsolvable = mull.load("queens:3")[0]
assert mull.solve(unsolvable, MoveWalk(), task).status.value == "cancelled"
print("torch" in sys.modules, "numba" in sys.modules)
"""


def test_a_solve_with_a_store_samples_and_a_cancelled_run_import_no_torch(tmp_path: Path) -> None:
    program = WHOLE.format(tests=Path(__file__).parent, store=tmp_path / "runs.db")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert ran.stdout.split() == ["False", "False"], ran.stderr
