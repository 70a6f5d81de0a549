"""``solve solvers list``: the installed solvers and other parts, and which of them are broken."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from ..common import json_option
from ..tables import table

if TYPE_CHECKING:
    from mull.plugins import Entry


@click.command("list")
@click.option("--load", "try_load", is_flag=True, help="Import every solver, and report import errors.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List problem families, constraint kinds, backbones and commands as well.",
)
@json_option
def solvers_list(try_load: bool, everything: bool, as_json: bool) -> int:
    """List the installed solvers without importing them.

    The list marks solvers whose fault is known without an import, for example a module that does not exist.

    Exit code: 1 if the list of added files is damaged or, with --load, if a part is broken; 0 otherwise.
    """
    from mull.engine.registry import SOLVERS, WORDS, PluginError, entries
    from mull.plugins import diagnose, installed, name_conflicts

    damage = ""
    rows = []
    for group, word in WORDS.items() if everything else [(SOLVERS, WORDS[SOLVERS])]:
        try:
            found = installed() if group == SOLVERS else entries(group)
        except PluginError as error:  # the list of added files is damaged: list the installed packages all the same
            damage, found = f"error: {error}\nhint: {error.hint}", entries(group)
        conflicts = name_conflicts(found)
        for entry in found:
            reason = f"claimed by {conflicts[entry.name]}" if entry.name in conflicts else diagnose(entry)
            row = _row(entry, word, reason)
            if try_load:
                row |= _try_loading(entry)
            rows.append(row)
    broken = sum(row["fault"] is not None for row in rows)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        columns = (("kind",) if everything else ()) + ("name", "package", "class", "state")
        table(columns, [tuple(_cell(row, column) for column in columns) for row in rows])
    if broken:
        click.echo(f"{broken} of {len(rows)} are broken; the others still work", err=True)
    if damage:
        click.echo(damage, err=True)
    return 1 if (try_load and broken) or damage else 0


def _row(entry: Entry, kind: str, reason: str | None) -> dict[str, Any]:
    """The JSON object of one entry; ``fault`` is null unless the entry is broken."""
    return {
        "kind": kind,
        "name": entry.name,
        "package": entry.distribution or None,
        "version": entry.version or None,
        "class": entry.target,
        "path": entry.path or None,
        "fault": reason,
    }


def _try_loading(entry: Entry) -> dict[str, Any]:
    """Import an entry: the first line of its docstring and the seconds it took, or the error."""
    from mull.engine.registry import PluginError

    start = time.perf_counter()
    try:
        loaded = _load(entry)
    except PluginError as error:
        return {"fault": str(error)}
    summary = (loaded.__doc__ or "").strip().split("\n")[0]
    return {"fault": None, "summary": summary, "seconds": round(time.perf_counter() - start, 3)}


def _load(entry: Entry) -> Any:
    from mull.engine import registry
    from mull.plugins import load

    if entry.group == registry.SOLVERS:
        return load(entry.name)
    registry.find_entry(
        entry.group, entry.name, registry.entries(entry.group)
    )  # refuses a name that two packages claim
    if entry.group == registry.COMMANDS:
        command = registry.load_entry(entry, click.Command)
        return command.callback or command
    if entry.group == registry.CONSTRAINTS:
        from mull.engine import Constraint

        return registry.load_entry(entry, Constraint, "__name__")
    if entry.group == registry.BACKBONES:
        from mull.solvers.nets.backbone import Backbone

        return registry.load_entry(entry, Backbone)
    if entry.group == registry.CLUES:
        from mull.problems.words.clues import ClueScorer

        return registry.load_entry(entry, ClueScorer)
    if entry.group == registry.EXPERIMENTS:
        from mull.experiments.experiment import Experiment

        return registry.load_entry(entry, Experiment)
    from mull.problems.family import Family

    return registry.load_entry(entry, Family)


def _cell(row: dict[str, Any], column: str) -> str:
    if column == "package":
        return row["path"] or f"{row['package']} {row['version']}"
    if column == "state":
        return f"broken: {row['fault']}" if row["fault"] else row.get("summary", "")
    return str(row[column])
