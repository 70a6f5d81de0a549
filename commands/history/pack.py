"""``solve history pack``: runs in one file that another user repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mull.engine.status import amount

from .. import completion
from ..common import store_option
from .filters import RunId, open_existing


@click.command("pack")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=completion.ids)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path), shell_complete=completion.files)
@store_option
def history_pack(ids: Sequence[str], path: Path, url: str | None) -> None:
    """Write runs to a new file, for `solve replay FILE`.

    The file has the problems, solvers, options, seeds, budgets, traces, answers and versions of the runs, and the host
    name of the machine. Trained weights are named by their hash and not included. At most 10,000 runs and 64 MiB.
    """
    from mull.engine.store.bundle import write_pack

    if "." not in path.name and _is_id(str(path)):
        raise click.UsageError(f"{path} is the id of a run: name the new file last, such as runs.mull")
    with open_existing(url) as store:
        rows = [store.run(id) for id in dict.fromkeys(store.run(id).id for id in ids)]
    write_pack(rows, path)
    click.echo(f"packed {amount(len(rows), 'runs')}: solve replay {path}", err=True)


def _is_id(text: str) -> bool:
    try:
        return len(RunId().parse(text)) in (6, 26) or text == "last"
    except ValueError:
        return text == "last"
