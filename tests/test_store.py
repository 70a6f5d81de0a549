"""The store: what goes in comes out; schemas, broken files, two writers, killed processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mull
from mull.engine import Budget, Solution, Status, Task, Trace, solve
from mull.engine.store import Filter, Store, StoreError, codec
from mull.problems import load


def solved(count: int = 3, name: str = "localsearch") -> list[Solution]:
    problems = [load("sudoku:4:0.4", seed=s)[0] for s in range(count)]
    return solve(problems, mull.solver(name), Task(Budget(seconds=60, batch=16)))


def test_round_trip(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "a" / "s.db"))
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
    assert store.run("last").id == rows[0].id
    assert [row.solver for row in store.best_per_solver()] == ["localsearch"]
    assert store.runs(where=Filter(solver="nobody")) == store.runs(where=Filter(status="failed")) == []
    assert len(store.runs(2, Filter(family="sudoku"))) == 2


def test_all_or_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s.db"))
    solutions = solved()
    with pytest.raises(StoreError):
        store.write([*solutions, solutions[0]])  # the same id twice
    assert store.runs() == []
    store.write(solutions)
    assert len(store.runs()) == 3


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=300),
    values=st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=300),
)
def test_traces_survive_exactly(steps: list[int], values: list[float]) -> None:
    n = min(len(steps), len(values))
    iteration = np.cumsum(steps[:n]).astype(np.int32)
    energy = np.array(values[:n], dtype=np.float32)
    trace = Trace(iteration, energy, (iteration % 97).astype(np.int32), energy[::-1].copy())
    back = codec.unpack_trace(codec.pack_trace(trace.iteration, trace.energy, trace.violations, trace.residual), n)
    for name in ("iteration", "energy", "violations", "residual"):
        assert np.array_equal(getattr(back, name), getattr(trace, name))


def test_missing_and_ambiguous_ids(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s.db"))
    with pytest.raises(StoreError, match="no run"):
        store.run("last")
    store.write(solved())
    with pytest.raises(StoreError, match="several"):
        store.run(store.runs()[0].id[:3])


@pytest.mark.parametrize("what", ["directory", "text", "other database", "newer", "older", "no url"])
def test_what_cannot_be_a_store(what: str, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    url = str(path)
    if what == "directory":
        path.mkdir()
    elif what == "text":
        path.write_text("I am no database, only a text of some length.")
    elif what == "no url":
        url = "nosuch://x"
    elif what == "other database":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE other (x)")
    else:
        Store(url).write(solved(1))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", ("9999" if what == "newer" else "0000",))
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert caught.value.hint


@pytest.fixture
def first_schema() -> str:
    """A database as the first schema was written, kept as a file: whoever changes the schema must migrate it."""
    kept = Path(__file__).parent / "data" / "store-0001.db"
    copy = Path(os.environ["MULL_STORE"])
    copy.write_bytes(kept.read_bytes())
    return str(copy)


def test_an_old_store_names_the_upgrade(first_schema: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(first_schema)
    assert "solve history upgrade" in caught.value.hint


def test_the_first_schema_is_still_read_and_written(first_schema: str) -> None:
    store = Store(first_schema, check_schema=False)
    assert store.upgrade() == ("0001", "0003")
    (row,) = store.runs()
    whole = store.run(row.id)
    assert whole.assignment is not None
    assert whole.solutions is whole.distinct is whole.accuracy is whole.coverage is None
    assert row.status == "solved"
    Store(first_schema).write(several("cpsat"))
    assert store.run("last").total == 4


def several(name: str, count: int = 9) -> list[Solution]:
    budget = Budget(seconds=60, iterations=200, solutions=count)
    return solve(load("queens:6"), mull.solver(name), Task(budget, seed=1))


def test_several_solutions_round_trip(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s.db"))
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


def test_two_processes_write_side_by_side(tmp_path: Path) -> None:
    url = str(tmp_path / "s.db")
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_store import *\n"
        "store = Store(sys.argv[1])\n"
        "for _ in range(5): store.write(solved(4))"
    )
    arguments = [sys.executable, "-c", code, url, str(Path(__file__).parent)]
    writers = [subprocess.Popen(arguments) for _ in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert len(Store(url).runs(None)) == 40


def test_a_killed_writer_corrupts_nothing(tmp_path: Path) -> None:
    url = str(tmp_path / "s.db")
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from dataclasses import replace\nfrom ulid import ULID\n"
        "from test_store import *\n"
        "store = Store(sys.argv[1]); runs = solved(50)\n"
        "while True:\n"
        "    store.write([replace(s, id=str(ULID())) for s in runs]); print('batch', flush=True)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, url, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    for _ in range(3):
        assert writer.stdout.readline() == "batch\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait(60)
    writer.stdout.close()
    rows = Store(url).runs(None)
    assert len(rows) >= 150
    assert len(rows) % 50 == 0
    with closing(sqlite3.connect(url)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_solving_records(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s.db"))
    problems = [load("queens:6")[0], load("sat:10:20")[0]]
    solve(problems, mull.solver("auto"), Task(Budget(seconds=60)), store=store)
    assert {(row.family, row.via) for row in store.runs()} == {("queens", "auto"), ("sat", "auto")}
    assert {row.status for row in store.runs()} == {str(Status.SOLVED)}
