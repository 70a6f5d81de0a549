"""Deletion of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from .filter import Filter
from .query import conditions
from .schema import budget, environment, problem, run, run_context, solution, solver, source, template, trace
from .write import KEYS_PER_QUERY

REFERENCES = (
    (run_context, run.c.facets),
    (problem, run.c.problem),
    (source, run.c.source),
    (template, problem.c.template),
    (solver, run_context.c.solver),
    (environment, run_context.c.environment),
    (budget, run_context.c.budget),
)
"""Tables that other tables refer to, with the column that does. A table comes before the tables it refers to."""


def delete(connection: sa.Connection, which: Filter | Sequence[str]) -> int:
    """Delete runs, and rows of other tables that no remaining run refers to.

    Args:
        connection: in a transaction that may write.
        which: a filter, or whole ids.

    Returns:
        Number of runs deleted.
    """
    if isinstance(which, Filter):
        gone = _runs(connection, sa.select(run.c.id).where(*conditions(which)))
    else:
        ids = list(which)
        batches = [ids[start : start + KEYS_PER_QUERY] for start in range(0, len(ids), KEYS_PER_QUERY)]
        gone = sum(_runs(connection, sa.select(run.c.id).where(run.c.id.in_(batch))) for batch in batches)
    for table, reference in REFERENCES if gone else ():
        used = sa.exists().where(reference == table.c.id)
        connection.execute(table.delete().where(~used))
    return gone


def _runs(connection: sa.Connection, ids: sa.Select[Any]) -> int:
    # The ids stay a subquery, which each statement evaluates; so the rows of ``run`` are deleted last.
    for table in (trace, solution):
        connection.execute(table.delete().where(table.c.run.in_(ids)))
    return connection.execute(run.delete().where(run.c.id.in_(ids))).rowcount
