"""Copies of an SQLite store, also while other processes write to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from .file import StoreError


def backup(store: Path, path: Path) -> None:
    """Copy a store to a new file, with the contents of its write-ahead log.

    Args:
        store: the SQLite file to copy.
        path: the new file. It must not exist.

    Raises:
        StoreError: ``path`` exists already or cannot be written.
    """
    if path.exists():
        raise StoreError(f"{path} exists already", "name a new file")
    # Under another name until it is complete: an interrupted copy must not look like a backup.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)  # in one step: a copy in parts restarts whenever another process writes
        os.link(unfinished, path)  # unlike a rename, a link never replaces another file
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(
            f"{path} cannot be written: {reason}", "name a file in a folder that you may write to"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
