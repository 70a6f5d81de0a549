"""``solve new``: a plugin package for a solver, a problem family or a constraint kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

folder_option = click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder of the new package (default: ./mull-NAME)."
)


@click.group()
def new() -> None:
    """Create a plugin package: solver, family or constraint kind.

    The package works and its tests pass. Replace its example code with your own.
    """


@new.command("solver")
@click.argument("name")
@folder_option
@click.option("--learned", "kind", flag_value="learned", help="Create a learned solver: a small net for `solve train`.")
@click.option(
    "--whole",
    "kind",
    flag_value="whole",
    help="Create a solver without steps, which answers a whole problem in one call.",
)
def new_solver(name: str, folder: Path | None, kind: str | None) -> None:
    """Create a package with a solver and its tests."""
    learned = [f"solve train {name} --data sudoku:4:0.4 --steps 150", f"solve sudoku:4:0.4 --solver {name}"]
    runs = learned if kind == "learned" else [f"solve queens:8 --solver {name}"]
    _make(name, folder, kind or "solver", "solver", [*runs, f"solve solvers check {name}"])


@new.command("family")
@click.argument("name")
@folder_option
def new_family(name: str, folder: Path | None) -> None:
    """Create a package with a problem family and its tests."""
    _make(name, folder, "family", "problem family", [f"solve {name}:10"])


@new.command("constraint")
@click.argument("name", metavar="CLASS_NAME")
@folder_option
def new_constraint(name: str, folder: Path | None) -> None:
    """Create a package with a constraint kind and its tests."""
    _make(name, folder, "constraint", "constraint kind", [])


def _make(name: str, folder: Path | None, kind: str, word: str, runs: Sequence[str]) -> None:
    from mull.plugins import new as write

    made = write(name, folder, kind=kind)
    click.echo(f"created {made}, a package with the {word} {name}; next:")
    for line in (f"pip install --editable {made}", *runs, f"pytest {made}"):
        click.echo(f"  {line}")
