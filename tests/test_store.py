"""The store on SQLite and PostgreSQL: runs are written in transactions, read unchanged, deleted and copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mull
from mull.engine import Budget, Problem, Solution, Source, Status, Task, Trace, Unrecorded, solve
from mull.engine.recording import Recording
from mull.engine.store import Filter, Store, StoreError, codec
from mull.problems import load

TABLES = ("run", "trace", "solution", "problem", "template", "source", "facets", "solver", "environment", "budget")


def rows_of(store: Store) -> dict[str, int]:
    """The number of rows of each table."""
    with store._engine().connect() as connection:
        return {t: connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in TABLES}


def solved(count: int = 3, name: str = "localsearch") -> list[Solution]:
    problems = [load("sudoku:4:0.4", seed=s)[0] for s in range(count)]
    return solve(problems, mull.solver(name), Task(Budget(seconds=60, batch=16)))


def test_a_written_run_is_read_unchanged(store: Store) -> None:
    solutions = solved()
    store.write(solutions)
    rows = store.runs()
    assert [row.id for row in rows] == sorted((s.id for s in solutions), reverse=True)
    for s in solutions:
        row = store.run(s.id)
        assert (row.solver, row.status, row.iterations, row.seed) == (s.solver, str(s.status), s.iterations, s.seed)
        assert row.assignment == s.assignment
        assert row.payload == s.problem.to_json()
        assert s.trace is not None
        assert row.trace is not None
        for name in ("iteration", "energy", "violations", "residual"):
            assert np.array_equal(getattr(row.trace, name), getattr(s.trace, name))
        assert s.budget.copies is not None
        assert row.budget == {
            "seconds": 60.0,
            "iterations": None,
            "restarts": None,
            "batch": 16,
            "solutions": None,
            "seconds_each": None,
            "copies": [list(pair) for pair in s.budget.copies],
        }
    assert store.run("last").id == rows[0].id
    assert [row.solver for row in store.best_per_solver()] == ["tabu"]


def test_a_batch_is_written_whole_or_not_at_all(store: Store, runs: Any) -> None:
    some = [runs.one() for _ in range(3)]
    with pytest.raises(StoreError):
        store.write([*some, some[0]])  # the same id twice
    assert set(rows_of(store).values()) == {0}
    store.write(some)
    assert len(store.runs()) == 3


def test_unusual_texts_and_numbers_are_stored(store: Store, runs: Any) -> None:
    odd = runs.one(
        energy=float("inf"),
        seed=2**63 - 1,
        iterations=3,
        detail="NUL \0 and a lone surrogate \udcff",
        problem=runs.problem(source="Straße/\udcff " + "long " * 2000),
    )
    store.write([odd])
    row = store.run("last")
    assert (row.energy, row.seed) == (float("inf"), 2**63 - 1)
    assert "and a lone surrogate" in row.detail
    assert len(row.source) > 10_000
    assert store.runs(where=Filter(text="STRASSE"))


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=300),
    values=st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=300),
)
def test_a_packed_trace_is_read_unchanged(steps: list[int], values: list[float]) -> None:
    n = min(len(steps), len(values))
    iteration = np.cumsum(steps[:n]).astype(np.int32)
    energy = np.array(values[:n], dtype=np.float32)
    trace = Trace(iteration, energy, (iteration % 97).astype(np.int32), energy[::-1].copy())
    back = codec.unpack_trace(codec.pack_trace(trace), n)
    for name in ("iteration", "energy", "violations", "residual"):
        assert np.array_equal(getattr(back, name), getattr(trace, name))


def test_missing_and_ambiguous_ids_are_errors(store: Store, runs: Any) -> None:
    with pytest.raises(StoreError, match="no run"):
        store.run("last")
    some = [runs.one() for _ in range(3)]
    store.write(some)
    with pytest.raises(StoreError, match="several"):
        store.run(some[0].id[:3])
    with pytest.raises(StoreError, match="no run"):
        store.run("%")
    assert store.run(some[0].id.lower()).id == some[0].id


def several(name: str, count: int = 9) -> list[Solution]:
    budget = Budget(seconds=60, iterations=200, solutions=count)
    return solve(load("queens:6"), mull.solver(name), Task(budget, seed=1))


def test_several_solutions_are_read_unchanged(store: Store) -> None:
    (drawn,) = several("localsearch")
    store.write([drawn])
    row = store.run(drawn.id)
    assert row.solutions == drawn.solutions
    assert (row.samples, row.hits, row.distinct) == (drawn.samples, drawn.hits, drawn.distinct) != (None, None, None)
    assert row.accuracy == drawn.accuracy
    assert row.total is row.coverage is None
    store.write(several("cpsat"))  # counts them: now it is known what share the samples are
    assert store.run(drawn.id).total == 4
    assert store.run(drawn.id).coverage == (drawn.distinct or 0) / 4
    assert [row.total for row in store.runs()] == [4, None]


def test_solve_records_every_run(store: Store) -> None:
    problems = [load("queens:6")[0], load("sat:10:20")[0]]
    solve(problems, mull.solver("auto"), Task(Budget(seconds=60)), store=store)
    assert {(row.family, row.via) for row in store.runs()} == {("queens", "auto"), ("sat", "auto")}
    assert {row.status for row in store.runs()} == {str(Status.SOLVED)}


def test_delete_removes_rows_that_no_run_refers_to(store: Store, runs: Any) -> None:
    kept = [runs.one(), runs.one(solver="cpsat", version="2", problem=runs.problem(1))]
    other = Problem(type(runs).graph.with_constraints([]), {"c": 1}, "other", Source("else"))
    gone = [runs.one(problem=other, options={"rows": n}, budget=Budget(seconds=n)) for n in range(5)]
    store.write(kept)
    before = rows_of(store)
    store.write(gone)
    assert store.delete([gone[0].id, "0" * 26]) == 1
    assert store.delete(Filter(family="other")) == 4
    assert store.delete(Filter(family="other")) == 0
    assert rows_of(store) == before
    assert store.run(kept[0].id).payload == kept[0].problem.to_json()
    store.write(gone)  # what was deleted may come again
    assert store.count() == 7
    assert store.delete(Filter()) == 7
    assert set(rows_of(store).values()) == {0}


def test_rows_deleted_by_another_process_are_written_again(store_url: str, runs: Any) -> None:
    """A row id that a writer has read may belong to another row at its next write."""
    with Store(store_url) as writer, Store(store_url) as other:
        writer.write([runs.one(problem=runs.problem(1))])
        other.delete(Filter())
        other.write([runs.one(problem=runs.problem(2), solver="other")])
        mine = runs.one(problem=runs.problem(1))
        writer.write([mine])
        row = writer.run(mine.id)
        assert (row.problem, row.source, row.solver) == (mine.problem.digest, "row:1", "descent")


def test_each_reads_runs_in_order_with_few_in_memory(store: Store, runs: Any) -> None:
    some = [runs.one(at=1e9 + n, iterations=n + 1) for n in range(25)]
    some.append(runs.one(at=2e9, trace=None, solver="cpsat"))
    store.write(some[::-1])
    streamed = list(store.each(traces=True))
    assert [row.id for row in streamed] == [s.id for s in some]  # oldest first
    for s, row in zip(some[:-1], streamed, strict=False):
        assert row.trace is not None
        assert s.trace is not None
        assert np.array_equal(row.trace.violations, s.trace.violations)
    assert streamed[-1].trace is None
    assert all(row.trace is None for row in store.each())
    assert [row.id for row in store.each(Filter(solver="cpsat"))] == [some[-1].id]
    first = next(store.each())  # a stream that is left must not hold the store
    store.write([runs.one()])
    assert first.id == some[0].id


def test_a_backup_has_all_runs(tmp_path: Path, runs: Any) -> None:
    copy = tmp_path / "copy.db"
    with Store(str(tmp_path / "s.db")) as store:
        store.write([runs.one() for _ in range(3)])  # still in the write-ahead log
        store.backup(copy)
        store.delete(Filter())
        with pytest.raises(StoreError, match="already"):
            store.backup(copy)
        with pytest.raises(StoreError, match="cannot be written"):
            store.backup(tmp_path / "nowhere" / "copy.db")
        assert not list(tmp_path.glob("*.part"))
    with Store(str(copy)) as saved:
        assert saved.count() == 3


def test_a_store_on_a_server_has_no_backup(postgresql: str) -> None:
    with Store(postgresql) as store, pytest.raises(StoreError) as caught:
        store.backup("x")
    assert "pg_dump" in caught.value.hint


class Refusing:
    """A store that refuses the first ``times`` writes."""

    def __init__(self, times: int) -> None:
        self.times, self.kept = times, list[Solution]()

    def write(self, solutions: Sequence[Solution]) -> None:
        self.times -= 1
        if self.times >= 0:
            raise StoreError("the disk is full", "make room")
        self.kept += solutions


def test_a_store_that_refuses_writes_costs_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mull.engine.recording.FLUSH_RUNS", 1)
    problems = [load("queens:6")[0], load("sat:10:20")[0]]
    notices: list[str] = []
    task = Task(Budget(seconds=60), on_notice=notices.append)
    refusing = Refusing(2)
    with pytest.raises(Unrecorded, match="disk is full") as caught:
        solve(problems, mull.solver("localsearch"), task, store=refusing)
    assert [s.status for s in caught.value.solutions] == [Status.SOLVED] * 2
    assert caught.value.hint == "make room"
    assert len([text for text in notices if "store" in text]) == 1
    hiccup = Refusing(1)
    assert solve(problems, mull.solver("localsearch"), task, store=hiccup) == hiccup.kept  # offered again at the end


def test_a_store_that_works_again_receives_the_runs_before_the_end(monkeypatch: pytest.MonkeyPatch, runs: Any) -> None:
    now = [0.0]
    monkeypatch.setattr("mull.engine.recording.time.monotonic", lambda: now[0])
    store, notices = Refusing(2), list[str]()
    recording = Recording(store, notices.append)
    kept = []
    for seconds in (0, 2, 60, 63, 180, 184, 184, 186):  # fails at 2 and 63, then waits for 120 s
        now[0] = seconds
        recording.add(runs.one())
        kept.append(len(store.kept))
    assert kept == [0, 0, 0, 0, 0, 6, 6, 8]
    assert len(notices) == 1
    assert recording.finish() is None
