"""Fleets: several processes give the answers of one, and survive the end of a process."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleet_solvers import STEPS, Cancelled, Fatal, InlineCrew, Slow, Unloadable, small

import mull
from conftest import call, json_lines
from mull.engine import (
    AbstractSolver,
    AllDifferent,
    Budget,
    ConstraintGraph,
    MullError,
    Problem,
    Solution,
    Status,
    Task,
    solve,
)
from mull.engine.chunks import chunks
from mull.engine.fleet import Crew, Fleet, LocalCrew, WorkerEvent, dealing
from mull.engine.fleet.work import Work
from mull.engine.store import Store
from mull.problems import load

TWO = "cpu", "cpu"


def in_chunks(monkeypatch: pytest.MonkeyPatch, solver: AbstractSolver, size: int) -> AbstractSolver:
    monkeypatch.setattr(type(solver), "chunk", size)
    return solver


def facts(solutions: Sequence[Solution]) -> list[Any]:
    """What must not depend on the processes."""
    changing: dict[str, Any] = {"id": "", "seconds": 0.0, "wall": 0.0}
    return [(replace(s, **changing), s.budget, None if s.trace is None else s.trace.energy.tolist()) for s in solutions]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "crew"),
    [("cpsat", InlineCrew()), ("probsat", InlineCrew(3)), ("descent", InlineCrew()), ("auto", LocalCrew(TWO))],
)
def test_several_processes_give_the_answers_of_one(name: str, crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [*load("queens:6"), *(p for seed in range(5) for p in load("sat:20:80", seed=seed))]
    problems += [*small(5), *load("coloring:12:0.4", seed=1), Problem(ConstraintGraph({"a": (1, 2)}), {"a": 2})]
    solver = in_chunks(monkeypatch, mull.solver(name), 4)
    task = replace(STEPS, budget=Budget(None, iterations=40, batch=4))
    assert len(chunks(problems, range(len(problems)), solver, task)) > 2
    here = solve(problems, solver, task)
    there = solve(problems, solver, task, fleet=Fleet(crew))
    assert facts(there) == facts(here)
    assert all(solution.problem is problem for solution, problem in zip(there, problems, strict=True))


def test_chunks_hold_each_problem_once_and_a_small_call_is_one_chunk() -> None:
    problems = [*small(700), *load("queens:6"), *load("queens:20")]
    solver = mull.solver("minconflicts")
    groups = chunks(problems, range(len(problems)), solver, replace(STEPS, budget=Budget(batch=300)))
    assert sorted(i for group in groups for i in group) == list(range(len(problems)))
    assert max(map(len, groups)) == 300
    assert chunks(problems, range(200), solver, STEPS) == [range(200)]


def test_the_largest_chunk_is_dealt_first_and_equal_ones_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed(InlineCrew):
        def submit(self, worker: int, work: bytes) -> None:
            (state,) = Work(*pickle.loads(work)).states
            sent.append(state["givens"].get("c", len(state["graph"]["domains"])))
            super().submit(worker, work)

    sent: list[int] = []
    sizes = (5, 9, 6, 8, 7)
    problems = [problem for size in sizes for problem in load(f"queens:{size}")]
    solver = in_chunks(monkeypatch, mull.solver("cpsat"), 1)
    answers = solve(problems, solver, STEPS, fleet=Fleet(Listed()))
    assert sent == sorted(sizes, reverse=True)
    assert [len(answer.assignment or ()) for answer in answers] == list(sizes)
    sent.clear()
    solve(small(4), solver, STEPS, fleet=Fleet(Listed()))
    assert sent == [0, 1, 2, 3]


@pytest.mark.slow
def test_the_chunk_of_an_ended_process_is_solved_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    problems = small(12, once=(3,))
    solver = in_chunks(monkeypatch, Fatal(folder=str(tmp_path)), 4)
    said: list[str] = []
    answers = solve(problems, solver, replace(STEPS, on_notice=said.append), fleet=Fleet(LocalCrew(TWO)))
    assert all(answer.status is Status.SOLVED for answer in answers)
    assert len(said) == 1
    assert "SIGKILL" in said[0]


def test_a_chunk_that_ends_three_processes_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = small(12, always=(3,))
    solver = in_chunks(monkeypatch, mull.solver("cpsat"), 4)
    answers = solve(problems, solver, STEPS, fleet=Fleet(InlineCrew(fatal=True)))
    failed = [answer for answer in answers if answer.status is Status.FAILED]
    assert len(failed) == 4
    assert all("3 processes ended" in answer.detail and "by a test" in answer.detail for answer in failed)
    assert all(answer.status is Status.SOLVED for answer in answers if answer not in failed)


@pytest.mark.slow
def test_a_cancelled_call_keeps_what_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = small(12, once=(11,))
    call = Cancelled(11)
    answers = solve(
        problems,
        in_chunks(monkeypatch, Slow(), 1),
        call.task,
        on_solution=call.arrived.append,
        fleet=Fleet(LocalCrew(TWO)),
    )
    assert [answer.status for answer in answers] == [Status.SOLVED] * 11 + [Status.CANCELLED]


@pytest.mark.slow
def test_processes_that_cannot_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "MOST_LOST", 1)
    with pytest.raises(MullError, match="do not start"):
        solve(small(4), in_chunks(monkeypatch, Unloadable(), 1), STEPS, fleet=Fleet(LocalCrew(("cpu",))))


def test_a_process_is_started_three_times() -> None:
    class Broken(InlineCrew):
        starts = 0

        def restart(self, worker: int) -> None:
            self.starts += 1
            self.events.append(WorkerEvent(worker, None, "no such library"))

    crew = Broken(1)
    with pytest.raises(MullError, match="do not start: no such library"):
        solve(small(1), mull.solver("cpsat"), STEPS, fleet=Fleet(crew))
    assert crew.starts == 3
    assert crew.closed


def test_a_problem_that_cannot_be_sent_is_named() -> None:
    problem = replace(small(1)[0], tighten=lambda assignment: None)
    with pytest.raises(MullError, match="cannot be sent to another process"):
        solve([problem], mull.solver("cpsat"), STEPS, fleet=Fleet(LocalCrew(("cpu",))))


def test_a_limit_ends_a_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of a chunk ends its search; the rest of the time goes to the problems without an answer."""
    names = [f"v{i}" for i in range(9)]
    impossible = Problem(ConstraintGraph({name: range(8) for name in names}, [AllDifferent(tuple(names))]))
    solver = in_chunks(monkeypatch, mull.solver("descent"), 1)
    solve(small(1), solver, STEPS)  # imports torch, which may take longer than the limit
    crew = InlineCrew()
    answers = solve([impossible, *small(1)], solver, Task(Budget(1.0)), fleet=Fleet(crew))
    assert [answer.status for answer in answers] == [Status.UNSOLVED, Status.SOLVED]
    assert crew.closed


