"""``solve history``: the runs in the store."""

from __future__ import annotations

import click

from ..common import ListGroup
from .compare import history_compare
from .export import history_export
from .list import history_list
from .maintenance import history_backup, history_delete, history_path, history_upgrade
from .merge import history_merge
from .pack import history_pack
from .plot import history_plot
from .show import history_show


@click.group(cls=ListGroup)
def history() -> None:
    """List, show, compare, plot and export recorded runs.

    Without a command, `solve history` lists the newest runs.
    """


for command in (
    history_list,
    history_show,
    history_compare,
    history_plot,
    history_export,
    history_delete,
    history_backup,
    history_merge,
    history_pack,
    history_path,
    history_upgrade,
):
    history.add_command(command)
