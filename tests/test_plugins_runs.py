"""Solvers that raise errors or return invalid answers: only the problems concerned fail, and every run is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from torch import Tensor

from mull.engine import (
    AbstractSolver,
    Budget,
    ConstraintGraph,
    Info,
    Instance,
    Problem,
    Solution,
    Source,
    Status,
    Task,
    WholeSolver,
    solve,
)
from mull.engine.conclude import conclude
from mull.engine.fleet.work import Worker, packed_setup, packed_work, unpacked_answers
from mull.engine.guard import PATIENCE
from mull.engine.store import Store
from mull.problems import load
from mull.solvers.cpsat import CpSat
from mull.solvers.descent import Descent

GOOD = ("queens:6", "sudoku:4:0.4", "latin:4", "sat:12:30", "coloring:8:0.4:4")


def problems(*specs: str) -> list[Problem]:
    return [problem for spec in specs for problem in load(spec)]


def run(solver: AbstractSolver, *specs: str, **budget: Any) -> list[Solution]:
    return solve(problems(*specs), solver, Task(Budget(seconds=30, batch=32, **budget), seed=1))


class Bad(Descent):
    """Fails on problems with six variables: ``queens:6``."""

    name: ClassVar[str] = "bad"

    def at_fault(self, instance: Instance) -> bool:
        return any(len(graph.domains) == 6 for graph in instance.graphs)


class Raising(Bad):
    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        if self.at_fault(instance):
            raise KeyError("weights")
        return super().step(instance, state)


class Leaving(Bad):
    def init(self, instance: Instance, random: Any) -> Any:
        if self.at_fault(instance):
            raise SystemExit(3)
        return super().init(instance, random)


class Broad(Bad):
    """Its energy has a shape that torch would broadcast."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return state, info._replace(energy=info.energy[:1]) if self.at_fault(instance) else info


class Narrow(Bad):
    """Its assignment lacks a variable."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        decoded = super().decode(instance, state)
        return decoded[:, 1:] if self.at_fault(instance) else decoded


class Lone(Bad):
    """It decodes to one row, which torch would broadcast over the batch."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        decoded = super().decode(instance, state)
        return decoded[:1] if self.at_fault(instance) else decoded


class Fractional(Bad):
    def decode(self, instance: Instance, state: Any) -> Tensor:
        decoded = super().decode(instance, state)
        return decoded.float() if self.at_fault(instance) else decoded


class Outside(Bad):
    """It decodes to indices outside the domain."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        decoded = super().decode(instance, state)
        return decoded + 99 if self.at_fault(instance) else decoded


class Empty(Bad):
    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        return (None, None) if self.at_fault(instance) else super().step(instance, state)  # type: ignore[return-value]


class Doubting(Bad):
    def supports(self, graph: ConstraintGraph) -> str | None:
        if len(graph.domains) == 6:
            raise RuntimeError("cannot even say")
        return None


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (Raising, "KeyError: 'weights'"),
        (Leaving, "SystemExit: 3"),
        (Broad, "the energy has the shape [1], not [32]"),
        (Narrow, "the decoded assignment has the shape [32, 5], not [32, 6]"),
        (Lone, "the decoded assignment has the shape [1, 6], not [32, 6]"),
        (Fractional, "torch.float32"),
        (Outside, "Error: "),
        (Empty, "Error: "),
        (Doubting, "RuntimeError: cannot even say"),
    ],
)
def test_only_the_faulty_problem_fails(solver: type[AbstractSolver], message: str) -> None:
    first, *rest = run(solver(), *GOOD)
    assert first.status is Status.FAILED
    assert message in first.detail
    assert [s.status for s in rest] == [Status.SOLVED] * 4


def test_only_the_faulty_problems_of_a_batch_fail() -> None:
    """The boards have one template and run in one batch."""

    class Stumbling(Descent):
        """It raises an error if the first cell is given."""

        name: ClassVar[str] = "stumbling"

        def init(self, instance: Instance, random: Any) -> Any:
            if bool((~instance.free[:, 0]).any()):
                raise ValueError("the corner is taken")
            return super().init(instance, random)

    boards = [board for seed in range(12) for board in load("sudoku:4:0.4", seed=seed)]
    solutions = solve(boards, Stumbling(), Task(Budget(seconds=30, batch=64)))
    corner = ["r1c1" in board.givens for board in boards]
    assert 0 < sum(corner) < len(boards)
    assert [s.status is Status.FAILED for s in solutions] == corner
    assert sum(s.status is Status.SOLVED for s in solutions) == corner.count(False)


class Hopeless(WholeSolver):
    """It raises an error at once."""

    name: ClassVar[str] = "hopeless"
    asked: ClassVar[list[int]] = []

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        self.asked.append(len(problems))
        raise RuntimeError("no")


@pytest.mark.parametrize("chunks", [1, 6])
def test_a_solver_that_always_raises_is_stopped(chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many chunks the call has: the exceptions of all are counted together."""
    monkeypatch.setattr(Hopeless, "asked", [])
    solutions = solve(problems("queens:5") * Hopeless.chunk * chunks, Hopeless())
    assert {s.status for s in solutions} == {Status.FAILED}
    assert all("RuntimeError: no" in s.detail for s in solutions)
    assert len(Hopeless.asked) <= PATIENCE + 12


