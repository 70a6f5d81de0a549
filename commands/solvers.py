"""``solve solvers``: what is installed, and plugins to be."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mull.terminal import describe_options, describe_solver, describe_weights, table

from .common import ListGroup, failures, json_option


@click.group(cls=ListGroup)
def solvers() -> None:
    """List solvers, show their options, make new ones, check that one keeps the contract."""


@solvers.command("list")
@click.option("--load", "try_load", is_flag=True, help="Import each one, and report those that fail.")
@json_option
def solvers_list(try_load: bool, as_json: bool) -> int:
    """List the installed solvers, without importing them."""
    from mull.plugins import PluginError, installed, load

    rows = []
    failed = 0
    for entry in installed():
        row = {"name": entry.name, "package": f"{entry.distribution} {entry.version}", "class": entry.target}
        if try_load:
            try:
                row["state"] = (load(entry.name).__doc__ or "").strip().split("\n")[0]
            except PluginError as error:
                failed += 1
                row["state"] = f"error: {error}"
        rows.append(row)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        table(tuple(rows[0]) if rows else ("name",), [tuple(row.values()) for row in rows])
    return 1 if failed else 0


@solvers.command("show")
@click.argument("name")
def solvers_show(name: str) -> None:
    """Show a solver's method, options and citation."""
    with failures():
        from mull.plugins import load

        solver = load(name)
        from mull.engine.checkpoint import cards

        mine = [card for card in cards() if card.solver == name]
    describe_solver(solver)
    if hasattr(solver, "presets"):  # it learns
        from mull.engine.training import Recipe

        click.echo("\noptions of a training (solve train -o key=value), beside those that shape the net:")
        describe_options(Recipe.model_fields)
    if mine:
        click.echo("\nweights (-o weights=NAME):")
        describe_weights(mine)


@solvers.command("new")
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to make it (default: ./mull-NAME).")
def solvers_new(name: str, folder: Path | None) -> None:
    """Write a plugin package with a solver that works at once."""
    from mull.plugins import new

    with failures():
        made = new(name, folder)
    click.echo(f"{made}: a package with the solver {name}; next:")
    click.echo(f"  pip install --editable {made}\n  solve queens:8 --solver {name}\n  solve solvers check {name}")


@solvers.command("check")
@click.argument("name")
def solvers_check(name: str) -> int:
    """Run the conformance checks that the built-in solvers pass."""
    with failures():
        from mull.plugins import load
        from mull.plugins.conformance import CHECKS

        solver = load(name)
    failed = 0
    for check in CHECKS:
        what = (check.__doc__ or check.__name__).strip()
        try:
            check(solver)
            click.echo(f"ok    {what}")
        except Exception as error:  # a plugin may raise anything
            failed += 1
            click.echo(f"FAIL  {what}\n      {type(error).__name__}: {error}")
    click.echo(f"{name}: {len(CHECKS) - failed} of {len(CHECKS)} checks pass", err=True)
    return 1 if failed else 0
