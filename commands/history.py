"""``solve history``: what the store remembers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mull.terminal import describe_run, list_runs

from .common import Failure, ListGroup, failures, json_option, open_store, store_option


@click.group(cls=ListGroup)
def history() -> None:
    """What was solved, by whom, in how many iterations (`solve history` alone lists)."""


@history.command("list")
@click.option("-n", "--count", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.option("--solver", help="Only this solver's.")
@click.option("--family", help="Only this family's.")
@click.option("--status", help="Only these, e.g. solved.")
@click.option("--best", is_flag=True, help="Each solver's solved run of fewest iterations instead.")
@json_option
@store_option
def history_list(
    count: int,
    solver: str | None,
    family: str | None,
    status: str | None,
    best: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """List runs."""
    from mull.engine.store import Filter

    with failures():
        if _nothing_kept(url):
            rows = []
        else:
            with open_store(url) as store:
                rows = (
                    store.best_per_solver()
                    if best
                    else store.runs(count, Filter(solver=solver, family=family, status=status))
                )
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
        return
    if not rows:
        click.echo("no runs", err=True)
        return
    list_runs(rows)


def _nothing_kept(url: str | None) -> bool:
    """Whether the store is a file that is not there yet; to read it is no reason to make it."""
    from mull.engine.store import location

    place = location(url)
    return "://" not in place and not Path(place).exists()


@history.command("show")
@click.argument("run_id", metavar="ID")
@json_option
@store_option
def history_show(run_id: str, as_json: bool, url: str | None) -> None:
    """Show one run: by its id, the start of it, or `last`."""
    with failures():
        if _nothing_kept(url):
            raise Failure(f"no run {run_id!r}", "nothing is remembered yet")
        with open_store(url) as store:
            row = store.run(run_id)
    if as_json:
        click.echo(json.dumps(row.to_json(), ensure_ascii=False))
        return
    click.echo(describe_run(row))


@history.command("path")
@store_option
def history_path(url: str | None) -> None:
    """Print where runs are kept."""
    from mull.engine.store import location

    with failures():
        click.echo(location(url))


@history.command("upgrade")
@store_option
def history_upgrade(url: str | None) -> None:
    """Bring an older store's schema up to date."""
    from mull.engine.store import Store

    with failures(), Store(url, check_schema=False) as store:
        before, now = store.upgrade()
    click.echo(f"schema {now}, up to date" if before == now else f"schema {before or 'empty'} -> {now}")
