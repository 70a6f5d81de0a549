"""Shell completion of problems, solvers, families and ids: callbacks as click's ``shell_complete=`` takes them.

Completion never imports torch, which would take a second, and never prints an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ids import short_ids

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from mull.engine.store.latest import Latest

MAX_IDS = 50
"""Newest runs whose ids are offered."""


def problems(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete a problem: families as ``name:``, and files."""
    from click.shell_completion import CompletionItem

    named = [CompletionItem(f"{name}:") for name in _names("mull.problems") if f"{name}:".startswith(incomplete)]
    return [*named, *paths(incomplete)] if named else files(_, __, incomplete)


def files(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete a file name."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def paths(incomplete: str) -> list[CompletionItem]:
    """Files and folders as plain words, because a shell cannot mix its own file names with other words."""
    from click.shell_completion import CompletionItem

    folder, slash, start = incomplete.rpartition("/")
    try:
        found = sorted((Path(folder + slash) if slash else Path()).iterdir())
    except OSError:
        return []
    return [
        CompletionItem(f"{folder}{slash}{path.name}{'/' if path.is_dir() else ''}")
        for path in found
        if path.name.startswith(start) and (start or not path.name.startswith("."))
    ]


def families(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a problem family."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in _names("mull.problems") if name.startswith(incomplete)]


def devices(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete a device: the kinds, and the GPUs of this host."""
    from click.shell_completion import CompletionItem

    numbers = sorted(int(path.name[6:]) for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit())
    names = ("auto", "cpu", "cuda", "cuda:all", *(f"cuda:{number}" for number in numbers))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def clusters(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete the cluster of ``--on``."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in ("ray", "ray://") if name.startswith(incomplete)]


def solvers(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete the name of an installed solver; solvers added from files are included."""
    from click.shell_completion import CompletionItem

    from mull.engine.registry import PluginError
    from mull.plugins import installed

    try:
        names = [entry.name for entry in installed()]
    except PluginError:  # the list of added files is damaged
        names = _names("mull.solvers")
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def solver_list(ctx: click.Context, parameter: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete the last name of a list of solvers, which are separated by commas.

    Args:
        ctx: the context of the command.
        parameter: the option.
        incomplete: the start of the list.
    """
    from click.shell_completion import CompletionItem

    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{item.value}") for item in solvers(ctx, parameter, last)]


def ids(ctx: click.Context, _: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Complete the id of a run: short ids of the newest runs, described by problem, solver and status.

    Args:
        ctx: the context of the command; its parameter ``url`` names the store.
        incomplete: the start of the word.
    """
    from click.shell_completion import CompletionItem

    from mull.engine.store.latest import latest

    url = ctx.params.get("url")
    rows = latest(url, MAX_IDS)
    if rows is None:
        rows = _of_server(url)
    if not rows:
        return []
    named = zip(short_ids([row.id for row in rows]), rows, strict=True)
    found = [CompletionItem(end, help=f"{row.source} by {row.solver}: {row.status}") for end, row in named]
    found.append(CompletionItem("last", help="the newest run"))
    matching = [item for item in found if item.value.upper().startswith(incomplete.upper())]
    # The word may also be the start of an id, which is its time: then offer the full ids.
    return matching or [CompletionItem(row.id) for row in rows if row.id.startswith(incomplete.upper())]


def _of_server(url: str | None) -> list[Latest]:
    from mull.engine.store import Store, StoreError
    from mull.engine.store.latest import Latest

    try:
        with Store(url) as store:
            return [Latest(row.id, row.source, row.solver, row.status) for row in store.runs(MAX_IDS)]
    except StoreError:
        return []


def _names(group: str) -> list[str]:
    from mull.engine.registry import PluginError, entries

    try:
        return list(dict.fromkeys(entry.name for entry in entries(group)))
    except PluginError:
        return []
