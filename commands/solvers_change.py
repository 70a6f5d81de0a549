"""``solve solvers add | remove``: solvers from a file."""

from __future__ import annotations

from pathlib import Path

import click

from . import completion


@click.command("add")
@click.argument("path", metavar="FILE.py|DIR", type=click.Path(path_type=Path))
def solvers_add(path: Path) -> None:
    """Use the solvers of a plain file, or of a package's folder, from now on.

    The file stays where it is. When it changes it is refused until it is added again, so that no run is made by a version
    nobody meant.
    """
    from mull.plugins import add

    added = add(path)
    for solver in added:
        click.echo(f"{solver.name}: {solver.attribute} of {solver.path}, sha256 {solver.sha256[:12]}")
    click.echo(f"next: solve queens:8 --solver {added[0].name}; solve solvers check {added[0].name}", err=True)


@click.command("remove")
@click.argument("name", shell_complete=completion.solvers)
def solvers_remove(name: str) -> None:
    """Forget a solver that was added from a file; the file stays."""
    from mull.plugins import remove

    gone = remove(name)
    click.echo(f"{name} is forgotten; {gone.path} stays")
