"""The newest runs of an SQLite store, for shell completion. This module imports no SQLAlchemy, which takes 0.2 s."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from .file import default_url

NEWEST = """
SELECT run.id, source.text, solver.name, facets.status
FROM run
JOIN source ON source.id = run.source
JOIN facets ON facets.id = run.facets
JOIN solver ON solver.id = facets.solver
ORDER BY run.id DESC LIMIT ?
"""


class Latest(NamedTuple):
    """What a list of completions states about a run.

    Args:
        id: of the run.
        source: of its problem.
        solver: its name.
        status: of the run.
    """

    id: str
    source: str
    solver: str
    status: str


def latest(url: str | None, count: int) -> list[Latest] | None:
    """The newest runs of a store, newest first.

    Args:
        url: of the store; None for the user's own.
        count: the most runs.

    Returns:
        The runs; none of a file that does not exist or that is not a store. None if the store is on a server.
    """
    where = url or default_url()
    if "://" in where:
        return None
    path = Path(where).expanduser().absolute()
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return [Latest(*row) for row in connection.execute(NEWEST, (count,))]
    except sqlite3.Error:  # a damaged file, another program's, or one that cannot be read
        return []
