"""Options that select runs, and the store opened for reading; shared by the commands of ``solve history``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from mull.engine.errors import MullError
from mull.engine.status import Status

from .. import completion
from ..common import TextType, open_store

if TYPE_CHECKING:
    from mull.engine.store import Filter, Store


class Moment(TextType):
    """A point in time: a date, a time in ISO 8601, or a duration before now such as ``2d``."""

    name = "when"

    def parse(self, text: str) -> datetime:
        """The point in time of a text; see ``mull.engine.store.history.moment``."""
        from mull.engine.store.history import moment

        return moment(text)


class RunId(TextType):
    """The id of a run, or the first or last characters of one."""

    name = "id"

    def parse(self, text: str) -> str:
        """The id in capital letters.

        Raises:
            ValueError: the text is longer than an id, or has a character that ids do not have.
        """
        # The letters of ULIDs are Crockford's base 32: without I, L, O and U, which look like digits or V.
        if re.fullmatch("[0-9A-HJKMNP-TV-Z]{1,26}", text.upper()) is None:
            raise ValueError(f"{text[:40]!r} is not the id of a run")
        return text.upper()


_OPTIONS = (
    click.option(
        "--problem", metavar="P", help="Select a problem by name (queens:8, 'sat:*') or by the start of its digest."
    ),
    click.option("--family", metavar="NAME", shell_complete=completion.families, help="Select a problem family."),
    click.option(
        "--solver", metavar="NAME", shell_complete=completion.solvers, help="Select a solver or a portfolio (auto)."
    ),
    click.option(
        "--status",
        type=click.Choice([str(status) for status in Status], case_sensitive=False),
        help="Select runs that ended with this status.",
    ),
    click.option(
        "--since", type=Moment(), help="Select runs since a time: 2026-11-25, 2026-11-25T14:30, yesterday, 1w, 2d, 3h."
    ),
    click.option(
        "--device", shell_complete=completion.devices, metavar="DEVICE", help="Select a device; cuda selects every GPU."
    ),
    click.option("--text", help="Select runs with this text in the problem's name or in the detail."),
    click.option("--bench", metavar="NAME", help="Select the runs of a bench (`solve bench --name NAME`)."),
    click.option(
        "--before", shell_complete=completion.ids, type=RunId(), metavar="ID", help="Select runs older than this run."
    ),
)
_NAMES = ("problem", "family", "solver", "status", "since", "device", "text", "before", "bench")


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select runs to a command, which receives them as one ``Filter`` named ``where``."""

    @wraps(command)
    def with_filter(**arguments: Any) -> Any:
        from mull.engine.store import Filter

        return command(where=Filter(**{name: arguments.pop(name) for name in _NAMES}), **arguments)

    for option in reversed(_OPTIONS):
        with_filter = option(with_filter)
    return with_filter


@contextmanager
def open_existing(url: str | None, *, reading: bool = True) -> Iterator[Store]:
    """Open a store that exists; unlike ``open_store`` it never creates one.

    Args:
        url: of the store, or None.
        reading: whether it is only read, so that a file that this user cannot write is opened too.

    Raises:
        MullError: the store does not exist or cannot be read.
    """
    from mull.engine.store.history import is_there

    if not is_there(url):
        raise MullError("no runs are recorded yet", "solve a problem first, or name another store with --store")
    with open_store(url, reading=reading) as store:
        yield store


def no_runs(where: Filter) -> MullError:
    """The error that no run passes a filter; its hint suggests the name that the user probably meant."""
    given = [f"--{name} {getattr(where, name)}" for name in _NAMES if getattr(where, name) is not None]
    if not given:
        return MullError("no runs are recorded", "solve a problem first, or name another store with --store")
    return MullError(f"no runs with {' '.join(given)}", _suggestion(where) or "solve history lists the newest runs")


def _suggestion(where: Filter) -> str:
    from mull.engine.registry import PROBLEMS, SOLVERS, entries

    for name, group in ((where.solver, SOLVERS), (where.family, PROBLEMS)):
        known = [entry.name for entry in entries(group)]
        if name is not None and name not in known:
            close = get_close_matches(name, known, 1)
            return f"did you mean {close[0]}?" if close else f"choose one of {', '.join(known)}"
    return ""
