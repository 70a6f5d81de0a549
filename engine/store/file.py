"""The SQLite file of a store, and the errors of stores. This module imports no SQLAlchemy, which takes a fifth of a second."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_data_path

from .. import files
from ..errors import MullError
from .network import network_type

HEAD = "0006"
"""The Alembic revision of the tables in ``schema``."""
BUSY_SECONDS = 30
"""Longest wait for another writer. Writing a batch of a thousand runs takes a tenth of a second."""


class StoreError(MullError, RuntimeError):
    """The store cannot be used. The message has the reason, the hint what the user can do."""


def failure(url: str, reason: str) -> StoreError:
    """The error of a store that a database refused.

    Args:
        url: of the store.
        reason: the message of the database.
    """
    hint = next(hint for part, hint in _HINTS.items() if part in reason)
    return StoreError(f"{url}: {reason}", hint)


DAMAGED = "use a backup (solve history backup makes one), or save the readable data with: sqlite3 FILE .recover"
ELSEWHERE = "choose another store with --store (a merge: --into), or solve with --no-store"
ANYWAY = "MULL_STORE_ANYWAY"
"""Environment variable that permits an SQLite store on a network file system. ``--store-anyway`` sets it."""
_NETWORK = (
    "choose a local file with --store and merge it later (solve history merge), or use PostgreSQL;"
    f" --store-anyway (or {ANYWAY}=1) uses the file anyway"
)
_HINTS = {
    "malformed": DAMAGED,
    "not a database": DAMAGED,
    "disk is full": "free some disk space, or choose another store with --store",
    "connection": "check the URL's host, port, user and password, and that the server runs",
    "": ELSEWHERE,
}


def default_url() -> str:
    """The value of ``MULL_STORE``; without it, an SQLite file in the user's data directory."""
    return os.environ.get("MULL_STORE") or str(user_data_path("mull", appauthor=False) / "mull.db")


def permitted() -> bool:
    """Whether the user permits an SQLite store on a network file system."""
    return os.environ.get(ANYWAY, "0") not in ("", "0")


def is_writable(path: Path) -> bool:
    """Whether this user may write an SQLite file and its write-ahead log, which is beside it."""
    return all(os.access(needed, os.W_OK) for needed in (path, path.parent) if needed.exists())


def uri_to_read(path: Path) -> str:
    """The URI of an SQLite file that is only read."""
    # Where SQLite may write no file beside the store, it cannot read one in write-ahead mode; but then nobody writes.
    fixed = not os.access(path.absolute().parent, os.W_OK) and not Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if fixed else ''}"


def prepare(path: Path, *, reading: bool = False) -> None:
    """Check that a path can be an SQLite store, and create its folder: our messages are clearer than SQLite's.

    Args:
        path: of the file.
        reading: whether a file that exists may be one that this user cannot write.

    Raises:
        StoreError: the path is a directory, another kind of file, not writable, or on a network file system.
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
        raise StoreError(f"{error.filename}: {error.strerror}", ELSEWHERE) from None
    if head and head != b"SQLite format 3\0":
        raise StoreError(f"{path} is not an SQLite database", "choose another store with --store")
    for needed in (path, path.parent):  # the write-ahead log is beside the file
        if not (reading and path.exists()) and needed.exists() and not os.access(needed, os.W_OK):
            raise StoreError(f"{needed} is not writable", ELSEWHERE)
    if not permitted() and (kind := network_type(path)) is not None:
        raise StoreError(f"{path} is on a network file system ({kind}), where SQLite may lose runs", _NETWORK)


def set_up(connection: sqlite3.Connection) -> None:
    """Prepare a connection to a store for many writers."""
    connection.isolation_level = None  # turn off the driver's late, implicit BEGIN
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def begin_writing(cursor: sqlite3.Cursor) -> None:
    """Begin a transaction that writes, once no other process does.

    Raises:
        sqlite3.Error: another writer holds the lock for longer than ``BUSY_SECONDS``.
    """
    # IMMEDIATE: a transaction that reads first and writes later fails if another process wrote in between.
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        patiently(lambda: cursor.execute("BEGIN IMMEDIATE"))
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def patiently(execute: Callable[[], object]) -> None:
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
