"""Merging of an SQLite file into a database on a server, by batched inserts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from .schema import metadata
from .write import KEYS_PER_QUERY, SqlTables

Rows = dict[int, dict[str, Any]]
"""Rows of the source by their ids there."""


def insert_rows(source: sqlite3.Connection, target: sa.Connection, after: str, end: str) -> int:
    """Copy the runs of a range of ids, and the rows they refer to, unless the target has them.

    Args:
        source: of the present schema, with ``sqlite3.Row`` as its rows.
        target: in a transaction that may write.
        after: the id before the range.
        end: the last id of the range.

    Returns:
        Number of new runs.
    """
    run = metadata.tables["run"]
    runs = {row["id"]: dict(row) for row in source.execute("SELECT * FROM run WHERE id > ? AND id <= ?", (after, end))}
    known = set(target.scalars(sa.select(run.c.id).where(run.c.id > after, run.c.id <= end)))
    new = [row for id, row in runs.items() if id not in known]
    if not new:
        return 0
    problems, contexts = (_rows(source, table, (row[table] for row in new)) for table in ("problem", "facets"))
    tables = SqlTables(target)

    def written(table: str, rows: Rows, **references: Mapping[int, int]) -> dict[int, int]:
        """Insert the rows that are missing: id in the source -> id in the target."""
        values: dict[Any, Callable[[], dict[str, Any]]] = {
            row["digest"]: partial(_values, table, row, references) for row in rows.values()
        }
        ids = tables.ids(table, values)
        return {old: ids[row["digest"]] for old, row in rows.items()}

    templates = written("template", _rows(source, "template", (row["template"] for row in problems.values())))
    parts = {
        table: written(table, _rows(source, table, (row[table] for row in contexts.values())))
        for table in ("solver", "environment", "budget")
    }
    references = {
        "problem": written("problem", problems, template=templates),
        "facets": written("facets", contexts, **parts),
        "source": written("source", _rows(source, "source", (row["source"] for row in new))),
    }
    tables.add("run", [{**row, **{name: ids[row[name]] for name, ids in references.items()}} for row in new])
    for table in ("trace", "solution"):
        found = source.execute(f"SELECT * FROM {table} WHERE run > ? AND run <= ?", (after, end))
        rows = [dict(row) for row in found if row["run"] not in known]
        if rows:
            tables.add(table, rows)
    return len(new)


def _rows(source: sqlite3.Connection, table: str, ids: Iterable[int | None]) -> Rows:
    found: Rows = {}
    wanted = sorted({id for id in ids if id is not None})
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        some = wanted[start : start + KEYS_PER_QUERY]
        marks = ", ".join("?" * len(some))
        found |= {row["id"]: dict(row) for row in source.execute(f"SELECT * FROM {table} WHERE id IN ({marks})", some)}
    return found


def _values(table: str, row: Mapping[str, Any], references: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
    """The columns of a row except its id and digest, with the target's ids and with JSON as objects."""
    values = {name: value for name, value in row.items() if name not in ("id", "digest")}
    for name, ids in references.items():
        values[name] = None if values[name] is None else ids[values[name]]
    for column in metadata.tables[table].c:
        if isinstance(column.type, sa.JSON) and isinstance(values.get(column.name), str):
            values[column.name] = json.loads(values[column.name])
    return values
