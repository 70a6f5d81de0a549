"""``solve history delete``, ``backup``, ``path`` and ``upgrade``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError
from mull.engine.status import amount
from mull.terminal import Working

from .. import completion
from ..common import store_option
from .filters import filter_options, no_runs, open_existing

if TYPE_CHECKING:
    from mull.engine.store import Filter


@click.command("delete")
@click.argument("ids", metavar="[ID...]", nargs=-1, shell_complete=completion.ids)
@click.option("--all", "every", is_flag=True, help="Delete every run.")
@click.option("-y", "--yes", is_flag=True, help="Delete without asking for confirmation.")
@filter_options
@store_option
def history_delete(ids: Sequence[str], every: bool, yes: bool, where: Filter, url: str | None) -> None:
    """Delete runs with their traces and answers.

    Name the runs by their ids, select them with filters, or give --all. The first or last characters of an id are enough.
    """
    from mull.engine.store import Filter

    if [bool(ids), every, where != Filter()].count(True) != 1:
        raise click.UsageError("delete takes either ids, or filters, or --all")
    with open_existing(url, reading=False) as store:
        where = store.resolved(where)
        # All ids are resolved first: if one is unknown, nothing is deleted.
        selected = [store.run(run_id).id for run_id in dict.fromkeys(ids)] if ids else where
        count = len(set(selected)) if isinstance(selected, list) else store.count(selected)
        if not count:
            raise no_runs(where)
        runs = amount(count, "runs")
        if not yes:
            if not sys.stdin.isatty():
                raise MullError(
                    f"cannot ask whether to delete {runs}: the input is not a terminal", "--yes deletes without asking"
                )
            click.confirm(f"Delete {runs} from {store.path or store.url}?", abort=True, err=True)
        with Working("deleting"):
            count = store.delete(selected)
    click.echo(f"deleted {amount(count, 'runs')}", err=True)


@click.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@store_option
def history_backup(path: Path, url: str | None) -> None:
    """Copy the store to a new file.

    Other programs may write to the store during the copy.
    """
    with open_existing(url) as store, Working("copying"):
        store.backup(path)
    click.echo(f"copied to {path}", err=True)


@click.command("path")
@store_option
def history_path(url: str | None) -> None:
    """Print the path or URL of the store."""
    from mull.engine.store import location

    click.echo(location(url))


@click.command("upgrade")
@store_option
def history_upgrade(url: str | None) -> None:
    """Upgrade the schema of a store made by an older version."""
    from mull.engine.store import Store

    # Opening an older store is an error otherwise.
    with Store(url, check_schema=False) as store, Working("upgrading"):
        before, now = store.upgrade()
    click.echo(f"schema {now}, up to date" if before == now else f"schema {before or 'empty'} -> {now}")
