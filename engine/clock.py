"""The clock of runs: monotonic seconds that do not pass while code is compiled.

Kernels are compiled once for each version, in seconds. A limit of a few seconds would be spent before the first move.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from .deadline import uninterrupted

T = TypeVar("T")


class Clock:
    """Monotonic seconds, less those inside ``stopped`` blocks of any thread.

    Args:
        read: returns monotonic seconds. Tests pass their own.

    Example:
        >>> clock = Clock()
        >>> with clock.stopped():
        ...     clock() == clock()
        True
    """

    def __init__(self, read: Callable[[], float] = time.monotonic) -> None:
        self.read = read
        self._lock = threading.Lock()
        self._state = (0, 0.0, 0.0)  # open blocks, reading at the start of the first, seconds of all closed ones

    def __call__(self) -> float:
        """Seconds."""
        blocks, since, lost = self._state  # one reading of one tuple, so that no lock is needed
        return (since if blocks else self.read()) - lost

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The clock is stopped inside. Blocks may overlap."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        with self._lock:
            blocks, since, lost = self._state
            now = self.read()
            if blocks == 0:
                since = now
            elif blocks + by == 0:
                lost += now - since
            self._state = (blocks + by, since, lost)


now = Clock()
"""The clock of the process, which ``Task`` reads by default."""


@uninterrupted  # an exception between two bytecodes could leave the clock stopped
def untimed(compilation: Callable[[], T], clock: Clock = now) -> T:
    """Call a function while the clock is stopped, and return its value. Signals wait until it ends.

    Args:
        compilation: takes seconds at most.
        clock: to stop.
    """
    with clock.stopped():
        return compilation()
