"""``solve history list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mull.terminal import table

from ..common import failures, json_option, open_store, store_option
from .where import filters, nothing

if TYPE_CHECKING:
    from mull.engine.store import Filter, RunRow


@click.command("list")
@click.option("-n", "--count", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.option("--best", is_flag=True, help="Each solver's solved run of fewest iterations instead.")
@filters
@json_option
@store_option
def history_list(count: int, best: bool, where: Filter, as_json: bool, url: str | None) -> None:
    """List runs, newest first.

    A list goes on with --before and the last id shown.
    """
    with failures():
        from mull.engine.store import Filter
        from mull.engine.store.history import is_there

        if best and where != Filter():
            raise click.UsageError("--best is of all runs: it takes no filter")
        rows: list[RunRow] = []
        if is_there(url):
            with open_store(url) as store:
                rows = store.best_per_solver() if best else store.runs(count, where)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
    elif rows:
        columns = ("id", "when", "problem", "solver", "status", "iterations", "seconds")
        table(columns, [_cells(row) for row in rows])
    else:  # an empty list is an answer, no error
        none = nothing(where)
        click.echo(f"{none}\nhint: {none.hint}", err=True)


def _cells(row: RunRow) -> tuple[str, ...]:
    by = f"{row.solver} ({row.via})" if row.via else row.solver
    when = f"{row.created:%Y-%m-%d %H:%M:%S}"
    return row.id, when, row.source, by, row.status, str(row.iterations), f"{row.seconds:.2f}"
