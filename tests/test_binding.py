"""Solvers are bound to problems before they run: one choice of weights or algorithm, equal choices run together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from pydantic import BaseModel

import conftest
import mull
from mull.engine import (
    AbstractSolver,
    Budget,
    Clause,
    Compare,
    ConstraintGraph,
    Info,
    Instance,
    OptionError,
    Problem,
    Random,
    Solution,
    Solver,
    Status,
    Task,
    WholeSolver,
    rows,
    solve,
)
from mull.engine import weights as engine_weights
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.guard import answers_of
from mull.engine.rows import BatchSize
from mull.problems import load

DECLARATIONS = {
    "name",
    "version",
    "citation",
    "complete",
    "unit",
    "renamed_options",
    "check_every",
    "energy_is_exact",
    "optimises",
    "batch_size",
    "chunk",
}
"""Class attributes by which a solver describes itself; all but the name have a default."""

PAIR = Problem(ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [Compare("a", "=", "b")]))
CLAUSE = Problem(ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Clause((("a", 1), ("b", 1)))]))

boards = partial(conftest.boards, spec="sudoku:9:0.35")


class Uniform(Solver):
    """Draws an assignment at every step, in as many rows as it is given."""

    name: ClassVar[str] = "uniform"

    def init(self, instance: Instance, random: Random) -> tuple[Random, torch.Tensor]:
        return random, torch.zeros(instance.shape[0], dtype=torch.int64)

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        random, age = state
        violations = instance.violations(self.decode(instance, (random, age + 1)))
        return (random, age + 1), Info(violations.float(), torch.ones(len(age)))

    def decode(self, instance: Instance, state: Any) -> torch.Tensor:
        random, age = state
        _, v, d = instance.shape
        chance: torch.Tensor = random.at(age).uniform(v, d).masked_fill(~instance.allowed, -1)
        return chance.argmax(-1)


# The contract -----------------------------------------------------------------------------------------------------------


def test_a_solver_has_few_public_members() -> None:
    members = {name for name in dir(Solver) if not name.startswith("_")} | Solver.model_fields.keys() | {"name"}
    members -= set(dir(BaseModel))
    assert members >= DECLARATIONS
    # 12 of the contract as it was, ``compile``, ``advance`` and ``enumerates`` of compiled searches, ``beliefs`` for
    # pictures and ``step_flops`` for the store.
    assert len(members - DECLARATIONS) <= 17, "methods and options"
    assert len(DECLARATIONS) <= 11


def test_former_hooks_still_work_with_a_warning() -> None:
    with pytest.warns(MullDeprecationWarning, match=r"Old\.\w+ is deprecated since 0\.2") as caught:

        class Old(Uniform):
            exact: ClassVar[bool] = True
            pursues: ClassVar[bool] = True

    assert len(caught) == 2
    assert (Old.energy_is_exact, Old.optimises) == (True, "trajectory")


def test_a_solver_with_steps_has_no_run_of_its_own() -> None:
    with pytest.raises(TypeError, match="derive from WholeSolver"):
        type("Runner", (Uniform,), {"run": lambda self, problems, task: ()})


@pytest.mark.parametrize("name", ["cpsat", "auto", "localsearch", "descent"])
def test_options_of_stored_runs_that_are_gone_are_left_out(name: str) -> None:
    assert mull.solver(name, rows=None, tolerance=1e-4) == mull.solver(name)
    with pytest.warns(MullDeprecationWarning, match=r"option rows is deprecated .* use --batch"):
        assert "rows" not in mull.solver(name, rows=7).options


# Binding ----------------------------------------------------------------------------------------------------------------


class Portfolio(AbstractSolver):
    """Binds every problem to one of two solvers, or to nothing that runs."""

    name: ClassVar[str] = "portfolio"
    empty: bool = False

    def bind(self, problem: Problem) -> AbstractSolver:
        if self.empty:
            return self
        return Uniform() if problem is PAIR else mull.solver("probsat")


def test_an_answer_names_the_solver_that_its_problem_was_bound_to() -> None:
    solutions = solve([CLAUSE, PAIR, CLAUSE], Portfolio(), Task(Budget(iterations=100)))
    assert [(s.status, s.solver, s.via) for s in solutions] == [
        (Status.SOLVED, name, "portfolio") for name in ("probsat", "uniform", "probsat")
    ]


def test_a_solver_that_is_bound_to_nothing_fails() -> None:
    (solution,) = solve([CLAUSE], Portfolio(empty=True))
    assert solution.status is Status.FAILED
    assert "portfolio is bound to no Solver" in solution.detail


class Recording(WholeSolver):
    """Remembers the problems of each of its runs, and the time that they had."""

    name: ClassVar[str] = "recording"
    runs: ClassVar[list[tuple[int, float]]] = []
    family: str = ""

    def bind(self, problem: Problem) -> AbstractSolver:
        return Recording(family=problem.family)

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        self.runs.append((len(problems), task.remaining))
        yield from ((n, Solution(problem, self.name, Status.UNSOLVED)) for n, problem in enumerate(problems))


def test_equal_bound_solvers_run_together_and_share_the_time() -> None:
    problems = [load(spec, seed=n)[0] for n in range(3) for spec in ("queens:6", "sat:10:30")][:5]
    task = Task(Budget(seconds=10), started=0.0, clock=lambda: 0.0)
    found = dict(answers_of(Recording(), problems, task))
    assert Recording.runs == [(3, 6.0), (2, 10.0)]
    assert [found[n].problem for n in range(5)] == problems


# Weights ----------------------------------------------------------------------------------------------------------------


def test_a_run_reads_no_card_after_its_solver_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[object] = []
    read_card = engine_weights.read_card

    def counted(path: Any) -> Any:
        reads.append(path)
        return read_card(path)

    counts = []
    problems = boards(2)
    solve(problems, mull.solver("looped"), Task(Budget(None, iterations=1)))  # loads the net
    monkeypatch.setattr(engine_weights, "read_card", counted)
    for iterations in (2, 8):
        reads.clear()
        solve(problems, mull.solver("looped"), Task(Budget(None, iterations=iterations, restarts=1)))
        counts.append(len(reads))
    assert counts[0] == counts[1]


def test_a_bound_solver_names_its_weights_and_equals_others_of_the_same() -> None:
    one, other = (mull.solver("looped").bind(problem) for problem in boards(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one.options["weights"].endswith("looped-sudoku.safetensors")
    assert one.checkpoint == engine_weights.find("looped-sudoku").sha256
    assert one.bind(boards(1)[0]) == one


# Memory -----------------------------------------------------------------------------------------------------------------


class Narrow(Uniform):
    """Has memory for a few rows only."""

    fit: int = 8
    seen: ClassVar[list[int]] = []

    def init(self, instance: Instance, random: Random) -> Any:
        if instance.shape[0] > self.fit:
            raise MemoryError(f"{instance.shape[0]} rows")
        self.seen.append(instance.shape[0])
        return super().init(instance, random)


def chain(values: int) -> Problem:
    """Three variables that are equal: one of ``values`` squared assignments holds."""
    domains = dict.fromkeys("abc", range(values))
    return Problem(ConstraintGraph(domains, [Compare("a", "=", "b"), Compare("b", "=", "c")]))


@pytest.mark.parametrize("fit", [8, 1])
@pytest.mark.parametrize("batch", [None, 20])
def test_every_solver_goes_on_in_fewer_rows_when_memory_runs_out(fit: int, batch: int | None) -> None:
    problems = [chain(3 + n % 2) for n in range(10)]
    notices: list[str] = []
    task = Task(Budget(None, iterations=500, batch=batch), on_notice=notices.append)
    Narrow.seen.clear()
    solutions = solve(problems, Narrow(fit=fit), task)
    assert all(s.status is Status.SOLVED for s in solutions), [s.detail for s in solutions]
    assert [s.problem for s in solutions] == problems
    assert max(Narrow.seen) <= fit
    assert notices[0].startswith("out of memory: going on with ")


def test_a_batch_size_of_more_rows_than_memory_holds_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_LITERALS", 90)  # ten rows of nine literals
    Narrow.seen.clear()
    own = BatchSize(literals=9)
    monkeypatch.setattr(Narrow, "batch_size", own)
    (solution,) = solve([chain(3)], Narrow(fit=1000), Task(Budget(None, iterations=500, batch=1000)))
    assert solution.status is Status.SOLVED
    assert Narrow.seen[0] == 10


def test_several_answers_go_on_in_fewer_rows_too() -> None:
    (solution,) = solve([chain(3)], Narrow(), Task(Budget(None, iterations=100, solutions=20)))
    assert (solution.status, solution.samples) == (Status.SOLVED, 20)


def test_a_row_that_does_not_fit_alone_fails() -> None:
    first, second = solve([chain(3)] * 2, Narrow(fit=0), Task(Budget(None, iterations=5)))
    assert first.status is second.status is Status.FAILED
    assert "MemoryError" in first.detail


def test_the_copies_of_a_replay_are_not_halved() -> None:
    budget = Budget(None, iterations=500, copies=((0, 4),))
    problems = [chain(3)] * 3
    assert all(s.status.solved for s in solve(problems, Narrow(fit=4), Task(budget)))
    (solution,) = solve(problems[:1], Narrow(fit=2), Task(budget))
    assert solution.status is Status.FAILED


def test_a_share_of_the_time_leaves_the_budget_as_it_is() -> None:
    now = [0.0]
    task = Task(Budget(seconds=10), started=0.0, clock=lambda: now[0])
    part = task.share(4)
    assert (part.budget, part.remaining, task.share(20)) == (task.budget, 4.0, task)
    assert part.share(6) is part
    now[0] = 5.0
    assert part.over
    assert not task.over


def test_renamed_options_of_learned_solvers_work_with_a_warning() -> None:
    with pytest.warns(MullDeprecationWarning, match=r"option (doubt|commit) is deprecated"):
        assert mull.solver("gram", commit=0.1, doubt=0.4) == mull.solver(
            "gram", decimation_residual=0.1, undecided_share=0.4
        )


def test_unknown_options_are_still_refused() -> None:
    with pytest.raises(OptionError, match="no option 'row'"):
        mull.solver("descent", row=7)
