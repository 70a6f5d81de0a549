"""``solve solvers add`` and ``remove``: solvers from a plain file or a folder."""

from __future__ import annotations

from pathlib import Path

import click

from .. import completion


@click.command("add")
@click.argument("path", metavar="FILE.py|DIR", type=click.Path(path_type=Path))
def solvers_add(path: Path) -> None:
    """Install the solvers of a Python file or a package folder.

    The file is not copied. mull records its SHA-256 and refuses the solver when the file has changed, until you add the
    file again. So every run uses a version that you added.
    """
    from mull.plugins import add

    added = add(path)
    for solver in added:
        click.echo(f"{solver.name}: {solver.attribute} of {solver.path}, sha256 {solver.sha256[:12]}")
    click.echo(f"next: solve queens:8 --solver {added[0].name}; solve solvers check {added[0].name}", err=True)


@click.command("remove")
@click.argument("name", shell_complete=completion.solvers)
def solvers_remove(name: str) -> None:
    """Uninstall a solver that was added from a file; keep the file."""
    from mull.plugins import remove

    removed = remove(name)
    click.echo(f"removed {name}; the file {removed.path} is kept")
