"""Database engines, set up for many writers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

BUSY_MS = 30_000
"""How long a writer waits for another: a batch of a thousand runs takes a tenth of a second."""


def connect(url: sa.URL) -> sa.Engine:
    """An engine for a URL. SQLite gets a write-ahead log, so that readers never wait, and foreign keys."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions late and its own way; _begin does it
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    # IMMEDIATE: a transaction that reads first and writes later would fail where another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
