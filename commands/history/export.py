"""``solve history export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..common import Failure, store_option
from ..completion import files
from .filters import filter_options, no_runs, open_existing
from .formats import ENDINGS, FORMATS
from .output import format_of, open_output
from .trackers import TRACKERS

if TYPE_CHECKING:
    from mull.engine.store import Filter


@click.command("export")
@click.option(
    "--to",
    "target",
    shell_complete=files,
    metavar="FILE",
    help="A file, mlflow:URI or tensorboard:FOLDER (default: standard output).",
)
@click.option(
    "--format", "name", type=click.Choice(list(FORMATS)), help="By default as the file's ending says, else csv."
)
@click.option("--traces", is_flag=True, help="With each run's course.")
@filter_options
@store_option
def history_export(target: str | None, name: str | None, traces: bool, where: Filter, url: str | None) -> None:
    """Write runs to files, MLflow or TensorBoard.

    Oldest first, as CSV, JSON lines or Parquet; in CSV and Parquet what holds several values is JSON.
    """
    tracker, colon, place = (target or "").partition(":")
    tracked = TRACKERS.get(tracker) if colon and place else None
    if tracked is None and name is None:
        name = "csv" if target in (None, "-") else format_of(Path(str(target)), ENDINGS)
    elif tracked is not None and name is not None:
        raise click.UsageError(f"--format is for files, not for {tracker}")
    if name == "parquet" and target in (None, "-") and sys.stdout.isatty():
        raise Failure("Parquet is not for a terminal", "--to FILE.parquet")
    with open_existing(url) as store:
        where = store.resolved(where)
        if not store.runs(1, where):
            raise no_runs(where)
        rows = store.each(where, traces=traces or tracked is not None)
        if tracked is not None:
            count = tracked(rows, place)
        elif target in (None, "-"):
            count = FORMATS[name or "csv"](rows, sys.stdout.buffer, traces)
            sys.stdout.buffer.flush()
        else:
            with open_output(Path(str(target))) as file:
                count = FORMATS[name or "csv"](rows, file, traces)
    click.echo("1 run" if count == 1 else f"{count} runs", err=True)
