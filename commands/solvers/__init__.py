"""``solve solvers``: list, describe, add, create and check solvers."""

from __future__ import annotations

import click

from ..common import ListGroup
from ..new import new_solver
from .check import solvers_check
from .files import solvers_add, solvers_remove
from .list import solvers_list
from .show import solvers_show


@click.group(cls=ListGroup)
def solvers() -> None:
    """List, describe, add, create and check solvers.

    Without a command, `solve solvers` lists the installed solvers.
    """


for command in (solvers_list, solvers_show, solvers_add, solvers_remove, solvers_check):
    solvers.add_command(command)
solvers.add_command(new_solver, "new")
