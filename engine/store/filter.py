"""Conditions that select runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .ids import lowest


@dataclass(frozen=True)
class Filter:
    """Conditions on runs. A run passes if it meets all of them; ``Filter()`` lets every run pass.

    Args:
        problem: start of the problem's digest, or its source exactly as listed (``queens:8``, ``boards.txt:3``), or a
            pattern of sources: ``*`` is any text, ``?`` one character.
        family: the problem's family.
        solver: the solver that answered, or the portfolio that called it (``auto``).
        status: how the run ended, e.g. ``solved``.
        since: earliest time of the run; local time if it has no time zone.
        device: device of the run; ``cuda`` includes ``cuda:1``.
        text: text in the source or the detail. Upper and lower case are equal.
        before: id; only older runs pass, which continues a list. The start of an id is enough, and a whole id need not
            exist any more. ``Store.resolved`` completes an id of which only the end is given.
        bench: name of the bench that the run belongs to.

    Example:
        >>> Filter(family="sudoku", solver="auto", status="solved")
    """

    problem: str | None = None
    family: str | None = None
    solver: str | None = None
    status: str | None = None
    since: datetime | None = None
    device: str | None = None
    text: str | None = None
    before: str | None = None
    bench: str | None = None

    @property
    def oldest(self) -> str:
        """The lowest id that passes ``since``."""
        return "" if self.since is None else lowest(max(0, int(self.since.timestamp() * 1000)))
