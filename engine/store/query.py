"""Questions to the tables as SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from heapq import nlargest
from typing import Any

import sqlalchemy as sa

from .codec import source_digest, unpack_trace
from .filter import Filter
from .rows import RunRow
from .schema import budget, environment, facets, problem, run, solver, source, trace

FEW = 200
"""Up to so many keys are asked at once for their newest runs: half a millisecond."""
RECENT = 5000
"""Among so many of the newest runs those of more keys are looked for first."""

_BUDGET = ("seconds", "iterations", "restarts", "batch", "solutions")

RUNS = (
    sa.select(
        *(c for c in run.c if c.name not in ("problem", "source", "facets", "distinct_solutions")),
        run.c.distinct_solutions.label("distinct"),
        problem.c.digest.label("problem"),
        problem.c.size,
        source.c.text.label("source"),
        solver.c.name.label("solver"),
        solver.c.version,
        solver.c.options,
        solver.c.checkpoint,
        solver.c.unit,
        environment.c.host,
        environment.c.versions,
        *(facets.c[name] for name in ("family", "via", "device", "status")),
        facets.c.budget.label("budget"),
        *(budget.c[name].label(f"budget_{name}") for name in _BUDGET),
    )
    .join(problem, run.c.problem == problem.c.id)
    .join(source, run.c.source == source.c.id)
    .join(facets, run.c.facets == facets.c.id)
    .join(solver, facets.c.solver == solver.c.id)
    .join(environment, facets.c.environment == environment.c.id)
    .outerjoin(budget, facets.c.budget == budget.c.id)
)
"""All that a ``RunRow`` tells of a run in a list."""

TRACED = RUNS.outerjoin(trace, trace.c.run == run.c.id).add_columns(trace.c.points, trace.c.data)


Keys = tuple[sa.Column[Any], sa.Select[Any]]
"""A column of ``run`` and what it may be."""


def sorted_by(column: str, limit: int | None, where: Filter) -> sa.Select[Any]:
    """The first runs that pass by a column of ``RUNS``, from the least, or from the greatest with ``-`` before its name.

    Runs without a value come last; runs alike in it stand newest first.
    """
    value = RUNS.selected_columns[column.removeprefix("-")]
    order = value.desc() if column.startswith("-") else value.asc()
    return RUNS.where(*conditions(where)).order_by(value.is_(None), order, run.c.id.desc()).limit(limit)


def ids_like(text: str) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Up to two ids that begin with a text, and up to two that end with it."""
    # ULIDs have 26 characters, of which Z is the last. (A later sign need not sort so in a server's language.)
    start = text.upper()
    begins = sa.select(run.c.id).where(run.c.id >= start, run.c.id <= start.ljust(26, "Z")).limit(2)
    return begins, sa.select(run.c.id).where(run.c.id.endswith(start, autoescape=True)).limit(2)


def conditions(where: Filter) -> list[sa.ColumnElement[bool]]:
    """What holds of the runs that pass, in terms of table ``run``."""
    terms = _bounds(where)
    for alternatives, others in _parts(where):
        terms.append(sa.or_(*(column.in_(keys) for column, keys in alternatives), *others))
    return terms


def newest(connection: sa.Connection, where: Filter, limit: int) -> list[str]:
    """The ids of the newest runs that pass, newest first.

    A plan that walks the runs from the newest until enough of them pass takes seconds where the matching ones are old, or
    none. So the choosiest part of the filter is turned into the few keys that it means, whose newest runs an index knows.
    """
    bounds, parts = _bounds(where), _parts(where)
    if not parts:
        return list(connection.scalars(_latest(bounds, limit)))
    alternatives, others = parts[0]
    rest = [sa.or_(*(column.in_(keys) for column, keys in more), *terms) for more, terms in parts[1:]]
    found = {id for keys in alternatives for id in _through(connection, keys, bounds, rest, limit)}
    for term in others:
        found.update(connection.scalars(_latest([*bounds, *rest, term], limit)))
    return nlargest(limit, found)


