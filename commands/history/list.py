"""``solve history list``: runs as a table or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..common import TextType, json_option, open_store, store_option
from ..ids import short_ids
from ..tables import quantity
from .filters import filter_options, no_runs

if TYPE_CHECKING:
    from mull.engine.store import Filter, RunRow

MIN_PROBLEM_WIDTH = 9
"""Characters of the column "problem", even if the table then is wider than the terminal."""

CELLS: dict[str, Callable[[RunRow], Any]] = {
    "id": lambda row: row.id,
    "when": lambda row: f"{row.created:%Y-%m-%d %H:%M:%S}",
    "problem": lambda row: row.source,
    "solver": lambda row: f"{row.solver} ({row.via})" if row.via else row.solver,
    "status": lambda row: row.status,
    "iterations": lambda row: row.iterations,
    "seconds": lambda row: f"{row.seconds:.2f}",
    "objective": lambda row: row.objective,
    "violations": lambda row: row.violations,
    "wall": lambda row: None if row.wall is None else f"{row.wall:.2f}",
    "unit": lambda row: row.unit,
    "energy": lambda row: None if row.energy is None else f"{row.energy:.4g}",
    "family": lambda row: row.family,
    "size": lambda row: row.size,
    "seed": lambda row: row.seed,
    "device": lambda row: row.device,
    "host": lambda row: row.host,
    "version": lambda row: row.version,
    "detail": lambda row: row.detail.partition("\n")[0],
    "digest": lambda row: row.problem[:12],
    "bench": lambda row: row.bench,
    "flops": lambda row: None if row.flops is None else quantity(row.flops),
    "joules": lambda row: None if row.joules is None else quantity(row.joules),
}
"""Column -> the text or number that it shows of a run."""
DEFAULT_COLUMNS = tuple(CELLS)[:9]
SORT_COLUMNS = {"when": "id", "problem": "source", "digest": "problem"} | {
    name: name for name in CELLS if name not in ("when", "problem", "digest", "unit")
}
"""Column as the user types it -> column of the store. Ids are ULIDs, whose order is that of time."""


class Columns(TextType):
    """Names of columns, separated by commas."""

    name = "columns"

    def parse(self, text: str) -> tuple[str, ...]:
        """The names of the columns.

        Raises:
            ValueError: a name is not a column.
        """
        names = tuple(name.strip().lower() for name in text.split(","))
        for name in names:
            if name not in CELLS:
                raise ValueError(f"{name[:40]!r} is not a column: use {', '.join(CELLS)}")
        return names


class SortKey(TextType):
    """A column to sort by; ``-`` before its name sorts in descending order."""

    name = "column"

    def parse(self, text: str) -> str:
        """The column of the store to sort by, with ``-`` in front for descending order.

        Raises:
            ValueError: the name is not a column that can be sorted.
        """
        name = text.strip().lower()
        column = SORT_COLUMNS.get(name.removeprefix("-"))
        if column is None:
            raise ValueError(f"{name[:40]!r} is not a column to sort by: use {', '.join(SORT_COLUMNS)}")
        return f"-{column}" if name.startswith("-") else column


@click.command("list")
@click.option(
    "-n", "--count", type=click.IntRange(1), default=20, show_default=True, help="Number of runs, newest first."
)
@click.option("--best", is_flag=True, help="For each solver, list the solved run with the fewest iterations.")
@click.option("--columns", type=Columns(), metavar="A,B", help=f"Columns to print: {', '.join(CELLS)}.")
@click.option(
    "--sort", type=SortKey(), metavar="COLUMN", help="Sort all selected runs by a column; -COLUMN in descending order."
)
@filter_options
@json_option
@store_option
def history_list(
    count: int,
    best: bool,
    columns: tuple[str, ...] | None,
    sort: str | None,
    where: Filter,
    as_json: bool,
    url: str | None,
) -> None:
    """List runs, newest first.

    To continue a list, pass the last id to --before. On a terminal the list shows the last characters of an id, and the
    end of a long problem name. In a pipe both are complete.
    """
    from mull.engine.store import Filter
    from mull.engine.store.history import is_there

    if best and (where != Filter() or sort is not None):
        raise click.UsageError("--best covers all runs: it cannot be combined with filters or --sort")
    if sort is not None and where.before is not None:
        raise click.UsageError("--before cannot be combined with --sort, because it continues a list by time")
    rows: list[RunRow] = []
    if is_there(url):  # listing must not create a store
        with open_store(url, reading=True) as store:
            rows = store.best_per_solver() if best else store.runs(count, store.resolved(where), sort)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in format_rows(rows, columns or DEFAULT_COLUMNS, width):
            click.echo(line)
    else:  # an empty list is a valid result, so that the exit code is 0
        message = no_runs(where)
        click.echo(f"{message}\nhint: {message.hint}", err=True)


def format_rows(rows: Sequence[RunRow], columns: Sequence[str], width: int | None) -> list[str]:
    """Format runs as aligned lines below a header.

    Args:
        rows: the runs.
        columns: the names of the columns, from ``CELLS``.
        width: characters of a line on a terminal; None does not shorten anything.
    """
    cells = {name: ["-" if (cell := CELLS[name](row)) is None else str(cell) for row in rows] for name in columns}
    heads = {name: name for name in columns}
    if width is not None:
        if "id" in cells:
            cells["id"] = short_ids([row.id for row in rows])
        if "when" in cells:
            now = datetime.now()
            cells["when"] = [short_time(row.created, now) for row in rows]
        for name, head in (("iterations", "iter."), ("seconds", "s"), ("objective", "obj."), ("violations", "viol.")):
            if name in heads:
                heads[name] = head
        if "problem" in cells:
            if _problem_width(heads, cells, width) < MIN_PROBLEM_WIDTH and "solver" in cells:
                cells["solver"] = [row.solver for row in rows]
            most = max(MIN_PROBLEM_WIDTH, _problem_width(heads, cells, width))
            cells["problem"] = [text if len(text) <= most else f"...{text[3 - most :]}" for text in cells["problem"]]
    widths = {name: max(len(heads[name]), *map(len, cells[name])) for name in columns}
    listed = [heads, *({name: cells[name][i] for name in columns} for i in range(len(rows)))]
    return ["  ".join(line[name].ljust(widths[name]) for name in columns).rstrip() for line in listed]


def _problem_width(heads: dict[str, str], cells: dict[str, list[str]], width: int) -> int:
    """Characters that the other columns leave for the column "problem"."""
    others = [max(len(heads[name]), *map(len, texts)) for name, texts in cells.items() if name != "problem"]
    return width - sum(others) - 2 * len(others)


def short_time(time: datetime, now: datetime) -> str:
    """Format a time in the shortest clear form: ``22:27`` today, ``Mar 01 09:05`` this year, else ``2025-11-28``.

    Args:
        time: the time to format.
        now: the current time.
    """
    if time.date() == now.date():
        return f"{time:%H:%M}"
    return f"{time:%b %d %H:%M}" if time.year == now.year else f"{time:%Y-%m-%d}"
