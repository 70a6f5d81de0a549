"""Questions to the tables as SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import Any

import sqlalchemy as sa

from .codec import unpack_trace
from .filter import Filter
from .rows import RunRow
from .schema import budget, environment, facets, origin, problem, run, solver, trace

SOLVED = ("solved", "optimal")
FEW = 200
"""Up to so many facets or origins are asked one by one for their newest runs; more are joined and sorted."""

_BUDGET = ("seconds", "iterations", "restarts", "batch", "solutions")

RUNS = (
    sa.select(
        *(c for c in run.c if c.name not in ("origin", "facets", "distinct_solutions")),
        run.c.distinct_solutions.label("distinct"),
        problem.c.digest.label("problem"),
        problem.c.size,
        origin.c.source,
        solver.c.name.label("solver"),
        solver.c.version,
        solver.c.options,
        solver.c.checkpoint,
        environment.c.host,
        environment.c.versions,
        *(facets.c[name] for name in ("family", "via", "device", "status")),
        facets.c.budget.label("budget"),
        *(budget.c[name].label(f"budget_{name}") for name in _BUDGET),
    )
    .join(origin, run.c.origin == origin.c.id)
    .join(problem, origin.c.problem == problem.c.id)
    .join(facets, run.c.facets == facets.c.id)
    .join(solver, facets.c.solver == solver.c.id)
    .join(environment, facets.c.environment == environment.c.id)
    .outerjoin(budget, facets.c.budget == budget.c.id)
)
"""All that a ``RunRow`` tells of a run in a list."""

TRACED = RUNS.outerjoin(trace, trace.c.run == run.c.id).add_columns(trace.c.points, trace.c.data)


def conditions(where: Filter) -> list[sa.ColumnElement[bool]]:
    """What holds of the runs that pass, in terms of table ``run``."""
    terms: list[sa.ColumnElement[bool]] = []
    if where.since is not None:
        terms.append(run.c.id >= where.oldest)
    if where.before is not None:
        terms.append(run.c.id < where.before)
    if (common := _facets(where)) is not None:
        terms.append(run.c.facets.in_(common))
    if where.problem is not None:
        terms.append(run.c.origin.in_(_of_problem(where.problem)))
    if where.text is not None:
        terms.append(sa.or_(run.c.origin.in_(_of_text(where.text)), _detail_has(where.text)))
    return terms


def newest(connection: sa.Connection, where: Filter, limit: int) -> list[str]:
    """The ids of the newest runs that pass, newest first.

    One condition on facets, problem or text is answered from an index alone: a plan that walks all runs from the newest
    until enough of them pass would take seconds where the matching ones are old, or none.
    """
    asked: list[tuple[sa.Column[Any], sa.Select[tuple[int]]]] = []
    if (common := _facets(where)) is not None:
        asked.append((run.c.facets, common))
    if where.problem is not None:
        asked.append((run.c.origin, _of_problem(where.problem)))
    if len(asked) == 1 and where.text is None:
        return _through(connection, *asked[0], _within(where), limit)
    if not asked and where.text is not None:
        found = _through(connection, run.c.origin, _of_text(where.text), _within(where), limit)
        told = sa.select(run.c.id).where(_detail_has(where.text), *_within(where)).order_by(run.c.id.desc())
        return nlargest(limit, {*found, *connection.scalars(told.limit(limit))})
    query = sa.select(run.c.id).where(*conditions(where)).order_by(run.c.id.desc()).limit(limit)
    return list(connection.scalars(query))


def _through(
    connection: sa.Connection,
    column: sa.Column[Any],
    keys: sa.Select[tuple[int]],
    within: Sequence[sa.ColumnElement[bool]],
    limit: int,
) -> list[str]:
    """The newest ids of runs whose ``column`` is one of ``keys``, by the index on (column, id)."""
    few = list(connection.scalars(keys.limit(FEW + 1)))
    if len(few) <= FEW:
        latest = (
            sa.select(run.c.id).where(column == sa.bindparam("key"), *within).order_by(run.c.id.desc()).limit(limit)
        )
        return nlargest(limit, (id for key in few for id in connection.scalars(latest, {"key": key})))
    made = keys.subquery()
    ids = sa.select(run.c.id).join(made, column == made.c.id).where(*within).order_by(run.c.id.desc()).limit(limit)
    return list(connection.scalars(ids))


def _within(where: Filter) -> list[sa.ColumnElement[bool]]:
    return conditions(Filter(since=where.since, before=where.before))


def _facets(where: Filter) -> sa.Select[tuple[int]] | None:
    """The facets that pass; None where the filter asks nothing of them."""
    terms: list[sa.ColumnElement[bool]] = []
    if where.family is not None:
        terms.append(facets.c.family == where.family)
    if where.solver is not None:
        terms.append(sa.or_(solver.c.name == where.solver, facets.c.via == where.solver))
    if where.status is not None:
        terms.append(facets.c.status == where.status)
    if where.device is not None:
        numbered = facets.c.device.startswith(where.device + ":", autoescape=True)
        terms.append(sa.or_(facets.c.device == where.device, numbered))
    if not terms:
        return None
    return sa.select(facets.c.id).join(solver, facets.c.solver == solver.c.id).where(*terms)


def _of_problem(wanted: str) -> sa.Select[tuple[int]]:
    start = wanted.lower()
    digest = sa.and_(problem.c.digest >= start, problem.c.digest < start + "g")  # after the last hexadecimal digit
    made = sa.select(problem.c.id).where(digest)
    return sa.select(origin.c.id).where(sa.or_(origin.c.problem.in_(made), origin.c.source == wanted))


def _of_text(text: str) -> sa.Select[tuple[int]]:
    folded = sa.func.coalesce(origin.c.folded, origin.c.source)
    return sa.select(origin.c.id).where(folded.contains(text.casefold(), autoescape=True))


def _detail_has(text: str) -> sa.ColumnElement[bool]:
    # Details are few: the first condition leaves the rest to an index of the runs that have one. SQLite's lower() knows
    # A to Z alone, so that other letters are found as they are written.
    detail = run.c.detail
    has = detail.contains(text, autoescape=True) | sa.func.lower(detail).contains(text.lower(), autoescape=True)
    return sa.and_(detail != sa.literal_column("''"), has)


def row_of(row: Mapping[str, Any]) -> RunRow:
    """A row of ``RUNS`` or ``TRACED`` as a run."""
    values = dict(row)
    limits = {name: values.pop(f"budget_{name}") for name in _BUDGET}
    copies = values.pop("copies")
    if values["budget"] is not None:
        values["budget"] = limits | {"copies": copies and json.loads(copies)}
    points, data = values.pop("points", None), values.pop("data", None)
    return RunRow(**values, trace=None if data is None else unpack_trace(data, points))
