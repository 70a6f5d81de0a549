"""The location of a store, and database engines that are set up for many writers."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from platformdirs import user_data_path
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .. import files
from ..errors import MullError

BUSY_SECONDS = 30
"""Longest wait for another writer. Writing a batch of a thousand runs takes a tenth of a second."""
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
CONNECT_SECONDS = 5
"""Longest wait for a server's answer."""


class StoreError(MullError, RuntimeError):
    """The store cannot be used. The message has the reason, the hint what the user can do."""


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Raise every database error as a ``StoreError``.

    Args:
        url: of the store, for the message.

    Raises:
        StoreError: the code inside raised a database error.
    """
    try:
        yield
    except SQLAlchemyError as error:
        reason = next(iter(str(getattr(error, "orig", None) or error).strip().splitlines()), type(error).__name__)
        hint = next((hint for part, hint in _HINTS.items() if part in reason), _HINTS[""])
        raise StoreError(f"{url}: {reason}", hint) from error


@contextmanager
def read_errors(url: str) -> Iterator[None]:
    """Raise every database error as a ``StoreError``, and every error of a value that cannot be decoded.

    SQLite does not notice all damage of a file: some of it shows only as invalid values.

    Args:
        url: of the store, for the message.

    Raises:
        StoreError: the code inside raised a database error, or met a damaged value.
    """
    try:
        with store_errors(url):
            yield
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(f"{url}: the stored data are damaged ({error})", _DAMAGED) from error


_DAMAGED = "use a backup (solve history backup makes one), or save the readable data with: sqlite3 FILE .recover"
_ELSEWHERE = "choose another store with --store, or store nothing with --no-store"
_HINTS = {
    "malformed": _DAMAGED,
    "not a database": _DAMAGED,
    "disk is full": "free some disk space, or choose another store with --store",
    "connection": "check the URL's host, port, user and password, and that the server runs",
    "": _ELSEWHERE,
}


def default_url() -> str:
    """The value of ``MULL_STORE``; without it, an SQLite file in the user's data directory."""
    return os.environ.get("MULL_STORE") or str(user_data_path("mull", appauthor=False) / "mull.db")


def location(url: str | None = None) -> str:
    """The location of a store as text: the path of an SQLite file, or a URL with its password hidden.

    The store is not opened.

    Args:
        url: a path or a database URL; None is the default store.

    Raises:
        StoreError: ``url`` is not a valid database URL.
    """
    parsed = parse(url)
    return str(file_of(parsed) or parsed.render_as_string())


def parse(url: str | None) -> sa.URL:
    """The database URL of a store.

    Args:
        url: a path or a database URL; None is the default store.

    Raises:
        StoreError: ``url`` is not a valid URL, or names an unsupported database.
    """
    url = url or default_url()
    if "://" not in url:  # a plain path, in which ? and % have no special meaning
        return sa.URL.create("sqlite", database=str(Path(url).expanduser().absolute()))
    try:
        parsed = sa.make_url(url)
    except (SQLAlchemyError, ValueError):
        raise StoreError(f"{url.partition('://')[0]}://… is not a valid database URL", _URLS) from None
    if parsed.drivername in ("postgresql", "postgres"):  # whatever driver this version of SQLAlchemy chooses
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in DRIVERS:
        raise StoreError(f"{parsed.drivername} is not a database that mull supports", _URLS)
    return parsed


_URLS = "give a path, sqlite:///path or postgresql://user:password@host/name"


def file_of(url: sa.URL) -> Path | None:
    """The file of an SQLite store; None for a database on a server."""
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def prepare(path: Path) -> None:
    """Check that a path can be an SQLite store, and create its folder: our messages are clearer than SQLite's.

    Raises:
        StoreError: the path is a directory, another kind of file, or not writable.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a directory", "name a file in this directory")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        head = b""
        if path.exists():
            files.check(path, sys.maxsize)
            with path.open("rb") as file:
                head = file.read(16)
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}", _ELSEWHERE) from None
    if head and head != b"SQLite format 3\0":
        raise StoreError(f"{path} is not an SQLite database", "choose another store with --store")
    for needed in (path, path.parent):  # the write-ahead log is beside the file
        if needed.exists() and not os.access(needed, os.W_OK):
            raise StoreError(f"{needed} is not writable", _ELSEWHERE)


def connect(url: sa.URL) -> sa.Engine:
    """A database engine for a URL. It connects at its first use.

    Raises:
        StoreError: the database's driver is not installed.
    """
    server = url.get_backend_name() == "postgresql"
    known = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
    try:
        # A server may restart while a solver runs, so each connection is tested before its use.
        engine = sa.create_engine(url, connect_args=known, pool_pre_ping=True) if server else sa.create_engine(url)
    except ModuleNotFoundError as error:
        hint = 'pip install "psycopg[binary]"' if server else ""
        raise StoreError(f"{url.drivername} needs the module {error.name}", hint) from None
    if not server:
        sa.event.listen(engine, "connect", _set_up)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # turn off the driver's late, implicit BEGIN; _begin does it
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def use_log(engine: sa.Engine) -> None:
    """Switch an SQLite store to a write-ahead log.

    The mode is a permanent property of the file, so call this only for files that are known to be stores.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            _patiently(lambda: cursor.execute("PRAGMA journal_mode=WAL"))
            cursor.close()


def _begin(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    # IMMEDIATE: a transaction that reads first and writes later fails if another process wrote in between.
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        _patiently(lambda: cursor.execute("BEGIN IMMEDIATE"))
    except sqlite3.Error as error:
        raise DBAPIError("BEGIN IMMEDIATE", None, error) from error
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        cursor.close()


def _patiently(execute: Callable[[], object]) -> None:
    """Retry while another writer holds the lock, for up to ``BUSY_SECONDS``."""
    # SQLite's own busy handler sleeps longer at every retry, up to a tenth of a second. Of eight writers that wrote one
    # run after another, one waited for seven seconds. Here the process that has waited longest retries most often.
    began = time.monotonic()
    while True:
        try:
            execute()
            return
        except sqlite3.OperationalError as error:
            waited = time.monotonic() - began
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited > BUSY_SECONDS:
                raise
        time.sleep(random.uniform(0.0005, 0.005) / (1 + 20 * waited))
