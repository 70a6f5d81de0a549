"""Queries of runs as SQL."""

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
from .schema import budget, environment, problem, run, run_context, solver, source, trace

FEW = 200
"""Largest number of keys whose newest runs are looked up at once: half a millisecond."""
RECENT = 5000
"""Number of newest runs that are searched first if there are more keys than ``FEW``."""

_BUDGET = ("seconds", "iterations", "restarts", "batch", "solutions", "seconds_each")

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
        *(run_context.c[name] for name in ("family", "via", "via_options", "device", "status", "bench")),
        run_context.c.budget.label("budget"),
        *(budget.c[name].label(f"budget_{name}") for name in _BUDGET),
    )
    .join(problem, run.c.problem == problem.c.id)
    .join(source, run.c.source == source.c.id)
    .join(run_context, run.c.facets == run_context.c.id)
    .join(solver, run_context.c.solver == solver.c.id)
    .join(environment, run_context.c.environment == environment.c.id)
    .outerjoin(budget, run_context.c.budget == budget.c.id)
)
"""The columns of a run in a list, as ``row_of`` reads them."""

_CONTEXT = (run_context, run.c.facets == run_context.c.id)
_JOINS: dict[str, tuple[tuple[sa.Table, sa.ColumnElement[bool]], ...]] = {
    problem.name: ((problem, run.c.problem == problem.c.id),),
    source.name: ((source, run.c.source == source.c.id),),
    run_context.name: (_CONTEXT,),
    solver.name: (_CONTEXT, (solver, run_context.c.solver == solver.c.id)),
    environment.name: (_CONTEXT, (environment, run_context.c.environment == environment.c.id)),
}
"""Table -> the joins that lead from a run to it."""

RUNS_WITH_TRACES = RUNS.outerjoin(trace, trace.c.run == run.c.id).add_columns(trace.c.points, trace.c.data)

Keys = tuple[sa.Column[Any], sa.Select[Any]]
"""A column of ``run``, and a query of the values that it may have."""


def sorted_by(column: str, limit: int | None, where: Filter, after: sa.RowMapping | None = None) -> sa.Select[Any]:
    """The query of the first runs that pass, sorted by a column.

    Runs without a value come last. Runs with equal values are sorted newest first.

    Args:
        column: a column of ``RUNS``; with ``-`` before its name the order is descending.
        limit: largest number of runs; None for all.
        where: which runs pass.
        after: a run as a row of ``RUNS``; only runs after it in this order pass.
    """
    name = column.removeprefix("-")
    value = RUNS.selected_columns[name]
    order = value.desc() if column.startswith("-") else value.asc()
    terms = conditions(where)
    if after is not None:
        later = sa.and_(value.is_(None), run.c.id < after["id"])
        if after[name] is not None:
            beyond = value < after[name] if column.startswith("-") else value > after[name]
            later = sa.or_(beyond, sa.and_(value == after[name], run.c.id < after["id"]), value.is_(None))
        terms.append(later)
    by = (value.is_(None), order, run.c.id.desc())
    if limit is None:
        return RUNS.where(*terms).order_by(*by)
    # All runs are sorted with the table of the column alone. The other joins are for the runs of the page.
    ids = sa.select(run.c.id).select_from(run)
    for table, condition in _JOINS.get(next(iter(value.base_columns)).table.name, ()):
        ids = ids.join(table, condition)
    return RUNS.where(run.c.id.in_(ids.where(*terms).order_by(*by).limit(limit))).order_by(*by)


