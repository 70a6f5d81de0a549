"""Writers survive a server that is lost: a write is done again with the same ids, and no run is stored twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from conftest import BENCHMARKS, call, postgresql_programs
from mull.engine.store import Store, StoreError, pack, retry
from mull.engine.store.connect import POOL_SIZE, connect, parse
from mull.engine.store.merge import merge
from mull.engine.store.retry import passes, persistently


class Refusal(Exception):
    """An error of a database driver.

    Args:
        sqlstate: its code, or None.
    """

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("refused")
        self.sqlstate = sqlstate


def lost(orig: BaseException | None = None) -> DBAPIError:
    return OperationalError("COMMIT", None, orig or Refusal(None), connection_invalidated=orig is None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """The seconds that writes wait, which pass at once."""
    waited = [0.0]
    monkeypatch.setattr("mull.engine.store.retry.time.monotonic", lambda: waited[0])
    monkeypatch.setattr("mull.engine.store.retry.time.sleep", lambda seconds: waited.append(waited.pop() + seconds))
    return lambda: waited[0]


@pytest.mark.parametrize(
    ("sqlstate", "passing"),
    [
        *((state, True) for state in (None, "08006", "57P01", "57P03", "53300", "40P01")),
        *((state, False) for state in ("28P01", "53100", "42501", "23505")),
    ],
)
def test_errors_that_pass_are_those_of_a_server_that_stops_or_starts(sqlstate: str | None, passing: bool) -> None:
    assert passes(OperationalError("INSERT", None, Refusal(sqlstate))) is passing


def test_an_error_of_sqlite_does_not_pass() -> None:
    assert not passes(OperationalError("INSERT", None, Exception("database or disk is full")))


def test_work_is_done_again_until_it_succeeds(clock: Callable[[], float]) -> None:
    asked: list[bool] = []

    def work(again: bool) -> str:
        asked.append(again)
        if len(asked) < 5:
            raise lost()
        return "done"

    assert persistently(work) == "done"
    assert asked == [False, True, True, True, True]
    assert 0 < clock() < 2


def test_a_server_that_stays_away_is_an_error(clock: Callable[[], float]) -> None:
    with pytest.raises(DBAPIError):
        persistently(lambda again: (_ for _ in ()).throw(lost()))
    assert retry.RETRY_SECONDS < clock() < retry.RETRY_SECONDS + 2


def test_other_errors_are_raised_at_once(clock: Callable[[], float]) -> None:
    with pytest.raises(DBAPIError):
        persistently(lambda again: (_ for _ in ()).throw(lost(Refusal("53100"))))
    assert clock() == 0


@contextmanager
def failing(store: Store, monkeypatch: pytest.MonkeyPatch, outcomes: list[str]) -> Iterator[None]:
    """Lose the connection in the first transactions: ``before`` or ``after`` each is committed."""
    whole = store._writing

    @contextmanager
    def loses() -> Iterator[sa.Connection]:
        outcome = outcomes.pop(0) if outcomes else ""
        if outcome == "unreachable":
            raise lost(Refusal(None))
        with whole() as connection:
            yield connection
            if outcome == "before":
                raise lost()
        if outcome == "after":
            raise lost()

    with monkeypatch.context() as patch:
        patch.setattr(store, "_writing", loses)
        yield
    assert not outcomes


@pytest.mark.parametrize(
    "outcomes", [["before"], ["after"], ["unreachable", "before", "unreachable", "after"], ["after", "unreachable"]]
)
@pytest.mark.usefixtures("clock")
def test_a_write_whose_connection_is_lost_is_stored_once(
    outcomes: list[str], store: Store, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [runs.one(problem=runs.problem(n)) for n in range(6)]
    store.write([runs.one()])
    with failing(store, monkeypatch, outcomes):
        store.write(made)
    assert {row.id for row in store.runs(None)} >= {solution.id for solution in made}
    assert store.count() == 7


@pytest.mark.usefixtures("clock")
def test_an_id_that_is_stored_already_is_still_refused(store: Store, runs: Any) -> None:
    run = runs.one()
    store.write([run])
    with pytest.raises(StoreError):
        store.write([run])
    assert store.count() == 1


@pytest.mark.parametrize("outcomes", [["before"], ["after"]])
@pytest.mark.usefixtures("clock")
def test_a_merge_whose_connection_is_lost_copies_each_run_once(
    outcomes: list[str], postgresql: str, tmp_path: Path, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(str(tmp_path / "a.db")) as source:
        source.write([runs.one() for _ in range(20)])
    with Store(postgresql) as into:
        with failing(into, monkeypatch, outcomes):
            list(merge([tmp_path / "a.db"], into))
        assert into.count() == 20


def end_connections(postgresql: str) -> None:
    """End all connections to a database, as a restart of the server does."""
    engine = connect(parse(postgresql))
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
    engine.dispose()


def test_a_write_whose_server_ends_its_connection_is_stored_once(
    postgresql: str, runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends between the rows and the COMMIT."""
    ends = [True]

    def insert(tables: Any, packed: Any) -> None:
        pack.insert(tables, packed)
        if ends:
            ends.pop()
            end_connections(postgresql)

    monkeypatch.setattr("mull.engine.store.write.insert", insert)
    with Store(postgresql) as store:
        store.write([runs.one() for _ in range(5)])
        assert not ends
        assert store.count() == 5


def test_the_threads_of_a_process_share_few_connections(postgresql: str, runs: Any) -> None:
    with Store(f"{postgresql}?pool_size=2") as store:
        threads = [Thread(target=store.write, args=([runs.one()],)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.count() == 16
        assert store._engine().pool.checkedin() <= 2  # type: ignore[attr-defined]


def test_the_pool_of_a_server_is_bounded() -> None:
    pytest.importorskip("psycopg")
    for url, size in (("postgresql://u@h/d", POOL_SIZE), ("postgresql://u@h/d?pool_size=8&sslmode=require", 8)):
        engine = connect(parse(url))
        assert engine.pool.size() == size  # type: ignore[attr-defined]
        assert engine.pool._max_overflow == 0  # type: ignore[attr-defined]
        assert "pool_size" not in engine.url.query


@pytest.mark.parametrize("size", ["0", "-1", "many", "1.5", "10000"])
def test_a_wrong_size_of_the_pool_is_refused(size: str, reports_error: Callable[[str], None]) -> None:
    pytest.importorskip("psycopg")
    assert call("history", "list", "--store", f"postgresql://u@127.0.0.1:1/d?pool_size={size}") == 2
    reports_error("is not a number from 1 to 1000")


@pytest.mark.slow
def test_writers_survive_a_restart_and_a_crash_of_the_server() -> None:
    if not postgresql_programs():
        pytest.skip("PostgreSQL is not installed")
    command = [sys.executable, str(BENCHMARKS / "postgres_writers.py"), "6", "40", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert "240 rows, none twice, none lost" in done.stdout
    assert done.stderr == ""
