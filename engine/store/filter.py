"""Which runs are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .ids import lowest


@dataclass(frozen=True)
class Filter:
    """Conditions on runs, all of which hold; ``Filter()`` lets every run pass.

    Args:
        problem: the start of the problem's digest, or its source exactly as listed (``queens:8``, ``boards.txt:3``), or a
            pattern of sources: ``*`` stands for any text, ``?`` for one character.
        family: the problem's family.
        solver: who answered, or the portfolio that asked (``auto``).
        status: how the run ended, e.g. ``solved``.
        since: not older than this; without a time zone it is local time.
        device: where it ran; ``cuda`` also means ``cuda:1``.
        text: somewhere in the source or the detail, whatever the case of letters.
        before: older than the run of this id: where a list goes on. It may be the start of an id; a whole id need not exist
            any more. ``Store.resolved`` completes the end of one.
    """

    problem: str | None = None
    family: str | None = None
    solver: str | None = None
    status: str | None = None
    since: datetime | None = None
    device: str | None = None
    text: str | None = None
    before: str | None = None

    @property
    def oldest(self) -> str:
        """The lowest id that ``since`` lets pass."""
        return "" if self.since is None else lowest(max(0, int(self.since.timestamp() * 1000)))
