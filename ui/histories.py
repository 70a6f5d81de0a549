"""The page of all runs: filter, sort, and page by key, so that the millionth run is as near as the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse
from starlette.routing import Route

from mull.commands.history.list import CELLS, SORT_COLUMNS
from mull.engine.errors import MullError
from mull.engine.status import Status

from .pages import filters, page, site, table_csv

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PER_PAGE = 50
COLUMNS = ("when", "problem", "family", "solver", "status", "iterations", "seconds", "objective", "violations")
NUMBERS = frozenset({"iterations", "seconds", "objective", "violations"})


def histories(request: Request) -> Response:
    """Runs as a table, newest first or sorted by a column.

    Raises:
        MullError: the filter is malformed, or no such column can be sorted.
    """
    where, given = filters(request)
    sort = request.query_params.get("sort", "")
    after = request.query_params.get("after", "")
    column = SORT_COLUMNS.get(sort.removeprefix("-"))
    if sort and column is None:
        raise MullError(f"{sort[:40]!r} is not a column to sort by", f"choose one of {', '.join(SORT_COLUMNS)}")
    by = column and ("-" if sort.startswith("-") else "") + column
    if by in (None, "-id"):
        rows = site(request).store.runs(PER_PAGE + 1, replace(where, before=after or None))
    else:
        rows = site(request).store.runs(PER_PAGE + 1, where, by, after or None)
    shown = rows[:PER_PAGE]
    return page(
        request,
        "histories.html",
        rows=[{name: CELLS[name](row) for name in ("id", *COLUMNS)} for row in shown],
        columns=COLUMNS,
        numbers=NUMBERS,
        sort=sort,
        after=after,
        more=shown[-1].id if len(rows) > PER_PAGE else None,
        given=given,
        statuses=list(Status),
        families=_names("mull.problems"),
        solvers=_names("mull.solvers"),
    )


def count(request: Request) -> Response:
    """The number of runs that pass a filter; the page loads it after the table."""
    where, _ = filters(request)
    number = site(request).store.count(where)
    return HTMLResponse(f"{number:,} {'run' if number == 1 else 'runs'}")


def export(request: Request) -> Response:
    """All runs that pass a filter as CSV, oldest first."""
    from mull.engine.store.history import COLUMNS as ALL
    from mull.engine.store.history import record

    where, _ = filters(request)

    def rows() -> Iterator[list[Any]]:
        for row in site(request).store.each(where):
            yield list(record(row).values())

    return table_csv("runs", ALL, rows())


def _names(group: str) -> list[str]:
    from mull.engine.registry import entries

    return [entry.name for entry in entries(group)]


ROUTES = [
    Route("/", histories),
    Route("/runs/count", count),
    Route("/runs.csv", export),
]
