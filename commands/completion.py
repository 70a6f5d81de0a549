"""What a shell offers after TAB: problems, solvers, families and ids. No torch is imported, and no error is printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ids import short

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

IDS = 50
"""The newest runs whose ids are offered."""


def problems(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Families as ``name:``, and files."""
    from click.shell_completion import CompletionItem

    named = [CompletionItem(f"{name}:") for name in _names("mull.problems") if f"{name}:".startswith(incomplete)]
    return [*named, *paths(incomplete)] if named else files(ctx, param, incomplete)


def files(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """Whatever the shell itself offers for a file name."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def paths(incomplete: str) -> list[CompletionItem]:
    """Files and folders as plain words: a shell mixes its own file names with no others."""
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


def families(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """The names of problem families."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in _names("mull.problems") if name.startswith(incomplete)]


def solvers(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """The names of solvers, those added from files included."""
    from click.shell_completion import CompletionItem

    from mull.engine.registry import PluginError
    from mull.plugins import installed

    try:
        names = [entry.name for entry in installed()]
    except PluginError:
        names = _names("mull.solvers")
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def ids(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    """The short ids of the newest runs, as a terminal's list shows them, with problem and solver beside."""
    from click.shell_completion import CompletionItem

    from mull.engine.store import Store, StoreError
    from mull.engine.store.history import is_there

    url = ctx.params.get("url")
    try:
        if not is_there(url):
            return []
        with Store(url) as store:
            rows = store.runs(IDS)
    except StoreError:
        return []
    named = zip(short([row.id for row in rows]), rows, strict=True)
    found = [CompletionItem(end, help=f"{row.source} by {row.solver}: {row.status}") for end, row in named]
    found.append(CompletionItem("last", help="the newest run"))
    wanted = [item for item in found if item.value.upper().startswith(incomplete.upper())]
    return wanted or [CompletionItem(row.id) for row in rows if row.id.startswith(incomplete.upper())]


def _names(group: str) -> list[str]:
    from mull.engine.registry import PluginError, entries

    try:
        return list(dict.fromkeys(entry.name for entry in entries(group)))
    except PluginError:
        return []
