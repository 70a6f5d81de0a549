"""Schemas: old stores are refused and upgraded with all runs; newer and foreign databases are not changed.

``tests/stores`` keeps a small database of every schema that was released, as that release wrote it. A change of the
schema needs a migration, and at the release a database here.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mull.engine.store import Filter, Store, StoreError, migrate
from mull.engine.store.connect import connect, parse
from mull.engine.store.file import HEAD
from mull.engine.store.schema import metadata

KEPT = sorted((Path(__file__).parent / "stores").glob("*.db"))
OLD = [path for path in KEPT if path.stem != HEAD]


def kept(path: Path, url: str) -> Store:
    """A store at ``url`` with the contents of a file of ``tests/stores``: a copy, or its rows on a server."""
    if "://" not in url:
        shutil.copy(path, url)
        return Store(url, check_schema=False)
    with closing(sqlite3.connect(path)) as source:
        engine = connect(parse(url))
        migrate.upgrade(engine, path.stem)
        tables = sa.MetaData()
        tables.reflect(engine)
        with engine.begin() as connection:
            for table in tables.sorted_tables:
                if table.name == "alembic_version":
                    continue
                columns = [row[1] for row in source.execute(f"PRAGMA table_info({table.name})")]
                rows = [dict(zip(columns, row, strict=True)) for row in source.execute(f"SELECT * FROM {table.name}")]
                marks = ", ".join(f":{column}" for column in columns)
                names = ", ".join(columns)
                if rows:
                    connection.execute(sa.text(f"INSERT INTO {table.name} ({names}) VALUES ({marks})"), rows)
                if "id" in columns and table.name != "run":
                    sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
                    connection.exec_driver_sql(f"SELECT setval({sequence}, (SELECT max(id) FROM {table.name}))")
        engine.dispose()
    return Store(url, check_schema=False)


def test_a_database_of_every_released_schema_exists() -> None:
    assert {path.stem for path in KEPT} == migrate.known_revisions()
    assert ScriptDirectory(str(Path(migrate.__file__).parent / "alembic")).get_heads() == [HEAD]


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_an_old_store_is_refused_with_the_upgrade_command(path: Path, store_url: str) -> None:
    with kept(path, store_url), pytest.raises(StoreError, match=f"older schema {path.stem}") as caught:
        Store(store_url)
    assert "solve history upgrade --store" in caught.value.hint


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_an_upgraded_store_has_all_runs(path: Path, store_url: str, runs: Any) -> None:
    with kept(path, store_url) as store:
        assert store.upgrade() == (path.stem, HEAD)
        assert store.upgrade() == (HEAD, HEAD)
        found = store.runs(None)
        for row in found:
            whole = store.run(row.id)
            assert whole.status == "solved"
            assert whole.assignment is not None
            assert whole.trace is not None or whole.solver == "cpsat"
            assert whole.payload is not None
            assert whole.payload["family"] == row.family
            assert set(whole.assignment) == set(whole.payload["variables"])
            assert (row.budget is None) == (path.stem < "0003")
            assert [r.id for r in store.runs(where=Filter(problem=row.source, solver=row.solver))] == [row.id]
        if path.stem >= "0002":
            assert [(r.solver, r.via, r.source, r.total) for r in found] == [
                ("descent", None, "sat:20:200", None),
                ("looped", "auto", "Puzzle.txt:1", None),
                ("localsearch", None, "queens:6", None),
                ("cpsat", None, "queens:6", 4),
            ]
            assert store.runs(1, Filter(text="puzzle"))[0].family == "sudoku"
            drawn = store.run(found[2].id)
            assert drawn.total == 4
            assert len(drawn.solutions or ()) == drawn.distinct
    with Store(store_url) as store:  # and it is written to as before
        again = runs.one()
        store.write([again])
        assert store.run("last").id == again.id
        assert store.compare(where=Filter(family="row")).summaries[0].runs == 1
        assert store.delete(Filter()) == len(found) + 1


def test_an_upgraded_store_has_the_tables_of_a_new_one(store_url: str) -> None:
    with kept(KEPT[0], store_url) as store:
        store.upgrade()
        with store._engine().connect() as connection:
            if store.path is not None:
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("revision", ["9999", "0000"])
def test_a_store_of_an_unknown_schema_is_not_changed(revision: str, tmp_path: Path, runs: Any) -> None:
    path = tmp_path / "s.db"
    with Store(str(path)) as store:
        store.write([runs.one()])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(StoreError, match=f"unknown schema {revision}") as caught:
        Store(str(path))
    assert "upgrade mull" in caught.value.hint
    with Store(str(path), check_schema=False) as store, pytest.raises(StoreError, match="unknown schema"):
        store.upgrade()
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert [other.name for other in tmp_path.iterdir()] == ["s.db"]


def test_an_unknown_schema_on_a_server_is_refused(postgresql: str) -> None:
    with Store(postgresql) as store:
        with store._engine().begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreError, match="unknown schema 9999"):
            Store(postgresql)
        with pytest.raises(StoreError, match="unknown schema 9999"):
            store.upgrade()


def test_a_database_of_another_program_is_refused(store_url: str) -> None:
    engine = connect(parse(store_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (x INTEGER)")
    engine.dispose()
    before = "://" in store_url or Path(store_url).read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store(store_url)
    with Store(store_url, check_schema=False) as store, pytest.raises(StoreError, match="another program"):
        store.upgrade()
    assert before == ("://" in store_url or Path(store_url).read_bytes())


def test_several_processes_create_one_store(store_url: str, runs: Any) -> None:
    """Each thread has a connection of its own, which is like a process to the database."""
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        with Store(store_url) as store:
            store.write([runs.one(solver=f"s{n}") for n in (number, 0)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with Store(store_url) as store:
        assert store.count() == 16
        assert len({row.version for row in store.runs(None)}) == 1


def test_several_processes_upgrade_one_store(store_url: str) -> None:
    kept(KEPT[1], store_url).close()
    start = threading.Barrier(4)

    def upgrade(_: int) -> str:
        start.wait()
        with Store(store_url, check_schema=False) as store:
            return store.upgrade()[1]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(upgrade, range(4))) == [HEAD] * 4
    with Store(store_url) as store:
        assert store.count() == 4


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE source", "INSERT INTO new_run", "DROP TABLE run", "UPDATE alembic_v"]
)
def test_a_killed_upgrade_changes_nothing(statement: str, store_url: str) -> None:
    kept(KEPT[1], store_url).close()
    code = (
        "import os, signal, sys, sqlalchemy as sa\n"
        "from mull.engine.store import Store\n"
        "@sa.event.listens_for(sa.Engine, 'after_cursor_execute')\n"
        "def kill(connection, cursor, statement, *_):\n"
        "    if statement.strip().startswith(sys.argv[2]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "Store(sys.argv[1], check_schema=False).upgrade()"
    )
    killed = subprocess.run([sys.executable, "-c", code, store_url, statement], timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    with Store(store_url, check_schema=False) as store:
        assert store.revision() == KEPT[1].stem
        assert store.upgrade() == (KEPT[1].stem, HEAD)
        assert store.count() == 4
