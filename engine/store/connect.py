"""Where a store is, and database engines set up for many writers."""

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
"""How long a writer waits for another: a batch of a thousand runs takes a tenth of a second."""
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
CONNECT_SECONDS = 5
"""How long a server may take to answer."""


class StoreError(MullError, RuntimeError):
    """The store cannot be used: why, and what to do."""


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Database errors as StoreErrors."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = next(iter(str(getattr(error, "orig", None) or error).strip().splitlines()), type(error).__name__)
        hint = next((hint for part, hint in _HINTS.items() if part in reason), _HINTS[""])
        raise StoreError(f"{url}: {reason}", hint) from error


@contextmanager
def read_errors(url: str) -> Iterator[None]:
    """Database errors as StoreErrors, and values that are none where a file is damaged and SQLite did not see it."""
    try:
        with store_errors(url):
            yield
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(f"{url}: what is kept is damaged ({error})", _DAMAGED) from error


_DAMAGED = "go on with a backup (solve history backup makes one), or save what can be read with: sqlite3 FILE .recover"
_ELSEWHERE = "choose another store with --store, or keep nothing with --no-store"
_HINTS = {
    "malformed": _DAMAGED,
    "not a database": _DAMAGED,
    "disk is full": "make room, or choose another store with --store",
    "connection": "check the URL's host, port, user and password, and that the server runs",
    "": _ELSEWHERE,
}


def default_url() -> str:
    """``MULL_STORE``, else an SQLite file in the user's data directory."""
    return os.environ.get("MULL_STORE") or str(user_data_path("mull", appauthor=False) / "mull.db")


def location(url: str | None = None) -> str:
    """Where a store is, without opening it: the path of an SQLite file, or a URL with its password hidden.

    Raises:
        StoreError: no database URL.
    """
    parsed = parse(url)
    return str(file_of(parsed) or parsed.render_as_string())


def parse(url: str | None) -> sa.URL:
    url = url or default_url()
    if "://" not in url:  # a plain path: ? and % are signs like others
        return sa.URL.create("sqlite", database=str(Path(url).expanduser().absolute()))
    try:
        parsed = sa.make_url(url)
    except (SQLAlchemyError, ValueError):
        raise StoreError(f"{url.partition('://')[0]}://… is no database URL", _URLS) from None
    if parsed.drivername in ("postgresql", "postgres"):  # whatever driver SQLAlchemy of any version would choose
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in DRIVERS:
        raise StoreError(f"{parsed.drivername} is no database that mull can use", _URLS)
    return parsed


_URLS = "give a path, sqlite:///path or postgresql://user:password@host/name"


def file_of(url: sa.URL) -> Path | None:
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def prepare(path: Path) -> None:
    """Refuse what cannot become an SQLite file before SQLite does so in its own words."""
    if path.is_dir():
        raise StoreError(f"{path} is a directory", "name a file in it")
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
        raise StoreError(f"{path} is no SQLite database", "choose another store with --store")
    for place in (path, path.parent):  # the log lies beside the file
        if place.exists() and not os.access(place, os.W_OK):
            raise StoreError(f"{place} is not writable", _ELSEWHERE)


def connect(url: sa.URL) -> sa.Engine:
    """An engine for a URL.

    Raises:
        StoreError: the database's driver is not installed.
    """
    server = url.get_backend_name() == "postgresql"
    known = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
    try:
        # A server may be started anew while a solver works: a connection is tried before it is used.
        engine = sa.create_engine(url, connect_args=known, pool_pre_ping=True) if server else sa.create_engine(url)
    except ModuleNotFoundError as error:
        hint = 'pip install "psycopg[binary]"' if server else ""
        raise StoreError(f"{url.drivername} needs the module {error.name}", hint) from None
    if not server:
        sa.event.listen(engine, "connect", _set_up)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions late and its own way; _begin does it
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def use_log(engine: sa.Engine) -> None:
    """Let an SQLite store have its write-ahead log: for good, so that only files known to be stores are so changed."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            _patiently(lambda: cursor.execute("PRAGMA journal_mode=WAL"))
            cursor.close()


def _begin(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    # IMMEDIATE: a transaction that reads first and writes later would fail where another wrote in between.
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
    """Try again while another writer is at work.

    SQLite's own waiting sleeps longer the longer it lasts, up to a tenth of a second: of eight writers that write one run
    after another, one waited for seven seconds. Here those who have waited longest try most often.
    """
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
