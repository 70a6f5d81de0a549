"""Write runs to a store while problems are solved, and survive a store that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from .solution import Solution

FLUSH_RUNS = 1000
"""Waiting runs that are written at once, before the next interval ends."""
FLUSH_SECONDS = 1.0
"""Seconds between two writes."""
PAUSE_SECONDS = 60.0
"""Seconds from a failed write to the next one. Each further failure doubles them, since a write may take long to fail."""


class Recorder(Protocol):
    """An object that stores runs, such as ``Store``."""

    def write(self, solutions: Sequence[Solution]) -> None:
        """Store all of the runs, or raise and store none of them."""


class Recording:
    """Writes runs to a store in batches.

    A store that fails (a full disk, a lost server) must not stop the solving of further problems. Its runs are kept in
    memory and written later: after pauses that double, and by ``finish``.

    Args:
        store: receives the runs; None stores nothing.
        on_notice: function that is called with a message at the first failed write.
    """

    def __init__(self, store: Recorder | None, on_notice: Callable[[str], None]) -> None:
        self._store = store
        self._on_notice = on_notice
        self._waiting: list[Solution] = []
        self._flushed = time.monotonic()
        self._pause = 0.0

    def add(self, solution: Solution) -> None:
        """Store a run now, or with the next batch."""
        if self._store is None:
            return
        self._waiting.append(solution)
        passed = time.monotonic() - self._flushed
        due = passed > self._pause if self._pause else len(self._waiting) >= FLUSH_RUNS or passed > FLUSH_SECONDS
        if not due:
            return
        if (error := self.finish()) is None:
            self._pause = 0.0
            return
        if not self._pause:
            self._on_notice(f"cannot write to the store: {error}; mull tries again")
        self._pause = 2 * self._pause or PAUSE_SECONDS
        self._flushed = time.monotonic()

    def finish(self) -> Exception | None:
        """Write the waiting runs; return the error if the store fails, else None."""
        try:
            if self._store is not None and self._waiting:
                self._store.write(self._waiting)
        except Exception as error:  # the store may be any class with the method ``write``
            return error
        self._waiting = []
        self._flushed = time.monotonic()
        return None
