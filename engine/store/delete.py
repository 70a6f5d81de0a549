"""Forgetting runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from .filter import Filter
from .query import conditions
from .schema import budget, environment, facets, problem, run, solution, solver, source, template, trace
from .write import KEYS_PER_QUERY

REFERENCES = (
    (facets, run.c.facets),
    (problem, run.c.problem),
    (source, run.c.source),
    (template, problem.c.template),
    (solver, facets.c.solver),
    (environment, facets.c.environment),
    (budget, facets.c.budget),
)
"""Tables that others refer to, and from where: those who refer go first."""


def delete(connection: sa.Connection, which: Filter | Sequence[str]) -> int:
    """Delete runs and whatever no run refers to any more; how many runs there were."""
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
    # SQL's own subquery, asked again for each table: the runs are last to go.
    for table in (trace, solution):
        connection.execute(table.delete().where(table.c.run.in_(ids)))
    return connection.execute(run.delete().where(run.c.id.in_(ids))).rowcount
