"""``solve solvers``: what is installed, and what each of it is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from mull.terminal import describe_options, describe_solver, describe_weights, table

from . import completion
from .common import ListGroup, json_option
from .new import new_solver
from .solvers_change import solvers_add, solvers_remove
from .solvers_check import solvers_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mull.engine import Solver
    from mull.engine.weights import Card
    from mull.plugins import Entry


@click.group(cls=ListGroup)
def solvers() -> None:
    """List solvers, show their options, add or make new ones, check that one keeps the contract."""


for command in (solvers_add, solvers_remove, solvers_check):
    solvers.add_command(command)
solvers.add_command(new_solver, "new")


@solvers.command("list")
@click.option("--load", "try_load", is_flag=True, help="Import each one, and report those that fail.")
@click.option("--all", "everything", is_flag=True, help="Also problem families, constraint kinds and commands.")
@json_option
def solvers_list(try_load: bool, everything: bool, as_json: bool) -> int:
    """List the installed solvers, without importing them; what is seen to be broken is said so."""
    from mull.engine.registry import SOLVERS, WORDS, PluginError, entries
    from mull.plugins import claimed_twice, fault, installed

    damage = ""
    rows = []
    for group, word in WORDS.items() if everything else [(SOLVERS, WORDS[SOLVERS])]:
        try:
            found = installed() if group == SOLVERS else entries(group)
        except PluginError as error:  # the list of added files: what is installed is there all the same
            damage, found = f"error: {error}\nhint: {error.hint}", entries(group)
        clashes = claimed_twice(found)
        for entry in found:
            wrong = f"claimed by {clashes[entry.name]}" if entry.name in clashes else fault(entry)
            row = _row(entry, word, wrong)
            if try_load:
                row |= _tried(entry)
            rows.append(row)
    broken = sum(row["fault"] is not None for row in rows)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        columns = (("kind",) if everything else ()) + ("name", "package", "class", "state")
        table(columns, [tuple(_shown(row, column) for column in columns) for row in rows])
    if broken:
        click.echo(f"{broken} of {len(rows)} broken; what is whole works all the same", err=True)
    if damage:
        click.echo(damage, err=True)
    return 1 if (try_load and broken) or damage else 0


def _row(entry: Entry, kind: str, wrong: str | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": entry.name,
        "package": entry.distribution or None,
        "version": entry.version or None,
        "class": entry.target,
        "path": entry.path or None,
        "fault": wrong,
    }


def _tried(entry: Entry) -> dict[str, Any]:
    """What importing tells: the first line of its docstring, how long it took, or what went wrong."""
    from mull.engine.registry import PluginError

    start = time.perf_counter()
    try:
        loaded = _loaded(entry)
    except PluginError as error:
        return {"fault": str(error)}
    summary = (loaded.__doc__ or "").strip().split("\n")[0]
    return {"fault": None, "summary": summary, "seconds": round(time.perf_counter() - start, 3)}


def _loaded(entry: Entry) -> Any:
    from mull.engine import registry
    from mull.plugins import load

    if entry.group == registry.SOLVERS:
        return load(entry.name)
    registry.find_entry(entry.group, entry.name, registry.entries(entry.group))  # refuses a name that two claim
    if entry.group == registry.COMMANDS:
        return registry.load_entry(entry, click.Command).callback
    if entry.group == registry.CONSTRAINTS:
        from mull.engine import Constraint

        return registry.load_entry(entry, Constraint, "__name__")
    if entry.group == registry.BACKBONES:
        from mull.solvers.nets.backbone import Backbone

        return registry.load_entry(entry, Backbone)
    from mull.problems.family import Family

    return registry.load_entry(entry, Family)


def _shown(row: dict[str, Any], column: str) -> str:
    if column == "package":
        return row["path"] or f"{row['package']} {row['version']}"
    if column == "state":
        return f"broken: {row['fault']}" if row["fault"] else row.get("summary", "")
    return str(row[column])


@solvers.command("show")
@click.argument("name", shell_complete=completion.solvers)
@json_option
def solvers_show(name: str, as_json: bool) -> None:
    """Show a solver's method, options and citation, what it supports, and its weights."""
    from mull.plugins import installed, load

    solver = load(name)
    from mull.engine.weights import cards
    from mull.plugins.conformance import support

    mine = [card for card in cards() if card.solver == name]
    entry = next(entry for entry in installed() if entry.name == name)
    supported = support(solver)
    if as_json:
        known = {"package": entry.origin, "class": entry.target, "supports": supported}
        weights = [{**card.model_dump(), "path": str(card.path)} for card in mine]
        click.echo(json.dumps({**_described(solver), **known, "weights": weights}))
        return
    describe_solver(solver)
    click.echo(f"\nfrom: {entry.origin} ({entry.target})")
    click.echo("\nsupports:")
    table(("kind", "?"), [(what, "yes" if reason is None else f"no: {reason}") for what, reason in supported.items()])
    if hasattr(solver, "presets"):  # it learns
        from mull.engine.training import Recipe

        click.echo("\noptions of a training (solve train -o key=value), beside those that shape the net:")
        describe_options(Recipe.model_fields)
    if mine:
        click.echo("\nweights (-o weights=NAME):")
        describe_weights(mine)
        click.echo("\nused where no weights are named:")
        table(("problems", "weights", "why"), _chosen(mine))


def _chosen(cards: Sequence[Card]) -> list[tuple[str, str, str]]:
    """The weights that each family and size of problem gets, and those that none gets."""
    from mull.engine.choice import explained, ranked, refused

    rows = []
    # The size on a card is that of its largest family.
    sizes = {(f, *_size(c)) for c in cards for f in c.families if len(c.families) == 1}
    sizes |= {(f, *_size(c)) for c in cards for f in c.families if f not in {family for family, *_ in sizes}}
    for family, values, variables in sorted(sizes):
        for card in ranked(cards, family, values, variables)[:1]:
            why = explained(card, family, values, variables)
            rows.append((f"{family}, {variables} variables of {values} values", card.name, why))
    return rows + [("none unless named", card.name, reason) for card in cards if (reason := refused(card))]


def _size(card: Card) -> tuple[int, int]:
    return card.shape.get("values", 0), card.shape.get("variables", 0)


def _described(solver: type[Solver]) -> dict[str, Any]:
    """A solver as JSON: its options as JSON Schema has them, with default, bounds and description."""
    options = solver.model_json_schema()["properties"]
    return {
        "name": solver.name,
        "version": solver.version,
        "complete": solver.complete,
        "method": (solver.__doc__ or "").strip(),
        "citation": solver.citation,
        "options": {key: {k: v for k, v in option.items() if k != "title"} for key, option in options.items()},
    }
