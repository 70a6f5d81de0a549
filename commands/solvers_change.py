"""``solve solvers add | remove | new``: solvers from a file, forgotten again, and packages to be."""

from __future__ import annotations

from pathlib import Path

import click

from .common import failures


@click.command("add")
@click.argument("path", metavar="FILE.py|DIR", type=click.Path(path_type=Path))
def solvers_add(path: Path) -> None:
    """Use the solvers of a plain file, or of a package's folder, from now on.

    The file stays where it is. When it changes it is refused until it is added again, so that no run is made by a version
    nobody meant.
    """
    with failures():
        from mull.plugins import add

        added = add(path)
    for solver in added:
        click.echo(f"{solver.name}: {solver.attribute} of {solver.path}, sha256 {solver.sha256[:12]}")
    click.echo(f"next: solve queens:8 --solver {added[0].name}; solve solvers check {added[0].name}", err=True)


@click.command("remove")
@click.argument("name")
def solvers_remove(name: str) -> None:
    """Forget a solver that was added from a file; the file stays."""
    with failures():
        from mull.plugins import remove

        gone = remove(name)
    click.echo(f"{name} is forgotten; {gone.path} stays")


@click.command("new")
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to make it (default: ./mull-NAME).")
@click.option("--learned", is_flag=True, help="A solver that learns: a small net, trained by `solve train`.")
def solvers_new(name: str, folder: Path | None, learned: bool) -> None:
    """Write a plugin package with a solver that works at once, and its tests."""
    from mull.plugins import new

    with failures():
        made = new(name, folder, learned=learned)
    click.echo(f"{made}: a package with the solver {name}; next:")
    click.echo(f"  pip install --editable {made}")
    if learned:
        click.echo(f"  solve train {name} --on sudoku:4:0.4 --steps 150")
        click.echo(f"  solve sudoku:4:0.4 --solver {name}")
    else:
        click.echo(f"  solve queens:8 --solver {name}")
    click.echo(f"  solve solvers check {name}")
