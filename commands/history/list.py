"""``solve history list``."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..common import json_option, open_store, store_option
from ..ids import short
from .filters import filter_options, no_runs

if TYPE_CHECKING:
    from mull.engine.store import Filter, RunRow

LEAST = 9
"""Characters that the problem gets, however narrow the terminal is."""

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
}
"""What a list can show of a run."""
USUAL = tuple(CELLS)[:9]
SORTED = {"when": "id", "problem": "source", "digest": "problem"} | {
    name: name for name in CELLS if name not in ("when", "problem", "digest", "unit")
}
"""A column as it is typed -> as the store calls it."""


class Columns(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4
    """Names of columns, by comma."""

    name = "columns"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(name.strip().lower() for name in str(value).split(","))
        for name in names:
            if name not in CELLS:
                self.fail(f"{name[:40]!r} is not a column: {', '.join(CELLS)}", param, ctx)
        return names


class SortKey(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A column, with ``-`` before its name to start from the greatest."""

    name = "column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        name = str(value).strip().lower()
        column = SORTED.get(name.removeprefix("-"))
        if column is None:
            self.fail(f"{name[:40]!r} is not a column to sort by: {', '.join(SORTED)}", param, ctx)
        return f"-{column}" if name.startswith("-") else column


@click.command("list")
@click.option("-n", "--count", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.option("--best", is_flag=True, help="Each solver's solved run of fewest iterations instead.")
@click.option("--columns", type=Columns(), metavar="A,B", help=f"Columns to print: {', '.join(CELLS)}.")
@click.option("--sort", type=SortKey(), metavar="COLUMN", help="Sort by a column; -COLUMN from the greatest.")
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

    A list goes on with --before and the last id shown. On a terminal an id is shown by its last characters, and a problem
    that is too long is cut from the left; both are whole in a pipe.
    """
    from mull.engine.store import Filter
    from mull.engine.store.history import is_there

    if best and (where != Filter() or sort is not None):
        raise click.UsageError("--best is of all runs: it takes no filter and no --sort")
    if sort is not None and where.before is not None:
        raise click.UsageError("--before is for lists by time: it does not go with --sort")
    rows: list[RunRow] = []
    if is_there(url):
        with open_store(url) as store:
            rows = store.best_per_solver() if best else store.runs(count, store.resolved(where), sort)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in lines(rows, columns or USUAL, width):
            click.echo(line)
    else:  # an empty list is an answer, no error
        none = no_runs(where)
        click.echo(f"{none}\nhint: {none.hint}", err=True)


def lines(rows: Sequence[RunRow], columns: Sequence[str], width: int | None) -> list[str]:
    """Runs as aligned lines below a header; within ``width`` characters where it is given."""
    cells = {name: ["-" if (cell := CELLS[name](row)) is None else str(cell) for row in rows] for name in columns}
    heads = {name: name for name in columns}
    if width is not None:
        if "id" in cells:
            cells["id"] = short([row.id for row in rows])
        if "when" in cells:
            now = datetime.now()
            cells["when"] = [when(row.created, now) for row in rows]
        for name, head in (("iterations", "iter."), ("seconds", "s"), ("objective", "obj."), ("violations", "viol.")):
            if name in heads:
                heads[name] = head
        if "problem" in cells:
            if _room(heads, cells, width) < LEAST and "solver" in cells:
                cells["solver"] = [row.solver for row in rows]
            room = max(LEAST, _room(heads, cells, width))
            cells["problem"] = [text if len(text) <= room else f"...{text[3 - room :]}" for text in cells["problem"]]
    widths = {name: max(len(heads[name]), *map(len, cells[name])) for name in columns}
    listed = [heads, *({name: cells[name][i] for name in columns} for i in range(len(rows)))]
    return ["  ".join(line[name].ljust(widths[name]) for name in columns).rstrip() for line in listed]


def _room(heads: dict[str, str], cells: dict[str, list[str]], width: int) -> int:
    """Characters that the other columns leave for the problem."""
    others = [max(len(heads[name]), *map(len, texts)) for name, texts in cells.items() if name != "problem"]
    return width - sum(others) - 2 * len(others)


def when(made: datetime, now: datetime) -> str:
    """A time, as short as it is clear: the hour today, the day this year, else the date."""
    if made.date() == now.date():
        return f"{made:%H:%M}"
    return f"{made:%b %d %H:%M}" if made.year == now.year else f"{made:%Y-%m-%d}"
