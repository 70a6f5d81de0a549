"""A crew of processes on this host, one for each device."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from .crew import WorkerEvent

READY = b""
"""The first message of a process."""


class LocalCrew:
    """Processes of this host, one for each device.

    Args:
        devices: their names, such as ``("cuda:0", "cuda:1")``. A device may occur several times.
        threads: of each process; None divides the cores.
    """

    def __init__(self, devices: Sequence[str], threads: int | None = None) -> None:
        self.devices = tuple(devices)
        self.threads = threads or max(1, (os.cpu_count() or 1) // len(self.devices))
        # Spawned, not forked: a fork of a process with CUDA or threads may hang.
        self._context = get_context("spawn")
        self._setup = b""
        self._running: dict[int, tuple[Any, Connection]] = {}

    def __str__(self) -> str:
        return f"{self.size} processes ({', '.join(self.devices)})"

    @property
    def device(self) -> str:
        """The device of the first process; all are of one kind."""
        return self.devices[0]

    @property
    def size(self) -> int:
        """Number of processes."""
        return len(self.devices)

    def start(self, setup: bytes) -> None:
        """Start all processes; see ``Crew``."""
        self._setup = setup
        for worker in range(self.size):
            self.restart(worker)

    def restart(self, worker: int) -> None:
        """Start a process; see ``Crew``."""
        ours, theirs = self._context.Pipe()
        arguments = theirs, self._setup, self.devices[worker], self.threads
        process = self._context.Process(target=_run, args=arguments, name=f"worker {worker}", daemon=True)
        process.start()
        theirs.close()  # so that the end of the process closes the connection
        self._running[worker] = process, ours

    def submit(self, worker: int, work: bytes) -> None:
        """Send a chunk to a process; see ``Crew``.

        Args:
            worker: number of the process.
            work: the chunk.
        """
        with suppress(OSError):  # the process has ended: its connection is readable, and ``wait`` returns its end
            self._running[worker][1].send_bytes(work)

    def wait(self, seconds: float) -> Sequence[WorkerEvent]:
        """What the processes did; see ``Crew``."""
        connections = {connection: worker for worker, (_, connection) in self._running.items()}
        return [self._event(connections[ready]) for ready in wait(list(connections), seconds)]  # type: ignore[index]

    def _event(self, worker: int) -> WorkerEvent:
        process, connection = self._running[worker]
        try:
            return WorkerEvent(worker, connection.recv_bytes())
        except (EOFError, OSError):
            connection.close()
            process.join()
            del self._running[worker]
            return WorkerEvent(worker, None, _cause(process.exitcode))

    def close(self) -> None:
        """Kill all processes: their chunks are lost."""
        for process, _ in self._running.values():
            process.kill()
        for process, connection in self._running.values():
            connection.close()
            process.join()
        self._running = {}


def _cause(code: int | None) -> str:
    """Why a process ended, by its exit code."""
    if code is None or code >= 0:
        return f"it exited with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return f"it was ended by {name}" + (", perhaps for lack of memory" if name == "SIGKILL" else "")


def _run(connection: Connection, setup: bytes, device: str, threads: int) -> None:
    """The loop of a process: chunks in, answers out, until the driver closes the connection or ends."""
    from ..garbage import collect_rarely
    from ..memory import keep_freed_memory
    from ..orphans import follow_parent
    from .work import Worker, limit_threads

    follow_parent()
    keep_freed_memory()
    limit_threads(threads)
    worker = Worker(setup, device)
    collect_rarely()
    connection.send_bytes(READY)
    try:
        while True:
            connection.send_bytes(worker.solve(connection.recv_bytes()))
    except (EOFError, OSError):
        return