def _through(
    connection: sa.Connection,
    keys: Keys,
    bounds: Sequence[sa.ColumnElement[bool]],
    rest: Sequence[sa.ColumnElement[bool]],
    limit: int,
) -> list[str]:
    """The newest ids of runs whose column is one of the keys, by the index on (column, id)."""
    column, wanted = keys
    if connection.scalars(wanted.offset(FEW).limit(1)).first() is not None:
        # So many keys may be everywhere: then the newest runs have enough of them.
        floor = connection.scalars(_latest(bounds, 1).offset(RECENT)).first()
        one_of = wanted.where(wanted.selected_columns[0] == column).correlate(run).exists()  # quicker than listing all
        recent = _latest([*bounds, *rest, run.c.id > (floor or ""), one_of], limit)
        found = list(connection.scalars(recent))
        if floor is None or len(found) == limit:
            return found
    # The newest runs of all belong to the keys whose newest runs are newest, of which no more are needed than runs.
    key = wanted.subquery()
    newest_of = sa.select(sa.func.max(run.c.id)).where(column == key.c.id, *bounds, *rest).scalar_subquery()
    ranked = sa.select(key.c.id, newest_of.label("newest")).subquery()
    foremost = sa.select(ranked.c.id).where(ranked.c.newest.is_not(None)).order_by(ranked.c.newest.desc()).limit(limit)
    of_key = _latest([column == sa.bindparam("key"), *bounds, *rest], limit)
    ids = (id for key in connection.scalars(foremost).all() for id in connection.scalars(of_key, {"key": key}))
    return nlargest(limit, ids)


def _latest(terms: Sequence[sa.ColumnElement[bool]], limit: int) -> sa.Select[Any]:
    return sa.select(run.c.id).where(*terms).order_by(run.c.id.desc()).limit(limit)


def _bounds(where: Filter) -> list[sa.ColumnElement[bool]]:
    terms: list[sa.ColumnElement[bool]] = []
    if where.since is not None:
        terms.append(run.c.id >= where.oldest)
    if where.before is not None:
        terms.append(run.c.id < where.before.upper())
    return terms


def _parts(where: Filter) -> list[tuple[list[Keys], list[sa.ColumnElement[bool]]]]:
    """What a filter asks beside bounds, the choosiest first: of each part, keys or other terms of which one must hold."""
    parts: list[tuple[list[Keys], list[sa.ColumnElement[bool]]]] = []
    if where.problem is not None:
        start = where.problem.lower()
        digest = sa.and_(problem.c.digest >= start, problem.c.digest < start + "g")  # after the last hexadecimal digit
        named = sa.select(source.c.id).where(source.c.digest == source_digest(where.problem))
        if "*" in where.problem or "?" in where.problem:
            pattern = re.sub(r"[\\%_]", r"\\\g<0>", where.problem).replace("*", "%").replace("?", "_")
            like = sa.select(source.c.id).where(source.c.text.like(pattern, escape="\\"))
            parts.append(([(run.c.source, like)], []))
        else:
            parts.append(([(run.c.problem, sa.select(problem.c.id).where(digest)), (run.c.source, named)], []))
    if where.text is not None:
        folded = sa.func.coalesce(source.c.folded, source.c.text)
        has = folded.contains(where.text.casefold(), autoescape=True)
        parts.append(([(run.c.source, sa.select(source.c.id).where(has))], [_detail_has(where.text)]))
    if (common := _facets(where)) is not None:
        parts.append(([(run.c.facets, common)], []))
    return parts


def _facets(where: Filter) -> sa.Select[Any] | None:
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


def _detail_has(text: str) -> sa.ColumnElement[bool]:
    # Details are few: the first condition leaves the rest to an index of the runs that have one. SQLite's lower() knows
    # A to Z alone, so that other letters are found as they are written.
    detail = run.c.detail
    has = detail.contains(text, autoescape=True) | sa.func.lower(detail).contains(text.lower(), autoescape=True)
    return sa.and_(detail != sa.literal_column("''"), has)


def row_of(row: sa.RowMapping) -> RunRow:
    """A row of ``RUNS`` or ``TRACED`` as a run."""
    values = dict(row)
    limits = {name: values.pop(f"budget_{name}") for name in _BUDGET}
    copies = values.pop("copies")
    if values["budget"] is not None:
        values["budget"] = limits | {"copies": copies and json.loads(copies)}
    points, data = values.pop("points", None), values.pop("data", None)
    return RunRow(**values, trace=None if data is None else unpack_trace(data, points))
