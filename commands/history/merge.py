"""``solve history merge``: the runs of several stores in one."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mull.engine.status import amount
from mull.terminal import Counter

from ..common import INTERRUPTED, interruptible, open_store, store_anyway_option


@click.command("merge")
@click.argument("files", metavar="FILES", nargs=-1, required=True, type=click.Path())
@click.option("--into", "url", metavar="URL", help="Store that receives the runs (default: the user's own store).")
@store_anyway_option
def history_merge(files: Sequence[str], url: str | None) -> int:
    """Copy the runs of stores into another one, each once.

    The files are not changed. Runs that the store has already are skipped, so a merge that was interrupted continues
    when it is started again. Files of older versions are upgraded in a temporary copy.

    Exit code: 0 if all runs are in the store, 2 if a store cannot be read or written, 130 if interrupted.
    """
    from mull.engine.store.merge import Progress, check_sources, merge

    if url is not None and not url.strip():  # an unset variable of a script would select the user's own store
        raise click.UsageError("--into is empty: name a file or a URL")
    check_sources(files)  # before the target is created
    counter = Counter("merging", "runs")
    stopped = interruptible(counter.region.aside)
    done: dict[str, Progress] = {}
    with open_store(url) as store:
        with counter:
            for step in merge(files, store, stopped):
                done[str(step.source)] = step
                counter.show(step.read, step.runs, f"{step.source} ({len(done)} of {len(files)})")
        for name, step in done.items():
            earlier = f", {step.read - step.added} already stored" if step.read > step.added else ""
            click.echo(f"{name}: {step.added} of {amount(step.runs, 'runs')} added{earlier}", err=True)
        if stopped():
            click.echo("stopped\nhint: the same command continues", err=True)
            return INTERRUPTED
    return 0
