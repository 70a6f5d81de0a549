"""``solve history export``: runs as CSV, JSON lines or Parquet, or in MLflow or TensorBoard."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError
from mull.engine.status import amount
from mull.terminal import Counter

from ..common import store_option
from ..completion import files
from ..output import format_of, open_output
from .filters import filter_options, no_runs, open_existing
from .formats import FORMATS, SUFFIXES
from .trackers import TRACKERS

if TYPE_CHECKING:
    from mull.engine.store import Filter, RunRow


@click.command("export")
@click.option(
    "--to",
    "target",
    shell_complete=files,
    metavar="FILE",
    help="Target: a file, mlflow:URI or tensorboard:FOLDER (default: standard output).",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(list(FORMATS)),
    help="Format of the file (default: by its suffix, csv on standard output).",
)
@click.option("--traces", is_flag=True, help="Include the traces of the runs.")
@filter_options
@store_option
def history_export(target: str | None, name: str | None, traces: bool, where: Filter, url: str | None) -> None:
    """Export runs to a file, MLflow or TensorBoard.

    Runs are written oldest first. In CSV and Parquet, columns that hold several values contain JSON.
    """
    tracker, colon, address = (target or "").partition(":")
    to_tracker = TRACKERS.get(tracker) if colon and address else None
    if to_tracker is None and name is None:
        name = "csv" if target in (None, "-") else format_of(Path(str(target)), SUFFIXES)
    elif to_tracker is not None and name is not None:
        raise click.UsageError(f"--format applies to files only, not to {tracker}")
    if name == "parquet" and target in (None, "-") and sys.stdout.isatty():
        raise MullError("cannot print Parquet on a terminal", "write a file with --to FILE.parquet")
    with open_existing(url) as store:
        where = store.resolved(where)
        if not store.runs(1, where):  # an empty file would replace an older export
            raise no_runs(where)
        with closing(_shown(store.each(where, traces=traces or to_tracker is not None), store.count(where))) as rows:
            if to_tracker is not None:
                count = to_tracker(rows, address)
            elif target in (None, "-"):
                count = FORMATS[name or "csv"](rows, sys.stdout.buffer, traces)
                sys.stdout.buffer.flush()
            else:
                with open_output(Path(str(target))) as file:
                    count = FORMATS[name or "csv"](rows, file, traces)
    click.echo(amount(count, "runs"), err=True)


def _shown(rows: Iterable[RunRow], count: int) -> Generator[RunRow]:
    """The rows; their number is shown on a terminal while they are exported."""
    with Counter("exporting", "runs") as counter:
        for done, row in enumerate(rows):
            if done % 100 == 0:
                counter.show(done, count)
            yield row
