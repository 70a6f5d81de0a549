"""``solve history delete``, ``backup``, ``path`` and ``upgrade``: the store as a thing to be looked after."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import completion
from ..common import Failure, store_option
from .filters import filter_options, no_runs, open_existing

if TYPE_CHECKING:
    from mull.engine.store import Filter


@click.command("delete")
@click.argument("ids", metavar="[ID...]", nargs=-1, shell_complete=completion.ids)
@click.option("--all", "every", is_flag=True, help="Every run.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@filter_options
@store_option
def history_delete(ids: Sequence[str], every: bool, yes: bool, where: Filter, url: str | None) -> None:
    """Forget runs.

    By their ids (the start or the end of one is enough), or all that pass the filters. Traces and answers go with them.
    """
    from mull.engine.store import Filter

    if [bool(ids), every, where != Filter()].count(True) != 1:
        raise click.UsageError("delete takes ids, or filters, or --all")
    with open_existing(url) as store:
        where = store.resolved(where)
        which = [store.run(run_id).id for run_id in dict.fromkeys(ids)] if ids else where
        count = len(set(which)) if isinstance(which, list) else store.count(which)
        if not count:
            raise no_runs(where)
        what = "1 run" if count == 1 else f"{count} runs"
        if not yes:
            if not sys.stdin.isatty():
                raise Failure(
                    f"{what} would be deleted, and nobody is here to be asked", "--yes deletes without asking"
                )
            click.confirm(f"Delete {what} from {store.path or store.url}?", abort=True, err=True)
        count = store.delete(which)
    click.echo(f"deleted {'1 run' if count == 1 else f'{count} runs'}", err=True)


@click.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@store_option
def history_backup(path: Path, url: str | None) -> None:
    """Copy the store to a new file, while others may write to it."""
    with open_existing(url) as store:
        store.backup(path)
    click.echo(f"copied to {path}", err=True)


@click.command("path")
@store_option
def history_path(url: str | None) -> None:
    """Print where runs are kept."""
    from mull.engine.store import location

    click.echo(location(url))


@click.command("upgrade")
@store_option
def history_upgrade(url: str | None) -> None:
    """Bring an older store's schema up to date."""
    from mull.engine.store import Store

    with Store(url, check_schema=False) as store:
        before, now = store.upgrade()
    click.echo(f"schema {now}, up to date" if before == now else f"schema {before or 'empty'} -> {now}")