def test_a_process_of_a_fleet_counts_the_exceptions_of_all_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hopeless, "asked", [])
    worker = Worker(packed_setup(Hopeless(), Task(Budget(seconds=None))), "cpu")
    chunk = problems("queens:5") * 64
    for _ in range(4):
        answers = unpacked_answers(worker.solve(packed_work(chunk, None, 0.0, float("inf"))), chunk)
        assert {solution.status for _, solution, _ in answers} == {Status.FAILED}
    assert len(Hopeless.asked) <= PATIENCE + 12


def test_a_solver_that_raises_on_few_problems_of_each_chunk_is_not_stopped() -> None:
    count = 6 * WholeSolver.chunk
    faulty = {str(n) for n in range(5, count, WholeSolver.chunk // 2)}
    raised: list[int] = []

    class Choosy(WholeSolver):
        """It raises an error if a faulty problem is in the batch, and leaves the others unsolved."""

        name: ClassVar[str] = "choosy"

        def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
            for n, problem in enumerate(problems):
                if str(problem.source) in faulty:
                    raised.append(len(problems))
                    raise RuntimeError("no")
                yield n, conclude(problem, self, task, Status.UNSOLVED, "")

    board = problems("queens:5")[0]
    made = [replace(board, source=Source(str(n))) for n in range(count)]
    solutions = solve(made, Choosy())
    assert [s.status is Status.FAILED for s in solutions] == [str(s.problem.source) in faulty for s in solutions]
    assert len(raised) > PATIENCE


class Answering(WholeSolver):
    """CP-SAT, with each answer changed by ``answer``."""

    name: ClassVar[str] = "answering"

    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, solution)]

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for n, solution in CpSat().run(problems, task):
            bad = len(problems[n].graph.domains) == 6
            yield from self.answer(n, solution) if bad else [(n, solution)]


class Silent(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return []


class Mute(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, None)]


class Lost(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(77, solution)]


class Partial(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, replace(solution, assignment={"q1": 1}))]


class Strange(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, replace(solution, assignment={**(solution.assignment or {}), "q1": "somewhere"}))]


class Wrong(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, replace(solution, assignment=dict.fromkeys(solution.assignment or {}, 1)))]


class Without(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, replace(solution, assignment=None))]


class Swapped(Answering):
    """It returns a solution of another problem."""

    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        easy = Problem(ConstraintGraph({"a": (1,)}))
        return [(n, replace(solution, problem=easy, assignment={"a": 1}))]


class Despairing(Answering):
    def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
        return [(n, replace(solution, status=Status.UNSATISFIABLE, assignment=None))]


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (Silent, "without an answer"),
        (Mute, "NoneType, which is no Solution"),
        (Lost, "answers problem 77"),
        (Partial, "does not give each variable a value"),
        (Strange, "does not give each variable a value"),
        (Wrong, "claims a solution that violates"),
        (Without, "claims a solution without an assignment"),
        (Swapped, "does not give each variable a value"),
        (Despairing, "not declared complete"),
    ],
)
def test_an_invalid_answer_fails(solver: type[AbstractSolver], message: str) -> None:
    first, *rest = run(solver(), *GOOD)
    assert first.status is Status.FAILED
    assert message in first.detail
    assert [s.status for s in rest] == [Status.SOLVED] * 4


def test_optimal_from_an_incomplete_solver_is_not_accepted() -> None:
    class Proud(Answering):
        """It claims that its answer is optimal."""

        name: ClassVar[str] = "proud"

        def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
            return [(n, replace(solution, status=Status.OPTIMAL))]

    (solution,) = run(Proud(), "queens:6")
    assert solution.status is Status.SOLVED


def test_an_answer_with_changed_givens_fails() -> None:
    class Editing(Answering):
        """It returns a solution for an empty board."""

        name: ClassVar[str] = "editing"

        def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
            yield from CpSat().run([replace(problem, givens={}) for problem in problems], task)

    (problem,) = problems("sudoku:4:0.5")
    changed = {name: next(v for v in (1, 2, 3, 4) if v != value) for name, value in problem.givens.items()}
    (found,) = solve([Problem(problem.graph)], CpSat())
    if all(found.assignment and found.assignment[name] == value for name, value in problem.givens.items()):
        problem = replace(problem, givens=changed)
    (solution,) = solve([problem], Editing())
    assert solution.status is Status.FAILED
    assert "invalid assignment: the answer changes the given" in solution.detail


def test_an_invalid_answer_among_several_fails_the_run() -> None:
    class Generous(Answering):
        """It adds an incomplete assignment."""

        name: ClassVar[str] = "generous"

        def samples(self, problem: Problem) -> str | None:
            return None

        def answer(self, n: int, solution: Solution) -> list[tuple[int, Any]]:
            return [(n, replace(solution, solutions=(*(solution.solutions or ()), {"q1": 1})))]

    (solution,) = run(Generous(), "queens:6", solutions=3)
    assert solution.status is Status.FAILED
    assert solution.solutions == ()


def test_answers_before_an_error_are_recorded() -> None:
    """The store has a run for every problem, and the failed ones have the error."""
    with Store() as store:
        solve(problems(*GOOD), Raising(), Task(Budget(seconds=30, batch=32)), store=store)
    with Store() as store:
        rows = store.runs()
    assert sorted(row.status for row in rows) == ["failed", *["solved"] * 4]
    (failed,) = (row for row in rows if row.status == "failed")
    assert failed.detail.startswith("KeyError: 'weights' (")
