"""Writing rows through SQLAlchemy, to any database that a store supports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from .pack import Digest, Packed, insert
from .retry import persistently
from .schema import metadata, run

KEYS_PER_QUERY = 500
"""Number of parameters in one query. Older versions of SQLite allow 999."""


def write_runs(writing: Callable[[], AbstractContextManager[sa.Connection]], packed: Sequence[Packed]) -> None:
    """Write runs in one transaction, and again with the same ids if the connection is lost.

    Args:
        writing: returns a connection in a transaction that may write.
        packed: the runs.

    Raises:
        SQLAlchemyError: the database refused the transaction; nothing was written.
    """

    def attempt(again: bool) -> None:
        with writing() as connection:
            # A lost attempt may have been committed: as a whole, or not at all.
            stored = known_ids(connection, [p.solution.id for p in packed]) if again else set()
            new = [p for p in packed if p.solution.id not in stored]
            if new:
                insert(SqlTables(connection), new)

    def attempt_beside_others(again: bool) -> None:
        try:
            attempt(again)
        except IntegrityError:
            # On a server, another process may delete a row between its look-up and its use (SQLite's lock prevents it),
            # or the server commits the lost attempt only now.
            attempt(again)

    persistently(attempt_beside_others)


def known_ids(connection: sa.Connection, ids: Collection[str]) -> set[str]:
    """The ids that are stored already.

    Args:
        connection: to the store.
        ids: of runs.
    """
    asked = list(ids)
    parts = (asked[start : start + KEYS_PER_QUERY] for start in range(0, len(asked), KEYS_PER_QUERY))
    return {id for some in parts for id in connection.scalars(sa.select(run.c.id).where(run.c.id.in_(some)))}


class SqlTables:
    """The tables of a store; see ``pack.Tables``.

    Args:
        connection: in a transaction that may write.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def ids(self, table: str, values: Mapping[Digest, Callable[[], Mapping[str, Any]]]) -> dict[Digest, int]:
        """Digest -> row id. Missing rows are inserted; only their values are computed.

        Args:
            table: its name.
            values: digest -> a function that returns the other columns.
        """
        # Rows are inserted in the order of their digests: two PostgreSQL transactions that insert the same rows in
        # different orders would wait for each other. Rows that another writer inserted first are left as they are.
        connection, columns = self._connection, metadata.tables[table].c
        known: dict[Digest, int] = {}
        digests = sorted(values)
        for start in range(0, len(digests), KEYS_PER_QUERY):
            asked = digests[start : start + KEYS_PER_QUERY]
            query = sa.select(columns.digest, columns.id).where(columns.digest.in_(asked))
            known |= {row.digest: row.id for row in connection.execute(query)}
            new = [{"digest": digest, **values[digest]()} for digest in asked if digest not in known]
            if new:
                connection.execute(_unless_present(connection, metadata.tables[table]), new)
                known |= {row.digest: row.id for row in connection.execute(query)}
        return known

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows.

        Args:
            table: its name.
            rows: column -> value.
        """
        self._connection.execute(metadata.tables[table].insert(), rows)


def _unless_present(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    from sqlalchemy.dialects import postgresql, sqlite  # the generic insert has no ON CONFLICT

    made = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    return made.on_conflict_do_nothing(index_elements=["digest"])
