"""Locks of files, which end with their process, so that processes can share the parts of an experiment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import MullError


class Busy(MullError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a file, which is made if it does not exist. Without file locks (Windows), nothing is locked.

    Args:
        path: the file.
        shared: whether others may hold it as well, if they share it too. A shared lock waits while another process
            holds the lock alone.

    Raises:
        Busy: another process holds it.
    """
    if sys.platform == "win32":  # it has no flock
        yield
        return
    import fcntl

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another process holds {path}", "wait for its end") from None
        except OSError:  # a file system without locks
            pass
        yield
