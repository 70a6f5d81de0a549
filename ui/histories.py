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

from .pages import filters, is_id, page, site, table_csv

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mull.engine.store import Filter, RunRow, Store

PER_PAGE = 50
PER_READ = 20_000
"""Runs that an export in an order reads at a time."""
COLUMNS = ("when", "problem", "family", "solver", "status", "iterations", "seconds", "objective", "violations")
NUMBERS = frozenset({"iterations", "seconds", "objective", "violations"})


def histories(request: Request) -> Response:
    """Runs as a table, newest first or sorted by a column.

    Raises:
        MullError: the filter is malformed, or no such column can be sorted.
    """
    where, given = filters(request)
    by = _order(request)
    after = request.query_params.get("after", "")
    if after and not (is_id(after) and len(after) == 26):
        raise MullError(f"{after[:40]!r} is not the id of a run", "start from the first page")
    rows = _runs(site(request).store, PER_PAGE + 1, where, by, after or None)
    shown = rows[:PER_PAGE]
    return page(
        request,
        "histories.html",
        rows=[{name: CELLS[name](row) for name in ("id", *COLUMNS)} for row in shown],
        columns=COLUMNS,
        numbers=NUMBERS,
        sort=request.query_params.get("sort", ""),
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
    _order(request)
    number = site(request).store.count(where)
    return HTMLResponse(f"{number:,} {'run' if number == 1 else 'runs'}")


def export(request: Request) -> Response:
    """All runs that pass a filter as CSV, in the order of the page; without an order oldest first."""
    from mull.engine.store.history import COLUMNS as ALL
    from mull.engine.store.history import record

    where, _ = filters(request)
    by, store = _order(request), site(request).store

    def rows() -> Iterator[list[Any]]:
        for row in store.each(where) if by is None else _sorted(store, where, by):
            yield list(record(row).values())

    return table_csv("runs", ALL, rows())


def _order(request: Request) -> str | None:
    """The field of ``RunRow`` by which the runs are sorted, with ``-`` if descending; None for no order.

    Raises:
        MullError: no such column can be sorted.
    """
    sort = request.query_params.get("sort", "")
    column = SORT_COLUMNS.get(sort.removeprefix("-"))
    if sort and column is None:
        raise MullError(f"{sort[:40]!r} is not a column to sort by", f"choose one of {', '.join(SORT_COLUMNS)}")
    return column and ("-" if sort.startswith("-") else "") + column


def _runs(store: Store, most: int, where: Filter, by: str | None, after: str | None) -> list[RunRow]:
    """The first runs of an order, or those behind a run; newest first without an order."""
    if by in (None, "-id"):
        return store.runs(most, replace(where, before=after))
    return store.runs(most, where, by, after)


def _sorted(store: Store, where: Filter, by: str) -> Iterator[RunRow]:
    """All runs in an order, of which some are in memory."""
    after = None
    while rows := _runs(store, PER_READ, where, by, after):
        yield from rows
        after = rows[-1].id


def _names(group: str) -> list[str]:
    from mull.engine.registry import entries

    return [entry.name for entry in entries(group)]


ROUTES = [
    Route("/", histories),
    Route("/runs/count", count),
    Route("/runs.csv", export),
]
