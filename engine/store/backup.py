"""A copy of an SQLite store while others write to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from .connect import StoreError


def backup(store: Path, path: Path) -> None:
    """Copy a store's file, with what its write-ahead log holds, to a new file.

    Raises:
        StoreError: there is something at ``path`` already, or it cannot be written.
    """
    if path.exists():
        raise StoreError(f"{path} is there already", "name a new file")
    # Under another name until it is whole: a copy cut short must not look like a backup.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)  # in one go: by parts it would begin anew whenever another process writes
        os.link(unfinished, path)  # unlike a renaming never takes the place of another file
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{path} cannot be written: {reason}", "name a file elsewhere") from error
    finally:
        unfinished.unlink(missing_ok=True)
