"""Runs can be repeated: by the budget of their solution, and by ``solve replay``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import mull
from conftest import call
from mull.engine import Budget, Solution, Status, Task, solve
from mull.engine.store import Filter, Store
from mull.problems import load


def again(s: Solution) -> Solution:
    """Solve the problem alone, with the budget of its run, up to the iteration where the run ended."""
    budget = replace(s.budget, seconds=None, iterations=s.iterations)
    (found,) = solve([s.problem], mull.solver(s.solver, **s.options), Task(budget, s.seed))
    return found


@pytest.mark.parametrize(("solver", "spec"), [("localsearch", "sat:200:830"), ("descent", "sat:60:250")])
def test_a_run_of_a_batch_repeats_alone(solver: str, spec: str) -> None:
    """A problem gets more copies alone, or when others of its batch are finished: its budget records them."""
    problems = [load(spec, seed=s)[0] for s in range(40)]
    solutions = solve(
        problems,
        mull.solver(solver),
        Task(Budget(seconds=60, iterations=400 if solver == "descent" else 20_000), seed=3),
    )
    grown = [s for s in solutions if s.budget.copies is not None and len(s.budget.copies) > 1]
    assert grown
    for s in (*grown[:3], solutions[0]):
        found = again(s)
        assert (found.status, found.iterations, found.assignment) == (s.status, s.iterations, s.assignment)
        assert found.budget.copies == s.budget.copies


@pytest.mark.parametrize("solver", ["localsearch", "descent", "meanfield"])
def test_a_run_padded_to_the_size_of_another_repeats_alone(solver: str) -> None:
    problems = [load(spec)[0] for spec in ("latin:4", "latin:5", "queens:8", "queens:10", "sat:30:100", "sat:50:180")]
    for s in solve(problems, mull.solver(solver), Task(Budget(iterations=60, batch=24), seed=1)):
        found = again(s)
        assert (found.status, found.iterations, found.assignment) == (s.status, s.iterations, s.assignment)


def test_a_run_with_an_objective_repeats_alone() -> None:
    """Its trajectories go on after the first answer, with the copies that it had in the batch."""
    problems = [load("maze:15x15:30", seed=s)[0] for s in range(30, 35)] + load("maze:7x9", seed=1)
    looped = mull.solver("looped", segments="6", precision="float32")
    for s in solve(problems, looped, Task(Budget(seconds=None, restarts=4, batch=8), seed=5)):
        found = again(s)
        assert s.status is Status.SOLVED
        assert (found.status, found.iterations, found.assignment) == (s.status, s.iterations, s.assignment)


# -------------------------------------------------------------------------------------------------------- solve replay


@pytest.mark.parametrize(
    "arguments",
    [
        ["queens:8", "-s", "localsearch", "--seed", "7"],
        ["sat:40:160", "-s", "descent", "-o", "rate=0.5", "-o", "noise=0.1"],
        ["sat:40:160", "-s", "meanfield", "--iterations", "3"],
        ["queens:3", "-s", "localsearch", "--limit", "300ms"],  # the time limit ends it, unsolved
        ["sudoku:4", "-s", "cpsat"],
        ["sudoku:9", "latin:6", "-s", "auto"],  # a trained net answers
        ["coloring:12:0.5", "-s", "localsearch", "--iterations", "200"],  # minimises the number of colours
        ["queens:6", "-s", "localsearch", "--solutions", "4"],
        ["queens:6", "-s", "cpsat", "--solutions", "9"],
        ["queens:3", "-s", "cpsat"],  # proved unsatisfiable
    ],
    ids=" ".join,
)
def test_a_replay_gives_the_same_result(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    call(*arguments)
    runs = Store().runs()
    for row in runs:
        capsys.readouterr()
        assert call("replay", row.id) == 0
        assert capsys.readouterr().out.startswith(f"same result: {row.status}, {row.iterations} iterations")
    repeated = Store().runs(None, Filter(text="replay of"))
    assert {row.detail.split("; ")[0] for row in repeated} == {f"replay of {row.id}" for row in runs}


@pytest.mark.parametrize("spec", ["sat:40:160", "queens:8"])
def test_runs_stored_under_the_name_localsearch_still_replay(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before probsat and tabu became solvers, a run stored the name localsearch and all four options."""
    assert call(spec, "-s", "localsearch", "--seed", "7") == 0
    options = {"rows": None, "tolerance": 1e-4, "cb": None, "tenure": 0.6, "tenure_random": 10, "patience": 2000}
    with closing(sqlite3.connect(Store().path or "")) as connection, connection:
        connection.execute("UPDATE solver SET name = 'localsearch', options = ?", (json.dumps(options),))
        connection.execute("UPDATE facets SET via = NULL")
    (row,) = Store().runs()
    assert (row.solver, row.via) == ("localsearch", None)
    capsys.readouterr()
    assert call("replay", row.id) == 0
    assert capsys.readouterr().out.startswith(f"same result: {row.status}, {row.iterations} iterations")
    assert call("history", "show", row.id) == 0
    assert f"localsearch {row.version}" in capsys.readouterr().out


