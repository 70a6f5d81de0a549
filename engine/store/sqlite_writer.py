"""Writing runs to an SQLite store without SQLAlchemy, whose import takes longer than solving a small problem."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import pack
from .file import HEAD, StoreError, begin_writing, default_url, failure, prepare, set_up

if TYPE_CHECKING:
    from ..solution import Solution
    from .pack import Digest
    from .store import Store


def open_for_writing(url: str | None = None) -> Store | SqliteWriter:
    """A store that only receives runs. It is created if it does not exist.

    Args:
        url: as of ``Store``.

    Returns:
        A ``SqliteWriter`` for an SQLite file with the present tables, else a ``Store``.

    Raises:
        StoreError: the store cannot be opened or created, or has another schema.
    """
    url = url or default_url()
    path = Path(url).expanduser().absolute()
    if "://" not in url and path.is_file():
        prepare(path)
        writer = SqliteWriter(path)
        if writer.is_current():
            return writer
    from .store import Store

    return Store(url)


class SqliteWriter:
    """An SQLite store of the present schema that receives runs.

    Each write opens a connection of its own, so that threads and forks need no care.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open between two writes."""

    def is_current(self) -> bool:
        """Whether the file has the present tables, in write-ahead mode. A file that SQLite cannot read has not."""
        try:
            with closing(self._connect()) as connection:
                tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'run'").fetchone()[0]
                (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
                return bool(tables) and mode == "wal" and _revision(connection) == HEAD
        except sqlite3.Error:
            return False  # ``Store`` finds out what is wrong

    def write(self, solutions: Sequence[Solution], bench: str | None = None) -> None:
        """Store runs in one transaction: all of them, or none.

        Args:
            solutions: the runs. Each ``Solution.id`` must be new.
            bench: name of the bench that they belong to, or None.

        Raises:
            StoreError: the database refused the transaction; nothing was written.
        """
        packed = [pack.pack(s, bench) for s in solutions]  # half of the time, before the database is locked
        with self._transaction() as cursor:
            if _revision(cursor) != HEAD:
                raise StoreError(f"{self.path} has another schema since it was opened", "start the program again")
            pack.insert(_Tables(cursor), packed)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True)  # a file that was deleted stays deleted

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        try:
            with closing(self._connect()) as connection:
                set_up(connection)
                with closing(connection.cursor()) as cursor:
                    begin_writing(cursor)
                    try:
                        yield cursor
                    except BaseException:
                        cursor.execute("ROLLBACK")
                        raise
                    cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise failure(str(self.path), str(error) or type(error).__name__) from error


class _Tables:
    """The tables in a transaction; see ``pack.Tables``."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def ids(self, table: str, values: Mapping[Digest, Callable[[], Mapping[str, Any]]]) -> dict[Digest, int]:
        known: dict[Digest, int] = {}
        query = f'SELECT id FROM "{table}" WHERE digest = ?'
        for digest in sorted(values):
            found = self._cursor.execute(query, (digest,)).fetchone()
            if found is None:
                self.add(table, [{"digest": digest, **values[digest]()}])
                found = self._cursor.execute(query, (digest,)).fetchone()
            known[digest] = found[0]
        return known

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = list(rows[0])
        names, places = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        values = [[_plain(row[name]) for name in columns] for row in rows]
        self._cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', values)


def _plain(value: Any) -> Any:
    """A value for SQLite; a mapping, of a column of type JSON, as text."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def _revision(connection: sqlite3.Connection | sqlite3.Cursor) -> str | None:
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])
