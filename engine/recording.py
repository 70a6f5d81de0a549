"""Runs on their way to a store, which may refuse them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from .solution import Solution

FLUSH_RUNS = 1000
FLUSH_SECONDS = 1.0


class Recorder(Protocol):
    """Where runs are remembered; the store is one."""

    def write(self, solutions: Sequence[Solution]) -> None:
        """Keep runs, all or none of them."""


class Recording:
    """Writes runs in batches, in the loop's pauses.

    A store that refuses (a disk is full, a server gone) must not cost the answers that are still to come: its runs are
    kept and offered once more at the end.

    Args:
        store: where to; None for nowhere.
        on_notice: told at once when the store refuses.
    """

    def __init__(self, store: Recorder | None, on_notice: Callable[[str], None]) -> None:
        self._store = store
        self._on_notice = on_notice
        self._waiting: list[Solution] = []
        self._flushed = time.monotonic()
        self._refused = False

    def add(self, solution: Solution) -> None:
        """Remember a run, now or soon."""
        if self._store is None:
            return
        self._waiting.append(solution)
        due = len(self._waiting) >= FLUSH_RUNS or time.monotonic() - self._flushed > FLUSH_SECONDS
        if due and not self._refused and (error := self.finish()) is not None:
            self._refused = True
            self._on_notice(f"runs cannot be remembered for now: {error}")

    def finish(self) -> Exception | None:
        """Write what waits; the error where the store refuses it."""
        try:
            if self._store is not None and self._waiting:
                self._store.write(self._waiting)
        except Exception as error:  # a store may be anybody's
            return error
        self._waiting = []
        self._flushed = time.monotonic()
        return None