def test_a_replay_lists_differences_and_possible_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:8", "-s", "localsearch") == 0
    (row,) = Store().runs()
    versions = json.dumps({**row.versions, "torch": "1.0"})
    with closing(sqlite3.connect(Store().path or "")) as connection, connection:
        connection.execute("UPDATE run SET iterations = iterations + 20, seed = seed + 1")
        connection.execute("UPDATE environment SET versions = ?, host = 'elsewhere'", (versions,))
    capsys.readouterr()
    assert call("replay", row.id, "--no-store", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["run"], found["replay"], found["same"]) == (row.id, None, False)
    assert {"what": "iterations", "then": row.iterations + 20, "now": row.iterations} in found["differences"]
    assert f"torch 1.0 then, {row.versions['torch']} now" in found["reasons"]
    assert f"host elsewhere then, {row.host} now" in found["reasons"]
    assert call("replay", row.id, "--no-store") == 1
    out = capsys.readouterr().out
    assert "of 8 values differ" in out
    assert "possible reasons:" in out
    assert len(Store().runs()) == 1


def test_a_cancelled_run_replays_up_to_its_last_step() -> None:
    problem = load("queens:3")
    stops = iter([False] * 40)
    task = Task(Budget(60, batch=4), seed=2, cancelled=lambda: next(stops, True))
    (stopped,) = solve(problem, mull.solver("localsearch"), task, store=Store())
    assert stopped.status is Status.CANCELLED
    assert call("replay", stopped.id) == 0


def test_a_replay_finds_weights_by_their_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their file may have moved; without it the run cannot be repeated."""
    assert call("sudoku:4", "-s", "looped", "--limit", "20s") in (0, 1)
    (row,) = Store().runs()
    assert row.checkpoint is not None
    with closing(sqlite3.connect(Store().path or "")) as connection, connection:
        options = json.dumps({**row.options, "weights": "/elsewhere/x.safetensors"})
        connection.execute("UPDATE solver SET options = ?", (options,))
    assert call("replay", row.id, "--no-store") == 0
    with closing(sqlite3.connect(Store().path or "")) as connection, connection:
        connection.execute("UPDATE solver SET checkpoint = ?", ("0" * 64,))
    capsys.readouterr()
    assert call("replay", row.id) == 2
    assert "no weights with sha256 000000000000 found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE solver SET name = 'gone'", "unknown solver 'gone'"),
        ("UPDATE solver SET options = '{\"nothing\": 1}'", "whose options differ"),
        ("UPDATE facets SET device = 'abacus'", "device 'abacus' is not supported"),
        ("UPDATE facets SET family = 'training'", "is a training"),
        ("UPDATE run SET id = '7' || substr(id, 2)", "no run"),
    ],
)
def test_runs_that_cannot_be_repeated_are_refused(
    change: str, message: str, capsys: pytest.CaptureFixture[str], reports_error: Callable[[str], None]
) -> None:
    assert call("queens:5", "-s", "localsearch") == 0
    (row,) = Store().runs()
    with closing(sqlite3.connect(Store().path or "")) as connection, connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(change)
    capsys.readouterr()
    assert call("replay", row.id) == 2
    reports_error(message)
    assert len(Store().runs()) == 1
