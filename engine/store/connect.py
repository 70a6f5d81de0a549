"""The location of a store, and database engines that are set up for many writers."""

from __future__ import annotations

import logging
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .file import DAMAGED, StoreError, begin_writing, default_url, failure, patiently, set_up, uri_to_read

DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
CONNECT_SECONDS = 5
"""Longest wait for a server's answer."""
POOL_SIZE = 5
"""Connections that a process opens to a server at most; ``?pool_size=N`` in the URL sets another number."""
POOL_SECONDS = 120
"""Longest wait of a thread for a connection that other threads use."""


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
        raise failure(url, reason) from error


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
        raise StoreError(f"{url}: the stored data are damaged ({error})", DAMAGED) from error


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


def pool_size(url: sa.URL) -> int:
    """The connections that a process opens to a server at most.

    Args:
        url: with or without ``pool_size``.

    Raises:
        StoreError: ``pool_size`` is not a number from 1 to 1000.
    """
    text = url.query.get("pool_size", str(POOL_SIZE))
    if not (isinstance(text, str) and re.fullmatch("[0-9]{1,4}", text) and 1 <= int(text) <= 1000):
        raise StoreError(f"pool_size={text} is not a number from 1 to 1000", "write …/name?pool_size=8")
    return int(text)


def connect(url: sa.URL, *, reading: bool = False) -> sa.Engine:
    """A database engine for a URL. It connects at its first use.

    Args:
        url: of an SQLite file, or of a server, with the number of connections in ``pool_size``.
        reading: whether an SQLite file is opened to be read alone.

    Raises:
        StoreError: the database's driver is not installed, or ``pool_size`` is not a number from 1 to 1000.
    """
    server = url.get_backend_name() == "postgresql"
    known = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
    try:
        if server:
            size, url = pool_size(url), url.difference_update_query(["pool_size"])
            # A server may restart while a solver runs, so each connection is tested before its use.
            pool = {"pool_size": size, "max_overflow": 0, "pool_timeout": POOL_SECONDS, "pool_pre_ping": True}
            engine = sa.create_engine(url, connect_args=known, **pool)
            logging.getLogger("psycopg").addHandler(logging.NullHandler())  # it prints lost connections on stderr
        else:
            path = file_of(url)
            if reading and path is not None:
                file, _, query = uri_to_read(path).partition("?")
                options = dict(each.split("=") for each in query.split("&"))
                url = sa.URL.create(url.drivername, database=file, query={**options, "uri": "true"})
            engine = sa.create_engine(url)
    except ModuleNotFoundError as error:
        hint = 'pip install "psycopg[binary]"' if server else ""
        raise StoreError(f"{url.drivername} needs the module {error.name}", hint) from None
    if not server:
        sa.event.listen(engine, "connect", lambda connection, _: set_up(connection))
        sa.event.listen(engine, "begin", _begin)
    return engine


def use_log(engine: sa.Engine) -> None:
    """Switch an SQLite store to a write-ahead log.

    The mode is a permanent property of the file, so call this only for files that are known to be stores.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            patiently(lambda: cursor.execute("PRAGMA journal_mode=WAL"))
            cursor.close()


def _begin(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    cursor = connection.connection.cursor()
    try:
        begin_writing(cursor)  # type: ignore[arg-type]
    except sqlite3.Error as error:
        raise DBAPIError("BEGIN IMMEDIATE", None, error) from error
    finally:
        cursor.close()
