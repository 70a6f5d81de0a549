"""Writes that survive a restart of a database server: what a lost connection interrupted is done again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

RETRY_SECONDS = 30.0
"""How long a write waits for a server that is lost. A restart takes seconds."""
LONGEST_PAUSE = 1.0
"""Longest pause between two attempts, in seconds."""

TRANSIENT = ("08", "40001", "40P01", "53300", "57P01", "57P02", "57P03")
"""Beginnings of the SQLSTATEs of errors that pass: connection exceptions, serialisation failure, deadlock, too many
connections, and a server that stops, crashed or starts (PostgreSQL's manual, appendix A)."""

Result = TypeVar("Result")


def passes(error: DBAPIError) -> bool:
    """Whether a database error is of a kind that passes: a lost connection, a server that starts, a deadlock.

    Args:
        error: as SQLAlchemy raised it.
    """
    # Errors of psycopg have a SQLSTATE; it is None where the server could not be reached. Errors of SQLite have none.
    state = getattr(error.orig, "sqlstate", "")
    return error.connection_invalidated or state is None or state.startswith(TRANSIENT)


def persistently(work: Callable[[bool], Result]) -> Result:
    """Call a function until the server answers, for up to ``RETRY_SECONDS``.

    Args:
        work: a transaction. Its argument is whether an earlier attempt may have been committed: the answer to a COMMIT
            may be lost on its way.

    Returns:
        What ``work`` returned.

    Raises:
        DBAPIError: the error does not pass, or the server did not come back.
    """
    began = time.monotonic()
    pause = 0.05
    again = False
    while True:
        try:
            return work(again)
        except DBAPIError as error:
            if not passes(error) or time.monotonic() - began > RETRY_SECONDS:
                raise
        again = True
        time.sleep(pause * random.uniform(0.5, 1))  # not all writers at the same moment
        pause = min(LONGEST_PAUSE, 1.5 * pause)
