"""Where a store is, and database engines set up for many writers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from platformdirs import user_data_path
from sqlalchemy.exc import SQLAlchemyError

BUSY_MS = 30_000
"""How long a writer waits for another: a batch of a thousand runs takes a tenth of a second."""


class StoreError(RuntimeError):
    """The store cannot be used: why, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@contextmanager
def told(url: str) -> Iterator[None]:
    """Database errors as StoreErrors."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = next(iter(str(getattr(error, "orig", None) or error).strip().splitlines()), type(error).__name__)
        hint = next((hint for part, hint in _HINTS.items() if part in reason), _HINTS[""])
        raise StoreError(f"{url}: {reason}", hint) from error


_HINTS = {
    "malformed": "the file is damaged: go on with a backup (solve history backup makes one), or save what can be read "
    "with: sqlite3 FILE .recover",
    "not a database": "the file is damaged: go on with a backup, or choose another store with --store",
    "disk is full": "make room, or choose another store with --store",
    "connection": "check the URL's host, port, user and password, and that the server runs",
    "": "choose another store with --store, or keep nothing with --no-store",
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
    if "://" not in url:
        url = f"sqlite:///{Path(url).expanduser().absolute()}"
    try:
        return sa.make_url(url)
    except SQLAlchemyError:
        raise StoreError(
            f"{url!r} is no database URL", "give a path, sqlite:///path or postgresql+psycopg://…"
        ) from None


def file_of(url: sa.URL) -> Path | None:
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def prepare(path: Path) -> None:
    """Refuse what cannot become an SQLite file before SQLite does so in its own words."""
    if path.is_dir():
        raise StoreError(f"{path} is a directory", "name a file in it")
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{path.parent} cannot be made: {error.strerror}", "choose another store with --store"
            ) from None
    elif not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise StoreError(f"{path} is not writable", "choose another with --store, or keep nothing with --no-store")
    elif path.stat().st_size:
        with path.open("rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                raise StoreError(f"{path} is no SQLite database", "choose another store with --store")


def connect(url: sa.URL) -> sa.Engine:
    """An engine for a URL. SQLite gets a write-ahead log, so that readers never wait, and foreign keys.

    Raises:
        StoreError: the database's driver is not installed.
    """
    try:
        engine = sa.create_engine(url)
    except ModuleNotFoundError as error:
        extra = 'pip install "mull[postgresql]"' if url.get_backend_name() == "postgresql" else ""
        raise StoreError(f"{url.drivername} needs the module {error.name}", extra) from None
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
