"""Merging of stores: every run once, whatever is repeated, interrupted, older or damaged."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import BENCHMARKS, call, postgresql_programs
from mull.engine import Budget, Source
from mull.engine.store import Filter, Store, StoreError, merge, merge_rows
from mull.engine.store.merge import merge as merge_into
from mull.terminal import Counter

KEPT = sorted((Path(__file__).parent / "stores").glob("*.db"))


def filled(path: Path, runs: Any, start: int, stop: int) -> Path:
    """A store with one run for each number of a range; neighbours share problems, sources, solvers and contexts."""
    with Store(str(path)) as store:
        store.write(
            [
                runs.one(
                    id=f"{n:026d}",
                    problem=replace(runs.problem(n % 16), source=Source(f"Board {n % 7}")),
                    options={"rows": n % 3},
                    via="auto" if n % 2 else None,
                    budget=Budget(seconds=float(n % 5 + 1)),
                    iterations=n + 1,
                    assignment=None if n % 4 == 3 else {"a": 1, "b": 2, "c": 3, "d": 4},
                )
                for n in range(start, stop)
            ]
        )
    return path


def small_batches(monkeypatch: pytest.MonkeyPatch, runs: int) -> None:
    for name in ("BATCH", "FILE_BATCH"):
        monkeypatch.setattr(merge, name, runs)


def contents(store: Store) -> list[dict[str, Any]]:
    return [store.run(row.id).to_json() | {"payload": store.run(row.id).payload} for row in store.runs(None)]


def merged(sources: list[Path], into: Store) -> int:
    """Merge, and return the number of new runs."""
    last = {step.source: step.added for step in merge_into(sources, into)}
    return sum(last.values())


def test_the_runs_of_all_stores_are_copied_unchanged_and_once(
    tmp_path: Path, store: Store, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 4)
    a, b = filled(tmp_path / "a.db", runs, 0, 20), filled(tmp_path / "b.db", runs, 13, 30)
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (a, b)]
    assert merged([a, b], store) == 30
    with Store(str(filled(tmp_path / "whole.db", runs, 0, 30))) as whole:
        assert contents(store) == contents(whole)
        rows = [store._engine().connect(), whole._engine().connect()]
    for table in ("problem", "template", "source", "facets", "solver", "environment", "budget", "trace", "solution"):
        one, other = (c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for c in rows)
        assert one == other, table
    for connection in rows:
        connection.close()
    assert merged([b, a], store) == 0
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in (a, b)] == sums
    store.delete(Filter(problem="Board 1"))  # and the result is a store like others
    store.write([runs.one()])


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failure_in_a_batch_undoes_the_batch_and_the_next_merge_continues(
    at: int, tmp_path: Path, store: Store, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_batches(monkeypatch, 6)
    source = filled(tmp_path / "a.db", runs, 0, 20)
    calls: list[int] = []

    def fails(work: Callable[..., int]) -> Callable[..., int]:
        def after_work(*arguments: Any, **named: Any) -> int:
            done = work(*arguments, **named)  # all rows are inserted, nothing is committed
            calls.append(done)
            if len(calls) == at:
                raise KeyboardInterrupt
            return done

        return after_work

    with monkeypatch.context() as patch:
        patch.setattr(merge, "copy_batch", fails(merge.copy_batch))
        patch.setattr(merge_rows, "insert_rows", fails(merge_rows.insert_rows))
        with pytest.raises(KeyboardInterrupt):
            merged([source], store)
    assert len(calls) == at
    assert store.count() == 6 * (at - 1)
    assert merged([source], store) == 20 - 6 * (at - 1)
    with Store(str(source)) as whole:
        assert contents(store) == contents(whole)


def test_it_stops_between_batches(tmp_path: Path, store: Store, runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 6)
    source = filled(tmp_path / "a.db", runs, 0, 20)
    assert len(list(merge_into([source], store, stopped=lambda: True))) == 1
    assert store.count() == 6


def test_stores_of_every_schema_are_merged_and_not_changed(tmp_path: Path, store: Store) -> None:
    copies = [Path(shutil.copy(path, tmp_path)) for path in KEPT]
    assert merged(copies, store) == len(store.runs(None)) > 0
    assert merged(copies, store) == 0
    for path, copy in zip(KEPT, copies, strict=True):
        assert copy.read_bytes() == path.read_bytes()
        upgraded = tmp_path / f"upgraded-{path.name}"
        shutil.copy(path, upgraded)
        with Store(str(upgraded), check_schema=False) as alone:
            alone.upgrade()
            for row in alone.runs(None):
                assert store.run(row.id).assignment == alone.run(row.id).assignment
                # The host in these files was changed by hand, which their digests do not show. The same runs are in
                # all files, but only the newest schema has their costs.
                same: dict[str, Any] = {"total": None, "trace": None, "host": ""}
                same |= {"via_options": {}, "flops": None, "joules": None}
                assert replace(store.run(row.id), **same) == replace(alone.run(row.id), **same)


def test_files_that_cannot_be_merged_are_refused_before_anything_is_written(
    tmp_path: Path, runs: Any, reports_error: Callable[[str], None]
) -> None:
    good = str(filled(tmp_path / "good.db", runs, 0, 3))
    target = str(filled(tmp_path / "target.db", runs, 0, 0))
    (tmp_path / "text.db").write_text("not a database, but long enough to be read")
    (tmp_path / "empty.db").touch()
    (tmp_path / "link.db").symlink_to(good)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE songs (title)")
    newer = filled(tmp_path / "newer.db", runs, 0, 1)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for bad, message in (
        ("missing.db", "No such file"),
        ("text.db", "is not a store"),
        ("empty.db", "is not a store"),
        ("other.db", "of another program"),
        ("newer.db", "unknown schema 9999"),
        ("link.db", "is the same file as"),
        ("target.db", "cannot be merged into itself"),
        (".", "is a directory"),
    ):
        assert call("history", "merge", good, str(tmp_path / bad), "--into", target) == 2, bad
        reports_error(message)
        with Store(target) as store:
            assert store.count() == 0, bad
    assert call("history", "merge", "postgresql://host/runs", "--into", target) == 2
    reports_error("is not a file")
    assert call("history", "merge", str(tmp_path / "text.db"), "--into", str(tmp_path / "new.db")) == 2
    reports_error("is not a store")
    assert not (tmp_path / "new.db").exists()
    assert call("history", "merge", good, "--into", "") == 2
    reports_error("--into is empty")


def test_a_run_without_its_problem_is_reported_as_damage(tmp_path: Path, runs: Any) -> None:
    source = filled(tmp_path / "a.db", runs, 0, 20)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("DELETE FROM problem WHERE id = 3")
        connection.commit()
    with Store(str(tmp_path / "into.db")) as into:
        with pytest.raises(StoreError, match="is missing"):
            merged([source], into)
        assert into.count() == 0


def test_the_command_states_what_it_added(tmp_path: Path, runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = filled(tmp_path / "a.db", runs, 0, 5), filled(tmp_path / "b.db", runs, 3, 9)
    assert call("history", "merge", str(a), str(b)) == 0  # into the user's own store
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{a}: 5 of 5 runs added" in err
    assert f"{b}: 4 of 6 runs added, 2 already stored" in err


def test_the_command_merges_into_a_file_or_a_server(
    store_url: str, tmp_path: Path, runs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = filled(tmp_path / "a.db", runs, 0, 5), filled(tmp_path / "b.db", runs, 3, 9)
    older = shutil.copy(KEPT[2], tmp_path)
    assert call("history", "merge", str(a), str(b), str(older), "--into", store_url) == 0
    assert call("history", "merge", str(b), "--into", store_url) == 0
    with Store(store_url) as into, Store(str(filled(tmp_path / "whole.db", runs, 0, 9))) as whole:
        assert contents(whole) == [row for row in contents(into) if row["id"].startswith("0000")]
        assert into.count() > 9
    err = capsys.readouterr().err
    assert "0 of 6 runs added, 6 already stored" in err
    assert "://mull:" not in err


def test_the_command_shows_its_progress(tmp_path: Path, runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 6)
    shown: list[tuple[int, int, str]] = []
    monkeypatch.setattr(Counter, "show", lambda self, done, total, text="": shown.append((done, total, text)))
    a, b = filled(tmp_path / "a.db", runs, 0, 9), filled(tmp_path / "b.db", runs, 9, 11)
    assert call("history", "merge", str(a), str(b)) == 0
    assert shown == [(6, 9, f"{a} (1 of 2)"), (9, 9, f"{a} (1 of 2)"), (2, 2, f"{b} (2 of 2)")]


def test_an_interrupted_command_keeps_its_batches_and_the_same_command_continues(
    tmp_path: Path, runs: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_batches(monkeypatch, 6)
    line = ["history", "merge", str(filled(tmp_path / "a.db", runs, 0, 20)), "--into", str(tmp_path / "into.db")]

    def interrupted(*arguments: Any) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return whole(*arguments)

    whole = merge.copy_batch
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with monkeypatch.context() as patch:
            patch.setattr(merge, "copy_batch", interrupted)
            assert call(*line) == 130
        assert "hint: the same command continues" in capsys.readouterr().err
        with Store(str(tmp_path / "into.db")) as store:
            assert store.count() == 6
        assert call(*line) == 0
        assert "14 of 20 runs added, 6 already stored" in capsys.readouterr().err
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_killed_merge_ends_like_an_undisturbed_one(database: str) -> None:
    if database == "postgresql" and not postgresql_programs():
        pytest.skip("PostgreSQL is not installed")
    line = [sys.executable, str(BENCHMARKS / "merge_kills.py"), "5", "300", database]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "5 kills in 1 merges of 904 runs" in done.stdout
