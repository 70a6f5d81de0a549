"""The interface between the driver of a call and the processes that solve for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

MOST_LOST = 3
"""A chunk whose processes ended this many times fails; so does a call whose processes end this often at their start."""


class WorkerEvent(NamedTuple):
    """What a process did: it is ready, it answered a chunk, or it ended.

    Args:
        worker: its number.
        data: the answers of a chunk; empty if the process has started and is ready; None if it ended.
        cause: why it ended.
    """

    worker: int
    data: bytes | None
    cause: str = ""


class Crew(Protocol):
    """Processes that solve chunks, by number from 0. Each holds the solver, its weights and its device."""

    @property
    def device(self) -> str:
        """The kind of device that all of the processes have: ``cpu``, ``cuda`` or ``cuda:N``."""

    @property
    def size(self) -> int:
        """Number of processes."""

    def start(self, setup: bytes) -> None:
        """Start all processes.

        Args:
            setup: what they need for the whole call, as ``work.packed_setup`` returned it.
        """

    def restart(self, worker: int) -> None:
        """Start a process again that has ended."""

    def submit(self, worker: int, work: bytes) -> None:
        """Send a chunk to a process that is ready. If the process has ended, ``wait`` returns that.

        Args:
            worker: number of the process.
            work: the chunk, as ``work.packed_work`` returned it.
        """

    def wait(self, seconds: float) -> Sequence[WorkerEvent]:
        """What the processes did since the last call; waits for at most ``seconds`` if they did nothing."""

    def close(self) -> None:
        """Stop all processes at once. A second call does nothing."""
