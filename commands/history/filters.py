"""What the commands of ``solve history`` share: the options that say which runs, and the store opened to be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from mull.engine.status import Status

from .. import completion
from ..common import Failure, open_store

if TYPE_CHECKING:
    from mull.engine.store import Filter, Store


class Moment(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4
    """A date, a time in ISO 8601, or how long ago."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from mull.engine.store.history import moment

        try:
            return moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class RunId(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A run's id, or the start or the end of one."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch("[0-9A-HJKMNP-TV-Z]{1,26}", value.upper()) is None:
            self.fail(f"{value[:40]!r} is no id of a run", param, ctx)
        return str(value).upper()


_OPTIONS = (
    click.option(
        "--problem", metavar="P", help="Only this problem: as listed (queens:8, 'sat:*'), or the start of its digest."
    ),
    click.option("--family", shell_complete=completion.families, help="Only this family's problems."),
    click.option("--solver", shell_complete=completion.solvers, help="Only this solver's, or this portfolio's (auto)."),
    click.option(
        "--status",
        type=click.Choice([str(status) for status in Status], case_sensitive=False),
        help="Only those that ended so.",
    ),
    click.option(
        "--since", type=Moment(), help="Only those since: 2026-11-25, 2026-11-25T14:30, yesterday, 1w, 2d, 3h."
    ),
    click.option("--device", help="Only those on this device (cuda is any of them)."),
    click.option("--text", help="Only those with this text in problem or detail."),
    click.option(
        "--before", shell_complete=completion.ids, type=RunId(), metavar="ID", help="Only those older than this run."
    ),
)
_NAMES = ("problem", "family", "solver", "status", "since", "device", "text", "before")


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which runs, handed to a command as one ``Filter`` named ``where``."""

    @wraps(command)
    def with_filter(**arguments: Any) -> Any:
        from mull.engine.store import Filter

        return command(where=Filter(**{name: arguments.pop(name) for name in _NAMES}), **arguments)

    for option in reversed(_OPTIONS):
        with_filter = option(with_filter)
    return with_filter


@contextmanager
def open_existing(url: str | None) -> Iterator[Store]:
    """The store, opened to be read.

    Raises:
        Failure: there is none yet (reading makes none), or it cannot be read.
    """
    from mull.engine.store.history import is_there

    if not is_there(url):
        raise Failure("no runs are remembered yet", "solve something first, or name another store with --store")
    with open_store(url) as store:
        yield store


def no_runs(where: Filter) -> Failure:
    """That no run passes a filter, and what was perhaps meant."""
    asked = [f"--{name} {getattr(where, name)}" for name in _NAMES if getattr(where, name) is not None]
    if not asked:
        return Failure("no runs are remembered", "solve something first, or name another store with --store")
    return Failure(f"no runs with {' '.join(asked)}", _suggestion(where) or "solve history lists the latest runs")


def _suggestion(where: Filter) -> str:
    from difflib import get_close_matches

    from mull.engine.registry import PROBLEMS, SOLVERS, entries

    for wanted, group in ((where.solver, SOLVERS), (where.family, PROBLEMS)):
        names = [entry.name for entry in entries(group)]
        if wanted is not None and wanted not in names:
            close = get_close_matches(wanted, names, 1)
            return f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    return ""