def ids_like(text: str) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Two queries: of up to two ids that begin with a text, and of up to two that end with it."""
    # ULIDs have 26 characters, and Z is the greatest. (Other characters may sort differently in a server's locale.)
    start = text.upper()
    begins = sa.select(run.c.id).where(run.c.id >= start, run.c.id <= start.ljust(26, "Z")).limit(2)
    return begins, sa.select(run.c.id).where(run.c.id.endswith(start, autoescape=True)).limit(2)


def conditions(where: Filter) -> list[sa.ColumnElement[bool]]:
    """A filter as SQL conditions on table ``run``, all of which must hold."""
    terms = _bounds(where)
    for alternatives, others in _parts(where):
        terms.append(sa.or_(*(column.in_(keys) for column, keys in alternatives), *others))
    return terms


def newest(connection: sa.Connection, where: Filter, limit: int) -> list[str]:
    """The ids of the newest runs that pass, newest first.

    Args:
        connection: to the store.
        where: which runs pass.
        limit: largest number of ids.
    """
    # A scan from the newest run takes seconds if the matching runs are old or absent. So the most selective part of the
    # filter is resolved to a few keys first; an index has the newest runs of each key.
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
    """The newest ids of runs whose column has one of the keys, by the index on (column, id)."""
    column, wanted = keys
    if connection.scalars(wanted.offset(FEW).limit(1)).first() is not None:
        # So many keys may be frequent. Then the newest runs contain enough of them.
        floor = connection.scalars(_latest(bounds, 1).offset(RECENT)).first()
        one_of = (
            wanted.where(wanted.selected_columns[0] == column).correlate(run).exists()
        )  # faster than listing all keys
        recent = _latest([*bounds, *rest, run.c.id > (floor or ""), one_of], limit)
        found = list(connection.scalars(recent))
        if floor is None or len(found) == limit:
            return found
    # The newest ``limit`` runs belong to at most ``limit`` keys: those whose own newest runs are the newest.
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
    """The conditions of a filter except its bounds, the most selective first.

    Each part has keys and other terms; at least one of them must hold.
    """
    parts: list[tuple[list[Keys], list[sa.ColumnElement[bool]]]] = []
    if where.problem is not None:
        start = where.problem.lower()
        digest = sa.and_(
            problem.c.digest >= start, problem.c.digest < start + "g"
        )  # g follows the last hexadecimal digit
        named = sa.select(source.c.id).where(source.c.digest == source_digest(where.problem))
        if "*" in where.problem or "?" in where.problem:
            pattern = re.sub(r"[\\%_]", r"\\\g<0>", where.problem).replace("*", "%").replace("?", "_")
            like = sa.select(source.c.id).where(source.c.text.like(pattern, escape="\\"))
            parts.append(([(run.c.source, like)], []))
        else:
            parts.append(([(run.c.problem, sa.select(problem.c.id).where(digest)), (run.c.source, named)], []))
    if where.text is not None:
        text_casefold = sa.func.coalesce(source.c.folded, source.c.text)
        has = text_casefold.contains(where.text.casefold(), autoescape=True)
        parts.append(([(run.c.source, sa.select(source.c.id).where(has))], [_detail_has(where.text)]))
    if (context := _contexts(where)) is not None:
        parts.append(([(run.c.facets, context)], []))
    return parts


def _contexts(where: Filter) -> sa.Select[Any] | None:
    """The query of the run contexts that pass; None if the filter has no condition on them."""
    terms: list[sa.ColumnElement[bool]] = []
    if where.family is not None:
        terms.append(run_context.c.family == where.family)
    if where.solver is not None:
        terms.append(sa.or_(solver.c.name == where.solver, run_context.c.via == where.solver))
    if where.status is not None:
        terms.append(run_context.c.status == where.status)
    if where.bench is not None:
        terms.append(run_context.c.bench == where.bench)
    if where.device is not None:
        numbered = run_context.c.device.startswith(where.device + ":", autoescape=True)
        terms.append(sa.or_(run_context.c.device == where.device, numbered))
    if not terms:
        return None
    return sa.select(run_context.c.id).join(solver, run_context.c.solver == solver.c.id).where(*terms)


def _detail_has(text: str) -> sa.ColumnElement[bool]:
    # Few runs have a detail: the first condition selects them by an index. SQLite's lower() converts A to Z only, so
    # other letters must have the case of the text.
    detail = run.c.detail
    has = detail.contains(text, autoescape=True) | sa.func.lower(detail).contains(text.lower(), autoescape=True)
    return sa.and_(detail != sa.literal_column("''"), has)


def row_of(row: sa.RowMapping) -> RunRow:
    """A row of ``RUNS`` or ``RUNS_WITH_TRACES`` as a run."""
    values = dict(row)
    limits = {name: values.pop(f"budget_{name}") for name in _BUDGET}
    copies = values.pop("copies")
    values["via_options"] = json.loads(values["via_options"] or "{}")
    values["improvements"] = tuple(map(tuple, json.loads(values["improvements"] or "[]")))
    if values["budget"] is not None:
        values["budget"] = limits | {"copies": copies and json.loads(copies)}
    points, data = values.pop("points", None), values.pop("data", None)
    return RunRow(**values, trace=None if data is None else unpack_trace(data, points))
