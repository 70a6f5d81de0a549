"""A crew of Ray actors: one for each GPU of a cluster, or for every few cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from ..errors import MullError
from ..garbage import collect_rarely
from .cluster import connect, ray_module
from .crew import WorkerEvent
from .work import Worker

PACKAGE = "mull-solver"
"""Every host of the cluster must have the same version of it."""


class Actor:
    """The solver of one Ray actor, ready for chunks.

    Args:
        setup: as ``packed_setup`` returned it.
        device: ``cpu`` or ``cuda``; Ray shows an actor only its own GPU.
        threads: that it may use.
        expected: the driver's version of mull.

    Raises:
        MullError: this host has another version of mull.
    """

    def __init__(self, setup: bytes, device: str, threads: int, expected: str) -> None:
        if version(PACKAGE) != expected:
            raise MullError(f"{os.uname().nodename} has mull {version(PACKAGE)}, the driver has {expected}")
        self.worker = Worker(setup, device, threads)
        collect_rarely()

    def ready(self) -> bytes:
        """Nothing, once the actor has started."""
        return b""

    def solve(self, data: bytes) -> bytes:
        """The packed answers of a chunk; see ``Worker.solve``.

        Args:
            data: as ``packed_work`` returned it.
        """
        return self.worker.solve(data)


class RayCrew:
    """Ray actors, one for each GPU of a cluster or for every ``cores`` cores.

    Ray may be initialised already. Otherwise this connects to a cluster, or starts one on this host.

    Args:
        address: ``ray://HOST:PORT`` of the client server of a cluster, which this host need not belong to. None is the
            cluster that ``RAY_ADDRESS`` names or that runs on this host; if there is none, one of all cores of this
            host is started.
        device: ``cpu``, ``cuda``, or ``auto``: GPUs if the cluster has any.
        cores: of each actor.

    Raises:
        MullError: Ray is not installed, the cluster cannot be reached, or it has no such device.

    Example:
        >>> crew = RayCrew("ray://head:10001")
        >>> solve(problems, solver, Task(device=crew.device), fleet=Fleet(crew))
    """

    def __init__(self, address: str | None = None, device: str = "auto", cores: int = 1) -> None:
        self._ray = ray_module(address)
        self._started = not self._ray.is_initialized()
        if self._started:
            connect(self._ray, address)
        resources = self._ray.cluster_resources()
        gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
        self.device = ("cuda" if gpus else "cpu") if device == "auto" else device
        self.size = gpus if self.device == "cuda" else cpus // cores
        self.cores = cores
        self._actors: dict[int, Any] = {}
        self._calls: dict[Any, int] = {}  # calls that have not returned yet
        self._class: Any = None
        self._arguments: tuple[Any, ...] = ()
        if not self.size:
            self.close()
            what = "no GPU" if self.device == "cuda" else f"{cpus} cores, fewer than an actor needs ({cores})"
            raise MullError(f"the Ray cluster has {what}", "use --device cpu, or fewer --cores; see ray status")

    def __str__(self) -> str:
        return f"{self.size} Ray actors ({self.device})"

    def start(self, setup: bytes) -> None:
        """Start all actors; see ``Crew``."""
        resources = {"num_gpus": 1, "num_cpus": self.cores} if self.device == "cuda" else {"num_cpus": self.cores}
        # No restarts by Ray: the driver counts how many actors a chunk has ended.
        self._class = self._ray.remote(Actor).options(max_restarts=0, **resources)
        self._arguments = self._ray.put(setup), self.device, self.cores, version(PACKAGE)
        for worker in range(self.size):
            self.restart(worker)

    def restart(self, worker: int) -> None:
        """Start an actor; see ``Crew``."""
        actor = self._actors[worker] = self._class.remote(*self._arguments)
        self._calls[actor.ready.remote()] = worker

    def submit(self, worker: int, work: bytes) -> None:
        """Send a chunk to an actor; see ``Crew``.

        Args:
            worker: number of the actor.
            work: the chunk.

        Raises:
            MullError: the connection to the cluster was lost.
        """
        try:
            self._calls[self._actors[worker].solve.remote(work)] = worker
        except ConnectionError as error:
            raise _lost(error) from None

    def wait(self, seconds: float) -> Sequence[WorkerEvent]:
        """What the actors did; see ``Crew``.

        Args:
            seconds: to wait at most.

        Raises:
            MullError: the connection to the cluster was lost.
        """
        calls = list(self._calls)
        try:
            if not calls or not self._ray.wait(calls, num_returns=1, timeout=seconds)[0]:
                return []
            ready, _ = self._ray.wait(calls, num_returns=len(calls), timeout=0)
            return [self._event(call, self._calls.pop(call)) for call in ready]
        except ConnectionError as error:
            self._calls = {}
            raise _lost(error) from None

    def _event(self, call: Any, worker: int) -> WorkerEvent:
        try:
            return WorkerEvent(worker, self._ray.get(call))
        except self._ray.exceptions.RayError as error:
            self._ray.kill(self._actors.pop(worker))  # after an error that the solver raised, the actor is still there
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            # Of a traceback the last line is the cause; of a lost actor, the line after its name and place.
            cause = next((line for line in lines if "is dead" in line), lines[-1] if lines else type(error).__name__)
            return WorkerEvent(worker, None, cause[:300])

    def close(self) -> None:
        """Kill all actors, and leave the cluster if this object connected to it."""
        with suppress(ConnectionError):  # a cluster that is lost ends the actors of this driver itself
            for actor in self._actors.values():
                self._ray.kill(actor)
        self._actors, self._calls = {}, {}
        if self._started:
            self._ray.shutdown()
            self._started = False


def _lost(error: ConnectionError) -> MullError:
    """The error of a driver whose cluster does not answer."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    hint = "the answers so far are kept; --skip-solved leaves them out when the same line runs again"
    return MullError(f"the connection to Ray was lost: {reason[:300]}", hint)