@pytest.mark.slow
def test_several_devices_of_a_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mull.solvers.cpsat.CpSat, "chunk", 4)
    path = tmp_path / "boards.txt"
    path.write_text("".join(f"{'.' * k}1{'.' * (15 - k)}\n" for k in range(6)))
    calls = [str(path), "queens:6", "-s", "cpsat", "--json", "--iterations", "500"]
    assert call(*calls, "--no-store") == 0
    here = json_lines(capsys.readouterr().out)
    assert call(*calls, "--device", "cpu,cpu") == 0
    there = json_lines(capsys.readouterr().out)
    kept = ("problem", "status", "assignment", "iterations")
    assert [[row[key] for key in kept] for row in there] == [[row[key] for key in kept] for row in here]
    assert {row.id for row in Store().runs(100)} == {row["id"] for row in there}
    assert call("queens:6", "--device", "cpu,cpu", "--watch") == 2
    assert "--watch" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.gpu2
@pytest.mark.parametrize("name", ["looped", "probsat"])
def test_two_cards_give_the_answers_of_one(name: str) -> None:
    problems = [p for seed in range(700) for p in load("sudoku:9" if name == "looped" else "sat:40:150", seed=seed)]
    solver = mull.solver(name)
    task = replace(STEPS, device="cuda", budget=Budget(None, iterations=200))
    here = solve(problems, solver, task)
    there = solve(problems, solver, task, fleet=Fleet(LocalCrew(("cuda:0", "cuda:1"))))
    assert len({answer.device for answer in there}) == 2
    assert [(a.status, a.assignment, a.iterations) for a in there] == [
        (a.status, a.assignment, a.iterations) for a in here
    ]
